//! What a study says of itself is what the contents say that are served of it, at every door.

use futures::TryStreamExt;
use pacs_core::access::Scope;
use pacs_core::dataset::DataSet;
use pacs_core::query::{self, Query};
use pacs_core::reconciliation::{Answer, Kind, Serve};
use pacs_core::{Tag, VR, tags, uids};
use storage::reconciliation::State;
use storage::{Archive, Config, Decision, Version};
use testdata::Instance;

use crate::backends::{Home, on_every_backend};
use crate::correcting::{leaving, metadata};
use crate::moving::names;
use crate::rebuilding::made_anew;
use crate::reconciling::{A, OTHER, answer, image, line, listed, only, reopen};
use crate::samples::*;

on_every_backend!(
    a_content_that_names_another_patient_is_listed_as_theirs,
    a_part_that_names_another_patient_waits,
    the_archives_rule_lists_what_it_serves,
    what_came_before_is_listed_when_it_is_found_later,
    a_content_of_another_study_leaves_as_it_is_filed,
    an_image_of_a_series_under_two_studies_leaves_as_it_is_filed,
);

/// The Patient IDs that a search by one finds studies under.
async fn numbers(archive: &Archive, number: &str) -> Vec<String> {
    let mut query = Query::new(query::Level::Study);
    query.add(&[tags::PATIENT_ID], VR::LO, number).unwrap();
    let found: Vec<DataSet> =
        storage::query::find(archive.database(), &query, &Scope::All).try_collect().await.unwrap();
    found.iter().map(|set| set.text(tags::PATIENT_ID).unwrap_or_default()).collect()
}

/// Who is listed, and whom the metadata name.
async fn whose(archive: &Archive, image: &Instance) -> (String, Vec<String>) {
    let metadata = metadata(archive, image).await;
    let named = metadata.iter().map(|set| set.text(tags::PATIENT_ID).unwrap_or_default()).collect();
    (line(archive, "1").await.patient.id, named)
}

pub fn both(patient: (&str, &str), content: &str) -> [Instance; 2] {
    [image("1", 1, patient, content), image("1", 2, patient, content)]
}

pub async fn send_again(archive: &Archive, instances: &[Instance]) {
    for instance in instances {
        assert_eq!(send(archive, instance).await.unwrap().decision, Decision::Conflict(Version::New));
    }
}

async fn a_content_that_names_another_patient_is_listed_as_theirs(home: Home) {
    let archive = home.open().await;
    // The wrong patient was chosen at the console, and it was mended there.
    let first = both(A, "first");
    send_all(&archive, &first).await;
    home.rest();
    archive.settle_due().await.unwrap();
    send_again(&archive, &both(OTHER, "second")).await;
    let found = only(&archive, Kind::Conflict).await;
    let before = line(&archive, "1").await.patient_id;
    home.rest();
    answer(&archive, found.id, (Answer::ServeNewest, None)).await.unwrap();
    let theirs = ("P2".to_owned(), vec!["P2".to_owned(); 2]);
    assert_eq!(whose(&archive, &first[0]).await, theirs);
    assert_ne!(line(&archive, "1").await.patient_id, before);
    assert_eq!(numbers(&archive, "P2").await, ["P2"]);
    assert!(numbers(&archive, "P1").await.is_empty());
    assert!(listed(&archive, State::Open).await.is_empty());
    // What comes late is compared with what is served.
    send_all(&archive, &[image("1", 3, OTHER, "")]).await;
    assert!(listed(&archive, State::Open).await.is_empty());

    // Made anew from whichever pack comes first.
    let (_home, archive) = made_anew(home, archive).await;
    assert_eq!(whose(&archive, &first[0]).await.0, "P2");
    assert!(listed(&archive, State::Open).await.is_empty());
    archive.close().await;
}

async fn a_part_that_names_another_patient_waits(home: Home) {
    let archive = home.open().await;
    let first = both(A, "first");
    send_all(&archive, &first).await;
    home.rest();
    send_again(&archive, &[image("1", 1, OTHER, "second")]).await;
    let found = only(&archive, Kind::Conflict).await;
    answer(&archive, found.id, (Answer::ServeNewest, None)).await.unwrap();
    let waits = only(&archive, Kind::TwoPatients).await;
    assert_eq!(waits.other.said.as_ref().unwrap().identifier, "P2");
    assert_eq!(line(&archive, "1").await.patient.id, "P1");
    // Served as before, nothing of it contradicts.
    home.rest();
    reopen(&archive, found.id).await.unwrap();
    assert_eq!(only(&archive, Kind::Conflict).await.id, found.id);
    // With the rest all are the other's, and taken back again they are not.
    send_again(&archive, &[image("1", 2, OTHER, "second")]).await;
    home.rest();
    answer(&archive, found.id, (Answer::ServeNewest, None)).await.unwrap();
    assert_eq!(whose(&archive, &first[0]).await, ("P2".to_owned(), vec!["P2".to_owned(); 2]));
    assert!(listed(&archive, State::Open).await.is_empty());
    home.rest();
    reopen(&archive, found.id).await.unwrap();
    assert_eq!(whose(&archive, &first[0]).await, ("P1".to_owned(), vec!["P1".to_owned(); 2]));
    only(&archive, Kind::Conflict).await;
    archive.close().await;
}

async fn the_archives_rule_lists_what_it_serves(home: Home) {
    let config = Config { serve: Serve::Newest, ..home.config.clone() };
    let archive = home.open_as(config).await.unwrap();
    let first = both(A, "first");
    send_all(&archive, &first).await;
    home.rest();
    send_again(&archive, &[image("1", 1, OTHER, "second")]).await;
    let open = listed(&archive, State::Open).await;
    assert!(open.iter().any(|one| one.kind == Kind::TwoPatients), "one of two is another's");
    send_again(&archive, &[image("1", 2, OTHER, "second")]).await;
    home.rest();
    archive.settle_due().await.unwrap();
    assert_eq!(whose(&archive, &first[0]).await, ("P2".to_owned(), vec!["P2".to_owned(); 2]));
    only(&archive, Kind::Conflict).await;
    archive.close().await;
}

/// As after a loss of rows, where the spool has what was received before.
async fn what_came_before_is_listed_when_it_is_found_later(home: Home) {
    let archive = home.open().await;
    let begin_ms = home.clock.now_ms();
    home.clock.set_ms(begin_ms + 10_000);
    let late = both(A, "late");
    send_all(&archive, &late).await;
    home.clock.set_ms(begin_ms);
    send_again(&archive, &both(OTHER, "before")).await;
    home.rest();
    home.rest();
    archive.settle_due().await.unwrap();
    assert_eq!(whose(&archive, &late[0]).await, ("P2".to_owned(), vec!["P2".to_owned(); 2]));
    only(&archive, Kind::Conflict).await;
    archive.close().await;
}

/// An image of study 1 whose header names other keys.
pub fn naming(number: u32, content: &str, keys: &[(Tag, &str)]) -> Instance {
    let put = |set: &mut DataSet| {
        set.put_int(tags::INSTANCE_NUMBER, i64::from(number));
        set.put_text(tags::ACCESSION_NUMBER, "ACC1");
        set.put_text(tags::IMAGE_COMMENTS, content);
        for (tag, key) in keys {
            set.put_uid(*tag, &uid(key));
        }
    };
    numbered(("1", number), uids::EXPLICIT_VR_LITTLE_ENDIAN, put, &[])
}

async fn a_content_of_another_study_leaves_as_it_is_filed(home: Home) {
    let archive = home.open().await;
    let first = image("1", 1, A, "first");
    send_all(&archive, std::slice::from_ref(&first)).await;
    home.rest();
    let keys = [(tags::STUDY_INSTANCE_UID, "1.2.8"), (tags::SERIES_INSTANCE_UID, "1.2.8.1")];
    send_again(&archive, &[naming(1, "second", &keys)]).await;
    let found = only(&archive, Kind::Conflict).await;
    answer(&archive, found.id, (Answer::ServeNewest, None)).await.unwrap();
    assert_eq!(names(&archive, &first).await[..2], ["1.2.1", "1.2.1.1"]);
    let metadata_of = metadata(&archive, &first).await;
    assert_eq!(metadata_of[0].text(tags::STUDY_INSTANCE_UID).as_deref(), Some("1.2.1"));
    assert_eq!(metadata_of[0].text(tags::IMAGE_COMMENTS).as_deref(), Some("second"));
    reopen(&archive, found.id).await.unwrap();
    assert!(leaving(&archive, &place(&archive, &first).await).await == first.bytes);
    archive.close().await;
}

async fn an_image_of_a_series_under_two_studies_leaves_as_it_is_filed(home: Home) {
    let archive = home.open().await;
    let first = image("1", 1, A, "");
    send_all(&archive, std::slice::from_ref(&first)).await;
    let late = naming(2, "", &[(tags::STUDY_INSTANCE_UID, "1.2.7")]);
    send_all(&archive, std::slice::from_ref(&late)).await;
    only(&archive, Kind::TwoStudies).await;
    assert_eq!(names(&archive, &late).await[..2], ["1.2.1", "1.2.1.1"]);
    assert!(leaving(&archive, &place(&archive, &first).await).await == first.bytes, "it says so itself");
    for set in metadata(&archive, &first).await {
        assert_eq!(set.text(tags::STUDY_INSTANCE_UID).as_deref(), Some("1.2.1"));
    }
    let (_home, archive) = made_anew(home, archive).await;
    let [study, series, _] = names(&archive, &late).await;
    assert_eq!(names(&archive, &first).await[..2], [study, series], "one study, whichever came first");
    archive.close().await;
}
