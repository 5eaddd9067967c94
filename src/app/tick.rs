//! When the screen changes by time alone.
//!
//! Invariant: no tick without a visible change: an idle program sleeps.

use super::inspection::Sheet;
use super::navigate;
use super::state::App;

const SECOND_MS: i64 = 1_000;
const MINUTE_MS: i64 = 60 * SECOND_MS;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const DAY_MS: i64 = 24 * HOUR_MS;

impl App {
    /// When the next [`super::message::Message::Clock`] is due, milliseconds by the steady clock;
    /// `None` while nothing on the screen counts time.
    #[must_use]
    pub fn next_tick_ms(&self) -> Option<i64> {
        let now_ms = self.now.steady_ms;
        let later = |at_ms: i64| (at_ms > now_ms).then_some(at_ms);
        let notice = self.notice.as_ref().map(|notice| notice.until_ms);
        let retries =
            self.watched.daemons.iter().filter_map(|daemon| countdown(now_ms, daemon.retry_at_ms?));
        let rows = navigate::own_rows_in_sight(self)
            .into_iter()
            .chain(self.sheet().map(Sheet::key))
            .filter_map(|key| Some((key, self.watched.fleet.get(key)?)))
            .flat_map(|(key, process)| {
                let restart = process.restarts_at_ms.and_then(|at_ms| countdown(now_ms, at_ms));
                // That of a daemon that is down stands still.
                let uptime_ms =
                    process.uptime_ms(now_ms).filter(|_| self.watched.is_live(key.daemon));
                let uptime = uptime_ms.map(|up_ms| whole_second(now_ms + until_next_uptime(up_ms)));
                let outcome = process.outcome.as_ref().and_then(|outcome| later(outcome.until_ms));
                [restart, uptime, outcome]
            })
            .flatten();
        let moves = self.table.moves_at_ms().filter(|at_ms| *at_ms > now_ms);
        let log = self.log_view.has_work().then_some(now_ms);
        notice.into_iter().chain(log).chain(moves).chain(retries).chain(rows).min()
    }
}

/// The next full second of a countdown to `until_ms`.
fn countdown(now_ms: i64, until_ms: i64) -> Option<i64> {
    let left = until_ms.saturating_sub(now_ms);
    (left > 0).then(|| now_ms + (left - 1).rem_euclid(SECOND_MS) + 1)
}

/// That moment or the next whole second after it: so all uptimes change in one frame, not each in its
/// own.
fn whole_second(at_ms: i64) -> i64 {
    at_ms.saturating_add(SECOND_MS - 1).div_euclid(SECOND_MS).saturating_mul(SECOND_MS)
}

/// How long until the uptime's text changes: each second in the first minute, each minute on the
/// first day, each hour from then on.
fn until_next_uptime(up_ms: i64) -> i64 {
    let step = match up_ms {
        ..MINUTE_MS => SECOND_MS,
        MINUTE_MS..DAY_MS => MINUTE_MS,
        _ => HOUR_MS,
    };
    step - up_ms.rem_euclid(step)
}
