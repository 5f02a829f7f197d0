//! A console reports how it goes on, and how it ends.

use pacs_core::dataset::DataSet;
use pacs_core::mpps::{self, State};
use pacs_core::tags;
use pacs_core::uid::Uid;

use super::{PerformedId, ReportError, Reported, Reporter, Result, beside, exams, kept, lifted, parsed};
use crate::database::{Database, Durability, Param, Transaction, params};
use crate::deletion::rows::Collisions;
use crate::forwarding::{self, Operation};
use crate::index::instances::push_scope;
use crate::{Error, dialect};

/// Lays a report over a step and moves the exams that it is for. One that ends because the wrong
/// worklist entry was picked leaves them, and its images with it.
pub async fn set(database: &Database, reporter: Reporter<'_>, uid: &Uid, sent: &DataSet) -> Result<Reported> {
    let mut collisions = Collisions::default();
    loop {
        match try_set(database, reporter, uid, sent).await {
            Err(ReportError::Storage(Error::Conflict(why))) if collisions.again(&why) => {}
            done => return done,
        }
    }
}

async fn try_set(database: &Database, reporter: Reporter<'_>, uid: &Uid, sent: &DataSet) -> Result<Reported> {
    let before = kept(database, reporter.scope, uid).await?;
    let changed = {
        let (before, sent) = (before.clone(), sent.clone());
        beside(move || Changed::new(&parsed(&before)?, &sent)).await?
    };
    let Changed { set, state, lifted } = changed;
    let mut tx = database.begin(Durability::Synced).await?;
    let mut params = params![uid];
    let mut sql = "select p.id, p.attributes from performed_step p where p.uid = $1".to_owned();
    push_scope(&mut sql, &mut params, reporter.scope, "p.facility");
    sql.push_str(dialect::for_update(tx.engine()));
    let row = tx.fetch_optional(sqlx::AssertSqlSafe(sql), params).await?.ok_or(ReportError::Unknown)?;
    if row.get::<String>("attributes")? != before {
        return Err(Error::Conflict("the step has changed meanwhile".into()).into());
    }
    let id = PerformedId(row.get("id")?);
    write(&mut tx, id, &set, lifted, reporter.now_ms).await?;
    let broken_off = state == State::Discontinued;
    let reason = mpps::discontinuation_reason(&set).filter(|_| broken_off);
    let by = (reporter.actor.id.as_str(), reason.as_deref());
    let (mut moved, mut parted) = (Vec::new(), Vec::new());
    for exam in exams::of(&mut tx, id).await? {
        let has_moved = if broken_off && mpps::is_wrong_entry(&set) {
            exams::withdraw(&mut tx, id, exam, by, reporter.now_ms, &mut parted).await?
        } else {
            exams::follow(&mut tx, exam, by, reporter.now_ms).await?
        };
        moved.extend(has_moved.then_some(exam));
    }
    forwarding::forward_in(&mut tx, Operation::Set, uid, sent, reporter.calling_ae, reporter.now_ms).await?;
    exams::tell(&mut tx, &moved, &parted, reporter.now_ms).await?;
    tx.commit().await?;
    Ok(Reported { uid: uid.clone(), state, moved })
}

/// A step as a report leaves it.
struct Changed {
    set: DataSet,
    state: State,
    /// What its row holds.
    lifted: Vec<Param>,
}

impl Changed {
    fn new(before: &DataSet, sent: &DataSet) -> Result<Self> {
        let set = mpps::change(before, sent)?;
        let state = set.text(tags::PERFORMED_PROCEDURE_STEP_STATUS).and_then(|word| State::parse(&word));
        let state = state.unwrap_or(State::InProgress);
        let lifted = lifted::values(&set, state)?;
        Ok(Self { set, state, lifted })
    }
}

async fn write(
    tx: &mut Transaction,
    id: PerformedId,
    set: &DataSet,
    lifted: Vec<Param>,
    now_ms: i64,
) -> crate::Result<()> {
    let columns: Vec<String> =
        lifted::COLUMNS.iter().zip(3..).map(|(column, at)| format!("{column} = ${at}")).collect();
    let sql = format!("update performed_step set updated_ms = $2, {} where id = $1", columns.join(", "));
    let mut values = params![id, now_ms];
    values.extend(lifted);
    tx.execute(sqlx::AssertSqlSafe(sql), values).await?;
    lifted::write_series(tx, id, set).await
}
