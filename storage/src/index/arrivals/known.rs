//! What is remembered of series and studies between batches, so that an instance of a known series
//! needs no search.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use pacs_core::attributes::PatientAttributes;
use pacs_core::reconciliation::Kind;

use super::ANNOUNCE_EVERY_MS;
use crate::index::facilities::Facility;
use crate::index::{SeriesId, StudyId};

/// More series than any hospital fills at once; beyond it memory begins anew.
const MOST_SERIES: usize = 8192;

#[derive(Debug, Default)]
pub(super) struct Known {
    /// Counts how often all was forgotten.
    generation: u64,
    /// What was received later is not deleted.
    deleted_until_ms: Option<i64>,
    /// Whether documents have rejected images that are still to come.
    awaits_rejected: bool,
    series: HashMap<String, KnownSeries>,
    studies: HashMap<StudyId, KnownStudy>,
    owed: BTreeSet<StudyId>,
    facilities: HashMap<String, Facility>,
}

/// A series by the UID that instances arrive with.
#[derive(Debug, Clone)]
pub(super) struct KnownSeries {
    pub id: SeriesId,
    /// The UID it is served under.
    pub uid: String,
    pub study: StudyId,
    /// The study UID that its instances arrive with when nothing is doubtful.
    pub sent_study_uid: String,
    /// Whether people have moved it to the study: what its instances say of the patient is no news.
    pub is_moved: bool,
}

#[derive(Debug, Clone)]
pub(super) struct KnownStudy {
    pub uid: String,
    pub facility: String,
    /// The patient as the study names them and, when that was corrected, as they were sent.
    pub patients: Vec<PatientAttributes>,
    /// Whether anything of the study was corrected: series that come to it obey.
    pub is_corrected: bool,
    pub modalities: BTreeSet<String>,
    pub sop_classes: BTreeSet<String>,
    pub step_id: Option<i64>,
    /// What was found of it that does not go together, and is written down.
    pub noted: HashSet<(Kind, String)>,
    /// When followers were last told of it.
    pub told_ms: i64,
}

/// What a committed batch adds.
#[derive(Debug, Default)]
pub(super) struct Learned {
    pub series: HashMap<String, KnownSeries>,
    pub studies: HashMap<StudyId, KnownStudy>,
    pub facilities: HashMap<String, Facility>,
    /// Studies whose followers are told by the batch's own events.
    pub told: BTreeSet<StudyId>,
    /// Studies that changed without their followers having been told.
    pub owed: BTreeSet<StudyId>,
}

impl Known {
    pub fn series(&self, uid: &str) -> Option<&KnownSeries> {
        self.series.get(uid)
    }

    pub fn study(&self, id: StudyId) -> Option<&KnownStudy> {
        self.studies.get(&id)
    }

    pub fn facility(&self, code: &str) -> Option<Facility> {
        self.facilities.get(code).cloned()
    }

    /// Changes when what is known is forgotten; read it before what is to be learned.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// Takes in what a batch found, unless that was forgotten meanwhile: then only which studies
    /// owe an event counts.
    pub fn learn(&mut self, mut learned: Learned, generation: u64) {
        if generation != self.generation {
            learned.series.clear();
            learned.facilities.clear();
            learned.studies.retain(|id, _| learned.owed.contains(id));
        }
        if self.series.len() + learned.series.len() > MOST_SERIES {
            self.series.clear();
            // Studies that still owe an event are needed to tell it.
            let owed = &self.owed;
            self.studies.retain(|id, _| owed.contains(id));
        }
        self.series.extend(learned.series);
        self.owed.retain(|id| !learned.told.contains(id));
        self.studies.extend(learned.studies);
        self.owed.extend(learned.owed);
        self.facilities.extend(learned.facilities);
    }

    /// The studies whose followers may be told now.
    pub fn take_owed(&mut self, now_ms: i64) -> BTreeMap<StudyId, KnownStudy> {
        let mut taken = BTreeMap::new();
        for id in &self.owed {
            if let Some(study) = self.studies.get_mut(id)
                && now_ms - study.told_ms >= ANNOUNCE_EVERY_MS
            {
                study.told_ms = now_ms;
                taken.insert(*id, study.clone());
            }
        }
        self.owed.retain(|id| !taken.contains_key(id));
        taken
    }

    /// Notes studies that could not be told of.
    pub fn owe(&mut self, studies: impl IntoIterator<Item = StudyId>) {
        self.owed.extend(studies);
    }

    /// Whether documents have rejected images that are still to come.
    pub fn awaits_rejected(&self) -> bool {
        self.awaits_rejected
    }

    /// Notes whether documents have rejected images that are still to come.
    pub fn await_rejected(&mut self, awaits: bool) {
        self.awaits_rejected = awaits;
    }

    /// Up to when what was received may be deleted.
    pub fn deleted_until_ms(&self) -> i64 {
        self.deleted_until_ms.unwrap_or(i64::MIN)
    }

    /// Forgets after a deletion of what was received up to that time.
    pub fn forget_deleted(&mut self, until_ms: i64) {
        self.deleted_until_ms = self.deleted_until_ms.max(Some(until_ms));
        self.forget();
    }

    /// Forgets everything but which studies owe an event.
    pub fn forget(&mut self) {
        self.generation += 1;
        self.series.clear();
        self.facilities.clear();
        let owed = &self.owed;
        self.studies.retain(|id, _| owed.contains(id));
    }
}
