//! Changing the attributes of a step.

use pacs_core::dataset::DataSet;
use pacs_core::uid::Uid;
use pacs_core::ups::state::{Key, may_update};
use pacs_core::ups::{change as rules, report};

use super::admission::{Occasion, admit};
use super::{Asker, Result, date_time, lock, reports};
use crate::database::{Database, Durability};
use crate::dialect::{self, Hold};

/// Lays a change over a step, and tells whoever follows it what concerns them.
pub async fn update(
    database: &Database,
    asker: &Asker<'_>,
    uid: &Uid,
    change: &DataSet,
    transaction_uid: Option<&Uid>,
) -> Result<()> {
    let mut tx = database.begin(Durability::Synced).await?;
    dialect::hold_subscriptions(&mut tx, Hold::Shared).await?;
    let mut step = lock(&mut tx, &asker.scope(), uid).await?;
    let lock = step.transaction_uid.as_deref();
    may_update(step.state, Key::of(step.state, lock, transaction_uid.map(Uid::as_str)))?;
    let changed = rules::change(&step.set, change, &date_time(asker.now_ms, &step.zone))?;
    step.set = changed.set;
    let state = step.state;
    step.write(&mut tx, state, asker.now_ms).await?;
    let told = [
        changed.readiness.then(|| report::state(&step.set, uid)),
        changed.assignment.then(|| report::assigned(&step.set, uid)).flatten(),
        changed.progress.then(|| report::progress(&step.set, uid)),
    ];
    reports::tell(&mut tx, &step, told.into_iter().flatten(), asker.now_ms).await?;
    // One that fits a filter now is followed from here on.
    for follower in admit(&mut tx, &step, Occasion::Changed).await? {
        reports::tell_one(&mut tx, &step, &follower, report::state(&step.set, uid), asker.now_ms).await?;
    }
    Ok(tx.commit().await?)
}
