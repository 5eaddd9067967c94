//! CPU and memory of a process as text.

use super::roles::Role;
use super::text;
use crate::model::fleet::Process;

/// Memory from so many percent of its limit on may need a look.
const WARN_FROM: f64 = 85.0;
/// From so many on, a restart is near.
const BAD_FROM: f64 = 95.0;

/// CPU and memory of a process as text.
pub(super) struct Figures {
    /// Percent of one core; `-` where it was not measured.
    pub(super) cpu: String,
    /// How that looks: what is zero or was not measured stands back.
    pub(super) cpu_role: Role,
    /// With its limit where that is close: `112/120M`. A `!` says it where that has no room.
    pub(super) memory: String,
    /// How the memory looks.
    pub(super) memory_role: Role,
    /// Percent of its limit, where it has one and was measured.
    pub(super) limit_percent: Option<f64>,
}

impl Figures {
    /// For a column of its usual width, or the short form.
    pub(super) fn of(process: &Process, is_short: bool) -> Self {
        let percent = if is_short { text::percent_short } else { text::percent };
        let cpu = process.figures.cpu_percent();
        let memory = process.figures.memory_bytes();
        let limit = process.info.memory_limit_bytes.filter(|_| process.is_near_limit());
        let text = match (memory, limit) {
            (None, _) => "-".to_owned(),
            (Some(memory), Some(_)) if is_short => format!("{}!", text::bytes_short(memory)),
            (Some(memory), Some(limit)) => of_limit(memory, limit),
            (Some(memory), None) if is_short => text::bytes_short(memory),
            (Some(memory), None) => text::bytes(memory),
        };
        let limit_percent = memory
            .zip(process.info.memory_limit_bytes.filter(|limit| *limit > 0))
            .map(|(memory, limit)| memory as f64 / limit as f64 * 100.0);
        Self {
            cpu_role: match cpu {
                Some(percent) if percent >= 0.05 => Role::Text,
                Some(_) | None => Role::Quiet,
            },
            cpu: cpu.map_or_else(|| "-".to_owned(), percent),
            memory: text,
            memory_role: match (memory, limit_percent) {
                (_, Some(BAD_FROM..)) => Role::Bad,
                (_, Some(WARN_FROM..)) => Role::Warn,
                (Some(_), _) => Role::Text,
                (None, _) => Role::Quiet,
            },
            limit_percent,
        }
    }
}

/// Memory and its limit in one unit: `112/120M`, `1.9/2.0G`.
pub(super) fn of_limit(memory: u64, limit: u64) -> String {
    const MIB: f64 = 1024.0 * 1024.0;
    let in_mib = limit as f64 / MIB;
    if in_mib < 10.0 {
        return format!("{:.1}/{in_mib:.1}M", memory as f64 / MIB);
    }
    if in_mib < 10_000.0 {
        return format!("{:.0}/{in_mib:.0}M", memory as f64 / MIB);
    }
    let gib = 1024.0 * MIB;
    format!("{:.1}/{:.1}G", memory as f64 / gib, limit as f64 / gib)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_stands_beside_the_memory() {
        const MIB: u64 = 1 << 20;
        for (memory, limit, text) in [
            (112 * MIB, 120 * MIB, "112/120M"),
            (1_990 * MIB, 2_048 * MIB, "1990/2048M"),
            (19 * 1024 * MIB, 20 * 1024 * MIB, "19.0/20.0G"),
            (MIB, MIB, "1.0/1.0M"),
        ] {
            assert_eq!(of_limit(memory, limit), text);
        }
    }
}
