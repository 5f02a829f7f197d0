//! Who is who: numbers, mergers and their undoing.

use futures::TryStreamExt;
use pacs_core::access::{Actor, Scope};
use pacs_core::dataset::{DataSet, vr_of};
use pacs_core::query::{Level, Query};
use pacs_core::{Tag, tags};
use storage::Error;
use storage::exams::search::{self, StudyLine};
use storage::exams::{self, Exam, linking};
use storage::identity::assigning::{self, Owner};
use storage::identity::identifiers::{self, Number};
use storage::identity::{merging, record};
use storage::index::PatientId;
use storage::schedule::{self, NewOrder, OrderPatient};
use storage::{acts, events};

use crate::backends::{Fresh, on_every_engine};
use crate::samples::*;

on_every_engine!(
    a_merge_moves_everything_and_its_undoing_gives_it_back,
    a_survivor_is_found_by_every_number,
    mergers_are_undone_in_any_order,
    images_that_arrive_during_mergers_are_somebodys,
    exams_that_a_merge_joined_are_parted_with_it,
    a_merged_patients_device_may_still_have_the_old_name,
    numbers_are_linked_and_taken_away,
    issuers_and_other_numbers_are_read_from_images,
    a_number_that_was_taken_away_stays_away,
    what_was_given_to_a_patient_stays_without_its_number,
    a_study_is_given_to_another_patient_and_back,
    only_ones_own_patients_are_changed,
    a_year_of_birth_becomes_a_day,
);

fn of(study: &str, patient_id: &'static str, name: &'static str) -> Image {
    Image { study: study.into(), series: format!("{study}.1"), patient_id, name, ..Image::default() }
}

async fn line(fresh: &Fresh, study: &str) -> StudyLine {
    search::study(&fresh.db, &Scope::All, &uid(study)).await.unwrap().unwrap()
}

async fn whose(fresh: &Fresh, study: &str) -> PatientId {
    line(fresh, study).await.patient_id
}

/// The studies of which answers would tell another number than the one that their patient is registered by.
const UNDER_ANOTHER_NUMBER: &str = "
    select t.uid from study t join patient p on p.id = t.patient_id join issuer j on j.id = p.issuer_id
    where coalesce(t.registered_identifier, t.patient_identifier)
        <> case when p.identifier like '?%' then t.patient_identifier else p.identifier end
        or coalesce(t.registered_issuer, t.patient_issuer)
        <> case when p.identifier like '?%' then t.patient_issuer else j.code end";

/// The studies of a patient's imaging record, oldest first. Whatever was done before, all rows tell whose they are.
async fn studies(fresh: &Fresh, patient: PatientId) -> Vec<String> {
    assert_eq!(fresh.db.fetch(UNDER_ANOTHER_NUMBER, vec![]).await.unwrap().len(), 0);
    let record = record::of(&fresh.db, &Scope::All, patient).await.unwrap().unwrap();
    let mut uids: Vec<_> = record.studies.iter().map(|study| study.uid.to_string()).collect();
    uids.sort();
    uids
}

async fn merge(fresh: &Fresh, from: PatientId, into: PatientId) -> Result<i64, Error> {
    merging::merge(&fresh.db, &Scope::All, &clerk(), (from, into), Some("đăng ký hai lần"), NOW_MS).await
}

async fn unmerge(fresh: &Fresh, from: PatientId) -> Result<(), Error> {
    merging::unmerge(&fresh.db, &Scope::All, &clerk(), from, None, NOW_MS).await
}

fn order_for(id: &str, name: &str, accession: &str) -> NewOrder {
    NewOrder {
        patient: OrderPatient { id: Some(id.into()), name: name.into(), ..OrderPatient::default() },
        accession_number: Some(accession.into()),
        ..order()
    }
}

async fn ordered(fresh: &Fresh, id: &str, name: &str, accession: &str) -> Exam {
    let order = order_for(id, name, accession);
    schedule::create_order(&fresh.db, &order, &clerk(), NOW_MS).await.unwrap()
}

async fn patient_of(fresh: &Fresh, exam: &Exam) -> String {
    exams::by_id(&fresh.db, &Scope::All, exam.id).await.unwrap().unwrap().patient.id
}

async fn a_merge_moves_everything_and_its_undoing_gives_it_back(fresh: Fresh) {
    store(&fresh.db, &[of("1.2.1", "BN001", "NGUYỄN^VĂN A"), of("1.2.2", "BN002", "NGUYEN VAN AN")]).await;
    let early = ordered(&fresh, "BN001", "NGUYỄN^VĂN A", "A1").await;
    let (from, into) = (whose(&fresh, "1.2.1").await, whose(&fresh, "1.2.2").await);
    merge(&fresh, from, into).await.unwrap();
    assert_eq!(studies(&fresh, into).await, ["1.2.1", "1.2.2"]);
    assert_eq!(studies(&fresh, from).await, ["1.2.1", "1.2.2"], "the old record leads to the survivor's");
    let sent = line(&fresh, "1.2.1").await.patient;
    assert_eq!((sent.id.as_str(), sent.name.as_str()), ("BN001", "NGUYỄN^VĂN A"), "as sent");
    assert_eq!(patient_of(&fresh, &early).await, "BN002");
    let found = storage::identity::search(&fresh.db, "BN001").await.unwrap();
    assert_eq!(found.iter().map(|found| found.person.id.as_str()).collect::<Vec<_>>(), ["BN002"]);

    // What comes late goes to the survivor, without a doubt, and so does an order.
    let late = of("1.2.3", "BN001", "NGUYỄN^VĂN A");
    assert_eq!(store(&fresh.db, &[late]).await, [storage::Decision::Accepted { doubt: false }]);
    store(&fresh.db, &[of("1.2.4", "BN002", "NGUYEN VAN AN")]).await;
    let late = ordered(&fresh, "BN001", "NGUYỄN^VĂN A", "A2").await;
    let others = ordered(&fresh, "BN002", "NGUYEN VAN AN", "A3").await;
    assert_eq!(studies(&fresh, into).await, ["1.2.1", "1.2.2", "1.2.3", "1.2.4"]);
    assert_eq!(patient_of(&fresh, &late).await, "BN002");
    let record = record::of(&fresh.db, &Scope::All, into).await.unwrap().unwrap();
    let numbers: Vec<_> = record.numbers.iter().map(|number| number.identifier.as_str()).collect();
    assert_eq!(numbers, ["BN001", "BN002"]);
    let [merged] = &record.merged[..] else { panic!("{:?}", record.merged) };
    assert_eq!(
        (merged.person.id.as_str(), merged.study_count, merged.by.as_deref()),
        ("BN001", 2, Some("user:clerk"))
    );
    assert_eq!(merged.reason.as_deref(), Some("đăng ký hai lần"));

    unmerge(&fresh, from).await.unwrap();
    assert_eq!(studies(&fresh, from).await, ["1.2.1", "1.2.3"], "what came late under its number, too");
    assert_eq!(studies(&fresh, into).await, ["1.2.2", "1.2.4"]);
    for (exam, want) in [(&early, "BN001"), (&late, "BN001"), (&others, "BN002")] {
        assert_eq!(patient_of(&fresh, exam).await, want);
    }
    let record = record::of(&fresh.db, &Scope::All, from).await.unwrap().unwrap();
    assert_eq!(record.numbers.len(), 1);
    let left = "select count(*) from study where own_patient_id is not null";
    assert_eq!(fresh.db.fetch(left, vec![]).await.unwrap()[0].at::<i64>(0).unwrap(), 0);
    let told = acts::of_subject(&fresh.db, "BN001^^^BVTW", 10).await.unwrap();
    assert_eq!(
        told.iter().map(|act| act.kind.as_str()).collect::<Vec<_>>(),
        ["patient.unmerge", "patient.merge"]
    );
    assert_eq!(told[0].undoes, Some(told[1].id));
    let events = events::since(&fresh.db, 0, 100).await.unwrap();
    assert!(events.iter().any(|event| event.kind == events::EventKind::PatientChanged));

    let twice = unmerge(&fresh, from).await;
    assert!(matches!(twice, Err(Error::Conflict(_))), "{twice:?}");
    let with_itself = merge(&fresh, into, into).await;
    assert!(matches!(with_itself, Err(Error::Conflict(_))), "{with_itself:?}");
}

async fn a_survivor_is_found_by_every_number(fresh: Fresh) {
    let by_card = Image {
        issuer: Some("CCCD"),
        issuer_oid: Some("1.2.704.9"),
        ..of("1.2.3", "079080000001", "NGUYỄN^VĂN A")
    };
    let nameless = Image { patient_id: "", ..of("1.2.5", "", "CHƯA RÕ") };
    store(
        &fresh.db,
        &[
            Image {
                others: &[("079080000001", "CCCD"), ("X9", "ELSEWHERE")],
                ..of("1.2.1", "BN001", "NGUYỄN^VĂN A")
            },
            of("1.2.2", "BN002", "NGUYEN VAN AN"),
            by_card,
            Image { facility: "BVH", ..of("1.2.4", "BN001", "TRẦN^THỊ B") },
            nameless,
        ],
    )
    .await;
    let (from, into) = (whose(&fresh, "1.2.1").await, whose(&fresh, "1.2.2").await);
    merge(&fresh, from, into).await.unwrap();

    let whole = ["1.2.1", "1.2.2", "1.2.3"].as_slice();
    for (keys, want) in [
        (vec![(tags::PATIENT_ID, "BN002")], whole),
        (vec![(tags::PATIENT_ID, "BN002"), (tags::ISSUER_OF_PATIENT_ID, "BVTW")], whole),
        (vec![(tags::PATIENT_ID, "079080000001")], whole),
        (vec![(tags::PATIENT_ID, "0790*"), (tags::ISSUER_OF_PATIENT_ID, "CC*")], whole),
        (vec![(tags::PATIENT_ID, "*80000001")], whole),
        // A number of the other hospital too; its issuer tells the two apart.
        (vec![(tags::PATIENT_ID, "BN001")], &["1.2.1", "1.2.2", "1.2.3", "1.2.4"]),
        (vec![(tags::PATIENT_ID, "BN001"), (tags::ISSUER_OF_PATIENT_ID, "BVTW")], whole),
        (vec![(tags::PATIENT_ID, "BN001"), (tags::ISSUER_OF_PATIENT_ID, "BVH")], &["1.2.4"]),
        // The number and the issuer of two different numbers are nobody's.
        (vec![(tags::PATIENT_ID, "BN002"), (tags::ISSUER_OF_PATIENT_ID, "CCCD")], &[]),
        (vec![(tags::ISSUER_OF_PATIENT_ID, "CCCD")], whole),
        (vec![(tags::PATIENT_ID, NO_VALUE)], &["1.2.5"]),
        (vec![(tags::PATIENT_ID, "?1.2.5")], &[]),
    ] {
        let mut keys = keys;
        keys.push((tags::OTHER_PATIENT_I_DS_SEQUENCE, ""));
        for level in [Level::Study, Level::Series, Level::Instance] {
            let mut studies: Vec<_> = answers(&fresh, level, &keys)
                .await
                .iter()
                .map(|answer| answer.text(tags::STUDY_INSTANCE_UID).unwrap())
                .collect();
            studies.sort();
            assert_eq!(studies, want, "{level:?} {keys:?}");
        }
        let query = query(Level::Patient, &keys);
        let places: Vec<_> =
            storage::query::find_places(&fresh.db, &query, &Scope::All).try_collect().await.unwrap();
        assert_eq!(places.len(), want.len(), "{keys:?}");
        let patients = answers(&fresh, Level::Patient, &keys).await.len();
        assert_eq!(patients, if want.len() == 4 { 2 } else { usize::from(!want.is_empty()) }, "{keys:?}");
    }
    // Every answer names the survivor, with the other numbers beside.
    let keys = [
        (tags::PATIENT_ID, "079080000001"),
        (tags::ISSUER_OF_PATIENT_ID, ""),
        (tags::OTHER_PATIENT_I_DS_SEQUENCE, ""),
        (tags::ISSUER_OF_PATIENT_ID_QUALIFIERS_SEQUENCE, ""),
    ];
    for level in [Level::Patient, Level::Study, Level::Series, Level::Instance] {
        for answer in answers(&fresh, level, &keys).await {
            let of = |set: &DataSet| {
                (set.text(tags::PATIENT_ID).unwrap(), set.text(tags::ISSUER_OF_PATIENT_ID).unwrap())
            };
            assert_eq!(of(&answer), ("BN002".into(), "BVTW".into()), "{level:?}");
            let qualifiers = answer.items(tags::ISSUER_OF_PATIENT_ID_QUALIFIERS_SEQUENCE);
            assert!(qualifiers.is_empty(), "they are of the issuer of another number");
            let mut others: Vec<_> = answer.items(tags::OTHER_PATIENT_I_DS_SEQUENCE).iter().map(of).collect();
            // What an image says of a number that nobody here issues stays in its answers.
            others.retain(|(number, _)| number != "X9");
            assert_eq!(others, [("BN001".into(), "BVTW".into()), ("079080000001".into(), "CCCD".into())]);
        }
    }
    unmerge(&fresh, from).await.unwrap();
    let parted = answers(
        &fresh,
        Level::Study,
        &[(tags::PATIENT_ID, "BN002"), (tags::OTHER_PATIENT_I_DS_SEQUENCE, "")],
    )
    .await;
    assert_eq!(parted.len(), 1);
    assert!(parted[0].items(tags::OTHER_PATIENT_I_DS_SEQUENCE).is_empty());
}

/// Asks for what has no value.
const NO_VALUE: &str = "\"\"";

fn query(level: Level, keys: &[(Tag, &str)]) -> Query {
    let mut query = Query::new(level);
    for (tag, value) in keys {
        match *value {
            NO_VALUE => query.add_empty(&[*tag]),
            value => query.add(&[*tag], vr_of(*tag), value).unwrap(),
        }
    }
    query
}

async fn answers(fresh: &Fresh, level: Level, keys: &[(Tag, &str)]) -> Vec<DataSet> {
    storage::query::find(&fresh.db, &query(level, keys), &Scope::All).try_collect().await.unwrap()
}

async fn mergers_are_undone_in_any_order(fresh: Fresh) {
    let images = ["BN001", "BN002", "BN003"].map(|id| of(&format!("1.2.{}", &id[4..]), id, "NGUYỄN^VĂN A"));
    store(&fresh.db, &images).await;
    let [a, b, c] =
        [whose(&fresh, "1.2.1").await, whose(&fresh, "1.2.2").await, whose(&fresh, "1.2.3").await];
    merge(&fresh, a, b).await.unwrap();
    let gone = merge(&fresh, a, c).await;
    assert!(matches!(gone, Err(Error::Conflict(_))), "{gone:?}");
    merge(&fresh, b, c).await.unwrap();
    assert_eq!(studies(&fresh, c).await, ["1.2.1", "1.2.2", "1.2.3"]);
    // The first before the second.
    unmerge(&fresh, a).await.unwrap();
    assert_eq!(studies(&fresh, a).await, ["1.2.1"]);
    assert_eq!(studies(&fresh, c).await, ["1.2.2", "1.2.3"]);
    merge(&fresh, a, c).await.unwrap();
    unmerge(&fresh, b).await.unwrap();
    assert_eq!(studies(&fresh, b).await, ["1.2.2"]);
    assert_eq!(studies(&fresh, c).await, ["1.2.1", "1.2.3"]);
    unmerge(&fresh, a).await.unwrap();
    assert_eq!(studies(&fresh, c).await, ["1.2.3"]);
    // Those who were merged into the merged go back with it.
    merge(&fresh, a, b).await.unwrap();
    merge(&fresh, b, c).await.unwrap();
    unmerge(&fresh, b).await.unwrap();
    assert_eq!(studies(&fresh, b).await, ["1.2.1", "1.2.2"]);
    assert_eq!(studies(&fresh, a).await, ["1.2.1", "1.2.2"]);
}

async fn images_that_arrive_during_mergers_are_somebodys(fresh: Fresh) {
    store(&fresh.db, &[of("1.2.1", "BN001", "NGUYỄN^VĂN A"), of("1.2.2", "BN002", "NGUYỄN^VĂN A")]).await;
    let (from, into) = (whose(&fresh, "1.2.1").await, whose(&fresh, "1.2.2").await);
    let segment = segment(&fresh.db).await;
    let pushing: Vec<_> = (0..64)
        .map(|at: u64| {
            let arrivals = arrivals(&fresh.db);
            let id = if at.is_multiple_of(2) { "BN001" } else { "BN002" };
            let instance = of(&format!("1.3.{at}"), id, "NGUYỄN^VĂN A").at(segment, at * 8192);
            tokio::spawn(async move { decide(&arrivals, &[instance]).await })
        })
        .collect();
    for _ in 0..5 {
        merge(&fresh, from, into).await.unwrap();
        unmerge(&fresh, from).await.unwrap();
    }
    merge(&fresh, from, into).await.unwrap();
    for task in pushing {
        task.await.unwrap();
    }
    assert_eq!(studies(&fresh, into).await.len(), 66, "nobody's images stay behind");
    unmerge(&fresh, from).await.unwrap();
    assert_eq!((studies(&fresh, from).await.len(), studies(&fresh, into).await.len()), (33, 33));
}

async fn exams_that_a_merge_joined_are_parted_with_it(fresh: Fresh) {
    store(&fresh.db, &[of("1.2.1", "BN001", "NGUYỄN^VĂN A"), of("1.2.2", "BN002", "NGUYỄN^VĂN A")]).await;
    let (from, into) = (whose(&fresh, "1.2.1").await, whose(&fresh, "1.2.2").await);
    let (by_rule, by_hand) = (
        ordered(&fresh, "BN002", "NGUYỄN^VĂN A", "A1").await,
        ordered(&fresh, "BN002", "NGUYỄN^VĂN A", "A2").await,
    );
    merge(&fresh, from, into).await.unwrap();
    // The survivor's order, and images under the number that was merged away.
    let image = |study, accession: &str| Image {
        accession: Some(accession.into()),
        ..of(study, "BN001", "NGUYỄN^VĂN A")
    };
    store(&fresh.db, &[image("1.2.3", "A1"), image("1.2.4", "A9")]).await;
    assert_eq!(line(&fresh, "1.2.3").await.exam, Some(by_rule.id));
    linking::link(&fresh.db, &Scope::All, &clerk(), &uid("1.2.4"), by_hand.id, None, NOW_MS).await.unwrap();
    unmerge(&fresh, from).await.unwrap();
    let parted = line(&fresh, "1.2.3").await;
    assert_eq!((parted.exam, parted.unmatched_reason.as_deref()), (None, Some("patientDiffers")));
    assert_eq!(line(&fresh, "1.2.4").await.exam, Some(by_hand.id), "what a person said stays");
    let exam = exams::by_id(&fresh.db, &Scope::All, by_rule.id).await.unwrap().unwrap();
    assert_eq!(exam.state, pacs_core::exam::StepState::Scheduled, "it waits for its images again");
}

async fn a_merged_patients_device_may_still_have_the_old_name(fresh: Fresh) {
    // Brought in without a name; who it is turns out while the images are being made.
    let unknown = "CHƯA RÕ DANH TÍNH 091500";
    let exam = ordered(&fresh, "TAM01", unknown, "A1").await;
    ordered(&fresh, "BN001", "NGUYỄN^VĂN A", "A2").await;
    let find = async |id: &str| storage::identity::search(&fresh.db, id).await.unwrap()[0].id;
    merge(&fresh, find("TAM01").await, find("BN001").await).await.unwrap();
    let image = Image { accession: Some("A1".into()), birth_date: None, ..of("1.2.1", "TAM01", unknown) };
    assert_eq!(store(&fresh.db, &[image]).await, [storage::Decision::Accepted { doubt: false }]);
    assert_eq!(line(&fresh, "1.2.1").await.exam, Some(exam.id));
}

async fn numbers_are_linked_and_taken_away(fresh: Fresh) {
    store(&fresh.db, &[of("1.2.1", "BN001", "NGUYỄN^VĂN A"), of("1.2.2", "BN002", "TRẦN^THỊ B")]).await;
    let (a, b) = (whose(&fresh, "1.2.1").await, whose(&fresh, "1.2.2").await);
    let card = Number { identifier: "079080000001", issuer: "CCCD" };
    let link = async |patient, number| {
        identifiers::link(&fresh.db, &Scope::All, &clerk(), patient, number, None, NOW_MS).await
    };
    let unlink = async |patient, number| {
        identifiers::unlink(&fresh.db, &Scope::All, &clerk(), patient, number, None, NOW_MS).await
    };
    link(a, card).await.unwrap();
    let taken = link(b, card).await;
    assert!(matches!(taken, Err(Error::Conflict(_))), "{taken:?}");
    let nobody = link(a, Number { identifier: "1", issuer: "NOBODY" }).await;
    assert!(matches!(nobody, Err(Error::Conflict(_))), "{nobody:?}");
    let theirs = link(a, Number { identifier: "BN002", issuer: "BVTW" }).await;
    assert!(matches!(theirs, Err(Error::Conflict(_))), "two patients are merged, not linked: {theirs:?}");
    // Images that name the person by the card.
    let by_card = Image { issuer: Some("CCCD"), ..of("1.2.3", "079080000001", "NGUYỄN^VĂN A") };
    store(&fresh.db, &[by_card]).await;
    assert_eq!(studies(&fresh, a).await, ["1.2.1", "1.2.3"]);

    unlink(a, card).await.unwrap();
    assert_eq!(studies(&fresh, a).await, ["1.2.1"]);
    assert_ne!(whose(&fresh, "1.2.3").await, a, "it is whose its number says");
    let gone = unlink(a, card).await;
    assert!(matches!(gone, Err(Error::NotFound)), "{gone:?}");
    let own = unlink(a, Number { identifier: "BN001", issuer: "BVTW" }).await;
    assert!(matches!(own, Err(Error::Conflict(_))), "{own:?}");
}

async fn issuers_and_other_numbers_are_read_from_images(fresh: Fresh) {
    store(&fresh.db, &[of("1.2.1", "BN001", "NGUYỄN^VĂN A")]).await;
    fresh.db.execute("update issuer set oid = '1.2.704.1' where code = 'BVTW'", vec![]).await.unwrap();
    let a = whose(&fresh, "1.2.1").await;
    let elsewhere = Image { facility: "BVH", ..of("1.2.2", "BN001", "TRẦN^THỊ B") };
    let referred = Image { facility: "BVH", issuer: Some("BVTW"), ..of("1.2.3", "BN001", "NGUYỄN^VĂN A") };
    // The universal identifier counts more than a name that every hospital gives itself.
    let universal = Image {
        facility: "BVH",
        issuer: Some("HIS"),
        issuer_oid: Some("1.2.704.1"),
        ..of("1.2.4", "BN001", "NGUYEN VAN A")
    };
    let others: &[(&str, &str)] = &[("079080000001", "CCCD"), ("HS4797912345678", "BHYT"), ("7", "NOBODY")];
    let named = Image { others, ..of("1.2.5", "BN001", "NGUYỄN^VĂN A") };
    store(&fresh.db, &[elsewhere, referred, universal, named]).await;
    assert_ne!(whose(&fresh, "1.2.2").await, a, "another hospital's number");
    assert_eq!(studies(&fresh, a).await, ["1.2.1", "1.2.3", "1.2.4", "1.2.5"]);
    let record = record::of(&fresh.db, &Scope::All, a).await.unwrap().unwrap();
    let numbers: Vec<_> =
        record.numbers.iter().map(|number| (number.issuer.as_str(), number.identifier.as_str())).collect();
    assert_eq!(numbers, [("BHYT", "HS4797912345678"), ("BVTW", "BN001"), ("CCCD", "079080000001")]);
    let by_card =
        Image { issuer: Some("CCCD"), facility: "BVH", ..of("1.2.6", "079080000001", "NGUYỄN^VĂN A") };
    store(&fresh.db, &[by_card]).await;
    assert_eq!(whose(&fresh, "1.2.6").await, a);
}

async fn a_number_that_was_taken_away_stays_away(fresh: Fresh) {
    let named =
        |study| Image { others: &[("079080000001", "CCCD")], ..of(study, "BN001", "NGUYỄN^VĂN A") };
    store(&fresh.db, &[named("1.2.1")]).await;
    let a = whose(&fresh, "1.2.1").await;
    let card = Number { identifier: "079080000001", issuer: "CCCD" };
    let numbers = async || {
        let record = record::of(&fresh.db, &Scope::All, a).await.unwrap().unwrap();
        record.numbers.into_iter().map(|number| number.issuer).collect::<Vec<_>>()
    };
    assert_eq!(numbers().await, ["BVTW", "CCCD"]);
    identifiers::unlink(&fresh.db, &Scope::All, &clerk(), a, card, None, NOW_MS).await.unwrap();
    store(&fresh.db, &[named("1.2.2")]).await;
    assert_eq!(numbers().await, ["BVTW"], "the console goes on to send what somebody has found wrong");
    // Until a person gives it back.
    identifiers::link(&fresh.db, &Scope::All, &clerk(), a, card, None, NOW_MS).await.unwrap();
    store(&fresh.db, &[named("1.2.3")]).await;
    assert_eq!(numbers().await, ["BVTW", "CCCD"]);
}

async fn what_was_given_to_a_patient_stays_without_its_number(fresh: Fresh) {
    store(&fresh.db, &[of("1.2.1", "BN001", "NGUYỄN^VĂN A"), of("1.2.2", "BN002", "NGUYỄN^VĂN A")]).await;
    let (a, b) = (whose(&fresh, "1.2.1").await, whose(&fresh, "1.2.2").await);
    let (all, clerk, given) = (&Scope::All, clerk(), Owner::Known(b));
    let number = Number { identifier: "BN009", issuer: "BVTW" };
    identifiers::link(&fresh.db, all, &clerk, b, number, None, NOW_MS).await.unwrap();
    store(&fresh.db, &[of("1.2.3", "BN009", "NGUYỄN^VĂN A"), of("1.2.4", "BN009", "NGUYỄN^VĂN A")]).await;
    // To somebody else and back: since then a person has said whose it is.
    for owner in [Owner::Known(a), given] {
        assigning::assign(&fresh.db, all, &clerk, &uid("1.2.3"), owner, None, NOW_MS).await.unwrap();
    }
    identifiers::unlink(&fresh.db, all, &clerk, b, number, None, NOW_MS).await.unwrap();
    assert_eq!(studies(&fresh, b).await, ["1.2.2", "1.2.3"]);
}

async fn a_study_is_given_to_another_patient_and_back(fresh: Fresh) {
    store(&fresh.db, &[of("1.2.1", "BN001", "NGUYỄN^VĂN A"), of("1.2.2", "BN001", "TRẦN^THỊ B")]).await;
    let a = whose(&fresh, "1.2.1").await;
    assert_eq!(studies(&fresh, a).await, ["1.2.1", "1.2.2"]);
    let assign = async |study: &str, owner| {
        assigning::assign(&fresh.db, &Scope::All, &clerk(), &uid(study), owner, Some("gõ nhầm mã"), NOW_MS)
            .await
    };
    let (_, alone) = assign("1.2.2", Owner::New).await.unwrap();
    assert_eq!(studies(&fresh, a).await, ["1.2.1"]);
    let own = record::of(&fresh.db, &Scope::All, alone).await.unwrap().unwrap();
    assert_eq!((own.person.id.as_str(), own.person.name.as_str()), ("", "TRẦN^THỊ B"));
    assert_eq!(line(&fresh, "1.2.2").await.patient.id, "BN001", "as sent");
    assign("1.2.2", Owner::AsSent).await.unwrap();
    assert_eq!(studies(&fresh, a).await, ["1.2.1", "1.2.2"]);

    store(&fresh.db, &[of("1.2.3", "BN002", "TRẦN^THỊ B")]).await;
    let b = whose(&fresh, "1.2.3").await;
    assign("1.2.2", Owner::Known(b)).await.unwrap();
    assert_eq!(studies(&fresh, b).await, ["1.2.2", "1.2.3"]);
    let again = assign("1.2.2", Owner::Known(b)).await;
    assert!(matches!(again, Err(Error::Conflict(_))), "{again:?}");
    // A merge moves it with the patient it was given to, and back.
    store(&fresh.db, &[of("1.2.4", "BN003", "TRẦN^THỊ B")]).await;
    let c = whose(&fresh, "1.2.4").await;
    merge(&fresh, b, c).await.unwrap();
    let gone = assign("1.2.1", Owner::Known(b)).await;
    assert!(matches!(gone, Err(Error::Conflict(_))), "{gone:?}");
    assert_eq!(studies(&fresh, c).await, ["1.2.2", "1.2.3", "1.2.4"]);
    unmerge(&fresh, b).await.unwrap();
    assert_eq!(studies(&fresh, b).await, ["1.2.2", "1.2.3"]);
}

async fn only_ones_own_patients_are_changed(fresh: Fresh) {
    let there = Image { facility: "BVH", ..of("1.2.2", "BN002", "NGUYỄN^VĂN A") };
    store(&fresh.db, &[of("1.2.1", "BN001", "NGUYỄN^VĂN A"), there]).await;
    let (here, there) = (whose(&fresh, "1.2.1").await, whose(&fresh, "1.2.2").await);
    let own = Scope::Facilities(vec!["BVH".into()]);
    let merge = async |scope: &Scope, from, into| {
        merging::merge(&fresh.db, scope, &Actor::system(), (from, into), None, NOW_MS).await
    };
    let hidden = merge(&own, here, there).await;
    assert!(matches!(hidden, Err(Error::NotFound)), "{hidden:?}");
    let nothing = merge(&Scope::Facilities(vec![]), here, there).await;
    assert!(matches!(nothing, Err(Error::NotFound)), "{nothing:?}");
    assert!(record::of(&fresh.db, &own, here).await.unwrap().is_none());
    assert!(record::of(&fresh.db, &Scope::All, PatientId(4711)).await.unwrap().is_none());
    merge(&own, there, here).await.unwrap();
    let record = record::of(&fresh.db, &own, here).await.unwrap().unwrap();
    assert_eq!(record.studies.len(), 1, "of the other hospital nothing is shown");
    let study = uid("1.2.1");
    let hidden = assigning::assign(&fresh.db, &own, &Actor::system(), &study, Owner::New, None, NOW_MS).await;
    assert!(matches!(hidden, Err(Error::NotFound)), "{hidden:?}");
}

async fn a_year_of_birth_becomes_a_day(fresh: Fresh) {
    let born =
        |study, birth_date| Image { birth_date: Some(birth_date), ..of(study, "BN001", "NGUYỄN^VĂN A") };
    let accepted = storage::Decision::Accepted { doubt: false };
    assert_eq!(store(&fresh.db, &[born("1.2.1", "1980"), born("1.2.2", "19800101")]).await, [accepted; 2]);
    let patient = OrderPatient { birth_date: Some("19800520".into()), ..order().patient };
    schedule::create_order(&fresh.db, &NewOrder { patient, ..order() }, &clerk(), NOW_MS).await.unwrap();
    let known =
        async || storage::identity::search(&fresh.db, "BN001").await.unwrap()[0].person.birth_date.clone();
    assert_eq!(known().await.as_deref(), Some("19800520"));
    // A console that has only the year takes nothing away, and raises no doubt.
    assert_eq!(store(&fresh.db, &[born("1.2.3", "19800101")]).await, [accepted]);
    let patient = OrderPatient { birth_date: Some("19800101".into()), ..order().patient };
    schedule::create_order(&fresh.db, &NewOrder { patient, ..order() }, &clerk(), NOW_MS).await.unwrap();
    assert_eq!(known().await.as_deref(), Some("19800520"));
    assert_eq!(
        store(&fresh.db, &[born("1.2.4", "19810101")]).await,
        [storage::Decision::Accepted { doubt: true }]
    );
}
