//! What a request says of who sent it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use http::header::{AUTHORIZATION, COOKIE};

/// Name of the session's cookie.
pub const COOKIE_NAME: &str = "sen_session";

/// A credential as it came; none of these is ever logged.
#[derive(Clone, PartialEq, Eq)]
pub enum Credential {
    /// `Authorization: Bearer …`.
    Token(String),
    /// `Authorization: Basic …`.
    Password {
        /// Account name.
        user: String,
        /// Its password.
        password: String,
    },
    /// The session's cookie.
    Session(String),
    /// An Authorization header that cannot be read, or of another scheme.
    Unusable,
}

/// The credential of a request. An Authorization header counts before a cookie: a program that sends
/// one means it.
pub fn of(headers: &HeaderMap) -> Option<Credential> {
    if let Some(value) = headers.get(AUTHORIZATION) {
        return Some(value.to_str().ok().and_then(authorization).unwrap_or(Credential::Unusable));
    }
    headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, _)| *name == COOKIE_NAME)
        .map(|(_, value)| Credential::Session(value.to_owned()))
}

fn authorization(value: &str) -> Option<Credential> {
    let (scheme, rest) = value.trim().split_once(' ')?;
    let rest = rest.trim();
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(Credential::Token(rest.to_owned()));
    }
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let pair = String::from_utf8(STANDARD.decode(rest).ok()?).ok()?;
    let (user, password) = pair.split_once(':')?;
    Some(Credential::Password { user: user.to_owned(), password: password.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    #[test]
    fn credentials_are_read() {
        let session = |text: &str| Some(Credential::Session(text.into()));
        type Headers = &'static [(&'static str, &'static str)];
        let cases: &[(Headers, Option<Credential>)] = &[
            (&[], None),
            (&[("cookie", "a=b; sen_session=xyz; c=d")], session("xyz")),
            (&[("cookie", "not_sen_session=xyz")], None),
            (&[("authorization", "Bearer abc")], Some(Credential::Token("abc".into()))),
            (&[("authorization", "bearer  abc ")], Some(Credential::Token("abc".into()))),
            (
                &[("authorization", "Basic bGFuOm3huq10OmtI4bqpdQ=="), ("cookie", "sen_session=xyz")],
                Some(Credential::Password { user: "lan".into(), password: "mật:kHẩu".into() }),
            ),
            (&[("authorization", "Basic !!!")], Some(Credential::Unusable)),
            (&[("authorization", "Digest x")], Some(Credential::Unusable)),
            (&[("authorization", "Bearer")], Some(Credential::Unusable)),
        ];
        for (pairs, expected) in cases {
            assert!(of(&headers(pairs)) == *expected, "{pairs:?}");
        }
    }
}
