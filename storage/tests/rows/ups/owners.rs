//! Whose the AE titles of subscribers are.

use storage::accounts::tokens;
use storage::ups::{Filter, Subject};

use super::*;
use crate::backends::on_every_engine;

on_every_engine!(a_title_belongs_to_whom_used_it_first, a_title_is_free_when_its_account_is_gone,);

fn not_theirs<T: std::fmt::Debug>(result: Result<T, WorkError>) {
    assert!(matches!(result, Err(WorkError::NotTheirs)), "{result:?}");
}

async fn a_title_belongs_to_whom_used_it_first(fresh: Fresh) {
    let (db, first, second) = (&fresh.db, of("BVTW"), of("BVH"));
    let (one, none, ai) = (made(&fresh, &first, step("x")).await, Filter::default(), title("AI1"));
    let subject = Subject::Step(one.clone());
    // A channel alone takes no title.
    let mut early = follower(&fresh, &second, "AI1").await;
    ups::subscribe(db, &at(&first), &subject, &none, &ai, false).await.unwrap();
    ups::subscribe(db, &at(&first), &Subject::All, &none, &ai, false).await.unwrap();
    let other = at(&second);
    not_theirs(ups::subscribe(db, &other, &Subject::All, &none, &ai, true).await);
    not_theirs(ups::unsubscribe(db, &other, &Subject::All, &ai).await);
    not_theirs(ups::suspend(db, &other, &Subject::All, &ai).await);
    not_theirs(Follower::open(db, &other, ai.clone()).await.map(drop));
    // And it ends where the title is another's; both see this one.
    ups::restarted(db, NOW_MS).await.unwrap();
    assert!(early.follower.next().await.unwrap().is_none());

    let mut mine = follower(&fresh, &first, "AI1").await;
    assert_eq!(told(&mut mine).await[0], (one.to_string(), 1));
    // Nothing followed, nobody's title; the channel that is open hears nothing of who has it next.
    ups::suspend(db, &at(&first), &Subject::All, &ai).await.unwrap();
    not_theirs(ups::subscribe(db, &other, &Subject::All, &none, &ai, true).await);
    ups::unsubscribe(db, &at(&first), &subject, &ai).await.unwrap();
    ups::subscribe(db, &other, &Subject::All, &none, &ai, true).await.unwrap();
    not_theirs(ups::subscribe(db, &at(&first), &subject, &none, &ai, false).await);
    ups::restarted(db, NOW_MS).await.unwrap();
    assert!(mine.follower.next().await.unwrap().is_none());
    let step = made(&fresh, &second, step("y")).await;
    let all = told(&mut follower(&fresh, &second, "AI1").await).await;
    assert_eq!(all.last(), Some(&(step.to_string(), 1)));
}

async fn a_title_is_free_when_its_account_is_gone(fresh: Fresh) {
    let db = &fresh.db;
    let (none, ai) = (Filter::default(), title("AI1"));
    for name in ["old", "new"] {
        let rights = (Role::Device, &Facilities::All);
        tokens::create(db, name, rights, &Actor::system(), NOW_MS, Some(NOW_MS + 10)).await.unwrap();
    }
    let list = tokens::list(db).await.unwrap();
    let by_name = |name: &str| list.iter().find(|token| token.name == name).unwrap();
    let (old, new) = (by_name("old").actor(), by_name("new").actor());
    ups::subscribe(db, &at(&old), &Subject::All, &none, &ai, false).await.unwrap();
    let step = made(&fresh, &old, step("x")).await;
    not_theirs(Follower::open(db, &at(&new), ai.clone()).await.map(drop));
    tokens::revoke(db, by_name("old").id, NOW_MS).await.unwrap();
    // The next token of the same program hears what waited for it.
    assert_eq!(told(&mut follower(&fresh, &new, "AI1").await).await, [(step.to_string(), 1)]);
    not_theirs(ups::suspend(db, &at(&old), &Subject::All, &ai).await);
    let late = Actor::system();
    let later = Asker { now_ms: NOW_MS + 10, ..at(&late) };
    ups::suspend(db, &later, &Subject::All, &ai).await.unwrap();
    // One from before titles had owners is whose who uses it.
    db.execute("update workitem_subscriber set owner = null", vec![]).await.unwrap();
    ups::unsubscribe(db, &at(&new), &Subject::All, &ai).await.unwrap();
}
