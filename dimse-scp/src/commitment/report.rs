//! What a device is told of the instances that it asked about (PS3.4 table J.3-2).

use pacs_core::access::{Actor, scope};
use pacs_core::audit::{AuditAct, AuditRecord};
use pacs_core::dataset::DataSet;
use pacs_core::uid::{AeTitle, Uid};
use pacs_core::{tags, uids};
use storage::commitment::{Reference, Request, Unsafe};
use storage::{Archive, devices};

use crate::dimse::Status;

/// An N-EVENT-REPORT to be sent.
#[derive(Debug)]
pub(crate) struct Report {
    /// 1: all instances are safe; 2: some are not.
    pub event: u16,
    /// The two lists.
    pub data: DataSet,
    /// How many are safe, and how many are not.
    pub counts: (usize, usize),
    /// As whom the device is answered.
    pub actor: Actor,
    transaction: Uid,
}

/// Settles what a device asks about and says what is safe.
pub(crate) async fn report(archive: &Archive, request: &Request) -> storage::Result<Report> {
    let device = devices::by_ae(archive.database(), &request.device).await?;
    let facility = device.and_then(|device| device.facility);
    let actor = Actor::device(&request.device, facility.as_deref());
    let verdicts = archive.commit((&request.device, &scope(&actor)), &request.references).await?;
    let (mut safe, mut failed) = (Vec::new(), Vec::new());
    for (reference, verdict) in request.references.iter().zip(verdicts) {
        let mut item = item(reference);
        match verdict {
            Ok(()) => safe.push(item),
            Err(why) => {
                item.put_int(tags::FAILURE_REASON, i64::from(reason(why).0));
                failed.push(item);
            }
        }
    }
    let counts = (safe.len(), failed.len());
    let mut data = DataSet::new();
    data.put_text(tags::RETRIEVE_AE_TITLE, request.called.as_str());
    data.put_uid(tags::TRANSACTION_UID, &request.transaction);
    for (tag, items) in [(tags::FAILED_SOP_SEQUENCE, failed), (tags::REFERENCED_SOP_SEQUENCE, safe)] {
        if !items.is_empty() {
            data.put_items(tag, items);
        }
    }
    let event = if counts.1 == 0 { 1 } else { 2 };
    Ok(Report { event, data, counts, actor, transaction: request.transaction.clone() })
}

impl Report {
    /// The record that the device has it.
    pub fn record(&self, peer: Option<std::net::IpAddr>) -> AuditRecord {
        let (safe, failed) = self.counts;
        let subject = format!("commitment:{}", self.transaction);
        AuditRecord::done(&self.actor, AuditAct::Commit, subject, peer)
            .because(Some(format!("{safe} kept, {failed} not")))
    }

    /// The line in the log that says so.
    pub fn log(&self, device: &AeTitle) {
        let (kept, failed) = self.counts;
        metrics::counter!("sen_commitment_reports_total").increment(1);
        tracing::info!(%device, transaction = %self.transaction, kept, failed, "storage commitment reported");
    }
}

/// The well-known instance that requests and reports are about.
pub(crate) fn instance() -> Option<Uid> {
    Uid::parse(uids::STORAGE_COMMITMENT_PUSH_MODEL_INSTANCE).ok()
}

fn item(reference: &Reference) -> DataSet {
    let mut item = DataSet::new();
    item.put_uid(tags::REFERENCED_SOP_CLASS_UID, &reference.class);
    item.put_uid(tags::REFERENCED_SOP_INSTANCE_UID, &reference.instance);
    item
}

/// Failure Reason (0008,1197), PS3.3 C.14.1.1.
fn reason(why: Unsafe) -> Status {
    match why {
        Unsafe::NoSuchInstance => Status::NO_SUCH_INSTANCE,
        Unsafe::ClassDiffers => Status::CLASS_INSTANCE_CONFLICT,
        Unsafe::Unsettled => Status::PROCESSING_FAILURE,
    }
}
