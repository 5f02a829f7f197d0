//! Associations that failed, or were refused: the last of each peer and title, for the page that answers "why did
//! this association fail?", also about titles that are no device's.

use pacs_core::why::{Values, Why};

use crate::Result;
use crate::database::{Database, Durability, Row, params};

/// An association that failed, as it is noted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssociationFailure {
    /// Whether it was opened here.
    pub outgoing: bool,
    /// The peer's AE title, as it called itself; empty when it never said.
    pub ae_title: String,
    /// The peer's address.
    pub peer: String,
    /// The title that was called.
    pub called_ae: String,
    /// Why, with what else is known for somebody who mends it.
    pub why: Why,
}

/// The last failure of a peer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastFailure {
    /// What failed.
    pub failure: AssociationFailure,
    /// When.
    pub at_ms: i64,
    /// How often in a row for this reason.
    pub times: i64,
}

/// Peers that are remembered; whoever calls itself by a thousand names pushes out the oldest.
const MOST: i64 = 500;
/// After so long a failure is history.
const KEPT_MS: i64 = 90 * 24 * 3_600_000;
/// No text of a peer is longer than this, in characters.
const MOST_CHARS: usize = 300;

fn cut(text: &str) -> String {
    text.chars().take(MOST_CHARS).collect()
}

/// The column `detail` has the whole reason, so that it keeps its values; `reason` is by what failures are counted.
fn kept(why: &Why) -> String {
    Why { detail: cut(&why.detail), ..why.clone() }.to_string()
}

/// Rows of older programs have in `detail` the sentence alone.
fn whole(code: String, detail: String) -> Why {
    let kept = Why::read(&detail);
    if kept.code == code { kept } else { Why { detail, code: code.into(), values: Values::new() } }
}

/// Notes a failure in the place of the last one of this peer and title.
pub async fn note(database: &Database, failure: &AssociationFailure, now_ms: i64) -> Result<()> {
    let mut tx = database.begin(Durability::Batched).await?;
    let row = tx
        .fetch_one(
            "insert into association_failure (outgoing, ae_title, peer, called_ae, reason, detail, at_ms, times)
             values ($1, $2, $3, $4, $5, $6, $7, 1)
             on conflict (outgoing, ae_title, peer) do update set called_ae = excluded.called_ae,
                 times = case when association_failure.reason = excluded.reason
                     then association_failure.times + 1 else 1 end,
                 reason = excluded.reason, detail = excluded.detail, at_ms = excluded.at_ms
             returning times",
            params![
                failure.outgoing,
                cut(&failure.ae_title),
                cut(&failure.peer),
                cut(&failure.called_ae),
                failure.why.code.as_ref(),
                kept(&failure.why),
                now_ms
            ],
        )
        .await?;
    if row.get::<i64>("times")? == 1 {
        tx.execute(
            "delete from association_failure where at_ms < $1 or id in
                 (select id from association_failure order by at_ms desc, id desc limit 1000 offset $2)",
            params![now_ms - KEPT_MS, MOST],
        )
        .await?;
    }
    tx.commit().await
}

/// The last failures, the newest first.
pub async fn list(database: &Database) -> Result<Vec<LastFailure>> {
    database
        .fetch(
            "select outgoing, ae_title, peer, called_ae, reason, detail, at_ms, times from association_failure
             order by at_ms desc, id desc",
            params![],
        )
        .await?
        .iter()
        .map(read)
        .collect()
}

/// Forgets what is noted of a title, whoever called itself that.
pub async fn forget(database: &Database, ae_title: &str) -> Result<()> {
    database.execute("delete from association_failure where ae_title = $1", params![ae_title]).await.map(drop)
}

/// Forgets what is noted of one peer, by the title that it gave itself (empty when it gave none), in one direction.
pub async fn forget_peer(database: &Database, ae_title: &str, peer: &str, outgoing: bool) -> Result<()> {
    let sql = "delete from association_failure where ae_title = $1 and peer = $2 and outgoing = $3";
    database.execute(sql, params![ae_title, peer, outgoing]).await.map(drop)
}

fn read(row: &Row) -> Result<LastFailure> {
    Ok(LastFailure {
        failure: AssociationFailure {
            outgoing: row.flag("outgoing")?,
            ae_title: row.get("ae_title")?,
            peer: row.get("peer")?,
            called_ae: row.get("called_ae")?,
            why: whole(row.get("reason")?, row.get("detail")?),
        },
        at_ms: row.get("at_ms")?,
        times: row.get("times")?,
    })
}
