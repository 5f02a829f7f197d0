//! Orders meet images: by rule, by a person, and what moves an exam.

use std::collections::BTreeSet;

use pacs_core::access::{Actor, Scope};
use pacs_core::exam::{Label, StepAct, StepState};
use storage::Error;
use storage::events::{self, EventKind};
use storage::exams::{self, Exam, ExamId, finding, linking, moves, search, undo, unmatched};
use storage::schedule::{self, Day, NewOrder, OrderPatient};

use crate::backends::{Fresh, on_every_engine};
use crate::samples::*;

on_every_engine!(
    images_of_an_order_move_its_label,
    only_facility_number_and_patient_together_match,
    who_requested_an_exam_hears_that_it_has_lost_a_study,
    documents_never_move_an_exam,
    an_order_finds_images_that_came_before_it,
    a_person_links_and_takes_back,
    an_exam_without_a_place_goes_back_to_where_it_was,
    people_move_an_exam_by_its_laws,
    the_last_act_is_taken_back_and_no_other,
    what_is_taken_back_gives_the_reason_from_before_again,
    a_quiet_device_ends_an_exam,
    a_cancelled_exam_takes_no_images,
    late_images_of_a_cancelled_exam_wait,
    what_a_person_parted_stays_parted_whoever_orders,
    documents_that_came_first_do_not_begin_an_exam,
    an_exam_that_was_begun_again_is_not_ended_at_once,
    numbers_that_others_have_given_are_passed_by,
    orders_find_their_patients,
    many_orders_at_once_have_numbers_of_their_own,
    the_day_is_read_by_room_and_modality,
    an_order_of_another_facility_is_offered_to_whoever_sees_it,
    any_order_is_found_by_number_and_by_patient,
);

async fn ordered(fresh: &Fresh) -> Exam {
    schedule::create_order(&fresh.db, &order(), &clerk(), NOW_MS).await.unwrap()
}

async fn exam(fresh: &Fresh, id: ExamId) -> Exam {
    exams::by_id(&fresh.db, &Scope::All, id).await.unwrap().unwrap()
}

async fn act(fresh: &Fresh, id: ExamId, act: StepAct, reason: Option<&str>) -> Result<Exam, Error> {
    moves::act(&fresh.db, &Scope::All, &clerk(), id, act, reason, NOW_MS).await
}

fn image_of(exam: &Exam) -> Image {
    Image { accession: Some(exam.accession_number.clone()), ..Image::default() }
}

async fn images_of_an_order_move_its_label(fresh: Fresh) {
    let ordered = ordered(&fresh).await;
    assert_eq!((ordered.label(), ordered.accession_number.as_str()), (Label::Scheduled, "26092100001"));
    let cursor = events::newest(&fresh.db).await.unwrap();
    // The console knows no Vietnamese letters.
    store(&fresh.db, &[Image { name: "NGUYEN^VAN A", ..image_of(&ordered) }]).await;
    let after = exam(&fresh, ordered.id).await;
    assert_eq!(after.label(), Label::InProgress);
    assert_eq!(
        (after.study_uid.as_deref(), after.instance_count, after.started_ms),
        (Some("1.2.1"), 1, Some(NOW_MS))
    );
    let line = search::study(&fresh.db, &Scope::All, &uid("1.2.1")).await.unwrap().unwrap();
    assert_eq!((line.label(), line.exam), (Some(Label::InProgress), Some(ordered.id)));
    assert!(line.flags().is_empty());
    let told = events::since(&fresh.db, cursor, 100).await.unwrap();
    assert!(
        told.iter().any(|event| event.kind == EventKind::ExamChanged && event.exam_id == Some(ordered.id.0))
    );
    assert!(unmatched::list(&fresh.db, &Scope::All, None, 10).await.unwrap().items.is_empty());
}

async fn only_facility_number_and_patient_together_match(fresh: Fresh) {
    let ordered = ordered(&fresh).await;
    let cases = [
        ("2.1", Image { accession: None, ..Image::default() }, "noAccession"),
        ("2.2", Image { accession: Some("4711".into()), ..Image::default() }, "noOrder"),
        ("2.3", Image { facility: "BVH", ..image_of(&ordered) }, "facilityDiffers"),
        ("2.4", Image { patient_id: "BN002", name: "TRẦN^B", ..image_of(&ordered) }, "patientDiffers"),
        ("2.5", Image { name: "TRẦN^THỊ B", ..image_of(&ordered) }, "patientDiffers"),
        ("2.6", Image { issuer: Some("CCCD"), ..image_of(&ordered) }, "patientDiffers"),
    ];
    for (study, image, want) in cases {
        let image = Image { study: study.into(), series: format!("{study}.1"), ..image };
        store(&fresh.db, &[image]).await;
        let line = search::study(&fresh.db, &Scope::All, &uid(study)).await.unwrap().unwrap();
        assert_eq!((line.unmatched_reason.as_deref(), line.exam), (Some(want), None), "{study}");
    }
    assert_eq!(exam(&fresh, ordered.id).await.label(), Label::Scheduled, "nothing has moved");
    let waiting = unmatched::list(&fresh.db, &Scope::All, None, 10).await.unwrap().items;
    assert_eq!(waiting.len(), 6);
    let first_of = |study: &str| {
        let found = waiting.iter().find(|waits| waits.study.uid == study).unwrap();
        found.candidates.first().map(|exam| exam.id)
    };
    for study in ["2.1", "2.4", "2.5"] {
        assert_eq!(first_of(study), Some(ordered.id), "{study}");
    }
    assert_eq!(
        first_of("2.3"),
        Some(ordered.id),
        "the other facility's order is the one that its reason speaks of"
    );
}

async fn documents_never_move_an_exam(fresh: Fresh) {
    let ordered = ordered(&fresh).await;
    store(&fresh.db, &[Image { modality: "SR", ..image_of(&ordered) }]).await;
    let after = exam(&fresh, ordered.id).await;
    assert_eq!((after.state, after.instance_count), (StepState::Scheduled, 1), "linked, not moved");
    store(&fresh.db, &[Image { series: "1.2.1.2".into(), ..image_of(&ordered) }]).await;
    assert_eq!(exam(&fresh, ordered.id).await.state, StepState::Started);
}

async fn an_order_finds_images_that_came_before_it(fresh: Fresh) {
    store(&fresh.db, &[Image { accession: Some("HIS-17".into()), ..Image::default() }]).await;
    let order = NewOrder { accession_number: Some("HIS-17".into()), ..order() };
    let made = schedule::create_order(&fresh.db, &order, &clerk(), NOW_MS).await.unwrap();
    assert_eq!((made.label(), made.study_uid.as_deref()), (Label::InProgress, Some("1.2.1")));
    assert!(unmatched::list(&fresh.db, &Scope::All, None, 10).await.unwrap().items.is_empty());
    let again = schedule::create_order(&fresh.db, &order, &clerk(), NOW_MS).await;
    assert!(matches!(again, Err(Error::Conflict(_))), "{again:?}");
}

async fn a_person_links_and_takes_back(fresh: Fresh) {
    let (db, all) = (&fresh.db, &Scope::All);
    let ordered = ordered(&fresh).await;
    store(db, &[Image { name: "NHẦM^TÊN", patient_id: "BN009", ..image_of(&ordered) }]).await;
    let study = uid("1.2.1");
    let elsewhere = Scope::Facilities(vec!["BVH".into()]);
    let refused = linking::link(db, &elsewhere, &clerk(), &study, ordered.id, None, NOW_MS).await;
    assert!(matches!(refused, Err(Error::NotFound)), "{refused:?}");
    linking::link(db, all, &clerk(), &study, ordered.id, Some("chọn nhầm dòng"), NOW_MS).await.unwrap();
    assert_eq!(exam(&fresh, ordered.id).await.label(), Label::InProgress);
    let twice = linking::link(db, all, &clerk(), &study, ordered.id, None, NOW_MS).await;
    assert!(matches!(twice, Err(Error::Conflict(_))), "{twice:?}");
    linking::unlink(db, all, &clerk(), &study, Some("bệnh nhân khác"), NOW_MS).await.unwrap();
    let after = exam(&fresh, ordered.id).await;
    assert_eq!((after.label(), after.study_uid.as_deref(), after.started_ms), (Label::Scheduled, None, None));
    assert_eq!(unmatched::list(db, all, None, 10).await.unwrap().items.len(), 1);
    let acts = storage::acts::of_subject(db, "1.2.1", 10).await.unwrap();
    let kinds: Vec<_> = acts.iter().map(|act| (act.kind.as_str(), act.reason.as_deref())).collect();
    assert_eq!(kinds, [("study.unlink", Some("bệnh nhân khác")), ("study.link", Some("chọn nhầm dòng"))]);
    // That it was taken from there stands while it is another's, and is taken back where it comes back.
    let other = schedule::create_order(db, &order(), &clerk(), NOW_MS + 1).await.unwrap();
    linking::link(db, all, &clerk(), &study, other.id, None, NOW_MS + 1).await.unwrap();
    assert_eq!(storage::acts::of_subject(db, "1.2.1", 1).await.unwrap()[0].undoes, None);
    linking::unlink(db, all, &clerk(), &study, None, NOW_MS + 2).await.unwrap();
    linking::link(db, all, &clerk(), &study, other.id, None, NOW_MS + 3).await.unwrap();
    let [again, taken] = &storage::acts::of_subject(db, "1.2.1", 2).await.unwrap()[..] else {
        panic!("two acts")
    };
    assert_eq!(again.undoes, Some(taken.id));
    let history = moves::history(db, ordered.id).await.unwrap();
    assert_eq!(history.iter().map(|line| line.act.as_str()).collect::<Vec<_>>(), ["image", "unlink"]);
}

async fn an_exam_without_a_place_goes_back_to_where_it_was(fresh: Fresh) {
    let (db, all, study) = (&fresh.db, &Scope::All, uid("1.2.1"));
    let anywhere = NewOrder { station_ae: None, ..order() };
    let ordered = schedule::create_order(db, &anywhere, &clerk(), NOW_MS).await.unwrap();
    store(db, &[Image { patient_id: "BN009", ..image_of(&ordered) }]).await;
    linking::link(db, all, &clerk(), &study, ordered.id, None, NOW_MS).await.unwrap();
    assert_eq!(exam(&fresh, ordered.id).await.label(), Label::InProgress);
    linking::unlink(db, all, &clerk(), &study, None, NOW_MS).await.unwrap();
    assert_eq!(exam(&fresh, ordered.id).await.label(), Label::Ordered, "it has no room");
    let id = ordered.id;
    act(&fresh, id, StepAct::Arrive, None).await.unwrap();
    assert_eq!(act(&fresh, id, StepAct::NoShow, Some("về")).await.unwrap().label(), Label::Ordered);
    let back = undo::undo(db, all, &clerk(), id, StepAct::NoShow, NOW_MS).await.unwrap();
    assert_eq!(back.label(), Label::Arrived);
    act(&fresh, id, StepAct::Cancel, Some("trùng")).await.unwrap();
    assert_eq!(act(&fresh, id, StepAct::Restore, None).await.unwrap().label(), Label::Ordered);
}

async fn people_move_an_exam_by_its_laws(fresh: Fresh) {
    let id = ordered(&fresh).await.id;
    assert_eq!(act(&fresh, id, StepAct::Arrive, None).await.unwrap().label(), Label::Arrived);
    assert_eq!(act(&fresh, id, StepAct::Call, None).await.unwrap().label(), Label::Called);
    for (illegal, reason) in [
        (StepAct::Accept, None),
        (StepAct::Restore, None),
        (StepAct::Cancel, None),
        (StepAct::Cancel, Some("  ")),
    ] {
        let refused = act(&fresh, id, illegal, reason).await;
        assert!(matches!(refused, Err(Error::Conflict(_))), "{illegal:?}: {refused:?}");
    }
    assert_eq!(exam(&fresh, id).await.label(), Label::Called);
    let gone = act(&fresh, id, StepAct::NoShow, Some("không đến")).await.unwrap();
    assert_eq!((gone.label(), gone.act_reason.as_deref()), (Label::Scheduled, Some("không đến")));
    assert_eq!(
        act(&fresh, id, StepAct::Cancel, Some("trùng chỉ định")).await.unwrap().label(),
        Label::Cancelled
    );
    assert_eq!(act(&fresh, id, StepAct::Restore, None).await.unwrap().label(), Label::Scheduled);
    let elsewhere = Scope::Facilities(vec!["BVH".into()]);
    let hidden = moves::act(&fresh.db, &elsewhere, &Actor::system(), id, StepAct::Arrive, None, NOW_MS).await;
    assert!(matches!(hidden, Err(Error::NotFound)), "{hidden:?}");
    let history = moves::history(&fresh.db, id).await.unwrap();
    assert_eq!(history.len(), 5);
    assert!(history.iter().all(|line| line.actor == "user:clerk"));
}

async fn the_last_act_is_taken_back_and_no_other(fresh: Fresh) {
    let id = ordered(&fresh).await.id;
    let back = async |taken: StepAct| undo::undo(&fresh.db, &Scope::All, &clerk(), id, taken, NOW_MS).await;
    let refused = back(StepAct::Arrive).await;
    assert!(matches!(refused, Err(Error::Conflict(_))), "nothing has happened: {refused:?}");
    act(&fresh, id, StepAct::Arrive, None).await.unwrap();
    act(&fresh, id, StepAct::Cancel, Some("nhầm người")).await.unwrap();
    let cursor = events::newest(&fresh.db).await.unwrap();
    let refused = back(StepAct::Arrive).await;
    assert!(matches!(refused, Err(Error::Conflict(_))), "somebody has cancelled since: {refused:?}");
    let restored = back(StepAct::Cancel).await.unwrap();
    assert_eq!((restored.label(), restored.act_reason), (Label::Arrived, None));
    assert_eq!(events::since(&fresh.db, cursor, 10).await.unwrap().len(), 1);
    let refused = back(StepAct::Arrive).await;
    assert!(matches!(refused, Err(Error::Conflict(_))), "one step back: {refused:?}");

    act(&fresh, id, StepAct::Call, None).await.unwrap();
    store(&fresh.db, &[image_of(&exam(&fresh, id).await)]).await;
    let refused = back(StepAct::Call).await;
    assert!(matches!(refused, Err(Error::Conflict(_))), "images came since: {refused:?}");
    act(&fresh, id, StepAct::Accept, None).await.unwrap();
    assert_eq!(back(StepAct::Accept).await.unwrap().label(), Label::InProgress);
    let elsewhere = Scope::Facilities(vec!["BVH".into()]);
    let hidden = undo::undo(&fresh.db, &elsewhere, &clerk(), id, StepAct::Accept, NOW_MS).await;
    assert!(matches!(hidden, Err(Error::NotFound)), "{hidden:?}");
}

async fn a_quiet_device_ends_an_exam(fresh: Fresh) {
    const QUIET_MS: i64 = 600_000;
    let ordered = ordered(&fresh).await;
    assert_eq!(
        moves::quiet(&fresh.db, QUIET_MS, NOW_MS + 2 * QUIET_MS).await.unwrap(),
        0,
        "nothing has begun"
    );
    store(&fresh.db, &[image_of(&ordered)]).await;
    store(&fresh.db, &[Image { number: 2, received_ms: NOW_MS + 300_000, ..image_of(&ordered) }]).await;
    assert_eq!(moves::quiet(&fresh.db, QUIET_MS, NOW_MS + QUIET_MS).await.unwrap(), 0, "an image came since");
    assert_eq!(moves::quiet(&fresh.db, QUIET_MS, NOW_MS + 300_000 + QUIET_MS).await.unwrap(), 1);
    assert_eq!(exam(&fresh, ordered.id).await.label(), Label::ToVerify);
    let late = Image { number: 3, received_ms: NOW_MS + 2 * QUIET_MS, ..image_of(&ordered) };
    store(&fresh.db, &[late]).await;
    assert_eq!(exam(&fresh, ordered.id).await.label(), Label::InProgress, "a late image wakes it");
    let accepted = act(&fresh, ordered.id, StepAct::Accept, None).await.unwrap();
    assert_eq!((accepted.label(), accepted.instance_count), (Label::ToRead, 3));
    store(&fresh.db, &[Image { number: 4, ..image_of(&ordered) }]).await;
    assert_eq!(exam(&fresh, ordered.id).await.label(), Label::ToRead);
}

async fn a_cancelled_exam_takes_no_images(fresh: Fresh) {
    let ordered = ordered(&fresh).await;
    act(&fresh, ordered.id, StepAct::Cancel, Some("trùng")).await.unwrap();
    store(&fresh.db, &[image_of(&ordered)]).await;
    let line = search::study(&fresh.db, &Scope::All, &uid("1.2.1")).await.unwrap().unwrap();
    assert_eq!(line.unmatched_reason.as_deref(), Some("noOrder"));
    let study = uid("1.2.1");
    let refused = linking::link(&fresh.db, &Scope::All, &clerk(), &study, ordered.id, None, NOW_MS).await;
    assert!(matches!(refused, Err(Error::Conflict(_))), "{refused:?}");
    act(&fresh, ordered.id, StepAct::Restore, None).await.unwrap();
    linking::link(&fresh.db, &Scope::All, &clerk(), &study, ordered.id, None, NOW_MS).await.unwrap();
    assert_eq!(exam(&fresh, ordered.id).await.label(), Label::InProgress);
}

async fn orders_find_their_patients(fresh: Fresh) {
    let db = &fresh.db;
    let newcomer = OrderPatient {
        name: "Trần Thị Bình".into(),
        birth_date: Some("19900101".into()),
        national_id: Some("001090000002".into()),
        insurance_id: Some("DN4010000000002".into()),
        ..OrderPatient::default()
    };
    let place = |patient: OrderPatient| {
        let order = NewOrder { patient, ..order() };
        async move { schedule::create_order(db, &order, &clerk(), NOW_MS).await }
    };
    let first = place(newcomer.clone()).await.unwrap();
    assert_eq!((first.patient.id.as_str(), first.patient.issuer.as_str()), ("BVTW0000001", "BVTW"));
    let second = place(OrderPatient { insurance_id: None, ..newcomer.clone() }).await.unwrap();
    assert_eq!(second.patient, first.patient, "the national number finds the patient");
    let other = place(OrderPatient { name: "Phạm Văn C".into(), ..newcomer.clone() }).await;
    assert!(matches!(other, Err(Error::Conflict(_))), "another name under the same number: {other:?}");
    let stolen = OrderPatient {
        id: Some("BN500".into()),
        name: "Phạm Văn C".into(),
        national_id: newcomer.national_id.clone(),
        ..OrderPatient::default()
    };
    assert!(matches!(place(stolen).await, Err(Error::Conflict(_))), "a number is one person's");
    // A console had sent the name without marks and no birth date.
    store(db, &[Image { name: "LE VAN D", patient_id: "BN600", birth_date: None, ..Image::default() }]).await;
    let completed = OrderPatient {
        id: Some("BN600".into()),
        name: "Lê Văn D".into(),
        birth_date: Some("19700707".into()),
        ..OrderPatient::default()
    };
    let exam = place(completed).await.unwrap();
    assert_eq!(
        (exam.patient.name.as_str(), exam.patient.birth_date.as_deref()),
        ("Lê Văn D", Some("19700707"))
    );

    for (typed, want) in [
        ("binh tran", vec!["BVTW0000001"]),
        ("0010900", vec!["BVTW0000001"]),
        ("001090000002|x|Trần Thị Bình|01011990", vec!["BVTW0000001"]),
        ("le v", vec!["BN600"]),
        ("khong co", vec![]),
        ("", vec![]),
    ] {
        let found = storage::identity::search(db, typed).await.unwrap();
        assert_eq!(found.iter().map(|one| one.person.id.as_str()).collect::<Vec<_>>(), want, "{typed:?}");
    }
    let found = storage::identity::search(db, "001090000002").await.unwrap();
    assert_eq!(found[0].national_id.as_deref(), Some("001090000002"));
    assert_eq!(found[0].insurance_id.as_deref(), Some("DN4010000000002"));
}

async fn many_orders_at_once_have_numbers_of_their_own(fresh: Fresh) {
    let tasks: Vec<_> = (0..24)
        .map(|_| {
            let db = fresh.db.clone();
            let newcomer = OrderPatient { name: "Trẻ sơ sinh".into(), ..OrderPatient::default() };
            tokio::spawn(async move {
                schedule::create_order(&db, &NewOrder { patient: newcomer, ..order() }, &clerk(), NOW_MS)
                    .await
                    .unwrap()
            })
        })
        .collect();
    let (mut numbers, mut patients, mut steps) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for task in tasks {
        let exam = task.await.unwrap();
        numbers.insert(exam.accession_number);
        patients.insert(exam.patient.id);
        steps.insert(exam.step_id);
    }
    assert_eq!((numbers.len(), patients.len(), steps.len()), (24, 24, 24));
}

async fn the_day_is_read_by_room_and_modality(fresh: Fresh) {
    let db = &fresh.db;
    for (time, room, modality, emergency, date) in [
        ("100000", "P1", "CT", false, "20260921"),
        ("080000", "P1", "CT", false, "20260921"),
        ("120000", "P2", "MR", true, "20260921"),
        ("070000", "P1", "CT", false, "20260922"),
    ] {
        let mut order = NewOrder {
            scheduled_time: time.into(),
            scheduled_date: date.into(),
            room: Some(room.into()),
            emergency,
            ..order()
        };
        order.procedure.modality = modality.into();
        schedule::create_order(db, &order, &clerk(), NOW_MS).await.unwrap();
    }
    let times = |day: Day, scope: Scope| async move {
        let exams = schedule::day(db, &scope, &Day { date: "20260921".into(), ..day }).await.unwrap();
        exams.into_iter().map(|exam| exam.scheduled_time).collect::<Vec<_>>()
    };
    assert_eq!(times(Day::default(), Scope::All).await, ["120000", "080000", "100000"]);
    assert_eq!(
        times(Day { room: Some("P1".into()), ..Day::default() }, Scope::All).await,
        ["080000", "100000"]
    );
    assert_eq!(times(Day { modality: Some("MR".into()), ..Day::default() }, Scope::All).await, ["120000"]);
    assert!(times(Day::default(), Scope::Facilities(vec!["BVH".into()])).await.is_empty());
}

async fn who_requested_an_exam_hears_that_it_has_lost_a_study(fresh: Fresh) {
    let id = ordered(&fresh).await.id;
    store(&fresh.db, &[Image { facility: "BVH", ..Image::default() }]).await;
    let (all, study) = (&Scope::All, uid("1.2.1"));
    linking::link(&fresh.db, all, &clerk(), &study, id, None, NOW_MS).await.unwrap();
    let cursor = events::newest(&fresh.db).await.unwrap();
    linking::unlink(&fresh.db, all, &clerk(), &study, None, NOW_MS).await.unwrap();
    let told = events::since(&fresh.db, cursor, 100).await.unwrap();
    for facility in ["BVH", "BVTW"] {
        let heard = told.iter().filter(|event| event.facility.as_deref() == Some(facility));
        assert_eq!(
            heard.filter(|event| event.kind == EventKind::StudyChanged).count(),
            1,
            "{facility}: {told:?}"
        );
    }
}

async fn late_images_of_a_cancelled_exam_wait(fresh: Fresh) {
    let (db, ordered) = (&fresh.db, ordered(&fresh).await);
    store(db, &[Image { modality: "SR", ..image_of(&ordered) }]).await;
    act(&fresh, ordered.id, StepAct::Cancel, Some("trùng")).await.unwrap();
    let cursor = events::newest(db).await.unwrap();
    store(db, &[Image { series: "1.2.1.2".into(), ..image_of(&ordered) }]).await;
    let line = search::study(db, &Scope::All, &uid("1.2.1")).await.unwrap().unwrap();
    assert_eq!((line.unmatched_reason.as_deref(), line.exam), (Some("noOrder"), None));
    let waiting = unmatched::list(db, &Scope::All, None, 10).await.unwrap().items;
    assert_eq!(waiting.len(), 1, "somebody finds them");
    let after = exam(&fresh, ordered.id).await;
    assert_eq!((after.state, after.instance_count), (StepState::Cancelled, 0));
    let told = events::since(db, cursor, 100).await.unwrap();
    for kind in [EventKind::UnmatchedChanged, EventKind::ExamChanged] {
        let heard = told.iter().find(|event| event.kind == kind);
        assert_eq!(heard.and_then(|event| event.exam_id), Some(ordered.id.0), "{kind:?}");
    }
    act(&fresh, ordered.id, StepAct::Restore, None).await.unwrap();
    let study = uid("1.2.1");
    linking::link(db, &Scope::All, &clerk(), &study, ordered.id, None, NOW_MS).await.unwrap();
    assert_eq!(exam(&fresh, ordered.id).await.label(), Label::InProgress);
}

async fn what_a_person_parted_stays_parted_whoever_orders(fresh: Fresh) {
    let (db, all, study) = (&fresh.db, &Scope::All, uid("1.2.1"));
    let ordered = ordered(&fresh).await;
    store(db, &[image_of(&ordered)]).await;
    assert_eq!(exam(&fresh, ordered.id).await.label(), Label::InProgress);
    linking::unlink(db, all, &clerk(), &study, Some("bệnh nhân khác"), NOW_MS).await.unwrap();
    // Another hospital counts its day's orders from one as well.
    let number = Some(ordered.accession_number.clone());
    let elsewhere = NewOrder { facility: "BVH".into(), accession_number: number, ..order() };
    schedule::create_order(db, &elsewhere, &clerk(), NOW_MS).await.unwrap();
    let line = search::study(db, all, &study).await.unwrap().unwrap();
    assert_eq!((line.unmatched_reason.as_deref(), line.exam), (Some("patientDiffers"), None));
    assert_eq!(exam(&fresh, ordered.id).await.label(), Label::Scheduled);
}

async fn documents_that_came_first_do_not_begin_an_exam(fresh: Fresh) {
    let (db, all) = (&fresh.db, &Scope::All);
    let early = Image { modality: "SR", accession: Some("HIS-17".into()), ..Image::default() };
    store(db, std::slice::from_ref(&early)).await;
    let order = NewOrder { accession_number: Some("HIS-17".into()), ..order() };
    let made = schedule::create_order(db, &order, &clerk(), NOW_MS).await.unwrap();
    assert_eq!((made.label(), made.study_uid.as_deref()), (Label::Scheduled, Some("1.2.1")));
    // Nor where a person links them.
    let study = uid("1.2.1");
    linking::unlink(db, all, &clerk(), &study, None, NOW_MS).await.unwrap();
    linking::link(db, all, &clerk(), &study, made.id, None, NOW_MS).await.unwrap();
    assert_eq!(exam(&fresh, made.id).await.label(), Label::Scheduled);
    store(db, &[Image { modality: "CT", series: "1.2.1.2".into(), ..early }]).await;
    assert_eq!(exam(&fresh, made.id).await.label(), Label::InProgress, "an image does");
}

async fn an_exam_that_was_begun_again_is_not_ended_at_once(fresh: Fresh) {
    const QUIET_MS: i64 = 600_000;
    let (db, ordered) = (&fresh.db, ordered(&fresh).await);
    store(db, &[image_of(&ordered)]).await;
    act(&fresh, ordered.id, StepAct::Accept, None).await.unwrap();
    let later_ms = NOW_MS + 5 * QUIET_MS;
    let more = Some("thiếu lát cắt");
    moves::act(db, &Scope::All, &clerk(), ordered.id, StepAct::Reopen, more, later_ms).await.unwrap();
    assert_eq!(moves::quiet(db, QUIET_MS, later_ms + QUIET_MS - 1).await.unwrap(), 0);
    assert_eq!(exam(&fresh, ordered.id).await.label(), Label::InProgress);
    assert_eq!(moves::quiet(db, QUIET_MS, later_ms + QUIET_MS).await.unwrap(), 1, "nothing came of it");
}

async fn numbers_that_others_have_given_are_passed_by(fresh: Fresh) {
    const TAKEN: i64 = 9;
    let place = async |id: Option<String>, number: Option<String>| {
        // All of one name: nothing but the number tells them apart.
        let patient = OrderPatient { id, name: "Nguyễn Văn A".into(), ..OrderPatient::default() };
        let order = NewOrder { patient, accession_number: number, ..order() };
        schedule::create_order(&fresh.db, &order, &clerk(), NOW_MS).await.unwrap()
    };
    let (mut patients, mut numbers) = (BTreeSet::new(), BTreeSet::new());
    for at in 1..=TAKEN {
        let exam = place(Some(format!("BVTW{at:07}")), Some(format!("260921{at:05}"))).await;
        patients.insert(exam.patient.id);
        numbers.insert(exam.accession_number);
    }
    for _ in 0..3 {
        let exam = place(None, None).await;
        assert!(patients.insert(exam.patient.id.clone()), "{} is somebody else", exam.patient.id);
        assert!(numbers.insert(exam.accession_number));
    }
}

async fn what_is_taken_back_gives_the_reason_from_before_again(fresh: Fresh) {
    let id = ordered(&fresh).await.id;
    let back = async |taken: StepAct| {
        let exam = undo::undo(&fresh.db, &Scope::All, &clerk(), id, taken, NOW_MS).await.unwrap();
        exam.act_reason
    };
    act(&fresh, id, StepAct::Arrive, None).await.unwrap();
    act(&fresh, id, StepAct::NoShow, Some("không đến")).await.unwrap();
    act(&fresh, id, StepAct::Cancel, Some("trùng chỉ định")).await.unwrap();
    assert_eq!(back(StepAct::Cancel).await.as_deref(), Some("không đến"));
    act(&fresh, id, StepAct::Cancel, Some("nhầm người")).await.unwrap();
    assert_eq!(back(StepAct::Cancel).await.as_deref(), Some("không đến"), "what was taken back is none");
}

async fn an_order_of_another_facility_is_offered_to_whoever_sees_it(fresh: Fresh) {
    let db = &fresh.db;
    let there = NewOrder { accession_number: Some("CH-1".into()), facility: "BVH".into(), ..order() };
    let there = schedule::create_order(db, &there, &clerk(), NOW_MS).await.unwrap();
    store(db, &[Image { accession: Some("CH-1".into()), ..Image::default() }]).await;
    let offered = async |scope: &Scope| {
        let waiting = unmatched::list(db, scope, None, 10).await.unwrap().items;
        assert_eq!(waiting[0].study.unmatched_reason.as_deref(), Some("facilityDiffers"));
        waiting[0].candidates.iter().map(|exam| exam.id).collect::<Vec<_>>()
    };
    assert_eq!(offered(&Scope::All).await, [there.id]);
    assert!(offered(&Scope::Facilities(vec!["BVTW".into()])).await.is_empty());
    let own = NewOrder { accession_number: None, ..order() };
    let own = schedule::create_order(db, &own, &clerk(), NOW_MS).await.unwrap();
    assert_eq!(offered(&Scope::All).await, [there.id, own.id], "what has its number is likelier");
}

async fn any_order_is_found_by_number_and_by_patient(fresh: Fresh) {
    let (db, all) = (&fresh.db, &Scope::All);
    let first = ordered(&fresh).await;
    let other = |id: &str, name: &str, date: &str| NewOrder {
        patient: OrderPatient { id: Some(id.into()), name: name.into(), ..order().patient },
        scheduled_date: date.into(),
        ..order()
    };
    let (ba, huy) = (other("BN777", "NGUYỄN^VĂN BA", "20260923"), other("BN778", "TRẦN^THỊ HỦY", "20260922"));
    let later = schedule::create_order(db, &ba, &clerk(), NOW_MS).await.unwrap();
    let off = schedule::create_order(db, &huy, &clerk(), NOW_MS).await.unwrap();
    act(&fresh, off.id, StepAct::Cancel, Some("nhầm")).await.unwrap();
    let find = async |typed: &str| {
        let found = finding::find(db, all, typed).await.unwrap();
        found.into_iter().map(|exam| exam.id).collect::<Vec<_>>()
    };
    assert_eq!(find("nguyen van").await, [later.id, first.id], "the latest first");
    assert_eq!(find("NGUYỄN VĂN BA ").await, [later.id]);
    assert_eq!(find("nguyen va").await, [later.id, first.id], "the last word may be half typed");
    assert_eq!(find(&first.accession_number).await, [first.id]);
    assert_eq!(find(&first.accession_number[..6]).await, [later.id, first.id]);
    assert_eq!(find("BN777").await, [later.id]);
    assert_eq!(find("BN7").await, [later.id]);
    let short = other("77", "LÊ^THỊ TƯ", "20260921");
    let short = schedule::create_order(db, &short, &clerk(), NOW_MS).await.unwrap();
    assert_eq!(find("77").await, [short.id]);
    assert!(find("7").await.is_empty(), "a short number is meant whole");
    assert_eq!(find("nguyen BN777").await, [later.id]);
    assert!(find("tran BN777").await.is_empty() && find(" ").await.is_empty());
    assert!(find("huy").await.is_empty() && find("BN778").await.is_empty(), "it takes no images");
    // One that a wrong study has begun.
    store(db, &[image_of(&first)]).await;
    assert_eq!(find("BN001").await, [first.id]);
    let elsewhere = Scope::Facilities(vec!["BVH".into()]);
    assert!(finding::find(db, &elsewhere, "nguyen").await.unwrap().is_empty());
}
