//! The users that DICOM associations name, asked of the same gate: the same accounts, the same two passwords at a time,
//! and the same patience with wrong ones.

use std::net::IpAddr;
use std::sync::Arc;

use dimse_scp::{NamedUser, UserVerdict, Users};
use futures::FutureExt as _;

use super::Gate;
use crate::http::problem::Problem;

/// The accounts of a gate.
pub fn users(gate: Arc<Gate>) -> Users {
    Users::new(move |user, peer| {
        let gate = Arc::clone(&gate);
        async move { verdict(&gate, user, peer).await }.boxed()
    })
}

async fn verdict(gate: &Gate, user: NamedUser, peer: IpAddr) -> UserVerdict {
    let found = match user.passcode {
        Some(passcode) => gate.by_password(user.name, passcode, peer).await.map(Some),
        None => gate.account(&user.name).await.map(|account| account.map(|account| account.actor())),
    };
    match found {
        Ok(Some(_)) => UserVerdict::Known,
        Ok(None) | Err(Problem::Unauthorized) => UserVerdict::Unknown,
        Err(Problem::TooManyAttempts { .. }) => UserVerdict::Wait,
        Err(_) => UserVerdict::Unavailable,
    }
}
