//! Who is asking. The program's sign-in layer puts the actor into the request; without one there is no answer.

use crate::error::Error;
use axum::extract::FromRequestParts;
use http::request::Parts;
use pacs_core::access::{self, Act, Actor, Scope};

/// The actor behind a request.
#[derive(Debug, Clone)]
pub struct Caller(pub Actor);

impl Caller {
    /// The caller's scope, once it is known that the caller may read images.
    pub fn reading(&self) -> Result<Scope, Error> {
        self.may(Act::ReadImages, "look at images")?;
        Ok(access::scope(&self.0))
    }

    /// Refuses a caller whose role does not allow `act`; `what` completes "this account may not …".
    pub fn may(&self, act: Act, what: &'static str) -> Result<(), Error> {
        if access::may(&self.0, act) { Ok(()) } else { Err(Error::Forbidden(what)) }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error> {
        parts.extensions.get::<Actor>().cloned().map(Self).ok_or(Error::Unauthenticated)
    }
}
