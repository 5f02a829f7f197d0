//! How far a subscriber has been told.

use pacs_core::uid::AeTitle;

use crate::Result;
use crate::database::{Database, Durability, params};

/// Keeps up to where in the outbox a subscriber has all that is for it. What was sent and not seen to arrive is sent
/// again when it comes back. Of several that wait the last is kept, and what there is with [`Bookmark::keep`].
pub struct Bookmark {
    database: Database,
    subscriber: AeTitle,
    /// `Actor::id` of whose the title is: another's bookmark is not moved.
    owner: String,
    sent: i64,
    told: i64,
    kept: i64,
}

impl Bookmark {
    pub(super) fn new(database: &Database, subscriber: &AeTitle, owner: &str, at: i64) -> Self {
        let (database, subscriber, owner) = (database.clone(), subscriber.clone(), owner.to_owned());
        Self { database, subscriber, owner, sent: at, told: at, kept: at }
    }

    /// The report at that place is on its way.
    pub fn sent(&mut self, at: i64) {
        self.sent = self.sent.max(at);
    }

    /// The subscriber has shown that it has what was sent, up to that place.
    pub async fn received(&mut self, at: i64) -> Result<()> {
        if at > self.told && at <= self.sent {
            self.told = at;
        }
        if self.told == self.sent { self.keep().await } else { Ok(()) }
    }

    /// Nothing more is for the subscriber, up to that place.
    pub async fn passed(&mut self, at: i64) -> Result<()> {
        if self.told < self.sent {
            return Ok(());
        }
        self.sent(at);
        self.received(at).await
    }

    /// Writes down how far the subscriber has been told.
    pub async fn keep(&mut self) -> Result<()> {
        if self.told == self.kept {
            return Ok(());
        }
        let mut tx = self.database.begin(Durability::Batched).await?;
        let sql =
            "update workitem_subscriber set cursor = $3 where ae_title = $1 and owner = $2 and cursor < $3";
        tx.execute(sql, params![self.subscriber.as_str(), &self.owner, self.told]).await?;
        tx.commit().await?;
        self.kept = self.told;
        Ok(())
    }
}
