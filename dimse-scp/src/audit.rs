//! What an association tells the audit log: once for each study, however many instances go to and fro.

use std::collections::HashSet;

use pacs_core::audit::{AuditAct, AuditRecord};
use pacs_core::uid::Uid;
use storage::audit_log::AuditLog;

use crate::caller::Caller;

/// Studies remembered; an association that touches more may be recorded once more.
const STUDIES: usize = 4096;

/// The audit log as one association writes it.
#[derive(Debug)]
pub(crate) struct Audit {
    log: AuditLog,
    told: HashSet<(AuditAct, Uid)>,
}

impl Audit {
    /// For a new association.
    pub fn new(log: AuditLog) -> Self {
        Self { log, told: HashSet::new() }
    }

    /// Records that the caller did something with a study; `detail` is for instance where it went.
    pub async fn did(&mut self, caller: &Caller, act: AuditAct, study: &Uid, detail: Option<&str>) {
        if self.told.len() >= STUDIES {
            self.told.clear();
        }
        if self.told.insert((act, study.clone())) {
            let subject = format!("study:{study}");
            let record = AuditRecord::done(&caller.actor, act, subject, Some(caller.peer)).because(detail);
            self.log.record(record.named(caller.user.as_deref())).await;
        }
    }
}
