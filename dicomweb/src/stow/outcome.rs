//! What became of each instance of a request, and the data set that tells the sender (PS3.18 I.2, table 10.5.3-1).

use crate::base_url::BaseUrl;
use crate::error::Error;
use http::StatusCode;
use pacs_core::dataset::DataSet;
use pacs_core::ingest::{Refusal, RefusalKind};
use pacs_core::tags;
use pacs_core::uid::Uid;
use storage::{Decision, Stored};

/// Longest reason in an answer: Error Comment (0000,0902) is an LO.
const COMMENT_MAX_CHARS: usize = 64;

/// Why an instance was not kept, as Failure Reason (0008,1197) has it (PS3.18 table I.2-2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// 0xA700: refused, out of resources.
    OutOfResources,
    /// 0xA900: the data set is not what was announced.
    DataSetMismatch,
    /// 0xA900: the data set lacks a UID that is its key, or has one that is no UID.
    UnusableUid,
    /// 0xC000: not understood.
    CannotUnderstand,
    /// 0x0110: processing failure.
    Processing,
}

impl Reason {
    fn code(self) -> i64 {
        match self {
            Self::OutOfResources => 0xA700,
            Self::DataSetMismatch | Self::UnusableUid => 0xA900,
            Self::CannotUnderstand => 0xC000,
            Self::Processing => 0x0110,
        }
    }

    /// Whether the fault is in what was sent, taken by itself.
    fn is_bad_syntax(self) -> bool {
        matches!(self, Self::CannotUnderstand | Self::UnusableUid)
    }
}

/// An instance that was not kept.
#[derive(Debug, Clone)]
pub struct Failure {
    /// SOP Class UID, when it is known.
    pub class: Option<Uid>,
    /// SOP Instance UID, when it is known.
    pub instance: Option<Uid>,
    /// Why.
    pub reason: Reason,
    /// Why, for a person.
    pub comment: String,
}

impl Failure {
    /// A failure of an instance of which nothing is known yet.
    pub fn new(reason: Reason, comment: impl Into<String>) -> Self {
        Self { class: None, instance: None, reason, comment: comment.into() }
    }

    /// What storage did not take.
    pub fn of(error: &storage::Error) -> Self {
        match error {
            storage::Error::Refused(refusal) => Self::refused(refusal),
            storage::Error::Unavailable(_) => {
                Self::new(Reason::OutOfResources, "the archive is full or away")
            }
            storage::Error::TooLarge(why) => Self::new(Reason::OutOfResources, why.clone()),
            other => {
                tracing::error!(error = %other, "an instance could not be stored");
                Self::new(Reason::Processing, "the archive failed to store the instance")
            }
        }
    }

    /// What is wrong with the request around its instances.
    pub fn of_request(error: &Error) -> Self {
        match error {
            Error::Busy(why) => Self::new(Reason::OutOfResources, why.clone()),
            Error::Internal(_) | Error::Storage(_) => {
                tracing::error!(%error, "instances could not be stored");
                Self::new(Reason::Processing, "the archive failed to store the instance")
            }
            other => Self::new(Reason::CannotUnderstand, other.to_string()),
        }
    }

    fn refused(refusal: &Refusal) -> Self {
        let reason = match refusal.kind {
            RefusalKind::NotADataSet | RefusalKind::BeyondLimits => Reason::CannotUnderstand,
            RefusalKind::MissingUid | RefusalKind::InvalidUid => Reason::UnusableUid,
            RefusalKind::Mismatch => Reason::DataSetMismatch,
        };
        Self::new(reason, refusal.reason.clone())
    }

    /// The same with the UIDs that the head of the object names.
    pub fn about(self, class: Option<Uid>, instance: Option<Uid>) -> Self {
        Self { class, instance, ..self }
    }
}

/// All outcomes of a request, in the order of its parts.
#[derive(Debug, Default)]
pub struct Outcomes {
    kept: Vec<Stored>,
    failed: Vec<Failure>,
}

impl Outcomes {
    /// Adds what became of one instance.
    pub fn add(&mut self, outcome: Result<Stored, Failure>) {
        match outcome {
            Ok(stored) => self.kept.push(stored),
            Err(failure) => self.failed.push(failure),
        }
    }

    /// Whether something was kept.
    pub fn has_kept(&self) -> bool {
        !self.kept.is_empty()
    }

    /// Whether there was no instance at all.
    pub fn is_empty(&self) -> bool {
        self.kept.is_empty() && self.failed.is_empty()
    }

    /// Whether nothing was kept because the archive had no room or was away: worth sending again later.
    pub fn is_out_of_resources(&self) -> bool {
        self.kept.is_empty()
            && !self.failed.is_empty()
            && self.failed.iter().all(|failure| failure.reason == Reason::OutOfResources)
    }

    /// 200 when all were kept, 202 when some were or a warning is due. When none was, 400 where every one is broken in
    /// itself, else 409 (PS3.18 table 10.5.3-1).
    pub fn status(&self) -> StatusCode {
        let warned = self.kept.iter().any(is_conflict);
        match (self.kept.is_empty(), self.failed.is_empty()) {
            (false, true) if !warned => StatusCode::OK,
            (false, _) => StatusCode::ACCEPTED,
            (true, _) if self.failed.iter().all(|failure| failure.reason.is_bad_syntax()) => {
                StatusCode::BAD_REQUEST
            }
            (true, _) => StatusCode::CONFLICT,
        }
    }

    /// The answer's data set.
    pub fn data_set(&self, base: &BaseUrl) -> DataSet {
        let mut answer = DataSet::new();
        if let Some(first) = self.kept.first()
            && self.kept.iter().all(|stored| stored.study == first.study)
        {
            answer.put_text(tags::RETRIEVE_URL, &base.study(&first.study));
        }
        let kept: Vec<DataSet> = self.kept.iter().map(|stored| referenced(stored, base)).collect();
        if !kept.is_empty() {
            answer.put_items(tags::REFERENCED_SOP_SEQUENCE, kept);
        }
        // Without its UIDs an instance cannot be referenced; such failures have a sequence of their own.
        let (named, nameless): (Vec<&Failure>, Vec<&Failure>) =
            self.failed.iter().partition(|failure| failure.class.is_some() && failure.instance.is_some());
        for (sequence, failures) in
            [(tags::FAILED_SOP_SEQUENCE, named), (tags::OTHER_FAILURES_SEQUENCE, nameless)]
        {
            if !failures.is_empty() {
                answer.put_items(sequence, failures.into_iter().map(failed).collect());
            }
        }
        answer
    }
}

fn referenced(stored: &Stored, base: &BaseUrl) -> DataSet {
    /// Warning Reason for a UID that the archive already holds with other content: both are kept, and
    /// flagged. 0x0111 is "duplicate SOP instance" (PS3.7 C.5.7).
    const DUPLICATE_SOP_INSTANCE: i64 = 0x0111;
    let mut item = DataSet::new();
    item.put_uid(tags::REFERENCED_SOP_CLASS_UID, &stored.class);
    item.put_uid(tags::REFERENCED_SOP_INSTANCE_UID, &stored.instance);
    item.put_text(tags::RETRIEVE_URL, &base.instance(&stored.study, &stored.series, &stored.instance));
    if is_conflict(stored) {
        item.put_int(tags::WARNING_REASON, DUPLICATE_SOP_INSTANCE);
    }
    item
}

/// Whether its UID has other content too, this time or before.
fn is_conflict(stored: &Stored) -> bool {
    matches!(stored.decision, Decision::Conflict(_))
}

fn failed(failure: &Failure) -> DataSet {
    let mut item = DataSet::new();
    let comment: String = failure.comment.chars().take(COMMENT_MAX_CHARS).collect();
    item.put_text(tags::ERROR_COMMENT, &comment);
    for (tag, uid) in [
        (tags::REFERENCED_SOP_CLASS_UID, &failure.class),
        (tags::REFERENCED_SOP_INSTANCE_UID, &failure.instance),
    ] {
        if let Some(uid) = uid {
            item.put_uid(tag, uid);
        }
    }
    item.put_int(tags::FAILURE_REASON, failure.reason.code());
    item
}
