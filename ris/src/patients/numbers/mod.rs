//! Other numbers of a patient. A number comes in a body: addresses are written down by proxies and browsers.

pub mod add;
pub mod remove;

use serde::Deserialize;
use utoipa::ToSchema;

use crate::error::FieldErrors;
use crate::field::{LONG_CHARS, REASON_CHARS, SHORT_CHARS, required, text};
use crate::{Error, Result};

pub use add::add;
pub use remove::remove;

/// A number.
#[derive(Debug, Deserialize, ToSchema)]
pub struct NumberForm {
    /// The number.
    identifier: String,
    /// Code of who gave it: a facility's, `CCCD` or `BHYT`.
    issuer: String,
    /// Why, for the history.
    reason: Option<String>,
}

impl NumberForm {
    /// Number, issuer and reason.
    fn check(self) -> Result<(String, String, Option<String>)> {
        let mut errors = FieldErrors::new();
        let identifier = required(&mut errors, "identifier", self.identifier, LONG_CHARS);
        let issuer = required(&mut errors, "issuer", self.issuer, SHORT_CHARS);
        let reason = text(&mut errors, "reason", self.reason, REASON_CHARS);
        if errors.is_empty() { Ok((identifier, issuer, reason)) } else { Err(Error::Fields(errors)) }
    }
}
