//! The body of acts that need no reason, and may have one.

use serde::Deserialize;
use utoipa::ToSchema;

use crate::Result;
use crate::field;
use crate::request::Body;

/// Why something is done that needs no reason.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub struct ReasonForm {
    /// For the history.
    reason: Option<String>,
}

/// The reason of an act that needs none, and whose body may be left out with it.
pub fn optional_reason(form: Option<Body<ReasonForm>>) -> Result<Option<String>> {
    field::reason(form.unwrap_or_default().0.reason, false)
}
