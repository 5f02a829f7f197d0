//! Reading what a subscriber has not been told yet.

use std::collections::VecDeque;
use std::time::Duration;

use pacs_core::access::Scope;
use pacs_core::uid::AeTitle;
use pacs_core::ups::report;
use tokio::sync::watch;

use super::reports::{self, Letter};
use super::{Asker, Bookmark, subscribers};
use crate::database::{Database, Durability, params};
use crate::events::{self, Event, EventKind};
use crate::{Error, Result};

/// Events read at once.
const BATCH: u32 = 200;
/// Other processes write events without a hint to this one.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// Follows the outbox for one subscriber, from where its [`Bookmark`] lies, so that who was away hears what it has
/// missed, for as long as events are kept.
pub struct Follower {
    database: Database,
    hints: watch::Receiver<u64>,
    subscriber: AeTitle,
    /// `Actor::id` of who follows.
    owner: String,
    scope: Scope,
    /// How far the outbox was read, and up to where that was said.
    cursor: i64,
    passed: i64,
    /// Reports that are to be read.
    waiting: VecDeque<i64>,
}

/// What the outbox has had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Read {
    /// The place behind it.
    pub at: i64,
    /// A report for the subscriber, as DICOM JSON; `None` where there was nothing more for it.
    pub report: Option<String>,
}

impl Follower {
    /// Goes on where the subscriber was. One that has subscribed to nothing yet begins here.
    /// [`WorkError::NotTheirs`](super::WorkError::NotTheirs) when it is another account's.
    pub async fn open(
        database: &Database,
        asker: &Asker<'_>,
        subscriber: AeTitle,
    ) -> super::Result<(Self, Bookmark)> {
        // Subscribed before the first look, so that nothing falls between the two.
        let hints = database.event_hints();
        let mut tx = database.begin(Durability::Batched).await?;
        subscribers::claim(&mut tx, asker, &subscriber).await?;
        let sql = "select cursor from workitem_subscriber where ae_title = $1";
        let known = tx.fetch_optional(sql, params![subscriber.as_str()]).await?;
        tx.commit().await?;
        let newest = events::newest(database).await?;
        let cursor = match known {
            // A cursor from beyond the end is another archive's, such as one from before a restore.
            Some(row) => row.get::<i64>("cursor")?.min(newest),
            None => newest,
        };
        let bookmark = Bookmark::new(database, &subscriber, &asker.actor.id, cursor);
        let follower = Self {
            database: database.clone(),
            hints,
            subscriber,
            owner: asker.actor.id.clone(),
            scope: asker.scope(),
            cursor,
            passed: cursor,
            waiting: VecDeque::new(),
        };
        Ok((follower, bookmark))
    }

    /// The next report for the subscriber, once there is one, or how far there is none. `None` when the AE title has
    /// become another account's.
    pub async fn next(&mut self) -> Result<Option<Read>> {
        loop {
            // Taken off the list only once it is read: who waits may be called away at any time.
            while let Some(&id) = self.waiting.front() {
                let report = self.read(id).await?;
                self.waiting.pop_front();
                self.cursor = id;
                if report.is_some() {
                    self.passed = id;
                    return Ok(Some(Read { at: id, report }));
                }
            }
            if self.passed < self.cursor {
                self.passed = self.cursor;
                return Ok(Some(Read { at: self.cursor, report: None }));
            }
            self.hints.mark_unchanged();
            let found = events::since(&self.database, self.cursor, BATCH).await?;
            let Some(last) = found.last().map(|event| event.id) else {
                // Elapsed or hinted, the next look tells.
                let _ = tokio::time::timeout(LOOK_EVERY, self.hints.changed()).await;
                continue;
            };
            let mine = found.iter().filter(|event| self.may_concern(event)).map(|event| event.id);
            let mine: VecDeque<i64> = mine.collect();
            if mine.is_empty() {
                self.cursor = last;
                continue;
            }
            match self.is_own().await? {
                Some(false) => return Ok(None),
                Some(true) => self.waiting = mine,
                // Subscribed to nothing, it is told nothing.
                None => self.cursor = last,
            }
        }
    }

    /// Whether the title is still of who follows; `None` when it is nobody's.
    async fn is_own(&self) -> Result<Option<bool>> {
        let sql = "select owner from workitem_subscriber where ae_title = $1";
        let row = self.database.fetch_optional(sql, params![self.subscriber.as_str()]).await?;
        row.map(|row| Ok(row.get::<Option<String>>("owner")?.as_ref() == Some(&self.owner))).transpose()
    }

    /// Whether an event is a report of a step that the follower may see.
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
        Ok(letter.is_for(self.subscriber.as_str()).then(|| letter.report.to_string()))
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
