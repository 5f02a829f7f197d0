//! Images whose bytes are lost or damaged keep a study from nothing: it is settled, chosen for and parted all the same.

use pacs_core::reconciliation::{Answer, Kind};
use pacs_core::tags;
use storage::reconciliation::State;
use storage::{Archive, Decision, Version};
use testdata::Instance;

use crate::backends::{Home, on_every_backend};
use crate::faults::{Call, watched};
use crate::parting::{anywhere, of_second_series};
use crate::reconciling::{A, OTHER, answer, image, line, listed, only};
use crate::samples::*;
use crate::settling::flip;

on_every_backend!(
    of_two_contents_the_one_is_served_that_is_left,
    a_study_that_grows_is_settled_all_the_same,
    a_person_is_heard_while_a_study_grows,
    a_study_is_parted_beside_what_nobody_can_read,
);

async fn sent_again(archive: &Archive, instance: &Instance) {
    assert_eq!(send(archive, instance).await.unwrap().decision, Decision::Conflict(Version::New));
}

async fn opened_anew(home: &Home, archive: Archive) -> Archive {
    archive.close().await;
    drop(archive);
    home.open().await
}

async fn of_two_contents_the_one_is_served_that_is_left(home: Home) {
    let archive = home.open().await;
    send_all(&archive, &[image("1", 1, A, "first"), image("1", 2, A, "")]).await;
    home.rest();
    archive.settle_due().await.unwrap();
    let packs = home.objects("packs").await;
    let archive = opened_anew(&home, archive).await;
    for key in packs.iter().filter(|key| key.ends_with(".tar")) {
        home.lose(key).await;
    }
    let second = image("1", 1, OTHER, "second");
    sent_again(&archive, &second).await;
    let found = only(&archive, Kind::Conflict).await;
    home.rest();
    // What is lost was not deleted: it is not waited for.
    archive.settle_due().await.unwrap();
    answer(&archive, found.id, (Answer::ServeNewest, None)).await.unwrap();
    let header = archive.header(&place(&archive, &second).await).await.unwrap();
    assert_eq!(header.text(tags::IMAGE_COMMENTS).as_deref(), Some("second"));
    assert_eq!(line(&archive, "1").await.patient.id, "P2");
    archive.close().await;
}

async fn a_study_that_grows_is_settled_all_the_same(home: Home) {
    let (mut home, store) = watched(home);
    // Each header is read each time.
    home.config.header_cache_bytes = 0;
    let archive = home.open().await;
    send_all(&archive, &[image("1", 1, A, "first")]).await;
    home.rest();
    archive.settle_due().await.unwrap();
    sent_again(&archive, &image("1", 1, A, "second")).await;
    home.rest();
    let mut sent = 0;
    for packs in [1, 0] {
        let mut waiting = store.hold(Call::Read, "/1.2.1/");
        let mut settling = std::pin::pin!(archive.settle_due());
        let report = loop {
            tokio::select! {
                report = &mut settling => break report,
                () = waiting.reached() => {
                    sent += 1;
                    send_all(&archive, &[of_second_series(sent, A)]).await;
                    waiting.go();
                    waiting = store.hold(Call::Read, "/1.2.1/");
                }
            }
        };
        assert_eq!(report.unwrap().packs, packs);
        // It is looked at again, before what has come since has rested.
        home.clock.set_ms(home.clock.now_ms() + 60_000);
    }
    assert!(sent > 6, "something came whenever the study was read");
    drop(store.hold(Call::Written, "nobody comes there"));
    home.rest();
    archive.settle_due().await.unwrap();
    archive.close().await;
}

async fn a_person_is_heard_while_a_study_grows(home: Home) {
    let (mut home, store) = watched(home);
    home.config.header_cache_bytes = 0;
    let archive = home.open().await;
    send_all(&archive, &[image("1", 1, A, "first")]).await;
    sent_again(&archive, &image("1", 1, OTHER, "second")).await;
    home.rest();
    archive.settle_due().await.unwrap();
    let found = only(&archive, Kind::Conflict).await;
    let mut sent = 0;
    let mut waiting = store.hold(Call::Read, "/1.2.1/");
    let mut answering = std::pin::pin!(answer(&archive, found.id, (Answer::ServeNewest, None)));
    loop {
        tokio::select! {
            answered = &mut answering => break answered.unwrap(),
            () = waiting.reached() => {
                sent += 1;
                send_all(&archive, &[of_second_series(sent, OTHER)]).await;
                waiting.go();
                waiting = store.hold(Call::Read, "/1.2.1/");
            }
        }
    }
    assert!(sent > 0, "something came while the study was read");
    drop(store.hold(Call::Written, "nobody comes there"));
    assert_eq!(line(&archive, "1").await.patient.id, "P2");
    // What has come meanwhile named another patient than the study did; settling hears that it names the same one now.
    only(&archive, Kind::TwoPatients).await;
    home.rest();
    archive.settle_due().await.unwrap();
    assert!(listed(&archive, State::Open).await.is_empty());
    archive.close().await;
}

async fn a_study_is_parted_beside_what_nobody_can_read(home: Home) {
    let archive = home.open().await;
    let sent = [image("1", 1, A, ""), image("1", 2, OTHER, ""), image("1", 3, A, "")];
    send_all(&archive, &sent).await;
    let found = only(&archive, Kind::TwoPatients).await;
    let damaged = place(&archive, &sent[2]).await.place;
    let archive = opened_anew(&home, archive).await;
    // The length of its first element.
    flip(&home.segments()[0], damaged.offset_bytes + damaged.head_bytes + 7);
    answer(&archive, found.id, (Answer::Part, None)).await.unwrap();
    let mut homes = Vec::new();
    for one in &sent {
        homes.push(anywhere(&archive, one).await.study_uid);
    }
    assert_eq!((&homes[0], &homes[2]), (&sent[0].study, &sent[0].study));
    assert_ne!(homes[1], sent[0].study);
    archive.close().await;
}
