//! Who is who when many devices push at once.

use crate::support::{Harness, ae, proposals_for, uid};
use bytes::Bytes;
use dimse_scp::dimse::Status;
use dimse_scp::scu::{Association, Content, Instance, Options, Proposal};
use pacs_core::access::{Actor, Scope};
use pacs_core::dataset::{self, DataSet};
use pacs_core::{tags, transfer_syntax, uids};
use storage::devices::{self, Device};
use storage::exams::search;
use storage::identity::{merging, record};

const ASSOCIATIONS: usize = 64;

/// An image of a study of its own.
fn image(study: usize, patient: &str) -> Instance {
    let (class, instance) = (uid(uids::CT_IMAGE_STORAGE), uid(&format!("1.2.{study}.1.1")));
    let syntax = uid(uids::EXPLICIT_VR_LITTLE_ENDIAN);
    let mut set = DataSet::new();
    set.put_uid(tags::SOP_CLASS_UID, &class);
    set.put_uid(tags::SOP_INSTANCE_UID, &instance);
    set.put_text(tags::MODALITY, "CT");
    set.put_text(tags::PATIENT_NAME, "NGUYEN^VAN A");
    set.put_text(tags::PATIENT_ID, patient);
    set.put_uid(tags::STUDY_INSTANCE_UID, &uid(&format!("1.2.{study}")));
    set.put_uid(tags::SERIES_INSTANCE_UID, &uid(&format!("1.2.{study}.1")));
    let mut bytes = Vec::new();
    dataset::write(&set, &transfer_syntax::of(&syntax), &mut bytes).unwrap();
    Instance { class, instance, transfer_syntax: syntax, content: Content::Memory(Bytes::from(bytes)) }
}

/// Opens all associations, then stores over all of them at once: one study each, and a first image of a
/// patient whom nobody knows.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixty_four_associations_make_one_patient() {
    let server = Harness::start().await;
    let mut open = Vec::new();
    for study in 0..ASSOCIATIONS {
        let instance = image(study, "P1");
        let target = dimse_scp::scu::Target { calling_ae: ae(&format!("CT{study}")), ..server.target() };
        let proposals = proposals_for(std::slice::from_ref(&instance));
        let association = Association::connect(&target, &proposals, &Options::default()).await.unwrap();
        open.push((association, instance));
    }
    let storing: Vec<_> = open
        .into_iter()
        .map(|(mut association, instance)| {
            tokio::spawn(async move {
                let response = association.store(&instance).await.unwrap();
                association.release().await.unwrap();
                response.status
            })
        })
        .collect();
    for one in storing {
        assert_eq!(one.await.unwrap(), Status::SUCCESS);
    }
    let database = server.archive.database();
    let found = storage::identity::search(database, "P1").await.unwrap();
    assert_eq!(found.len(), 1, "{found:?}");
    let record = record::of(database, &Scope::All, found[0].id).await.unwrap().unwrap();
    assert_eq!(record.studies.len(), ASSOCIATIONS);
    assert!(record.studies.iter().all(|study| study.doubt.is_none()));
    server.stop().await;
}

/// A study is made by the facility of the device that sends it, else by that of the title that it was sent to, else by
/// the archive's own.
#[tokio::test]
async fn a_study_is_its_devices_or_its_called_titles_facility() {
    let server = Harness::start_with(
        |config| {
            config.ae_titles.push((ae("SEN_B"), Some("B".to_owned())));
            config.ae_titles.push((ae("SEN_C"), Some("C".to_owned())));
        },
        |_| {},
    )
    .await;
    let database = server.archive.database();
    for (title, facility) in [("CT_A", Some("A")), ("CT_D", Some("D")), ("CT_NONE", None)] {
        let mut device = Device::named(ae(title));
        device.facility = facility.map(str::to_owned);
        devices::upsert(database, &device).await.unwrap();
    }
    let own = server.archive.config().default_facility.clone();
    let cases = [
        ("CT_A", "SEN", "A"),
        ("CT_D", "SEN_B", "D"),
        ("CT_NONE", "SEN_B", "B"),
        ("UNKNOWN", "SEN_C", "C"),
        ("CT_NONE", "SEN", own.as_str()),
        ("UNKNOWN", "SEN", own.as_str()),
    ];
    for (study, (calling, called, facility)) in cases.into_iter().enumerate() {
        let instance = image(study, "P1");
        let target =
            dimse_scp::scu::Target { calling_ae: ae(calling), called_ae: ae(called), ..server.target() };
        let proposals = proposals_for(std::slice::from_ref(&instance));
        let mut association = Association::connect(&target, &proposals, &Options::default()).await.unwrap();
        assert_eq!(association.store(&instance).await.unwrap().status, Status::SUCCESS);
        association.release().await.unwrap();
        let found =
            search::study(database, &Scope::All, &uid(&format!("1.2.{study}"))).await.unwrap().unwrap();
        assert_eq!(found.facility, facility, "{calling} to {called}");
        // The number is that hospital's.
        assert_eq!(found.patient.issuer, facility, "{calling} to {called}");
    }
    server.stop().await;
}

/// Two records of one person are merged: whoever asks by the number that is left finds and gets what was sent under
/// both.
#[tokio::test]
async fn a_survivors_number_retrieves_everything() {
    const FIND: &str = uids::PATIENT_ROOT_QUERY_RETRIEVE_INFORMATION_MODEL_FIND;
    const GET: &str = uids::PATIENT_ROOT_QUERY_RETRIEVE_INFORMATION_MODEL_GET;
    let server = Harness::start().await;
    let images = [image(1, "P1"), image(2, "P2"), image(3, "P3")];
    server.fill(&images).await;
    let database = server.archive.database();
    let of = async |number: &str| storage::identity::search(database, number).await.unwrap()[0].id;
    let both = (of("P1").await, of("P2").await);
    merging::merge(database, &Scope::All, &Actor::system(), both, Some("registered twice"), 1).await.unwrap();

    let syntax = vec![uid(uids::EXPLICIT_VR_LITTLE_ENDIAN)];
    let model = |class| Proposal::new(uid(class), syntax.clone());
    let images_in = Proposal { as_provider: true, ..model(uids::CT_IMAGE_STORAGE) };
    let mut association = server.connect(&[model(FIND), model(GET), images_in]).await;
    for number in ["P1", "P2"] {
        let mut identifier = DataSet::new();
        identifier.put_text(tags::QUERY_RETRIEVE_LEVEL, "STUDY");
        identifier.put_text(tags::PATIENT_ID, number);
        identifier.put_empty(tags::STUDY_INSTANCE_UID);
        identifier.put_empty(tags::OTHER_PATIENT_I_DS_SEQUENCE);
        let mut answers = association.find(&uid(FIND), &identifier).await.unwrap();
        let mut found = Vec::new();
        while let Some(answer) = answers.next().await.unwrap() {
            assert_eq!(answers.status(), Status::PENDING);
            let other = &answer.items(tags::OTHER_PATIENT_I_DS_SEQUENCE)[0];
            found.push([&answer, other].map(|set| set.text(tags::PATIENT_ID).unwrap()));
        }
        assert_eq!(found, [["P2", "P1"], ["P2", "P1"]], "{number}");

        let mut identifier = DataSet::new();
        identifier.put_text(tags::QUERY_RETRIEVE_LEVEL, "PATIENT");
        identifier.put_text(tags::PATIENT_ID, number);
        let mut retrieval = association.get(&uid(GET), &identifier).await.unwrap();
        let mut arrived = Vec::new();
        while let Some(arrival) = retrieval.next().await.unwrap() {
            while retrieval.data().await.unwrap().is_some() {}
            arrived.push(arrival.instance);
            retrieval.answer(Status::SUCCESS).await.unwrap();
        }
        arrived.sort();
        assert_eq!(arrived, [images[0].instance.clone(), images[1].instance.clone()], "{number}");
    }
    association.release().await.unwrap();
    server.stop().await;
}
