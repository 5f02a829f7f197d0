//! What routes have handed to devices, kept so that it outlives the rows: lines in append-only objects, like the
//! journal of acts (`crate::journal`).
//!
//! A line says that a part of a series was queued for a device, or what of it is still to be sent when work on it has
//! paused or ended. Lines are rows in the transaction of what they tell, and copied soon after. When the index is made
//! anew, marks follow from them, and what was queued and not sent is queued once more.

use std::collections::{HashMap, HashSet};

use futures::TryStreamExt;
use object_store::{ObjectStoreExt, PutPayload};
use pacs_core::uid::{AeTitle, Uid};
use serde::{Deserialize, Serialize};

use super::follow::FOLLOWER;
use crate::archive::{Archive, gives_others};
use crate::backup::lineage;
use crate::database::{Database, Durability, Param, Transaction, params, placeholders};
use crate::error::{Error, Result};
use crate::events::{self, EventKind, NewEvent};
use crate::index::instances::uid;
use crate::jobs::JobId;
use crate::jobs::lanes::Priority;
use crate::packs;
use crate::transfers::{self, Direction, NewTransfer, Origin, Selection, Task};

/// Folder of the lines in the object store.
pub(crate) const PREFIX: &str = "handed";
/// Lines in one object.
const LINES: u32 = 1000;
/// Instances that a transfer names which is queued once more.
const NAMED: usize = 5000;

/// A line.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "what")]
enum Line {
    /// A part of a series counts as given to a device; with a transfer where it is sent by a route.
    #[serde(rename_all = "camelCase")]
    Given {
        at_ms: i64,
        /// Of the mark: `route` or `availability`.
        purpose: String,
        device: AeTitle,
        series: Uid,
        /// What of it was received up to this.
        through_ms: i64,
    },
    /// A route has queued a transfer.
    #[serde(rename_all = "camelCase")]
    Queued {
        at_ms: i64,
        /// Tells transfers apart.
        key: String,
        task: Task,
        series: Uid,
        /// What of it was received later than this; `None` from the first.
        after_ms: Option<i64>,
        /// And up to this.
        through_ms: i64,
        route: String,
        priority: i64,
    },
    /// What is still to be sent of a transfer when work on it has paused or ended; nothing when it is done or nobody
    /// wants it any more.
    #[serde(rename_all = "camelCase")]
    Left { at_ms: i64, key: String, unsent: Vec<Uid> },
}

async fn write(tx: &mut Transaction, line: &Line) -> Result<()> {
    let line = serde_json::to_string(line).map_err(|error| Error::internal("write a line", error))?;
    tx.execute("insert into handed (line) values ($1)", params![line]).await.map(drop)
}

/// A part of a series as a mark tells it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Part<'a> {
    pub device: &'a AeTitle,
    pub series: &'a Uid,
    /// Received later than this; `None` from the first.
    pub after_ms: Option<i64>,
    /// And up to this.
    pub through_ms: i64,
}

/// Notes that a part of a series counts as given.
pub(super) async fn given(tx: &mut Transaction, purpose: &str, part: Part<'_>, at_ms: i64) -> Result<()> {
    let line = Line::Given {
        at_ms,
        purpose: purpose.to_owned(),
        device: part.device.clone(),
        series: part.series.clone(),
        through_ms: part.through_ms,
    };
    write(tx, &line).await
}

/// Notes that a route has queued a transfer.
pub(super) async fn queued(
    tx: &mut Transaction,
    new: &NewTransfer<'_>,
    part: Part<'_>,
    at_ms: i64,
) -> Result<()> {
    let line = Line::Queued {
        at_ms,
        key: new.key(),
        task: new.task.clone(),
        series: part.series.clone(),
        after_ms: part.after_ms,
        through_ms: part.through_ms,
        route: new.origin.name().unwrap_or_default().to_owned(),
        priority: new.priority.number(),
    };
    write(tx, &line).await
}

/// What has become of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Became {
    /// Work on it has paused, or was given up.
    Paused,
    /// It is done, or nobody wants it any more.
    Over,
    /// Somebody wants it after all.
    Wanted,
}

/// Notes what is left of a job of a route. Other jobs are passed over.
pub(crate) async fn left(tx: &mut Transaction, id: JobId, became: Became, at_ms: i64) -> Result<()> {
    let sql = "select j.payload, j.dedupe, x.after_id, x.moved from transfer x join job j on j.id = x.job_id
         where x.job_id = $1 and x.origin = 'route'";
    let Some(row) = tx.fetch_optional(sql, params![id.0]).await? else { return Ok(()) };
    let Some(key) = row.get::<Option<String>>("dedupe")? else { return Ok(()) };
    let mut unsent = Vec::new();
    if became != Became::Over {
        if became == Became::Paused && row.get::<i64>("moved")? == 0 {
            // The line by which it was queued says so.
            return Ok(());
        }
        let task: Task = serde_json::from_str(&row.get::<String>("payload")?)
            .map_err(|error| Error::Corrupt(format!("a transfer: {error}")))?;
        unsent = transfers::unsent(tx, id, &task, row.get("after_id")?).await?;
    }
    write(tx, &Line::Left { at_ms, key, unsent }).await
}

impl Archive {
    /// Copies lines to the object store.
    pub(crate) async fn copy_handed(&self) -> Result<()> {
        let database = &self.0.database;
        let tail = lineage::tail(database).await?;
        loop {
            let rows =
                database.fetch("select id, line from handed order by id limit $1", params![LINES]).await?;
            let Some(first) = rows.first() else { return Ok(()) };
            let now_ms = self.0.config.clock.now_ms();
            // By time, since numbers begin anew with the rows.
            let key = format!("{PREFIX}/{now_ms:015}-{:020}{tail}.jsonl", first.get::<i64>("id")?);
            let mut lines = String::new();
            for row in &rows {
                lines.push_str(&row.get::<String>("line")?);
                lines.push('\n');
            }
            self.0.objects.put(&packs::path(&key), PutPayload::from(lines.into_bytes())).await?;
            // These alone: a line with a smaller number may have been committed since.
            let ids =
                rows.iter().map(|row| Ok(Param::from(row.get::<i64>("id")?))).collect::<Result<Vec<_>>>()?;
            let sql = format!("delete from handed where id in ({})", placeholders(1, ids.len()));
            database.execute(sqlx::AssertSqlSafe(sql), ids).await?;
        }
    }

    /// Brings back, once all rows are there, what routes had handed over: what counts as given, and what was queued
    /// and not sent. What settled after the last line was never looked at by a route, and is told again. Answers how
    /// many objects and lines are damaged: they are told of and left out.
    pub(crate) async fn hand_again(&self) -> Result<u64> {
        self.copy_handed().await?;
        let database = &self.0.database;
        let mut recalled = Recalled::begin(database).await?;
        let prefix = packs::path(PREFIX);
        let mut objects: Vec<_> =
            self.0.objects.list(Some(&prefix)).map_ok(|object| object.location).try_collect().await?;
        objects.sort_unstable();
        let mut damaged = 0;
        for object in objects {
            let read = async { Ok::<_, Error>(self.0.objects.get(&object).await?.bytes().await?) };
            let lines = match read.await {
                Err(error)
                    if error.of_reading().is_some()
                        && gives_others(database, &self.0.objects, object.as_ref()).await? =>
                {
                    tracing::error!(%object, %error, "what routes have handed over cannot be read");
                    damaged += 1;
                    continue;
                }
                lines => lines?,
            };
            let mut tx = database.begin(Durability::Batched).await?;
            for line in lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
                match serde_json::from_slice(line) {
                    Ok(line) => recalled.take(&mut tx, line).await?,
                    Err(error) => {
                        tracing::error!(%object, %error, "a line of what routes have handed over is damaged");
                        damaged += 1;
                    }
                }
            }
            tx.commit().await?;
        }
        recalled.end(database, self.0.config.clock.now_ms()).await?;
        Ok(damaged)
    }
}

/// What lines say, as far as it is still open.
struct Recalled {
    /// Keys of transfers whose rows are there, and that are not done.
    waiting: HashSet<String>,
    /// Of these, the ones that had been sent.
    sent: Vec<String>,
    /// Transfers that had not been sent.
    open: HashMap<String, Open>,
    last_ms: Option<i64>,
}

struct Open {
    task: Task,
    series: Uid,
    after_ms: Option<i64>,
    through_ms: i64,
    route: String,
    priority: i64,
    /// What is left of it; `None`: all.
    unsent: Option<Vec<Uid>>,
}

impl Recalled {
    async fn begin(database: &Database) -> Result<Self> {
        let sql =
            "select j.dedupe from job j where j.kind = $1 and j.lane is not null and j.state in ('waiting', 'running')
             and j.dedupe is not null";
        let rows = database.fetch(sql, params![transfers::SEND]).await?;
        let waiting = rows.iter().map(|row| row.get("dedupe")).collect::<Result<_>>()?;
        Ok(Self { waiting, sent: Vec::new(), open: HashMap::new(), last_ms: None })
    }

    async fn take(&mut self, tx: &mut Transaction, line: Line) -> Result<()> {
        match line {
            Line::Given { at_ms, purpose, device, series, through_ms } => {
                self.last_ms = self.last_ms.max(Some(at_ms));
                // Rows have other numbers now: what came later is told by its time, or by a number beyond all there
                // are.
                tx.execute(
                    "insert into series_mark (purpose, device, series_uid, through_id, through_ms)
                     select $1, $2, s.uid, max(i.id), cast($4 as bigint) from series s join instance i on i.series_id = s.id
                     where s.uid = $3 group by s.uid
                     on conflict (purpose, device, series_uid) do update set through_id = excluded.through_id,
                         through_ms = excluded.through_ms where series_mark.through_ms < excluded.through_ms",
                    params![purpose, device.as_str(), &series, through_ms],
                )
                .await?;
            }
            Line::Queued { key, task, series, after_ms, through_ms, route, priority, .. } => {
                let unsent = match &task.selection {
                    Selection::Instances(instances) => Some(instances.clone()),
                    _ => None,
                };
                let open = Open { task, series, after_ms, through_ms, route, priority, unsent };
                self.open.insert(key, open);
            }
            Line::Left { key, unsent, .. } if unsent.is_empty() => {
                self.open.remove(&key);
                if self.waiting.remove(&key) {
                    self.sent.push(key);
                }
            }
            Line::Left { key, unsent, .. } => {
                if let Some(open) = self.open.get_mut(&key) {
                    open.unsent = Some(unsent);
                }
            }
        }
        Ok(())
    }

    async fn end(self, database: &Database, now_ms: i64) -> Result<()> {
        let mut tx = database.begin(Durability::Synced).await?;
        for key in &self.sent {
            let sql = "update job set state = 'done', error = null, updated_ms = $2
                 where dedupe = $1 and state in ('waiting', 'running')";
            tx.execute(sql, params![key, now_ms]).await?;
        }
        let mut open: Vec<(&String, &Open)> = self.open.iter().collect();
        open.sort_unstable_by_key(|(key, open)| (open.through_ms, *key));
        for (key, open) in open {
            if !self.waiting.contains(key) && !is_known(&mut tx, key, &open.task).await? {
                open.queue(&mut tx, now_ms).await?;
                // What was queued in its place tells of it from here on.
                write(&mut tx, &Line::Left { at_ms: now_ms, key: key.clone(), unsent: Vec::new() }).await?;
            }
        }
        if let Some(last_ms) = self.last_ms {
            tell_later(&mut tx, last_ms, now_ms).await?;
        }
        tx.commit().await
    }
}

/// Whether the rows know what has become of a transfer: somebody gave it up or cancelled it.
async fn is_known(tx: &mut Transaction, key: &str, task: &Task) -> Result<bool> {
    let sql = "select 1 from transfer x join job j on j.id = x.job_id where x.study_uid = $1 and j.dedupe = $2 limit 1";
    Ok(tx.fetch_optional(sql, params![&task.study, key]).await?.is_some())
}

impl Open {
    /// Queues what is left.
    async fn queue(&self, tx: &mut Transaction, now_ms: i64) -> Result<()> {
        let rows = tx
            .fetch(
                "select i.uid, t.uid as study_uid, t.facility from instance i join series s on s.id = i.series_id
                 join study t on t.id = s.study_id
                 where s.uid = $1 and i.received_ms > $2 and i.received_ms <= $3 and i.rejection_id is null
                 order by i.number, i.id",
                params![&self.series, self.after_ms.unwrap_or(-1), self.through_ms],
            )
            .await?;
        let Some(first) = rows.first() else { return Ok(()) };
        let (study, facility) = (uid(first, "study_uid")?, first.get::<String>("facility")?);
        let mut instances = rows.iter().map(|row| uid(row, "uid")).collect::<Result<Vec<_>>>()?;
        if let Some(unsent) = &self.unsent {
            let unsent: HashSet<&Uid> = unsent.iter().collect();
            instances.retain(|uid| unsent.contains(uid));
        }
        for some in instances.chunks(NAMED) {
            let selection = Selection::Instances(some.to_vec());
            let task = Task { device: self.task.device.clone(), study: study.clone(), selection };
            let new = NewTransfer {
                direction: Direction::Send,
                task: &task,
                facility: &facility,
                sender: None,
                origin: &Origin::Route(self.route.clone()),
                created_by: "system",
                priority: Priority::of_number(self.priority),
            };
            if transfers::enqueue_in(tx, &new, now_ms).await?.is_some() {
                let part = Part {
                    device: &task.device,
                    series: &self.series,
                    after_ms: self.after_ms,
                    through_ms: self.through_ms,
                };
                queued(tx, &new, part, now_ms).await?;
            }
        }
        Ok(())
    }
}

/// Tells the follower of series with images that came after the last line, where it has no place in the outbox yet: it
/// would begin behind all that the making anew has told.
async fn tell_later(tx: &mut Transaction, last_ms: i64, now_ms: i64) -> Result<()> {
    let newest = tx.fetch_one("select coalesce(max(id), 0) as newest from event", params![]).await?;
    let sql = "insert into follower (name, cursor) values ($1, $2) on conflict (name) do nothing";
    if tx.execute(sql, params![FOLLOWER, newest.get::<i64>("newest")?]).await? == 0 {
        return Ok(());
    }
    let rows = tx
        .fetch(
            "select distinct t.facility, t.uid as study_uid, s.uid as series_uid from instance i
             join series s on s.id = i.series_id join study t on t.id = s.study_id
             where i.received_ms > $1 and s.unsettled = 0",
            params![last_ms],
        )
        .await?;
    for row in &rows {
        let (facility, study, series): (String, String, String) =
            (row.get("facility")?, row.get("study_uid")?, row.get("series_uid")?);
        let settled = NewEvent {
            facility: Some(&facility),
            study_uid: Some(&study),
            series_uid: Some(&series),
            ..NewEvent::new(EventKind::SeriesSettled)
        };
        events::append(tx, now_ms, &[settled]).await?;
    }
    Ok(())
}
