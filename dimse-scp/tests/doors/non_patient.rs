//! Objects that are of no patient, through the door: stored, found, retrieved, and promised.

use crate::support::retrieval::{counts, destination, get, receiving, second_archive};
use crate::support::{Harness, ae, dataset_of, uid};
use bytes::Bytes;
use dimse_scp::dimse::Status;
use dimse_scp::scu::{Content, Instance, Proposal};
use pacs_core::dataset::{self, DataSet};
use pacs_core::{Tag, tags, transfer_syntax, uids};

const EXPLICIT: &str = uids::EXPLICIT_VR_LITTLE_ENDIAN;
const IMPLICIT: &str = uids::IMPLICIT_VR_LITTLE_ENDIAN;
const DEFLATED: &str = uids::DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN;

/// Each kind: its storage class and the classes that find, move and get it.
const KINDS: [[&str; 4]; 9] = [
    [
        uids::HANGING_PROTOCOL_STORAGE,
        uids::HANGING_PROTOCOL_INFORMATION_MODEL_FIND,
        uids::HANGING_PROTOCOL_INFORMATION_MODEL_MOVE,
        uids::HANGING_PROTOCOL_INFORMATION_MODEL_GET,
    ],
    [
        uids::COLOR_PALETTE_STORAGE,
        uids::COLOR_PALETTE_QUERY_RETRIEVE_INFORMATION_MODEL_FIND,
        uids::COLOR_PALETTE_QUERY_RETRIEVE_INFORMATION_MODEL_MOVE,
        uids::COLOR_PALETTE_QUERY_RETRIEVE_INFORMATION_MODEL_GET,
    ],
    [
        uids::GENERIC_IMPLANT_TEMPLATE_STORAGE,
        uids::GENERIC_IMPLANT_TEMPLATE_INFORMATION_MODEL_FIND,
        uids::GENERIC_IMPLANT_TEMPLATE_INFORMATION_MODEL_MOVE,
        uids::GENERIC_IMPLANT_TEMPLATE_INFORMATION_MODEL_GET,
    ],
    [
        uids::IMPLANT_ASSEMBLY_TEMPLATE_STORAGE,
        uids::IMPLANT_ASSEMBLY_TEMPLATE_INFORMATION_MODEL_FIND,
        uids::IMPLANT_ASSEMBLY_TEMPLATE_INFORMATION_MODEL_MOVE,
        uids::IMPLANT_ASSEMBLY_TEMPLATE_INFORMATION_MODEL_GET,
    ],
    [
        uids::IMPLANT_TEMPLATE_GROUP_STORAGE,
        uids::IMPLANT_TEMPLATE_GROUP_INFORMATION_MODEL_FIND,
        uids::IMPLANT_TEMPLATE_GROUP_INFORMATION_MODEL_MOVE,
        uids::IMPLANT_TEMPLATE_GROUP_INFORMATION_MODEL_GET,
    ],
    [
        uids::CT_DEFINED_PROCEDURE_PROTOCOL_STORAGE,
        uids::DEFINED_PROCEDURE_PROTOCOL_INFORMATION_MODEL_FIND,
        uids::DEFINED_PROCEDURE_PROTOCOL_INFORMATION_MODEL_MOVE,
        uids::DEFINED_PROCEDURE_PROTOCOL_INFORMATION_MODEL_GET,
    ],
    [
        uids::XA_DEFINED_PROCEDURE_PROTOCOL_STORAGE,
        uids::DEFINED_PROCEDURE_PROTOCOL_INFORMATION_MODEL_FIND,
        uids::DEFINED_PROCEDURE_PROTOCOL_INFORMATION_MODEL_MOVE,
        uids::DEFINED_PROCEDURE_PROTOCOL_INFORMATION_MODEL_GET,
    ],
    [
        uids::PROTOCOL_APPROVAL_STORAGE,
        uids::PROTOCOL_APPROVAL_INFORMATION_MODEL_FIND,
        uids::PROTOCOL_APPROVAL_INFORMATION_MODEL_MOVE,
        uids::PROTOCOL_APPROVAL_INFORMATION_MODEL_GET,
    ],
    [uids::INVENTORY_STORAGE, uids::INVENTORY_FIND, uids::INVENTORY_MOVE, uids::INVENTORY_GET],
];

fn object(class: &str, instance: &str, syntax: &str) -> Instance {
    let (class, instance, syntax) = (uid(class), uid(instance), uid(syntax));
    let mut set = DataSet::new();
    set.put_uid(tags::SOP_CLASS_UID, &class);
    set.put_uid(tags::SOP_INSTANCE_UID, &instance);
    set.put_text(tags::CONTENT_DESCRIPTION, "Chụp ngực cho trẻ em");
    set.put_text(tags::INSTANCE_CREATION_DATE, "20260105");
    let mut bytes = Vec::new();
    dataset::write(&set, &transfer_syntax::of(&syntax), &mut bytes).unwrap();
    Instance { class, instance, transfer_syntax: syntax, content: Content::Memory(Bytes::from(bytes)) }
}

fn keys(keys: &[(Tag, &str)]) -> DataSet {
    let mut identifier = DataSet::new();
    for (tag, value) in keys {
        identifier.put_text(*tag, value);
    }
    identifier
}

fn model(class: &str) -> Proposal {
    Proposal::new(uid(class), vec![uid(EXPLICIT)])
}

#[tokio::test]
async fn objects_of_every_kind_are_stored_found_and_retrieved() {
    let server = Harness::start().await;
    let receiver = second_archive().await;
    destination(&server, receiver.address).await;
    for (n, [class, find, mover, getter]) in KINDS.into_iter().enumerate() {
        let kept = object(class, &format!("1.2.840.{n}.1"), EXPLICIT);
        let other = object(class, &format!("1.2.840.{n}.2"), if n % 2 == 0 { IMPLICIT } else { DEFLATED });
        server.fill(&[kept.clone(), other.clone()]).await;
        server.fill(std::slice::from_ref(&kept)).await;

        let proposals = [model(find), model(mover), model(getter), receiving(&kept.class, EXPLICIT)];
        let mut association = server.connect(&proposals).await;
        let mut found = async |asked: &[(Tag, &str)]| {
            let answers = association.find(&uid(find), &keys(asked)).await.unwrap();
            answers.all().await.unwrap()
        };
        let asked = [
            (tags::SOP_CLASS_UID, class),
            (tags::SOP_INSTANCE_UID, ""),
            (tags::CONTENT_DESCRIPTION, "*trẻ em"),
            (tags::CONTENT_LABEL, ""),
        ];
        let (answers, status) = found(&asked).await;
        assert_eq!((answers.len(), status), (2, Status::SUCCESS), "{class}");
        assert_eq!(answers[0].text(tags::SOP_INSTANCE_UID).as_deref(), Some(kept.instance.as_str()));
        assert_eq!(answers[0].text(tags::CONTENT_DESCRIPTION).as_deref(), Some("Chụp ngực cho trẻ em"));
        assert!(answers[0].contains(tags::CONTENT_LABEL), "asked for and empty");
        assert!(!answers[0].contains(tags::QUERY_RETRIEVE_LEVEL) && !answers[0].contains(tags::MODALITY));
        let (answers, _) = found(&[(tags::SOP_INSTANCE_UID, other.instance.as_str())]).await;
        assert_eq!(answers.len(), 1, "{class}");
        let (answers, _) = found(&[(tags::INSTANCE_CREATION_DATE, "20260106-")]).await;
        assert!(answers.is_empty(), "{class}");
        let (_, status) = found(&[(tags::INSTANCE_CREATION_DATE, "yesterday")]).await;
        assert_eq!(status, Status::DATA_SET_MISMATCH);

        let both = format!("{}\\{}\\1.2.3.404", kept.instance, other.instance);
        let wanted = keys(&[(tags::SOP_INSTANCE_UID, &both)]);
        let (arrived, outcome) = get(&mut association, getter, &wanted).await;
        assert_eq!(counts(&outcome), (Status::SUCCESS, 2, 0, 0), "{class} {:?}", outcome.comment);
        assert!(arrived[&kept.instance].1 == dataset_of(&kept), "{class}");
        let plain = object(class, other.instance.as_str(), EXPLICIT);
        assert!(arrived[&other.instance].1 == dataset_of(&plain), "{class} in another encoding");
        let outcome = association.move_to(&uid(mover), &ae("DEST"), &wanted).await.unwrap();
        assert_eq!(counts(&outcome), (Status::SUCCESS, 2, 0, 0), "{class} {:?}", outcome.comment);

        for wrong in
            [keys(&[]), keys(&[(tags::SOP_INSTANCE_UID, "*")]), keys(&[(tags::SOP_INSTANCE_UID, "x")])]
        {
            let (_, outcome) = get(&mut association, getter, &wrong).await;
            assert_eq!(outcome.status, Status::DATA_SET_MISMATCH, "{class}");
        }
        association.release().await.unwrap();

        // They have arrived there as they were sent.
        let mut association = receiver
            .connect_as("DEST", &[model(getter), receiving(&kept.class, other.transfer_syntax.as_str())])
            .await;
        let (arrived, outcome) =
            get(&mut association, getter, &keys(&[(tags::SOP_INSTANCE_UID, other.instance.as_str())])).await;
        assert_eq!(counts(&outcome), (Status::SUCCESS, 1, 0, 0), "{class} {:?}", outcome.comment);
        assert!(arrived[&other.instance].1 == dataset_of(&other), "{class}");
        association.release().await.unwrap();
    }
    server.stop().await;
    receiver.stop().await;
}

#[tokio::test]
async fn objects_that_are_not_what_they_are_sent_as_are_refused() {
    let server = Harness::start().await;
    let kept = object(uids::HANGING_PROTOCOL_STORAGE, "1.2.3.1", EXPLICIT);
    let mut association = server.connect(&[model(uids::HANGING_PROTOCOL_STORAGE)]).await;
    let with = |content: Vec<u8>| Instance { content: Content::Memory(content.into()), ..kept.clone() };
    let mut other = kept.clone();
    other.instance = uid("1.2.3.2");
    for (instance, status) in [
        (other, Status::DATA_SET_MISMATCH),
        (with(Vec::new()), Status::DATA_SET_MISMATCH),
        (with(b"this is no data set, whoever sends it".to_vec()), Status::CANNOT_UNDERSTAND),
        (kept.clone(), Status::SUCCESS),
    ] {
        assert_eq!(association.store(&instance).await.unwrap().status, status);
    }
    association.release().await.unwrap();
    server.assert_alive().await;
    server.stop().await;
}
