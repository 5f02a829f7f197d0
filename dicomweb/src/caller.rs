//! Who is asking. The program's sign-in layer puts the actor into the request; without one there is no answer.

use crate::error::Error;
use axum::extract::{ConnectInfo, FromRequestParts};
use http::request::Parts;
use pacs_core::access::{self, Act, Actor, Scope};
use pacs_core::audit::{AuditAct, AuditRecord};
use pacs_core::uid::Uid;
use std::net::{IpAddr, SocketAddr};

/// The actor behind a request, and where it came from.
#[derive(Debug, Clone)]
pub struct Caller {
    /// Who.
    pub actor: Actor,
    /// From where, when the listener tells.
    pub peer: Option<IpAddr>,
}

impl Caller {
    /// The caller's scope, once it is known that the caller may read images.
    pub fn reading(&self) -> Result<Scope, Error> {
        self.may(Act::ReadImages, "look at images")?;
        Ok(access::scope(&self.actor))
    }

    /// Refuses a caller whose role does not allow `act`; `what` completes "this account may not …".
    pub fn may(&self, act: Act, what: &'static str) -> Result<(), Error> {
        if access::may(&self.actor, act) { Ok(()) } else { Err(Error::Forbidden(what)) }
    }

    /// The record of what the caller did with a study.
    pub fn did(&self, act: AuditAct, study: &Uid) -> AuditRecord {
        AuditRecord::done(&self.actor, act, format!("study:{study}"), self.peer)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error> {
        let actor = parts.extensions.get::<Actor>().cloned().ok_or(Error::Unauthenticated)?;
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(address)| address.ip());
        Ok(Self { actor, peer })
    }
}
