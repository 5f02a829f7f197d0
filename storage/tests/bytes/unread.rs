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
    what_comes_while_a_study_is_read_is_asked_about_later,
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

async fn what_comes_while_a_study_is_read_is_asked_about_later(home: Home) {
    let (home, store) = watched(home);
    let archive = home.open().await;
    let first = image("1", 1, A, "first");
    send_all(&archive, &[first.clone(), image("1", 2, OTHER, "")]).await;
    home.rest();
    archive.settle_due().await.unwrap();
    let archive = opened_anew(&home, archive).await;
    sent_again(&archive, &image("1", 1, OTHER, "second")).await;
    let open = listed(&archive, State::Open).await;
    let conflict = open.iter().find(|one| one.kind == Kind::Conflict).unwrap().id;
    // Read before, so that only the other image is still to be.
    archive.header(&place(&archive, &first).await).await.unwrap();
    let mut waiting = store.hold(Call::Read, ".tar");
    let late = of_second_series(1, A);
    let comes = async {
        waiting.reached().await;
        send_all(&archive, std::slice::from_ref(&late)).await;
        waiting.go();
    };
    let (answered, ()) = tokio::join!(answer(&archive, conflict, (Answer::ServeNewest, None)), comes);
    answered.unwrap();
    assert_eq!(line(&archive, "1").await.patient.id, "P2", "it did not wait for what came meanwhile");
    home.rest();
    archive.settle_due().await.unwrap();
    let open = listed(&archive, State::Open).await;
    let asked = open.iter().filter_map(|one| one.other.said.as_ref()).map(|said| said.identifier.as_str());
    assert!(asked.collect::<Vec<_>>().contains(&"P1"), "{open:?}");
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
