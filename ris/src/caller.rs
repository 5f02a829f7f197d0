//! Who asks, and whether they may.

use axum::extract::FromRequestParts;
use http::request::Parts;
use pacs_core::access::{self, Act, Actor, Scope};

use crate::Error;

/// The signed-in actor of a request. Extracting it fails with 401 when there is none.
#[derive(Debug, Clone)]
pub struct Caller(pub Actor);

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Error> {
        parts.extensions.get::<Actor>().cloned().map(Self).ok_or(Error::Unauthorized)
    }
}

impl Caller {
    /// Fails with 403 when the caller's role does not allow the act.
    pub fn needs(&self, act: Act) -> Result<&Self, Error> {
        if access::may(&self.0, act) { Ok(self) } else { Err(Error::Forbidden) }
    }

    /// Whose studies the caller may see.
    pub fn scope(&self) -> Scope {
        access::scope(&self.0)
    }
}
