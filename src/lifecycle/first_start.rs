//! The first start of an archive: somebody has to be able to sign in.

use pacs_core::access::{Facilities, Role};
use pacs_core::clock::Clock;
use storage::accounts::{self, NewAccount};
use storage::database::Database;

use crate::http::sign_in::hash_password;

const NAME: &str = "admin";

/// Letters and digits that nobody takes for each other when they copy them from a screen.
const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";

/// An account that was made because there was none.
#[derive(Clone)]
pub struct FirstAdministrator {
    /// Its password, which is not kept anywhere.
    pub password: String,
}

impl FirstAdministrator {
    /// What is printed once, and only then.
    pub fn announcement(&self) -> String {
        format!(
            "\nThis is a new archive. Its first account, shown this once:\n\n    user: {NAME}\n    password: {}\n\n\
             Change the password with `sen user password {NAME}`.\n",
            self.password
        )
    }
}

/// Makes an administrator when there is no account at all.
pub async fn make_administrator(
    database: &Database,
    clock: &Clock,
) -> anyhow::Result<Option<FirstAdministrator>> {
    if !accounts::list(database).await?.is_empty() {
        return Ok(None);
    }
    let password = random_password();
    let account = NewAccount {
        name: NAME.to_owned(),
        display_name: "Quản trị".to_owned(),
        role: Role::Administrator,
        facilities: Facilities::All,
        password_hash: Some(hash_password(&password)?),
    };
    accounts::create(database, &account, clock.now_ms()).await?;
    Ok(Some(FirstAdministrator { password }))
}

/// 100 random bits in groups of five.
fn random_password() -> String {
    let letter = |byte: u8| ALPHABET.get(usize::from(byte) % ALPHABET.len()).copied().map_or('x', char::from);
    let characters = rand::random::<[u8; 20]>().map(letter);
    characters.chunks(5).map(|group| group.iter().collect::<String>()).collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_readable_and_differ() {
        let password = random_password();
        assert_eq!(password.len(), 23);
        assert_eq!(password.matches('-').count(), 3);
        assert_ne!(password, random_password());
    }
}
