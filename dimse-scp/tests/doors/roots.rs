//! The query/retrieve models beside patient and study root: patients and studies alone, single instances by their UIDs,
//! and instances without their bulk data.

use crate::support::retrieval::{content, counts, destination, get, receiving, second_archive};
use crate::support::{Harness, ae, dataset_of, samples, slices, uid};
use dimse_scp::dimse::Status;
use dimse_scp::scu::{Association, Instance, Proposal};
use pacs_core::dataset::{self, DataSet, Limits, Until};
use pacs_core::uid::Uid;
use pacs_core::{Tag, tags, transfer_syntax, uids};

const PATIENT_STUDY_FIND: &str = "1.2.840.10008.5.1.4.1.2.3.1";
const PATIENT_STUDY_MOVE: &str = "1.2.840.10008.5.1.4.1.2.3.2";
const PATIENT_STUDY_GET: &str = "1.2.840.10008.5.1.4.1.2.3.3";
const INSTANCE_MOVE: &str = uids::COMPOSITE_INSTANCE_ROOT_RETRIEVE_MOVE;
const INSTANCE_GET: &str = uids::COMPOSITE_INSTANCE_ROOT_RETRIEVE_GET;
const WITHOUT_BULK: &str = uids::COMPOSITE_INSTANCE_RETRIEVE_WITHOUT_BULK_DATA_GET;
const EXPLICIT: &str = uids::EXPLICIT_VR_LITTLE_ENDIAN;
const IMPLICIT: &str = uids::IMPLICIT_VR_LITTLE_ENDIAN;

fn model(class: &str) -> Proposal {
    Proposal::new(uid(class), vec![uid(EXPLICIT)])
}

fn identifier(level: &str, keys: &[(Tag, &str)]) -> DataSet {
    let mut identifier = DataSet::new();
    identifier.put_text(tags::QUERY_RETRIEVE_LEVEL, level);
    for (tag, value) in keys {
        identifier.put_text(*tag, value);
    }
    identifier
}

fn header(instance: &Instance) -> DataSet {
    let syntax = transfer_syntax::of(&instance.transfer_syntax);
    dataset::read_bytes(&dataset_of(instance), &syntax, &Limits::default(), Until::PixelData)
        .unwrap()
        .data_set
}

fn sample(folder: &str, name: &str) -> Instance {
    samples(folder).into_iter().find(|(found, _)| found == name).unwrap().1
}

async fn found(association: &mut Association, identifier: &DataSet) -> (Vec<DataSet>, Status) {
    association.find(&uid(PATIENT_STUDY_FIND), identifier).await.unwrap().all().await.unwrap()
}

#[tokio::test]
async fn patients_and_studies_are_found_and_retrieved_without_what_is_below() {
    let (server, receiver) = (Harness::start().await, second_archive().await);
    destination(&server, receiver.address).await;
    let instances = slices(3, 64, 1);
    server.fill(&instances).await;
    server.fill(&slices(2, 64, 2)).await;
    let head = header(&instances[0]);
    let patient = head.text(tags::PATIENT_ID).unwrap();
    let study = head.text(tags::STUDY_INSTANCE_UID).unwrap();
    let (by_patient, by_study) =
        ((tags::PATIENT_ID, patient.as_str()), (tags::STUDY_INSTANCE_UID, study.as_str()));
    let models = [PATIENT_STUDY_FIND, PATIENT_STUDY_MOVE, PATIENT_STUDY_GET].map(model);
    let receiving = receiving(&instances[0].class, EXPLICIT);
    let mut association = server.connect(&[&models[..], &[receiving]].concat()).await;

    let (answers, status) = found(&mut association, &identifier("PATIENT", &[by_patient])).await;
    assert_eq!((answers.len(), status), (1, Status::SUCCESS));
    let asked = identifier("STUDY", &[by_patient, (tags::NUMBER_OF_STUDY_RELATED_INSTANCES, "")]);
    let (answers, _) = found(&mut association, &asked).await;
    let mine: Vec<_> =
        answers.iter().filter(|a| a.text(tags::STUDY_INSTANCE_UID).as_deref() == Some(&study)).collect();
    assert_eq!(mine.len(), 1);
    assert_eq!(mine[0].int(tags::NUMBER_OF_STUDY_RELATED_INSTANCES), Some(3));
    for (level, keys) in [
        ("STUDY", &[by_study][..]),
        ("SERIES", &[by_patient, by_study]),
        ("IMAGE", &[by_patient, by_study]),
        ("FRAME", &[by_patient, by_study]),
        ("", &[by_patient]),
    ] {
        let identifier = identifier(level, keys);
        let (answers, status) = found(&mut association, &identifier).await;
        assert_eq!((answers.len(), status), (0, Status::DATA_SET_MISMATCH), "find {level}");
        let (arrived, outcome) = get(&mut association, PATIENT_STUDY_GET, &identifier).await;
        assert_eq!((arrived.len(), outcome.status), (0, Status::DATA_SET_MISMATCH), "get {level}");
        let outcome = association.move_to(&uid(PATIENT_STUDY_MOVE), &ae("DEST"), &identifier).await.unwrap();
        assert_eq!(outcome.status, Status::DATA_SET_MISMATCH, "move {level}");
    }
    let wanted = identifier("STUDY", &[by_patient, by_study]);
    let (arrived, outcome) = get(&mut association, PATIENT_STUDY_GET, &wanted).await;
    assert_eq!(counts(&outcome), (Status::SUCCESS, 3, 0, 0));
    assert!(instances.iter().all(|instance| arrived[&instance.instance].1 == dataset_of(instance)));
    let outcome = association.move_to(&uid(PATIENT_STUDY_MOVE), &ae("DEST"), &wanted).await.unwrap();
    assert_eq!(counts(&outcome), (Status::SUCCESS, 3, 0, 0));
    for instance in &instances {
        assert!(receiver.dataset(&instance.instance).await == dataset_of(instance));
    }
    association.release().await.unwrap();
    server.stop().await;
    receiver.stop().await;
}

fn joined(instances: &[&Uid]) -> String {
    instances.iter().map(|uid| uid.as_str()).collect::<Vec<_>>().join("\\")
}

#[tokio::test]
async fn instances_of_several_studies_are_retrieved_by_their_uids_alone() {
    let (server, receiver) = (Harness::start().await, second_archive().await);
    destination(&server, receiver.address).await;
    let (one, other) = (slices(3, 64, 3), slices(3, 64, 4));
    server.fill(&one).await;
    server.fill(&other).await;
    let models = [INSTANCE_MOVE, INSTANCE_GET].map(model);
    let receiving = receiving(&one[0].class, EXPLICIT);
    let mut association = server.connect(&[&models[..], &[receiving]].concat()).await;
    let unknown = uid("2.25.404");
    let listed = joined(&[&one[0].instance, &other[2].instance, &unknown]);
    let wanted = identifier("IMAGE", &[(tags::SOP_INSTANCE_UID, &listed)]);
    let (arrived, outcome) = get(&mut association, INSTANCE_GET, &wanted).await;
    assert_eq!(counts(&outcome), (Status::SUCCESS, 2, 0, 0));
    for instance in [&one[0], &other[2]] {
        assert!(arrived[&instance.instance].1 == dataset_of(instance));
    }
    let outcome = association.move_to(&uid(INSTANCE_MOVE), &ae("DEST"), &wanted).await.unwrap();
    assert_eq!(counts(&outcome), (Status::SUCCESS, 2, 0, 0));
    assert!(receiver.place(&one[0].instance).await.is_some());
    assert!(receiver.place(&one[1].instance).await.is_none());
    let (arrived, outcome) =
        get(&mut association, INSTANCE_GET, &identifier("IMAGE", &[(tags::SOP_INSTANCE_UID, "2.25.404")]))
            .await;
    assert_eq!((arrived.len(), counts(&outcome)), (0, (Status::SUCCESS, 0, 0, 0)));
    association.release().await.unwrap();
    server.stop().await;
    receiver.stop().await;
}

#[tokio::test]
async fn identifiers_that_name_no_instance_are_refused() {
    let server = Harness::start().await;
    let instances = slices(1, 64, 5);
    server.fill(&instances).await;
    let head = header(&instances[0]);
    let study = head.text(tags::STUDY_INSTANCE_UID).unwrap();
    let instance = instances[0].instance.as_str();
    let many = joined(&vec![&instances[0].instance; 1001]);
    let models = [INSTANCE_MOVE, INSTANCE_GET, WITHOUT_BULK].map(model);
    let mut association = server.connect(&models).await;
    for (level, keys) in [
        ("STUDY", &[(tags::STUDY_INSTANCE_UID, &*study)][..]),
        ("SERIES", &[(tags::SOP_INSTANCE_UID, instance)]),
        ("PATIENT", &[(tags::SOP_INSTANCE_UID, instance)]),
        ("IMAGE", &[(tags::STUDY_INSTANCE_UID, &*study)]),
        ("IMAGE", &[(tags::SOP_INSTANCE_UID, "")]),
        ("IMAGE", &[(tags::SOP_INSTANCE_UID, "*")]),
        ("IMAGE", &[(tags::SOP_INSTANCE_UID, "1.2.x")]),
        ("IMAGE", &[(tags::SOP_INSTANCE_UID, &*many)]),
        ("image", &[(tags::SOP_INSTANCE_UID, instance)]),
        ("", &[(tags::SOP_INSTANCE_UID, instance)]),
    ] {
        let identifier = identifier(level, keys);
        for class in [INSTANCE_GET, WITHOUT_BULK] {
            let (arrived, outcome) = get(&mut association, class, &identifier).await;
            assert_eq!((arrived.len(), outcome.status), (0, Status::DATA_SET_MISMATCH), "{class} {level}");
        }
        let outcome = association.move_to(&uid(INSTANCE_MOVE), &ae("SEN"), &identifier).await.unwrap();
        assert!(outcome.status.is_failure(), "{level}");
    }
    association.release().await.unwrap();
    server.assert_alive().await;
    server.stop().await;
}

/// What of a sample's content is not bulk data by the table of PS3.4 Z.1.3. Of several pixel data the last is the
/// image's own; an icon's stays. Group lengths would be wrong, and padding is for files.
fn without_bulk(sent: &[(Tag, Vec<u8>)]) -> Vec<(Tag, Vec<u8>)> {
    let own = sent.iter().rposition(|(tag, _)| *tag == tags::PIXEL_DATA);
    let is_left = |(at, (tag, _)): &(usize, &(Tag, Vec<u8>))| {
        let is_overlay = tag.0 & 0xff00 == 0x6000 && tag.1 == 0x3000;
        let is_of_files = tag.1 == 0 || *tag == tags::DATA_SET_TRAILING_PADDING;
        Some(*at) != own && *tag != tags::WAVEFORM_DATA && !is_overlay && !is_of_files
    };
    sent.iter().enumerate().filter(is_left).map(|(_, element)| element.clone()).collect()
}

#[tokio::test]
async fn instances_come_without_their_bulk_data_and_otherwise_unchanged() {
    let server = Harness::start().await;
    for (name, without) in [
        ("ct-small.dcm", 1),
        ("mr-overlay.dcm", 2),
        ("ecg-12lead.dcm", 2),
        ("mr-enhanced-10frames.dcm", 1),
        ("pdf-encapsulated.dcm", 0),
        ("sr-comprehensive.dcm", 0),
    ] {
        let instance = sample("modality", name);
        server.fill(std::slice::from_ref(&instance)).await;
        let sent = content(&dataset_of(&instance), &instance.transfer_syntax);
        let left = without_bulk(&sent);
        let is_bulk = |tag: &Tag| [0x5400, 0x6000, 0x7fe0].contains(&tag.0) && tag.1 != 0;
        let bulk = sent.iter().filter(|element| is_bulk(&element.0) && !left.contains(element));
        assert_eq!(bulk.count(), without, "{name}");
        for syntax in [EXPLICIT, IMPLICIT, uids::DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN] {
            let mut association =
                server.connect(&[model(WITHOUT_BULK), receiving(&instance.class, syntax)]).await;
            let wanted = identifier("IMAGE", &[(tags::SOP_INSTANCE_UID, instance.instance.as_str())]);
            let (arrived, outcome) = get(&mut association, WITHOUT_BULK, &wanted).await;
            association.release().await.unwrap();
            assert_eq!(counts(&outcome), (Status::SUCCESS, 1, 0, 0), "{name} {:?}", outcome.comment);
            let (in_syntax, bytes) = &arrived[&instance.instance];
            assert_eq!(in_syntax.as_str(), syntax);
            assert!(content(bytes, in_syntax) == left, "{name} in {syntax} says something else");
        }
    }
    server.stop().await;
}

#[tokio::test]
async fn without_frames_any_transfer_syntax_will_do() {
    let server = Harness::start().await;
    let instance = sample("modality", "us-palette-rle-2frames.dcm");
    server.fill(std::slice::from_ref(&instance)).await;
    let sent = content(&dataset_of(&instance), &instance.transfer_syntax);
    let left = without_bulk(&sent);
    let wanted = identifier("IMAGE", &[(tags::SOP_INSTANCE_UID, instance.instance.as_str())]);
    for (offered, taken) in [
        (&[uids::JPEG_BASELINE8_BIT][..], uids::JPEG_BASELINE8_BIT),
        (&[uids::RLE_LOSSLESS, IMPLICIT], IMPLICIT),
        (&[IMPLICIT, EXPLICIT], EXPLICIT),
    ] {
        let contexts = offered.iter().map(|syntax| receiving(&instance.class, syntax));
        let proposals: Vec<_> = std::iter::once(model(WITHOUT_BULK)).chain(contexts).collect();
        let mut association = server.connect(&proposals).await;
        let (arrived, outcome) = get(&mut association, WITHOUT_BULK, &wanted).await;
        association.release().await.unwrap();
        assert_eq!(counts(&outcome), (Status::SUCCESS, 1, 0, 0), "{:?}", outcome.comment);
        let (syntax, bytes) = &arrived[&instance.instance];
        assert_eq!(syntax.as_str(), taken);
        assert!(content(bytes, &uid(if taken == IMPLICIT { IMPLICIT } else { EXPLICIT })) == left);
    }
    // Who takes no instances of the class gets none.
    let mut association = server.connect(&[model(WITHOUT_BULK)]).await;
    let (arrived, outcome) = get(&mut association, WITHOUT_BULK, &wanted).await;
    assert_eq!((arrived.len(), counts(&outcome)), (0, (Status::CANNOT_PERFORM_SUBOPERATIONS, 0, 1, 0)));
    assert_eq!(outcome.failed_instances, std::slice::from_ref(&instance.instance));
    association.release().await.unwrap();
    server.stop().await;
}
