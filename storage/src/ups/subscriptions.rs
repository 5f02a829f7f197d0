//! Who is told of which steps (PS3.4 CC.2.3).

use pacs_core::uid::{AeTitle, Uid};
use pacs_core::uids;
use pacs_core::ups::report;
use pacs_core::ups::state::Failure;

use super::{Asker, Filter, Result, admission, lock, reports, subscribers};
use crate::Error;
use crate::database::{Database, Durability, Transaction, params};
use crate::index::facilities;

/// What is subscribed to.
#[derive(Debug, Clone, PartialEq)]
pub enum Subject {
    /// One step.
    Step(Uid),
    /// All steps that the subscriber sees, those to come too.
    All,
    /// Those of them that a filter fits.
    Filtered,
}

impl From<Uid> for Subject {
    /// Two UIDs stand for all steps and for those that fit a filter (PS3.4 CC.2.3.2, PS3.18 table 11.10.1-1).
    fn from(uid: Uid) -> Self {
        match uid.as_str() {
            uids::UPS_GLOBAL_SUBSCRIPTION_INSTANCE => Self::All,
            uids::UPS_FILTERED_GLOBAL_SUBSCRIPTION_INSTANCE => Self::Filtered,
            _ => Self::Step(uid),
        }
    }
}

/// The rows of subscriptions to steps to come.
const ALL: &str = "all";
pub(super) const FILTERED: &str = "filtered";

/// Subscribes. The subscriber is told the present state of a single step, and with a deletion lock that of all which it
/// did not follow before. [`WorkError::NotTheirs`](super::WorkError::NotTheirs) when it is another account's, here and
/// in what takes subscriptions back.
pub async fn subscribe(
    database: &Database,
    asker: &Asker<'_>,
    subject: &Subject,
    filter: &Filter,
    subscriber: &AeTitle,
    deletion_lock: bool,
) -> Result<()> {
    let no_filter = Filter::default();
    if *subject == Subject::Filtered && filter.keys.is_empty() {
        return Err(Failure::NoFilter.into());
    }
    let mut tx = database.begin(Durability::Synced).await?;
    subscribers::claim(&mut tx, asker, subscriber).await?;
    let (kind, filter) = match subject {
        Subject::Step(uid) => {
            let step = lock(&mut tx, &asker.scope(), uid).await?;
            follow(&mut tx, step.id, subscriber.as_str(), deletion_lock).await?;
            subscribers::register(&mut tx, asker, subscriber).await?;
            let now = report::state(&step.set, uid);
            reports::tell_one(&mut tx, &step, subscriber.as_str(), now, asker.now_ms).await?;
            return Ok(tx.commit().await?);
        }
        Subject::All => (ALL, &no_filter),
        Subject::Filtered => (FILTERED, filter),
    };
    let query = filter.query().map_err(|error| Error::Conflict(error.to_string()))?;
    tx.execute(
        "insert into worklist_subscription (ae_title, kind, keys, fuzzy, deletion_lock) values ($1, $2, $3, $4, $5)
         on conflict (ae_title, kind) do update set keys = excluded.keys, fuzzy = excluded.fuzzy,
             deletion_lock = excluded.deletion_lock",
        params![subscriber.as_str(), kind, filter.to_text(), filter.fuzzy, deletion_lock],
    )
    .await?;
    subscribers::register(&mut tx, asker, subscriber).await?;
    tx.commit().await?;
    // In turns, so that nobody waits for all of them; whoever breaks off may ask again.
    let zone = facilities::zone(&facilities::time_zone(database, asker.home()).await?);
    let mut last = Some(0);
    while let Some(after) = last {
        last = admission::take_in(database, asker, (&query, &zone), subscriber, deletion_lock, after).await?;
    }
    Ok(())
}

/// Notes that a subscriber follows a step.
pub(super) async fn follow(
    tx: &mut Transaction,
    step: i64,
    subscriber: &str,
    deletion_lock: bool,
) -> crate::Result<()> {
    tx.execute(
        "insert into workitem_subscription (workitem_id, ae_title, deletion_lock) values ($1, $2, $3)
         on conflict (workitem_id, ae_title) do update set deletion_lock = excluded.deletion_lock, withdrawn = 0",
        params![step, subscriber, deletion_lock],
    )
    .await
    .map(drop)
}

/// Takes a subscription back; that to many steps takes the ones to single steps along.
/// [`Failure::NotSubscribed`] when there is none, [`Failure::Unknown`] when there is no such step.
pub async fn unsubscribe(
    database: &Database,
    asker: &Asker<'_>,
    subject: &Subject,
    subscriber: &AeTitle,
) -> Result<()> {
    let mut tx = database.begin(Durability::Synced).await?;
    subscribers::claim(&mut tx, asker, subscriber).await?;
    let mut gone = remove_global(&mut tx, subject, subscriber).await?;
    let mut sql = "update workitem_subscription set withdrawn = 1, deletion_lock = 0
         where ae_title = $1 and withdrawn = 0"
        .to_owned();
    let mut params = params![subscriber.as_str()];
    if let Subject::Step(uid) = subject {
        sql.push_str(" and workitem_id = $2");
        params.push(lock(&mut tx, &asker.scope(), uid).await?.id.into());
    }
    gone += tx.execute(sqlx::AssertSqlSafe(sql), params).await?;
    if gone == 0 {
        return Err(Failure::NotSubscribed.into());
    }
    end(tx, subscriber).await
}

/// Ends a subscription to steps to come; those that are followed go on being followed.
/// [`Failure::NotSubscribed`] when there is none, [`Failure::NotSuspended`] for a single step.
pub async fn suspend(
    database: &Database,
    asker: &Asker<'_>,
    subject: &Subject,
    subscriber: &AeTitle,
) -> Result<()> {
    if matches!(subject, Subject::Step(_)) {
        return Err(Failure::NotSuspended.into());
    }
    let mut tx = database.begin(Durability::Synced).await?;
    subscribers::claim(&mut tx, asker, subscriber).await?;
    if remove_global(&mut tx, subject, subscriber).await? == 0 {
        return Err(Failure::NotSubscribed.into());
    }
    end(tx, subscriber).await
}

async fn remove_global(tx: &mut Transaction, subject: &Subject, subscriber: &AeTitle) -> crate::Result<u64> {
    let kind = match subject {
        Subject::Step(_) => return Ok(0),
        Subject::All => ALL,
        Subject::Filtered => FILTERED,
    };
    let sql = "delete from worklist_subscription where ae_title = $1 and kind = $2";
    tx.execute(sql, params![subscriber.as_str(), kind]).await
}

/// Commits what ended a subscription. Which steps are no longer wanted matters while a filter could take them in again.
async fn end(mut tx: Transaction, subscriber: &AeTitle) -> Result<()> {
    tx.execute(
        "delete from workitem_subscription where ae_title = $1 and withdrawn = 1 and not exists
             (select 1 from worklist_subscription l where l.ae_title = $1 and l.kind = $2)",
        params![subscriber.as_str(), FILTERED],
    )
    .await?;
    subscribers::release(&mut tx).await?;
    Ok(tx.commit().await?)
}
