//! Which status and which Warning say why a step is not what a request needs (PS3.18 11.4.3 to 11.8.3).

use super::Request;
use crate::error::Error;
use http::StatusCode;
use pacs_core::ups::state::Failure;
use storage::ups::WorkError;

/// The transactions that can be refused; each has words of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transaction {
    /// 11.4
    Create,
    /// 11.5
    Retrieve,
    /// 11.6
    Update,
    /// 11.7
    ChangeState,
    /// 11.8
    Cancel,
    /// 11.10 to 11.12, and the event channel
    Subscribe,
}

const BAD: StatusCode = StatusCode::BAD_REQUEST;
const CONFLICT: StatusCode = StatusCode::CONFLICT;
const OF_ANOTHER: &str = "follow workitems under this AE title, which is another account's";

impl Request {
    /// The answer to a request that the step, or what was sent of it, does not allow.
    pub(super) fn refused(&self, transaction: Transaction, error: WorkError) -> Error {
        use Transaction::{ChangeState, Retrieve, Subscribe, Update};
        let detail = error.to_string();
        let (status, failure) = match error {
            WorkError::Storage(error) => return Error::Storage(error),
            WorkError::NotTheirs => return Error::Forbidden(OF_ANOTHER),
            // The tables of 11.5.3, 11.6.3 and 11.7.3 have 410, the others do not.
            WorkError::Gone if matches!(transaction, Retrieve | Update | ChangeState) => {
                return Error::Gone("the workitem");
            }
            WorkError::Failed(Failure::Unknown | Failure::NotSubscribed) if transaction == Subscribe => {
                return Error::NotFound("the workitem or subscription");
            }
            WorkError::Gone | WorkError::Failed(Failure::Unknown) => return Error::NotFound("the workitem"),
            WorkError::Refused(_) => (BAD, Failure::NotReady),
            WorkError::Lacks(_) => (CONFLICT, Failure::NotReady),
            WorkError::Failed(failure) => (status(transaction, failure), failure),
        };
        let words = words(transaction, failure);
        Error::Step { status, detail, warning: words.and_then(|words| self.warning(words)) }
    }
}

fn status(transaction: Transaction, failure: Failure) -> StatusCode {
    match (transaction, failure) {
        // The tables of 11.6.3 and 11.7.3 name these for 400.
        (_, Failure::KeyMissing | Failure::KeyWrong | Failure::OnlyByCreation) => BAD,
        (Transaction::Subscribe, Failure::NotSuspended | Failure::NoFilter) => BAD,
        (Transaction::Update, Failure::Ended) => BAD,
        _ => CONFLICT,
    }
}

fn words(transaction: Transaction, failure: Failure) -> Option<&'static str> {
    Some(match (transaction, failure) {
        (Transaction::Create | Transaction::Retrieve | Transaction::Subscribe, _) => return None,
        (Transaction::Update, Failure::NotInProgress) => {
            "The target URI did not reference a claimed Workitem."
        }
        (Transaction::Update, _) => {
            "The submitted request is inconsistent with the current state of the Workitem."
        }
        (Transaction::Cancel, Failure::Completed) => "The UPS is already COMPLETED.",
        (Transaction::Cancel, Failure::NobodyListens) => "The performer cannot be contacted.",
        (Transaction::Cancel, _) => return None,
        (Transaction::ChangeState, Failure::KeyMissing) => "The Transaction UID is missing.",
        (Transaction::ChangeState, Failure::KeyWrong) => "The Transaction UID is incorrect.",
        (Transaction::ChangeState, _) => {
            "The submitted request is inconsistent with the state of the UPS Instance."
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The tables of PS3.18 11.6.3, 11.7.3 and 11.8.3.
    #[test]
    fn each_transaction_has_its_statuses() {
        use Transaction::*;
        for (transaction, failure, want, word) in [
            (Create, Failure::Exists, CONFLICT, None),
            (Update, Failure::Ended, BAD, Some("current state")),
            (Update, Failure::KeyMissing, BAD, Some("current state")),
            (Update, Failure::KeyWrong, BAD, Some("current state")),
            (Update, Failure::NotInProgress, CONFLICT, Some("claimed")),
            (ChangeState, Failure::KeyMissing, BAD, Some("missing")),
            (ChangeState, Failure::KeyWrong, BAD, Some("incorrect")),
            (ChangeState, Failure::OnlyByCreation, BAD, Some("UPS Instance")),
            (ChangeState, Failure::InProgress, CONFLICT, Some("UPS Instance")),
            (ChangeState, Failure::NotInProgress, CONFLICT, Some("UPS Instance")),
            (ChangeState, Failure::NotReady, CONFLICT, Some("UPS Instance")),
            (ChangeState, Failure::Ended, CONFLICT, Some("UPS Instance")),
            (Cancel, Failure::Completed, CONFLICT, Some("COMPLETED")),
            (Cancel, Failure::NobodyListens, CONFLICT, Some("cannot be contacted")),
        ] {
            assert_eq!(status(transaction, failure), want, "{transaction:?} {failure:?}");
            let said = words(transaction, failure);
            assert_eq!(said.is_some(), word.is_some());
            assert!(
                said.is_none_or(|said| said.contains(word.unwrap())),
                "{transaction:?} {failure:?}: {said:?}"
            );
        }
    }
}
