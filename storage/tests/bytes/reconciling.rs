//! What does not go together is kept, flagged and listed; people answer it, and take answers back.

use pacs_core::access::{Actor, Scope};
use pacs_core::reconciliation::{Answer, Kind, Serve};
use pacs_core::{tags, uids};
use storage::corrections::{Target, What};
use storage::exams::search::{self, StudyLine};
use storage::identity::{merging, record};
use storage::index::PatientId;
use storage::reconciliation::{Discrepancy, DiscrepancyId, List, State, list};
use storage::{Archive, Config, Decision, Envelope, Error, Version};
use testdata::Instance;

use crate::backends::{Home, on_every_backend};
use crate::correcting::correct;
use crate::deleting::delete;
use crate::moving::{merge, move_, undo_newest};
use crate::rebuilding::{made_anew, with_empty_rows};
use crate::samples::*;
use crate::settling::flip;

on_every_backend!(
    two_persons_under_one_number_are_told_apart,
    one_study_under_two_patients_is_answered_by_a_merge,
    a_number_of_two_hospitals_is_shown_once,
    an_accession_number_of_two_patients_is_shown,
    other_numbers_that_are_somebody_elses_are_shown,
    of_two_contents_either_is_served,
    the_good_one_is_served_where_the_other_is_damaged,
    the_archives_rule_may_serve_the_newest,
    answers_and_mergers_outlive_the_rows,
    the_list_is_paged_and_scoped,
    what_is_deleted_waits_no_more,
    contents_wait_where_they_are_moved_to,
    what_was_said_of_deleted_contents_is_said_of_no_others,
);

/// An image of a patient; `content` tells versions of it apart.
pub fn image(study: &str, number: u32, (id, name): (&str, &str), content: &str) -> Instance {
    let put = |set: &mut pacs_core::dataset::DataSet| {
        set.put_text(tags::PATIENT_ID, id);
        set.put_text(tags::PATIENT_NAME, name);
        set.put_int(tags::INSTANCE_NUMBER, i64::from(number));
        set.put_text(tags::ACCESSION_NUMBER, &format!("ACC{study}"));
        set.put_text(tags::IMAGE_COMMENTS, content);
    };
    numbered((study, number), uids::EXPLICIT_VR_LITTLE_ENDIAN, put, &[])
}

pub const A: (&str, &str) = ("P1", "Nguyễn^Văn A");
const B: (&str, &str) = ("P1", "Trần^Thị B");
pub const OTHER: (&str, &str) = ("P2", "Nguyễn^Văn A");

pub async fn send_from(archive: &Archive, facility: &str, instance: &Instance) -> Decision {
    let envelope = Envelope { facility: Some(facility.to_owned()), ..envelope(instance) };
    let mut incoming = archive.begin(envelope).await.unwrap();
    incoming.write(bytes::Bytes::copy_from_slice(instance.dataset())).await.unwrap();
    incoming.finish().await.unwrap().decision
}

pub async fn listed(archive: &Archive, state: State) -> Vec<Discrepancy> {
    let wanted = List { state, limit: 100, ..List::default() };
    list(archive.database(), &Scope::All, &wanted).await.unwrap().items
}

/// The only discrepancy that waits.
pub async fn only(archive: &Archive, kind: Kind) -> Discrepancy {
    let mut open = listed(archive, State::Open).await;
    assert_eq!(open.iter().map(|one| one.kind).collect::<Vec<_>>(), [kind]);
    open.remove(0)
}

pub async fn answer(
    archive: &Archive,
    id: DiscrepancyId,
    said: (Answer, Option<PatientId>),
) -> Result<(), Error> {
    archive.reconcile((&Scope::All, &Actor::system()), id, said, Some("đã hỏi người bệnh")).await
}

pub async fn reopen(archive: &Archive, id: DiscrepancyId) -> Result<(), Error> {
    archive.reopen((&Scope::All, &Actor::system()), id, None).await
}

pub async fn line(archive: &Archive, study: &str) -> StudyLine {
    let study = uid(&format!("1.2.{study}"));
    search::study(archive.database(), &Scope::All, &study).await.unwrap().unwrap()
}

async fn studies(archive: &Archive, patient: PatientId) -> usize {
    record::of(archive.database(), &Scope::All, patient).await.unwrap().unwrap().studies.len()
}

async fn two_persons_under_one_number_are_told_apart(home: Home) {
    let archive = home.open().await;
    send_all(&archive, &[image("1", 1, A, ""), image("2", 1, B, "")]).await;
    let found = only(&archive, Kind::DemographicsDiffer).await;
    assert_eq!(found.study.uid.as_str(), "1.2.2");
    let (known, person) = found.other.patient.clone().unwrap();
    assert_eq!((person.name.as_str(), found.other.study_count), (A.1, 2));
    assert_eq!(found.answers, [Answer::SamePerson, Answer::NewPatient, Answer::OtherPatient]);
    assert!(line(&archive, "2").await.flags().contains(&"demographicsDiffer"));

    answer(&archive, found.id, (Answer::NewPatient, None)).await.unwrap();
    assert!(listed(&archive, State::Open).await.is_empty());
    assert_ne!(line(&archive, "2").await.patient_id, known);
    assert!(!line(&archive, "2").await.flags().contains(&"demographicsDiffer"));
    let [answered] = &listed(&archive, State::Answered).await[..] else { panic!("one answer") };
    let said = answered.answered.clone().unwrap();
    assert_eq!((said.answer, said.by.as_str()), (Some(Answer::NewPatient), "system"));
    assert_eq!(said.reason.as_deref(), Some("đã hỏi người bệnh"));
    let twice = answer(&archive, found.id, (Answer::SamePerson, None)).await;
    assert!(matches!(twice, Err(Error::Conflict(_))), "{twice:?}");

    reopen(&archive, found.id).await.unwrap();
    assert_eq!(line(&archive, "2").await.patient_id, known);
    assert_eq!(only(&archive, Kind::DemographicsDiffer).await.id, found.id);
    let twice = reopen(&archive, found.id).await;
    assert!(matches!(twice, Err(Error::Conflict(_))), "{twice:?}");

    // To somebody who is on record.
    send_all(&archive, &[image("3", 1, ("P3", B.1), "")]).await;
    let theirs = line(&archive, "3").await.patient_id;
    let nobody = answer(&archive, found.id, (Answer::OtherPatient, None)).await;
    assert!(matches!(nobody, Err(Error::Conflict(_))), "{nobody:?}");
    answer(&archive, found.id, (Answer::OtherPatient, Some(theirs))).await.unwrap();
    assert_eq!(studies(&archive, theirs).await, 2);
    reopen(&archive, found.id).await.unwrap();

    // One person, written down wrongly: nothing moves, and later images of the study raise nothing new.
    answer(&archive, found.id, (Answer::SamePerson, None)).await.unwrap();
    send(&archive, &image("2", 2, B, "")).await.unwrap();
    assert!(listed(&archive, State::Open).await.is_empty());
    assert_eq!(line(&archive, "2").await.patient_id, known);
    let wrong = answer(&archive, found.id, (Answer::ServeNewest, None)).await;
    assert!(matches!(wrong, Err(Error::Conflict(_))), "{wrong:?}");

    // Within a study the whole has nowhere else to go.
    send(&archive, &image("1", 2, B, "")).await.unwrap();
    let within = only(&archive, Kind::DemographicsDiffer).await;
    assert_eq!(within.other.said.as_ref().unwrap().name, B.1);
    assert_eq!(within.answers, [Answer::SamePerson, Answer::Part, Answer::LeaveApart]);
    archive.close().await;
}

async fn one_study_under_two_patients_is_answered_by_a_merge(home: Home) {
    let archive = home.open().await;
    send_all(&archive, &[image("1", 1, OTHER, ""), image("2", 1, A, ""), image("2", 2, OTHER, "")]).await;
    let found = only(&archive, Kind::TwoPatients).await;
    assert_eq!(found.study.uid.as_str(), "1.2.2");
    let (other, _) = found.other.patient.clone().unwrap();
    assert_eq!(found.other.said.as_ref().unwrap().identifier, "P2");
    answer(&archive, found.id, (Answer::SamePerson, None)).await.unwrap();
    assert_eq!(studies(&archive, other).await, 2);
    assert!(line(&archive, "2").await.doubt.is_none());
    // Now the number leads to the same patient.
    send(&archive, &image("2", 3, OTHER, "")).await.unwrap();
    assert!(listed(&archive, State::Open).await.is_empty());
    reopen(&archive, found.id).await.unwrap();
    assert_eq!(studies(&archive, other).await, 1);
    assert_eq!(only(&archive, Kind::TwoPatients).await.id, found.id);

    // A merge by another way answers it too, and its undoing asks again.
    let filed = line(&archive, "2").await.patient_id;
    let (database, scope, actor) = (archive.database(), Scope::All, Actor::system());
    merging::merge(database, &scope, &actor, (filed, other), None, 1).await.unwrap();
    assert!(listed(&archive, State::Open).await.is_empty());
    merging::unmerge(database, &scope, &actor, filed, None, 1).await.unwrap();
    answer(&archive, found.id, (Answer::LeaveApart, None)).await.unwrap();
    reopen(&archive, found.id).await.unwrap();

    // A number of which there is no record becomes the patient's.
    send_all(&archive, &[image("3", 1, ("P7", A.1), "")]).await;
    send(&archive, &image("3", 2, ("P8", A.1), "")).await.unwrap();
    let unknown = listed(&archive, State::Open).await.remove(0);
    assert!(unknown.other.patient.is_none());
    answer(&archive, unknown.id, (Answer::SamePerson, None)).await.unwrap();
    send_all(&archive, &[image("4", 1, ("P8", A.1), "")]).await;
    assert_eq!(line(&archive, "4").await.patient_id, line(&archive, "3").await.patient_id);
    reopen(&archive, unknown.id).await.unwrap();
    assert_ne!(line(&archive, "4").await.patient_id, line(&archive, "3").await.patient_id);
    archive.close().await;
}

async fn a_number_of_two_hospitals_is_shown_once(home: Home) {
    let archive = home.open().await;
    send_from(&archive, "A", &image("1", 1, A, "")).await;
    send_from(&archive, "B", &image("2", 1, B, "")).await;
    send_from(&archive, "B", &image("3", 1, B, "")).await;
    let found = only(&archive, Kind::SharedIdentifier).await;
    assert_eq!((found.study.uid.as_str(), found.study.facility.as_str()), ("1.2.2", "B"));
    assert_eq!(found.other.patient.as_ref().unwrap().1.issuer, "A");
    assert_ne!(line(&archive, "1").await.patient_id, line(&archive, "2").await.patient_id, "kept apart");
    answer(&archive, found.id, (Answer::LeaveApart, None)).await.unwrap();
    assert!(listed(&archive, State::Open).await.is_empty());
    reopen(&archive, found.id).await.unwrap();
    answer(&archive, found.id, (Answer::SamePerson, None)).await.unwrap();
    assert_eq!(studies(&archive, line(&archive, "1").await.patient_id).await, 3);
    archive.close().await;
}

async fn an_accession_number_of_two_patients_is_shown(home: Home) {
    let archive = home.open().await;
    let numbered = |study, patient| {
        let mut image = image(study, 1, patient, "");
        let at = image.bytes.windows(4).position(|four| four == b"ACC5" || four == b"ACC6").unwrap();
        image.bytes[at..at + 4].copy_from_slice(b"ACC0");
        image
    };
    send_all(&archive, &[numbered("5", A), numbered("6", OTHER)]).await;
    let found = only(&archive, Kind::SharedAccession).await;
    assert_eq!(found.study.uid.as_str(), "1.2.6");
    answer(&archive, found.id, (Answer::LeaveApart, None)).await.unwrap();
    assert!(line(&archive, "6").await.doubt.is_none());
    archive.close().await;
}

async fn other_numbers_that_are_somebody_elses_are_shown(home: Home) {
    let archive = home.open().await;
    let with_card = |study: &str, id: &str| {
        let put = |set: &mut pacs_core::dataset::DataSet| {
            set.put_text(tags::PATIENT_ID, id);
            let mut card = pacs_core::dataset::DataSet::new();
            card.put_text(tags::PATIENT_ID, "079080000001");
            card.put_text(tags::ISSUER_OF_PATIENT_ID, "CCCD");
            set.put_items(tags::OTHER_PATIENT_I_DS_SEQUENCE, vec![card]);
        };
        numbered((study, 1), uids::EXPLICIT_VR_LITTLE_ENDIAN, put, &[])
    };
    send_all(&archive, &[with_card("1", "P1"), with_card("2", "P2")]).await;
    let found = only(&archive, Kind::SharedIdentifier).await;
    assert_eq!(found.other.patient.as_ref().unwrap().1.id, "P1");
    answer(&archive, found.id, (Answer::SamePerson, None)).await.unwrap();
    assert_eq!(line(&archive, "1").await.patient_id, line(&archive, "2").await.patient_id);
    archive.close().await;
}

/// What of an instance is served.
async fn served(archive: &Archive, instance: &Instance) -> String {
    let header = archive.header(&place(archive, instance).await).await.unwrap();
    header.text(tags::IMAGE_COMMENTS).unwrap()
}

async fn the_good_one_is_served_where_the_other_is_damaged(home: Home) {
    let archive = home.open().await;
    let (first, second) = (image("1", 1, A, "first"), image("1", 1, A, "second"));
    send_all(&archive, std::slice::from_ref(&first)).await;
    assert_eq!(send(&archive, &second).await.unwrap().decision, Decision::Conflict(Version::New));
    let found = only(&archive, Kind::Conflict).await;
    let damaged = place(&archive, &first).await.place;
    archive.close().await;
    drop(archive);
    // The length of its first element.
    flip(&home.segments()[0], damaged.offset_bytes + damaged.head_bytes + 7);
    let archive = home.open().await;
    answer(&archive, found.id, (Answer::ServeNewest, None)).await.unwrap();
    assert_eq!(served(&archive, &first).await, "second");
    archive.close().await;
}

async fn of_two_contents_either_is_served(home: Home) {
    let archive = home.open().await;
    let first = [image("1", 1, A, "first"), image("1", 2, A, "first")];
    send_all(&archive, &first).await;
    archive.settle_study(&first[0].study).await.unwrap();
    home.rest();
    let second = [image("1", 1, A, "second"), image("1", 2, A, "second")];
    for instance in &second {
        assert_eq!(send(&archive, instance).await.unwrap().decision, Decision::Conflict(Version::New));
    }
    let found = only(&archive, Kind::Conflict).await;
    let contents = found.other.contents.clone().unwrap();
    assert_eq!((contents.instances, contents.kept, contents.serves), (2, 2, Some(Serve::First)));
    assert_eq!(served(&archive, &first[0]).await, "first");
    let both = archive.difference(&Scope::All, found.id).await.unwrap();
    let [differs] = &both.lines[..] else { panic!("{:?}", both.lines) };
    let said = (differs.tag, differs.first.as_deref(), differs.newest.as_deref());
    assert_eq!(said, (tags::IMAGE_COMMENTS, Some("first"), Some("second")));
    assert_eq!((both.first.is_served, both.newest.is_served, both.is_cut), (true, false, false));
    let elsewhere = archive.difference(&Scope::Facilities(vec!["B".into()]), found.id).await;
    assert!(matches!(elsewhere, Err(Error::NotFound)), "{elsewhere:?}");
    let metadata = async || {
        archive.series_metadata(&Scope::All, &first[0].study, &first[0].series, "http://x").await.unwrap()
    };
    let before = metadata().await.etag(storage::Encoding::Identity);

    answer(&archive, found.id, (Answer::ServeNewest, None)).await.unwrap();
    assert_whole(&archive, &second).await;
    assert_eq!(served(&archive, &first[1]).await, "second");
    assert_ne!(metadata().await.etag(storage::Encoding::Identity), before, "nobody is shown the old one");
    assert!(line(&archive, "1").await.doubt.is_none());
    // Both are kept, wherever they lie, and sent again are duplicates.
    archive.settle_study(&first[0].study).await.unwrap();
    assert_eq!(archive.verify(|_| {}).await.unwrap().instances, 4);
    assert_eq!(archive.verify(|_| {}).await.unwrap().damaged, 0);
    assert_eq!(
        send(&archive, &first[0]).await.unwrap().decision,
        Decision::Conflict(Version::Duplicate),
        "what was first is a version now"
    );
    assert_eq!(send(&archive, &second[0]).await.unwrap().decision, Decision::Duplicate);

    reopen(&archive, found.id).await.unwrap();
    assert_whole(&archive, &first).await;
    answer(&archive, found.id, (Answer::ServeNewest, None)).await.unwrap();
    // Something new to look at, and what was chosen is served meanwhile.
    home.rest();
    send(&archive, &image("1", 1, A, "third")).await.unwrap();
    assert_eq!(only(&archive, Kind::Conflict).await.id, found.id);
    assert_eq!(served(&archive, &first[0]).await, "second");
    answer(&archive, found.id, (Answer::ServeFirst, None)).await.unwrap();
    assert_whole(&archive, &first).await;
    archive.close().await;
}

async fn the_archives_rule_may_serve_the_newest(home: Home) {
    let config = Config { serve: Serve::Newest, ..home.config.clone() };
    let archive = home.open_as(config.clone()).await.unwrap();
    let first = image("1", 1, A, "first");
    send_all(&archive, std::slice::from_ref(&first)).await;
    archive.settle_study(&first.study).await.unwrap();
    home.rest();
    let second = image("1", 1, A, "second");
    assert_eq!(send(&archive, &second).await.unwrap().decision, Decision::Conflict(Version::New));
    assert_eq!(served(&archive, &first).await, "second");
    assert_eq!(archive.verify(|_| {}).await.unwrap().instances, 2, "the other is kept");
    let found = only(&archive, Kind::Conflict).await;
    assert_eq!(found.other.contents.unwrap().serves, Some(Serve::Newest));
    archive.settle_study(&first.study).await.unwrap();
    archive.close().await;
    drop(archive);
    // Made anew, in whatever order the packs come, the same is served.
    let home = with_empty_rows(home).await;
    let archive =
        home.open_as(Config { database_url: home.config.database_url.clone(), ..config }).await.unwrap();
    archive.reindex(|_| {}).await.unwrap();
    assert_eq!(served(&archive, &first).await, "second");
    assert_eq!(archive.verify(|_| {}).await.unwrap().damaged, 0);
    archive.close().await;
}

async fn answers_and_mergers_outlive_the_rows(home: Home) {
    let archive = home.open().await;
    let sent = [
        image("1", 1, A, ""),
        image("2", 1, B, ""),
        image("3", 1, OTHER, ""),
        image("4", 1, ("P4", "Lê^Văn C"), "first"),
        image("5", 1, ("P4", "Phạm^Thị D"), ""),
    ];
    send_all(&archive, &sent).await;
    home.rest();
    send(&archive, &image("4", 1, ("P4", "Lê^Văn C"), "second")).await.unwrap();
    for one in listed(&archive, State::Open).await {
        let said = match (one.kind, one.study.uid.as_str()) {
            (Kind::Conflict, _) => Answer::ServeNewest,
            (_, "1.2.2") => Answer::NewPatient,
            _ => Answer::SamePerson,
        };
        answer(&archive, one.id, (said, None)).await.unwrap();
    }
    let (into, from) = (line(&archive, "1").await.patient_id, line(&archive, "3").await.patient_id);
    let (scope, actor) = (Scope::All, Actor::system());
    merging::merge(archive.database(), &scope, &actor, (from, into), None, 1).await.unwrap();
    let state = async |archive: &Archive| {
        let whose = async |study| line(archive, study).await.patient_id;
        let one = whose("1").await;
        (
            [whose("2").await == one, whose("3").await == one, whose("4").await == whose("5").await],
            served(archive, &sent[3]).await,
            listed(archive, State::Open).await.len(),
            listed(archive, State::Answered).await.len(),
        )
    };
    let before = state(&archive).await;
    assert_eq!(before, ([false, true, true], "second".to_owned(), 0, 2 + 1));
    let (_home, archive) = made_anew(home, archive).await;
    let (whose, content, open, _) = state(&archive).await;
    assert_eq!((whose, content, open), ([false, true, true], "second".to_owned(), 0));
    // And may be taken back as before.
    let merged = record::of(archive.database(), &scope, line(&archive, "3").await.patient_id).await.unwrap();
    let merged = merged.unwrap().merged[0].id;
    merging::unmerge(archive.database(), &scope, &actor, merged, None, 2).await.unwrap();
    assert_ne!(line(&archive, "3").await.patient_id, line(&archive, "1").await.patient_id);
    archive.close().await;
}

async fn the_list_is_paged_and_scoped(home: Home) {
    let archive = home.open().await;
    send_from(&archive, "A", &image("1", 1, A, "")).await;
    for study in ["2", "3", "4"] {
        home.rest();
        send_from(&archive, "A", &image(study, 1, ("P1", &format!("Trần^Thị {study}")), "")).await;
    }
    send_from(&archive, "B", &image("5", 1, B, "")).await;
    let wanted = |limit, cursor| List { limit, cursor, ..List::default() };
    let first = list(archive.database(), &Scope::All, &wanted(3, None)).await.unwrap();
    let second = list(archive.database(), &Scope::All, &wanted(3, first.next.clone())).await.unwrap();
    let uids: Vec<_> = first.items.iter().chain(&second.items).map(|one| one.study.uid.as_str()).collect();
    assert_eq!(uids, ["1.2.5", "1.2.4", "1.2.3", "1.2.2"], "newest first");
    assert_eq!((first.next.is_some(), second.next), (true, None));
    let own = Scope::Facilities(vec!["B".into()]);
    let found = list(archive.database(), &own, &wanted(10, None)).await.unwrap();
    assert_eq!(found.items.iter().map(|one| one.kind).collect::<Vec<_>>(), [Kind::SharedIdentifier]);
    let of_kind = List { kinds: vec![Kind::DemographicsDiffer], ..wanted(10, None) };
    assert_eq!(list(archive.database(), &Scope::All, &of_kind).await.unwrap().items.len(), 3);
    let odd = list(archive.database(), &Scope::All, &wanted(10, Some("x".into()))).await;
    assert!(matches!(odd, Err(Error::Conflict(_))), "{odd:?}");
    let hidden = archive
        .reconcile((&own, &Actor::system()), first.items[1].id, (Answer::SamePerson, None), None)
        .await;
    assert!(matches!(hidden, Err(Error::NotFound)), "{hidden:?}");
    archive.close().await;
}

async fn what_is_deleted_waits_no_more(home: Home) {
    let archive = home.open().await;
    send_all(&archive, &[image("1", 1, A, ""), image("2", 1, B, "")]).await;
    send(&archive, &image("1", 1, A, "other")).await.unwrap();
    assert_eq!(listed(&archive, State::Open).await.len(), 2);
    for study in ["2", "1"] {
        let waiting = listed(&archive, State::Open).await.len();
        delete(&archive, storage::Subject::Study(uid(&format!("1.2.{study}")))).await;
        assert_eq!(listed(&archive, State::Open).await.len(), waiting - 1);
    }
    archive.close().await;
}

async fn contents_wait_where_they_are_moved_to(home: Home) {
    let archive = home.open().await;
    let first = [image("1", 1, A, "first"), image("1", 2, A, "first"), image("2", 1, OTHER, "")];
    send_all(&archive, &first).await;
    home.rest();
    for second in [image("1", 1, B, "second"), image("1", 2, A, "second")] {
        send(&archive, &second).await.unwrap();
    }
    let found = only(&archive, Kind::Conflict).await;
    assert_eq!(found.study.uid.as_str(), "1.2.1");
    home.rest();
    merge(&archive, &first[0], &first[2]).await;
    let moved = only(&archive, Kind::Conflict).await;
    assert_eq!((moved.id, moved.study.uid.as_str()), (found.id, "1.2.2"));
    assert!(line(&archive, "2").await.flags().contains(&"conflict"));
    assert_eq!(moved.other.contents.unwrap().instances, 2);
    // What is laid over both hides nothing of how they differ.
    home.rest();
    correct(&archive, &first[2], &[("PatientName", "Lê^Hoa")]).await;
    let lines = archive.difference(&Scope::All, found.id).await.unwrap().lines;
    assert_eq!(
        lines.iter().map(|line| line.tag).collect::<Vec<_>>(),
        [tags::PATIENT_NAME, tags::IMAGE_COMMENTS]
    );
    home.rest();
    undo_newest(&archive, &first[0].study).await;
    assert_eq!(only(&archive, Kind::Conflict).await.study.uid.as_str(), "1.2.1");
    assert!(!line(&archive, "2").await.flags().contains(&"conflict"));

    // Of instances that become a series of their own, in both.
    home.rest();
    let to = Target::Study(first[2].study.clone());
    move_(&archive, &first[0].study, What::Instances(vec![first[0].uid.clone()]), to).await;
    let mut open = listed(&archive, State::Open).await;
    open.sort_by_key(|one| one.study.uid.to_string());
    assert_eq!(open.iter().map(|one| one.study.uid.as_str()).collect::<Vec<_>>(), ["1.2.1", "1.2.2"]);
    answer(&archive, open[1].id, (Answer::ServeNewest, None)).await.unwrap();
    undo_newest(&archive, &first[0].study).await;
    assert_eq!(only(&archive, Kind::Conflict).await.study.uid.as_str(), "1.2.1");
    archive.close().await;
}

async fn what_was_said_of_deleted_contents_is_said_of_no_others(home: Home) {
    let config = Config { serve: Serve::Newest, ..home.config.clone() };
    let archive = home.open_as(config).await.unwrap();
    let first = image("1", 1, A, "first");
    send_all(&archive, std::slice::from_ref(&first)).await;
    send(&archive, &image("1", 1, A, "second")).await.unwrap();
    let found = only(&archive, Kind::Conflict).await;
    answer(&archive, found.id, (Answer::ServeFirst, None)).await.unwrap();
    home.rest();
    delete(&archive, storage::Subject::Study(first.study.clone())).await;
    home.rest();
    send_all(&archive, &[image("1", 1, A, "third")]).await;
    home.rest();
    send(&archive, &image("1", 1, A, "fourth")).await.unwrap();
    assert_eq!(served(&archive, &first).await, "fourth", "the archive's rule");
    only(&archive, Kind::Conflict).await;
    archive.close().await;
}
