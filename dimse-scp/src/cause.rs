//! What lies underneath when an association or an operation fails, as words for the pages.

use pacs_core::why::{Cause, Why};

use crate::association::End;
use crate::pdu::Rejection;
use crate::refused::Reason;
use crate::scu::Error;

/// What an association that was opened here failed for; `None` where the error's kind says it all.
pub(crate) fn of_error(error: &Error) -> Option<Cause> {
    match error {
        Error::Unreachable(error) | Error::Handshake(error) => Cause::beneath(error),
        Error::Rejected(rejection) => Some(of_rejection(*rejection)),
        Error::Ended(end) => of_end(end),
        Error::NoContext | Error::Unreadable(_) | Error::Withheld(_) => None,
    }
}

/// Why an association that was opened here failed, for the page of devices.
pub(crate) fn why(error: &Error) -> Why {
    let why = Reason::of_error(error).because(error);
    match error {
        // Its sentence says what the end was.
        Error::Ended(_) => why,
        _ => why.of(of_error(error)),
    }
}

/// How an association ended.
pub(crate) fn of_end(end: &End) -> Option<Cause> {
    match end {
        End::Released | End::Lost => Some(Cause::Lost),
        End::Aborted { .. } => Some(Cause::Aborted),
        End::Protocol { .. } => Some(Cause::Fault),
        End::Idle | End::Stalled | End::WriteTimeout => Some(Cause::Stalled),
        End::Stopped => Some(Cause::Stopping),
        End::Cut(_) => Some(Cause::GivenUp),
    }
}

/// What the other side says when it rejects an association.
fn of_rejection(rejection: Rejection) -> Cause {
    match rejection {
        Rejection::ApplicationContext => Cause::ApplicationContext,
        Rejection::CallingAe => Cause::CallingAe,
        Rejection::CalledAe => Cause::CalledAe,
        Rejection::UserIdentity => Cause::UserIdentity,
        Rejection::ProtocolVersion => Cause::ProtocolVersion,
        Rejection::Congestion => Cause::Congestion,
        Rejection::LimitExceeded => Cause::LimitExceeded,
        Rejection::Unspecified | Rejection::Other(..) => Cause::RejectedWithoutReason,
    }
}
