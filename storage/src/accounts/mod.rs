//! People's accounts, their sessions, and the tokens of programs.
//!
//! Passwords come here as the hash that the sign-in made of them; session and API tokens are 256
//! random bits of which only a hash is kept ([`Secret`]).

pub mod sessions;
pub mod tokens;

use pacs_core::access::{Actor, Facilities, Role};

use crate::database::{Database, Durability, Param, Row, Transaction, params};
use crate::index::facilities;
use crate::{Error, Result};

/// Row of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct AccountId(pub i64);

impl From<AccountId> for Param {
    fn from(id: AccountId) -> Self {
        Self::from(id.0)
    }
}

/// A person who signs in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// The row.
    pub id: AccountId,
    /// The name typed at sign-in, unique.
    pub name: String,
    /// The name to show.
    pub display_name: String,
    /// What the person may do.
    pub role: Role,
    /// Whose studies the person may see.
    pub facilities: Facilities,
    /// PHC string of the password; `None` cannot sign in by password.
    pub password_hash: Option<String>,
    /// Language of the pages that the person chose.
    pub language: Option<String>,
    /// Whether sign-in is refused.
    pub disabled: bool,
}

/// An account to be made.
#[derive(Debug, Clone)]
pub struct NewAccount {
    /// The name typed at sign-in.
    pub name: String,
    /// The name to show.
    pub display_name: String,
    /// What the person may do.
    pub role: Role,
    /// Whose studies the person may see.
    pub facilities: Facilities,
    /// PHC string of the password.
    pub password_hash: Option<String>,
}

impl Account {
    /// The account as somebody who asks for something.
    pub fn actor(&self) -> Actor {
        Actor {
            id: format!("user:{}", self.name),
            name: self.display_name.clone(),
            role: self.role,
            facilities: self.facilities.clone(),
        }
    }
}

const COLUMNS: &str =
    "a.id, a.name, a.display_name, a.role, a.facilities, a.password_hash, a.language, a.disabled";

/// Makes an account. [`Error::Conflict`] when the name is taken.
pub async fn create(database: &Database, account: &NewAccount, now_ms: i64) -> Result<AccountId> {
    let mut tx = database.begin(Durability::Synced).await?;
    if let Facilities::Only(codes) = &account.facilities {
        for code in codes {
            facilities::ensure(&mut tx, code).await?;
        }
    }
    let row = tx
        .fetch_optional(
            "insert into account (name, display_name, role, facilities, password_hash, disabled, created_ms)
             values ($1, $2, $3, $4, $5, 0, $6) on conflict (name) do nothing returning id",
            params![
                &account.name,
                &account.display_name,
                account.role.as_str(),
                facilities_text(&account.facilities),
                &account.password_hash,
                now_ms
            ],
        )
        .await?;
    let row = row.ok_or_else(|| Error::Conflict(format!("there is an account {} already", account.name)))?;
    tx.commit().await?;
    Ok(AccountId(row.get("id")?))
}

/// The account of that name.
pub async fn by_name(database: &Database, name: &str) -> Result<Option<Account>> {
    let sql = format!("select {COLUMNS} from account a where a.name = $1");
    database.fetch_optional(sqlx::AssertSqlSafe(sql), params![name]).await?.as_ref().map(read).transpose()
}

/// Every account, by name.
pub async fn list(database: &Database) -> Result<Vec<Account>> {
    let sql = format!("select {COLUMNS} from account a order by a.name");
    database.fetch(sqlx::AssertSqlSafe(sql), params![]).await?.iter().map(read).collect()
}

/// Sets a password and ends the account's sessions.
pub async fn set_password(database: &Database, name: &str, password_hash: &str) -> Result<()> {
    let mut tx = database.begin(Durability::Synced).await?;
    let changed = tx
        .execute("update account set password_hash = $2 where name = $1", params![name, password_hash])
        .await?;
    if changed == 0 {
        return Err(Error::NotFound);
    }
    tx.execute(
        "delete from session where account_id in (select id from account where name = $1)",
        params![name],
    )
    .await?;
    tx.commit().await
}

/// Refuses or allows sign-in; refusing ends the account's sessions.
pub async fn set_disabled(database: &Database, name: &str, disabled: bool) -> Result<()> {
    let mut tx = database.begin(Durability::Synced).await?;
    if tx.execute("update account set disabled = $2 where name = $1", params![name, disabled]).await? == 0 {
        return Err(Error::NotFound);
    }
    if disabled {
        tx.execute(
            "delete from session where account_id in (select id from account where name = $1)",
            params![name],
        )
        .await?;
    }
    tx.commit().await
}

/// Notes the language that a person chose for the pages.
pub async fn set_language(database: &Database, id: AccountId, language: &str) -> Result<()> {
    database.execute("update account set language = $2 where id = $1", params![id, language]).await.map(drop)
}

/// Whether the account, token or device behind an `Actor::id` can no longer be used: disabled, taken back, expired, no
/// longer configured.
pub(crate) async fn is_gone(tx: &mut Transaction, actor: &str, now_ms: i64) -> Result<bool> {
    let gone = match actor.split_once(':') {
        Some(("user", name)) => {
            let sql = "select 1 from account where name = $1 and disabled = 1";
            tx.fetch_optional(sql, params![name]).await?
        }
        Some(("token", id)) => {
            let Ok(id) = id.parse::<i64>() else { return Ok(false) };
            let sql = "select 1 from token where id = $1 and (revoked_ms is not null or expires_ms <= $2)";
            tx.fetch_optional(sql, params![id, now_ms]).await?
        }
        Some(("device", title)) => {
            let known = tx.fetch_optional("select 1 from device where ae_title = $1", params![title]).await?;
            return Ok(known.is_none());
        }
        _ => None,
    };
    Ok(gone.is_some())
}

/// A random secret as it is handed out once, and the hash that is kept of it.
#[derive(Clone)]
pub struct Secret {
    /// 64 hexadecimal digits.
    pub text: String,
    /// What the rows keep.
    pub hash: [u8; 32],
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl Secret {
    /// 256 bits from the operating system's generator.
    pub fn generate() -> Self {
        let bytes: [u8; 32] = rand::random();
        let text = bytes.iter().fold(String::with_capacity(64), |text, byte| text + &format!("{byte:02x}"));
        Self { hash: Self::hash(&text), text }
    }

    /// The hash of a presented secret. The secret is random, so no slow hash is needed.
    pub fn hash(text: &str) -> [u8; 32] {
        *blake3::hash(text.as_bytes()).as_bytes()
    }
}

pub(crate) fn facilities_text(facilities: &Facilities) -> Option<String> {
    match facilities {
        Facilities::All => None,
        Facilities::Only(codes) => Some(serde_json::Value::from(codes.clone()).to_string()),
    }
}

/// Reads the columns `role` and `facilities`.
fn read_rights(row: &Row) -> Result<(Role, Facilities)> {
    let role: String = row.get("role")?;
    let role = Role::parse(&role)
        .ok_or_else(|| Error::Corrupt(format!("an account has the unknown role {role}")))?;
    let facilities = match row.get::<Option<String>>("facilities")? {
        None => Facilities::All,
        Some(text) => Facilities::Only(
            serde_json::from_str(&text)
                .map_err(|_| Error::Corrupt("an account's facilities are no list".into()))?,
        ),
    };
    Ok((role, facilities))
}

fn read(row: &Row) -> Result<Account> {
    let (role, facilities) = read_rights(row)?;
    Ok(Account {
        id: AccountId(row.get("id")?),
        name: row.get("name")?,
        display_name: row.get("display_name")?,
        role,
        facilities,
        password_hash: row.get("password_hash")?,
        language: row.get("language")?,
        disabled: row.flag("disabled")?,
    })
}
