//! What an import took and what it did not.

use std::collections::BTreeMap;
use std::fmt;

use super::ingest::Fate;

/// Names listed for each reason; more are counted.
const NAMES_SHOWN: usize = 10;

/// Counts and reasons of an import.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Report {
    taken: u64,
    already_there: u64,
    conflicts: u64,
    skipped: BTreeMap<String, Names>,
    failed: BTreeMap<String, Names>,
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

    fn merge(&mut self, other: Self) {
        self.count += other.count;
        self.first.extend(other.first);
        self.first.truncate(NAMES_SHOWN);
    }
}

impl Report {
    /// Counts one file.
    pub fn add(&mut self, name: String, fate: Fate) {
        match fate {
            Fate::Taken => self.taken += 1,
            Fate::AlreadyThere => self.already_there += 1,
            Fate::Conflict => self.conflicts += 1,
            Fate::Skipped(reason) => self.skipped.entry(reason).or_default().add(name),
            Fate::Failed(reason) => self.failed.entry(reason).or_default().add(name),
        }
    }

    /// Adds the counts of another part of the same import.
    pub fn merge(&mut self, other: Self) {
        self.taken += other.taken;
        self.already_there += other.already_there;
        self.conflicts += other.conflicts;
        for (reason, names) in other.skipped {
            self.skipped.entry(reason).or_default().merge(names);
        }
        for (reason, names) in other.failed {
            self.failed.entry(reason).or_default().merge(names);
        }
    }

    /// Files that are DICOM and could not be taken, or that could not be read.
    pub fn failed(&self) -> u64 {
        self.failed.values().map(|names| names.count).sum()
    }

    /// Whether anything failed.
    pub fn has_failures(&self) -> bool {
        !self.failed.is_empty()
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
        writeln!(
            f,
            "skipped              {:>8}",
            self.skipped.values().map(|names| names.count).sum::<u64>()
        )?;
        writeln!(f, "failed               {:>8}", self.failed())?;
        for (heading, reasons) in [("skipped", &self.skipped), ("failed", &self.failed)] {
            for (reason, names) in reasons {
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
    use super::*;

    #[test]
    fn counts_survive_merging_and_names_stay_few() {
        let mut whole = Report::default();
        for part in 0..3 {
            let mut report = Report::default();
            report.add("a".into(), Fate::Taken);
            for n in 0..20 {
                report.add(format!("{part}/{n}"), Fate::Failed("no UIDs".into()));
            }
            report.add("readme".into(), Fate::Skipped("not DICOM".into()));
            whole.merge(report);
        }
        assert_eq!((whole.taken, whole.failed(), whole.has_failures()), (3, 60, true));
        let text = whole.to_string();
        assert!(text.contains("and 50 more"), "{text}");
        assert!(text.contains("failed, 60: no UIDs"), "{text}");
    }
}
