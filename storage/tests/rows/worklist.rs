//! The modality worklist as devices see it.

use futures::TryStreamExt as _;
use pacs_core::access::Scope;
use pacs_core::dataset::{DataSet, vr_of};
use pacs_core::exam::StepAct;
use pacs_core::query::{Level, Query};
use pacs_core::uid::AeTitle;
use pacs_core::{Tag, VR, tags};
use storage::devices::{self, Device};
use storage::exams::moves;
use storage::schedule::{self, Asker, NewOrder, OrderPatient};

use crate::backends::{Fresh, on_every_engine};
use crate::samples::*;

on_every_engine!(
    an_order_is_a_line_with_everything_a_device_needs,
    keys_of_the_step_and_of_the_patient_match,
    a_line_is_on_every_device_that_could_do_it,
    a_device_may_see_no_further_than_some_days,
    a_line_that_nobody_began_survives_midnight,
    a_line_stays_with_the_device_that_began_it,
    a_line_goes_with_the_device_that_began_it_though_another_was_chosen,
    stations_are_matched_with_wildcards,
    every_line_is_answered_whatever_their_number,
    what_an_order_says_is_told_by_every_key_for_it,
    what_is_asked_of_items_is_answered_and_nothing_else,
    keys_the_worklist_does_not_know_are_told,
    values_fit_their_representation,
);

const SPS: Tag = tags::SCHEDULED_PROCEDURE_STEP_SEQUENCE;
const SPS_ID: Tag = tags::SCHEDULED_PROCEDURE_STEP_ID;
const TIME: Tag = tags::SCHEDULED_PROCEDURE_STEP_START_TIME;

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
    lines_for(fresh, query, &nobody()).await
}

async fn lines_for(fresh: &Fresh, query: &Query, asker: &Asker) -> Vec<DataSet> {
    schedule::worklist(&fresh.db, query, asker.clone()).try_collect().await.unwrap()
}

fn nobody() -> Asker {
    Asker::new(Scope::All, NOW_MS)
}

fn device(ae: &str) -> Asker {
    Asker { ae_title: Some(title(ae)), ..nobody() }
}

/// One key within the step.
fn ask_step(tag: Tag, value: &str) -> Query {
    let returned = [tags::SCHEDULED_STATION_AE_TITLE, tags::SCHEDULED_PROCEDURE_STEP_STATUS];
    ask(&[], &[(tag, value), (returned[0], ""), (returned[1], "")])
}

async fn ct(fresh: &Fresh, ae: &str) {
    let device = Device { modality: Some("CT".into()), ..Device::named(title(ae)) };
    devices::upsert(&fresh.db, &device).await.unwrap();
}

/// The station and the status of each line.
fn stations(lines: &[DataSet]) -> Vec<(String, String)> {
    let text = |line: &DataSet, tag| line.items(SPS)[0].texts(tag).join(" ");
    let both = |line| {
        (text(line, tags::SCHEDULED_STATION_AE_TITLE), text(line, tags::SCHEDULED_PROCEDURE_STEP_STATUS))
    };
    lines.iter().map(both).collect()
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
    let elsewhere = Asker { scope: Scope::Facilities(vec!["BVH".into()]), ..nobody() };
    assert!(lines_for(&fresh, &ask(&[], &[]), &elsewhere).await.is_empty());
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
        // A device that is kept to its own sees the same, whatever it asks for.
        let own = Asker { own: true, ..device(ae) };
        assert_eq!(lines_for(&fresh, &ask(&[], &[]), &own).await.len(), want.len(), "{ae}");
    }
    let open = lines(
        &fresh,
        &ask(&[], &[(tags::SCHEDULED_PROCEDURE_STEP_ID, "SPS1"), (tags::SCHEDULED_STATION_AE_TITLE, "")]),
    )
    .await;
    assert_eq!(open[0].items(SPS)[0].texts(tags::SCHEDULED_STATION_AE_TITLE), ["CT1", "CT2"]);
}

async fn a_device_may_see_no_further_than_some_days(fresh: Fresh) {
    for date in ["20260920", "20260921", "20260922", "20260930"] {
        let order = NewOrder { scheduled_date: date.into(), ..order() };
        schedule::create_order(&fresh.db, &order, &clerk(), NOW_MS).await.unwrap();
    }
    for (days_ahead, want) in [(None, 4), (Some(0), 2), (Some(1), 3), (Some(9), 4), (Some(u32::MAX), 4)] {
        let asker = Asker { days_ahead, ..device("CT1") };
        assert_eq!(lines_for(&fresh, &ask(&[], &[]), &asker).await.len(), want, "{days_ahead:?}");
    }
}

async fn a_line_that_nobody_began_survives_midnight(fresh: Fresh) {
    let urgent = NewOrder { emergency: true, scheduled_time: "233000".into(), ..order() };
    let exam = schedule::create_order(&fresh.db, &order(), &clerk(), NOW_MS).await.unwrap();
    schedule::create_order(&fresh.db, &urgent, &clerk(), NOW_MS).await.unwrap();
    moves::act(&fresh.db, &Scope::All, &clerk(), exam.id, StepAct::Arrive, None, NOW_MS).await.unwrap();
    let on = |day: i64| Asker { now_ms: NOW_MS + day * 86_400_000, ..nobody() };
    for (asker, dates, want) in [
        (on(0), "20260921", 2),
        (on(0), "20260922", 0), // Planning ahead: today is not tomorrow's.
        (on(0), "20260922-20260930", 0),
        (on(1), "20260922", 2),
        (on(1), "20260922-20260923", 2),
        (on(1), "20260922-", 2),
        (on(1), "-20260922", 2),
        (on(1), "20260923", 0),
        (on(2), "20260923", 0), // A day later it is history.
    ] {
        let query = ask_step(tags::SCHEDULED_PROCEDURE_STEP_START_DATE, dates);
        let found = lines_for(&fresh, &query, &asker).await;
        assert_eq!(found.len(), want, "{dates} at {}", asker.now_ms);
        if want > 0 {
            let statuses: Vec<_> = stations(&found).into_iter().map(|(_, status)| status).collect();
            assert_eq!(statuses, ["SCHEDULED", "ARRIVED"], "the emergency first");
        }
    }
}

async fn a_line_stays_with_the_device_that_began_it(fresh: Fresh) {
    ct(&fresh, "CT1").await;
    ct(&fresh, "CT2").await;
    let open = NewOrder { station_ae: None, ..order() };
    let exam = schedule::create_order(&fresh.db, &open, &clerk(), NOW_MS).await.unwrap();
    let whole = ask_step(tags::MODALITY, "CT");
    for ae in ["CT1", "CT2"] {
        assert_eq!(lines_for(&fresh, &whole, &device(ae)).await.len(), 1, "{ae}");
    }
    let image = Image { accession: Some(exam.accession_number), ..Image::default() };
    store(&fresh.db, std::slice::from_ref(&image)).await;
    let began = [("CT1".to_owned(), "STARTED".to_owned())];
    assert_eq!(stations(&lines_for(&fresh, &whole, &device("CT1")).await), began);
    assert!(lines_for(&fresh, &whole, &device("CT2")).await.is_empty());
    let at = |ae: &str| ask_step(tags::SCHEDULED_STATION_AE_TITLE, ae);
    assert_eq!(stations(&lines(&fresh, &at("CT1")).await), began);
    assert!(lines(&fresh, &at("CT2")).await.is_empty());
    moves::quiet(&fresh.db, 1, NOW_MS + 600_000).await.unwrap();
    assert!(lines(&fresh, &at("CT1")).await.is_empty(), "ended");
}

async fn a_line_goes_with_the_device_that_began_it_though_another_was_chosen(fresh: Fresh) {
    ct(&fresh, "CT1").await;
    ct(&fresh, "CT2").await;
    let chosen = NewOrder { station_ae: Some(title("CT2")), ..order() };
    let exam = schedule::create_order(&fresh.db, &chosen, &clerk(), NOW_MS).await.unwrap();
    let (whole, at) =
        (ask_step(tags::MODALITY, "CT"), |ae: &str| ask_step(tags::SCHEDULED_STATION_AE_TITLE, ae));
    assert!(lines(&fresh, &at("CT1")).await.is_empty());
    assert_eq!(lines(&fresh, &at("CT2")).await.len(), 1);
    // Pushed by CT1.
    let image = Image { accession: Some(exam.accession_number), ..Image::default() };
    store(&fresh.db, std::slice::from_ref(&image)).await;
    let began = [("CT1".to_owned(), "STARTED".to_owned())];
    for query in [&whole, &at("CT1")] {
        assert_eq!(stations(&lines_for(&fresh, query, &device("CT1")).await), began);
    }
    for query in [&whole, &at("CT2")] {
        assert!(lines_for(&fresh, query, &device("CT2")).await.is_empty());
    }
}

async fn stations_are_matched_with_wildcards(fresh: Fresh) {
    ct(&fresh, "CT1").await;
    ct(&fresh, "CT2").await;
    schedule::create_order(&fresh.db, &order(), &clerk(), NOW_MS).await.unwrap();
    schedule::create_order(&fresh.db, &NewOrder { station_ae: None, ..order() }, &clerk(), NOW_MS)
        .await
        .unwrap();
    let mr = Device { modality: Some("MR".into()), ..Device::named(title("MR1")) };
    devices::upsert(&fresh.db, &mr).await.unwrap();
    for (pattern, want) in [
        ("CT*", vec!["CT1", "CT1 CT2"]),
        ("?T2", vec!["CT1 CT2"]),
        ("MR*", vec![]),
        ("*", vec!["CT1", "CT1 CT2"]),
    ] {
        let found = lines(&fresh, &ask_step(tags::SCHEDULED_STATION_AE_TITLE, pattern)).await;
        let titles: Vec<_> = stations(&found).into_iter().map(|(titles, _)| titles).collect();
        assert_eq!(titles, want, "{pattern}");
    }
}

async fn every_line_is_answered_whatever_their_number(fresh: Fresh) {
    const MANY: usize = 1_003;
    for number in 0..MANY {
        let order = NewOrder {
            emergency: number % 100 == 7,
            scheduled_time: format!("{:02}0000", number % 24),
            ..order()
        };
        schedule::create_order(&fresh.db, &order, &clerk(), NOW_MS).await.unwrap();
    }
    let found =
        lines(&fresh, &ask(&[(tags::REQUESTED_PROCEDURE_PRIORITY, "")], &[(SPS_ID, ""), (TIME, "")])).await;
    let key = |line: &DataSet| {
        let step = &line.items(SPS)[0];
        let routine = line.text(tags::REQUESTED_PROCEDURE_PRIORITY).as_deref() == Some("ROUTINE");
        let number: usize = step.text(SPS_ID).unwrap().trim_start_matches("SPS").parse().unwrap();
        (routine, step.text(TIME).unwrap(), number)
    };
    let keys: Vec<_> = found.iter().map(key).collect();
    assert!(keys.is_sorted(), "emergencies first, then by time");
    let mut numbers: Vec<_> = keys.into_iter().map(|(_, _, number)| number).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=MANY).collect::<Vec<_>>(), "each once");
    let few = Query { limit: Some(3), ..ask(&[], &[]) };
    assert_eq!(lines(&fresh, &few).await.len(), 3);
    // The last of them all is found by who asked for it, behind pages in which nobody is.
    let last = NewOrder {
        referring_physician: Some("Lê^Thị Hồng".into()),
        scheduled_time: "235959".into(),
        emergency: false,
        ..order()
    };
    schedule::create_order(&fresh.db, &last, &clerk(), NOW_MS).await.unwrap();
    let of_hong = ask(&[(tags::REFERRING_PHYSICIAN_NAME, "hong le")], &[]);
    assert_eq!(lines(&fresh, &of_hong).await.len(), 1);
    let of_nobody = ask(&[(tags::REFERRING_PHYSICIAN_NAME, "Trần*")], &[]);
    assert_eq!(lines(&fresh, &of_nobody).await.len(), 0);
}

async fn what_an_order_says_is_told_by_every_key_for_it(fresh: Fresh) {
    let numbered = NewOrder {
        accession_number: Some("HIS-7".into()),
        patient: OrderPatient { national_id: Some("001080000001".into()), ..order().patient },
        ..order()
    };
    schedule::create_order(&fresh.db, &numbered, &clerk(), NOW_MS).await.unwrap();
    let elsewhere = NewOrder { facility: "BVH".into(), accession_number: Some("HIS-7".into()), ..order() };
    schedule::create_order(&fresh.db, &elsewhere, &clerk(), NOW_MS).await.unwrap();
    const ISSUER: Tag = tags::ISSUER_OF_ACCESSION_NUMBER_SEQUENCE;
    const FILLER: Tag = tags::FILLER_ORDER_NUMBER_IMAGING_SERVICE_REQUEST;
    let by_issuer = |code: &str| {
        let mut query = ask(&[(tags::ACCESSION_NUMBER, ""), (FILLER, "HIS-7")], &[]);
        query.add(&[ISSUER, tags::LOCAL_NAMESPACE_ENTITY_ID], VR::UT, code).unwrap();
        query.add(&[ISSUER, tags::UNIVERSAL_ENTITY_ID], VR::UT, "").unwrap();
        query.add(&[tags::OTHER_PATIENT_I_DS_SEQUENCE], VR::SQ, "").unwrap();
        query.add(&[tags::REFERENCED_STUDY_SEQUENCE, tags::REFERENCED_SOP_INSTANCE_UID], VR::UI, "").unwrap();
        query.add(&[tags::PLACER_ORDER_NUMBER_IMAGING_SERVICE_REQUEST], VR::LO, "").unwrap();
        assert!(schedule::worklist::supports(&query));
        query
    };
    assert_eq!(lines(&fresh, &by_issuer("")).await.len(), 2);
    assert!(lines(&fresh, &by_issuer("BVX")).await.is_empty());
    let found = lines(&fresh, &by_issuer("BVTW")).await;
    let [line] = &found[..] else { panic!("{found:?}") };
    let [issuer] = line.items(ISSUER) else { panic!("{line:?}") };
    assert_eq!(issuer.text(tags::LOCAL_NAMESPACE_ENTITY_ID).as_deref(), Some("BVTW"));
    assert_eq!(line.text(FILLER).as_deref(), Some("HIS-7"));
    let [other] = line.items(tags::OTHER_PATIENT_I_DS_SEQUENCE) else { panic!("{line:?}") };
    assert_eq!(other.text(tags::PATIENT_ID).as_deref(), Some("001080000001"));
    assert!(line.items(tags::REFERENCED_STUDY_SEQUENCE).is_empty());
    assert!(line.get(tags::PLACER_ORDER_NUMBER_IMAGING_SERVICE_REQUEST).unwrap().is_empty());
    for (reason, count) in [("Ho*", 2), ("Ho kéo dài", 2), ("Sốt", 0)] {
        let query = ask(&[(tags::REASON_FOR_THE_REQUESTED_PROCEDURE, reason)], &[]);
        assert!(schedule::worklist::supports(&query));
        assert_eq!(lines(&fresh, &query).await.len(), count, "{reason}");
    }
}

async fn what_is_asked_of_items_is_answered_and_nothing_else(fresh: Fresh) {
    let patient = OrderPatient { national_id: Some("001080000001".into()), ..order().patient };
    schedule::create_order(&fresh.db, &NewOrder { patient, ..order() }, &clerk(), NOW_MS).await.unwrap();
    const PROTOCOL: Tag = tags::SCHEDULED_PROTOCOL_CODE_SEQUENCE;
    const CONTEXT: Tag = tags::PROTOCOL_CONTEXT_SEQUENCE;
    const VERSION: Tag = tags::CODING_SCHEME_VERSION;
    const ISSUER: Tag = tags::ISSUER_OF_ACCESSION_NUMBER_SEQUENCE;
    let mut query = Query::new(Level::Study);
    for path in [
        &[tags::REQUESTED_PROCEDURE_CODE_SEQUENCE, tags::CODE_MEANING][..],
        &[tags::REQUESTED_PROCEDURE_CODE_SEQUENCE, VERSION],
        &[ISSUER, tags::UNIVERSAL_ENTITY_ID],
        &[ISSUER, tags::UNIVERSAL_ENTITY_ID_TYPE],
        &[tags::OTHER_PATIENT_I_DS_SEQUENCE, tags::PATIENT_ID],
        &[tags::OTHER_PATIENT_I_DS_SEQUENCE, tags::TYPE_OF_PATIENT_ID],
        &[SPS, tags::MODALITY],
        &[SPS, PROTOCOL, tags::CODE_VALUE],
        &[SPS, PROTOCOL, VERSION],
        &[SPS, PROTOCOL, CONTEXT, tags::VALUE_TYPE],
    ] {
        query.add(path, vr_of(*path.last().unwrap()), "").unwrap();
    }
    assert!(schedule::worklist::supports(&query));
    let found = lines(&fresh, &query).await;
    let [line] = &found[..] else { panic!("{found:?}") };
    let [step] = line.items(SPS) else { panic!("{line:?}") };
    for (holder, sequence, want) in [
        (
            line,
            tags::REQUESTED_PROCEDURE_CODE_SEQUENCE,
            vec![(VERSION, None), (tags::CODE_MEANING, Some("Chụp CLVT ngực"))],
        ),
        (line, ISSUER, vec![(tags::UNIVERSAL_ENTITY_ID, None), (tags::UNIVERSAL_ENTITY_ID_TYPE, None)]),
        (
            line,
            tags::OTHER_PATIENT_I_DS_SEQUENCE,
            vec![(tags::PATIENT_ID, Some("001080000001")), (tags::TYPE_OF_PATIENT_ID, Some("TEXT"))],
        ),
        (line, SPS, vec![(tags::MODALITY, Some("CT")), (PROTOCOL, None)]),
        (step, PROTOCOL, vec![(tags::CODE_VALUE, Some("CT-NGUC")), (VERSION, None), (CONTEXT, None)]),
    ] {
        let [item] = holder.items(sequence) else { panic!("{sequence}: {line:?}") };
        let held: Vec<_> = item.iter().map(|element| (element.tag, item.text(element.tag))).collect();
        let want: Vec<_> = want.into_iter().map(|(tag, text)| (tag, text.map(str::to_owned))).collect();
        assert_eq!(held, want, "{sequence}");
    }
    // Who asks for the sequence alone gets its items whole.
    let whole = lines(&fresh, &ask(&[(ISSUER, "")], &[(PROTOCOL, "")])).await;
    let issuer = &whole[0].items(ISSUER)[0];
    assert_eq!(issuer.text(tags::LOCAL_NAMESPACE_ENTITY_ID).as_deref(), Some("BVTW"));
    assert_eq!(whole[0].items(SPS)[0].items(PROTOCOL)[0].len(), 3);
}

async fn keys_the_worklist_does_not_know_are_told(_fresh: Fresh) {
    for (top, step, known) in [
        (vec![(tags::PATIENT_NAME, "A*"), (tags::PREGNANCY_STATUS, "")], vec![(tags::MODALITY, "CT")], true),
        (
            vec![(tags::PATIENT_COMMENTS, ""), (tags::ORDER_ENTERED_BY, ""), (tags::PATIENT_SIZE, "")],
            vec![],
            true,
        ),
        (vec![(tags::REQUESTED_PROCEDURE_COMMENTS, ""), (tags::REQUESTING_SERVICE, "")], vec![], true),
        (
            vec![],
            vec![(tags::COMMENTS_ON_THE_SCHEDULED_PROCEDURE_STEP, ""), (tags::PRE_MEDICATION, "")],
            true,
        ),
        (vec![(tags::PATIENT_COMMENTS, "x")], vec![], false),
        (vec![(tags::BODY_PART_EXAMINED, "")], vec![], false),
        (vec![], vec![(tags::PATIENT_NAME, "")], false),
        (vec![(tags::REFERRING_PHYSICIAN_NAME, "")], vec![], true),
        (vec![(tags::REFERRING_PHYSICIAN_NAME, "Lê*")], vec![], true),
        (vec![], vec![(tags::SCHEDULED_PERFORMING_PHYSICIAN_NAME, "Lê*")], true),
        (vec![], vec![(tags::SCHEDULED_PROCEDURE_STEP_LOCATION, "P1")], true),
        (vec![(tags::PREGNANCY_STATUS, "4")], vec![], false),
    ] {
        assert_eq!(schedule::worklist::supports(&ask(&top, &step)), known, "{top:?} {step:?}");
    }
}

async fn values_fit_their_representation(fresh: Fresh) {
    let long = NewOrder { reason: Some("ă".repeat(200)), ..order() };
    schedule::create_order(&fresh.db, &long, &clerk(), NOW_MS).await.unwrap();
    let found = lines(&fresh, &ask(&[(tags::REASON_FOR_THE_REQUESTED_PROCEDURE, "")], &[])).await;
    let reason = found[0].text(tags::REASON_FOR_THE_REQUESTED_PROCEDURE).unwrap();
    assert_eq!(reason.chars().count(), 64);
}
