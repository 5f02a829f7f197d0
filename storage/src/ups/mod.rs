//! Unified procedure steps in rows (PS3.4 CC): the states and rules are `pacs_core::ups`'s; here they
//! become rows, with what followers are told in the same transaction.

mod admission;
mod bookmark;
mod cancel;
mod create;
mod delivery;
mod filter;
mod follow;
mod keep;
mod lifted;
mod reports;
mod search;
mod state;
mod subscribers;
mod subscriptions;
mod update;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use pacs_core::access::{self, Actor, Scope};
use pacs_core::dataset::{DataSet, keyword_of};
use pacs_core::json::{self, JsonLimits};
use pacs_core::uid::Uid;
use pacs_core::ups::Refusal;
use pacs_core::ups::state::{Failure, State};
use pacs_core::{Tag, tags};

use crate::database::{Database, Param, Row, Transaction, params};
use crate::index::facilities;
use crate::index::instances::push_scope;
use crate::{Error, dialect};

pub use bookmark::Bookmark;
pub use cancel::{Cancelled, request_cancel};
pub use create::{NewStep, create};
pub use delivery::{Delivery, EVENT_REPORT};
pub use filter::Filter;
pub use follow::{Follower, Read, restarted};
pub use keep::prune;
pub use search::{Found, Place, is_matched, matched, search, supports};
pub use state::change_state;
pub use subscriptions::{Subject, subscribe, suspend, unsubscribe};
pub use update::update;

/// Why a step is not what somebody wants it to be.
#[derive(Debug, thiserror::Error)]
pub enum WorkError {
    /// Its state does not allow it.
    #[error(transparent)]
    Failed(#[from] Failure),
    /// What was sent is not what a step has to have.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// An attribute is missing that a step must have before it ends so (0xC304).
    #[error("{} has to have a value before the step ends", keyword_of(*.0).unwrap_or("an attribute"))]
    Lacks(Tag),
    /// There was such a step, and it was forgotten after its end.
    #[error("the step was there, and was forgotten after its end")]
    Gone,
    /// The AE title is another account's.
    #[error("the AE title is another account's")]
    NotTheirs,
    /// The rows are not to be had.
    #[error(transparent)]
    Storage(#[from] Error),
}

/// Results of this module.
pub type Result<T, E = WorkError> = std::result::Result<T, E>;

/// Who asks, and when.
#[derive(Debug, Clone, Copy)]
pub struct Asker<'a> {
    /// Who.
    pub actor: &'a Actor,
    /// The facility of those who do not say where they work.
    pub default_facility: &'a str,
    /// When.
    pub now_ms: i64,
}

impl Asker<'_> {
    fn scope(&self) -> Scope {
        access::scope(self.actor)
    }

    /// The facility that the asker works at.
    fn home(&self) -> &str {
        self.actor.home(self.default_facility)
    }
}

/// A step within a transaction that has locked it.
struct Locked {
    id: i64,
    facility: String,
    state: State,
    transaction_uid: Option<String>,
    set: DataSet,
    /// Zone of the facility's wall.
    zone: TimeZone,
}

/// Finds and locks a step; [`Failure::Unknown`] or [`WorkError::Gone`] when it is not there or out of scope.
async fn lock(tx: &mut Transaction, scope: &Scope, uid: &Uid) -> Result<Locked> {
    let mut params = params![uid];
    let mut sql = "select w.id, w.facility, w.state, w.transaction_uid, w.attributes,
         (select f.time_zone from facility f where f.code = w.facility) as time_zone from workitem w where w.uid = $1"
        .to_owned();
    push_scope(&mut sql, &mut params, scope, "w.facility");
    sql.push_str(dialect::for_update(tx.engine()));
    let Some(row) = tx.fetch_optional(sqlx::AssertSqlSafe(sql), params).await? else {
        let (sql, params) = gone(scope, uid);
        let known = tx.fetch_optional(sqlx::AssertSqlSafe(sql), params).await?;
        return Err(not_there(known.is_some()));
    };
    let zone: Option<String> = row.get("time_zone")?;
    Ok(Locked {
        id: row.get("id")?,
        facility: row.get("facility")?,
        state: state_of(&row)?,
        transaction_uid: row.get("transaction_uid")?,
        set: attributes(&row)?,
        zone: facilities::zone(zone.as_deref().unwrap_or(facilities::DEFAULT_ZONE)),
    })
}

impl Locked {
    /// Writes what the step is now. One that ends notes when.
    async fn write(&mut self, tx: &mut Transaction, state: State, now_ms: i64) -> crate::Result<()> {
        self.state = state;
        self.set.put_text(tags::PROCEDURE_STEP_STATE, state.as_str());
        let set: Vec<String> =
            lifted::COLUMNS.iter().zip(5..).map(|(column, at)| format!("{column} = ${at}")).collect();
        let sql = format!(
            "update workitem set state = $2, transaction_uid = $3, ended_ms = coalesce(ended_ms, $4), {}
             where id = $1",
            set.join(", ")
        );
        let ended_ms = state.is_final().then_some(now_ms);
        let mut values = params![self.id, state.as_str(), self.transaction_uid.as_deref(), ended_ms];
        values.extend(lifted::values(&self.set, &self.zone)?);
        tx.execute(sqlx::AssertSqlSafe(sql), values).await.map(drop)
    }
}

/// A step as it may be shown: its transaction UID is known to its performer alone. [`Failure::Unknown`] or
/// [`WorkError::Gone`] when it is not there or out of scope.
pub async fn retrieve(database: &Database, scope: &Scope, uid: &Uid) -> Result<DataSet> {
    let mut params = params![uid];
    let mut sql = "select w.attributes from workitem w where w.uid = $1".to_owned();
    push_scope(&mut sql, &mut params, scope, "w.facility");
    if let Some(row) = database.fetch_optional(sqlx::AssertSqlSafe(sql), params).await? {
        return Ok(attributes(&row)?);
    }
    let (sql, params) = gone(scope, uid);
    let known = database.fetch_optional(sqlx::AssertSqlSafe(sql), params).await?;
    Err(not_there(known.is_some()))
}

/// The look for a step that was forgotten.
fn gone(scope: &Scope, uid: &Uid) -> (String, Vec<Param>) {
    let mut params = params![uid];
    let mut sql = "select 1 from workitem_gone g where g.uid = $1".to_owned();
    push_scope(&mut sql, &mut params, scope, "g.facility");
    (sql, params)
}

fn not_there(was_there: bool) -> WorkError {
    if was_there { WorkError::Gone } else { Failure::Unknown.into() }
}

/// Reads the attributes of a row.
fn attributes(row: &Row) -> crate::Result<DataSet> {
    let text: String = row.get("attributes")?;
    let sets = json::parse(text.as_bytes(), &JsonLimits::default())
        .map_err(|error| Error::Corrupt(format!("a step's attributes: {error}")))?;
    sets.into_iter().next().ok_or_else(|| Error::Corrupt("a step without attributes".into()))
}

fn state_of(row: &Row) -> crate::Result<State> {
    let word: String = row.get("state")?;
    State::parse(&word).ok_or_else(|| Error::Corrupt(format!("a step in the unknown state {word}")))
}

/// A system time as a DT of that wall, with its offset.
fn date_time(at_ms: i64, zone: &TimeZone) -> String {
    let at = Timestamp::from_millisecond(at_ms).map(|at| at.to_zoned(zone.clone()));
    at.map(|at| at.strftime("%Y%m%d%H%M%S%z").to_string()).unwrap_or_default()
}
