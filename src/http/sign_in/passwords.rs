//! Hashing and checking passwords with argon2id, at most two at once.

use std::sync::Arc;

use argon2::Argon2;
use argon2::password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, Salt, SaltString};
use tokio::sync::Semaphore;

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

impl Passwords {
    /// Whether `password` is the one of `hash`. Without a hash (no such account) the same work is
    /// done and the answer is no, so that timing tells nobody which accounts exist.
    pub async fn check(&self, password: String, hash: Option<String>) -> bool {
        let Ok(_turn) = self.turns.acquire().await else { return false };
        let checked = tokio::task::spawn_blocking(move || match hash {
            Some(hash) => matches(&password, &hash),
            None => {
                // The outcome does not matter, the time it takes does.
                let _ = hash_password(&password);
                false
            }
        });
        checked.await.unwrap_or(false)
    }
}

fn matches(password: &str, hash: &str) -> bool {
    PasswordHash::new(hash)
        .is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok())
}

/// The argon2id hash of a password with a fresh salt, in PHC string format.
pub fn hash_password(password: &str) -> anyhow::Result<String> {
    SaltString::encode_b64(&rand::random::<[u8; Salt::RECOMMENDED_LENGTH]>())
        .and_then(|salt| Ok(Argon2::default().hash_password(password.as_bytes(), &salt)?.to_string()))
        .map_err(|error| anyhow::anyhow!("cannot hash the password: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_right_password_of_an_existing_account_passes() {
        let passwords = Passwords::default();
        let hash = hash_password("mật khẩu").unwrap();
        assert!(passwords.check("mật khẩu".into(), Some(hash.clone())).await);
        assert!(!passwords.check("mat khau".into(), Some(hash)).await);
        assert!(!passwords.check("mật khẩu".into(), None).await);
        assert!(!passwords.check("mật khẩu".into(), Some("no hash".into())).await);
    }
}
