//! What the kernel of this machine says of the processes that it killed for want of memory.
//!
//! Invariant: reads `/proc`, which everybody may; blocks no longer than that takes.

use super::offload;

/// How many it has killed since it started; `is_local` is whether the daemon runs on this machine. Off the
/// loop.
pub(super) async fn oom_kills(is_local: bool) -> Option<u64> {
    if is_local { offload::look(counted).await? } else { None }
}

/// `oom_kill` of `/proc/vmstat`, which everybody may read.
fn counted() -> Option<u64> {
    count(&std::fs::read_to_string("/proc/vmstat").ok()?, "oom_kill")
}

/// Since when it has killed none, milliseconds since 1970; `None` where it has, or does not say it.
pub(super) fn calm_since_ms() -> Option<i64> {
    if counted()? > 0 {
        return None;
    }
    let started_s = count(&std::fs::read_to_string("/proc/stat").ok()?, "btime")?;
    i64::try_from(started_s).ok()?.checked_mul(1_000)
}

/// The number behind a word at the beginning of a line.
fn count(text: &str, word: &str) -> Option<u64> {
    let number = text.lines().find_map(|line| line.strip_prefix(word)?.strip_prefix(' '))?;
    number.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_is_that_of_the_whole_word() {
        let vmstat = "oom_kill_x 3\nnr_oom_kill 4\noom_kill 2\n";
        assert_eq!(count(vmstat, "oom_kill"), Some(2));
        assert_eq!(count("oom_kills 2\n", "oom_kill"), None);
        assert_eq!(count("oom_kill\n", "oom_kill"), None);
    }
}
