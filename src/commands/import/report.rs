//! What an import took and what it did not.

use std::collections::BTreeMap;
use std::fmt;

use storage::intake::Counts;

use super::ingest::Fate;

/// Names listed for each reason; more are counted.
const NAMES_SHOWN: usize = 10;
/// Reasons told apart; a disk that fails has another for every file.
const REASONS_SHOWN: usize = 100;
const OTHER_REASONS: &str = "other reasons";

/// Counts and reasons of an import.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Report {
    taken: u64,
    already_there: u64,
    conflicts: u64,
    skipped: Reasons,
    failed: Reasons,
}

/// Files by what became of them.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
struct Reasons(BTreeMap<String, Names>);

impl Reasons {
    fn of(&mut self, reason: String) -> &mut Names {
        let is_told = self.0.len() < REASONS_SHOWN || self.0.contains_key(&reason);
        self.0.entry(if is_told { reason } else { OTHER_REASONS.to_owned() }).or_default()
    }

    fn count(&self) -> u64 {
        self.0.values().map(|names| names.count).sum()
    }
}

#[derive(Debug, Default, Clone, PartialEq, Eq)]
struct Names {
    count: u64,
    first: Vec<String>,
}

impl Names {
    fn add(&mut self, name: String) {
        self.count += 1;
        if self.first.len() < NAMES_SHOWN {
            self.first.push(name);
        }
    }
}

impl Report {
    /// Counts one file.
    pub fn add(&mut self, name: String, fate: Fate) {
        match fate {
            Fate::Taken => self.taken += 1,
            Fate::AlreadyThere => self.already_there += 1,
            Fate::Conflict => self.conflicts += 1,
            Fate::Skipped(reason) => self.skipped.of(reason.detail).add(name),
            Fate::Failed(reason) => self.failed.of(reason.detail).add(name),
        }
    }

    /// A report of all runs of an import, to which what was not taken is still to be added.
    pub fn of(counts: &Counts) -> Self {
        Self {
            taken: counts.taken,
            already_there: counts.present,
            conflicts: counts.conflicts,
            ..Self::default()
        }
    }

    /// Files that are DICOM and could not be taken, or that could not be read.
    pub fn failed(&self) -> u64 {
        self.failed.count()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "taken                {:>8}", self.taken)?;
        writeln!(f, "already there        {:>8}", self.already_there)?;
        if self.conflicts > 0 {
            writeln!(
                f,
                "kept beside another  {:>8}  (same SOP Instance UID, other content; the first is served)",
                self.conflicts
            )?;
        }
        writeln!(f, "skipped              {:>8}", self.skipped.count())?;
        writeln!(f, "failed               {:>8}", self.failed())?;
        for (heading, reasons) in [("skipped", &self.skipped), ("failed", &self.failed)] {
            for (reason, names) in &reasons.0 {
                writeln!(f, "\n{heading}, {}: {reason}", names.count)?;
                for name in &names.first {
                    writeln!(f, "  {name}")?;
                }
                let unnamed = names.count.saturating_sub(names.first.len() as u64);
                if unnamed > 0 {
                    writeln!(f, "  and {unnamed} more")?;
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use storage::intake::NotTaken;

    use super::*;

    #[test]
    fn counts_are_whole_and_names_stay_few() {
        let mut whole = Report::of(&Counts { taken: 3, ..Counts::default() });
        for n in 0..60 {
            whole.add(format!("{n}"), Fate::Failed(NotTaken::NoUids.because("no UIDs")));
        }
        whole.add("readme".into(), Fate::Skipped(NotTaken::NotDicom.because("not DICOM")));
        assert_eq!((whole.taken, whole.failed()), (3, 60));
        let text = whole.to_string();
        assert!(text.contains("and 50 more"), "{text}");
        assert!(text.contains("failed, 60: no UIDs"), "{text}");
    }

    #[test]
    fn a_reason_of_its_own_for_every_file_stays_a_short_list() {
        let mut whole = Report::default();
        for n in 0..1500 {
            whole.add("a".into(), Fate::Failed(NotTaken::Damaged.because(format_args!("broken at {n}"))));
        }
        assert_eq!(whole.failed(), 1500);
        assert!(whole.to_string().lines().count() < 5 * REASONS_SHOWN, "{whole}");
        assert!(whole.to_string().contains(OTHER_REASONS), "{whole}");
    }
}
