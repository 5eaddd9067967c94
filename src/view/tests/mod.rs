//! Screens as text, and what holds of every screen.

mod boot;
mod details;
mod fleet;
mod log;
mod pointer;
mod properties;
mod rows;
mod said;
mod screens;
mod styles;
mod taking;

/// Checks the app's screen at one size or several.
macro_rules! check {
    ($app:expr, $theme:expr, $name:literal, $sizes:expr) => {
        for size in $sizes {
            let name = format!("{}_{}x{}", $name, size.0, size.1);
            let mut settings = insta::Settings::clone_current();
            settings.set_snapshot_path("../snapshots");
            settings.set_prepend_module_to_snapshot(false);
            settings.set_omit_expression(true);
            settings
                .bind(|| insta::assert_snapshot!(name, super::fleet::screen($app, $theme, size)));
        }
    };
}

use check;

/// The sizes that matter most.
const ALL: [(u16, u16); 3] = [(120, 40), (80, 24), (40, 10)];
