//! C-FIND through a real listener: both models, all levels, every kind of matching.

use std::time::Duration;

use crate::support::wire::Wire;
use crate::support::{Harness, ae, uid};
use dimse_scp::dimse::{CommandField, CommandSet, Status, command::element};
use dimse_scp::scu::{Association, Instance, Options, Proposal, Target};
use pacs_core::attributes::retired;
use pacs_core::dataset::DataSet;
use pacs_core::text::CharacterSet;
use pacs_core::uid::Uid;
use pacs_core::{Tag, VR, tags, uids};
use storage::devices::{self, Device};

pub const STUDY_ROOT: &str = uids::STUDY_ROOT_QUERY_RETRIEVE_INFORMATION_MODEL_FIND;
pub const PATIENT_ROOT: &str = uids::PATIENT_ROOT_QUERY_RETRIEVE_INFORMATION_MODEL_FIND;

/// An instance that is all header.
struct Made {
    patient: (&'static str, &'static str),
    study: &'static str,
    date: &'static str,
    series: &'static str,
    modality: &'static str,
    instance: &'static str,
}

impl Made {
    fn instance(&self) -> Instance {
        let mut set = DataSet::new();
        set.put_text(tags::SPECIFIC_CHARACTER_SET, "ISO_IR 192");
        set.put_text(tags::SOP_CLASS_UID, uids::CT_IMAGE_STORAGE);
        set.put_text(tags::SOP_INSTANCE_UID, self.instance);
        set.put_text(tags::STUDY_DATE, self.date);
        set.put_text(tags::STUDY_TIME, "101500");
        set.put_text(tags::ACCESSION_NUMBER, &format!("A{}", self.study.replace('.', "")));
        set.put_text(tags::MODALITY, self.modality);
        set.put_text(tags::PATIENT_NAME, self.patient.1);
        set.put_text(tags::PATIENT_ID, self.patient.0);
        set.put_text(tags::STUDY_INSTANCE_UID, self.study);
        set.put_text(tags::SERIES_INSTANCE_UID, self.series);
        set.put_text(tags::INSTANCE_NUMBER, "1");
        // What no column of a row holds, of every level.
        set.put_text(tags::PATIENT_BIRTH_TIME, "0715");
        set.put_text(tags::OTHER_PATIENT_NAMES, "HỒNG");
        set.put_text(retired::ETHNIC_GROUP, "Kinh");
        set.put_text(tags::NAME_OF_PHYSICIANS_READING_STUDY, "Lê^Thị");
        set.put_text(retired::OTHER_STUDY_NUMBERS, "12");
        set.put_text(tags::OPERATORS_NAME, "Trần^A");
        set.put_items(tags::REFERENCED_PATIENT_SEQUENCE, vec![reference()]);
        set.put_items(tags::REFERENCED_STUDY_SEQUENCE, vec![reference()]);
        set.put_items(tags::REFERENCED_PERFORMED_PROCEDURE_STEP_SEQUENCE, vec![reference()]);
        set.put_text(tags::IMAGE_TYPE, "ORIGINAL\\PRIMARY\\AXIAL");
        set.put_text(tags::IMAGE_COMMENTS, &format!("ảnh {}", self.instance));
        set.put_text(tags::RELATED_GENERAL_SOP_CLASS_UID, uids::CT_IMAGE_STORAGE);
        set.put_text(tags::PHOTOMETRIC_INTERPRETATION, "MONOCHROME2");
        set.put_int(tags::SAMPLES_PER_PIXEL, 1);
        set.put_text(Tag(0x0009, 0x0010), "SEN TEST");
        set.put_text_as(Tag(0x0009, 0x1001), VR::LO, "private");
        let mut code = DataSet::new();
        code.put_text(tags::CODE_MEANING, "Ngực");
        set.put_items(tags::CONCEPT_NAME_CODE_SEQUENCE, vec![code]);
        let mut bytes = Vec::new();
        let syntax = pacs_core::transfer_syntax::TransferSyntax::EXPLICIT_LITTLE_ENDIAN;
        pacs_core::dataset::write(&set, &syntax, &mut bytes).unwrap();
        Instance {
            class: uid(uids::CT_IMAGE_STORAGE),
            instance: uid(self.instance),
            transfer_syntax: uid(uids::EXPLICIT_VR_LITTLE_ENDIAN),
            content: dimse_scp::scu::Content::Memory(bytes.into()),
        }
    }
}

fn reference() -> DataSet {
    let mut item = DataSet::new();
    item.put_text(tags::REFERENCED_SOP_CLASS_UID, "1.2.840.10008.3.1.2.3.3");
    item.put_text(tags::REFERENCED_SOP_INSTANCE_UID, "1.2.3.4");
    item
}

const HONG: (&str, &str) = ("P1", "ĐẶNG^THỊ HỒNG");
const HUNG: (&str, &str) = ("P2", "Nguyễn^Văn Hùng");

const HELD: &[Made] = &[
    Made {
        patient: HONG,
        study: "1.1",
        date: "20250101",
        series: "1.1.1",
        modality: "CT",
        instance: "1.1.1.1",
    },
    Made {
        patient: HONG,
        study: "1.1",
        date: "20250101",
        series: "1.1.1",
        modality: "CT",
        instance: "1.1.1.2",
    },
    Made {
        patient: HONG,
        study: "1.1",
        date: "20250101",
        series: "1.1.2",
        modality: "SR",
        instance: "1.1.2.1",
    },
    Made {
        patient: HONG,
        study: "1.2",
        date: "20250601",
        series: "1.2.1",
        modality: "MR",
        instance: "1.2.1.1",
    },
    Made {
        patient: HUNG,
        study: "2.1",
        date: "20260101",
        series: "2.1.1",
        modality: "CT",
        instance: "2.1.1.1",
    },
];

/// A server that holds these.
pub async fn filled() -> Harness {
    let server = Harness::start().await;
    let instances: Vec<_> = HELD.iter().map(Made::instance).collect();
    server.fill(&instances).await;
    server
}

/// Both models, in either native encoding.
pub fn proposals() -> [Proposal; 2] {
    let syntaxes = [uids::IMPLICIT_VR_LITTLE_ENDIAN, uids::EXPLICIT_VR_LITTLE_ENDIAN].map(uid);
    [STUDY_ROOT, PATIENT_ROOT].map(|class| Proposal::new(uid(class), syntaxes.to_vec()))
}

/// The identifier of a query.
pub fn identifier(level: &str, keys: &[(Tag, &str)]) -> DataSet {
    let mut identifier = DataSet::new();
    identifier.put_text(tags::QUERY_RETRIEVE_LEVEL, level);
    for (tag, value) in keys {
        identifier.put_text(*tag, value);
    }
    identifier
}

async fn found(association: &mut Association, class: &str, identifier: &DataSet) -> (Vec<DataSet>, Status) {
    association.find(&uid(class), identifier).await.unwrap().all().await.unwrap()
}

fn values(answers: &[DataSet], tag: Tag) -> Vec<String> {
    let mut values: Vec<_> = answers.iter().map(|answer| answer.text(tag).unwrap_or_default()).collect();
    values.sort();
    values
}

#[tokio::test]
async fn studies_are_found_by_every_kind_of_matching() {
    let server = filled().await;
    let mut association = server.connect(&proposals()).await;
    // Explicit is preferred for what is written here, though implicit was proposed first.
    assert!(
        association
            .contexts()
            .iter()
            .all(|context| context.transfer_syntax == uids::EXPLICIT_VR_LITTLE_ENDIAN)
    );
    for (keys, studies) in [
        (vec![], &["1.1", "1.2", "2.1"][..]),
        (vec![(tags::PATIENT_NAME, "dang thi hong")], &["1.1", "1.2"]),
        (vec![(tags::PATIENT_NAME, "Hồng^Đặng Thị")], &["1.1", "1.2"]),
        (vec![(tags::PATIENT_NAME, "nguyen*")], &["2.1"]),
        (vec![(tags::PATIENT_NAME, "*hung")], &["2.1"]),
        (vec![(tags::PATIENT_NAME, "nobody")], &[]),
        (vec![(tags::PATIENT_ID, "P1")], &["1.1", "1.2"]),
        (vec![(tags::PATIENT_ID, "P?")], &["1.1", "1.2", "2.1"]),
        (vec![(tags::STUDY_DATE, "20250101-20250601")], &["1.1", "1.2"]),
        (vec![(tags::STUDY_DATE, "20250601-")], &["1.2", "2.1"]),
        (vec![(tags::STUDY_DATE, "-20250101")], &["1.1"]),
        (vec![(tags::STUDY_INSTANCE_UID, "1.2\\2.1\\9.9")], &["1.2", "2.1"]),
        (vec![(tags::ACCESSION_NUMBER, "A12")], &["1.2"]),
        (vec![(tags::ACCESSION_NUMBER, "A1*")], &["1.1", "1.2"]),
        (vec![(tags::MODALITIES_IN_STUDY, "SR")], &["1.1"]),
        (vec![(tags::PATIENT_ID, "P1"), (tags::STUDY_DATE, "20260101")], &[]),
    ] {
        let (answers, status) = found(&mut association, STUDY_ROOT, &identifier("STUDY", &keys)).await;
        assert_eq!(status, Status::SUCCESS);
        assert_eq!(values(&answers, tags::STUDY_INSTANCE_UID), studies, "{keys:?}");
    }
    for (modality, series) in
        [("CT", &["1.1.1"][..]), ("CT\\SR", &["1.1.1", "1.1.2"]), ("S?\\MR", &["1.1.2"]), ("MR\\US", &[])]
    {
        let keys =
            [(tags::STUDY_INSTANCE_UID, "1.1"), (tags::SERIES_INSTANCE_UID, ""), (tags::MODALITY, modality)];
        let (answers, status) = found(&mut association, STUDY_ROOT, &identifier("SERIES", &keys)).await;
        assert_eq!(status, Status::SUCCESS);
        assert_eq!(values(&answers, tags::SERIES_INSTANCE_UID), series, "{modality}");
    }
    association.release().await.unwrap();
    server.stop().await;
}

#[tokio::test]
async fn answers_carry_what_was_asked_for() {
    let server = filled().await;
    let mut association = server.connect(&proposals()).await;
    let keys = [
        (tags::STUDY_INSTANCE_UID, "1.1"),
        (tags::PATIENT_NAME, ""),
        (tags::STUDY_DATE, ""),
        (tags::MODALITIES_IN_STUDY, ""),
        (tags::NUMBER_OF_STUDY_RELATED_SERIES, ""),
        (tags::NUMBER_OF_STUDY_RELATED_INSTANCES, ""),
        (tags::PATIENT_COMMENTS, ""),
    ];
    let (answers, _) = found(&mut association, STUDY_ROOT, &identifier("STUDY", &keys)).await;
    let [answer] = &answers[..] else { panic!("{answers:?}") };
    for (tag, value) in [
        (tags::PATIENT_NAME, "ĐẶNG^THỊ HỒNG"),
        (tags::STUDY_DATE, "20250101"),
        (tags::NUMBER_OF_STUDY_RELATED_SERIES, "2"),
        (tags::NUMBER_OF_STUDY_RELATED_INSTANCES, "3"),
        (tags::QUERY_RETRIEVE_LEVEL, "STUDY"),
        (tags::RETRIEVE_AE_TITLE, "SEN"),
        (tags::INSTANCE_AVAILABILITY, "ONLINE"),
        (tags::SPECIFIC_CHARACTER_SET, "ISO_IR 192"),
    ] {
        assert_eq!(answer.text(tag).as_deref(), Some(value), "{tag}");
    }
    assert_eq!(answer.texts(tags::MODALITIES_IN_STUDY), ["CT", "SR"]);
    assert!(answer.get(tags::PATIENT_COMMENTS).unwrap().is_empty(), "asked for, and not held");
    assert!(!answer.contains(tags::PATIENT_ID), "not asked for");
    association.release().await.unwrap();
    server.stop().await;
}

#[tokio::test]
async fn every_level_of_both_models_answers() {
    let server = filled().await;
    let mut association = server.connect(&proposals()).await;
    let patient = (tags::PATIENT_ID, "P1");
    let study = (tags::STUDY_INSTANCE_UID, "1.1");
    let series = (tags::SERIES_INSTANCE_UID, "1.1.1");
    for (class, level, keys, unique, want) in [
        (PATIENT_ROOT, "PATIENT", vec![], tags::PATIENT_ID, &["P1", "P2"][..]),
        (PATIENT_ROOT, "STUDY", vec![patient], tags::STUDY_INSTANCE_UID, &["1.1", "1.2"]),
        (PATIENT_ROOT, "SERIES", vec![patient, study], tags::SERIES_INSTANCE_UID, &["1.1.1", "1.1.2"]),
        (
            PATIENT_ROOT,
            "IMAGE",
            vec![patient, study, series],
            tags::SOP_INSTANCE_UID,
            &["1.1.1.1", "1.1.1.2"],
        ),
        (STUDY_ROOT, "SERIES", vec![study], tags::SERIES_INSTANCE_UID, &["1.1.1", "1.1.2"]),
        (STUDY_ROOT, "SERIES", vec![study, (tags::MODALITY, "SR")], tags::SERIES_INSTANCE_UID, &["1.1.2"]),
        (STUDY_ROOT, "IMAGE", vec![study, series], tags::SOP_INSTANCE_UID, &["1.1.1.1", "1.1.1.2"]),
    ] {
        let (answers, status) = found(&mut association, class, &identifier(level, &keys)).await;
        assert_eq!(status, Status::SUCCESS, "{class} {level}");
        assert_eq!(values(&answers, unique), want, "{class} {level}");
        assert!(values(&answers, tags::QUERY_RETRIEVE_LEVEL).iter().all(|word| word == level));
    }
    for (class, level, keys) in [
        (STUDY_ROOT, "PATIENT", vec![]),
        (STUDY_ROOT, "SERIES", vec![]),
        (STUDY_ROOT, "IMAGE", vec![study]),
        (PATIENT_ROOT, "STUDY", vec![]),
        (STUDY_ROOT, "NOWHERE", vec![]),
        (STUDY_ROOT, "STUDY", vec![(tags::STUDY_DATE, "last week")]),
    ] {
        let (answers, status) = found(&mut association, class, &identifier(level, &keys)).await;
        assert_eq!((answers.len(), status), (0, Status::DATA_SET_MISMATCH), "{level} {keys:?}");
    }
    association.release().await.unwrap();
    server.stop().await;
}

#[tokio::test]
async fn a_request_without_identifier_is_refused() {
    let server = filled().await;
    let find = CommandSet::request(CommandField::Find, 1);
    for class in [STUDY_ROOT, uids::MODALITY_WORKLIST_INFORMATION_MODEL_FIND] {
        let mut wire = Wire::associate(server.address, &[(class, uids::IMPLICIT_VR_LITTLE_ENDIAN)]).await;
        wire.send_command(1, &find).await;
        let response = wire.command().await;
        assert_eq!(response.status(), Some(Status::CANNOT_UNDERSTAND), "{class}");
        assert!(response.text(element::ERROR_COMMENT).is_some());
    }
    server.stop().await;
}

#[tokio::test]
async fn a_cancelled_query_ends() {
    let server = Harness::start().await;
    let studies: Vec<Uid> = (0..800).map(|n| uid(&format!("1.9.{n}"))).collect();
    let instances: Vec<_> = studies
        .iter()
        .map(|study| {
            let study = &*study.as_str().to_owned().leak();
            let series = &*format!("{study}.1").leak();
            let instance = &*format!("{study}.1.1").leak();
            Made { patient: HONG, study, date: "20250101", series, modality: "CT", instance }.instance()
        })
        .collect();
    futures::future::join_all(instances.chunks(50).map(|part| server.fill(part))).await;
    let mut association = server.connect(&proposals()).await;
    let mut answers = association.find(&uid(STUDY_ROOT), &identifier("STUDY", &[])).await.unwrap();
    let mut count = 0;
    while answers.next().await.unwrap().is_some() {
        count += 1;
        if count == 3 {
            answers.cancel().await.unwrap();
        }
    }
    assert_eq!(answers.status(), Status::CANCEL);
    assert!((3..800).contains(&count), "{count} answers after the third was cancelled");
    // The association is good for another question.
    let keys = [(tags::STUDY_INSTANCE_UID, "1.9.7")];
    let (answers, status) = found(&mut association, STUDY_ROOT, &identifier("STUDY", &keys)).await;
    assert_eq!((answers.len(), status), (1, Status::SUCCESS));
    association.release().await.unwrap();
    server.stop().await;
}

/// An association with the server, as soon as it has a seat for one.
async fn seat(server: &Harness) -> Association {
    loop {
        if let Ok(association) =
            Association::connect(&server.target(), &proposals(), &Options::default()).await
        {
            return association;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_that_finds_nothing_hears_its_requestor() {
    // What is waited for comes at once or never.
    const PATIENCE: Duration = Duration::from_secs(60);
    let server = Harness::start_with(|config| config.max_associations_per_ae = 1, |_| {}).await;
    let instances: Vec<_> = HELD.iter().map(Made::instance).collect();
    server.fill(&instances).await;
    // From now on whoever looks for a series waits for longer than the test takes.
    for sql in [
        "alter table series rename to series_there_were",
        "create view series as
         with recursive long (n) as (select 1 union all select n + 1 from long where n < 100000000)
         select s.* from series_there_were s where (select count(*) from long) > 0",
    ] {
        server.archive.database().execute(sql, Vec::new()).await.unwrap();
    }
    let endless = identifier("SERIES", &[(tags::STUDY_INSTANCE_UID, "1.1"), (tags::STATION_NAME, "NOBODY")]);
    let study = identifier("STUDY", &[(tags::STUDY_INSTANCE_UID, "1.1")]);
    let mut association = tokio::time::timeout(PATIENCE, seat(&server)).await.unwrap();
    let mut answers = association.find(&uid(STUDY_ROOT), &endless).await.unwrap();
    // When another's query has been answered, this one is under way.
    let target = Target { calling_ae: ae("OTHER"), ..server.target() };
    let mut other = Association::connect(&target, &proposals(), &Options::default()).await.unwrap();
    assert_eq!(found(&mut other, STUDY_ROOT, &study).await.0.len(), 1);
    answers.cancel().await.unwrap();
    let ended = tokio::time::timeout(PATIENCE, answers.next()).await;
    assert!(ended.expect("the C-CANCEL is heard").unwrap().is_none());
    assert_eq!(answers.status(), Status::CANCEL);
    // The association is good for another question, and when it is gone its seat is free.
    assert_eq!(found(&mut association, STUDY_ROOT, &study).await.0.len(), 1);
    association.find(&uid(STUDY_ROOT), &endless).await.unwrap();
    assert_eq!(found(&mut other, STUDY_ROOT, &study).await.0.len(), 1);
    drop(association);
    let association = tokio::time::timeout(PATIENCE, seat(&server)).await.expect("its seat is free");
    association.release().await.unwrap();
    other.release().await.unwrap();
    // The database cannot be closed before that.
}

#[tokio::test]
async fn a_console_without_letters_gets_base_letters() {
    let server = filled().await;
    let mut console = Device::named(ae("TEST"));
    console.character_set = Some(CharacterSet::DEFAULT);
    devices::upsert(server.archive.database(), &console).await.unwrap();
    let mut association = server.connect(&proposals()).await;
    let keys = [(tags::STUDY_INSTANCE_UID, "1.1"), (tags::PATIENT_NAME, "")];
    let (answers, _) = found(&mut association, STUDY_ROOT, &identifier("STUDY", &keys)).await;
    assert_eq!(values(&answers, tags::PATIENT_NAME), ["DANG^THI HONG"]);
    assert!(!answers[0].contains(tags::SPECIFIC_CHARACTER_SET));
    association.release().await.unwrap();
    server.stop().await;
}

#[tokio::test]
async fn a_device_sees_its_own_facility_only() {
    let server = filled().await;
    let mut elsewhere = Device::named(ae("TEST"));
    elsewhere.facility = Some("ELSEWHERE".into());
    devices::upsert(server.archive.database(), &elsewhere).await.unwrap();
    let mut association = server.connect(&proposals()).await;
    let (answers, status) = found(&mut association, STUDY_ROOT, &identifier("STUDY", &[])).await;
    assert_eq!((answers.len(), status), (0, Status::SUCCESS));
    association.release().await.unwrap();
    server.stop().await;
}
