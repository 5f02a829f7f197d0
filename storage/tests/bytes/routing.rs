//! Routes: what has settled goes where the rules say, each image once.

use futures::TryStreamExt;
use pacs_core::access::{Actor, Scope};
use pacs_core::rejection::Rejection;
use pacs_core::routing::{Conditions, Hours};
use pacs_core::uid::{AeTitle, Uid};
use storage::corrections::{Move, Target, What};
use storage::devices::Source;
use storage::jobs;
use storage::jobs::lanes::{self, Priority};
use storage::routes::{self, Route};
use storage::transfers::{self, Show, Task};
use storage::{Archive, Error, Subject};
use testdata::Instance;

use crate::backends::{Home, on_every_backend};
use crate::correcting::correct;
use crate::rebuilding::with_empty_rows;
use crate::samples::*;

on_every_backend!(
    each_image_goes_once,
    rules_decide_what_goes_where,
    rules_of_the_file_win,
    what_was_sent_outlives_the_rows,
    corrected_images_go_again_where_a_route_says_so,
);

pub fn route(name: &str, device: &str, conditions: Conditions) -> Route {
    Route {
        name: name.into(),
        device: AeTitle::parse(device).unwrap(),
        conditions,
        priority: Priority::Normal,
        after_corrections: false,
        is_enabled: true,
        source: Source::Rows,
    }
}

pub async fn follow(archive: &Archive) {
    let now_ms = archive.config().clock.now_ms();
    while routes::follow(archive.database(), now_ms).await.unwrap() {}
}

async fn settled(archive: &Archive, instances: &[Instance]) {
    send_all(archive, instances).await;
    archive.settle_study(&instances[0].study).await.unwrap();
    follow(archive).await;
}

/// What waits for a device, in its order: each transfer with its instances.
async fn waiting(archive: &Archive, device: &str) -> Vec<Vec<Uid>> {
    let (database, now_ms) = (archive.database(), archive.config().clock.now_ms());
    let mut found = Vec::new();
    while let Some(job) = lanes::claim(database, (transfers::SEND, device), "w", 1000, now_ms).await.unwrap()
    {
        let places: Vec<_> =
            transfers::places(database, &Task::of(&job).unwrap(), 0).try_collect().await.unwrap();
        found.push(places.into_iter().map(|place| place.uid).collect());
    }
    found
}

fn uids(instances: &[Instance]) -> Vec<Uid> {
    instances.iter().map(|instance| instance.uid.clone()).collect()
}

async fn each_image_goes_once(home: Home) {
    let archive = home.open().await;
    let database = archive.database();
    // What came before there was a follower stays where it is.
    let earlier = slices(2, 9);
    send_all(&archive, &earlier).await;
    archive.settle_study(&earlier[0].study).await.unwrap();
    follow(&archive).await;
    routes::upsert(database, &route("CT", "AI", Conditions::default())).await.unwrap();
    let sent = slices(7, 1);
    settled(&archive, &sent[..3]).await;
    assert_eq!(waiting(&archive, "AI").await, [uids(&sent[..3])]);
    follow(&archive).await;
    assert!(waiting(&archive, "AI").await.is_empty(), "nothing is routed twice");
    // Late images, and they alone; one that was rejected in the meantime does not go.
    let line = &transfers::list(database, &Scope::All, Show::Open, 9).await.unwrap()[0];
    assert_eq!((line.origin.as_str(), line.origin_name.as_deref()), ("route", Some("CT")));
    send_all(&archive, &sent[3..6]).await;
    let rejected = Subject::Instance(sent[5].uid.clone());
    archive.reject(&Scope::All, &Actor::system(), &rejected, Rejection::Quality).await.unwrap();
    archive.settle_study(&sent[0].study).await.unwrap();
    follow(&archive).await;
    assert_eq!(waiting(&archive, "AI").await, [uids(&sent[3..5])]);
    // The last image is deleted, and its row's number given again.
    let last = Subject::Instance(sent[5].uid.clone());
    archive.delete(&Scope::All, &Actor::system(), &last, "sent again").await.unwrap();
    settled(&archive, &sent[6..]).await;
    assert_eq!(waiting(&archive, "AI").await, [uids(&sent[6..])]);
    archive.close().await;
}

async fn rules_decide_what_goes_where(home: Home) {
    let archive = home.open().await;
    let database = archive.database();
    follow(&archive).await;
    let list = |value: &str| vec![value.to_owned()];
    for rule in [
        route("1", "ALL", Conditions::default()),
        route("2", "ALL", Conditions { modality: list("CT"), ..Conditions::default() }),
        route("3", "CT", Conditions { modality: list("ct"), facility: list("A"), ..Conditions::default() }),
        route("4", "MR", Conditions { modality: list("MR"), ..Conditions::default() }),
        route("5", "WS", Conditions { calling_ae: list("CT2"), ..Conditions::default() }),
        // Where it came from.
        route("6", "CT1", Conditions::default()),
        Route { is_enabled: false, ..route("7", "OFF", Conditions::default()) },
    ] {
        routes::upsert(database, &rule).await.unwrap();
    }
    let sent = slices(2, 2);
    settled(&archive, &sent).await;
    assert_eq!(waiting(&archive, "ALL").await, [uids(&sent)], "once, though two rules say so");
    assert_eq!(waiting(&archive, "CT").await, [uids(&sent)]);
    for nothing in ["MR", "WS", "CT1", "OFF"] {
        assert!(waiting(&archive, nothing).await.is_empty(), "{nothing}");
    }
    routes::remove(database, "1").await.unwrap();
    assert!(matches!(routes::remove(database, "1").await, Err(Error::NotFound)));
    archive.close().await;
}

async fn rules_of_the_file_win(home: Home) {
    let archive = home.open().await;
    let database = archive.database();
    let night = Conditions { hours: Hours::parse("18:00-06:00"), ..Conditions::default() };
    let own = route("night", "OWN", Conditions::default());
    routes::upsert(database, &own).await.unwrap();
    let of_file = Route { source: Source::File, ..route("night", "FILE", night) };
    routes::from_file(database, std::slice::from_ref(&of_file)).await.unwrap();
    assert_eq!(routes::list(database).await.unwrap(), std::slice::from_ref(&of_file));
    assert!(matches!(routes::upsert(database, &own).await, Err(Error::Conflict(_))));
    assert!(matches!(routes::remove(database, "night").await, Err(Error::Conflict(_))));
    routes::from_file(database, &[]).await.unwrap();
    assert!(routes::list(database).await.unwrap().is_empty());
    archive.close().await;
}

/// Ends the job of a lane whose turn it is: some of it has arrived, and the rest was refused or not.
async fn end_first(archive: &Archive, device: &str, arrived: usize, is_done: bool) {
    let (database, now_ms) = (archive.database(), archive.config().clock.now_ms());
    let job = lanes::claim(database, (transfers::SEND, device), "w", 1000, now_ms).await.unwrap().unwrap();
    let task = Task::of(&job).unwrap();
    let progress = transfers::Progress::of(database, &job, "w");
    progress.begin_send(&task).await.unwrap();
    let places: Vec<_> = transfers::places(database, &task, 0).try_collect().await.unwrap();
    for place in places.iter().take(arrived) {
        progress.moved(place, false).await.unwrap();
    }
    match is_done {
        true => lanes::done(database, job.id, "w", now_ms).await.unwrap(),
        false => jobs::fail(database, &job, "w", "broken: gone", now_ms).await.unwrap(),
    }
}

async fn what_was_sent_outlives_the_rows(home: Home) {
    let archive = home.open().await;
    follow(&archive).await;
    let rules = [route("all", "AI", Conditions::default())];
    routes::from_file(archive.database(), &rules).await.unwrap();
    // One whole, one in part, one not at all, and late images of the first that wait.
    let (sent, partly, waits) = (slices(6, 1), slices(5, 2), slices(2, 3));
    settled(&archive, &sent[..3]).await;
    end_first(&archive, "AI", 3, true).await;
    settled(&archive, &partly).await;
    end_first(&archive, "AI", 2, false).await;
    settled(&archive, &waits).await;
    home.rest();
    settled(&archive, &sent[3..5]).await;
    // The rows are lost before a route has looked at this one.
    archive.tidy().await.unwrap();
    home.rest();
    let unseen = slices(1, 4);
    send_all(&archive, &unseen).await;
    archive.settle_study(&unseen[0].study).await.unwrap();
    archive.close().await;
    drop(archive);

    let again = async |home: Home| {
        let home = with_empty_rows(home).await;
        let archive = home.open().await;
        routes::from_file(archive.database(), &rules).await.unwrap();
        archive.reindex(|_| {}).await.unwrap();
        follow(&archive).await;
        let mut queued = waiting(&archive, "AI").await;
        queued.iter_mut().for_each(|uids| uids.sort());
        queued.sort();
        let mut want = vec![uids(&partly[2..]), uids(&waits), uids(&sent[3..5]), uids(&unseen)];
        want.iter_mut().for_each(|uids| uids.sort());
        want.sort();
        assert_eq!(queued, want, "what was not sent, and nothing else");
        (home, archive)
    };
    let (home, archive) = again(home).await;
    archive.reindex(|_| {}).await.unwrap();
    follow(&archive).await;
    assert!(waiting(&archive, "AI").await.is_empty(), "nothing twice");
    archive.tidy().await.unwrap();
    archive.close().await;
    drop(archive);
    // And once more, from what the first making anew has written down.
    let (_home, archive) = again(home).await;
    // A late image goes alone.
    settled(&archive, &sent[5..]).await;
    assert_eq!(waiting(&archive, "AI").await, [uids(&sent[5..])]);
    archive.close().await;
}

async fn corrected_images_go_again_where_a_route_says_so(home: Home) {
    let archive = home.open().await;
    let database = archive.database();
    follow(&archive).await;
    for rule in [
        route("once", "ONCE", Conditions::default()),
        Route { after_corrections: true, ..route("again", "AGAIN", Conditions::default()) },
    ] {
        routes::upsert(database, &rule).await.unwrap();
    }
    let sent = slices(2, 1);
    // What was not sent by a route is corrected without further ado.
    send_all(&archive, &sent).await;
    correct(&archive, &sent[0], &[("StudyDescription", "before")]).await;
    follow(&archive).await;
    assert!(waiting(&archive, "AGAIN").await.is_empty());
    archive.settle_study(&sent[0].study).await.unwrap();
    follow(&archive).await;
    for device in ["ONCE", "AGAIN"] {
        assert_eq!(waiting(&archive, device).await, [uids(&sent)], "{device}");
    }
    home.rest();
    correct(&archive, &sent[0], &[("StudyDescription", "after")]).await;
    follow(&archive).await;
    assert_eq!(waiting(&archive, "AGAIN").await, [uids(&sent)]);
    assert!(waiting(&archive, "ONCE").await.is_empty(), "there a person sends it");
    // To another study, and back.
    home.rest();
    let moved = Move {
        from: &sent[0].study,
        what: What::Series(vec![sent[0].series.clone()]),
        to: Target::New,
        reason: "nhầm ca",
    };
    archive.move_images(&Scope::All, &Actor::system(), &moved).await.unwrap();
    follow(&archive).await;
    assert_eq!(waiting(&archive, "AGAIN").await, [uids(&sent)]);
    let acts = storage::acts::of_study(database, sent[0].study.as_str(), 9).await.unwrap();
    archive.undo(&Scope::All, &Actor::system(), &acts[0].0, None).await.unwrap();
    home.rest();
    follow(&archive).await;
    assert_eq!(waiting(&archive, "AGAIN").await, [uids(&sent)]);
    archive.close().await;
}
