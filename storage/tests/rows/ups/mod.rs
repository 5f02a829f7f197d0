//! Unified procedure steps: created, found, claimed, ended, and followed.

mod devices;
mod following;
mod owners;
mod searching;
mod steps;

use std::time::Duration;

use futures::TryStreamExt;
use pacs_core::access::{Actor, Facilities, Role, Scope};
use pacs_core::dataset::{DataSet, vr_of};
use pacs_core::query::{Level, Query, Returns};
use pacs_core::uid::{AeTitle, Uid};
use pacs_core::ups::state::Failure;
use pacs_core::{Tag, tags};
use storage::database::Database;
use storage::events;
use storage::ups::{self, Asker, Bookmark, Follower, Read, WorkError};

use crate::backends::Fresh;
use crate::samples::*;

fn title(text: &str) -> AeTitle {
    AeTitle::parse(text).unwrap()
}

fn at(actor: &Actor) -> Asker<'_> {
    Asker { actor, default_facility: "BVTW", now_ms: NOW_MS }
}

fn of(facility: &str) -> Actor {
    let facilities = Facilities::Only(vec![facility.to_owned()]);
    Actor { id: format!("token:{facility}"), role: Role::Device, facilities, ..Actor::system() }
}

fn code(value: &str, scheme: &str) -> DataSet {
    let mut code = DataSet::new();
    code.put_text(tags::CODE_VALUE, value);
    code.put_text(tags::CODING_SCHEME_DESIGNATOR, scheme);
    code.put_text(tags::CODE_MEANING, value);
    code
}

/// A step with a label; change what matters.
fn step(label: &str) -> DataSet {
    let mut set = DataSet::new();
    for (tag, value) in [
        (tags::PROCEDURE_STEP_STATE, "SCHEDULED"),
        (tags::SCHEDULED_PROCEDURE_STEP_PRIORITY, "MEDIUM"),
        (tags::PROCEDURE_STEP_LABEL, label),
        (tags::WORKLIST_LABEL, "CAD"),
        (tags::SCHEDULED_PROCEDURE_STEP_START_DATE_TIME, "20260921200000"),
        (tags::INPUT_READINESS_STATE, "READY"),
        (tags::PATIENT_NAME, "NGUYỄN^VĂN A"),
        (tags::PATIENT_ID, "BN001"),
    ] {
        set.put_text(tag, value);
    }
    set
}

async fn made(fresh: &Fresh, actor: &Actor, set: DataSet) -> Uid {
    ups::create(&fresh.db, &at(actor), set, None).await.unwrap().uid
}

async fn state(fresh: &Fresh, uid: &Uid) -> String {
    let step = ups::retrieve(&fresh.db, &Scope::All, uid).await.unwrap();
    assert!(!step.contains(tags::TRANSACTION_UID));
    step.text(tags::PROCEDURE_STEP_STATE).unwrap()
}

fn failed<T: std::fmt::Debug>(result: Result<T, WorkError>) -> Failure {
    match result {
        Err(WorkError::Failed(failure)) => failure,
        other => panic!("{other:?}"),
    }
}

/// An attribute, by its path, and its value.
type Key<'a> = (&'a [Tag], &'a str);

/// The labels of what a search finds.
async fn labels(fresh: &Fresh, actor: &Actor, keys: &[Key<'_>]) -> Vec<String> {
    let mut query = Query::new(Level::Study);
    for (path, value) in keys {
        assert!(ups::is_matched(path), "{path:?}");
        query.add(path, vr_of(*path.last().unwrap()), value).unwrap();
    }
    query.returns = Returns::All;
    found(fresh, actor, query).await
}

async fn found(fresh: &Fresh, actor: &Actor, query: Query) -> Vec<String> {
    let found = ups::search(&fresh.db, &at(actor), query, None).await.unwrap();
    let steps: Vec<DataSet> = found.steps.try_collect().await.unwrap();
    steps.iter().map(|step| step.text(tags::PROCEDURE_STEP_LABEL).unwrap()).collect()
}

async fn count(fresh: &Fresh, table: &str) -> i64 {
    let sql = format!("select count(*) from {table}");
    fresh.db.fetch(sqlx::AssertSqlSafe(sql), vec![]).await.unwrap()[0].at(0).unwrap()
}

/// A subscriber that follows, and how far it has read.
struct Following {
    db: Database,
    follower: Follower,
    bookmark: Bookmark,
    place: i64,
}

async fn follower(fresh: &Fresh, actor: &Actor, ae_title: &str) -> Following {
    let (follower, bookmark) = Follower::open(&fresh.db, &at(actor), title(ae_title)).await.unwrap();
    let sql = "select cursor from workitem_subscriber where ae_title = $1";
    let known = fresh.db.fetch_optional(sql, vec![ae_title.into()]).await.unwrap();
    let newest = events::newest(&fresh.db).await.unwrap();
    let place = known.map_or(newest, |row| row.at::<i64>(0).unwrap().min(newest));
    Following { db: fresh.db.clone(), follower, bookmark, place }
}

/// What a follower is told, as step and event type, until there is nothing more.
async fn told(Following { db, follower, bookmark, place }: &mut Following) -> Vec<(String, u64)> {
    let newest = events::newest(db).await.unwrap();
    let mut told = Vec::new();
    loop {
        // What has happened is all there; behind it only what is told twice could come, and would at once.
        let patience = if *place < newest { Duration::from_secs(20) } else { Duration::from_millis(50) };
        let Ok(read) = tokio::time::timeout(patience, follower.next()).await else {
            assert!(*place >= newest, "it reads no further than {place} of {newest}");
            return told;
        };
        let Read { at, report } = read.unwrap().unwrap();
        *place = at;
        let Some(report) = report else {
            bookmark.passed(at).await.unwrap();
            continue;
        };
        bookmark.sent(at);
        bookmark.received(at).await.unwrap();
        let report: serde_json::Value = serde_json::from_str(&report).unwrap();
        let first = |tag: &str| report[tag]["Value"][0].clone();
        told.push((first("00001000").as_str().unwrap().to_owned(), first("00001002").as_u64().unwrap()));
    }
}
