//! Who is told of what, once.

use pacs_core::ups::state::State;
use storage::ups::{Filter, Subject};

use super::*;
use crate::backends::on_every_engine;

on_every_engine!(
    followers_hear_of_what_they_follow,
    who_follows_all_is_told_of_those_to_come,
    a_filter_follows_what_it_fits,
    however_many_there_are_all_are_followed,
    what_is_no_longer_wanted_is_not_taken_in_again,
    what_was_told_is_not_told_again,
    what_is_made_meanwhile_is_followed_once,
    what_is_locked_meanwhile_is_kept,
);

async fn followers_hear_of_what_they_follow(fresh: Fresh) {
    let (db, system) = (&fresh.db, Actor::system());
    let asker = at(&system);
    let uid = made(&fresh, &system, step("x")).await;
    let other = made(&fresh, &system, step("not followed")).await;
    let subject = Subject::Step(uid.clone());
    ups::subscribe(db, &asker, &subject, &Filter::default(), &title("AI1"), false).await.unwrap();
    let open = || follower(&fresh, &system, "AI1");
    let mut follower = open().await;
    let of = |types: &[u64]| types.iter().map(|kind| (uid.to_string(), *kind)).collect::<Vec<_>>();
    assert_eq!(told(&mut follower).await, of(&[1]), "its present state");

    let mut change = DataSet::new();
    change.put_text(tags::INPUT_READINESS_STATE, "INCOMPLETE");
    change.put_items(tags::SCHEDULED_STATION_NAME_CODE_SEQUENCE, vec![code("AI1", "99SEN")]);
    for uid in [&uid, &other] {
        ups::update(db, &asker, uid, &change, None).await.unwrap();
    }
    let key = self::uid("1.5.1");
    ups::change_state(db, &asker, &uid, State::InProgress, Some(&key)).await.unwrap();
    let mut further = DataSet::new();
    let mut progress = DataSet::new();
    progress.put_text(tags::PROCEDURE_STEP_PROGRESS, "50");
    further.put_items(tags::PROCEDURE_STEP_PROGRESS_INFORMATION_SEQUENCE, vec![progress]);
    ups::update(db, &asker, &uid, &further, Some(&key)).await.unwrap();
    ups::request_cancel(db, &asker, &uid, &DataSet::new()).await.unwrap();
    // Who was away hears what it has missed, once.
    drop(follower);
    let mut follower = open().await;
    assert_eq!(told(&mut follower).await, of(&[1, 5, 1, 3, 2]));
    drop(follower);
    let mut follower = open().await;
    assert_eq!(told(&mut follower).await, []);
    ups::restarted(db, NOW_MS).await.unwrap();
    assert_eq!(told(&mut follower).await, [("1.2.840.10008.5.1.4.34.5".to_owned(), 4)]);

    ups::unsubscribe(db, &asker, &subject, &title("AI1")).await.unwrap();
    ups::change_state(db, &asker, &uid, State::Canceled, Some(&key)).await.unwrap();
    assert_eq!(told(&mut follower).await, []);
    let twice = ups::unsubscribe(db, &asker, &subject, &title("AI1")).await;
    assert_eq!(failed(twice), Failure::NotSubscribed);
}

async fn who_follows_all_is_told_of_those_to_come(fresh: Fresh) {
    let (db, system) = (&fresh.db, Actor::system());
    let asker = at(&system);
    let old = made(&fresh, &system, step("old")).await;
    let none = Filter::default();
    ups::subscribe(db, &asker, &Subject::All, &none, &title("LOCKED"), true).await.unwrap();
    ups::subscribe(db, &asker, &Subject::All, &none, &title("LOOSE"), false).await.unwrap();
    let mut locked = follower(&fresh, &system, "LOCKED").await;
    let mut loose = follower(&fresh, &system, "LOOSE").await;
    assert_eq!(told(&mut locked).await, [(old.to_string(), 1)]);
    assert_eq!(told(&mut loose).await, [], "without a lock only what happens is told");
    let mut assigned = step("new");
    assigned.put_items(tags::SCHEDULED_STATION_NAME_CODE_SEQUENCE, vec![code("AI1", "99SEN")]);
    let new = made(&fresh, &system, assigned).await;
    let both = [(new.to_string(), 1), (new.to_string(), 5)];
    assert_eq!((told(&mut locked).await, told(&mut loose).await), (both.to_vec(), both.to_vec()));

    // Suspended, it follows what it follows and nothing new.
    ups::suspend(db, &asker, &Subject::All, &title("LOOSE")).await.unwrap();
    let third = made(&fresh, &system, step("third")).await;
    ups::request_cancel(db, &asker, &old, &DataSet::new()).await.unwrap();
    let cancelled = [(old.to_string(), 1), (old.to_string(), 1)];
    assert_eq!(told(&mut loose).await, cancelled);
    assert_eq!(told(&mut locked).await[0], (third.to_string(), 1));
    let twice = ups::suspend(db, &asker, &Subject::All, &title("LOOSE")).await;
    assert_eq!(failed(twice), Failure::NotSubscribed);

    ups::unsubscribe(db, &asker, &Subject::All, &title("LOCKED")).await.unwrap();
    made(&fresh, &system, step("fourth")).await;
    ups::request_cancel(db, &asker, &new, &DataSet::new()).await.unwrap();
    assert_eq!(told(&mut locked).await, []);
}

async fn a_filter_follows_what_it_fits(fresh: Fresh) {
    let (db, system) = (&fresh.db, Actor::system());
    let asker = at(&system);
    let (high, low) = (vec![tags::SCHEDULED_PROCEDURE_STEP_PRIORITY], "HIGH".to_owned());
    let filter = Filter { keys: vec![(high, low)], fuzzy: false };
    ups::subscribe(db, &asker, &Subject::Filtered, &filter, &title("AI1"), true).await.unwrap();
    let mut follower = follower(&fresh, &system, "AI1").await;
    let routine = made(&fresh, &system, step("routine")).await;
    let mut urgent = step("urgent");
    urgent.put_text(tags::SCHEDULED_PROCEDURE_STEP_PRIORITY, "HIGH");
    let urgent = made(&fresh, &system, urgent).await;
    assert_eq!(told(&mut follower).await, [(urgent.to_string(), 1)]);
    let mut change = DataSet::new();
    change.put_text(tags::SCHEDULED_PROCEDURE_STEP_PRIORITY, "HIGH");
    ups::update(db, &asker, &routine, &change, None).await.unwrap();
    assert_eq!(told(&mut follower).await, [(routine.to_string(), 1)], "it fits now");
    ups::unsubscribe(db, &asker, &Subject::Filtered, &title("AI1")).await.unwrap();
    ups::request_cancel(db, &asker, &urgent, &DataSet::new()).await.unwrap();
    assert_eq!(told(&mut follower).await, []);
}

async fn however_many_there_are_all_are_followed(fresh: Fresh) {
    let (db, system) = (&fresh.db, Actor::system());
    let asker = at(&system);
    let mut uids = Vec::new();
    for n in 0..205 {
        uids.push(made(&fresh, &system, step(&n.to_string())).await.to_string());
    }
    ups::subscribe(db, &asker, &Subject::All, &Filter::default(), &title("AI1"), true).await.unwrap();
    ups::subscribe(db, &asker, &Subject::All, &Filter::default(), &title("AI1"), true).await.unwrap();
    let mut follower = follower(&fresh, &system, "AI1").await;
    let told: Vec<String> = told(&mut follower).await.into_iter().map(|(step, _)| step).collect();
    assert_eq!(told, uids, "each once");
}

async fn what_is_no_longer_wanted_is_not_taken_in_again(fresh: Fresh) {
    let (db, system) = (&fresh.db, Actor::system());
    let asker = at(&system);
    let low = (vec![tags::SCHEDULED_PROCEDURE_STEP_PRIORITY], "MEDIUM".to_owned());
    let (none, filter) = (Filter::default(), Filter { keys: vec![low], fuzzy: false });
    let uid = made(&fresh, &system, step("x")).await;
    let one = Subject::Step(uid.clone());
    let ready = |value: &str| {
        let mut change = DataSet::new();
        change.put_text(tags::INPUT_READINESS_STATE, value);
        change
    };
    for (subject, ae_title) in [(Subject::All, "ALL"), (Subject::Filtered, "SOME")] {
        let ae_title = title(ae_title);
        let subscribe = |filter| ups::subscribe(db, &asker, &subject, filter, &ae_title, false);
        let filter = if subject == Subject::All { &none } else { &filter };
        subscribe(filter).await.unwrap();
        ups::unsubscribe(db, &asker, &one, &ae_title).await.unwrap();
        let again = ups::unsubscribe(db, &asker, &one, &ae_title).await;
        assert_eq!(failed(again), Failure::NotSubscribed);
        let mut follower = follower(&fresh, &system, ae_title.as_str()).await;
        ups::update(db, &asker, &uid, &ready("INCOMPLETE"), None).await.unwrap();
        ups::update(db, &asker, &uid, &ready("READY"), None).await.unwrap();
        let new = made(&fresh, &system, step("y")).await;
        assert_eq!(told(&mut follower).await, [(new.to_string(), 1)], "{subject:?}");
        // Who subscribes anew, to it or to all, wants it again.
        subscribe(filter).await.unwrap();
        ups::update(db, &asker, &uid, &ready("INCOMPLETE"), None).await.unwrap();
        assert_eq!(told(&mut follower).await, [(uid.to_string(), 1)], "{subject:?}");
        ups::unsubscribe(db, &asker, &one, &ae_title).await.unwrap();
        ups::subscribe(db, &asker, &one, &none, &ae_title, false).await.unwrap();
        ups::update(db, &asker, &uid, &ready("READY"), None).await.unwrap();
        assert_eq!(told(&mut follower).await, [(uid.to_string(), 1), (uid.to_string(), 1)], "{subject:?}");
        ups::unsubscribe(db, &asker, &subject, &ae_title).await.unwrap();
        for table in ["workitem_subscription", "workitem_subscriber"] {
            assert_eq!(count(&fresh, table).await, 0, "{subject:?}: {table}");
        }
    }
}

async fn what_was_told_is_not_told_again(fresh: Fresh) {
    let (db, system) = (&fresh.db, Actor::system());
    let none = Filter::default();
    ups::subscribe(db, &at(&system), &Subject::All, &none, &title("AI1"), false).await.unwrap();
    let mut uids = Vec::new();
    for n in 0..4 {
        uids.push((made(&fresh, &system, step(&n.to_string())).await.to_string(), 1));
    }
    // The connection broke when two had been sent and one had been seen to arrive.
    let Following { follower: mut broken, mut bookmark, .. } = follower(&fresh, &system, "AI1").await;
    let (first, second) =
        (broken.next().await.unwrap().unwrap().at, broken.next().await.unwrap().unwrap().at);
    bookmark.sent(first);
    bookmark.sent(second);
    bookmark.received(first).await.unwrap();
    // Neither what was not sent nor what passes meanwhile counts.
    bookmark.received(second + 1).await.unwrap();
    bookmark.passed(second + 2).await.unwrap();
    bookmark.keep().await.unwrap();
    assert_eq!(told(&mut follower(&fresh, &system, "AI1").await).await, uids[1..]);
    assert_eq!(told(&mut follower(&fresh, &system, "AI1").await).await, []);
}

async fn what_is_made_meanwhile_is_followed_once(fresh: Fresh) {
    let system = Actor::system();
    let high = (vec![tags::SCHEDULED_PROCEDURE_STEP_PRIORITY], "HIGH".to_owned());
    let filter = Filter { keys: vec![high], fuzzy: false };
    let urgent = || {
        let mut set = DataSet::new();
        set.put_text(tags::SCHEDULED_PROCEDURE_STEP_PRIORITY, "HIGH");
        set
    };
    let mut uids = Vec::new();
    for n in 0..20 {
        uids.push(made(&fresh, &system, step(&n.to_string())).await);
    }
    // Half of them come to fit the filter while it is subscribed to, and others are made.
    let mut work = Vec::new();
    for uid in &uids {
        let (db, uid, mut new) = (fresh.db.clone(), uid.clone(), step("new"));
        new.put_text(tags::SCHEDULED_PROCEDURE_STEP_PRIORITY, "HIGH");
        let change = urgent();
        work.push(tokio::spawn(async move {
            let system = Actor::system();
            ups::update(&db, &at(&system), &uid, &change, None).await.unwrap();
            ups::create(&db, &at(&system), new, None).await.unwrap();
        }));
    }
    let subscribed = [(Subject::All, "ALL"), (Subject::Filtered, "SOME")].map(|(subject, ae_title)| {
        let (db, filter) = (fresh.db.clone(), filter.clone());
        tokio::spawn(async move {
            let system = Actor::system();
            ups::subscribe(&db, &at(&system), &subject, &filter, &title(ae_title), true).await.unwrap();
        })
    });
    for task in work.into_iter().chain(subscribed) {
        task.await.unwrap();
    }
    assert_eq!(count(&fresh, "workitem_subscription").await, 2 * 40);
    for ae_title in ["ALL", "SOME"] {
        let mut steps: Vec<String> = told(&mut follower(&fresh, &system, ae_title).await)
            .await
            .into_iter()
            .map(|(uid, _)| uid)
            .collect();
        assert_eq!(steps.len(), 40, "{ae_title}: each is told of once");
        steps.sort();
        steps.dedup();
        assert_eq!(steps.len(), 40, "{ae_title}");
    }
}

async fn what_is_locked_meanwhile_is_kept(fresh: Fresh) {
    let system = Actor::system();
    let mut uids = Vec::new();
    for n in 0..20 {
        let uid = made(&fresh, &system, step(&n.to_string())).await;
        ups::request_cancel(&fresh.db, &at(&system), &uid, &DataSet::new()).await.unwrap();
        uids.push(uid);
    }
    let locks: Vec<_> = uids
        .iter()
        .rev()
        .map(|uid| {
            let (db, subject) = (fresh.db.clone(), Subject::Step(uid.clone()));
            tokio::spawn(async move {
                let system = Actor::system();
                ups::subscribe(&db, &at(&system), &subject, &Filter::default(), &title("AI1"), true).await
            })
        })
        .collect();
    let pruned = ups::prune(&fresh.db, NOW_MS + 1).await.unwrap();
    let mut locked = 0;
    for (lock, uid) in locks.into_iter().zip(uids.iter().rev()) {
        match lock.await.unwrap() {
            Ok(()) => {
                locked += 1;
                assert_eq!(state(&fresh, uid).await, "CANCELED");
            }
            refused => assert!(matches!(refused, Err(WorkError::Gone)), "{refused:?}"),
        }
    }
    assert_eq!(locked + pruned, 20);
}
