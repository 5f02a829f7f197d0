//! What answers to C-FIND carry of what was asked for.

use crate::find::{PATIENT_ROOT, STUDY_ROOT, filled, identifier, proposals};
use crate::support::uid;
use dimse_scp::dimse::Status;
use pacs_core::attributes::retired;
use pacs_core::{Tag, VR, tags, uids};

#[tokio::test]
async fn keys_that_are_not_supported_are_owned_up_to() {
    let server = filled().await;
    let mut association = server.connect(&proposals()).await;
    for (key, value, status) in [
        (tags::PATIENT_COMMENTS, "x", Status::PENDING_KEYS_UNSUPPORTED),
        (tags::PATIENT_COMMENTS, "", Status::PENDING),
        (tags::NUMBER_OF_STUDY_RELATED_SERIES, "", Status::PENDING),
        (tags::MEDICAL_ALERTS, "", Status::PENDING),
        (tags::STORAGE_MEDIA_FILE_SET_ID, "", Status::PENDING),
        (tags::IMAGE_TYPE, "", Status::PENDING_KEYS_UNSUPPORTED),
        (tags::SERIES_DESCRIPTION, "", Status::PENDING_KEYS_UNSUPPORTED),
    ] {
        let keys = [(tags::STUDY_INSTANCE_UID, "1.1"), (key, value)];
        let mut answers = association.find(&uid(STUDY_ROOT), &identifier("STUDY", &keys)).await.unwrap();
        assert!(answers.next().await.unwrap().is_some());
        assert_eq!(answers.status(), status, "{key} {value:?}");
        assert!(answers.next().await.unwrap().is_none());
        assert_eq!(answers.status(), Status::SUCCESS);
    }
    association.release().await.unwrap();
    server.stop().await;
}

#[tokio::test]
async fn every_return_key_of_the_models_is_answered() {
    let server = filled().await;
    let mut association = server.connect(&proposals()).await;
    let patient = (tags::PATIENT_ID, "P1");
    let study = (tags::STUDY_INSTANCE_UID, "1.1");
    let series = (tags::SERIES_INSTANCE_UID, "1.1.1");
    for (level, unique, asked) in [
        (
            "PATIENT",
            vec![patient],
            vec![
                (tags::PATIENT_BIRTH_TIME, "0715"),
                (tags::OTHER_PATIENT_NAMES, "HỒNG"),
                (retired::ETHNIC_GROUP, "Kinh"),
                (tags::PATIENT_COMMENTS, ""),
                (tags::REFERENCED_PATIENT_SEQUENCE, "1.2.3.4"),
            ],
        ),
        (
            "STUDY",
            vec![patient, study],
            vec![
                (tags::NAME_OF_PHYSICIANS_READING_STUDY, "Lê^Thị"),
                (retired::OTHER_STUDY_NUMBERS, "12"),
                (tags::REFERENCED_STUDY_SEQUENCE, "1.2.3.4"),
                (tags::ADMITTING_DIAGNOSES_DESCRIPTION, ""),
                (retired::ETHNIC_GROUP, "Kinh"),
            ],
        ),
        (
            "SERIES",
            vec![patient, study, series],
            vec![
                (tags::OPERATORS_NAME, "Trần^A"),
                (tags::REFERENCED_PERFORMED_PROCEDURE_STEP_SEQUENCE, "1.2.3.4"),
                (tags::PERFORMING_PHYSICIAN_NAME, ""),
            ],
        ),
        (
            "IMAGE",
            vec![patient, study, series, (tags::SOP_INSTANCE_UID, "1.1.1.2")],
            vec![
                (tags::IMAGE_TYPE, "ORIGINAL"),
                (tags::IMAGE_COMMENTS, "ảnh 1.1.1.2"),
                (tags::RELATED_GENERAL_SOP_CLASS_UID, uids::CT_IMAGE_STORAGE),
                (tags::PHOTOMETRIC_INTERPRETATION, "MONOCHROME2"),
                (tags::SAMPLES_PER_PIXEL, "1"),
                (tags::CONCEPT_NAME_CODE_SEQUENCE, "Ngực"),
                (tags::WINDOW_CENTER, ""),
                (tags::CONTENT_DATE, ""),
                (tags::COMPLETION_FLAG, ""),
                (tags::OPERATORS_NAME, "Trần^A"),
            ],
        ),
    ] {
        let mut identifier = identifier(level, &unique);
        identifier.put_text(tags::SPECIFIC_CHARACTER_SET, "ISO_IR 192");
        for (tag, _) in &asked {
            identifier.put_empty(*tag);
        }
        let mut answers = association.find(&uid(PATIENT_ROOT), &identifier).await.unwrap();
        let answer = answers.next().await.unwrap().unwrap();
        assert_eq!(answers.status(), Status::PENDING, "{level}");
        assert!(answers.next().await.unwrap().is_none());
        for (tag, want) in asked {
            let in_item = |tag| answer.items(tag).first().and_then(|item| item.text(tags::CODE_MEANING));
            let referenced =
                |tag| answer.items(tag).first().and_then(|item| item.text(tags::REFERENCED_SOP_INSTANCE_UID));
            assert!(answer.contains(tag), "{level} {tag}");
            let found = in_item(tag).or_else(|| referenced(tag)).or_else(|| {
                let first = answer.texts(tag).into_iter().next();
                first.or_else(|| answer.int(tag).map(|number| number.to_string()))
            });
            assert_eq!(found.unwrap_or_default(), want, "{level} {tag}");
        }
    }
    association.release().await.unwrap();
    server.stop().await;
}

/// What a private element means its creator says, and in another maker's object it is another's.
#[tokio::test]
async fn a_private_key_is_answered_without_a_value() {
    let server = filled().await;
    let mut association = server.connect(&proposals()).await;
    let [creator, private] = [0x0010, 0x1001].map(|element| Tag(0x0009, element));
    let unique = [(tags::STUDY_INSTANCE_UID, "1.1"), (tags::SERIES_INSTANCE_UID, "1.1.1")];
    for of in [None, Some("OTHER"), Some("SEN TEST")] {
        let mut identifier = identifier("IMAGE", &unique);
        identifier.put_text(tags::SOP_INSTANCE_UID, "1.1.1.2");
        if let Some(of) = of {
            identifier.put_text(creator, of);
        }
        identifier.put_bytes(private, VR::LO, Vec::new());
        let mut answers = association.find(&uid(STUDY_ROOT), &identifier).await.unwrap();
        let answer = answers.next().await.unwrap().unwrap();
        assert_eq!(answers.status(), Status::PENDING_KEYS_UNSUPPORTED, "{of:?}");
        assert!(answer.get(private).unwrap().is_empty(), "{of:?}");
        assert!(answers.next().await.unwrap().is_none());
    }
    association.release().await.unwrap();
    server.stop().await;
}
