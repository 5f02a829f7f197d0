//! Jobs that take turns in the lanes of their devices.

use serde_json::json;
use storage::database::{Database, Durability};
use storage::jobs::lanes::{self, Priority};
use storage::jobs::{self, Job, JobId, JobState, NewJob};

use crate::backends::{Fresh, on_every_engine};
use crate::samples::*;

on_every_engine!(
    lanes_do_not_wait_for_each_other,
    priority_is_worth_an_age_and_no_more,
    a_lane_is_held_and_freed_as_a_whole,
    who_waits_longer_anyway_is_left_alone,
    what_ends_its_workers_is_given_up,
    what_has_to_arrive_in_order_waits_for_the_first,
);

const MINUTE_MS: i64 = 60_000;

async fn add(db: &Database, lane: &str, priority: Priority, now_ms: i64) -> JobId {
    let job = NewJob {
        kind: "send",
        payload: json!({}),
        dedupe: None,
        due_ms: now_ms,
        max_attempts: 2,
        created_by: None,
    };
    let mut tx = db.begin(Durability::Synced).await.unwrap();
    let id = lanes::enqueue_in_lane(&mut tx, &job, lane, priority, now_ms).await.unwrap().unwrap();
    tx.commit().await.unwrap();
    id
}

async fn claim(db: &Database, lane: &str, now_ms: i64) -> Option<Job> {
    lanes::claim(db, ("send", lane), "w", 1000, now_ms).await.unwrap()
}

async fn claimed(db: &Database, lane: &str, now_ms: i64) -> Option<JobId> {
    claim(db, lane, now_ms).await.map(|job| job.id)
}

async fn lanes_do_not_wait_for_each_other(fresh: Fresh) {
    let db = &fresh.db;
    let hints = db.job_hints();
    let one = add(db, "B", Priority::Normal, NOW_MS).await;
    assert!(hints.has_changed().unwrap(), "workers are woken");
    let two = add(db, "A", Priority::Normal, NOW_MS).await;
    add(db, "B", Priority::Normal, NOW_MS).await;
    assert_eq!(lanes::waiting(db, "send").await.unwrap(), ["A", "B"]);
    assert!(lanes::waiting(db, "pull").await.unwrap().is_empty());
    assert_eq!(claimed(db, "B", NOW_MS).await, Some(one));
    assert_eq!(claimed(db, "A", NOW_MS).await, Some(two));
    assert_eq!(lanes::waiting(db, "send").await.unwrap(), ["B"]);
    assert!(jobs::is_held(db, two, "w").await.unwrap());
    assert!(!jobs::is_held(db, two, "other").await.unwrap());
    lanes::done(db, two, "w", NOW_MS).await.unwrap();
    assert!(!jobs::is_held(db, two, "w").await.unwrap());
    assert!(lanes::done(db, two, "w", NOW_MS).await.is_err(), "it is done already");
    // A worker that is not heard of loses what it had.
    lanes::free_expired(db, "send", NOW_MS + 999).await.unwrap();
    assert!(jobs::is_held(db, one, "w").await.unwrap());
    lanes::free_expired(db, "send", NOW_MS + 1000).await.unwrap();
    assert_eq!(claimed(db, "B", NOW_MS + 1000).await, Some(one));
}

async fn priority_is_worth_an_age_and_no_more(fresh: Fresh) {
    let db = &fresh.db;
    let low = add(db, "A", Priority::Low, NOW_MS).await;
    let normal = add(db, "A", Priority::Normal, NOW_MS + 10 * MINUTE_MS).await;
    let high = add(db, "A", Priority::High, NOW_MS + 20 * MINUTE_MS).await;
    let late = add(db, "A", Priority::High, NOW_MS + 40 * MINUTE_MS).await;
    let now_ms = NOW_MS + 60 * MINUTE_MS;
    let mut order = Vec::new();
    while let Some(id) = claimed(db, "A", now_ms).await {
        order.push(id);
    }
    // Low has waited 40 minutes longer than the last urgent one, which is more than two steps are worth.
    assert_eq!(order, [high, normal, low, late]);
}

async fn a_lane_is_held_and_freed_as_a_whole(fresh: Fresh) {
    let db = &fresh.db;
    let first = add(db, "A", Priority::Normal, NOW_MS).await;
    let second = add(db, "A", Priority::Normal, NOW_MS).await;
    let elsewhere = add(db, "B", Priority::Normal, NOW_MS).await;
    let job = claim(db, "A", NOW_MS).await.unwrap();
    assert_eq!(job.id, first);
    jobs::fail(db, &job, "w", "unreachable: no", NOW_MS).await.unwrap();
    lanes::hold(db, ("send", "A"), NOW_MS + jobs::wait_ms(&job)).await.unwrap();
    assert_eq!(claimed(db, "A", NOW_MS).await, None, "the device is away for all of them");
    assert_eq!(claimed(db, "B", NOW_MS).await, Some(elsewhere));
    assert_eq!(claimed(db, "A", NOW_MS + 2000).await, Some(first), "the first one tries again");
    lanes::done(db, first, "w", NOW_MS + 2000).await.unwrap();
    lanes::hold(db, ("send", "A"), NOW_MS + 600_000).await.unwrap();
    lanes::free(db, ("send", "A"), NOW_MS + 3000).await.unwrap();
    let second_job = claim(db, "A", NOW_MS + 3000).await.unwrap();
    assert_eq!((second_job.id, second_job.attempts), (second, 1));
    // What waits for reasons of its own is not freed with the others.
    jobs::fail(db, &second_job, "w", "refused: no", NOW_MS + 3000).await.unwrap();
    lanes::free(db, ("send", "A"), NOW_MS + 3000).await.unwrap();
    assert_eq!(claimed(db, "A", NOW_MS + 3000).await, None);
    let again = claim(db, "A", NOW_MS + 6000).await.unwrap();
    lanes::give_up(db, &again, "w", "refused: no", NOW_MS + 6000).await.unwrap();
    let given_up = jobs::by_id(db, second).await.unwrap().unwrap();
    assert_eq!((given_up.state, given_up.error.as_deref()), (JobState::Failed, Some("refused: no")));
}

/// A device that is away for days has thousands of jobs, none of which is written again for each new one.
async fn who_waits_longer_anyway_is_left_alone(fresh: Fresh) {
    let (db, lane) = (&fresh.db, ("send", "A"));
    for _ in 0..5 {
        add(db, "A", Priority::Normal, NOW_MS).await;
    }
    assert!(!lanes::is_held(db, lane).await.unwrap());
    assert_eq!(lanes::hold(db, lane, NOW_MS + 600_000).await.unwrap(), 5);
    assert!(lanes::is_held(db, lane).await.unwrap());
    let new = add(db, "A", Priority::Normal, NOW_MS + 1000).await;
    let job = claim(db, "A", NOW_MS + 1000).await.unwrap();
    assert_eq!(job.id, new);
    jobs::fail(db, &job, "w", "unreachable: no", NOW_MS + 1000).await.unwrap();
    assert_eq!(lanes::hold(db, lane, NOW_MS + 3000).await.unwrap(), 1, "the new one alone");
    assert_eq!(claimed(db, "A", NOW_MS + 3000).await, Some(new));
    assert!(lanes::is_held(db, lane).await.unwrap(), "the others wait for what comes of it");
    lanes::done(db, new, "w", NOW_MS + 3000).await.unwrap();
    lanes::free(db, lane, NOW_MS + 3000).await.unwrap();
    assert!(!lanes::is_held(db, lane).await.unwrap());
    assert!(claim(db, "A", NOW_MS + 3000).await.is_some(), "it is back");
}

/// A job may be tried twice. What ends the process each time may not end it for ever.
async fn what_ends_its_workers_is_given_up(fresh: Fresh) {
    let db = &fresh.db;
    for by_start in [false, true] {
        let id = add(db, "A", Priority::Normal, NOW_MS).await;
        let after = |tries: i64| NOW_MS + tries * 1000;
        for tries in 0..2 {
            assert_eq!(claimed(db, "A", after(tries)).await, Some(id), "{tries}");
            if by_start {
                assert_eq!(jobs::resume(db, "send", after(tries + 1)).await.unwrap(), 1);
            } else {
                lanes::free_expired(db, "send", after(tries + 1)).await.unwrap();
            }
        }
        let job = jobs::by_id(db, id).await.unwrap().unwrap();
        assert_eq!((job.state, job.attempts), (JobState::Failed, 2));
        assert_eq!(job.error.as_deref(), Some("internal: the worker ended in the middle"));
        assert_eq!(claimed(db, "A", after(9)).await, None);
    }
}

async fn what_has_to_arrive_in_order_waits_for_the_first(fresh: Fresh) {
    let db = &fresh.db;
    let first = add(db, "A", Priority::Normal, NOW_MS).await;
    let second = add(db, "A", Priority::High, NOW_MS).await;
    let next = async |now_ms| lanes::claim_in_order(db, ("send", "A"), "w", 1000, now_ms).await.unwrap();
    let job = next(NOW_MS).await.unwrap();
    assert_eq!(job.id, first, "however urgent the second is");
    jobs::fail(db, &job, "w", "unreachable: no", NOW_MS).await.unwrap();
    assert!(next(NOW_MS).await.is_none(), "the second does not overtake");
    assert_eq!(next(NOW_MS + 2000).await.unwrap().id, first);
    lanes::done(db, first, "w", NOW_MS + 2000).await.unwrap();
    assert_eq!(next(NOW_MS + 2000).await.unwrap().id, second);
}
