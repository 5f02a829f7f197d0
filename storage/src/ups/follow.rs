//! Reading what a subscriber has not been told yet.

use std::collections::VecDeque;
use std::time::Duration;

use pacs_core::access::Scope;
use pacs_core::uid::AeTitle;
use pacs_core::ups::report;
use tokio::sync::watch;

use super::reports::{self, Letter};
use crate::database::{Database, Durability, params};
use crate::events::{self, Event, EventKind};
use crate::{Error, Result};

/// Events read at once.
const BATCH: u32 = 200;
/// Other processes write events without a hint to this one.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// Follows the outbox for one subscriber. Where it has come to is kept, so that who was away hears
/// what it has missed, for as long as events are kept; what was being sent when the connection broke is
/// sent again.
pub struct Follower {
    database: Database,
    hints: watch::Receiver<u64>,
    subscriber: AeTitle,
    scope: Scope,
    cursor: i64,
    /// Reports that are to be read.
    waiting: VecDeque<i64>,
}

impl Follower {
    /// Goes on where the subscriber was. One that has subscribed to nothing yet begins here.
    pub async fn open(database: &Database, scope: Scope, subscriber: AeTitle) -> Result<Self> {
        // Subscribed before the first look, so that nothing falls between the two.
        let hints = database.event_hints();
        let sql = "select cursor from workitem_subscriber where ae_title = $1";
        let known = database.fetch_optional(sql, params![subscriber.as_str()]).await?;
        let newest = events::newest(database).await?;
        let cursor = match known {
            // A cursor from beyond the end is another archive's, such as one from before a restore.
            Some(row) => row.get::<i64>("cursor")?.min(newest),
            None => newest,
        };
        Ok(Self { database: database.clone(), hints, subscriber, scope, cursor, waiting: VecDeque::new() })
    }

    /// The next report for the subscriber, as DICOM JSON, once there is one.
    pub async fn next(&mut self) -> Result<String> {
        loop {
            // Taken off the list only once it is read: who waits may be called away at any time.
            while let Some(&id) = self.waiting.front() {
                let report = self.read(id).await?;
                self.waiting.pop_front();
                self.cursor = id;
                if let Some(report) = report {
                    return Ok(report);
                }
            }
            self.hints.mark_unchanged();
            let found = events::since(&self.database, self.cursor, BATCH).await?;
            let Some(last) = found.last().map(|event| event.id) else {
                // Elapsed or hinted, the next look tells.
                let _ = tokio::time::timeout(LOOK_EVERY, self.hints.changed()).await;
                continue;
            };
            let mine = found.iter().filter(|event| self.may_concern(event)).map(|event| event.id);
            self.waiting = mine.collect();
            if self.waiting.is_empty() {
                self.cursor = last;
                self.keep().await?;
            }
        }
    }

    /// Notes that what [`Follower::next`] gave was sent; of several that wait the last is kept.
    pub async fn sent(&self) -> Result<()> {
        if self.waiting.is_empty() { self.keep().await } else { Ok(()) }
    }

    /// Keeps how far the subscriber has been told.
    pub async fn keep(&self) -> Result<()> {
        let mut tx = self.database.begin(Durability::Batched).await?;
        let sql = "update workitem_subscriber set cursor = $2 where ae_title = $1 and cursor < $2";
        tx.execute(sql, params![self.subscriber.as_str(), self.cursor]).await?;
        tx.commit().await
    }

    /// Whether an event is a report of a step that the subscriber may see.
    fn may_concern(&self, event: &Event) -> bool {
        let is_seen = match (&self.scope, &event.facility) {
            (Scope::All, _) | (_, None) => true,
            (Scope::Facilities(codes), Some(facility)) => codes.contains(facility),
        };
        is_seen && event.kind == EventKind::WorkitemReport
    }

    /// The report of an event, if it is for the subscriber.
    async fn read(&self, id: i64) -> Result<Option<String>> {
        let Some(data) = events::data(&self.database, id).await? else { return Ok(None) };
        let letter: Letter =
            serde_json::from_str(&data).map_err(|error| Error::Corrupt(format!("a report: {error}")))?;
        let is_for = letter.to.is_empty() || letter.to.iter().any(|title| title == self.subscriber.as_str());
        Ok(is_for.then(|| letter.report.to_string()))
    }
}

/// Tells all subscribers that the archive has begun anew and has kept its steps and subscriptions
/// (PS3.4 CC.2.4.3).
pub async fn restarted(database: &Database, now_ms: i64) -> Result<()> {
    if database.fetch_optional("select 1 from workitem_subscriber few limit 1", params![]).await?.is_none() {
        return Ok(());
    }
    let mut tx = database.begin(Durability::Batched).await?;
    let letter = reports::letter(Vec::new(), &report::restarted())?;
    reports::post(&mut tx, None, &[letter], now_ms).await?;
    tx.commit().await
}
