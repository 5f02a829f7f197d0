//! Sessions of signed-in people, found by the hash of their cookie.

use super::{Account, AccountId, COLUMNS, Secret, read};
use crate::Result;
use crate::database::{Database, Durability, params};

/// Opens a session; the secret's text goes into the cookie and nowhere else.
pub async fn open(
    database: &Database,
    account: AccountId,
    origin: &str,
    now_ms: i64,
    expires_ms: i64,
) -> Result<Secret> {
    let secret = Secret::generate();
    database
        .execute(
            "insert into session (token_hash, account_id, origin, created_ms, expires_ms) values ($1, $2, $3, $4, $5)",
            params![&secret.hash, account, origin, now_ms, expires_ms],
        )
        .await?;
    Ok(secret)
}

/// Whose session a cookie is, unless it has expired or the account is disabled.
pub async fn account(database: &Database, cookie: &str, now_ms: i64) -> Result<Option<Account>> {
    let sql = format!(
        "select {COLUMNS} from session s join account a on a.id = s.account_id
         where s.token_hash = $1 and s.expires_ms > $2 and a.disabled = 0"
    );
    let params = params![&Secret::hash(cookie), now_ms];
    database.fetch_optional(sqlx::AssertSqlSafe(sql), params).await?.as_ref().map(read).transpose()
}

/// Ends a session.
pub async fn close(database: &Database, cookie: &str) -> Result<()> {
    database
        .execute("delete from session where token_hash = $1", params![&Secret::hash(cookie)])
        .await
        .map(drop)
}

/// Moves a session's end, because its person is still there.
pub async fn extend(database: &Database, cookie: &str, expires_ms: i64) -> Result<()> {
    let mut tx = database.begin(Durability::Batched).await?;
    tx.execute(
        "update session set expires_ms = $2 where token_hash = $1",
        params![&Secret::hash(cookie), expires_ms],
    )
    .await?;
    tx.commit().await
}

/// Takes expired sessions away.
pub async fn prune(database: &Database, now_ms: i64) -> Result<u64> {
    database.execute("delete from session where expires_ms <= $1", params![now_ms]).await
}
