//! What the audit log records (IHE ATNA; DICOM PS3.15 A.5): who did what to what, and how it went.
//!
//! Records carry ids, never names or values of a patient.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::access::Actor;

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum AuditAct {
    /// Somebody signed in.
    SignIn,
    /// Somebody signed out.
    SignOut,
    /// A study's images, metadata or list row were looked at.
    View,
    /// Images came in.
    Store,
    /// Images went out to another system.
    Send,
    /// Another archive was asked for what it has, or to send it here.
    Retrieve,
    /// A device was told which of its images are kept, and which are not.
    Commit,
    /// An order was made, changed or cancelled.
    Order,
    /// An exam moved to another state by a person, or a device reported what it performs.
    Exam,
    /// A unified procedure step was created, changed, claimed, ended or followed.
    Step,
    /// Images were matched to an order, or that was taken back.
    Match,
    /// What images say was corrected, they were moved to another study, or that was taken back.
    Correct,
    /// Patients were merged or parted, or it was said which of two things that do not go together is true.
    Reconcile,
    /// Images were rejected.
    Reject,
    /// Rejected images were taken back.
    Restore,
    /// Images were deleted.
    Delete,
    /// A device, account, token or setting was changed.
    Administer,
}

/// How it went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Outcome {
    /// Done.
    Success,
    /// Refused: no such right, wrong password, illegal move.
    Refused,
}

/// One record, before the log gives it a number, a time and its place in the hash chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditRecord {
    /// `Actor::id` of who did it, or the account name that failed to sign in.
    pub actor: String,
    /// What was done.
    pub act: AuditAct,
    /// On what: `study:<uid>`, `order:<accession number>`, `exam:<step id>`, `workitem:<uid>`, `workitems`,
    /// `subscriber:<AE title>`, `performed-step:<uid>`, `commitment:<transaction uid>`, `account:<name>`,
    /// `patient:<key>`, `discrepancy:<key>`, `queue:<job>`, `route:<name>`, `archive:<AE title>`; empty when nothing is
    /// meant.
    pub subject: String,
    /// How it went.
    pub outcome: Outcome,
    /// The peer's address, when there is one.
    pub peer: Option<String>,
    /// A reason given by a person or a short word of the program.
    pub detail: Option<String>,
}

impl AuditRecord {
    /// The record that somebody did something, and it went well.
    pub fn done(actor: &Actor, act: AuditAct, subject: impl Into<String>, peer: Option<IpAddr>) -> Self {
        Self {
            actor: actor.id.clone(),
            act,
            subject: subject.into(),
            outcome: Outcome::Success,
            peer: peer.map(|peer| peer.to_string()),
            detail: None,
        }
    }

    /// The record that somebody was not allowed to do something.
    pub fn refused(actor: &Actor, act: AuditAct, subject: impl Into<String>, peer: Option<IpAddr>) -> Self {
        Self { outcome: Outcome::Refused, ..Self::done(actor, act, subject, peer) }
    }

    /// With the account that a device has named for an act of its own, beside what else is told of it.
    pub fn named(self, user: Option<&str>) -> Self {
        let Some(user) = user else { return self };
        let detail = match &self.detail {
            Some(detail) => format!("{detail}; user {user}"),
            None => format!("user {user}"),
        };
        self.because(Some(detail))
    }

    /// With a reason or a short word of the program.
    pub fn because(self, detail: Option<impl Into<String>>) -> Self {
        Self { detail: detail.map(Into::into), ..self }
    }
}
