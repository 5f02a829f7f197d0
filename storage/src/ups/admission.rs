//! Which subscribers to all steps, or to such ones, are told of a step, and of which steps that are there already.

use jiff::tz::TimeZone;
use pacs_core::dataset::DataSet;
use pacs_core::query::Query;
use pacs_core::tags;
use pacs_core::uid::AeTitle;
use pacs_core::ups::report;

use super::subscriptions::{FILTERED, follow};
use super::{Asker, Filter, Locked, Result, reports, search};
use crate::Error;
use crate::database::{Database, Durability, Transaction, params};
use crate::dialect::{self, Hold};
use crate::index::instances::{push_scope, uid as uid_of};

/// What has happened to a step that may be admitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Occasion {
    /// It was made.
    Created,
    /// It has changed: a filter may fit it now. Who wants all steps has had it from the beginning.
    Changed,
}

/// Steps read at a time when a subscription takes in those that are there.
const PAGE: i64 = 200;

/// Subscribes whoever wants all steps, or such ones, to a step; answers the AE titles of those that did not follow it.
/// One that has taken its subscription to the step back is left alone (PS3.4 CC.2.3: what is said of one instance comes
/// first).
pub(super) async fn admit(
    tx: &mut Transaction,
    step: &Locked,
    occasion: Occasion,
) -> crate::Result<Vec<String>> {
    let wanting = tx
        .fetch(
            "select few.ae_title, few.kind, few.keys, few.fuzzy, few.deletion_lock, o.facilities
             from worklist_subscription few join workitem_subscriber o on o.ae_title = few.ae_title
             where ($2 = 1 or few.kind = $3) and not exists (select 1 from workitem_subscription s
                 where s.workitem_id = $1 and s.ae_title = few.ae_title)
             order by few.ae_title, few.kind",
            params![step.id, occasion == Occasion::Created, FILTERED],
        )
        .await?;
    let mut admitted: Vec<String> = Vec::new();
    for row in &wanting {
        let subscriber: String = row.get("ae_title")?;
        let facilities: Option<String> = row.get("facilities")?;
        let facilities: Option<Vec<String>> = facilities
            .map(|codes| serde_json::from_str(&codes))
            .transpose()
            .map_err(|error| Error::Corrupt(format!("the facilities of a subscriber: {error}")))?;
        if admitted.contains(&subscriber) || facilities.is_some_and(|codes| !codes.contains(&step.facility)) {
            continue;
        }
        let filter = Filter::parse(&row.get::<String>("keys")?, row.flag("fuzzy")?)?;
        if row.get::<String>("kind")? == FILTERED && !fits(tx, step, &filter).await? {
            continue;
        }
        follow(tx, step.id, &subscriber, row.flag("deletion_lock")?).await?;
        admitted.push(subscriber);
    }
    Ok(admitted)
}

async fn fits(tx: &mut Transaction, step: &Locked, filter: &Filter) -> crate::Result<bool> {
    let query = filter.query().map_err(|error| Error::Corrupt(format!("a filter: {error}")))?;
    let mut conditions = search::conditions(tx.engine(), &query, &step.zone);
    let id = conditions.bind(step.id);
    conditions.push(format!("w.id = {id}"));
    let sql = format!("select 1 from workitem w{}", conditions.clause());
    Ok(tx.fetch_optional(sqlx::AssertSqlSafe(sql), conditions.params).await?.is_some())
}

/// Has the next steps followed that are there, fit, and are not followed yet; answers where to go on.
pub(super) async fn take_in(
    database: &Database,
    asker: &Asker<'_>,
    (query, zone): (&Query, &TimeZone),
    subscriber: &AeTitle,
    deletion_lock: bool,
    after: i64,
) -> Result<Option<i64>> {
    let mut tx = database.begin(Durability::Synced).await?;
    dialect::hold_subscriptions(&mut tx, Hold::Alone).await?;
    let mut conditions = search::conditions(tx.engine(), query, zone);
    let (after, title) = (conditions.bind(after), conditions.bind(subscriber.as_str()));
    conditions.push(format!(
        "w.id > {after} and not exists (select 1 from workitem_subscription n
             where n.workitem_id = w.id and n.ae_title = {title} and n.withdrawn = 0)"
    ));
    let mut sql = format!(
        "select w.id, w.uid, w.facility, w.state, w.readiness from workitem w{}",
        conditions.clause()
    );
    let mut params = conditions.params;
    push_scope(&mut sql, &mut params, &asker.scope(), "w.facility");
    params.push(PAGE.into());
    sql.push_str(&format!(" order by w.id limit ${}", params.len()));
    let page = tx.fetch(sqlx::AssertSqlSafe(sql), params).await?;
    let mut told = Vec::new();
    for row in &page {
        follow(&mut tx, row.get("id")?, subscriber.as_str(), deletion_lock).await?;
        // Without a lock only what happens from here on is told (PS3.4 table CC.2.3-2).
        if deletion_lock {
            let mut step = DataSet::new();
            step.put_text(tags::PROCEDURE_STEP_STATE, &row.get::<String>("state")?);
            step.put_text(
                tags::INPUT_READINESS_STATE,
                &row.get::<Option<String>>("readiness")?.unwrap_or_default(),
            );
            let now = report::state(&step, &uid_of(row, "uid")?);
            told.push((row.get::<String>("facility")?, reports::letter(vec![subscriber.to_string()], &now)?));
        }
    }
    // Last, because it holds back everybody else who tells of anything.
    for (facility, letter) in told {
        reports::post(&mut tx, Some(&facility), &[letter], asker.now_ms).await?;
    }
    tx.commit().await?;
    let is_last = i64::try_from(page.len()).is_ok_and(|count| count < PAGE);
    match page.last() {
        Some(row) if !is_last => Ok(Some(row.get("id")?)),
        _ => Ok(None),
    }
}
