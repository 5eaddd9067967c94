//! CPU and memory of a process as text.

use super::text;
use super::theme::Tone;
use crate::model::fleet::Process;

/// CPU and memory of a process as text.
pub(super) struct Figures {
    /// Percent of one core; `-` where it was not measured.
    pub(super) cpu: String,
    /// With its limit where that is close: `112/120M`. A `!` says it where that has no room.
    pub(super) memory: String,
    /// How the memory looks.
    pub(super) memory_tone: Tone,
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
        Self {
            cpu: cpu.map_or_else(|| "-".to_owned(), percent),
            memory: text,
            memory_tone: if limit.is_some() { Tone::Warning } else { Tone::Plain },
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
