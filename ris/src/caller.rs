//! Who asks, and whether they may.

use std::net::{IpAddr, SocketAddr};

use axum::extract::{ConnectInfo, FromRequestParts};
use http::request::Parts;
use pacs_core::access::{self, Act, Actor, Scope};
use pacs_core::audit::{AuditAct, AuditRecord};

use crate::Error;

/// Who makes a request. Extracting it fails with 401 when nobody is signed in.
#[derive(Debug, Clone)]
pub struct Caller {
    /// Who.
    pub actor: Actor,
    /// From where, when the listener tells.
    pub peer: Option<IpAddr>,
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Error> {
        let actor = parts.extensions.get::<Actor>().cloned().ok_or(Error::Unauthorized)?;
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(address)| address.ip());
        Ok(Self { actor, peer })
    }
}

impl Caller {
    /// Fails with 403 when the caller's role does not allow the act.
    pub fn needs(&self, act: Act) -> Result<&Self, Error> {
        if access::may(&self.actor, act) { Ok(self) } else { Err(Error::Forbidden) }
    }

    /// The record of what the caller did.
    pub fn did(&self, act: AuditAct, subject: String) -> AuditRecord {
        AuditRecord::done(&self.actor, act, subject, self.peer)
    }

    /// Whose studies the caller may see.
    pub fn scope(&self) -> Scope {
        access::scope(&self.actor)
    }
}
