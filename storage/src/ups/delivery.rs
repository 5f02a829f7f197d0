//! Reports for subscribers that are devices (PS3.4 CC.2.4): a job a report and device, done in the order of the
//! reports, over an association that is opened to the device.

use pacs_core::dataset::DataSet;
use pacs_core::json::{self, JsonLimits};
use pacs_core::tags;
use pacs_core::uid::Uid;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::reports::Letter;
use crate::database::{Row, Transaction, params};
use crate::devices::Device;
use crate::jobs::lanes::{self, Priority};
use crate::jobs::{Job, NewJob};
use crate::{Error, Result};

/// The kind of the jobs.
pub const EVENT_REPORT: &str = "workitem-report";
/// How often a report is tried: with the waits between, for about two days.
const MAX_ATTEMPTS: u32 = 300;
/// A report is worth telling for as long as one waits for a channel: as long as events are kept.
const WORTH_MS: i64 = 7 * 24 * 3_600_000;

/// A report on its way to a device.
#[derive(Debug, Clone, PartialEq)]
pub struct Delivery {
    /// The step, or the instance that stands for all.
    pub uid: Uid,
    /// Event Type ID (PS3.4 table CC.2.4-1).
    pub event: u16,
    /// What is told.
    pub set: DataSet,
    facility: Option<String>,
    made_ms: i64,
}

#[derive(Serialize, Deserialize)]
struct Payload {
    /// Whose step it is about; `None` is everybody's.
    facility: Option<String>,
    /// DICOM JSON, with the fields of the message.
    report: Value,
}

impl Delivery {
    /// The report of a job.
    pub fn of(job: &Job) -> Result<Self> {
        let malformed = |why: String| Error::Corrupt(format!("a report to a device: {why}"));
        let Payload { facility, report } =
            serde_json::from_value(job.payload.clone()).map_err(|error| malformed(error.to_string()))?;
        let sets = json::parse(report.to_string().as_bytes(), &JsonLimits::default());
        let set = sets.map_err(|error| malformed(error.to_string()))?.into_iter().next();
        let mut set = set.ok_or_else(|| malformed("nothing is told".into()))?;
        let uid = set.uid(tags::AFFECTED_SOP_INSTANCE_UID).and_then(std::result::Result::ok);
        let event = set.int(tags::EVENT_TYPE_ID).and_then(|event| u16::try_from(event).ok());
        // The command says them.
        set.retain(|element| element.tag.group() > 0x0002);
        Ok(Self {
            uid: uid.ok_or_else(|| malformed("it is about nothing".into()))?,
            event: event.ok_or_else(|| malformed("it is of no type".into()))?,
            set,
            facility,
            made_ms: job.created_ms,
        })
    }

    /// Whether the device still sees what it is about, and it is not too late.
    pub fn is_wanted(&self, device: &Device, now_ms: i64) -> bool {
        let is_seen = match (&device.facility, &self.facility) {
            (Some(of_device), Some(of_step)) => of_device == of_step,
            _ => true,
        };
        is_seen && now_ms.saturating_sub(self.made_ms) <= WORTH_MS
    }
}

/// Queues reports for those of their subscribers that are devices.
pub(super) async fn queue(
    tx: &mut Transaction,
    facility: Option<&str>,
    letters: &[Letter],
    now_ms: i64,
) -> Result<()> {
    let subscribers = tx
        .fetch(
            "select few.ae_title from workitem_subscriber few join device d on d.ae_title = few.ae_title
             where few.owner = 'device:' || few.ae_title and d.host is not null and d.port is not null
             order by few.ae_title",
            params![],
        )
        .await?;
    let subscribers = subscribers.iter().map(|row: &Row| row.at(0)).collect::<Result<Vec<String>>>()?;
    for letter in letters {
        for title in subscribers.iter().filter(|title| letter.is_for(title)) {
            let payload = Payload { facility: facility.map(str::to_owned), report: letter.report.clone() };
            let job = NewJob {
                kind: EVENT_REPORT,
                payload: serde_json::to_value(payload)
                    .map_err(|error| Error::internal("queue a report", error))?,
                dedupe: None,
                due_ms: now_ms,
                max_attempts: MAX_ATTEMPTS,
                created_by: None,
            };
            lanes::enqueue_in_lane(tx, &job, title, Priority::Normal, now_ms).await?;
        }
    }
    Ok(())
}
