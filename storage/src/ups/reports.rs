//! What followers are told, as rows of the outbox in the transaction of what happened, with a job for each of them that
//! is a device.

use pacs_core::dataset::DataSet;
use pacs_core::{VR, json};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Locked, delivery};
use crate::Result;
use crate::database::{Transaction, params};
use crate::events::{self, EventKind, NewEvent};
use crate::{Error, dialect};

/// The longest report. Of a longer one the sequences are left out: who wants them retrieves the step.
const MOST_BYTES: usize = 64 << 10;

/// The data of an event of the outbox that is a report.
#[derive(Serialize, Deserialize)]
pub(super) struct Letter {
    /// AE titles of the subscribers it is for; empty for all that there are.
    pub to: Vec<String>,
    /// DICOM JSON.
    pub report: Value,
}

impl Letter {
    /// Whether it is for that subscriber.
    pub fn is_for(&self, subscriber: &str) -> bool {
        self.to.is_empty() || self.to.iter().any(|title| title == subscriber)
    }
}

/// Tells everybody who follows the step; says whether there is anybody.
pub(super) async fn tell(
    tx: &mut Transaction,
    step: &Locked,
    reports: impl IntoIterator<Item = DataSet>,
    now_ms: i64,
) -> Result<bool> {
    let sql = "select ae_title from workitem_subscription where workitem_id = $1 and withdrawn = 0 order by ae_title";
    let rows = tx.fetch(sql, params![step.id]).await?;
    let to = rows.iter().map(|row| row.get("ae_title")).collect::<Result<Vec<String>>>()?;
    if to.is_empty() {
        return Ok(false);
    }
    let letters =
        reports.into_iter().map(|report| letter(to.clone(), &report)).collect::<Result<Vec<_>>>()?;
    post(tx, Some(&step.facility), &letters, now_ms).await?;
    Ok(true)
}

/// Tells one follower.
pub(super) async fn tell_one(
    tx: &mut Transaction,
    step: &Locked,
    follower: &str,
    report: DataSet,
    now_ms: i64,
) -> Result<()> {
    let letter = letter(vec![follower.to_owned()], &report)?;
    post(tx, Some(&step.facility), &[letter], now_ms).await
}

/// A report for these subscribers.
pub(super) fn letter(to: Vec<String>, report: &DataSet) -> Result<Letter> {
    let mut text = json::to_string(report);
    if text.len() > MOST_BYTES {
        let mut short = report.clone();
        short.retain(|element| element.vr != VR::SQ);
        text = json::to_string(&short);
    }
    let report = serde_json::from_str(&text).map_err(|error| Error::internal("write a report", error))?;
    Ok(Letter { to, report })
}

/// Puts reports into the outbox, and queues them for devices. Comes last in a transaction.
pub(super) async fn post(
    tx: &mut Transaction,
    facility: Option<&str>,
    letters: &[Letter],
    now_ms: i64,
) -> Result<()> {
    delivery::queue(tx, facility, letters, now_ms).await?;
    let written: std::result::Result<Vec<String>, _> = letters.iter().map(serde_json::to_string).collect();
    let written = written.map_err(|error| Error::internal("write a report", error))?;
    let events: Vec<NewEvent<'_>> = written
        .iter()
        .map(|letter| NewEvent { facility, data: Some(letter), ..NewEvent::new(EventKind::WorkitemReport) })
        .collect();
    events::append(tx, now_ms, &events).await
}

/// The place in the outbox behind which everything is that a subscriber has not been told.
pub(super) async fn here(tx: &mut Transaction) -> Result<i64> {
    // Whoever writes events now has to have written them, or to come behind.
    dialect::serialize_log(tx, dialect::Log::Events).await?;
    let row = tx.fetch_one("select coalesce(max(id), 0) as newest from event", params![]).await?;
    row.get("newest")
}
