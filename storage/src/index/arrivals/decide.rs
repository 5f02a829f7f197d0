//! What becomes of each arriving instance, by unique constraint and hash.

use std::collections::HashSet;

use pacs_core::reconciliation::Kind;

use super::batch::Batch;
use super::doubts;
use super::known::KnownSeries;
use super::{Decision, NewInstance, Version};
use crate::database::{Param, params, placeholders};
use crate::index::discrepancies::Found;
use crate::index::place::{Kept, Place};
use crate::index::{InstanceId, SeriesId, StudyId, discrepancies, instances, versions};
use crate::{Result, corrections};

/// Rows that one insert statement carries. Few sizes, so that their statements stay prepared.
const INSERT_SIZES: [usize; 4] = [64, 16, 4, 1];

impl Batch<'_> {
    /// Inserts what is new; answers the UIDs that were.
    pub async fn insert(&mut self, placed: &[&(&NewInstance, KnownSeries)]) -> Result<HashSet<String>> {
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
    pub fn accepted(&mut self, instance: &NewInstance, series: &KnownSeries) -> bool {
        self.grow_series(series, instance);
        let growth = self.growth.entry(series.study).or_default();
        growth.instances += 1;
        growth.arrived_ms = growth.arrived_ms.max(instance.received_ms);
        growth.imaged |= moves_exams(&instance.lifted.series.modality);
        let Some(study) = self.learned.studies.get(&series.study) else { return false };
        let class = instance.lifted.instance.class.as_str();
        if !study.sop_classes.contains(class) {
            growth.sop_classes.insert(class.to_owned());
        }
        if let Some(suspicion) = doubts::suspect(instance, series, study) {
            growth.doubt = true;
            let is_known = study.noted.contains(&(suspicion.kind, suspicion.key.clone()))
                || growth
                    .suspected
                    .iter()
                    .any(|one| (one.kind, &one.key) == (suspicion.kind, &suspicion.key));
            if !is_known {
                growth.suspected.push(suspicion);
            }
        }
        growth.doubt
    }

    /// An instance whose UID has a row: the same again, or other content to be kept beside it, with
    /// the series that the first came under.
    pub async fn met_again(&mut self, instance: &NewInstance) -> Result<Decision> {
        let first = self
            .tx
            .fetch_one(
                "select i.id, i.series_id, s.study_id, s.uid as series_uid, i.segment_id, i.pack_id, i.offset_bytes,
                     i.length_bytes, i.head_bytes, i.hash, i.received_ms
                 from instance i join series s on s.id = i.series_id where i.uid = $1",
                params![&instance.lifted.instance.uid],
            )
            .await?;
        let id = InstanceId(first.get("id")?);
        if first.get::<Vec<u8>>("hash")? == instance.hash {
            let is_needed = self.same_again("instance", "id", id, Place::of(&first)?, instance).await?;
            return Ok(if is_needed { Decision::Present } else { Decision::Duplicate });
        }
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
            let (series, study) = (SeriesId(first.get("series_id")?), StudyId(first.get("study_id")?));
            if matches!(instance.place.kept, Kept::Segment(_)) {
                // A version is settled like any instance.
                self.tx.execute("update series set unsettled = 1 where id = $1", params![series]).await?;
            }
            let series_uid: String = first.get("series_uid")?;
            let is_served =
                self.serve_preferred(id, series, &series_uid, first.get("received_ms")?, instance).await?;
            self.remember_study(study).await?;
            if is_served {
                self.served_instead((series, &series_uid), study, instance).await?;
            }
            let growth = self.growth.entry(study).or_default();
            growth.conflicts += 1;
            growth.arrived_ms = growth.arrived_ms.max(instance.received_ms);
            growth.found.retain(|found| (found.kind, &found.other) != (Kind::Conflict, &series_uid));
            growth.found.push(Found {
                kind: Kind::Conflict,
                other: series_uid,
                other_patient: None,
                sent: None,
                received_ms: instance.received_ms,
            });
            return Ok(Decision::Conflict(Version::New));
        }
        let version = self
            .tx
            .fetch_one(
                "select segment_id, pack_id, offset_bytes, length_bytes, head_bytes from instance_version
                 where instance_id = $1 and hash = $2",
                params![id, &instance.hash],
            )
            .await?;
        let place = Place::of(&version)?;
        let is_needed = self.same_again("instance_version", "instance_id", id, place, instance).await?;
        Ok(Decision::Conflict(if is_needed { Version::Present } else { Version::Duplicate }))
    }

    /// Serves a version that has just been kept in place of what is served, where a person's word or the
    /// archive's rule prefers it.
    async fn serve_preferred(
        &mut self,
        id: InstanceId,
        series: SeriesId,
        series_uid: &str,
        served_ms: i64,
        instance: &NewInstance,
    ) -> Result<bool> {
        let prefers = match discrepancies::chosen(&mut self.tx, series_uid).await? {
            Some((_, choice)) => choice.prefers(instance.received_ms, served_ms, self.serve),
            None => self.serve.prefers(instance.received_ms, served_ms),
        };
        let is_served =
            prefers && versions::serve(&mut self.tx, id, &instance.hash, &instance.lifted.instance).await?;
        if is_served {
            self.tx
                .execute("update series set revision = revision + 1 where id = $1", params![series])
                .await?;
        }
        Ok(is_served)
    }

    /// What is served of an instance from now on may contradict its study, until all of that does: once the series
    /// has rested its rows say what is served of it.
    async fn served_instead(
        &mut self,
        (series, series_uid): (SeriesId, &str),
        study: StudyId,
        instance: &NewInstance,
    ) -> Result<()> {
        let sql = "select sent_study_uid, sent_series_uid from series where id = $1";
        let row = self.tx.fetch_one(sql, params![series]).await?;
        let sent_study: Option<String> = row.get("sent_study_uid")?;
        if sent_study.is_some() || row.get::<Option<String>>("sent_series_uid")?.is_some() {
            return Ok(());
        }
        let Some(known) = self.learned.studies.get(&study) else { return Ok(()) };
        let sent = &instance.lifted;
        let is_elsewhere = sent.study.uid.as_str() != known.uid || sent.series.uid.as_str() != series_uid;
        let suspicion = doubts::contradict(&known.patients, &sent.patient, instance.received_ms);
        if is_elsewhere && corrections::series::names_others(&mut self.tx, series, true).await? {
            corrections::series::obey(&mut self.tx, series).await?;
        }
        if let Some(suspicion) = suspicion {
            self.growth.entry(study).or_default().suspected.push(suspicion);
        }
        Ok(())
    }

    /// Content that a row of `table` tells of already; answers whether the row tells of these bytes.
    /// A row that lies in the spool though a whole pack has it too was not told of its settling, as
    /// after a backup was restored: it moves there.
    async fn same_again(
        &mut self,
        table: &str,
        key: &str,
        id: InstanceId,
        place: Place,
        instance: &NewInstance,
    ) -> Result<bool> {
        if place == instance.place {
            return Ok(true);
        }
        let (Kept::Segment(_), Kept::Pack(pack)) = (place.kept, instance.place.kept) else {
            return Ok(false);
        };
        let offset = i64::try_from(instance.place.offset_bytes).unwrap_or(i64::MAX);
        let sql = format!(
            "update {table} set segment_id = null, pack_id = $3, offset_bytes = $4 where {key} = $1 and hash = $2"
        );
        self.tx.execute(sqlx::AssertSqlSafe(sql), params![id, &instance.hash, pack, offset]).await?;
        Ok(true)
    }
}

/// Documents and marks about images never move an exam; everything else was made by a device.
pub(crate) fn moves_exams(modality: &str) -> bool {
    !matches!(modality, "SR" | "KO" | "PR" | "DOC")
}
