//! Jobs, events and the audit log.

use pacs_core::audit::{AuditAct, AuditRecord, Outcome};
use pacs_core::clock::Clock;
use serde_json::json;
use storage::Error;
use storage::audit_log::{self, AuditLog};
use storage::database::Durability;
use storage::events::{self, EventKind, NewEvent};
use storage::jobs::{self, JobState, NewJob};

use crate::backends::{Fresh, on_every_engine};
use crate::samples::*;

on_every_engine!(
    a_job_is_done_once_and_retried_with_patience,
    workers_never_share_a_job,
    a_dead_workers_job_is_taken_over,
    followers_of_the_outbox_miss_nothing,
    the_audit_log_is_a_chain_and_views_are_recorded_once,
    values_survive_the_way_through_both_engines,
);

fn job(kind: &str) -> NewJob<'_> {
    NewJob {
        kind,
        payload: json!({ "to": "CT1" }),
        dedupe: None,
        due_ms: NOW_MS,
        max_attempts: 2,
        created_by: None,
    }
}

async fn a_job_is_done_once_and_retried_with_patience(fresh: Fresh) {
    let db = &fresh.db;
    let id = jobs::enqueue(db, &NewJob { dedupe: Some("echo:CT1"), ..job("echo") }, NOW_MS)
        .await
        .unwrap()
        .unwrap();
    let again = jobs::enqueue(db, &NewJob { dedupe: Some("echo:CT1"), ..job("echo") }, NOW_MS).await.unwrap();
    assert_eq!(again, None, "one with its key waits already");
    assert!(jobs::claim(db, "echo", "w1", 1000, NOW_MS - 1).await.unwrap().is_none(), "not due yet");
    assert!(jobs::claim(db, "send", "w1", 1000, NOW_MS).await.unwrap().is_none(), "another kind");
    let claimed = jobs::claim(db, "echo", "w1", 1000, NOW_MS).await.unwrap().unwrap();
    assert_eq!((claimed.id, claimed.attempts, &claimed.payload), (id, 1, &json!({ "to": "CT1" })));
    jobs::fail(db, &claimed, "w1", "no answer", NOW_MS).await.unwrap();
    assert!(
        jobs::claim(db, "echo", "w1", 1000, NOW_MS).await.unwrap().is_none(),
        "it waits before it is tried again"
    );
    let second = jobs::claim(db, "echo", "w1", 1000, NOW_MS + 2000).await.unwrap().unwrap();
    jobs::fail(db, &second, "w1", "no answer", NOW_MS + 2000).await.unwrap();
    let given_up = jobs::by_id(db, id).await.unwrap().unwrap();
    assert_eq!((given_up.state, given_up.error.as_deref()), (JobState::Failed, Some("no answer")));

    let fresh_id = jobs::enqueue(db, &NewJob { dedupe: Some("echo:CT1"), ..job("echo") }, NOW_MS)
        .await
        .unwrap()
        .unwrap();
    let claimed = jobs::claim(db, "echo", "w1", 1000, NOW_MS).await.unwrap().unwrap();
    jobs::finish(db, claimed.id, "w1", &json!({ "ms": 3 }), NOW_MS).await.unwrap();
    let done = jobs::by_id(db, fresh_id).await.unwrap().unwrap();
    assert_eq!((done.state, done.result), (JobState::Done, Some(json!({ "ms": 3 }))));
    let twice = jobs::finish(db, fresh_id, "w1", &json!({}), NOW_MS).await;
    assert!(matches!(twice, Err(Error::Conflict(_))), "{twice:?}");
    assert_eq!(jobs::newest(db, 10).await.unwrap().len(), 2);
}

async fn workers_never_share_a_job(fresh: Fresh) {
    for _ in 0..20 {
        jobs::enqueue(&fresh.db, &job("send"), NOW_MS).await.unwrap();
    }
    let workers: Vec<_> = (0..8)
        .map(|worker| {
            let db = fresh.db.clone();
            tokio::spawn(async move {
                let mut mine = Vec::new();
                while let Some(job) =
                    jobs::claim(&db, "send", &format!("w{worker}"), 60_000, NOW_MS).await.unwrap()
                {
                    mine.push(job.id.0);
                }
                mine
            })
        })
        .collect();
    let mut claimed = Vec::new();
    for worker in workers {
        claimed.extend(worker.await.unwrap());
    }
    claimed.sort();
    assert_eq!(claimed.len(), 20);
    claimed.dedup();
    assert_eq!(claimed.len(), 20, "two workers had the same job");
}

async fn a_dead_workers_job_is_taken_over(fresh: Fresh) {
    let db = &fresh.db;
    jobs::enqueue(db, &job("send"), NOW_MS).await.unwrap();
    let first = jobs::claim(db, "send", "dead", 1000, NOW_MS).await.unwrap().unwrap();
    jobs::renew(db, first.id, "dead", NOW_MS + 2000).await.unwrap();
    assert!(jobs::claim(db, "send", "alive", 1000, NOW_MS + 1999).await.unwrap().is_none());
    let second = jobs::claim(db, "send", "alive", 1000, NOW_MS + 2000).await.unwrap().unwrap();
    assert_eq!((second.id, second.attempts), (first.id, 2));
    let late = jobs::finish(db, first.id, "dead", &json!({}), NOW_MS + 2000).await;
    assert!(matches!(late, Err(Error::Conflict(_))), "{late:?}");
    // Whatever ends its workers is not tried for ever.
    assert!(jobs::claim(db, "send", "third", 1000, NOW_MS + 9000).await.unwrap().is_none());
    assert_eq!(jobs::by_id(db, first.id).await.unwrap().unwrap().state, JobState::Failed);
}

async fn followers_of_the_outbox_miss_nothing(fresh: Fresh) {
    const WRITERS: i64 = 8;
    const EACH: i64 = 25;
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let db = fresh.db.clone();
            tokio::spawn(async move {
                for at in 0..EACH {
                    let mut tx = db.begin(Durability::Batched).await.unwrap();
                    let event = NewEvent {
                        exam_id: Some(writer * EACH + at),
                        ..NewEvent::new(EventKind::ExamChanged)
                    };
                    events::append(&mut tx, NOW_MS, &[event]).await.unwrap();
                    tx.commit().await.unwrap();
                }
            })
        })
        .collect();
    let (mut cursor, mut seen, mut hints) = (0, Vec::new(), fresh.db.event_hints());
    while seen.len() < (WRITERS * EACH) as usize {
        let page = events::since(&fresh.db, cursor, 10).await.unwrap();
        if page.is_empty() {
            hints.changed().await.unwrap();
        }
        for event in page {
            assert!(event.id > cursor);
            cursor = event.id;
            seen.push(event.exam_id.unwrap());
        }
    }
    for writer in writers {
        writer.await.unwrap();
    }
    seen.sort();
    assert_eq!(seen, (0..WRITERS * EACH).collect::<Vec<_>>());
    assert_eq!(events::prune(&fresh.db, NOW_MS + 1).await.unwrap(), (WRITERS * EACH) as u64);
    let mut tx = fresh.db.begin(Durability::Batched).await.unwrap();
    events::append(&mut tx, NOW_MS, &[NewEvent::new(EventKind::OrderCreated)]).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(events::since(&fresh.db, cursor, 10).await.unwrap().len(), 1, "numbers are never given twice");
    // What a newer version wrote before it was taken back holds up nobody.
    let mut tx = fresh.db.begin(Durability::Batched).await.unwrap();
    for kind in [EventKind::StudyChanged, EventKind::OrderCreated] {
        events::append(&mut tx, NOW_MS, &[NewEvent::new(kind)]).await.unwrap();
    }
    tx.commit().await.unwrap();
    let unknown = "update event set kind = 'report.signed' where kind = 'study.changed'";
    fresh.db.execute(unknown, vec![]).await.unwrap();
    let kinds = events::since(&fresh.db, cursor, 10).await.unwrap().into_iter().map(|event| event.kind);
    assert_eq!(kinds.collect::<Vec<_>>(), [EventKind::OrderCreated; 2]);
}

async fn the_audit_log_is_a_chain_and_views_are_recorded_once(fresh: Fresh) {
    let clock = Clock::standing_at(NOW_MS);
    let log = AuditLog::start(fresh.db.clone(), clock.clone());
    let record = |actor: &str, act, subject: &str, outcome| AuditRecord {
        actor: actor.into(),
        act,
        subject: subject.into(),
        outcome,
        peer: Some("10.0.0.1".into()),
        detail: None,
    };
    let view = |actor: &str| record(actor, AuditAct::View, "study:1.2.1", Outcome::Success);
    for actor in ["user:a", "user:a", "user:b", "user:a"] {
        log.record(view(actor)).await;
    }
    log.record(record("user:a\0x", AuditAct::SignIn, "", Outcome::Refused)).await;
    clock.set_ms(NOW_MS + 600_000);
    log.record(view("user:a")).await;
    log.flush().await;
    let lines = audit_log::before(&fresh.db, i64::MAX, 10).await.unwrap();
    let seen: Vec<_> = lines.iter().map(|(_, line)| (line.actor.as_str(), line.act.as_str())).collect();
    assert_eq!(seen, [("user:a", "view"), ("user:ax", "signIn"), ("user:b", "view"), ("user:a", "view")]);
    assert_eq!(audit_log::verify(&fresh.db).await.unwrap(), None);
    let second = lines[2].0;
    fresh.db.execute("update audit set actor = 'user:c' where id = $1", vec![second.into()]).await.unwrap();
    assert_eq!(audit_log::verify(&fresh.db).await.unwrap(), Some(second));
    fresh.db.execute("update audit set actor = 'user:b' where id = $1", vec![second.into()]).await.unwrap();
    assert_eq!(audit_log::verify(&fresh.db).await.unwrap(), None);
    fresh.db.execute("delete from audit where id = $1", vec![second.into()]).await.unwrap();
    assert!(audit_log::verify(&fresh.db).await.unwrap().is_some(), "a line that is gone is missed");
}

async fn values_survive_the_way_through_both_engines(fresh: Fresh) {
    let db = &fresh.db;
    for text in ["", "Đỗ Thị Ánh", "a'b\"c\\d%_*?", "\u{1F600}", "tab\tline\n"] {
        db.execute("insert into setting (key, value) values ($1, $1)", vec![text.into()]).await.unwrap();
        let row = db
            .fetch_optional("select value from setting where key = $1", vec![text.into()])
            .await
            .unwrap()
            .unwrap();
        assert_eq!(row.get::<String>("value").unwrap(), text);
    }
    let rows = db.fetch("select key from setting where key <> '' order by key", vec![]).await.unwrap();
    let keys: Vec<String> = rows.iter().map(|row| row.at(0).unwrap()).collect();
    let mut sorted = keys.clone();
    sorted.sort();
    assert_eq!(keys, sorted, "text sorts by code point on both");
    let nul = storage::database::Param::from("a\0b");
    db.execute("insert into setting (key, value) values ('nul', $1)", vec![nul]).await.unwrap();
    let row =
        db.fetch_optional("select value from setting where key = 'nul'", vec![]).await.unwrap().unwrap();
    assert_eq!(row.get::<String>("value").unwrap(), "ab");
    let duplicate = db.execute("insert into setting (key, value) values ('nul', '')", vec![]).await;
    assert!(matches!(duplicate, Err(Error::Conflict(_))), "{duplicate:?}");
    assert!(row.get::<i64>("value").is_err() && row.get::<String>("nothing").is_err());
}
