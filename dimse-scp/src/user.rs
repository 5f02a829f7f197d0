//! The user that a requestor names (PS3.7 D.3.3.7).
//!
//! What an association may do follows from its device. A user is who is asked for it afterwards: a name with its
//! passcode has to be an account's, a name alone is confirmed where there is such an account, and tickets, assertions
//! and tokens, which cannot be verified here, are passed over. A device may have to name a user with the passcode.

use std::net::IpAddr;

use crate::config::{NamedUser, UserVerdict};
use crate::listener::Shared;
use crate::pdu::Rejection;
use crate::pdu::associate::UserIdentity;
use crate::refused::{Reason, Refused};

/// User identity types.
const NAME: u8 = 1;
const NAME_AND_PASSCODE: u8 = 2;
/// Names of accounts are no longer.
const LONGEST_NAME_CHARS: usize = 64;

/// The user of an association.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct User {
    /// The account, where there is one.
    pub name: Option<String>,
    /// What the requestor is told, where it asked for an answer and there is a positive one.
    pub answer: Option<Vec<u8>>,
}

/// Finds out who is named, and refuses who is not whom it claims to be.
pub(crate) async fn named(
    identity: Option<&UserIdentity>,
    is_required: bool,
    shared: &Shared,
    peer: IpAddr,
) -> Result<User, Refused> {
    let refused = |reason| Err(Refused::new(Rejection::UserIdentity, reason));
    let known = identity.and_then(|identity| Some((identity, user(identity)?)));
    let (Some((identity, user)), Some(users)) = (known, &shared.config.users) else {
        return if is_required { refused(Reason::UserRequired) } else { Ok(User::default()) };
    };
    let has_proof = user.passcode.is_some();
    let name = user.name.clone();
    match users.ask(user, peer).await {
        UserVerdict::Known if is_required && !has_proof => refused(Reason::UserRequired),
        UserVerdict::Known => Ok(User { name: Some(name), answer: identity.wants_answer.then(Vec::new) }),
        UserVerdict::Unknown if is_required || has_proof => refused(Reason::UserWrong),
        UserVerdict::Unknown => Ok(User::default()),
        UserVerdict::Wait => refused(Reason::UserHasToWait),
        UserVerdict::Unavailable => Err(Refused::new(Rejection::Congestion, Reason::CannotLookUp)),
    }
}

/// A name, with its passcode where one is sent; `None` for other kinds of identity, and for what is no name.
fn user(identity: &UserIdentity) -> Option<NamedUser> {
    let text =
        |bytes: &[u8]| std::str::from_utf8(bytes).map(|text| text.trim_end_matches(['\0', ' ']).to_owned());
    let name = text(&identity.primary).ok().filter(|name| !name.is_empty())?;
    if name.chars().count() > LONGEST_NAME_CHARS {
        return None;
    }
    match identity.kind {
        NAME => Some(NamedUser { name, passcode: None }),
        // Of a passcode every letter counts.
        NAME_AND_PASSCODE => {
            let passcode = String::from_utf8(identity.secondary.clone()).unwrap_or_default();
            Some(NamedUser { name, passcode: Some(passcode) })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_passcodes_are_read() {
        let identity = |kind, primary: &[u8], secondary: &[u8]| UserIdentity {
            kind,
            wants_answer: true,
            primary: primary.to_vec(),
            secondary: secondary.to_vec(),
        };
        let named = |name: &str, passcode: Option<&str>| {
            Some(NamedUser { name: name.into(), passcode: passcode.map(Into::into) })
        };
        for (identity, want) in [
            (identity(1, b"lan", b""), named("lan", None)),
            (identity(1, b"lan \0", b"ignored"), named("lan", None)),
            (identity(2, "ánh".as_bytes(), "mật ".as_bytes()), named("ánh", Some("mật "))),
            (identity(2, b"lan", b"\xff"), named("lan", Some(""))),
            (identity(2, b"", b"secret"), None),
            (identity(1, b"\xff", b""), None),
            (identity(1, &[b'a'; 65], b""), None),
            (identity(3, b"ticket", b""), None),
            (identity(5, b"token", b""), None),
        ] {
            assert_eq!(user(&identity), want, "{identity:?}");
        }
    }
}
