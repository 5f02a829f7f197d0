//! What a batch changes in the rows of series and studies, and who is told of it.

use std::collections::BTreeSet;

use super::batch::Batch;
use super::doubts::Suspicion;
use super::known::KnownSeries;
use super::{ANNOUNCE_EVERY_MS, NewInstance};
use crate::Result;
use crate::corrections::series;
use crate::database::params;
use crate::events::{self, EventKind, NewEvent};
use crate::exams::ExamId;
use crate::exams::matching::{self, Arrived, Outcome};
use crate::index::discrepancies::Found;
use crate::index::place::Kept;
use crate::index::studies::{list, listed};
use crate::index::{SeriesId, StudyId};

/// What a batch does to a study.
#[derive(Default)]
pub(super) struct Growth {
    /// Set when the batch made the study: its first instance, for matching it to an order.
    pub made: Option<Arrived>,
    pub series: i64,
    pub instances: i64,
    pub conflicts: i64,
    /// When the last of the instances came.
    pub arrived_ms: i64,
    /// Whether it is doubtful whom it shows.
    pub doubt: bool,
    /// What does not go together.
    pub found: Vec<Found>,
    /// What instances of it contradict.
    pub suspected: Vec<Suspicion>,
    /// Modalities and SOP classes that the study row may not list yet.
    pub modalities: BTreeSet<String>,
    pub sop_classes: BTreeSet<String>,
    /// Whether an instance came that a device made, and not a document about images.
    pub imaged: bool,
    /// Whether something of it may be new in the list of what is to be reconciled.
    reconcile: bool,
}

/// What a batch does to a series.
pub(super) struct SeriesGrowth {
    study: StudyId,
    /// The UID it is served under, to see that the row is still this series'.
    uid: String,
    instances: i64,
    arrived_ms: i64,
    /// Whether any of the instances lies in the spool, to be settled.
    spooled: bool,
    /// The studies that they name.
    named: BTreeSet<String>,
}

/// What is told of a study.
struct Told {
    uid: String,
    facility: String,
    step_id: Option<i64>,
    exam_moved: bool,
    unmatched: bool,
    reconcile: bool,
}

impl Batch<'_> {
    /// Counts an instance to its series.
    pub fn grow_series(&mut self, series: &KnownSeries, instance: &NewInstance) {
        let growth = self.series_growth.entry(series.id).or_insert_with(|| SeriesGrowth {
            study: series.study,
            uid: series.uid.clone(),
            instances: 0,
            arrived_ms: 0,
            spooled: false,
            named: BTreeSet::new(),
        });
        growth.instances += 1;
        growth.arrived_ms = growth.arrived_ms.max(instance.received_ms);
        growth.spooled |= matches!(instance.place.kept, Kept::Segment(_));
        let named = instance.lifted.study.uid.as_str();
        if !growth.named.contains(named) {
            growth.named.insert(named.to_owned());
        }
    }

    /// Brings counts, revisions, lists and exams of the touched rows up to date and writes their
    /// events. `false` when a remembered row is another's now.
    pub async fn grow(&mut self) -> Result<bool> {
        for (id, growth) in std::mem::take(&mut self.series_growth) {
            let row = self
                .tx
                .fetch_optional(
                    "update series set instance_count = instance_count + $2, revision = revision + 1,
                         unsettled = case when $3 = 1 then 1 else unsettled end,
                         updated_ms = case when updated_ms < $4 then $4 else updated_ms end
                     where id = $1
                     returning study_id, uid, modality, instance_count, sent_study_uid, names_others",
                    params![id, growth.instances, growth.spooled, growth.arrived_ms],
                )
                .await?;
            let Some(row) = row else { return Ok(false) };
            if row.get::<i64>("study_id")? != growth.study.0 || row.get::<String>("uid")? != growth.uid {
                return Ok(false);
            }
            if !row.flag("names_others")? {
                self.note_names(id, &growth, row.get("sent_study_uid")?).await?;
            }
            if row.get::<i64>("instance_count")? == growth.instances {
                // Made just now, or all that it had is rejected: the study has one more to show.
                let study = self.growth.entry(growth.study).or_default();
                study.series += 1;
                study.modalities.extend(row.get::<Option<String>>("modality")?);
            }
        }
        let mut told = Vec::new();
        for (id, mut growth) in std::mem::take(&mut self.growth) {
            if growth.instances == 0 && growth.conflicts == 0 && growth.series == 0 {
                continue;
            }
            if !self.grow_study(id, &growth).await? {
                return Ok(false);
            }
            let (found, suspected) =
                (std::mem::take(&mut growth.found), std::mem::take(&mut growth.suspected));
            if !found.is_empty() || !suspected.is_empty() {
                self.note(id, found, &suspected).await?;
                growth.reconcile = true;
            }
            told.extend(self.match_study(id, growth).await?);
        }
        self.tell(&told).await?;
        Ok(true)
    }

    /// Of a series with instances that name another study than the one it was sent under all leave as it is filed.
    async fn note_names(
        &mut self,
        id: SeriesId,
        growth: &SeriesGrowth,
        sent_study: Option<String>,
    ) -> Result<()> {
        let filed = self.learned.studies.get(&growth.study).map(|study| study.uid.clone());
        let Some(expected) = sent_study.or(filed) else { return Ok(()) };
        if growth.named.iter().all(|named| *named == expected) {
            return Ok(());
        }
        series::names_others(&mut self.tx, id, true).await?;
        series::obey(&mut self.tx, id).await
    }

    async fn grow_study(&mut self, id: StudyId, growth: &Growth) -> Result<bool> {
        let row = self
            .tx
            .fetch_optional(
                "update study set series_count = series_count + $2, instance_count = instance_count + $3,
                     conflict_count = conflict_count + $4, revision = revision + 1,
                     updated_ms = case when updated_ms < $5 then $5 else updated_ms end
                 where id = $1 returning uid, modalities, sop_classes, step_id",
                params![id, growth.series, growth.instances, growth.conflicts, growth.arrived_ms],
            )
            .await?;
        let Some(row) = row else { return Ok(false) };
        let Some(study) = self.learned.studies.get_mut(&id) else { return Ok(false) };
        if row.get::<String>("uid")? != study.uid {
            return Ok(false);
        }
        study.step_id = row.get("step_id")?;
        if growth.modalities.is_subset(&study.modalities) && growth.sop_classes.is_subset(&study.sop_classes)
        {
            return Ok(true);
        }
        // The update above holds the row, so what it returned is what the lists are.
        study.modalities = listed(&row.get::<String>("modalities")?);
        study.sop_classes = listed(&row.get::<String>("sop_classes")?);
        study.modalities.extend(growth.modalities.iter().filter(|modality| !modality.is_empty()).cloned());
        study.sop_classes.extend(growth.sop_classes.iter().cloned());
        self.tx
            .execute(
                "update study set modalities = $2, sop_classes = $3 where id = $1",
                params![id, list(&study.modalities), list(&study.sop_classes)],
            )
            .await?;
        Ok(true)
    }

    /// Matches a new study to an order, or lets the images of a matched one move its exam. Answers
    /// what is to be told of it now; the rest is owed.
    async fn match_study(&mut self, id: StudyId, growth: Growth) -> Result<Option<Told>> {
        let Some(study) = self.learned.studies.get_mut(&id) else { return Ok(None) };
        let fulfilled = study.step_id;
        let outcome = match (&growth.made, fulfilled) {
            (Some(first), _) => Some(matching::on_arrival(&mut self.tx, first, growth.arrived_ms).await?),
            (None, Some(step)) if growth.imaged => {
                let known = (id, study.uid.as_str());
                Some(matching::on_images(&mut self.tx, known, ExamId(step), growth.arrived_ms).await?)
            }
            (None, _) => None,
        };
        let mut exam_moved = false;
        match outcome {
            Some(Outcome::Linked { step_id, moved }) => (study.step_id, exam_moved) = (Some(step_id), moved),
            // The exam of a study that had one has lost it.
            Some(Outcome::Unmatched) => (study.step_id, exam_moved) = (None, fulfilled.is_some()),
            None => {}
        }
        let is_quiet = growth.made.is_none() && !exam_moved && !growth.reconcile;
        if is_quiet && self.now_ms - study.told_ms < ANNOUNCE_EVERY_MS {
            self.learned.owed.insert(id);
            return Ok(None);
        }
        study.told_ms = self.now_ms;
        self.learned.told.insert(id);
        Ok(Some(Told {
            uid: study.uid.clone(),
            facility: study.facility.clone(),
            step_id: study.step_id.or(fulfilled),
            exam_moved,
            unmatched: matches!(outcome, Some(Outcome::Unmatched)),
            reconcile: growth.reconcile,
        }))
    }

    async fn tell(&mut self, told: &[Told]) -> Result<()> {
        let mut events = Vec::new();
        for told in told {
            let of = |kind| NewEvent {
                facility: Some(&told.facility),
                study_uid: Some(&told.uid),
                exam_id: told.step_id,
                ..NewEvent::new(kind)
            };
            events.push(of(EventKind::StudyChanged));
            if told.exam_moved {
                events.push(of(EventKind::ExamChanged));
            }
            if told.unmatched {
                events.push(of(EventKind::UnmatchedChanged));
            }
            if told.reconcile {
                events.push(of(EventKind::PatientChanged));
            }
        }
        events::append(&mut self.tx, self.now_ms, &events).await
    }
}
