//! Storage commitment (PS3.4 J): which instances are safe, and the requests that wait for their report.
//!
//! A request is a job, written before it is acknowledged: it outlives the association that brought it,
//! and the process.

use std::collections::{HashMap, HashSet};

use pacs_core::access::Scope;
use pacs_core::non_patient::Kind;
use pacs_core::uid::{AeTitle, Uid};
use serde_json::{Value, json};

use crate::archive::Archive;
use crate::database::{Database, Param, placeholders};
use crate::index::SeriesId;
use crate::index::instances::{push_study_scope, uid};
use crate::index::series::resting_by_id;
use crate::jobs::{self, Job, NewJob};
use crate::{Error, Result};

/// The kind of the jobs.
pub(crate) const KIND: &str = "commitment";
/// How often a report is tried: with the waits between, for about two days.
const MAX_ATTEMPTS: u32 = 300;
/// References that one statement looks up.
const AT_ONCE: usize = 500;

/// An instance that a device asks about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// Its SOP class, as the device says.
    pub class: Uid,
    /// Its SOP Instance UID.
    pub instance: Uid,
}

/// Why safe keeping of an instance is not promised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unsafe {
    /// It is not here, was rejected or deleted, or is not the device's to ask about.
    NoSuchInstance,
    /// It is here, as an instance of another SOP class.
    ClassDiffers,
    /// It could not be brought to its place for good.
    Unsettled,
}

/// What a device wants to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Transaction UID (0008,1195).
    pub transaction: Uid,
    /// The device that asks.
    pub device: AeTitle,
    /// The title that it called.
    pub called: AeTitle,
    /// What it asks about.
    pub references: Vec<Reference>,
}

/// A request that somebody is about to report on.
#[derive(Debug, Clone)]
pub struct Task {
    job: Job,
    /// What is asked.
    pub request: Request,
}

impl Archive {
    /// Settles what of these instances lies in the spool, now, and says of each whether it is safe, in
    /// their order. A device may ask about what is within its scope and about the series that it has sent, whosever
    /// study they have come to. Unavailable while the object store is away.
    pub async fn commit(
        &self,
        (device, scope): (&AeTitle, &Scope),
        references: &[Reference],
    ) -> Result<Vec<Result<(), Unsafe>>> {
        let mut known = look_up(self.database(), (device, scope), references).await?;
        let spooled: HashSet<SeriesId> =
            known.values().filter(|found| found.is_spooled).map(|found| found.series).collect();
        if !spooled.is_empty() {
            let mut resting = Vec::with_capacity(spooled.len());
            for series in spooled {
                resting.extend(resting_by_id(self.database(), series).await?);
            }
            let (_, failure) = self.settle_all(resting).await;
            known = look_up(self.database(), (device, scope), references).await?;
            // What was in the way may not be there a minute later; what is damaged stays so.
            if let (Some(error), true) = (failure, known.values().any(|found| found.is_spooled)) {
                return Err(error);
            }
        }
        let apart = self.apart(references, &known).await?;
        let verdict = |reference: &Reference| match known.get(&reference.instance) {
            None => match apart.get(&reference.instance) {
                None => Err(Unsafe::NoSuchInstance),
                Some(class) if *class != reference.class => Err(Unsafe::ClassDiffers),
                Some(_) => Ok(()),
            },
            Some(found) if found.class != reference.class => Err(Unsafe::ClassDiffers),
            Some(found) if found.is_spooled => Err(Unsafe::Unsettled),
            Some(_) => Ok(()),
        };
        Ok(references.iter().map(verdict).collect())
    }
}

impl Archive {
    /// The classes of those that are of no patient: they lie in the object store since they were acknowledged.
    async fn apart(
        &self,
        references: &[Reference],
        known: &HashMap<Uid, Found>,
    ) -> Result<HashMap<Uid, Uid>> {
        let others: Vec<&Uid> = references
            .iter()
            .filter(|reference| Kind::of_class(&reference.class).is_some())
            .map(|reference| &reference.instance)
            .filter(|instance| !known.contains_key(*instance))
            .collect();
        let mut apart = HashMap::new();
        for some in others.chunks(AT_ONCE) {
            let sql = format!(
                "select uid, class from non_patient where uid in ({}) order by id desc",
                placeholders(1, some.len())
            );
            let params: Vec<Param> = some.iter().map(|instance| Param::from(*instance)).collect();
            for row in self.database().fetch(sqlx::AssertSqlSafe(sql), params).await? {
                apart.insert(uid(&row, "uid")?, uid(&row, "class")?);
            }
        }
        Ok(apart)
    }
}

/// An instance that is shown.
struct Found {
    class: Uid,
    series: SeriesId,
    /// Whether it, or a version that is kept beside it, lies in the spool.
    is_spooled: bool,
}

async fn look_up(
    database: &Database,
    (device, scope): (&AeTitle, &Scope),
    references: &[Reference],
) -> Result<HashMap<Uid, Found>> {
    let mut known = HashMap::with_capacity(references.len());
    for some in references.chunks(AT_ONCE) {
        let mut sql = format!(
            "select i.uid, i.class, i.series_id, cast(case when i.segment_id is not null
                 or exists (select 1 from instance_version v where v.instance_id = i.id and v.segment_id is not null)
                 then 1 else 0 end as bigint) as spooled
             from instance i join series s on s.id = i.series_id join study t on t.id = s.study_id
             where i.uid in ({}) and i.rejection_id is null",
            placeholders(1, some.len())
        );
        let mut params: Vec<Param> = some.iter().map(|reference| (&reference.instance).into()).collect();
        params.push(device.as_str().into());
        sql.push_str(&format!(" and (s.calling_ae = ${} or (1 = 1", params.len()));
        push_study_scope(&mut sql, &mut params, scope);
        sql.push_str("))");
        for row in database.fetch(sqlx::AssertSqlSafe(sql), params).await? {
            let found = Found {
                class: uid(&row, "class")?,
                series: SeriesId(row.get("series_id")?),
                is_spooled: row.flag("spooled")?,
            };
            known.insert(uid(&row, "uid")?, found);
        }
    }
    Ok(known)
}

/// Keeps a request, for `worker` to report on within the lease. `None` when the device has asked the same
/// before and its report is still under way.
pub async fn begin(
    database: &Database,
    request: Request,
    worker: &str,
    lease_ms: i64,
    now_ms: i64,
) -> Result<Option<Task>> {
    let key = format!("{KIND}:{}:{}", request.device, request.transaction);
    let job = NewJob {
        kind: KIND,
        payload: written(&request),
        dedupe: Some(&key),
        due_ms: now_ms,
        max_attempts: MAX_ATTEMPTS,
        created_by: Some(request.device.as_str()),
    };
    let job = jobs::begin(database, &job, worker, lease_ms, now_ms).await?;
    Ok(job.map(|job| Task { job, request }))
}

/// Takes the next request whose report is due, of devices that are not `busy`.
pub async fn claim(
    database: &Database,
    busy: &[&AeTitle],
    worker: &str,
    lease_ms: i64,
    now_ms: i64,
) -> Result<Option<Task>> {
    let busy: Vec<&str> = busy.iter().map(|device| device.as_str()).collect();
    let job = jobs::claim_beside(database, KIND, &busy, worker, lease_ms, now_ms).await?;
    let Some(job) = job else { return Ok(None) };
    let request = read(&job.payload).ok_or_else(|| Error::Corrupt("a commitment request".into()))?;
    Ok(Some(Task { job, request }))
}

/// The device has its report.
pub async fn reported(database: &Database, task: &Task, worker: &str) -> Result<()> {
    jobs::discard(database, task.job.id, worker).await
}

/// The report did not reach the device: it is tried again after a while.
pub async fn put_off(database: &Database, task: &Task, worker: &str, why: &str, now_ms: i64) -> Result<()> {
    jobs::fail(database, &task.job, worker, why, now_ms).await
}

/// Somebody else is to report, at once.
pub async fn hand_over(database: &Database, task: &Task, worker: &str, now_ms: i64) -> Result<()> {
    jobs::hand_over(database, task.job.id, worker, now_ms).await
}

/// Makes due what was being reported when the last process ended. Only the process that has the archive
/// may call it.
pub async fn resume(database: &Database, now_ms: i64) -> Result<u64> {
    jobs::resume(database, KIND, now_ms).await
}

fn written(request: &Request) -> Value {
    let references: Vec<Value> = request
        .references
        .iter()
        .map(|reference| json!([reference.class.as_str(), reference.instance.as_str()]))
        .collect();
    json!({
        "transaction": request.transaction.as_str(),
        "device": request.device.as_str(),
        "called": request.called.as_str(),
        "references": references,
    })
}

fn read(payload: &Value) -> Option<Request> {
    let text = |key: &str| payload.get(key)?.as_str();
    let uid = |value: Option<&Value>| Uid::parse(value?.as_str()?).ok();
    let reference = |pair: &Value| Some(Reference { class: uid(pair.get(0))?, instance: uid(pair.get(1))? });
    Some(Request {
        transaction: Uid::parse(text("transaction")?).ok()?,
        device: AeTitle::parse(text("device")?).ok()?,
        called: AeTitle::parse(text("called")?).ok()?,
        references: payload.get("references")?.as_array()?.iter().map(reference).collect::<Option<_>>()?,
    })
}
