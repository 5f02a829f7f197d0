//! The one place that turns errors of storage into DIMSE statuses with their Error Comment
//! (PS3.7 C, PS3.4 B.2.3, C.4.1.1.4, C.4.2.1.5, C.4.3.1.4, CC.2, F.7.2). Comments carry no patient data.

use pacs_core::extraction;
use pacs_core::ingest::{Refusal, RefusalKind};
use pacs_core::ups::{self, state};
use pacs_core::{Tag, mpps, tags};
use storage::performed::ReportError;
use storage::ups::WorkError;
use storage::{Error, Outage};

use crate::dimse::{CommandSet, Status, command::element};

/// Error ID of a performed step that is in a final state (PS3.4 F.7.2.2.2).
const NO_LONGER_UPDATED: u16 = 0xa506;

/// A failure to answer with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The status.
    pub status: Status,
    /// What to tell the person at the other end, at most 64 characters of it.
    pub comment: String,
    /// What the service's own error is (0000,0903).
    pub error_id: Option<u16>,
    /// The attribute that is at fault (0000,1005).
    pub attribute: Option<Tag>,
}

impl Failure {
    /// A failure with that status and comment.
    pub fn new(status: Status, comment: impl Into<String>) -> Self {
        Self { status, comment: comment.into(), error_id: None, attribute: None }
    }

    /// The response that tells it.
    pub fn response(&self, request: &CommandSet) -> CommandSet {
        let mut response = CommandSet::response(request, self.status).with_comment(&self.comment);
        if let Some(id) = self.error_id {
            response = response.with_number(element::ERROR_ID, id);
        }
        if let Some(tag) = self.attribute {
            response = response.with_tags(element::ATTRIBUTE_IDENTIFIER_LIST, &[tag]);
        }
        response
    }

    /// Of an N-CREATE, N-SET or N-GET of a performed step (PS3.4 F.7.2, PS3.7 10.1).
    pub fn of_report(error: &ReportError) -> Self {
        let at = |status, tag: &Tag| Self { attribute: Some(*tag), ..Self::new(status, error.to_string()) };
        match error {
            ReportError::Exists => Self::new(Status::DUPLICATE_INSTANCE, error.to_string()),
            ReportError::Unknown => Self::new(Status::NO_SUCH_INSTANCE, error.to_string()),
            ReportError::Refused(refusal) => match refusal {
                mpps::Refusal::Missing(tag) => at(Status::MISSING_ATTRIBUTE, tag),
                mpps::Refusal::NoValue(tag) => at(Status::MISSING_ATTRIBUTE_VALUE, tag),
                mpps::Refusal::BadValue(tag) | mpps::Refusal::TooMany(tag) => {
                    at(Status::INVALID_ATTRIBUTE_VALUE, tag)
                }
                mpps::Refusal::NotAllowed(tag) => at(Status::NO_SUCH_ATTRIBUTE, tag),
                mpps::Refusal::Final => Self {
                    error_id: Some(NO_LONGER_UPDATED),
                    ..Self::new(Status::PROCESSING_FAILURE, error.to_string())
                },
            },
            ReportError::Storage(error) => Self::of_normalized("report", error),
        }
    }

    /// Of an N-CREATE, N-SET, N-GET or N-ACTION of a unified procedure step (PS3.4 CC.2, PS3.7 10.1).
    pub fn of_step(error: &WorkError) -> Self {
        let told = |status| Self::new(status, error.to_string());
        let at = |status, tag: &Tag| Self { attribute: Some(*tag), ..told(status) };
        match error {
            WorkError::Failed(failure) => told(status_of_step(*failure)),
            WorkError::Gone => told(Status::UPS_UNKNOWN),
            WorkError::NotTheirs => told(Status::NOT_AUTHORIZED),
            WorkError::Lacks(tag) => at(Status::UPS_NOT_READY, tag),
            WorkError::Refused(refusal) => match refusal {
                ups::Refusal::Missing(tag) => at(Status::MISSING_ATTRIBUTE, tag),
                ups::Refusal::NoValue(tag) => at(Status::MISSING_ATTRIBUTE_VALUE, tag),
                ups::Refusal::BadValue(tags::SOP_INSTANCE_UID) => told(Status::INVALID_INSTANCE),
                ups::Refusal::BadValue(tag) | ups::Refusal::NotEmpty(tag) => {
                    at(Status::INVALID_ATTRIBUTE_VALUE, tag)
                }
                ups::Refusal::NotAllowed(tag) => at(Status::NO_SUCH_ATTRIBUTE, tag),
                ups::Refusal::NotScheduled => at(Status::UPS_NOT_SCHEDULED, &tags::PROCEDURE_STEP_STATE),
            },
            WorkError::Storage(error) => Self::of_normalized("procedure step", error),
        }
    }

    /// Of an N-ACTION.
    pub fn of_action(error: &Error) -> Self {
        Self::of_normalized("n-action", error)
    }

    fn of_normalized(operation: &'static str, error: &Error) -> Self {
        match error {
            Error::Unavailable(outage) => Self::outage(Status::RESOURCE_LIMITATION, outage),
            Error::TooLarge(why) => Self::new(Status::RESOURCE_LIMITATION, why.clone()),
            other => Self::internal(operation, Status::PROCESSING_FAILURE, other),
        }
    }

    /// Of a C-STORE.
    pub fn of_store(error: &Error) -> Self {
        match error {
            Error::Refused(refusal) => Self::refused(refusal),
            Error::Unavailable(outage) => Self::outage(Status::OUT_OF_RESOURCES, outage),
            Error::TooLarge(why) => Self::new(Status::OUT_OF_RESOURCES, why.clone()),
            other => Self::internal("c-store", Status::PROCESSING_FAILURE, other),
        }
    }

    /// Of a C-FIND.
    pub fn of_find(error: &Error) -> Self {
        match error {
            Error::Unavailable(outage) => Self::outage(Status::OUT_OF_RESOURCES, outage),
            Error::TooLarge(why) => Self::new(Status::OUT_OF_RESOURCES, why.clone()),
            other => Self::internal("c-find", Status::CANNOT_UNDERSTAND, other),
        }
    }

    /// Of a C-MOVE or C-GET before its first sub-operation.
    pub fn of_retrieve(error: &Error) -> Self {
        match error {
            Error::Unavailable(outage) => Self::outage(Status::CANNOT_COUNT_MATCHES, outage),
            Error::TooLarge(why) => Self::new(Status::CANNOT_COUNT_MATCHES, why.clone()),
            other => Self::internal("retrieve", Status::CANNOT_UNDERSTAND, other),
        }
    }

    /// Of a C-MOVE or C-GET of frames (PS3.4 Y.4.1.1.4).
    pub fn of_frames(refusal: extraction::Refusal) -> Self {
        let status = match refusal {
            extraction::Refusal::Invalid(_) => Status::INVALID_FRAME_RANGE,
            extraction::Refusal::NoFrames => Status::NO_FRAMES,
            extraction::Refusal::NotMade(_) => Status::CANNOT_CREATE_INSTANCE,
            extraction::Refusal::NotExtracted => Status::CANNOT_EXTRACT_FRAMES,
            extraction::Refusal::NoTimes => Status::FRAMES_WITHOUT_TIMES,
        };
        Self::new(status, refusal.to_string())
    }

    /// What is away is told, and why only to the log.
    fn outage(status: Status, outage: &Outage) -> Self {
        tracing::warn!(%outage, "an operation has to wait");
        Self::new(status, outage.what.clone())
    }

    fn refused(refusal: &Refusal) -> Self {
        let status = match refusal.kind {
            RefusalKind::MissingUid | RefusalKind::InvalidUid | RefusalKind::Mismatch => {
                Status::DATA_SET_MISMATCH
            }
            RefusalKind::NotADataSet | RefusalKind::BeyondLimits => Status::CANNOT_UNDERSTAND,
        };
        Self::new(status, refusal.reason.clone())
    }

    /// A fault of this side: told in the log, not to the peer. Queries and retrievals have 0xC000,
    /// unable to process, for it; C-STORE's 0xC000 would blame the data set.
    fn internal(operation: &'static str, status: Status, error: &Error) -> Self {
        tracing::error!(operation, %error, "an operation failed");
        Self::new(status, "internal error, see the archive's log")
    }
}

/// What the state of a step, or a subscription to it, does not allow.
fn status_of_step(failure: state::Failure) -> Status {
    match failure {
        state::Failure::Exists => Status::DUPLICATE_INSTANCE,
        state::Failure::Ended => Status::UPS_ENDED,
        state::Failure::KeyMissing | state::Failure::KeyWrong => Status::UPS_WRONG_TRANSACTION,
        state::Failure::InProgress => Status::UPS_IN_PROGRESS,
        state::Failure::OnlyByCreation => Status::UPS_ONLY_BY_CREATION,
        state::Failure::NotReady => Status::UPS_NOT_READY,
        state::Failure::Unknown | state::Failure::NotSubscribed => Status::UPS_UNKNOWN,
        state::Failure::NotInProgress => Status::UPS_NOT_IN_PROGRESS,
        state::Failure::Completed => Status::UPS_COMPLETED,
        state::Failure::NobodyListens => Status::UPS_NOBODY_LISTENS,
        state::Failure::NotSuspended => Status::UPS_NOT_APPROPRIATE,
        state::Failure::NoFilter => Status::INVALID_ARGUMENT,
    }
}

#[cfg(test)]
mod tests {
    use pacs_core::why::Cause;

    use super::*;

    #[test]
    fn errors_have_the_statuses_of_the_standard() {
        let refused = |kind| Error::Refused(Refusal::new(kind, "why"));
        for (error, status) in [
            (refused(RefusalKind::NotADataSet), 0xc000),
            (refused(RefusalKind::BeyondLimits), 0xc000),
            (refused(RefusalKind::MissingUid), 0xa900),
            (refused(RefusalKind::InvalidUid), 0xa900),
            (refused(RefusalKind::Mismatch), 0xa900),
            (Error::Unavailable("full".into()), 0xa700),
            (Error::TooLarge("large".into()), 0xa700),
            (Error::Corrupt("x".into()), 0x0110),
        ] {
            assert_eq!(Failure::of_store(&error).status, Status(status), "{error}");
        }
        assert_eq!(Failure::of_find(&Error::Unavailable("away".into())).status, Status(0xa700));
        assert_eq!(Failure::of_find(&Error::Corrupt("x".into())).status, Status(0xc000));
        assert_eq!(Failure::of_retrieve(&Error::Unavailable("away".into())).status, Status(0xa701));
        assert_eq!(Failure::of_retrieve(&Error::Corrupt("x".into())).status, Status(0xc000));
    }

    #[test]
    fn reports_have_the_statuses_of_the_standard() {
        let tag = Tag(0x0040, 0x0252);
        for (refusal, status) in [
            (mpps::Refusal::Missing(tag), 0x0120),
            (mpps::Refusal::NoValue(tag), 0x0121),
            (mpps::Refusal::BadValue(tag), 0x0106),
            (mpps::Refusal::TooMany(tag), 0x0106),
            (mpps::Refusal::NotAllowed(tag), 0x0105),
        ] {
            let failure = Failure::of_report(&refusal.into());
            assert_eq!((failure.status, failure.attribute), (Status(status), Some(tag)));
        }
        let late = Failure::of_report(&mpps::Refusal::Final.into());
        assert_eq!((late.status, late.error_id), (Status(0x0110), Some(0xa506)));
        let response = late.response(&CommandSet::default());
        assert_eq!(response.number(element::ERROR_ID), Some(0xa506));
        let comment = response.text(element::ERROR_COMMENT);
        assert_eq!(comment.as_deref(), Some("Performed Procedure Step Object may no longer be updated"));
        for (error, status) in [(ReportError::Exists, 0x0111), (ReportError::Unknown, 0x0112)] {
            assert_eq!(Failure::of_report(&error).status, Status(status));
        }
        let away = ReportError::Storage(Error::Unavailable("away".into()));
        assert_eq!(Failure::of_report(&away).status, Status(0x0213));
    }

    #[test]
    fn steps_have_the_statuses_of_the_standard() {
        use state::Failure as F;
        for (failure, status) in [
            (F::Exists, 0x0111),
            (F::Ended, 0xc300),
            (F::KeyMissing, 0xc301),
            (F::KeyWrong, 0xc301),
            (F::InProgress, 0xc302),
            (F::OnlyByCreation, 0xc303),
            (F::NotReady, 0xc304),
            (F::Unknown, 0xc307),
            (F::NotInProgress, 0xc310),
            (F::Completed, 0xc311),
            (F::NobodyListens, 0xc312),
            (F::NotSuspended, 0xc314),
        ] {
            assert_eq!(Failure::of_step(&failure.into()).status, Status(status), "{failure}");
        }
        let tag = tags::PROCEDURE_STEP_LABEL;
        for (refusal, status) in [
            (ups::Refusal::Missing(tag), 0x0120),
            (ups::Refusal::NoValue(tag), 0x0121),
            (ups::Refusal::BadValue(tag), 0x0106),
            (ups::Refusal::NotEmpty(tag), 0x0106),
            (ups::Refusal::NotAllowed(tag), 0x0105),
        ] {
            let failure = Failure::of_step(&refusal.into());
            assert_eq!((failure.status, failure.attribute), (Status(status), Some(tag)));
        }
        assert_eq!(Failure::of_step(&ups::Refusal::NotScheduled.into()).status, Status(0xc309));
        assert_eq!(Failure::of_step(&WorkError::Lacks(tag)).status, Status(0xc304));
        assert_eq!(Failure::of_step(&WorkError::Gone).status, Status(0xc307));
        assert_eq!(Failure::of_step(&WorkError::NotTheirs).status, Status(0x0124));
    }

    #[test]
    fn inner_causes_are_not_told_to_peers() {
        let error = Error::internal("read /secret", std::io::Error::other("secret"));
        let failure = Failure::of_find(&error);
        assert!(!failure.comment.contains("secret"));
        let outage =
            Outage { what: "the database is away".into(), cause: Some("secret".into()), word: Cause::Busy };
        assert_eq!(Failure::of_store(&Error::Unavailable(outage)).comment, "the database is away");
    }
}
