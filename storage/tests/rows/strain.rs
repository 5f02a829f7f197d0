//! A database under strain: callers that go away at any moment, a disk that is full.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use storage::Error;
use storage::database::{Database, Durability, Engine};

use crate::backends::{Fresh, on_every_engine};

on_every_engine!(a_caller_may_go_away_at_any_moment);

/// Polls a future so often, then drops it; says whether it had ended.
async fn polled(times: usize, work: impl Future) -> bool {
    let mut work = pin!(work);
    let mut left = times;
    poll_fn(|context| {
        left -= 1;
        match work.as_mut().poll(context) {
            Poll::Ready(_) => Poll::Ready(true),
            Poll::Pending if left == 0 => Poll::Ready(false),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

async fn write(db: &Database, durability: Durability) {
    let mut tx = db.begin(durability).await.unwrap();
    tx.execute("update setting set value = 'y' where key = 'x'", vec![]).await.unwrap();
    tx.commit().await.unwrap();
}

async fn a_caller_may_go_away_at_any_moment(fresh: Fresh) {
    let db = &fresh.db;
    db.execute("insert into setting (key, value) values ('x', 'x')", vec![]).await.unwrap();
    let mut cut_off = 0;
    // On a busy machine an answer is often there before it is waited for, and few places are left to go away at.
    for _ in 0..50 {
        cut_off += cut_off_everywhere(db).await;
        if cut_off >= 5 {
            return;
        }
    }
    panic!("the work was cut off at {cut_off} places only");
}

/// Goes away from the same work at its first, second, … pause, until it ends; says how often that was.
async fn cut_off_everywhere(db: &Database) -> usize {
    let mut times = 1;
    loop {
        let ended = polled(times, async {
            for _ in 0..10 {
                write(db, Durability::Batched).await;
                write(db, Durability::Synced).await;
            }
        })
        .await;
        // Whoever comes next writes as if nothing had been, and as durably as is asked for.
        let mut tx = db.begin(Durability::Synced).await.unwrap();
        if tx.engine() == Engine::Sqlite {
            let full: i64 = tx.fetch_one("pragma synchronous", vec![]).await.unwrap().at(0).unwrap();
            assert_eq!(full, 2, "gone after {times} polls");
        }
        tx.execute("update setting set value = 'z' where key = 'x'", vec![]).await.unwrap();
        tx.commit().await.unwrap();
        if ended {
            return times - 1;
        }
        times += 1;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_told_and_writing_goes_on_once_there_is_room() {
    let fresh = Fresh::sqlite().await;
    let pragma = async |text: String| -> i64 {
        let mut tx = fresh.db.begin(Durability::Synced).await.unwrap();
        let answer = tx.fetch_one(sqlx::AssertSqlSafe(text), vec![]).await.unwrap().at(0).unwrap();
        tx.commit().await.unwrap();
        answer
    };
    let pages = pragma("pragma page_count".into()).await;
    pragma(format!("pragma max_page_count = {}", pages + 10)).await;
    let big = async || {
        let insert = "insert into setting (key, value) values ('big', $1)";
        fresh.db.execute(insert, vec!["x".repeat(1 << 20).into()]).await
    };
    let full = big().await;
    assert!(matches!(full, Err(Error::Unavailable(_))), "{full:?}");
    pragma("pragma max_page_count = 1000000".into()).await;
    big().await.unwrap();
}
