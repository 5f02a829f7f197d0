//! Who is told of which steps (PS3.4 CC.2.3).

use jiff::tz::TimeZone;
use pacs_core::access::Scope;
use pacs_core::dataset::{DataSet, tag_of, vr_of};
use pacs_core::query::{Level, Query};
use pacs_core::uid::{AeTitle, Uid};
use pacs_core::ups::report;
use pacs_core::ups::state::Failure;
use pacs_core::{Tag, tags};

use super::{Asker, Locked, Result, lock, reports, search};
use crate::Error;
use crate::database::{Database, Durability, Transaction, params};
use crate::index::facilities;
use crate::index::instances::{push_scope, uid as uid_of};

/// What is subscribed to.
#[derive(Debug, Clone, PartialEq)]
pub enum Subject {
    /// One step.
    Step(Uid),
    /// All steps that the subscriber sees, those to come too.
    All,
    /// Those of them that a filter fits.
    Filtered,
}

/// The keys of a filtered subscription, as a search would have them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Filter {
    /// Attributes, by their path, with values.
    pub keys: Vec<(Vec<Tag>, String)>,
    /// Whether the words of a name may be beginnings of words.
    pub fuzzy: bool,
}

impl Filter {
    /// The search for the steps that fit; fails with what is no value of its attribute.
    pub fn query(&self) -> std::result::Result<Query, pacs_core::query::QueryError> {
        let mut query = Query { fuzzy: self.fuzzy, ..Query::new(Level::Study) };
        for (path, value) in &self.keys {
            if let Some(tag) = path.last() {
                query.add(path, vr_of(*tag), value)?;
            }
        }
        Ok(query)
    }

    fn to_text(&self) -> String {
        let digits = |tag: &Tag| format!("{:04X}{:04X}", tag.0, tag.1);
        let path = |path: &[Tag]| path.iter().map(digits).collect::<Vec<_>>().join(".");
        let keys: Vec<_> = self.keys.iter().map(|(of, value)| (path(of), value)).collect();
        serde_json::to_string(&keys).unwrap_or_default()
    }

    fn parse(text: &str, fuzzy: bool) -> crate::Result<Self> {
        let keys: Vec<(String, String)> =
            serde_json::from_str(text).map_err(|error| Error::Corrupt(format!("a filter: {error}")))?;
        let path = |text: String| text.split('.').map(tag_of).collect::<Option<Vec<Tag>>>();
        let keys = keys.into_iter().map(|(of, value)| Some((path(of)?, value))).collect::<Option<_>>();
        let keys = keys.ok_or_else(|| Error::Corrupt("a filter by an attribute that is none".into()))?;
        Ok(Self { keys, fuzzy })
    }
}

/// The rows of subscriptions to steps to come.
const ALL: &str = "all";
const FILTERED: &str = "filtered";

/// Steps read at a time when a subscription takes in those that are there.
const PAGE: i64 = 200;

/// Subscribes. The subscriber is told the present state of a single step, and with a deletion lock that
/// of all which it did not follow before.
pub async fn subscribe(
    database: &Database,
    asker: &Asker<'_>,
    subject: &Subject,
    filter: &Filter,
    subscriber: &AeTitle,
    deletion_lock: bool,
) -> Result<()> {
    let mut tx = database.begin(Durability::Synced).await?;
    let filter = match subject {
        Subject::Step(uid) => {
            let step = lock(&mut tx, &asker.scope(), uid).await?;
            follow(&mut tx, step.id, subscriber.as_str(), deletion_lock).await?;
            begin(&mut tx, subscriber.as_str()).await?;
            let now = report::state(&step.set, uid);
            reports::tell_one(&mut tx, &step, subscriber.as_str(), now, asker.now_ms).await?;
            return Ok(tx.commit().await?);
        }
        Subject::All => &Filter::default(),
        Subject::Filtered => filter,
    };
    want(&mut tx, &asker.scope(), subject, filter, subscriber, deletion_lock).await?;
    begin(&mut tx, subscriber.as_str()).await?;
    tx.commit().await?;
    // In turns, so that nobody waits for all of them; whoever breaks off may ask again.
    let zone = facilities::zone(&facilities::time_zone(database, asker.home()).await?);
    let query = filter.query().map_err(|error| Error::Conflict(error.to_string()))?;
    let mut last = Some(0);
    while let Some(after) = last {
        last = take_in(database, asker, (&query, &zone), subscriber, deletion_lock, after).await?;
    }
    Ok(())
}

/// Notes that a subscriber follows a step.
async fn follow(tx: &mut Transaction, step: i64, subscriber: &str, deletion_lock: bool) -> crate::Result<()> {
    tx.execute(
        "insert into workitem_subscription (workitem_id, ae_title, deletion_lock) values ($1, $2, $3)
         on conflict (workitem_id, ae_title) do update set deletion_lock = excluded.deletion_lock",
        params![step, subscriber, deletion_lock],
    )
    .await
    .map(drop)
}

/// Notes that a subscriber wants steps to come.
async fn want(
    tx: &mut Transaction,
    scope: &Scope,
    subject: &Subject,
    filter: &Filter,
    subscriber: &AeTitle,
    deletion_lock: bool,
) -> crate::Result<()> {
    let facilities = match scope {
        Scope::All => None,
        Scope::Facilities(codes) => Some(serde_json::json!(codes).to_string()),
    };
    let kind = if *subject == Subject::All { ALL } else { FILTERED };
    tx.execute(
        "insert into worklist_subscription (ae_title, kind, keys, fuzzy, deletion_lock, facilities)
         values ($1, $2, $3, $4, $5, $6)
         on conflict (ae_title, kind) do update set keys = excluded.keys, fuzzy = excluded.fuzzy,
             deletion_lock = excluded.deletion_lock, facilities = excluded.facilities",
        params![subscriber.as_str(), kind, filter.to_text(), filter.fuzzy, deletion_lock, facilities],
    )
    .await
    .map(drop)
}

/// Has the next steps followed that are there, fit, and are not followed yet; answers where to go on.
async fn take_in(
    database: &Database,
    asker: &Asker<'_>,
    (query, zone): (&Query, &TimeZone),
    subscriber: &AeTitle,
    deletion_lock: bool,
    after: i64,
) -> Result<Option<i64>> {
    let mut tx = database.begin(Durability::Synced).await?;
    let mut conditions = search::conditions(tx.engine(), query, zone);
    let (after, title) = (conditions.bind(after), conditions.bind(subscriber.as_str()));
    conditions.push(format!(
        "w.id > {after} and not exists (select 1 from workitem_subscription n
             where n.workitem_id = w.id and n.ae_title = {title})"
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

/// Notes from where on a new subscriber is told.
pub(super) async fn begin(tx: &mut Transaction, subscriber: &str) -> crate::Result<()> {
    let here = reports::here(tx).await?;
    tx.execute(
        "insert into workitem_subscriber (ae_title, cursor) values ($1, $2) on conflict (ae_title) do nothing",
        params![subscriber, here],
    )
    .await
    .map(drop)
}

/// Subscribes whoever wants all steps, or such ones, to a step that was made or has changed; answers
/// the AE titles of those that did not follow it.
pub(super) async fn admit(tx: &mut Transaction, step: &Locked) -> crate::Result<Vec<String>> {
    let wanting = tx
        .fetch(
            "select ae_title, kind, keys, fuzzy, deletion_lock, facilities from worklist_subscription few
             where not exists (select 1 from workitem_subscription s
                 where s.workitem_id = $1 and s.ae_title = few.ae_title)
             order by ae_title, kind",
            params![step.id],
        )
        .await?;
    let mut admitted: Vec<String> = Vec::new();
    for row in &wanting {
        let subscriber: String = row.get("ae_title")?;
        let facilities: Option<String> = row.get("facilities")?;
        let facilities: Option<Vec<String>> = facilities
            .map(|codes| serde_json::from_str(&codes))
            .transpose()
            .map_err(|error| Error::Corrupt(format!("the facilities of a subscription: {error}")))?;
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

/// Takes a subscription back; that to many steps takes the ones to single steps along.
/// [`Failure::Unknown`] when there is none.
pub async fn unsubscribe(
    database: &Database,
    asker: &Asker<'_>,
    subject: &Subject,
    subscriber: &AeTitle,
) -> Result<()> {
    let mut tx = database.begin(Durability::Synced).await?;
    let title = subscriber.as_str();
    let gone = match subject {
        Subject::Step(uid) => {
            let step = lock(&mut tx, &asker.scope(), uid).await?;
            let sql = "delete from workitem_subscription where workitem_id = $1 and ae_title = $2";
            tx.execute(sql, params![step.id, title]).await?
        }
        Subject::All | Subject::Filtered => {
            let gone = remove_global(&mut tx, subject, title).await?;
            let sql = "delete from workitem_subscription where ae_title = $1";
            gone + tx.execute(sql, params![title]).await?
        }
    };
    if gone == 0 {
        return Err(Failure::Unknown.into());
    }
    Ok(tx.commit().await?)
}

/// Ends a subscription to steps to come; those that are followed go on being followed.
/// [`Failure::Unknown`] when there is none, or for a single step.
pub async fn suspend(database: &Database, subject: &Subject, subscriber: &AeTitle) -> Result<()> {
    let mut tx = database.begin(Durability::Synced).await?;
    if remove_global(&mut tx, subject, subscriber.as_str()).await? == 0 {
        return Err(Failure::Unknown.into());
    }
    Ok(tx.commit().await?)
}

async fn remove_global(tx: &mut Transaction, subject: &Subject, subscriber: &str) -> crate::Result<u64> {
    let kind = match subject {
        Subject::Step(_) => return Ok(0),
        Subject::All => ALL,
        Subject::Filtered => FILTERED,
    };
    let sql = "delete from worklist_subscription where ae_title = $1 and kind = $2";
    tx.execute(sql, params![subscriber, kind]).await
}
