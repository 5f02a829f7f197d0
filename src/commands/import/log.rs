//! How far an import is, durably: what stands before the position is done with, whatever happens.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use storage::Archive;
use storage::intake::{self, Counts, Failure, IntakeId};

use super::ingest::Fate;
use super::report::Report;
use super::source::Place;

/// Files after which, and the time after which, the position is noted at the latest.
const NOTE_AFTER: u64 = 500;
const NOTE_EVERY: Duration = Duration::from_millis(500);

/// What became of one entry of the walk.
#[derive(Debug)]
pub struct Looked {
    /// Which of the walk, counted from 0.
    pub number: u64,
    /// Where the walk is with it, when that is further than before.
    pub place: Option<Place>,
    /// How it is called.
    pub name: String,
    /// What became of it.
    pub fate: Fate,
    /// Bytes read.
    pub bytes: u64,
}

/// Files are taken several at a time and end in any order; they are counted in the order of the walk.
pub struct Log {
    archive: Archive,
    id: IntakeId,
    next: u64,
    ahead: BTreeMap<u64, Looked>,
    place: Option<Place>,
    counts: Counts,
    failures: Vec<Failure>,
    since_noted: u64,
    noted: Instant,
    /// What this run came to.
    pub report: Report,
}

impl Log {
    /// That of an intake that has begun.
    pub fn new(archive: &Archive, id: IntakeId) -> Self {
        Self {
            archive: archive.clone(),
            id,
            next: 0,
            ahead: BTreeMap::new(),
            place: None,
            counts: Counts::default(),
            failures: Vec::new(),
            since_noted: 0,
            noted: Instant::now(),
            report: Report::default(),
        }
    }

    /// Takes in what became of a file. [`storage::Error::Conflict`] when somebody has stopped the import.
    pub async fn looked(&mut self, looked: Looked) -> storage::Result<()> {
        self.ahead.insert(looked.number, looked);
        while let Some(looked) = self.ahead.remove(&self.next) {
            self.next += 1;
            self.since_noted += 1;
            self.counts.bytes = self.counts.bytes.saturating_add(looked.bytes);
            self.count(looked.name, looked.fate);
            self.place = looked.place.or(self.place.take());
        }
        if self.since_noted >= NOTE_AFTER || (self.since_noted > 0 && self.noted.elapsed() >= NOTE_EVERY) {
            self.note().await?;
        }
        Ok(())
    }

    fn count(&mut self, name: String, fate: Fate) {
        let (skipped, reason) = match &fate {
            Fate::Taken => {
                self.counts.taken += 1;
                (false, None)
            }
            Fate::AlreadyThere => {
                self.counts.present += 1;
                (false, None)
            }
            Fate::Conflict => {
                self.counts.conflicts += 1;
                (false, None)
            }
            Fate::Skipped(reason) => {
                self.counts.skipped += 1;
                (true, Some(reason.clone()))
            }
            Fate::Failed(reason) => {
                self.counts.failed += 1;
                (false, Some(reason.clone()))
            }
        };
        self.failures.extend(reason.map(|reason| Failure { name: name.clone(), skipped, reason }));
        self.report.add(name, fate);
    }

    /// Notes what is done with so far.
    pub async fn note(&mut self) -> storage::Result<()> {
        if self.since_noted == 0 {
            return Ok(());
        }
        let position = self.place.as_ref().map(ToString::to_string);
        let config = self.archive.config();
        let (database, now_ms) = (self.archive.database(), config.clock.now_ms());
        intake::advance(database, self.id, position.as_deref(), &self.counts, &self.failures, now_ms).await?;
        (self.counts, self.since_noted, self.noted) = (Counts::default(), 0, Instant::now());
        self.failures.clear();
        Ok(())
    }
}
