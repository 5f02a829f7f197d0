//! Whose the AE titles are that are told of steps.
//!
//! A title belongs to the account that first subscribed it to something, until the last of its subscriptions is taken
//! back or that account, token or device can no longer be used. What a device subscribes is the title's own: the device
//! with that title is its owner. Changes are made by transactions that hold the subscriptions
//! alone ([`dialect::hold_subscriptions`]).

use pacs_core::uid::AeTitle;

use super::{Asker, Result, WorkError, reports};
use crate::accounts;
use crate::database::{Transaction, params};
use crate::dialect::{self, Hold};

/// Holds the subscriptions alone, and makes sure that the title is the asker's to use. What its row says of the asker's
/// facilities is brought up to date. [`WorkError::NotTheirs`] when it is another account's.
pub(super) async fn claim(tx: &mut Transaction, asker: &Asker<'_>, subscriber: &AeTitle) -> Result<()> {
    dialect::hold_subscriptions(tx, Hold::Alone).await?;
    let sql = "select owner from workitem_subscriber where ae_title = $1";
    let Some(row) = tx.fetch_optional(sql, params![subscriber.as_str()]).await? else { return Ok(()) };
    let owner: Option<String> = row.get("owner")?;
    if let Some(owner) = owner.filter(|owner| *owner != asker.actor.id)
        && !accounts::is_gone(tx, &owner, asker.now_ms).await?
    {
        return Err(WorkError::NotTheirs);
    }
    let facilities = accounts::facilities_text(&asker.actor.facilities);
    let sql = "update workitem_subscriber set owner = $2, facilities = $3 where ae_title = $1";
    tx.execute(sql, params![subscriber.as_str(), &asker.actor.id, facilities]).await?;
    Ok(())
}

/// Makes the title the asker's, and notes from where on it is told. Nothing changes for one that is known. Holds back
/// everybody who tells of anything, so it comes late in the transaction.
pub(super) async fn register(tx: &mut Transaction, asker: &Asker<'_>, subscriber: &AeTitle) -> Result<()> {
    let here = reports::here(tx).await?;
    let facilities = accounts::facilities_text(&asker.actor.facilities);
    tx.execute(
        "insert into workitem_subscriber (ae_title, owner, facilities, cursor) values ($1, $2, $3, $4)
         on conflict (ae_title) do nothing",
        params![subscriber.as_str(), &asker.actor.id, facilities, here],
    )
    .await?;
    Ok(())
}

/// Lets titles go that are subscribed to nothing any more.
pub(super) async fn release(tx: &mut Transaction) -> crate::Result<()> {
    tx.execute(
        "delete from workitem_subscriber as few
         where not exists (select 1 from worklist_subscription l where l.ae_title = few.ae_title)
           and not exists (select 1 from workitem_subscription s where s.ae_title = few.ae_title and s.withdrawn = 0)",
        params![],
    )
    .await
    .map(drop)
}
