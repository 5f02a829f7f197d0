//! One batch of arriving instances within its transaction.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::{Mutex, PoisonError};

use pacs_core::attributes::PatientAttributes;
use pacs_core::identity::{Likeness, PatientIdentifier, compare};

use super::known::{Known, KnownSeries, KnownStudy, Learned};
use super::{ANNOUNCE_EVERY_MS, Decision, NewInstance};
use crate::Result;
use crate::database::{Param, Transaction, params, placeholders};
use crate::events::{self, EventKind, NewEvent};
use crate::exams::matching::{self, Arrived, Outcome};
use crate::index::facilities::{self, Facility};
use crate::index::place::Place;
use crate::index::studies::{self, Coming, Doubt};
use crate::index::{InstanceId, SeriesId, StudyId, instances, issuers, patients, redirects, series};

/// Rows that one insert statement carries. Few sizes, so that their statements stay prepared.
const INSERT_SIZES: [usize; 4] = [64, 16, 4, 1];
/// The longest value of an indexed column, in bytes: a PostgreSQL index entry holds 2,700.
const MOST_KEY_BYTES: usize = 512;

pub(super) struct Batch<'a> {
    tx: Transaction,
    known: &'a Mutex<Known>,
    learned: Learned,
    growth: BTreeMap<StudyId, Growth>,
    series_growth: BTreeMap<SeriesId, (StudyId, i64)>,
}

/// What a batch does to a study.
#[derive(Default)]
struct Growth {
    made: bool,
    series: i64,
    instances: i64,
    conflicts: i64,
    doubt: Option<Doubt>,
    /// Modalities and SOP classes that the study row does not list yet.
    modalities: BTreeSet<String>,
    sop_classes: BTreeSet<String>,
    /// Whether an instance came that a device made, and not a document about images.
    imaged: bool,
    /// The instance that made the study, for matching it to an order.
    first: Option<Arrived>,
}

impl<'a> Batch<'a> {
    pub fn new(tx: Transaction, known: &'a Mutex<Known>) -> Self {
        Self {
            tx,
            known,
            learned: Learned::default(),
            growth: BTreeMap::new(),
            series_growth: BTreeMap::new(),
        }
    }

    /// Decides on every instance; `None` when what was remembered is no longer so.
    pub async fn store(&mut self, instances: &[NewInstance]) -> Result<Option<Vec<Decision>>> {
        let mut homes = HashMap::new();
        // In order of the keys, so that two batches lock rows in the same order.
        let mut firsts: BTreeMap<&str, &NewInstance> = BTreeMap::new();
        for instance in instances {
            firsts.entry(instance.lifted.series.uid.as_str()).or_insert(instance);
        }
        for (uid, first) in firsts {
            homes.insert(uid, self.home(first).await?);
        }
        let home = |instance: &NewInstance| homes.get(instance.lifted.series.uid.as_str()).cloned();
        let placed: Vec<(&NewInstance, KnownSeries)> =
            instances.iter().filter_map(|instance| Some((instance, home(instance)?))).collect();

        let mut inserted = self.insert(&placed).await?;
        let mut decisions = Vec::with_capacity(placed.len());
        for (instance, series) in &placed {
            let decision = if inserted.remove(instance.lifted.instance.uid.as_str()) {
                let doubt = self.accepted(instance, series);
                Decision::Accepted { doubt }
            } else {
                self.met_again(instance, series).await?
            };
            decisions.push(decision);
        }
        let now_ms = instances.iter().map(|instance| instance.received_ms).max().unwrap_or_default();
        Ok(if self.grow(now_ms).await? { Some(decisions) } else { None })
    }

    pub async fn commit(self) -> Result<Learned> {
        self.tx.commit().await?;
        Ok(self.learned)
    }

    /// The series an instance belongs to: remembered, found or made, with its study and patient.
    async fn home(&mut self, first: &NewInstance) -> Result<KnownSeries> {
        let uid = first.lifted.series.uid.as_str();
        let remembered = {
            let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            known.series(uid).and_then(|series| Some((series.clone(), known.study(series.study)?.clone())))
        };
        if let Some((series, study)) = remembered {
            self.learned.studies.entry(series.study).or_insert(study);
            return Ok(series);
        }
        let sent_study = first.lifted.study.uid.as_str();
        let (series_uid, study_uid) = redirects::follow(&mut self.tx, uid, sent_study).await?;
        let found = match series::find(&mut self.tx, &series_uid).await? {
            Some(found) => found,
            None => {
                let study = self.study(first, &study_uid).await?;
                let sent = &first.lifted.series;
                series::ensure(&mut self.tx, &series_uid, study, sent, &first.header, first.received_ms)
                    .await?
            }
        };
        self.remember_study(found.study).await?;
        if found.made {
            let growth = self.growth.entry(found.study).or_default();
            growth.series += 1;
            growth.modalities.insert(first.lifted.series.modality.clone());
        }
        let served = self.learned.studies.get(&found.study).map_or("", |study| study.uid.as_str());
        // A series keeps the study it came under first; what names another is doubtful.
        let sent_study_uid = if study_uid == served { sent_study } else { served }.to_owned();
        let series = KnownSeries { id: found.id, study: found.study, sent_study_uid };
        self.learned.series.insert(uid.to_owned(), series.clone());
        Ok(series)
    }

    /// The study of an instance, found or made.
    async fn study(&mut self, first: &NewInstance, uid: &str) -> Result<StudyId> {
        if let Some(id) = self.find_study(uid).await? {
            return Ok(id);
        }
        let facility = self.facility(&first.facility).await?;
        let issuer = match first.lifted.patient.issuer.as_deref() {
            Some(sent) => issuers::named(&mut self.tx, clip(sent)).await?,
            None => None,
        }
        .unwrap_or_else(|| facility.issuer.clone());
        let sent = &first.lifted.patient;
        let patient =
            PatientAttributes { id: clip(&sent.id).into(), name: clip(&sent.name).into(), ..sent.clone() };
        // Without an identifier nobody can say that two studies are of one person.
        let nameless = format!("?{uid}");
        let identifier = if patient.id.is_empty() { &nameless } else { &patient.id };
        let found = patients::ensure(&mut self.tx, identifier, &issuer, &patient, first.received_ms).await?;
        let doubt = (found.likeness == Likeness::Doubtful).then_some(Doubt::DemographicsDiffer);
        let mut study = first.lifted.study.clone();
        study.accession_number = study.accession_number.map(|number| clip(&number).to_owned());
        let coming = Coming {
            uid,
            patient_id: found.id,
            facility: &facility.code,
            issuer: &issuer.code,
            patient: &patient,
            study: &study,
            header: &first.header,
            doubt,
            calling_ae: first.calling_ae.as_ref().map(|title| title.as_str()),
            received_ms: first.received_ms,
            received_wall: facility.wall(first.received_ms),
        };
        let Some(id) = studies::insert(&mut self.tx, &coming).await? else {
            return self.find_study(uid).await?.ok_or(crate::Error::NotFound);
        };
        let known = KnownStudy {
            uid: uid.to_owned(),
            facility: facility.code.clone(),
            patient: patient.clone(),
            modalities: BTreeSet::new(),
            sop_classes: BTreeSet::new(),
            step_id: None,
            told_ms: 0,
        };
        self.learned.studies.insert(id, known);
        let growth = self.growth.entry(id).or_default();
        growth.made = true;
        growth.doubt = doubt;
        growth.first = Some(Arrived {
            study_id: id,
            study_uid: uid.to_owned(),
            facility: facility.code,
            accession_number: study.accession_number,
            accession_issuer: study.accession_issuer,
            identifier: PatientIdentifier { value: identifier.clone(), issuer: issuer.code },
            patient,
            modality: first.lifted.series.modality.clone(),
            requested_step: first.lifted.series.scheduled_step_id.clone(),
        });
        Ok(id)
    }

    /// A facility, remembered or ensured.
    async fn facility(&mut self, code: &str) -> Result<Facility> {
        let remembered = self.known.lock().unwrap_or_else(PoisonError::into_inner).facility(code);
        if let Some(facility) = remembered.or_else(|| self.learned.facilities.get(code).cloned()) {
            return Ok(facility);
        }
        let facility = facilities::ensure(&mut self.tx, code).await?;
        self.learned.facilities.insert(code.to_owned(), facility.clone());
        Ok(facility)
    }

    async fn find_study(&mut self, uid: &str) -> Result<Option<StudyId>> {
        let row = self.tx.fetch_optional("select id from study where uid = $1", params![uid]).await?;
        row.map(|row| Ok(StudyId(row.get("id")?))).transpose()
    }

    async fn remember_study(&mut self, id: StudyId) -> Result<()> {
        if self.learned.studies.contains_key(&id) {
            return Ok(());
        }
        let row = self
            .tx
            .fetch_one(
                "select uid, facility, patient_identifier, patient_name as name, birth_date, sex, modalities,
                     sop_classes, step_id from study where id = $1",
                params![id],
            )
            .await?;
        let patient =
            PatientAttributes { id: row.get("patient_identifier")?, ..patients::demographics(&row)? };
        let study = KnownStudy {
            uid: row.get("uid")?,
            facility: row.get("facility")?,
            patient,
            modalities: listed(&row.get::<String>("modalities")?),
            sop_classes: listed(&row.get::<String>("sop_classes")?),
            step_id: row.get("step_id")?,
            told_ms: 0,
        };
        self.learned.studies.insert(id, study);
        Ok(())
    }

    /// Inserts what is new; answers the UIDs that were.
    async fn insert(&mut self, placed: &[(&NewInstance, KnownSeries)]) -> Result<HashSet<String>> {
        const COLUMNS: usize = 16;
        let mut inserted = HashSet::new();
        let mut rest = placed;
        while !rest.is_empty() {
            let size = INSERT_SIZES.into_iter().find(|size| *size <= rest.len()).unwrap_or(1);
            let (now, later) = rest.split_at(size);
            rest = later;
            let rows: Vec<String> =
                (0..size).map(|n| format!("({})", placeholders(n * COLUMNS + 1, COLUMNS))).collect();
            let sql = format!(
                "insert into instance ({}) values {} on conflict (uid) do nothing returning uid",
                instances::insert_columns(),
                rows.join(", ")
            );
            let mut values: Vec<Param> = Vec::with_capacity(size * COLUMNS);
            for (instance, series) in now {
                let attributes = &instance.lifted.instance;
                values.extend(params![
                    &attributes.uid,
                    series.id,
                    &attributes.class,
                    attributes.number,
                    attributes.rows,
                    attributes.columns,
                    attributes.bits_allocated,
                    attributes.frames,
                    &instance.transfer_syntax
                ]);
                values.extend(instance.place.params());
                values.extend(params![&instance.hash, instance.received_ms]);
            }
            for row in self.tx.fetch(sqlx::AssertSqlSafe(sql), values).await? {
                inserted.insert(row.at(0)?);
            }
        }
        Ok(inserted)
    }

    /// Counts an accepted instance; answers whether it raises a doubt.
    fn accepted(&mut self, instance: &NewInstance, series: &KnownSeries) -> bool {
        self.series_growth.entry(series.id).or_insert((series.study, 0)).1 += 1;
        let growth = self.growth.entry(series.study).or_default();
        growth.instances += 1;
        growth.imaged |= moves_exams(&instance.lifted.series.modality);
        let Some(study) = self.learned.studies.get(&series.study) else { return false };
        let class = instance.lifted.instance.class.as_str();
        if !study.sop_classes.contains(class) {
            growth.sop_classes.insert(class.to_owned());
        }
        let sent = &instance.lifted.patient;
        let doubt = if instance.lifted.study.uid.as_str() != series.sent_study_uid {
            Some(Doubt::TwoStudies)
        } else if clip(&sent.id) != study.patient.id {
            Some(Doubt::TwoPatients)
        } else if compare(&study.patient, sent) == Likeness::Doubtful {
            Some(Doubt::DemographicsDiffer)
        } else {
            None
        };
        growth.doubt = growth.doubt.or(doubt);
        growth.doubt.is_some()
    }

    /// An instance whose UID has a row: the same again, or other content to be kept beside it.
    async fn met_again(&mut self, instance: &NewInstance, series: &KnownSeries) -> Result<Decision> {
        let first = self
            .tx
            .fetch_one(
                "select id, segment_id, pack_id, offset_bytes, length_bytes, head_bytes, hash from instance
                 where uid = $1",
                params![&instance.lifted.instance.uid],
            )
            .await?;
        if first.get::<Vec<u8>>("hash")? == instance.hash {
            let same_place = Place::of(&first)? == instance.place;
            return Ok(if same_place { Decision::Present } else { Decision::Duplicate });
        }
        let id = InstanceId(first.get("id")?);
        let mut values = params![id, &instance.transfer_syntax];
        values.extend(instance.place.params());
        let calling_ae = instance.calling_ae.as_ref().map(|title| title.as_str());
        values.extend(params![&instance.hash, calling_ae, instance.received_ms]);
        let kept = self
            .tx
            .execute(
                "insert into instance_version (instance_id, transfer_syntax, segment_id, pack_id, offset_bytes,
                     length_bytes, head_bytes, hash, calling_ae, received_ms)
                 values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) on conflict (instance_id, hash) do nothing",
                values,
            )
            .await?;
        if kept == 1 {
            // A version is settled like any instance.
            self.tx.execute("update series set unsettled = 1 where id = $1", params![series.id]).await?;
            self.growth.entry(series.study).or_default().conflicts += 1;
            return Ok(Decision::Conflict);
        }
        let version = self
            .tx
            .fetch_one(
                "select segment_id, pack_id, offset_bytes, length_bytes, head_bytes from instance_version
                 where instance_id = $1 and hash = $2",
                params![id, &instance.hash],
            )
            .await?;
        Ok(if Place::of(&version)? == instance.place { Decision::Present } else { Decision::Duplicate })
    }

    /// Brings counts, revisions, lists and exams of the touched rows up to date and writes their
    /// events. `false` when a remembered row has moved.
    async fn grow(&mut self, now_ms: i64) -> Result<bool> {
        for (id, (study, instances)) in std::mem::take(&mut self.series_growth) {
            let row = self
                .tx
                .fetch_optional(
                    "update series set instance_count = instance_count + $2, revision = revision + 1, unsettled = 1,
                         updated_ms = $3 where id = $1 returning study_id",
                    params![id, instances, now_ms],
                )
                .await?;
            if row.map(|row| row.at::<i64>(0)).transpose()? != Some(study.0) {
                return Ok(false);
            }
        }
        let mut told = Vec::new();
        for (id, growth) in std::mem::take(&mut self.growth) {
            if growth.instances == 0 && growth.conflicts == 0 && growth.series == 0 && !growth.made {
                continue;
            }
            if !self.grow_study(id, &growth, now_ms).await? {
                return Ok(false);
            }
            let outcome = match &growth.first {
                Some(first) => Some(matching::on_arrival(&mut self.tx, first, growth.imaged, now_ms).await?),
                None => None,
            };
            let Some(study) = self.learned.studies.get_mut(&id) else { continue };
            let mut exam_moved = false;
            match outcome {
                Some(Outcome::Linked { step_id, moved }) => {
                    (study.step_id, exam_moved) = (Some(step_id), moved)
                }
                Some(Outcome::Unmatched) => {}
                None => {
                    if let Some(step_id) = study.step_id.filter(|_| growth.imaged) {
                        exam_moved = matching::on_image(&mut self.tx, step_id, now_ms).await?;
                    }
                }
            }
            let unmatched = matches!(outcome, Some(Outcome::Unmatched));
            if growth.made || exam_moved || now_ms - study.told_ms >= ANNOUNCE_EVERY_MS {
                study.told_ms = now_ms;
                self.learned.told.insert(id);
                told.push((study.uid.clone(), study.facility.clone(), study.step_id, exam_moved, unmatched));
            } else {
                self.learned.owed.insert(id);
            }
        }
        let mut events = Vec::new();
        for (uid, facility, step_id, exam_moved, unmatched) in &told {
            let of = |kind| NewEvent {
                facility: Some(facility),
                study_uid: Some(uid),
                exam_id: *step_id,
                ..NewEvent::new(kind)
            };
            events.push(of(EventKind::StudyChanged));
            if *exam_moved {
                events.push(of(EventKind::ExamChanged));
            }
            if *unmatched {
                events.push(of(EventKind::UnmatchedChanged));
            }
        }
        events::append(&mut self.tx, now_ms, &events).await?;
        Ok(true)
    }

    async fn grow_study(&mut self, id: StudyId, growth: &Growth, now_ms: i64) -> Result<bool> {
        let row = self
            .tx
            .fetch_optional(
                "update study set series_count = series_count + $2, instance_count = instance_count + $3,
                     conflict_count = conflict_count + $4, doubt = coalesce(doubt, $5), revision = revision + 1,
                     updated_ms = $6 where id = $1 returning modalities, sop_classes, step_id",
                params![
                    id,
                    growth.series,
                    growth.instances,
                    growth.conflicts,
                    growth.doubt.map(Doubt::as_str),
                    now_ms
                ],
            )
            .await?;
        let Some(row) = row else { return Ok(false) };
        let Some(study) = self.learned.studies.get_mut(&id) else { return Ok(false) };
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
}

/// Documents and marks about images never move an exam; everything else was made by a device.
fn moves_exams(modality: &str) -> bool {
    !matches!(modality, "SR" | "KO" | "PR" | "DOC")
}

/// `\CT\SR\` as a set.
fn listed(list: &str) -> BTreeSet<String> {
    list.split('\\').filter(|value| !value.is_empty()).map(str::to_owned).collect()
}

/// A set as `\CT\SR\`, so that `like '%\CT\%'` finds a member; an empty one is an empty text.
fn list(values: &BTreeSet<String>) -> String {
    let mut list = String::new();
    for value in values {
        list.push('\\');
        list.push_str(value);
    }
    if !list.is_empty() {
        list.push('\\');
    }
    list
}

/// As much of a text as an indexed column holds. Longer ones break the standard's bounds many times
/// over, and an image is never refused for them.
fn clip(text: &str) -> &str {
    text.get(..text.floor_char_boundary(MOST_KEY_BYTES)).unwrap_or(text)
}
