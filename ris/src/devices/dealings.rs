//! What is done for a device and asked of it without its asking, as the form sends it and lists show it.

use serde::{Deserialize, Serialize};
use storage::devices::{Dealings as Row, RetrieveBy};
use utoipa::ToSchema;

use super::form::within;
use crate::error::FieldErrors;

/// As many associations as a device is sent queued images by.
const MOST_SENDS: u32 = 16;

/// What is to be done for a device; what is left out stays as it is.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DealingsForm {
    /// Associations at a time by which queued images are sent to it, 1 to 16.
    send_limit: Option<u32>,
    /// How images are pulled from it: `move` or `get`.
    retrieve_by: Option<String>,
    /// Whether it is asked for a patient's earlier studies when an exam is ordered.
    priors: Option<bool>,
    /// Whether it is asked, after images were sent, if it keeps them.
    commitment: Option<bool>,
    /// Whether what modalities report of their work is forwarded to it.
    performed_steps: Option<bool>,
    /// Whether it is told which images are available.
    availability: Option<bool>,
}

impl DealingsForm {
    /// What is done then, with what is wrong among the errors.
    pub(super) fn over(self, known: Row, errors: &mut FieldErrors) -> Row {
        let send_limit = within(errors, "sendLimit", self.send_limit, 1..=MOST_SENDS);
        let retrieve_by = self.retrieve_by.map(|word| RetrieveBy::parse(&word));
        if retrieve_by == Some(None) {
            errors.insert("retrieveBy", "invalid");
        }
        Row {
            send_limit: send_limit.and_then(|limit| u8::try_from(limit).ok()).unwrap_or(known.send_limit),
            retrieve_by: retrieve_by.flatten().unwrap_or(known.retrieve_by),
            is_archive: self.priors.unwrap_or(known.is_archive),
            asks_commitment: self.commitment.unwrap_or(known.asks_commitment),
            takes_performed_steps: self.performed_steps.unwrap_or(known.takes_performed_steps),
            takes_availability: self.availability.unwrap_or(known.takes_availability),
        }
    }
}

/// What is done for a device, and asked of it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Dealings {
    /// Associations at a time by which queued images are sent to it.
    send_limit: u8,
    /// How images are pulled from it: `move` or `get`.
    retrieve_by: &'static str,
    /// Whether it is asked for a patient's earlier studies when an exam is ordered.
    priors: bool,
    /// Whether it is asked, after images were sent, if it keeps them (storage commitment).
    commitment: bool,
    /// Whether what modalities report of their work (MPPS) is forwarded to it.
    performed_steps: bool,
    /// Whether it is told which images are available (IAN).
    availability: bool,
}

impl From<Row> for Dealings {
    fn from(row: Row) -> Self {
        Self {
            send_limit: row.send_limit,
            retrieve_by: row.retrieve_by.as_str(),
            priors: row.is_archive,
            commitment: row.asks_commitment,
            performed_steps: row.takes_performed_steps,
            availability: row.takes_availability,
        }
    }
}
