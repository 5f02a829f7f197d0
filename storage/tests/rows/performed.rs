//! Performed steps: what consoles report, and what it makes of exams.

use pacs_core::access::{Actor, Scope};
use pacs_core::dataset::DataSet;
use pacs_core::exam::{Label, StepAct};
use pacs_core::mpps::{Refusal, State};
use pacs_core::uid::AeTitle;
use pacs_core::{Tag, tags};
use storage::Error;
use storage::events::{self, EventKind};
use storage::exams::{self, Exam, linking, moves, search, undo, unmatched};
use storage::performed::{self, ReportError, Reported, Reporter};
use storage::schedule;

use crate::backends::{Fresh, on_every_engine};
use crate::samples::*;

on_every_engine!(
    a_console_begins_and_ends_an_exam,
    people_see_what_consoles_reported,
    images_that_come_after_the_end_do_not_begin_it_again,
    an_exam_goes_on_while_one_of_its_steps_does,
    what_was_broken_off_goes_on_when_a_console_begins_again,
    the_wrong_entry_goes_back_and_its_images_wait,
    images_that_come_after_a_wrong_entry_wait_too,
    a_wrong_entry_that_names_no_series_keeps_its_images_out,
    a_step_for_nobody_moves_nothing_until_its_images_are_matched,
    a_step_for_another_patient_or_hospital_moves_nothing,
    a_step_is_kept_whole_and_changed_by_its_rules,
    people_are_not_overruled,
    what_a_console_broke_off_is_not_taken_back,
    an_exam_that_comes_back_follows_the_console_that_is_at_work,
);

async fn ordered(fresh: &Fresh) -> Exam {
    schedule::create_order(&fresh.db, &order(), &clerk(), NOW_MS).await.unwrap()
}

async fn label(fresh: &Fresh, exam: &Exam) -> Label {
    exams::by_id(&fresh.db, &Scope::All, exam.id).await.unwrap().unwrap().label()
}

async fn last_act(fresh: &Fresh, exam: &Exam) -> (String, String, Option<String>) {
    let last = moves::history(&fresh.db, exam.id).await.unwrap().pop().unwrap();
    (last.act, last.actor, last.reason)
}

fn put(set: &mut DataSet, values: &[(Tag, &str)]) {
    values.iter().for_each(|(tag, value)| set.put_text(*tag, value));
}

/// What the console reports when it begins the worklist entry of an exam.
fn begun(exam: &Exam) -> DataSet {
    let mut request = DataSet::new();
    put(
        &mut request,
        &[
            (tags::STUDY_INSTANCE_UID, &exam.planned_study_uid),
            (tags::ACCESSION_NUMBER, &exam.accession_number),
            (tags::REQUESTED_PROCEDURE_ID, &exam.procedure_id),
            (tags::SCHEDULED_PROCEDURE_STEP_ID, &exam.step_id),
        ],
    );
    let mut set = DataSet::new();
    set.put_items(tags::SCHEDULED_STEP_ATTRIBUTES_SEQUENCE, vec![request]);
    put(
        &mut set,
        &[
            (tags::PATIENT_NAME, "NGUYEN^VAN A"),
            (tags::PATIENT_ID, "BN001"),
            (tags::PATIENT_BIRTH_DATE, "19800102"),
            (tags::PERFORMED_PROCEDURE_STEP_ID, "PPS1"),
            (tags::PERFORMED_STATION_AE_TITLE, "CT1"),
            (tags::PERFORMED_PROCEDURE_STEP_START_DATE, "20260921"),
            (tags::PERFORMED_PROCEDURE_STEP_START_TIME, "201320"),
            (tags::PERFORMED_PROCEDURE_STEP_STATUS, "IN PROGRESS"),
            (tags::MODALITY, "CT"),
        ],
    );
    set
}

/// The end of a step that has made a series; `code` is why it was broken off.
fn ended(state: State, series: &str, code: Option<(&str, &str)>) -> DataSet {
    let mut made = DataSet::new();
    put(&mut made, &[(tags::SERIES_INSTANCE_UID, series), (tags::PROTOCOL_NAME, "Ngực")]);
    let mut set = DataSet::new();
    set.put_items(tags::PERFORMED_SERIES_SEQUENCE, vec![made]);
    put(
        &mut set,
        &[
            (tags::PERFORMED_PROCEDURE_STEP_STATUS, state.as_str()),
            (tags::PERFORMED_PROCEDURE_STEP_END_DATE, "20260921"),
            (tags::PERFORMED_PROCEDURE_STEP_END_TIME, "202000"),
        ],
    );
    if let Some((value, meaning)) = code {
        let mut item = DataSet::new();
        put(
            &mut item,
            &[
                (tags::CODE_VALUE, value),
                (tags::CODING_SCHEME_DESIGNATOR, "DCM"),
                (tags::CODE_MEANING, meaning),
            ],
        );
        set.put_items(tags::PERFORMED_PROCEDURE_STEP_DISCONTINUATION_REASON_CODE_SEQUENCE, vec![item]);
    }
    set
}

const WRONG_ENTRY: Option<(&str, &str)> = Some(("110514", "Incorrect worklist entry selected"));

/// A device, and what it may see.
struct Console {
    title: AeTitle,
    actor: Actor,
    scope: Scope,
    facility: &'static str,
}

impl Console {
    fn of(facility: &'static str) -> Self {
        let title = AeTitle::parse("CT1").unwrap();
        let actor = Actor::device(&title, Some(facility));
        Self { scope: Scope::Facilities(vec![facility.into()]), title, actor, facility }
    }

    fn reporter(&self) -> Reporter<'_> {
        Reporter {
            actor: &self.actor,
            scope: &self.scope,
            calling_ae: &self.title,
            facility: self.facility,
            now_ms: NOW_MS,
        }
    }
}

async fn begin(fresh: &Fresh, set: &DataSet, step: &str) -> Reported {
    performed::create(&fresh.db, Console::of("BVTW").reporter(), set, Some(&uid(step))).await.unwrap()
}

async fn report(fresh: &Fresh, step: &str, set: &DataSet) -> Result<Reported, ReportError> {
    performed::set(&fresh.db, Console::of("BVTW").reporter(), &uid(step), set).await
}

async fn end(fresh: &Fresh, step: &str, set: &DataSet) -> Reported {
    report(fresh, step, set).await.unwrap()
}

/// An image of the worklist entry of an exam.
fn image_of(exam: &Exam) -> Image {
    Image {
        accession: Some(exam.accession_number.clone()),
        study: exam.planned_study_uid.clone(),
        ..Image::default()
    }
}

async fn a_console_begins_and_ends_an_exam(fresh: Fresh) {
    let exam = ordered(&fresh).await;
    let cursor = events::newest(&fresh.db).await.unwrap();
    let reported = begin(&fresh, &begun(&exam), "9.1").await;
    assert_eq!(reported, Reported { uid: uid("9.1"), state: State::InProgress, moved: vec![exam.id] });
    assert_eq!(label(&fresh, &exam).await, Label::InProgress);
    assert_eq!(last_act(&fresh, &exam).await, ("begin".into(), "device:CT1".into(), None));
    let at_work = exams::by_id(&fresh.db, &Scope::All, exam.id).await.unwrap().unwrap();
    assert_eq!((at_work.performing_ae.as_deref(), at_work.started_ms), (Some("CT1"), Some(NOW_MS)));
    let told = events::since(&fresh.db, cursor, 100).await.unwrap();
    assert_eq!(
        told.iter().map(|event| (event.kind, event.exam_id)).collect::<Vec<_>>(),
        [(EventKind::ExamChanged, Some(exam.id.0))]
    );
    store(&fresh.db, &[image_of(&exam)]).await;
    assert_eq!(label(&fresh, &exam).await, Label::InProgress);
    let reported = end(&fresh, "9.1", &ended(State::Completed, "1.2.1.1", None)).await;
    assert_eq!((reported.state, reported.moved), (State::Completed, vec![exam.id]));
    assert_eq!(label(&fresh, &exam).await, Label::ToVerify);
}

async fn people_see_what_consoles_reported(fresh: Fresh) {
    let (db, exam) = (&fresh.db, ordered(&fresh).await);
    begin(&fresh, &begun(&exam), "9.1").await;
    store(db, &[image_of(&exam)]).await;
    end(&fresh, "9.1", &ended(State::Discontinued, "1.2.1.1", Some(("110513", "Discontinued")))).await;
    let of_exam = performed::of_exam(db, &Scope::All, exam.id).await.unwrap();
    let [line] = of_exam.as_slice() else { panic!("{of_exam:?}") };
    assert_eq!((line.state, line.is_wrong_entry, line.has_exam), (State::Discontinued, false, true));
    assert_eq!((line.station_ae.as_str(), line.reason.as_deref()), ("CT1", Some("Discontinued")));
    assert_eq!(line.start, ("20260921".to_owned(), "201320".to_owned()));
    assert_eq!(line.end, Some(("20260921".to_owned(), "202000".to_owned())));
    assert_eq!((line.series, line.instances), (1, 0));
    let study = uid(&exam.planned_study_uid);
    assert_eq!(performed::of_study(db, &Scope::All, &study).await.unwrap(), of_exam);
    let elsewhere = Scope::Facilities(vec!["BVTL".into()]);
    assert!(performed::of_study(db, &elsewhere, &study).await.unwrap().is_empty());

    // One that names another study is found by the series that it made.
    let mut other = begun(&exam);
    let mut request = DataSet::new();
    put(&mut request, &[(tags::STUDY_INSTANCE_UID, "7.7")]);
    other.put_items(tags::SCHEDULED_STEP_ATTRIBUTES_SEQUENCE, vec![request]);
    begin(&fresh, &other, "9.2").await;
    end(&fresh, "9.2", &ended(State::Completed, "1.2.1.1", None)).await;
    let of_study = performed::of_study(db, &Scope::All, &study).await.unwrap();
    assert_eq!(of_study.iter().map(|line| line.has_exam).collect::<Vec<_>>(), [true, false]);
}

async fn images_that_come_after_the_end_do_not_begin_it_again(fresh: Fresh) {
    let exam = ordered(&fresh).await;
    begin(&fresh, &begun(&exam), "9.1").await;
    end(&fresh, "9.1", &ended(State::Completed, "1.2.1.1", None)).await;
    store(&fresh.db, &[image_of(&exam)]).await;
    store(&fresh.db, &[Image { number: 2, ..image_of(&exam) }]).await;
    assert_eq!(label(&fresh, &exam).await, Label::ToVerify);
    let line = search::study(&fresh.db, &Scope::All, &uid(&exam.planned_study_uid)).await.unwrap().unwrap();
    assert_eq!(line.exam, Some(exam.id));
    // A second acquisition does.
    begin(&fresh, &begun(&exam), "9.2").await;
    assert_eq!(label(&fresh, &exam).await, Label::InProgress);
}

async fn an_exam_goes_on_while_one_of_its_steps_does(fresh: Fresh) {
    let exam = ordered(&fresh).await;
    for step in ["9.1", "9.2"] {
        begin(&fresh, &begun(&exam), step).await;
    }
    end(&fresh, "9.1", &ended(State::Discontinued, "1.2.1.1", None)).await;
    assert_eq!(label(&fresh, &exam).await, Label::InProgress);
    end(&fresh, "9.2", &ended(State::Completed, "1.2.1.2", None)).await;
    assert_eq!(label(&fresh, &exam).await, Label::ToVerify);
}

async fn what_was_broken_off_goes_on_when_a_console_begins_again(fresh: Fresh) {
    let exam = ordered(&fresh).await;
    begin(&fresh, &begun(&exam), "9.1").await;
    let broken_off = ended(State::Discontinued, "1.2.1.1", Some(("110513", "Patient refused to continue")));
    end(&fresh, "9.1", &broken_off).await;
    assert_eq!(label(&fresh, &exam).await, Label::Discontinued);
    let (act, actor, reason) = last_act(&fresh, &exam).await;
    assert_eq!((act.as_str(), actor.as_str()), ("discontinue", "device:CT1"));
    assert_eq!(reason.as_deref(), Some("Patient refused to continue"));
    begin(&fresh, &begun(&exam), "9.2").await;
    assert_eq!(label(&fresh, &exam).await, Label::InProgress);
}

async fn the_wrong_entry_goes_back_and_its_images_wait(fresh: Fresh) {
    let exam = ordered(&fresh).await;
    begin(&fresh, &begun(&exam), "9.1").await;
    store(&fresh.db, &[image_of(&exam)]).await;
    let cursor = events::newest(&fresh.db).await.unwrap();
    end(&fresh, "9.1", &ended(State::Discontinued, "1.2.1.1", WRONG_ENTRY)).await;
    assert_eq!(label(&fresh, &exam).await, Label::Scheduled);
    let waiting = unmatched::list(&fresh.db, &Scope::All, None, 10).await.unwrap().items;
    let [study] = &waiting[..] else { panic!("{waiting:?}") };
    assert_eq!(study.study.unmatched_reason.as_deref(), Some("wrongEntry"));
    assert_eq!(last_act(&fresh, &exam).await.0, "wrongEntry");
    let told: Vec<_> = events::since(&fresh.db, cursor, 100).await.unwrap();
    for kind in [EventKind::ExamChanged, EventKind::StudyChanged, EventKind::UnmatchedChanged] {
        assert!(told.iter().any(|event| event.kind == kind), "{kind:?}");
    }
    // The patient whose turn it is begins the entry anew.
    begin(&fresh, &begun(&exam), "9.2").await;
    assert_eq!(label(&fresh, &exam).await, Label::InProgress);
}

async fn images_that_come_after_a_wrong_entry_wait_too(fresh: Fresh) {
    let exam = ordered(&fresh).await;
    begin(&fresh, &begun(&exam), "9.1").await;
    end(&fresh, "9.1", &ended(State::Discontinued, "1.2.1.1", WRONG_ENTRY)).await;
    store(&fresh.db, &[image_of(&exam)]).await;
    assert_eq!(label(&fresh, &exam).await, Label::Scheduled);
    assert_eq!(unmatched::list(&fresh.db, &Scope::All, None, 10).await.unwrap().items.len(), 1);
}

async fn a_wrong_entry_that_names_no_series_keeps_its_images_out(fresh: Fresh) {
    let wrong = || {
        let mut set = ended(State::Discontinued, "1.2.1.1", WRONG_ENTRY);
        set.remove(tags::PERFORMED_SERIES_SEQUENCE);
        set
    };
    let exam = ordered(&fresh).await;
    begin(&fresh, &begun(&exam), "9.1").await;
    end(&fresh, "9.1", &wrong()).await;
    store(&fresh.db, &[image_of(&exam)]).await;
    assert_eq!(label(&fresh, &exam).await, Label::Scheduled);
    let waiting = unmatched::list(&fresh.db, &Scope::All, None, 10).await.unwrap().items;
    let [study] = &waiting[..] else { panic!("{waiting:?}") };
    assert_eq!(study.study.unmatched_reason.as_deref(), Some("wrongEntry"));

    // Whose turn it is begins the entry anew: the images are theirs then.
    let other = ordered(&fresh).await;
    begin(&fresh, &begun(&other), "9.2").await;
    end(&fresh, "9.2", &wrong()).await;
    begin(&fresh, &begun(&other), "9.3").await;
    store(&fresh.db, &[Image { series: "1.2.2.1".into(), ..image_of(&other) }]).await;
    let line = search::study(&fresh.db, &Scope::All, &uid(&other.planned_study_uid)).await.unwrap().unwrap();
    assert_eq!(line.exam, Some(other.id));
}

async fn a_step_for_nobody_moves_nothing_until_its_images_are_matched(fresh: Fresh) {
    let exam = ordered(&fresh).await;
    let mut request = DataSet::new();
    request.put_text(tags::STUDY_INSTANCE_UID, "1.2.77");
    let mut set = begun(&exam);
    set.put_items(tags::SCHEDULED_STEP_ATTRIBUTES_SEQUENCE, vec![request]);
    assert_eq!(begin(&fresh, &set, "9.1").await.moved, []);
    let series = "1.2.77.1";
    let image = Image { study: "1.2.77".into(), series: series.into(), ..Image::default() };
    store(&fresh.db, &[image]).await;
    assert_eq!(end(&fresh, "9.1", &ended(State::Completed, series, None)).await.moved, []);
    assert_eq!(label(&fresh, &exam).await, Label::Scheduled);
    let study = uid("1.2.77");
    linking::link(&fresh.db, &Scope::All, &clerk(), &study, exam.id, None, NOW_MS).await.unwrap();
    assert_eq!(label(&fresh, &exam).await, Label::ToVerify, "the console has ended");
    linking::unlink(&fresh.db, &Scope::All, &clerk(), &study, None, NOW_MS).await.unwrap();
    assert_eq!(label(&fresh, &exam).await, Label::Scheduled);
}

async fn a_step_for_another_patient_or_hospital_moves_nothing(fresh: Fresh) {
    let exam = ordered(&fresh).await;
    for (step, tag, value) in [("9.1", tags::PATIENT_ID, "BN002"), ("9.2", tags::PATIENT_NAME, "TRAN^THI B")]
    {
        let mut set = begun(&exam);
        set.put_text(tag, value);
        assert_eq!(begin(&fresh, &set, step).await.moved, [], "{value}");
    }
    let elsewhere = Console::of("BVH");
    let created = performed::create(&fresh.db, elsewhere.reporter(), &begun(&exam), None).await.unwrap();
    assert_eq!(created.moved, []);
    assert_eq!(label(&fresh, &exam).await, Label::Scheduled);
    let found = performed::retrieve(&fresh.db, &elsewhere.scope, &uid("9.1")).await;
    assert!(matches!(found, Err(ReportError::Unknown)), "another hospital's");
    // Without a patient the console says nothing that could contradict.
    let mut nobody = begun(&exam);
    for tag in [tags::PATIENT_ID, tags::PATIENT_NAME, tags::PATIENT_BIRTH_DATE] {
        nobody.put_empty(tag);
    }
    assert_eq!(begin(&fresh, &nobody, "9.3").await.moved, [exam.id]);
}

async fn a_step_is_kept_whole_and_changed_by_its_rules(fresh: Fresh) {
    let exam = ordered(&fresh).await;
    let mut set = begun(&exam);
    set.put_text(tags::PERFORMED_PROCEDURE_STEP_DESCRIPTION, "CLVT ngực");
    begin(&fresh, &set, "9.1").await;
    let again = performed::create(&fresh.db, Console::of("BVTW").reporter(), &set, Some(&uid("9.1"))).await;
    assert!(matches!(again, Err(ReportError::Exists)));
    let kept = performed::retrieve(&fresh.db, &Scope::All, &uid("9.1")).await.unwrap();
    for element in &set {
        assert_eq!(kept.texts(element.tag), set.texts(element.tag), "{}", element.tag);
    }
    assert_eq!(
        kept.items(tags::SCHEDULED_STEP_ATTRIBUTES_SEQUENCE),
        set.items(tags::SCHEDULED_STEP_ATTRIBUTES_SEQUENCE)
    );
    let unknown = report(&fresh, "9.2", &DataSet::new()).await;
    assert!(matches!(unknown, Err(ReportError::Unknown)));
    end(&fresh, "9.1", &ended(State::Completed, "1.2.1.1", None)).await;
    let late = report(&fresh, "9.1", &ended(State::Discontinued, "1.2.1.1", None)).await;
    assert!(matches!(late, Err(ReportError::Refused(Refusal::Final))));
    assert_eq!(label(&fresh, &exam).await, Label::ToVerify);
}

async fn people_are_not_overruled(fresh: Fresh) {
    let exam = ordered(&fresh).await;
    begin(&fresh, &begun(&exam), "9.1").await;
    store(&fresh.db, &[image_of(&exam)]).await;
    moves::act(&fresh.db, &Scope::All, &clerk(), exam.id, StepAct::Accept, None, NOW_MS).await.unwrap();
    assert_eq!(label(&fresh, &exam).await, Label::ToRead);
    assert_eq!(end(&fresh, "9.1", &ended(State::Discontinued, "1.2.1.1", None)).await.moved, []);
    assert_eq!(label(&fresh, &exam).await, Label::ToRead);
}

async fn what_a_console_broke_off_is_not_taken_back(fresh: Fresh) {
    let exam = ordered(&fresh).await;
    begin(&fresh, &begun(&exam), "9.1").await;
    end(&fresh, "9.1", &ended(State::Discontinued, "1.2.1.1", Some(("110513", "Discontinued")))).await;
    let taken_back =
        undo::undo(&fresh.db, &Scope::All, &clerk(), exam.id, StepAct::Discontinue, NOW_MS).await;
    assert!(matches!(taken_back, Err(Error::Conflict(_))), "{taken_back:?}");
    assert_eq!(label(&fresh, &exam).await, Label::Discontinued);
}

async fn an_exam_that_comes_back_follows_the_console_that_is_at_work(fresh: Fresh) {
    let (db, all) = (&fresh.db, &Scope::All);
    for (step, restores) in [("9.1", true), ("9.2", false)] {
        let exam = ordered(&fresh).await;
        moves::act(db, all, &clerk(), exam.id, StepAct::Cancel, Some("trùng"), NOW_MS).await.unwrap();
        begin(&fresh, &begun(&exam), step).await;
        assert_eq!(label(&fresh, &exam).await, Label::Cancelled);
        let back = if restores {
            moves::act(db, all, &clerk(), exam.id, StepAct::Restore, None, NOW_MS).await
        } else {
            undo::undo(db, all, &clerk(), exam.id, StepAct::Cancel, NOW_MS).await
        };
        assert_eq!(back.unwrap().label(), Label::InProgress, "restored: {restores}");
    }
}
