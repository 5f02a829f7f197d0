//! What an association did, for the one line in the log that tells of it.

use std::collections::BTreeMap;

use pacs_core::why::Why;
use tokio::time::Instant;

use crate::dimse::{CommandField, Status};
use crate::refused::Reason;

/// Counts of an association.
#[derive(Debug)]
pub struct Tally {
    began: Instant,
    done: BTreeMap<&'static str, u64>,
    failed: u64,
    last_failure: Option<(CommandField, Status, String)>,
}

impl Tally {
    /// Begins to count.
    pub fn begin() -> Self {
        Self { began: Instant::now(), done: BTreeMap::new(), failed: 0, last_failure: None }
    }

    /// Counts an operation by its final status.
    pub fn operation(&mut self, field: CommandField, status: Status, comment: &str) {
        *self.done.entry(field.as_str()).or_default() += 1;
        let outcome = if status.is_failure() { "failed" } else { "done" };
        metrics::counter!("sen_dimse_operations_total", "operation" => field.as_str(), "outcome" => outcome)
            .increment(1);
        self.failed += u64::from(status.is_failure());
        // A retrieval of which a part failed ends with a warning.
        if status.is_failure() || status.is_warning() {
            self.last_failure = Some((field, status, comment.to_owned()));
        }
    }

    /// Counts instances sent as sub-operations of a retrieval.
    pub fn sent(&mut self, instances: u64) {
        *self.done.entry("sent").or_default() += instances;
    }

    /// Milliseconds since it began.
    pub fn elapsed_ms(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Operations by kind, as `c-echo=1 c-store=20`.
    pub fn operations(&self) -> String {
        let counts: Vec<String> = self.done.iter().map(|(what, count)| format!("{what}={count}")).collect();
        counts.join(" ")
    }

    /// How many operations failed.
    pub fn failed(&self) -> u64 {
        self.failed
    }

    /// The last operation that failed, as a whole or in part: `operation`, and its status.
    pub fn last_failure(&self) -> Option<Why> {
        let (field, status, comment) = self.last_failure.as_ref()?;
        let why = Reason::Operation.because(format!("{status} {comment}").trim_end());
        Some(why.with("operation", field.as_str().to_uppercase()).answered(status.0))
    }
}
