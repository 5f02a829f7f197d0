//! Whether callers of the HTTP door must say who they are.

use super::ConfigError;
use super::http::Http;
use super::keys::Keys;

/// Sign-in, required or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignIn {
    /// Sessions, tokens or HTTP Basic.
    Required,
    /// Every caller is the administrator; only ever on a loopback listener.
    Off,
}

impl SignIn {
    pub(super) fn from_keys(keys: &Keys, http: &Http) -> Result<Self, ConfigError> {
        match keys.auth.as_str() {
            "on" => Ok(Self::Required),
            "off" if http.listen.ip().is_loopback() => Ok(Self::Off),
            "off" => Err(ConfigError::value(
                "auth",
                format!(
                    "off makes every caller the administrator and is allowed only on a loopback listener, not on {}",
                    http.listen
                ),
            )),
            _ => Err(ConfigError::value("auth", "must be on or off")),
        }
    }
}
