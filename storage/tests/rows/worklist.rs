//! The modality worklist as devices see it.

use pacs_core::access::Scope;
use pacs_core::dataset::{DataSet, vr_of};
use pacs_core::exam::StepAct;
use pacs_core::query::{Level, Query};
use pacs_core::uid::AeTitle;
use pacs_core::{Tag, tags};
use storage::devices::{self, Device, WorklistNames};
use storage::exams::moves;
use storage::schedule::{self, NewOrder};

use crate::backends::{Fresh, on_every_engine};
use crate::samples::*;

on_every_engine!(
    an_order_is_a_line_with_everything_a_device_needs,
    keys_of_the_step_and_of_the_patient_match,
    a_line_is_on_every_device_that_could_do_it,
    a_line_leaves_when_the_exam_begins_and_survives_midnight,
    names_are_written_as_the_device_wants_them,
);

const SPS: Tag = tags::SCHEDULED_PROCEDURE_STEP_SEQUENCE;

fn title(text: &str) -> AeTitle {
    AeTitle::parse(text).unwrap()
}

fn ask(top: &[(Tag, &str)], step: &[(Tag, &str)]) -> Query {
    let mut query = Query::new(Level::Study);
    for (tag, value) in top {
        query.add(&[*tag], vr_of(*tag), value).unwrap();
    }
    for (tag, value) in step {
        query.add(&[SPS, *tag], vr_of(*tag), value).unwrap();
    }
    query
}

async fn lines(fresh: &Fresh, query: &Query) -> Vec<DataSet> {
    schedule::worklist(&fresh.db, query, &Scope::All, None).await.unwrap()
}

async fn an_order_is_a_line_with_everything_a_device_needs(fresh: Fresh) {
    let exam = schedule::create_order(&fresh.db, &order(), &clerk(), NOW_MS).await.unwrap();
    let mut query = ask(&[], &[]);
    query.returns = pacs_core::query::Returns::All;
    let found = lines(&fresh, &query).await;
    let [line] = &found[..] else { panic!("{found:?}") };
    for (tag, want) in [
        (tags::PATIENT_NAME, "NGUYỄN^VĂN A"),
        (tags::PATIENT_ID, "BN001"),
        (tags::ISSUER_OF_PATIENT_ID, "BVTW"),
        (tags::PATIENT_BIRTH_DATE, "19800102"),
        (tags::PATIENT_SEX, "M"),
        (tags::ACCESSION_NUMBER, "26092100001"),
        (tags::STUDY_INSTANCE_UID, exam.planned_study_uid.as_str()),
        (tags::REQUESTED_PROCEDURE_ID, "RP1"),
        (tags::REQUESTED_PROCEDURE_PRIORITY, "ROUTINE"),
        (tags::SPECIFIC_CHARACTER_SET, "ISO_IR 192"),
    ] {
        assert_eq!(line.text(tag).as_deref(), Some(want), "{tag}");
    }
    let [step] = line.items(SPS) else { panic!("{line:?}") };
    for (tag, want) in [
        (tags::SCHEDULED_STATION_AE_TITLE, "CT1"),
        (tags::SCHEDULED_PROCEDURE_STEP_START_DATE, "20260921"),
        (tags::SCHEDULED_PROCEDURE_STEP_START_TIME, "090000"),
        (tags::MODALITY, "CT"),
        (tags::SCHEDULED_PROCEDURE_STEP_ID, "SPS1"),
        (tags::SCHEDULED_PROCEDURE_STEP_STATUS, "SCHEDULED"),
        (tags::SCHEDULED_PROCEDURE_STEP_DESCRIPTION, "Chụp CLVT ngực"),
    ] {
        assert_eq!(step.text(tag).as_deref(), Some(want), "{tag}");
    }
    assert_eq!(
        step.items(tags::SCHEDULED_PROTOCOL_CODE_SEQUENCE)[0].text(tags::CODE_VALUE).as_deref(),
        Some("CT-NGUC")
    );

    let asked = ask(&[(tags::PATIENT_NAME, ""), (tags::PATIENT_COMMENTS, "")], &[(tags::MODALITY, "CT")]);
    let found = lines(&fresh, &asked).await;
    let have: Vec<Tag> = found[0].iter().map(|element| element.tag).collect();
    assert_eq!(have, [tags::SPECIFIC_CHARACTER_SET, tags::PATIENT_NAME, tags::PATIENT_COMMENTS, SPS]);
    assert_eq!(found[0].items(SPS)[0].len(), 1, "only what was asked for");
}

async fn keys_of_the_step_and_of_the_patient_match(fresh: Fresh) {
    schedule::create_order(&fresh.db, &order(), &clerk(), NOW_MS).await.unwrap();
    for (top, step, want) in [
        (vec![], vec![(tags::SCHEDULED_STATION_AE_TITLE, "CT1")], 1),
        (vec![], vec![(tags::SCHEDULED_STATION_AE_TITLE, "CT2")], 0),
        (vec![], vec![(tags::SCHEDULED_PROCEDURE_STEP_START_DATE, "20260921")], 1),
        (vec![], vec![(tags::SCHEDULED_PROCEDURE_STEP_START_DATE, "20260920-20260922")], 1),
        (vec![], vec![(tags::SCHEDULED_PROCEDURE_STEP_START_DATE, "20260922")], 0),
        (vec![], vec![(tags::SCHEDULED_PROCEDURE_STEP_START_TIME, "0800-0900")], 1),
        (vec![], vec![(tags::SCHEDULED_PROCEDURE_STEP_START_TIME, "0901-")], 0),
        (vec![], vec![(tags::MODALITY, "MR")], 0),
        (vec![(tags::PATIENT_NAME, "nguyen van a")], vec![], 1),
        (vec![(tags::PATIENT_NAME, "NGUYỄN*")], vec![], 1),
        (vec![(tags::PATIENT_NAME, "tran*")], vec![], 0),
        (vec![(tags::PATIENT_ID, "BN00*")], vec![(tags::MODALITY, "CT")], 1),
        (vec![(tags::ACCESSION_NUMBER, "26092100001")], vec![], 1),
        (vec![(tags::REQUESTED_PROCEDURE_ID, "RP2")], vec![], 0),
    ] {
        assert_eq!(lines(&fresh, &ask(&top, &step)).await.len(), want, "{top:?} {step:?}");
    }
    let elsewhere = Scope::Facilities(vec!["BVH".into()]);
    assert!(schedule::worklist(&fresh.db, &ask(&[], &[]), &elsewhere, None).await.unwrap().is_empty());
}

async fn a_line_is_on_every_device_that_could_do_it(fresh: Fresh) {
    for (ae, modality, room, facility) in [
        ("CT1", Some("CT"), Some("P1"), Some("BVTW")),
        ("CT2", Some("CT"), Some("P2"), Some("BVTW")),
        ("MR1", Some("MR"), None, Some("BVTW")),
        ("CT9", Some("CT"), None, Some("BVH")),
    ] {
        let device = Device {
            modality: modality.map(Into::into),
            room: room.map(Into::into),
            facility: facility.map(Into::into),
            ..Device::named(title(ae))
        };
        devices::upsert(&fresh.db, &device).await.unwrap();
    }
    let by_modality = NewOrder { station_ae: None, ..order() };
    schedule::create_order(&fresh.db, &by_modality, &clerk(), NOW_MS).await.unwrap();
    let by_room = NewOrder { station_ae: None, room: Some("P2".into()), ..order() };
    schedule::create_order(&fresh.db, &by_room, &clerk(), NOW_MS).await.unwrap();
    schedule::create_order(&fresh.db, &order(), &clerk(), NOW_MS).await.unwrap();
    for (ae, want) in
        [("CT1", vec!["SPS1", "SPS3"]), ("CT2", vec!["SPS1", "SPS2"]), ("MR1", vec![]), ("CT9", vec![])]
    {
        let found = lines(
            &fresh,
            &ask(&[], &[(tags::SCHEDULED_STATION_AE_TITLE, ae), (tags::SCHEDULED_PROCEDURE_STEP_ID, "")]),
        )
        .await;
        let steps: Vec<_> = found
            .iter()
            .map(|line| line.items(SPS)[0].text(tags::SCHEDULED_PROCEDURE_STEP_ID).unwrap())
            .collect();
        assert_eq!(steps, want, "{ae}");
        assert!(
            found
                .iter()
                .all(|line| line.items(SPS)[0].text(tags::SCHEDULED_STATION_AE_TITLE).as_deref() == Some(ae))
        );
    }
    let open = lines(
        &fresh,
        &ask(&[], &[(tags::SCHEDULED_PROCEDURE_STEP_ID, "SPS1"), (tags::SCHEDULED_STATION_AE_TITLE, "")]),
    )
    .await;
    assert_eq!(open[0].items(SPS)[0].texts(tags::SCHEDULED_STATION_AE_TITLE), ["CT1", "CT2"]);
}

async fn a_line_leaves_when_the_exam_begins_and_survives_midnight(fresh: Fresh) {
    let exam = schedule::create_order(&fresh.db, &order(), &clerk(), NOW_MS).await.unwrap();
    let tomorrow = ask(
        &[],
        &[
            (tags::SCHEDULED_PROCEDURE_STEP_START_DATE, "20260922"),
            (tags::SCHEDULED_PROCEDURE_STEP_STATUS, ""),
        ],
    );
    assert!(lines(&fresh, &tomorrow).await.is_empty());
    moves::act(&fresh.db, &Scope::All, &clerk(), exam.id, StepAct::Arrive, None, NOW_MS).await.unwrap();
    // The patient came before midnight and is still here.
    let range = ask(
        &[],
        &[
            (tags::SCHEDULED_PROCEDURE_STEP_START_DATE, "20260922-20260923"),
            (tags::SCHEDULED_PROCEDURE_STEP_STATUS, ""),
        ],
    );
    for query in [&tomorrow, &range] {
        let found = lines(&fresh, query).await;
        assert_eq!(found.len(), 1);
        assert_eq!(
            found[0].items(SPS)[0].text(tags::SCHEDULED_PROCEDURE_STEP_STATUS).as_deref(),
            Some("ARRIVED")
        );
    }
    store(&fresh.db, &[Image { accession: Some(exam.accession_number), ..Image::default() }]).await;
    assert!(lines(&fresh, &ask(&[], &[])).await.is_empty());
}

async fn names_are_written_as_the_device_wants_them(fresh: Fresh) {
    let old = Device { worklist_names: WorklistNames::Ascii, ..Device::named(title("OLD")) };
    devices::upsert(&fresh.db, &old).await.unwrap();
    let mut long = NewOrder { station_ae: None, reason: Some("ă".repeat(200)), ..order() };
    long.patient.name = "Đỗ^Thị Ngọc Ánh".into();
    long.patient.id = Some("BN002".into());
    schedule::create_order(&fresh.db, &long, &clerk(), NOW_MS).await.unwrap();
    let query = ask(&[(tags::PATIENT_NAME, ""), (tags::REASON_FOR_THE_REQUESTED_PROCEDURE, "")], &[]);
    let plain = schedule::worklist(&fresh.db, &query, &Scope::All, Some(&title("OLD"))).await.unwrap();
    assert_eq!(plain[0].text(tags::PATIENT_NAME).as_deref(), Some("Do^Thi Ngoc Anh"));
    let full = schedule::worklist(&fresh.db, &query, &Scope::All, Some(&title("NEW"))).await.unwrap();
    assert_eq!(full[0].text(tags::PATIENT_NAME).as_deref(), Some("Đỗ^Thị Ngọc Ánh"));
    let reason = full[0].text(tags::REASON_FOR_THE_REQUESTED_PROCEDURE).unwrap();
    assert_eq!(reason.chars().count(), 64, "values fit their VR");
}
