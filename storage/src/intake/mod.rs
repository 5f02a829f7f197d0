//! Old archives on their way in: how far each is, so that one that was broken off goes on where it was, and what of it
//! could not be taken.
//!
//! What is counted is what stands before the position: after a crash nothing is counted twice, and what had been taken
//! behind it is taken again, which costs no more than finding that it is there.

mod list;
pub mod migration;
mod reasons;

use std::collections::HashMap;

use pacs_core::uid::Uid;
use pacs_core::why::Why;
use serde::Serialize;
use serde_json::Value;

use crate::database::{Database, Durability, Param, Row, Transaction, params, placeholders};
use crate::error::{Error, Result};
use crate::index::instances;

pub use list::{Line, end, line, newest, resume};
pub use reasons::{NotTaken, Waiting};

/// Row of an intake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct IntakeId(pub i64);

/// What is taken in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Files of folders and media.
    Import,
    /// All studies of another PACS.
    Migration,
}

impl Kind {
    /// The word in rows.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Import => "import",
            Self::Migration => "migration",
        }
    }
}

/// Where an intake stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It goes on, or waits to be gone on with.
    Running,
    /// Somebody has ended it.
    Stopped,
    /// It has come to its end.
    Done,
}

impl State {
    /// The word in rows.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Stopped => "stopped",
            Self::Done => "done",
        }
    }
}

/// How many of what was looked at came to what.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Kept.
    pub taken: u64,
    /// Was there already.
    pub present: u64,
    /// Kept beside another of the same UID.
    pub conflicts: u64,
    /// Nothing that an archive keeps.
    pub skipped: u64,
    /// Should have been kept and was not.
    pub failed: u64,
    /// Bytes of what was looked at.
    pub bytes: u64,
}

impl Counts {
    /// Adds others.
    pub fn add(&mut self, other: &Self) {
        self.taken += other.taken;
        self.present += other.present;
        self.conflicts += other.conflicts;
        self.skipped += other.skipped;
        self.failed += other.failed;
        self.bytes = self.bytes.saturating_add(other.bytes);
    }
}

/// An intake.
#[derive(Debug, Clone, PartialEq)]
pub struct Intake {
    /// The row.
    pub id: IntakeId,
    /// From where.
    pub source: Value,
    /// How.
    pub settings: Value,
    /// Where it stands.
    pub state: State,
    /// Everything up to here has been looked at; `None`: nothing yet.
    pub position: Option<String>,
    /// What came of that.
    pub counts: Counts,
    /// Why it waits just now.
    pub note: Option<Why>,
    /// When it was begun.
    pub started_ms: i64,
}

/// Something that was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// A file, a Study Instance UID, or a study date.
    pub name: String,
    /// Whether it is nothing that an archive keeps, or that was asked for.
    pub skipped: bool,
    /// Why.
    pub reason: Why,
}

impl Failure {
    /// How many it tells of: a day may have several studies that cannot be asked for.
    pub fn count(&self) -> u64 {
        self.reason.values.get("count").and_then(Value::as_u64).unwrap_or(1)
    }
}

const COLUMNS: &str = "id, source, settings, state, position, taken, present, conflicts, skipped, failed, bytes, note, started_ms";

/// Takes up the intake from `source` that has not ended, with new settings, or begins one; says whether it was there.
pub async fn begin(
    database: &Database,
    kind: Kind,
    source: &impl Serialize,
    settings: &impl Serialize,
    by_server: bool,
    now_ms: i64,
) -> Result<(Intake, bool)> {
    let text =
        |value: serde_json::Result<String>| value.map_err(|error| Error::internal("begin an intake", error));
    let (source, settings) = (text(serde_json::to_string(source))?, text(serde_json::to_string(settings))?);
    let mut tx = database.begin(Durability::Synced).await?;
    one_at_a_time(&mut tx, now_ms).await?;
    let sql = format!(
        "update intake set settings = $3, by_server = $4, note = null, updated_ms = $5
         where kind = $1 and source = $2 and state = 'running' returning {COLUMNS}"
    );
    let known = params![kind.as_str(), &source, &settings, by_server, now_ms];
    let (row, was_there) = match tx.fetch_optional(sqlx::AssertSqlSafe(sql), known).await? {
        Some(row) => (row, true),
        None => {
            let sql = format!(
                "insert into intake (kind, source, settings, by_server, state, taken, present, conflicts, skipped, failed,
                     bytes, started_ms, updated_ms) values ($1, $2, $3, $4, 'running', 0, 0, 0, 0, 0, 0, $5, $5)
                 returning {COLUMNS}"
            );
            let values = params![kind.as_str(), &source, &settings, by_server, now_ms];
            (tx.fetch_one(sqlx::AssertSqlSafe(sql), values).await?, false)
        }
    };
    let intake = read(&row)?;
    tx.commit().await?;
    Ok((intake, was_there))
}

/// Has those wait that begin or go on with an intake: of two that find nothing each would begin one.
async fn one_at_a_time(tx: &mut Transaction, now_ms: i64) -> Result<()> {
    let sql = "insert into setting (key, value) values ('intake.begin', $1)
         on conflict (key) do update set value = excluded.value";
    tx.execute(sql, params![now_ms.to_string()]).await.map(drop)
}

/// An intake as it is now.
pub async fn by_id(database: &Database, id: IntakeId) -> Result<Intake> {
    let sql = format!("select {COLUMNS} from intake where id = $1");
    let row =
        database.fetch_optional(sqlx::AssertSqlSafe(sql), params![id.0]).await?.ok_or(Error::NotFound)?;
    read(&row)
}

/// The intakes of a kind that a server has to go on with, oldest first.
pub async fn for_server(database: &Database, kind: Kind) -> Result<Vec<Intake>> {
    let sql = format!(
        "select {COLUMNS} from intake where kind = $1 and state = 'running' and by_server = 1 order by id"
    );
    database.fetch(sqlx::AssertSqlSafe(sql), params![kind.as_str()]).await?.iter().map(read).collect()
}

/// Ends what has not ended from a source; says whether there was any.
pub async fn stop(database: &Database, kind: Kind, source: &impl Serialize, now_ms: i64) -> Result<bool> {
    let source = serde_json::to_string(source).map_err(|error| Error::internal("stop an intake", error))?;
    let sql = "update intake set state = 'stopped', ended_ms = $3, updated_ms = $3
         where kind = $1 and source = $2 and state = 'running'";
    Ok(database.execute(sql, params![kind.as_str(), source, now_ms]).await? > 0)
}

/// The intake from `source` that has not ended, if there is one.
pub async fn running(database: &Database, kind: Kind, source: &impl Serialize) -> Result<Option<Intake>> {
    let source = serde_json::to_string(source).map_err(|error| Error::internal("find an intake", error))?;
    let sql = format!("select {COLUMNS} from intake where kind = $1 and source = $2 and state = 'running'");
    let row = database.fetch_optional(sqlx::AssertSqlSafe(sql), params![kind.as_str(), source]).await?;
    row.as_ref().map(read).transpose()
}

/// Notes that everything up to `position` was looked at, and what came of what stands between it and the position
/// before; without one the position stays where it was. [`Error::Conflict`] when somebody has stopped the intake.
pub async fn advance(
    database: &Database,
    id: IntakeId,
    position: Option<&str>,
    counts: &Counts,
    failures: &[Failure],
    now_ms: i64,
) -> Result<()> {
    let signed = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    let mut tx = database.begin(Durability::Batched).await?;
    let values = params![
        id.0,
        position,
        signed(counts.taken),
        signed(counts.present),
        signed(counts.conflicts),
        signed(counts.skipped),
        signed(counts.failed),
        signed(counts.bytes),
        now_ms
    ];
    let advanced = tx
        .execute(
            "update intake set position = coalesce($2, position), taken = taken + $3, present = present + $4, conflicts = conflicts + $5,
                 skipped = skipped + $6, failed = failed + $7, bytes = bytes + $8, note = null, updated_ms = $9
             where id = $1 and state = 'running'",
            values,
        )
        .await?;
    if advanced == 0 {
        return Err(Error::Conflict("it was stopped".to_owned()));
    }
    for failure in failures {
        tx.execute(
            "insert into intake_failure (intake_id, name, skipped, reason, at_ms) values ($1, $2, $3, $4, $5)
             on conflict (intake_id, name) do update set skipped = excluded.skipped, reason = excluded.reason,
                 at_ms = excluded.at_ms",
            params![id.0, &failure.name, failure.skipped, failure.reason.to_string(), now_ms],
        )
        .await?;
    }
    tx.commit().await
}

/// Notes why an intake waits.
pub async fn note(database: &Database, id: IntakeId, note: Option<&Why>, now_ms: i64) -> Result<()> {
    let note = note.map(Why::to_string);
    let sql = "update intake set note = $2, updated_ms = $3 where id = $1";
    database.execute(sql, params![id.0, note, now_ms]).await.map(drop)
}

/// Notes that an intake has come to its end.
pub async fn done(database: &Database, id: IntakeId, now_ms: i64) -> Result<()> {
    let sql = "update intake set state = 'done', note = null, ended_ms = $2, updated_ms = $2
         where id = $1 and state = 'running'";
    database.execute(sql, params![id.0, now_ms]).await.map(drop)
}

/// What was not taken, by name, after one; the caller asks again until there is nothing.
pub async fn failures(database: &Database, id: IntakeId, after: &str, limit: u32) -> Result<Vec<Failure>> {
    let sql = "select name, skipped, reason from intake_failure where intake_id = $1 and name > $2 order by name limit $3";
    let rows = database.fetch(sql, params![id.0, after, limit]).await?;
    rows.iter()
        .map(|row| {
            let reason = Why::read(&row.get::<String>("reason")?);
            Ok(Failure { name: row.get("name")?, skipped: row.flag("skipped")?, reason })
        })
        .collect()
}

/// A study that another PACS was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked {
    /// Instances as the other PACS counts them.
    pub expected: Option<u64>,
    /// Instances that are here.
    pub arrived: u64,
}

/// What came of a study when it was asked for; `None` when it was not.
pub async fn asked(database: &Database, id: IntakeId, study: &Uid) -> Result<Option<Asked>> {
    let sql = "select expected, arrived from intake_study where intake_id = $1 and study_uid = $2";
    let found = database.fetch_optional(sql, params![id.0, study]).await?;
    found.as_ref().map(read_asked).transpose()
}

/// What came of those of some studies that were asked for.
pub async fn asked_of(database: &Database, id: IntakeId, studies: &[Uid]) -> Result<HashMap<Uid, Asked>> {
    if studies.is_empty() {
        return Ok(HashMap::new());
    }
    let sql = format!(
        "select study_uid, expected, arrived from intake_study where intake_id = $1 and study_uid in ({})",
        placeholders(2, studies.len())
    );
    let mut values = params![id.0];
    values.extend(studies.iter().map(Param::from));
    let rows = database.fetch(sqlx::AssertSqlSafe(sql), values).await?;
    rows.iter().map(|row| Ok((instances::uid(row, "study_uid")?, read_asked(row)?))).collect()
}

fn read_asked(row: &Row) -> Result<Asked> {
    let expected: Option<i64> = row.get("expected")?;
    Ok(Asked {
        expected: expected.and_then(|number| u64::try_from(number).ok()),
        arrived: u64::try_from(row.get::<i64>("arrived")?).unwrap_or(0),
    })
}

/// Notes what came of a study: it counts, and with a reason it is one of those that could not be taken. One that was
/// noted before was asked for once more: what it counted then as here or as missing counts no second time.
/// [`Error::Conflict`] when somebody has stopped the intake.
pub async fn note_study(
    database: &Database,
    id: IntakeId,
    study: &Uid,
    asked: Asked,
    (counts, reason): (&Counts, Option<&Why>),
    now_ms: i64,
) -> Result<()> {
    let signed = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    let mut tx = database.begin(Durability::Batched).await?;
    let values = params![
        id.0,
        signed(counts.taken),
        signed(counts.present),
        signed(counts.failed),
        signed(counts.bytes),
        now_ms,
        study
    ];
    let counted = tx
        .execute(
            "update intake set taken = taken + $2,
                 present = present + case when $3 > known.here then $3 - known.here else 0 end,
                 failed = failed + $4 - known.missing, bytes = bytes + $5, note = null, updated_ms = $6
             from (select coalesce(max(s.arrived), 0) as here,
                     coalesce(max(case when f.name is null then 0 when s.expected > s.arrived then s.expected - s.arrived
                         else 1 end), 0) as missing
                 from intake_study s
                 left join intake_failure f on f.intake_id = s.intake_id and f.name = s.study_uid
                 where s.intake_id = $1 and s.study_uid = $7) known
             where id = $1 and state = 'running'",
            values,
        )
        .await?;
    if counted == 0 {
        return Err(Error::Conflict("it was stopped".to_owned()));
    }
    tx.execute(
        "insert into intake_study (intake_id, study_uid, expected, arrived, at_ms) values ($1, $2, $3, $4, $5)
         on conflict (intake_id, study_uid) do update set expected = excluded.expected, arrived = excluded.arrived,
             at_ms = excluded.at_ms",
        params![id.0, study, asked.expected.map(signed), signed(asked.arrived), now_ms],
    )
    .await?;
    match reason {
        Some(reason) => {
            tx.execute(
                "insert into intake_failure (intake_id, name, skipped, reason, at_ms) values ($1, $2, 0, $3, $4)
                 on conflict (intake_id, name) do update set reason = excluded.reason, at_ms = excluded.at_ms",
                params![id.0, study, reason.to_string(), now_ms],
            )
            .await?
        }
        None => {
            tx.execute("delete from intake_failure where intake_id = $1 and name = $2", params![id.0, study]).await?
        }
    };
    tx.commit().await
}

/// Forgets those of these days that another PACS did not list by themselves: it has listed their studies otherwise, and
/// those were asked for.
pub async fn days_made_up(database: &Database, id: IntakeId, days: &[String], now_ms: i64) -> Result<()> {
    const AT_ONCE: usize = 500;
    if days.is_empty() {
        return Ok(());
    }
    let whys = [NotTaken::DayRefused, NotTaken::TooManyStudies].map(|why| format!("{}%", why.as_str()));
    let mut tx = database.begin(Durability::Batched).await?;
    let mut made_up = 0;
    for some in days.chunks(AT_ONCE) {
        let sql = format!(
            "delete from intake_failure where intake_id = $1 and (reason like $2 or reason like $3) and name in ({})",
            placeholders(4, some.len())
        );
        let mut values = params![id.0, &whys[0], &whys[1]];
        values.extend(some.iter().map(Param::from));
        made_up += tx.execute(sqlx::AssertSqlSafe(sql), values).await?;
    }
    if made_up > 0 {
        let made_up = i64::try_from(made_up).unwrap_or(i64::MAX);
        let sql = "update intake set failed = failed - $2, updated_ms = $3 where id = $1";
        tx.execute(sql, params![id.0, made_up, now_ms]).await?;
    }
    tx.commit().await
}

/// How the counts of another PACS and ours compare.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Compared {
    /// Studies that were asked for.
    pub studies: u64,
    /// Of these, those of which the other PACS does not say how many instances it has.
    pub uncounted: u64,
    /// Instances that the other PACS counts in the rest.
    pub expected: u64,
    /// Instances of that rest that are here.
    pub arrived: u64,
    /// Studies of which fewer are here than the other PACS counts.
    pub incomplete: u64,
}

/// Compares what another PACS said with what is here.
pub async fn compare(database: &Database, id: IntakeId) -> Result<Compared> {
    let sql = "select count(*) as studies, count(*) - count(expected) as uncounted,
             cast(coalesce(sum(expected), 0) as bigint) as expected,
             cast(coalesce(sum(case when expected is not null then arrived end), 0) as bigint) as arrived,
             cast(coalesce(sum(case when arrived < expected then 1 else 0 end), 0) as bigint) as incomplete
         from intake_study where intake_id = $1";
    let row = database.fetch_optional(sql, params![id.0]).await?.ok_or(Error::NotFound)?;
    let number = |column| -> Result<u64> { Ok(u64::try_from(row.get::<i64>(column)?).unwrap_or(0)) };
    Ok(Compared {
        studies: number("studies")?,
        uncounted: number("uncounted")?,
        expected: number("expected")?,
        arrived: number("arrived")?,
        incomplete: number("incomplete")?,
    })
}

/// Instances of a study that are here, rejected ones too, and bytes of them.
pub async fn held(database: &Database, study: &Uid) -> Result<(u64, u64)> {
    let sql = "select count(*) as number, cast(coalesce(sum(i.length_bytes), 0) as bigint) as bytes
         from instance i join series s on s.id = i.series_id join study t on t.id = s.study_id where t.uid = $1";
    let row = database.fetch_optional(sql, params![study]).await?.ok_or(Error::NotFound)?;
    let number = |column| -> Result<u64> { Ok(u64::try_from(row.get::<i64>(column)?).unwrap_or(0)) };
    Ok((number("number")?, number("bytes")?))
}

fn read(row: &Row) -> Result<Intake> {
    let json = |text: String| {
        serde_json::from_str(&text).map_err(|error| Error::Corrupt(format!("an intake: {error}")))
    };
    let word: String = row.get("state")?;
    let state =
        [State::Running, State::Stopped, State::Done].into_iter().find(|state| state.as_str() == word);
    let number = |column| -> Result<u64> { Ok(u64::try_from(row.get::<i64>(column)?).unwrap_or(0)) };
    Ok(Intake {
        id: IntakeId(row.get("id")?),
        source: json(row.get("source")?)?,
        settings: json(row.get("settings")?)?,
        state: state.ok_or_else(|| Error::Corrupt(format!("an intake is in the unknown state {word}")))?,
        position: row.get("position")?,
        counts: Counts {
            taken: number("taken")?,
            present: number("present")?,
            conflicts: number("conflicts")?,
            skipped: number("skipped")?,
            failed: number("failed")?,
            bytes: number("bytes")?,
        },
        note: row.get::<Option<String>>("note")?.as_deref().map(Why::read),
        started_ms: row.get("started_ms")?,
    })
}
