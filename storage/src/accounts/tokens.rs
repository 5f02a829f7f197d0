//! API tokens of programs: shown once, kept as a hash.

use pacs_core::access::{Actor, Facilities, Role};

use super::{Secret, facilities_text, read_rights};
use crate::database::{Database, Durability, Row, params};
use crate::{Error, Result};

/// A program's token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// The row.
    pub id: i64,
    /// What it is for.
    pub name: String,
    /// What its bearer may do.
    pub role: Role,
    /// Whose studies its bearer may see.
    pub facilities: Facilities,
    /// `Actor::id` of who made it.
    pub created_by: String,
    /// When it was made.
    pub created_ms: i64,
    /// When it stops working, if ever.
    pub expires_ms: Option<i64>,
    /// When it was taken back.
    pub revoked_ms: Option<i64>,
    /// When it was last presented, to the nearest minutes.
    pub last_used_ms: Option<i64>,
}

impl Token {
    /// The bearer as somebody who asks for something.
    pub fn actor(&self) -> Actor {
        Actor {
            id: format!("token:{}", self.id),
            name: self.name.clone(),
            role: self.role,
            facilities: self.facilities.clone(),
        }
    }
}

const COLUMNS: &str =
    "id, name, role, facilities, created_by, created_ms, expires_ms, revoked_ms, last_used_ms";
const USED_EVERY_MS: i64 = 300_000;

/// Makes a token; the secret's text is shown once.
pub async fn create(
    database: &Database,
    name: &str,
    (role, facilities): (Role, &Facilities),
    actor: &Actor,
    now_ms: i64,
    expires_ms: Option<i64>,
) -> Result<Secret> {
    let secret = Secret::generate();
    database
        .execute(
            "insert into token (token_hash, name, role, facilities, created_by, created_ms, expires_ms)
             values ($1, $2, $3, $4, $5, $6, $7)",
            params![
                &secret.hash,
                name,
                role.as_str(),
                facilities_text(facilities),
                &actor.id,
                now_ms,
                expires_ms
            ],
        )
        .await?;
    Ok(secret)
}

/// Whose token was presented, unless it has expired or was taken back.
pub async fn bearer(database: &Database, presented: &str, now_ms: i64) -> Result<Option<Token>> {
    let sql = format!(
        "select {COLUMNS} from token where token_hash = $1 and revoked_ms is null
         and (expires_ms is null or expires_ms > $2)"
    );
    let params = params![&Secret::hash(presented), now_ms];
    let Some(token) =
        database.fetch_optional(sqlx::AssertSqlSafe(sql), params).await?.as_ref().map(read).transpose()?
    else {
        return Ok(None);
    };
    if token.last_used_ms.is_none_or(|used_ms| now_ms - used_ms > USED_EVERY_MS) {
        let mut tx = database.begin(Durability::Batched).await?;
        tx.execute("update token set last_used_ms = $2 where id = $1", params![token.id, now_ms]).await?;
        tx.commit().await?;
    }
    Ok(Some(token))
}

/// Every token, newest first.
pub async fn list(database: &Database) -> Result<Vec<Token>> {
    let sql = format!("select {COLUMNS} from token order by id desc limit 1000");
    database.fetch(sqlx::AssertSqlSafe(sql), params![]).await?.iter().map(read).collect()
}

/// Takes a token back.
pub async fn revoke(database: &Database, id: i64, now_ms: i64) -> Result<()> {
    let revoked = database
        .execute("update token set revoked_ms = $2 where id = $1 and revoked_ms is null", params![id, now_ms])
        .await?;
    if revoked == 0 { Err(Error::NotFound) } else { Ok(()) }
}

fn read(row: &Row) -> Result<Token> {
    let (role, facilities) = read_rights(row)?;
    Ok(Token {
        id: row.get("id")?,
        name: row.get("name")?,
        role,
        facilities,
        created_by: row.get("created_by")?,
        created_ms: row.get("created_ms")?,
        expires_ms: row.get("expires_ms")?,
        revoked_ms: row.get("revoked_ms")?,
        last_used_ms: row.get("last_used_ms")?,
    })
}
