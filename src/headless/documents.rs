//! `completions` and `man`: what the definition of the command line says, in other forms.

use std::io::Write;

use clap::CommandFactory;
use clap_complete::Shell as Target;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};

use super::failure::{Code, Failure};
use crate::cli::{Cli, EXIT_CODES, NOTES, Shell};

/// Prints the completions for a shell.
pub(super) fn completions(shell: Shell, out: &mut impl Write) -> Result<Code, Failure> {
    let shell = match shell {
        Shell::Bash => Target::Bash,
        Shell::Elvish => Target::Elvish,
        Shell::Fish => Target::Fish,
        Shell::Powershell => Target::PowerShell,
        Shell::Zsh => Target::Zsh,
    };
    // Made in memory: the generator panics where it cannot write.
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "pm2-tui", &mut text);
    let mut text = String::from_utf8_lossy(&text).into_owned();
    match shell {
        // clap_complete 4.6 escapes a dash in the program's name in two ways, and then finds no
        // command (clap issue 6421).
        Target::Bash => text = text.replace("pm2__subcmd__tui__subcmd__", "pm2__tui__subcmd__"),
        // It takes the word before a command for the home, and there is never one.
        Target::Zsh => {
            let lines = text.lines().filter(|line| !line.starts_with("'::homes --"));
            text = lines.flat_map(|line| [line, "\n"]).collect();
            text = text
                .replace("$line[2]", "$line[1]")
                .replace("\":: :_pm2-tui_commands\"", "\":: :{_pm2-tui_commands || _files -/}\"");
        }
        _ => {}
    }
    out.write_all(text.as_bytes())?;
    Ok(Code::Fine)
}

/// Prints the man page: the program's, with the commands and their own options in it.
pub(super) fn man(out: &mut impl Write) -> Result<Code, Failure> {
    let mut command = Cli::command();
    command.build();
    let page = Man::new(command.clone());
    page.render_title(out)?;
    page.render_name_section(out)?;
    let mut text = Roff::new();
    text.control("SH", ["SYNOPSIS"]);
    text.text([bold("pm2-tui"), roman(" [OPTIONS] [PM2_HOME]...")]);
    text.control("br", []);
    text.text([bold("pm2-tui"), roman(" [OPTIONS] COMMAND")]);
    text.control("SH", ["DESCRIPTION"]);
    for paragraph in NOTES.split("\n\n") {
        text.control("PP", []);
        text.text([roman(paragraph)]);
    }
    text.to_writer(out)?;
    writeln!(out, ".SH COMMANDS")?;
    for sub in command.get_subcommands().filter(|sub| sub.get_name() != "help") {
        about(sub, out)?;
    }
    page.render_options_section(out)?;
    Roff::new().control("SH", ["EXIT STATUS"]).text([roman(EXIT_CODES)]).to_writer(out)?;
    page.render_version_section(out)?;
    Ok(Code::Fine)
}

/// A command: how it is written, what it does, and the options that only it has.
fn about(command: &clap::Command, out: &mut impl Write) -> Result<(), Failure> {
    // The others stand once, for the program.
    let own = command.clone().mut_args(|arg| {
        let is_everywhere = arg.get_help_heading().is_some() || arg.get_id() == "help";
        arg.hide(is_everywhere)
    });
    let usage = own.clone().render_usage().to_string();
    let usage = usage.trim_start_matches("Usage: ");
    Roff::new().control("SS", [usage]).to_writer(out)?;
    let page = Man::new(own);
    for render in [Man::render_description_section, Man::render_options_section] {
        let mut section = Vec::new();
        render(&page, &mut section)?;
        // Under the command's heading it needs none of its own.
        let section = String::from_utf8_lossy(&section);
        for line in section.lines().filter(|line| !line.starts_with(".SH")) {
            writeln!(out, "{line}")?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shell_and_the_man_page_name_every_command() {
        let mut texts = Vec::new();
        for shell in [Shell::Bash, Shell::Elvish, Shell::Fish, Shell::Powershell, Shell::Zsh] {
            let mut text = Vec::new();
            completions(shell, &mut text).unwrap();
            texts.push(String::from_utf8(text).unwrap());
        }
        let mut text = Vec::new();
        man(&mut text).unwrap();
        texts.push(String::from_utf8(text).unwrap());
        let zsh = &texts[4];
        assert!(zsh.contains("$line[1]") && !zsh.contains("$line[2]"), "{zsh}");
        assert!(zsh.contains("_files -/}") && !zsh.contains("'::homes"), "{zsh}");
        let man = texts.last().unwrap();
        assert!(!man.contains("(1)") && !man.contains("EXTRA"), "no page but this: {man}");
        for option in ["max\\-restarts", "strict", "frame\\-mib", "log\\-lines"] {
            let count = man.matches(&format!("\\fB\\-\\-{option}\\fR")).count();
            assert_eq!(count, 1, "{option}: {man}");
        }
        let place = |text: &str| man.find(text).unwrap_or_else(|| panic!("{text}: {man}"));
        assert!(place(".SS \"pm2-tui check ") < place("max\\-restarts"));
        assert!(
            place(".SH COMMANDS") < place(".SH OPTIONS") && man.contains(".SH \"EXIT STATUS\"")
        );
        for text in texts {
            for command in Cli::command().get_subcommands() {
                assert!(text.contains(command.get_name()), "{}: {text}", command.get_name());
            }
        }
    }
}
