//! The modality worklist through a real listener: an order becomes a scheduled procedure step that
//! a modality finds.

use crate::support::{Harness, ae, uid};
use dimse_scp::dimse::Status;
use dimse_scp::scu::{Association, Content, Instance, Options, Proposal, Target};
use pacs_core::access::Actor;
use pacs_core::dataset::{self, DataSet};
use pacs_core::text::CharacterSet;
use pacs_core::transfer_syntax::TransferSyntax;
use pacs_core::uid::Uid;
use pacs_core::{Tag, tags, uids};
use storage::catalogue::Procedure;
use storage::devices::{self, Device};
use storage::schedule::{NewOrder, OrderPatient, create_order};

const ISSUER: Tag = tags::ISSUER_OF_ACCESSION_NUMBER_SEQUENCE;
const NAME: &str = "NGUYỄN^THỊ MINH KHAI";

async fn order(server: &Harness, modality: &str, date: &str) {
    let order = NewOrder {
        facility: server.archive.config().default_facility.clone(),
        patient: OrderPatient { name: NAME.into(), sex: Some("F".into()), ..OrderPatient::default() },
        accession_number: None,
        procedure: Procedure {
            code: format!("{modality}1"),
            name: "Chụp lồng ngực".into(),
            modality: modality.into(),
        },
        station_ae: None,
        room: None,
        scheduled_date: date.into(),
        scheduled_time: "083000".into(),
        referring_physician: Some("Lê^Thị Hồng".into()),
        reason: None,
        emergency: false,
    };
    create_order(server.archive.database(), &order, &Actor::system(), 1_760_000_000_000).await.unwrap();
}

/// What a modality asks for: its steps of a day.
fn identifier(modality: &str, date: &str) -> DataSet {
    let mut step = DataSet::new();
    step.put_text(tags::MODALITY, modality);
    step.put_text(tags::SCHEDULED_PROCEDURE_STEP_START_DATE, date);
    step.put_empty(tags::SCHEDULED_STATION_AE_TITLE);
    step.put_empty(tags::SCHEDULED_PROCEDURE_STEP_ID);
    let mut identifier = DataSet::new();
    for tag in
        [tags::PATIENT_NAME, tags::PATIENT_ID, tags::ACCESSION_NUMBER, tags::STUDY_INSTANCE_UID, ISSUER]
    {
        identifier.put_empty(tag);
    }
    identifier.put_items(tags::SCHEDULED_PROCEDURE_STEP_SEQUENCE, vec![step]);
    identifier
}

async fn modality(server: &Harness) -> Association {
    let class = uid(uids::MODALITY_WORKLIST_INFORMATION_MODEL_FIND);
    server.connect(&[Proposal::new(class, vec![uid(uids::EXPLICIT_VR_LITTLE_ENDIAN)])]).await
}

async fn worklist(association: &mut Association, identifier: &DataSet) -> Vec<DataSet> {
    let class = uid(uids::MODALITY_WORKLIST_INFORMATION_MODEL_FIND);
    let (steps, status) = association.find(&class, identifier).await.unwrap().all().await.unwrap();
    assert_eq!(status, Status::SUCCESS);
    steps
}

/// The image that a console makes for a step: what the worklist gave, and a little of its own.
fn image_of(step: &DataSet) -> Instance {
    let instance = Uid::generate([7; 16]);
    let mut set = DataSet::new();
    set.put_text(tags::SPECIFIC_CHARACTER_SET, "ISO_IR 192");
    set.put_text(tags::SOP_CLASS_UID, uids::CT_IMAGE_STORAGE);
    set.put_uid(tags::SOP_INSTANCE_UID, &instance);
    set.put_text(tags::MODALITY, "CT");
    set.put_uid(tags::SERIES_INSTANCE_UID, &Uid::generate([8; 16]));
    for tag in
        [tags::PATIENT_NAME, tags::PATIENT_ID, tags::ACCESSION_NUMBER, tags::STUDY_INSTANCE_UID, ISSUER]
    {
        set.put(step.get(tag).unwrap().clone());
    }
    assert!(!set.items(ISSUER).is_empty(), "the worklist names who gave the number");
    let mut encoded = Vec::new();
    dataset::write(&set, &TransferSyntax::EXPLICIT_LITTLE_ENDIAN, &mut encoded).unwrap();
    Instance {
        class: uid(uids::CT_IMAGE_STORAGE),
        instance,
        transfer_syntax: uid(uids::EXPLICIT_VR_LITTLE_ENDIAN),
        content: Content::Memory(encoded.into()),
    }
}

#[tokio::test]
async fn an_order_is_on_the_worklist_of_its_modality_and_day() {
    let server = Harness::start().await;
    order(&server, "CT", "20261123").await;
    order(&server, "CT", "20261130").await;
    order(&server, "DX", "20261123").await;
    let mut association = modality(&server).await;
    for (modality, date, count) in [
        ("CT", "20261123", 1),
        ("CT", "20261120-20261201", 2),
        ("", "20261123", 2),
        ("MR", "20261123", 0),
        ("DX\\MR", "20261123", 1),
        ("D*\\CT", "20261123", 2),
        ("CT", "20250101", 0),
    ] {
        let steps = worklist(&mut association, &identifier(modality, date)).await;
        assert_eq!(steps.len(), count, "{modality} {date}");
    }
    let steps = worklist(&mut association, &identifier("CT", "20261123")).await;
    let [step] = &steps[..] else { panic!("{} steps", steps.len()) };
    assert_eq!(step.text(tags::PATIENT_NAME).as_deref(), Some(NAME));
    assert_eq!(step.text(tags::SPECIFIC_CHARACTER_SET).as_deref(), Some("ISO_IR 192"));
    assert!(step.text(tags::ACCESSION_NUMBER).is_some());
    assert!(step.uid(tags::STUDY_INSTANCE_UID).unwrap().is_ok());
    let scheduled = &step.items(tags::SCHEDULED_PROCEDURE_STEP_SEQUENCE)[0];
    assert_eq!(scheduled.text(tags::MODALITY).as_deref(), Some("CT"));
    assert_eq!(scheduled.text(tags::SCHEDULED_PROCEDURE_STEP_START_DATE).as_deref(), Some("20261123"));
    assert!(!step.contains(tags::QUERY_RETRIEVE_LEVEL), "a worklist has no levels");
    association.release().await.unwrap();
    server.stop().await;
}

#[tokio::test]
async fn a_console_without_letters_reads_base_letters() {
    let server = Harness::start().await;
    order(&server, "CT", "20261123").await;
    let mut console = Device::named(ae("TEST"));
    console.character_set = Some(CharacterSet::DEFAULT);
    devices::upsert(server.archive.database(), &console).await.unwrap();
    let mut association = modality(&server).await;
    let steps = worklist(&mut association, &identifier("CT", "20261123")).await;
    assert_eq!(steps[0].text(tags::PATIENT_NAME).as_deref(), Some("NGUYEN^THI MINH KHAI"));
    assert!(!steps[0].contains(tags::SPECIFIC_CHARACTER_SET));
    association.release().await.unwrap();
    server.stop().await;
}

#[tokio::test]
async fn keys_that_the_worklist_does_not_know_are_told() {
    let server = Harness::start().await;
    order(&server, "CT", "20261123").await;
    let mut association = modality(&server).await;
    let class = uid(uids::MODALITY_WORKLIST_INFORMATION_MODEL_FIND);
    let known = identifier("CT", "20261123");
    let with = |tag: Tag, value: &str| {
        let mut identifier = known.clone();
        identifier.put_text(tag, value);
        identifier
    };
    for (identifier, tag, want) in [
        (known.clone(), tags::PATIENT_NAME, Status::PENDING),
        // The order says nothing of it, which an answer without a value tells.
        (with(tags::PATIENT_COMMENTS, ""), tags::PATIENT_COMMENTS, Status::PENDING),
        (with(tags::ADMISSION_ID, ""), tags::ADMISSION_ID, Status::PENDING),
        (with(tags::ADMISSION_ID, "7"), tags::ADMISSION_ID, Status::PENDING_KEYS_UNSUPPORTED),
        (with(tags::BODY_PART_EXAMINED, ""), tags::BODY_PART_EXAMINED, Status::PENDING_KEYS_UNSUPPORTED),
    ] {
        let mut found = association.find(&class, &identifier).await.unwrap();
        let step = found.next().await.unwrap().unwrap();
        assert_eq!(found.status(), want, "{tag}");
        assert!(step.contains(tag), "{tag}");
        assert!(found.next().await.unwrap().is_none());
    }
    association.release().await.unwrap();
    server.stop().await;
}

#[tokio::test]
async fn physicians_are_matched_and_answered() {
    let server = Harness::start().await;
    order(&server, "DX", "20261123").await;
    let mut association = modality(&server).await;
    let class = uid(uids::MODALITY_WORKLIST_INFORMATION_MODEL_FIND);
    for (tag, value, want) in [
        (tags::REFERRING_PHYSICIAN_NAME, "", 1),
        (tags::REFERRING_PHYSICIAN_NAME, "LE^THI HONG", 1),
        (tags::REFERRING_PHYSICIAN_NAME, "lê*", 1),
        (tags::REFERRING_PHYSICIAN_NAME, "TRAN*", 0),
        (tags::REQUESTING_PHYSICIAN, "Lê^Thị Hồng", 1),
        (tags::PERFORMING_PHYSICIAN_NAME, "", 1),
        (tags::PERFORMING_PHYSICIAN_NAME, "LE*", 0),
        (tags::SCHEDULED_PERFORMING_PHYSICIAN_NAME, "", 1),
        // Nobody says who is to do it.
        (tags::SCHEDULED_PERFORMING_PHYSICIAN_NAME, "LE*", 0),
    ] {
        let mut asked = identifier("DX", "20261123");
        asked.put_text(tags::SPECIFIC_CHARACTER_SET, "ISO_IR 192");
        if tag == tags::SCHEDULED_PERFORMING_PHYSICIAN_NAME {
            let mut step = asked.items(tags::SCHEDULED_PROCEDURE_STEP_SEQUENCE)[0].clone();
            step.put_text(tag, value);
            asked.put_items(tags::SCHEDULED_PROCEDURE_STEP_SEQUENCE, vec![step]);
        } else {
            asked.put_text(tag, value);
        }
        let mut answers = association.find(&class, &asked).await.unwrap();
        let mut found = 0;
        while let Some(answer) = answers.next().await.unwrap() {
            assert_eq!(answers.status(), Status::PENDING, "{tag}");
            let step = &answer.items(tags::SCHEDULED_PROCEDURE_STEP_SEQUENCE)[0];
            assert!(answer.contains(tag) || step.contains(tag), "{tag} is not answered");
            found += 1;
        }
        assert_eq!(found, want, "{tag} {value}");
    }
    association.release().await.unwrap();
    server.stop().await;
}

#[tokio::test]
async fn a_step_that_began_stays_on_the_console_that_began_it() {
    let server = Harness::start().await;
    for title in ["CT1", "CT2"] {
        let mut console = Device::named(ae(title));
        console.modality = Some("CT".into());
        devices::upsert(server.archive.database(), &console).await.unwrap();
    }
    order(&server, "CT", "20261123").await;
    let class = uid(uids::MODALITY_WORKLIST_INFORMATION_MODEL_FIND);
    let proposal = Proposal::new(class, vec![uid(uids::EXPLICIT_VR_LITTLE_ENDIAN)]);
    let mut consoles = Vec::new();
    for title in ["CT1", "CT2"] {
        let target = Target { calling_ae: ae(title), ..server.target() };
        let proposals = std::slice::from_ref(&proposal);
        consoles.push(Association::connect(&target, proposals, &Options::default()).await.unwrap());
    }
    let asked = identifier("CT", "20261123");
    let mut steps = Vec::new();
    for console in &mut consoles {
        steps = worklist(console, &asked).await;
        assert_eq!(steps.len(), 1, "both may begin it");
    }
    let image = image_of(&steps[0]);
    let target = Target { calling_ae: ae("CT1"), ..server.target() };
    let mut storing = Association::connect(
        &target,
        &crate::support::proposals_for(std::slice::from_ref(&image)),
        &Options::default(),
    )
    .await
    .unwrap();
    assert_eq!(storing.store(&image).await.unwrap().status, Status::SUCCESS);
    storing.release().await.unwrap();
    let left: Vec<usize> =
        [worklist(&mut consoles[0], &asked).await.len(), worklist(&mut consoles[1], &asked).await.len()]
            .into();
    assert_eq!(left, [1, 0]);
    for console in consoles {
        console.release().await.unwrap();
    }
    server.stop().await;
}

#[tokio::test]
async fn findscu_reads_the_worklist() {
    let server = Harness::start().await;
    order(&server, "CT", "20261123").await;
    let port = server.address.port().to_string();
    let arguments = ["-v", "-W", "-aec", "SEN", "127.0.0.1", &port, "-k", "PatientName"];
    let step = ["-k", "ScheduledProcedureStepSequence[0].Modality=CT"];
    let mut findscu = tokio::process::Command::new("findscu");
    let output = match findscu.args(arguments).args(step).kill_on_drop(true).output().await {
        Ok(output) => output,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            testdata::skipped("findscu is not installed");
            return;
        }
        Err(error) => panic!("findscu: {error}"),
    };
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&said));
    assert!(
        said.windows(NAME.len()).any(|window| window == NAME.as_bytes()),
        "{}",
        String::from_utf8_lossy(&said)
    );
    server.stop().await;
}
