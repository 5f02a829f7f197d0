//! What another archive reports that it keeps (PS3.4 table J.3-2), where this side had asked.

use pacs_core::dataset::DataSet;
use pacs_core::tags;
use pacs_core::uid::Uid;

/// Failure Reason of an item that names none: processing failure.
const NO_REASON: u16 = 0x0110;

/// A report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Told {
    /// Which request it answers.
    pub transaction: Uid,
    /// What is not kept, each with its Failure Reason.
    pub failed: Vec<(Uid, u16)>,
}

impl Told {
    /// From the data set of an N-EVENT-REPORT; `None` when it does not say what it is about.
    pub fn read(report: &DataSet) -> Option<Self> {
        let failed = report.items(tags::FAILED_SOP_SEQUENCE).iter().filter_map(|item| {
            let reason = item.int(tags::FAILURE_REASON).and_then(|reason| u16::try_from(reason).ok());
            Some((item.uid(tags::REFERENCED_SOP_INSTANCE_UID)?.ok()?, reason.unwrap_or(NO_REASON)))
        });
        Some(Self { transaction: report.uid(tags::TRANSACTION_UID)?.ok()?, failed: failed.collect() })
    }
}
