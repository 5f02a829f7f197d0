//! Counting, timing and the table at the end, in Markdown: as `docs/BENCHMARKS.md` has it.

use std::time::{Duration, Instant};

use crate::{commands, telemetry};

/// What one worker measured; workers are merged at the end.
#[derive(Debug, Default, Clone)]
pub struct Measurement {
    latencies: Vec<Duration>,
    bytes: u64,
    failures: u64,
}

impl Measurement {
    /// Notes one thing done.
    pub fn done(&mut self, took: Duration, bytes: u64) {
        self.latencies.push(took);
        self.bytes += bytes;
    }

    /// Notes one thing that failed.
    pub fn failed(&mut self) {
        self.failures += 1;
    }

    /// Adds another worker's measurement.
    pub fn merge(&mut self, other: Self) {
        self.latencies.extend(other.latencies);
        self.bytes += other.bytes;
        self.failures += other.failures;
    }

    /// Things that failed.
    pub fn failures(&self) -> u64 {
        self.failures
    }

    /// Things done.
    pub fn count(&self) -> usize {
        self.latencies.len()
    }

    /// Bytes of one thing, on average.
    pub fn bytes_each(&self) -> u64 {
        self.bytes / (self.latencies.len() as u64).max(1)
    }

    /// How many a second.
    pub fn rate(&self, elapsed: Duration) -> f64 {
        self.latencies.len() as f64 / elapsed.as_secs_f64().max(f64::EPSILON)
    }

    /// The least time that so large a share of them did not exceed.
    pub fn at(&mut self, share: f64) -> String {
        self.latencies.sort_unstable();
        let rank = (self.latencies.len() as f64 * share).ceil() as usize;
        let found = self.latencies.get(rank.saturating_sub(1));
        found.map_or_else(|| "-".to_owned(), |took| format!("{:.2} ms", took.as_secs_f64() * 1000.0))
    }

    /// A row of the table: what, how many, how fast, how long each took.
    pub fn row(mut self, what: &str, unit: &str, elapsed: Duration) -> Vec<String> {
        let seconds = elapsed.as_secs_f64().max(f64::EPSILON);
        vec![
            what.to_owned(),
            self.latencies.len().to_string(),
            self.failures.to_string(),
            format!("{:.2} s", elapsed.as_secs_f64()),
            format!("{:.0} {unit}/s", self.latencies.len() as f64 / seconds),
            format!("{:.1} MB/s", self.bytes as f64 / 1e6 / seconds),
            self.at(0.5),
            self.at(0.95),
            self.at(1.0),
        ]
    }
}

/// Prints rows of [`Measurement::row`], and the memory of the server when it is known.
pub fn print(rows: &[Vec<String>], pid: Option<u32>) -> anyhow::Result<()> {
    print_under(&["work", "done", "failed", "time", "rate", "bytes", "median", "95 %", "slowest"], rows, pid)
}

/// Prints rows under headings of their own, and the memory of the server when it is known.
pub fn print_under(headings: &[&str], rows: &[Vec<String>], pid: Option<u32>) -> anyhow::Result<()> {
    let mut text = markdown(headings, rows);
    if let Some(pid) = pid {
        match telemetry::resident_bytes(pid) {
            Some(bytes) => {
                text.push_str(&format!("\nresident memory of process {pid}: {:.1} MB\n", bytes as f64 / 1e6))
            }
            None => text.push_str(&format!("\nresident memory of process {pid}: cannot be read\n")),
        }
    }
    commands::print(&text)
}

/// A table in Markdown. No cell has a `|`.
fn markdown(headings: &[&str], rows: &[Vec<String>]) -> String {
    let mut text = format!("| {} |\n|{}\n", headings.join(" | "), "---|".repeat(headings.len()));
    for row in rows {
        text.push_str(&format!("| {} |\n", row.join(" | ")));
    }
    text
}

/// A number with its thousands parted: `12,345`.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Times one thing.
pub async fn timed<T>(work: impl Future<Output = T>) -> (T, Duration) {
    let started = Instant::now();
    let done = work.await;
    (done, started.elapsed())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_has_rate_and_percentiles() {
        let mut one = Measurement::default();
        for ms in 1..=99 {
            one.done(Duration::from_millis(ms), 1_000_000);
        }
        let mut two = Measurement::default();
        two.done(Duration::from_millis(100), 1_000_000);
        two.failed();
        one.merge(two);
        let row = one.row("work", "images", Duration::from_secs(2));
        assert_eq!(
            row,
            ["work", "100", "1", "2.00 s", "50 images/s", "50.0 MB/s", "50.00 ms", "95.00 ms", "100.00 ms"]
        );
    }

    #[test]
    fn tables_can_be_pasted_into_documents() {
        let rows = [vec!["PatientID".to_owned(), grouped(1_234_567)], vec!["count".to_owned(), grouped(12)]];
        let table = markdown(&["work", "bytes"], &rows);
        assert_eq!(table, "| work | bytes |\n|---|---|\n| PatientID | 1,234,567 |\n| count | 12 |\n");
        assert_eq!([0, 999, 1000, 12_345].map(grouped), ["0", "999", "1,000", "12,345"]);
    }

    #[test]
    fn nothing_done_is_a_row_as_well() {
        let row = Measurement::default().row("work", "images", Duration::ZERO);
        assert_eq!(row[1], "0");
        assert_eq!(row[6], "-");
    }
}
