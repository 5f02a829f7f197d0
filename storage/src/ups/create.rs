//! Creating a step.

use pacs_core::dataset::DataSet;
use pacs_core::uid::Uid;
use pacs_core::ups::state::{Failure, State};
use pacs_core::ups::{create as rules, report};

use super::admission::{Occasion, admit};
use super::{Asker, Locked, Result, date_time, lifted, reports};
use crate::database::{Database, Durability, params, placeholders};
use crate::dialect::{self, Hold};
use crate::index::facilities;

/// A step that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewStep {
    /// Its UID.
    pub uid: Uid,
    /// Whether something was added to what was sent (0xB300).
    pub is_modified: bool,
}

/// Makes a step of what was sent, under that UID or one of its own, for the asker's facility, and tells
/// whoever follows all steps, or such ones.
pub async fn create(
    database: &Database,
    asker: &Asker<'_>,
    set: DataSet,
    uid: Option<&Uid>,
) -> Result<NewStep> {
    let uid = uid.cloned().unwrap_or_else(|| Uid::generate(rand::random()));
    let mut tx = database.begin(Durability::Synced).await?;
    dialect::hold_subscriptions(&mut tx, Hold::Shared).await?;
    let facility = facilities::ensure(&mut tx, asker.home()).await?;
    let zone = facility.zone();
    let made = rules::create(set, &uid, &date_time(asker.now_ms, &zone))?;
    let columns = lifted::COLUMNS;
    let sql = format!(
        "insert into workitem (uid, facility, state, created_by, created_ms, {}) values ({})
         on conflict (uid) do nothing returning id",
        columns.join(", "),
        placeholders(1, 5 + columns.len())
    );
    let state = State::Scheduled;
    let mut values = params![&uid, &facility.code, state.as_str(), &asker.actor.id, asker.now_ms];
    values.extend(lifted::values(&made.set, &zone)?);
    let Some(row) = tx.fetch_optional(sqlx::AssertSqlSafe(sql), values).await? else {
        return Err(Failure::Exists.into());
    };
    let step = Locked {
        id: row.get("id")?,
        facility: facility.code,
        state,
        transaction_uid: None,
        set: made.set,
        zone,
    };
    admit(&mut tx, &step, Occasion::Created).await?;
    let told = [Some(report::state(&step.set, &uid)), report::assigned(&step.set, &uid)];
    reports::tell(&mut tx, &step, told.into_iter().flatten(), asker.now_ms).await?;
    tx.commit().await?;
    Ok(NewStep { uid, is_modified: made.is_modified })
}
