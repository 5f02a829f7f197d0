//! Hashing and checking passwords with argon2id, at most two at once.

use std::borrow::Cow;
use std::sync::Arc;

use argon2::Argon2;
use argon2::password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, Salt, SaltString};
use pacs_core::text;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Each check takes 19 MiB and a core for some tens of milliseconds; without a bound, a burst of
/// sign-ins would take the memory and the cores that images need.
const MOST_AT_ONCE: usize = 2;

/// Checks passwords without holding up anything else.
#[derive(Debug, Clone)]
pub struct Passwords {
    turns: Arc<Semaphore>,
}

impl Default for Passwords {
    fn default() -> Self {
        Self { turns: Arc::new(Semaphore::new(MOST_AT_ONCE)) }
    }
}

/// The turn to check one password.
#[derive(Debug)]
pub struct Turn {
    _place: OwnedSemaphorePermit,
}

impl Passwords {
    /// Waits for a turn; `None` only when the process ends.
    pub async fn turn(&self) -> Option<Turn> {
        Arc::clone(&self.turns).acquire_owned().await.ok().map(|place| Turn { _place: place })
    }
}

impl Turn {
    /// Whether `password` is the one of `hash`. Without a hash (no such account) the same work is
    /// done and the answer is no, so that timing tells nobody which accounts exist.
    pub async fn check(self, password: String, hash: Option<String>) -> bool {
        let checked = tokio::task::spawn_blocking(move || {
            // Kept until the work is done, also when the caller has gone away meanwhile.
            let _turn = self;
            match hash {
                Some(hash) => matches(&password, &hash),
                None => {
                    // The outcome does not matter, the time it takes does.
                    let _ = hash_password(&password);
                    false
                }
            }
        });
        checked.await.unwrap_or(false)
    }
}

fn matches(password: &str, hash: &str) -> bool {
    PasswordHash::new(hash)
        .is_ok_and(|hash| Argon2::default().verify_password(&octets(password), &hash).is_ok())
}

/// Keyboards compose `ậ` in different ways; it is one letter all the same (RFC 8265 4.2).
fn octets(password: &str) -> Vec<u8> {
    text::normalise(Cow::Borrowed(password)).into_owned().into_bytes()
}

/// The argon2id hash of a password with a fresh salt, in PHC string format.
pub fn hash_password(password: &str) -> anyhow::Result<String> {
    SaltString::encode_b64(&rand::random::<[u8; Salt::RECOMMENDED_LENGTH]>())
        .and_then(|salt| Ok(Argon2::default().hash_password(&octets(password), &salt)?.to_string()))
        .map_err(|error| anyhow::anyhow!("cannot hash the password: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_right_password_of_an_existing_account_passes() {
        let passwords = Passwords::default();
        let check = async |password: &str, hash: Option<&str>| {
            let turn = passwords.turn().await.unwrap();
            turn.check(password.into(), hash.map(Into::into)).await
        };
        let hash = hash_password("mật khẩu").unwrap();
        assert!(check("mật khẩu", Some(&hash)).await);
        assert!(check("ma\u{302}\u{323}t kha\u{302}\u{309}u", Some(&hash)).await, "composed otherwise");
        assert!(!check("mat khau", Some(&hash)).await);
        assert!(!check("mật khẩu", None).await);
        assert!(!check("mật khẩu", Some("no hash")).await);
    }
}
