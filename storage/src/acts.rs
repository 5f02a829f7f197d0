//! Acts on the archive: who changed what, why, and how to take it back.
//!
//! Every act is a row in the same transaction as the change; a job copies the rows to the
//! append-only journal in the object store, from which `sen reindex` plays them again.

use std::collections::HashSet;

use serde_json::Value;

use crate::database::{Database, Param, Row, Transaction, params, placeholders};
use crate::index::deletions::Kind;
use crate::{Error, Result, dialect};

/// An act to be recorded.
#[derive(Debug, Clone)]
pub struct NewAct<'a> {
    /// What was done: `study.link`, `study.unlink`, …
    pub kind: &'a str,
    /// `Actor::id` of who did it.
    pub actor: &'a str,
    /// What it was done to: `study`, `series`, `instance`, `patient`.
    pub subject_kind: &'a str,
    /// Its UID or key.
    pub subject_uid: &'a str,
    /// The reason that was given.
    pub reason: Option<&'a str>,
    /// How it was before, as far as an undo needs it.
    pub before: Option<Value>,
    /// How it is after.
    pub after: Option<Value>,
    /// The act that this one takes back.
    pub undoes: Option<i64>,
}

/// A recorded act.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Act {
    /// Its number; acts are played in this order.
    pub id: i64,
    /// What was done.
    pub kind: String,
    /// Who did it.
    pub actor: String,
    /// When.
    pub at_ms: i64,
    /// What it was done to.
    pub subject_kind: String,
    /// Its UID or key.
    pub subject_uid: String,
    /// The reason that was given.
    pub reason: Option<String>,
    /// How it was before.
    pub before: Option<Value>,
    /// How it is after.
    pub after: Option<Value>,
    /// The act that this one takes back.
    pub undoes: Option<i64>,
}

impl Act {
    /// The name of this act for one that takes it back: what outlives its number.
    fn name(&self) -> Value {
        serde_json::json!({ "kind": self.kind, "atMs": self.at_ms, "subject": self.subject_uid })
    }
}

const COLUMNS: &str =
    "id, kind, actor, at_ms, subject_kind, subject_uid, reason, before_json, after_json, undoes_id";

/// The kinds of the acts on studies, series and instances. The pages have a phrase for each.
pub const ON_STUDIES: [&str; 24] = [
    "study.correct",
    "series.correct",
    "correction.undo",
    "series.move",
    "instance.move",
    "study.merge",
    "study.split",
    "study.part",
    "move.undo",
    "study.link",
    "study.unlink",
    "study.reject",
    "series.reject",
    "instance.reject",
    "study.restore",
    "series.restore",
    "instance.restore",
    "study.delete",
    "series.delete",
    "instance.delete",
    "study.assign",
    "study.reconcile",
    "study.reopen",
    "series.serve",
];

/// Where an act lists the UIDs of what it is about besides its subject.
pub(crate) const ABOUT: &str = "about";
/// Where an act that takes another back names it by what outlives its number.
const UNDONE: &str = "undone";

/// Records an act in the transaction of its change; answers its number.
pub async fn record(tx: &mut Transaction, act: &NewAct<'_>, now_ms: i64) -> Result<i64> {
    let after = with_undone(tx, act).await?;
    debug_assert!(
        act.subject_kind == "patient" || ON_STUDIES.contains(&act.kind),
        "{} is not listed",
        act.kind
    );
    let row = tx
        .fetch_one(
            "insert into act (kind, actor, at_ms, subject_kind, subject_uid, reason, before_json, after_json, undoes_id)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9) returning id",
            params![
                act.kind,
                act.actor,
                now_ms,
                act.subject_kind,
                act.subject_uid,
                act.reason,
                act.before.as_ref().map(Value::to_string),
                after.as_ref().map(Value::to_string),
                act.undoes
            ],
        )
        .await?;
    let id = row.get("id")?;
    note_about(tx, id, after.as_ref()).await?;
    tx.hint_acts();
    Ok(id)
}

/// What an act says; of one that takes another back also which, since numbers do not outlive the database.
async fn with_undone(tx: &mut Transaction, act: &NewAct<'_>) -> Result<Option<Value>> {
    let Some(undone) = act.undoes else { return Ok(act.after.clone()) };
    let mut after = match &act.after {
        Some(Value::Object(after)) => after.clone(),
        _ => serde_json::Map::new(),
    };
    if let Some(undone) = by_id(tx, undone).await? {
        after.insert(UNDONE.to_owned(), undone.name());
    }
    Ok(Some(Value::Object(after)))
}

/// Notes what an act says that it is about besides its subject, by which it is found from there.
async fn note_about(tx: &mut Transaction, id: i64, after: Option<&Value>) -> Result<()> {
    let listed = after.and_then(|after| after.get(ABOUT)?.as_array());
    for uid in listed.into_iter().flatten().filter_map(Value::as_str) {
        let sql = "insert into act_about (uid, act_id) values ($1, $2) on conflict (uid, act_id) do nothing";
        tx.execute(sql, params![uid, id]).await?;
    }
    Ok(())
}

/// The acts on one subject, newest first.
pub async fn of_subject(database: &Database, subject_uid: &str, limit: u32) -> Result<Vec<Act>> {
    let sql = format!("select {COLUMNS} from act where subject_uid = $1 order by id desc limit $2");
    database.fetch(sqlx::AssertSqlSafe(sql), params![subject_uid, limit]).await?.iter().map(read).collect()
}

/// Acts that the journal does not hold yet, oldest first.
pub async fn unjournaled(database: &Database, limit: u32) -> Result<Vec<Act>> {
    let sql = format!("select {COLUMNS} from act where journaled_ms is null order by id limit $1");
    database.fetch(sqlx::AssertSqlSafe(sql), params![limit]).await?.iter().map(read).collect()
}

/// Notes that the journal holds these acts.
pub async fn journaled(tx: &mut Transaction, ids: &[i64], now_ms: i64) -> Result<()> {
    for &id in ids {
        tx.execute("update act set journaled_ms = $2 where id = $1", params![id, now_ms]).await?;
    }
    Ok(())
}

/// The newest act of these kinds on a subject.
pub(crate) async fn newest_of(
    tx: &mut Transaction,
    subject_uid: &str,
    kinds: &[&str],
) -> Result<Option<Act>> {
    let (sql, params) = newest(subject_uid, kinds);
    tx.fetch_optional(sqlx::AssertSqlSafe(sql), params).await?.as_ref().map(read).transpose()
}

/// The same, outside of a transaction.
pub(crate) async fn read_newest_of(
    database: &Database,
    subject_uid: &str,
    kinds: &[&str],
) -> Result<Option<Act>> {
    let (sql, params) = newest(subject_uid, kinds);
    database.fetch_optional(sqlx::AssertSqlSafe(sql), params).await?.as_ref().map(read).transpose()
}

fn newest(subject_uid: &str, kinds: &[&str]) -> (String, Vec<Param>) {
    let sql = format!(
        "select {COLUMNS} from act where subject_uid = $1 and kind in ({}) order by at_ms desc, id desc limit 1",
        placeholders(2, kinds.len())
    );
    let mut params = params![subject_uid];
    params.extend(kinds.iter().map(|kind| Param::from(*kind)));
    (sql, params)
}

/// The acts of these kinds on a subject, newest first.
pub(crate) async fn of_kinds(tx: &mut Transaction, subject_uid: &str, kinds: &[&str]) -> Result<Vec<Act>> {
    let sql = format!(
        "select {COLUMNS} from act where subject_uid = $1 and kind in ({}) order by at_ms desc, id desc limit 1000",
        placeholders(2, kinds.len())
    );
    let mut params = params![subject_uid];
    params.extend(kinds.iter().map(|kind| Param::from(*kind)));
    tx.fetch(sqlx::AssertSqlSafe(sql), params).await?.iter().map(read).collect()
}

/// An act by its number.
pub(crate) async fn by_id(tx: &mut Transaction, id: i64) -> Result<Option<Act>> {
    let sql = format!("select {COLUMNS} from act where id = $1");
    tx.fetch_optional(sqlx::AssertSqlSafe(sql), params![id]).await?.as_ref().map(read).transpose()
}

/// The newest act of these kinds that is about a UID and was not taken back, nor done before the UID was
/// deleted; nor is it the act `without`.
pub(crate) async fn standing_about(
    tx: &mut Transaction,
    uid: &str,
    kind: Kind,
    kinds: &[&str],
    without: Option<i64>,
) -> Result<Option<Act>> {
    let sql = format!(
        "select {COLUMNS} from act where id in (select act_id from act_about where uid = $1) and kind in ({})
             and id <> $3 and not exists (select 1 from act u where u.undoes_id = act.id)
             and at_ms > coalesce((select d.until_ms from deletion d where d.uid = $1 and d.kind = $2), -1)
         order by at_ms desc, id desc limit 1",
        placeholders(4, kinds.len())
    );
    let mut params = params![uid, kind.as_str(), without.unwrap_or(-1)];
    params.extend(kinds.iter().map(|kind| Param::from(*kind)));
    tx.fetch_optional(sqlx::AssertSqlSafe(sql), params).await?.as_ref().map(read).transpose()
}

/// The newest act of that kind on a subject that was not taken back.
pub(crate) async fn standing_of(tx: &mut Transaction, subject_uid: &str, kind: &str) -> Result<Option<Act>> {
    let sql = format!(
        "select {COLUMNS} from act where subject_uid = $1 and kind = $2
             and not exists (select 1 from act u where u.undoes_id = act.id) order by at_ms desc, id desc limit 1"
    );
    let row = tx.fetch_optional(sqlx::AssertSqlSafe(sql), params![subject_uid, kind]).await?;
    row.as_ref().map(read).transpose()
}

/// The acts on a study and on what is in it, newest first, each with whether it was taken back.
pub async fn of_study(database: &Database, study_uid: &str, limit: u32) -> Result<Vec<(Act, bool)>> {
    let sql = format!(
        "select {COLUMNS}, (select count(*) from act u where u.undoes_id = act.id) as undone from act
         where id in (select id from act where subject_uid = $1 union select act_id from act_about where uid = $1)
         order by at_ms desc, id desc limit $2"
    );
    let rows = database.fetch(sqlx::AssertSqlSafe(sql), params![study_uid, limit]).await?;
    rows.iter().map(|row| Ok((read(row)?, row.get::<i64>("undone")? > 0))).collect()
}

/// The acts of these kinds on subjects, and those that are about them besides, newest first, each with whether it was
/// taken back.
pub(crate) async fn of_any(
    database: &Database,
    subjects: &[String],
    kinds: &[&str],
    limit: u32,
) -> Result<Vec<(Act, bool)>> {
    if subjects.is_empty() {
        return Ok(Vec::new());
    }
    let listed = placeholders(1, subjects.len());
    let sql = format!(
        "select {COLUMNS}, (select count(*) from act u where u.undoes_id = act.id) as undone from act
         where id in (select id from act where subject_uid in ({listed})
             union select act_id from act_about where uid in ({listed})) and kind in ({})
         order by at_ms desc, id desc limit {limit}",
        placeholders(subjects.len() + 1, kinds.len())
    );
    let mut values: Vec<Param> = subjects.iter().map(Param::from).collect();
    values.extend(kinds.iter().map(|kind| Param::from(*kind)));
    let rows = database.fetch(sqlx::AssertSqlSafe(sql), values).await?;
    rows.iter().map(|row| Ok((read(row)?, row.get::<i64>("undone")? > 0))).collect()
}

/// The acts of these kinds that are about a UID besides their subject, oldest first.
pub(crate) async fn about(tx: &mut Transaction, uid: &str, kinds: &[&str]) -> Result<Vec<Act>> {
    let sql = format!(
        "select {COLUMNS} from act where id in (select act_id from act_about where uid = $1) and kind in ({})
         order by at_ms, id",
        placeholders(2, kinds.len())
    );
    let mut params = params![uid];
    params.extend(kinds.iter().map(|kind| Param::from(*kind)));
    tx.fetch(sqlx::AssertSqlSafe(sql), params).await?.iter().map(read).collect()
}

/// The acts of these kinds on studies and on what is in them, oldest first.
pub(crate) async fn in_histories(
    tx: &mut Transaction,
    studies: &HashSet<String>,
    kinds: &[&str],
) -> Result<Vec<Act>> {
    if studies.is_empty() {
        return Ok(Vec::new());
    }
    let listed = placeholders(1, studies.len());
    let sql = format!(
        "select {COLUMNS} from act where id in (select id from act where subject_uid in ({listed})
             union select act_id from act_about where uid in ({listed})) and kind in ({})
         order by at_ms, id",
        placeholders(studies.len() + 1, kinds.len())
    );
    let mut values: Vec<Param> = studies.iter().map(Param::from).collect();
    values.extend(kinds.iter().map(|kind| Param::from(*kind)));
    tx.fetch(sqlx::AssertSqlSafe(sql), values).await?.iter().map(read).collect()
}

/// Whether a later act takes that one back.
pub(crate) async fn is_undone(tx: &mut Transaction, id: i64) -> Result<bool> {
    let sql = "select 1 from act where undoes_id = $1 limit 1";
    Ok(tx.fetch_optional(sql, params![id]).await?.is_some())
}

/// The same, outside of a transaction.
pub(crate) async fn read_is_undone(database: &Database, id: i64) -> Result<bool> {
    let sql = "select 1 from act where undoes_id = $1 limit 1";
    Ok(database.fetch_optional(sql, params![id]).await?.is_some())
}

/// An act by its number, outside of a transaction.
pub(crate) async fn read_by_id(database: &Database, id: i64) -> Result<Option<Act>> {
    let sql = format!("select {COLUMNS} from act where id = $1");
    database.fetch_optional(sqlx::AssertSqlSafe(sql), params![id]).await?.as_ref().map(read).transpose()
}

/// Acts of these kinds before one, which is told by its time and number; newest first.
pub(crate) async fn before(
    database: &Database,
    kinds: &[&str],
    (at_ms, id): (i64, i64),
    limit: i64,
) -> Result<Vec<Act>> {
    let sql = format!(
        "select {COLUMNS} from act where (at_ms, id) < ($1, $2) and kind in ({}) order by at_ms desc, id desc limit $3",
        placeholders(4, kinds.len())
    );
    let mut params = params![at_ms, id, limit];
    params.extend(kinds.iter().map(|kind| Param::from(*kind)));
    database.fetch(sqlx::AssertSqlSafe(sql), params).await?.iter().map(read).collect()
}

/// Brings back the row of an act from the journal unless it is there; says whether it did. Its
/// number may have been given to another act since a backup was restored: then it takes the next.
pub(crate) async fn restore(tx: &mut Transaction, act: &Act, now_ms: i64) -> Result<bool> {
    let is_it = |row: &Row| Ok::<_, Error>(Act { id: act.id, ..read(row)? } == *act);
    let there = by_id(tx, act.id).await?;
    if let Some(row) = &there {
        if *row == *act {
            return Ok(false);
        }
        let sql = format!("select {COLUMNS} from act where subject_uid = $1 and at_ms = $2 order by id");
        for row in tx.fetch(sqlx::AssertSqlSafe(sql), params![&act.subject_uid, act.at_ms]).await? {
            if is_it(&row)? {
                return Ok(false);
            }
        }
    }
    let undoes = undone_now(tx, act).await?;
    let (column, number) = if there.is_some() { ("", "") } else { ("id, ", "$11, ") };
    let sql = format!(
        "insert into act ({column}kind, actor, at_ms, subject_kind, subject_uid, reason, before_json, after_json,
             undoes_id, journaled_ms) values ({number}$1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
    );
    let mut values = params![
        &act.kind,
        &act.actor,
        act.at_ms,
        &act.subject_kind,
        &act.subject_uid,
        &act.reason,
        act.before.as_ref().map(Value::to_string),
        act.after.as_ref().map(Value::to_string),
        undoes,
        now_ms
    ];
    if there.is_none() {
        values.push(act.id.into());
    }
    let sql = format!("{sql} returning id");
    let id = tx.fetch_one(sqlx::AssertSqlSafe(sql), values).await?.get("id")?;
    note_about(tx, id, act.after.as_ref()).await?;
    dialect::number_after(tx, "act").await?;
    Ok(true)
}

/// The number that the act has now which one from the journal takes back.
async fn undone_now(tx: &mut Transaction, act: &Act) -> Result<Option<i64>> {
    let undone = act.after.as_ref().and_then(|after| after.get(UNDONE));
    let named = |key: &str| undone.and_then(|undone| undone.get(key));
    let (Some(kind), Some(at_ms)) =
        (named("kind").and_then(Value::as_str), named("atMs").and_then(Value::as_i64))
    else {
        return Ok(act.undoes);
    };
    let subject = named("subject").and_then(Value::as_str).unwrap_or(&act.subject_uid);
    let sql = "select id from act where subject_uid = $1 and kind = $2 and at_ms = $3 order by id limit 1";
    let row = tx.fetch_optional(sql, params![subject, kind, at_ms]).await?;
    row.map(|row| row.get("id")).transpose()
}

fn read(row: &Row) -> Result<Act> {
    let json = |column: &str| -> Result<Option<Value>> {
        let text: Option<String> = row.get(column)?;
        text.map(|text| serde_json::from_str(&text))
            .transpose()
            .map_err(|error| Error::Corrupt(error.to_string()))
    };
    Ok(Act {
        id: row.get("id")?,
        kind: row.get("kind")?,
        actor: row.get("actor")?,
        at_ms: row.get("at_ms")?,
        subject_kind: row.get("subject_kind")?,
        subject_uid: row.get("subject_uid")?,
        reason: row.get("reason")?,
        before: json("before_json")?,
        after: json("after_json")?,
        undoes: row.get("undoes_id")?,
    })
}
