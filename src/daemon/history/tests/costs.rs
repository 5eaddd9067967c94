//! What it costs to read files backwards, by counts.

use super::super::*;

/// Lines are parts of what was read at once, and a line of many parts is put together once.
#[test]
fn what_is_read_is_not_copied_line_by_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.log");
    let read = |text: &str| {
        std::fs::write(&path, text).unwrap();
        let format = Format { declared: None, zone: TimeZone::UTC, is_err: false };
        let mut file = Backwards::open(&path, None, format).unwrap();
        let mut lines = 0;
        let cost = allocation_counter::measure(|| {
            while file.next().unwrap().is_some() {
                lines += 1;
            }
        });
        (lines, cost.count_total, cost.bytes_total)
    };
    let (lines, count, _) = read(&"GET /v1/orders of a customer\n".repeat(20_000));
    assert_eq!(lines, 20_000);
    assert!(count < 1_000, "{count} allocations");
    let (lines, _, bytes) = read(&"x".repeat(LINE_BYTES_MAX));
    assert_eq!(lines, 1);
    assert!(bytes < 4 * LINE_BYTES_MAX as u64, "{bytes} bytes");
}
