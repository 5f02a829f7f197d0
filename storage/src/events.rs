//! What happened: an outbox written in the act's own transaction and followed by cursor.
//!
//! Live pages, HL7, FHIR and followers of unified procedure steps read [`since`] their last cursor;
//! [`Database::event_hints`] only tells that looking now is worth it.

use crate::database::{Database, Durability, Row, Transaction, params, placeholders};
use crate::dialect::{self, Log};
use crate::{Error, Result};

/// What kind of thing happened. The words are part of the pages' interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventKind {
    /// A study came, grew or was corrected.
    StudyChanged,
    /// A series rested and was settled.
    SeriesSettled,
    /// People have corrected or moved images that were here before: for routes, not for pages.
    ImagesCorrected,
    /// An exam moved.
    ExamChanged,
    /// An order was made.
    OrderCreated,
    /// The list of unmatched studies changed.
    UnmatchedChanged,
    /// Patients were merged or parted, or what is to be reconciled changed.
    PatientChanged,
    /// A stored instance was found not to be what was stored.
    InstanceDamaged,
    /// Something is told of a unified procedure step, to its subscribers alone.
    WorkitemReport,
}

impl EventKind {
    const ALL: [Self; 9] = [
        Self::StudyChanged,
        Self::SeriesSettled,
        Self::ImagesCorrected,
        Self::ExamChanged,
        Self::OrderCreated,
        Self::UnmatchedChanged,
        Self::PatientChanged,
        Self::InstanceDamaged,
        Self::WorkitemReport,
    ];

    /// The kind's word in rows and on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::StudyChanged => "study.changed",
            Self::SeriesSettled => "series.settled",
            Self::ImagesCorrected => "images.corrected",
            Self::ExamChanged => "exam.changed",
            Self::OrderCreated => "order.created",
            Self::UnmatchedChanged => "unmatched.changed",
            Self::PatientChanged => "patient.changed",
            Self::InstanceDamaged => "instance.damaged",
            Self::WorkitemReport => "workitem.report",
        }
    }
}

/// An event to be written; what it is about, by keys where these are enough.
#[derive(Debug, Clone)]
pub struct NewEvent<'a> {
    /// What happened.
    pub kind: EventKind,
    /// Whose it is: the scope of who may hear of it.
    pub facility: Option<&'a str>,
    /// The study it is about.
    pub study_uid: Option<&'a str>,
    /// The series it is about.
    pub series_uid: Option<&'a str>,
    /// The exam (scheduled step) it is about.
    pub exam_id: Option<i64>,
    /// What is told, where keys are not enough.
    pub data: Option<&'a str>,
}

impl NewEvent<'_> {
    /// An event of that kind, about nothing yet.
    pub fn new(kind: EventKind) -> Self {
        Self { kind, facility: None, study_uid: None, series_uid: None, exam_id: None, data: None }
    }
}

/// An event as a follower reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// The cursor after it.
    pub id: i64,
    /// When it was written.
    pub at_ms: i64,
    /// What happened.
    pub kind: EventKind,
    /// Whose it is.
    pub facility: Option<String>,
    /// The study it is about.
    pub study_uid: Option<String>,
    /// The series it is about.
    pub series_uid: Option<String>,
    /// The exam it is about.
    pub exam_id: Option<i64>,
}

/// Events that one statement inserts.
const MOST_AT_ONCE: usize = 8;

/// Writes events into the act's own transaction. Call it last in the transaction: on PostgreSQL it
/// holds back other writers of events until the commit, so that cursors never skip one.
pub async fn append(tx: &mut Transaction, at_ms: i64, events: &[NewEvent<'_>]) -> Result<()> {
    if events.is_empty() {
        return Ok(());
    }
    dialect::serialize_log(tx, Log::Events).await?;
    // Few sizes, so that the statements stay prepared.
    for some in events.chunks(MOST_AT_ONCE) {
        let rows: Vec<String> =
            (0..some.len()).map(|n| format!("($1, {})", placeholders(n * 6 + 2, 6))).collect();
        let sql = format!(
            "insert into event (at_ms, kind, facility, study_uid, series_uid, exam_id, data) values {}",
            rows.join(", ")
        );
        let mut values = params![at_ms];
        for event in some {
            values.extend(params![
                event.kind.as_str(),
                event.facility,
                event.study_uid,
                event.series_uid,
                event.exam_id,
                event.data
            ]);
        }
        tx.execute(sqlx::AssertSqlSafe(sql), values).await?;
    }
    tx.hint_events();
    Ok(())
}

/// The events after a cursor, oldest first. Kinds that only a newer version knows are passed over.
pub async fn since(database: &Database, cursor: i64, limit: u32) -> Result<Vec<Event>> {
    let kinds = EventKind::ALL.map(|kind| format!("'{}'", kind.as_str())).join(", ");
    let sql = format!(
        "select id, at_ms, kind, facility, study_uid, series_uid, exam_id from event
         where id > $1 and kind in ({kinds}) order by id limit $2"
    );
    let rows = database.fetch(sqlx::AssertSqlSafe(sql), params![cursor, limit]).await?;
    rows.iter().map(read).collect()
}

/// What an event tells beside its keys. Read one at a time, by those whom it concerns.
pub async fn data(database: &Database, id: i64) -> Result<Option<String>> {
    match database.fetch_optional("select data from event where id = $1", params![id]).await? {
        Some(row) => row.get("data"),
        None => Ok(None),
    }
}

/// The cursor after the newest event: where a follower without a past begins.
pub async fn newest(database: &Database) -> Result<i64> {
    match database.fetch_optional("select id from event order by id desc limit 1", params![]).await? {
        Some(row) => row.at(0),
        None => Ok(0),
    }
}

/// Forgets events older than `before_ms`; a follower that was away for longer goes on with what is left.
pub async fn prune(database: &Database, before_ms: i64) -> Result<u64> {
    let mut tx = database.begin(Durability::Batched).await?;
    // Times grow with ids, so the newest event of the past bounds a walk by key.
    let pruned = tx
        .execute(
            "delete from event where id <= (select coalesce(max(id), 0) from (
                 select id, at_ms from event order by id limit 10000) as oldest where at_ms < $1)",
            params![before_ms],
        )
        .await?;
    tx.commit().await?;
    Ok(pruned)
}

fn read(row: &Row) -> Result<Event> {
    let word: String = row.get("kind")?;
    let kind = EventKind::ALL
        .into_iter()
        .find(|kind| kind.as_str() == word)
        .ok_or_else(|| Error::Corrupt(format!("event of unknown kind {word}")))?;
    Ok(Event {
        id: row.get("id")?,
        at_ms: row.get("at_ms")?,
        kind,
        facility: row.get("facility")?,
        study_uid: row.get("study_uid")?,
        series_uid: row.get("series_uid")?,
        exam_id: row.get("exam_id")?,
    })
}
