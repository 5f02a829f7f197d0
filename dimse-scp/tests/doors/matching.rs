//! The matching of PS3.4 C.2.2.2 as one table, through a real listener: every level of both models, every kind of
//! matching, with and without what extended negotiation grants.

use crate::support::wire::{Wire, request};
use crate::support::{Harness, ae, uid};
use dimse_scp::dimse::{CommandField, CommandSet, Status, command::element};
use dimse_scp::pdu::associate::ExtendedNegotiation;
use dimse_scp::pdu::stream::Token;
use dimse_scp::scu::{Content, Instance};
use pacs_core::dataset::{self, DataSet, Limits, Until, vr_of};
use pacs_core::transfer_syntax::TransferSyntax;
use pacs_core::{Tag, VR, tags, uids};
use storage::devices::{self, Device, Rules};

const STUDY_ROOT: &str = uids::STUDY_ROOT_QUERY_RETRIEVE_INFORMATION_MODEL_FIND;
const PATIENT_ROOT: &str = uids::PATIENT_ROOT_QUERY_RETRIEVE_INFORMATION_MODEL_FIND;
const EXPLICIT: &str = uids::EXPLICIT_VR_LITTLE_ENDIAN;

/// An instance that is all header: patient, study, date and time, series, modality, instance number.
fn made(
    (id, name, born): (&str, &str, &str),
    (study, date, time): (&str, &str, &str),
    (series, modality, number): (&str, &str, &str),
    instance: &str,
) -> Instance {
    let mut set = DataSet::new();
    set.put_text(tags::SPECIFIC_CHARACTER_SET, "ISO_IR 192");
    set.put_text(tags::SOP_CLASS_UID, uids::CT_IMAGE_STORAGE);
    set.put_text(tags::SOP_INSTANCE_UID, instance);
    set.put_text(tags::STUDY_DATE, date);
    set.put_text(tags::STUDY_TIME, time);
    set.put_text(tags::ACCESSION_NUMBER, &format!("A{}", study.replace('.', "")));
    set.put_text(tags::MODALITY, modality);
    set.put_text(tags::STUDY_DESCRIPTION, &format!("Chụp {modality} sọ não"));
    set.put_text(tags::PATIENT_NAME, name);
    set.put_text(tags::PATIENT_ID, id);
    set.put_text(tags::PATIENT_BIRTH_DATE, born);
    set.put_text(tags::PATIENT_SEX, if id == "P1" { "F" } else { "M" });
    set.put_text(tags::STUDY_INSTANCE_UID, study);
    set.put_text(tags::SERIES_INSTANCE_UID, series);
    set.put_text(tags::SERIES_NUMBER, number);
    set.put_text(tags::SERIES_DATE, date);
    set.put_text(tags::SERIES_TIME, time);
    set.put_text(tags::BODY_PART_EXAMINED, "HEAD");
    set.put_text(tags::INSTANCE_NUMBER, number);
    let mut step = DataSet::new();
    step.put_text(tags::SCHEDULED_PROCEDURE_STEP_ID, &format!("S{number}"));
    set.put_items(tags::REQUEST_ATTRIBUTES_SEQUENCE, vec![step]);
    let mut bytes = Vec::new();
    dataset::write(&set, &TransferSyntax::EXPLICIT_LITTLE_ENDIAN, &mut bytes).unwrap();
    Instance {
        class: uid(uids::CT_IMAGE_STORAGE),
        instance: uid(instance),
        transfer_syntax: uid(EXPLICIT),
        content: Content::Memory(bytes.into()),
    }
}

async fn filled() -> Harness {
    let server = Harness::start().await;
    let hong = ("P1", "ĐẶNG^THỊ HỒNG", "19800102");
    let hung = ("P2", "Nguyễn^Văn Hùng", "");
    server
        .fill(&[
            made(hong, ("1.1", "20250101", "0815"), ("1.1.1", "CT", "1"), "1.1.1.1"),
            made(hong, ("1.1", "20250101", "0815"), ("1.1.2", "SR", "2"), "1.1.2.1"),
            made(hong, ("1.2", "20250601", "101500"), ("1.2.1", "MR", "1"), "1.2.1.1"),
            made(hung, ("2.1", "20260101", "235959.5"), ("2.1.1", "CT", "1"), "2.1.1.1"),
            made(hung, ("2.2", "", ""), ("2.2.1", "US", "1"), "2.2.1.1"),
        ])
        .await;
    server
}

/// Options of a query that are asked for: relational, combined date and time, fuzzy names, and, behind what is not
/// granted, empty values and all of several values.
type Asked = &'static [u8];
const NONE: Asked = &[0, 0, 0];
const RELATIONAL: Asked = &[1, 0, 0];
const COMBINED: Asked = &[0, 1, 0];
const FUZZY: Asked = &[0, 0, 1];
const EMPTY: Asked = &[0, 0, 0, 0, 0, 1];
const ALL_VALUES: Asked = &[0, 0, 0, 0, 0, 0, 1];

fn identifier(level: &str, keys: &[(&[Tag], &str)]) -> DataSet {
    let mut set = DataSet::new();
    set.put_text(tags::SPECIFIC_CHARACTER_SET, "ISO_IR 192");
    set.put_text(tags::QUERY_RETRIEVE_LEVEL, level);
    for (path, value) in keys {
        match path {
            [tag] => put(&mut set, *tag, value),
            [sequence, tag] => {
                let mut item = DataSet::new();
                put(&mut item, *tag, value);
                set.put_items(*sequence, vec![item]);
            }
            _ => panic!("{path:?}"),
        }
    }
    set
}

/// As sent, whatever the representation says of it.
fn put(set: &mut DataSet, tag: Tag, value: &str) {
    set.put_bytes(tag, vr_of(tag), value.as_bytes().to_vec());
}

/// Asks over an association of its own; answers the last status and the unique key of each match.
async fn ask(server: &Harness, class: &str, asked: &[u8], set: &DataSet, key: Tag) -> (u16, Vec<String>) {
    let mut proposed = request(&[(class, EXPLICIT)]);
    proposed.user.extended =
        vec![ExtendedNegotiation { sop_class: class.into(), information: asked.to_vec() }];
    let mut wire = Wire::connect(server.address).await;
    wire.send(&proposed.encode().unwrap()).await;
    let Some(Token::AssociateAc(answer)) = wire.token().await else { panic!("not accepted") };
    assert_eq!(answer.user.extended[0].information, asked, "all is granted");
    let command = CommandSet::request(CommandField::Find, 1)
        .with_uid(element::AFFECTED_SOP_CLASS_UID, &uid(class))
        .with_number(element::PRIORITY, 0)
        .followed_by_data();
    let mut encoded = Vec::new();
    dataset::write(set, &TransferSyntax::EXPLICIT_LITTLE_ENDIAN, &mut encoded).unwrap();
    wire.send_command(1, &command).await;
    wire.send_set(1, false, &encoded).await;
    let mut found = Vec::new();
    loop {
        let response = wire.command().await;
        let status = response.status().unwrap();
        if !status.is_pending() {
            found.sort();
            return (status.0, found);
        }
        let Some(Token::Data(piece)) = wire.token().await else { panic!("no identifier") };
        let syntax = TransferSyntax::EXPLICIT_LITTLE_ENDIAN;
        let read = dataset::read_slice(&piece.bytes, &syntax, &Limits::default(), Until::End).unwrap();
        found.push(read.data_set.text(key).unwrap_or_default());
    }
}

#[tokio::test]
async fn every_kind_of_matching_at_every_level() {
    use tags::*;
    let server = filled().await;
    let study: &[&str] = &["1.1", "1.2", "2.1", "2.2"];
    type Row<'a> = (&'a str, &'a str, Asked, &'a [(&'a [Tag], &'a str)], &'a [&'a str]);
    let rows: &[Row<'_>] = &[
        // Universal: nothing, `*`, and runs of it.
        (STUDY_ROOT, "STUDY", NONE, &[], study),
        (
            STUDY_ROOT,
            "STUDY",
            NONE,
            &[(&[PATIENT_ID], ""), (&[PATIENT_NAME], "*"), (&[MODALITIES_IN_STUDY], "**")],
            study,
        ),
        // Single value, letter by letter; text with its padding.
        (STUDY_ROOT, "STUDY", NONE, &[(&[PATIENT_ID], "P1")], &["1.1", "1.2"]),
        (STUDY_ROOT, "STUDY", NONE, &[(&[PATIENT_ID], "P1 ")], &["1.1", "1.2"]),
        (STUDY_ROOT, "STUDY", NONE, &[(&[PATIENT_ID], "p1")], &[]),
        (STUDY_ROOT, "STUDY", NONE, &[(&[STUDY_DESCRIPTION], "Chụp MR sọ não")], &["1.2"]),
        (STUDY_ROOT, "STUDY", NONE, &[(&[PATIENT_SEX], "M")], &["2.1", "2.2"]),
        // Wildcards.
        (STUDY_ROOT, "STUDY", NONE, &[(&[ACCESSION_NUMBER], "A1?")], &["1.1", "1.2"]),
        (STUDY_ROOT, "STUDY", NONE, &[(&[STUDY_DESCRIPTION], "*sọ*")], study),
        (STUDY_ROOT, "STUDY", NONE, &[(&[STUDY_DESCRIPTION], "Chụp ?? sọ não")], study),
        (STUDY_ROOT, "STUDY", NONE, &[(&[ACCESSION_NUMBER], "?")], &[]),
        // Names: without case, marks and order; words, their beginnings, wildcards over the whole.
        (STUDY_ROOT, "STUDY", NONE, &[(&[PATIENT_NAME], "dang thi hong")], &["1.1", "1.2"]),
        (STUDY_ROOT, "STUDY", NONE, &[(&[PATIENT_NAME], "HỒNG^ĐẶNG")], &["1.1", "1.2"]),
        (STUDY_ROOT, "STUDY", NONE, &[(&[PATIENT_NAME], "hon")], &[]),
        (STUDY_ROOT, "STUDY", FUZZY, &[(&[PATIENT_NAME], "hon dan")], &["1.1", "1.2"]),
        (STUDY_ROOT, "STUDY", NONE, &[(&[PATIENT_NAME], "Nguyễn*")], &["2.1", "2.2"]),
        (STUDY_ROOT, "STUDY", NONE, &[(&[PATIENT_NAME], "*HUN?")], &["2.1", "2.2"]),
        // Lists of UIDs, and values of code strings.
        (STUDY_ROOT, "STUDY", NONE, &[(&[STUDY_INSTANCE_UID], "1.1\\2.2\\9.9")], &["1.1", "2.2"]),
        (STUDY_ROOT, "STUDY", NONE, &[(&[MODALITIES_IN_STUDY], "SR")], &["1.1"]),
        (STUDY_ROOT, "STUDY", NONE, &[(&[MODALITIES_IN_STUDY], "MR\\US")], &["1.2", "2.2"]),
        (STUDY_ROOT, "STUDY", NONE, &[(&[MODALITIES_IN_STUDY], "?R")], &["1.1", "1.2"]),
        (STUDY_ROOT, "STUDY", NONE, &[(&[SOP_CLASSES_IN_STUDY], uids::CT_IMAGE_STORAGE)], study),
        (STUDY_ROOT, "STUDY", NONE, &[(&[SOP_CLASSES_IN_STUDY], uids::MR_IMAGE_STORAGE)], &[]),
        // Ranges of dates and times, open at either end; old and foreign forms of them.
        (STUDY_ROOT, "STUDY", NONE, &[(&[STUDY_DATE], "20250101")], &["1.1"]),
        (STUDY_ROOT, "STUDY", NONE, &[(&[STUDY_DATE], "2025.01.01")], &["1.1"]),
        (STUDY_ROOT, "STUDY", NONE, &[(&[STUDY_DATE], "20250101-20250601")], &["1.1", "1.2"]),
        (STUDY_ROOT, "STUDY", NONE, &[(&[STUDY_DATE], "20250602-")], &["2.1"]),
        (STUDY_ROOT, "STUDY", NONE, &[(&[STUDY_DATE], "-20250101")], &["1.1"]),
        (STUDY_ROOT, "STUDY", NONE, &[(&[STUDY_DATE], "20250601-20250101")], &[]),
        (STUDY_ROOT, "STUDY", NONE, &[(&[STUDY_TIME], "0815")], &["1.1"]),
        (STUDY_ROOT, "STUDY", NONE, &[(&[STUDY_TIME], "1015")], &["1.2"]),
        (STUDY_ROOT, "STUDY", NONE, &[(&[STUDY_TIME], "08-10")], &["1.1", "1.2"]),
        (STUDY_ROOT, "STUDY", NONE, &[(&[STUDY_TIME], "235959-")], &["2.1"]),
        (STUDY_ROOT, "STUDY", NONE, &[(&[PATIENT_BIRTH_DATE], "19800102")], &["1.1", "1.2"]),
        // Date and time apart: both have to fit; combined: from that moment to that.
        (
            STUDY_ROOT,
            "STUDY",
            NONE,
            &[(&[STUDY_DATE], "20250101-20260101"), (&[STUDY_TIME], "09-12")],
            &["1.2"],
        ),
        (
            STUDY_ROOT,
            "STUDY",
            COMBINED,
            &[(&[STUDY_DATE], "20250101-20260101"), (&[STUDY_TIME], "09-12")],
            &["1.2"],
        ),
        (
            STUDY_ROOT,
            "STUDY",
            COMBINED,
            &[(&[STUDY_DATE], "20250101-20260101"), (&[STUDY_TIME], "08-2359")],
            &["1.1", "1.2", "2.1"],
        ),
        (
            STUDY_ROOT,
            "STUDY",
            COMBINED,
            &[(&[STUDY_DATE], "20250101-"), (&[STUDY_TIME], "0816-")],
            &["1.2", "2.1"],
        ),
        (STUDY_ROOT, "STUDY", COMBINED, &[(&[STUDY_DATE], "-20250601"), (&[STUDY_TIME], "-1014")], &["1.1"]),
        (STUDY_ROOT, "STUDY", COMBINED, &[(&[STUDY_DATE], "20250601"), (&[STUDY_TIME], "09-12")], &["1.2"]),
        // Keys of the patient and of the study together.
        (
            STUDY_ROOT,
            "STUDY",
            NONE,
            &[(&[PATIENT_ID], "P?"), (&[MODALITIES_IN_STUDY], "CT"), (&[STUDY_DATE], "2026.01.01-")],
            &["2.1"],
        ),
        // The patient root, from the top.
        (PATIENT_ROOT, "PATIENT", NONE, &[(&[PATIENT_NAME], "*")], &["P1", "P2"]),
        (PATIENT_ROOT, "PATIENT", NONE, &[(&[PATIENT_NAME], "Đặng*")], &["P1"]),
        (PATIENT_ROOT, "PATIENT", NONE, &[(&[PATIENT_ID], "P2")], &["P2"]),
        (PATIENT_ROOT, "PATIENT", NONE, &[(&[PATIENT_BIRTH_DATE], "19700101-19891231")], &["P1"]),
        (PATIENT_ROOT, "STUDY", NONE, &[(&[PATIENT_ID], "P2")], &["2.1", "2.2"]),
        (PATIENT_ROOT, "STUDY", RELATIONAL, &[(&[STUDY_DATE], "2025.01.01-")], &["1.1", "1.2", "2.1"]),
        // Series and images below one, and anywhere when relational.
        (STUDY_ROOT, "SERIES", NONE, &[(&[STUDY_INSTANCE_UID], "1.1")], &["1.1.1", "1.1.2"]),
        (STUDY_ROOT, "SERIES", NONE, &[(&[STUDY_INSTANCE_UID], "1.1"), (&[MODALITY], "SR")], &["1.1.2"]),
        (STUDY_ROOT, "SERIES", NONE, &[(&[STUDY_INSTANCE_UID], "1.1"), (&[SERIES_NUMBER], "1")], &["1.1.1"]),
        (
            STUDY_ROOT,
            "SERIES",
            RELATIONAL,
            &[(&[MODALITY], "CT"), (&[PATIENT_ID], "P*")],
            &["1.1.1", "2.1.1"],
        ),
        (
            STUDY_ROOT,
            "SERIES",
            &[1, 1, 0],
            &[(&[SERIES_DATE], "20250101-20250601"), (&[SERIES_TIME], "09-12")],
            &["1.2.1"],
        ),
        (
            STUDY_ROOT,
            "SERIES",
            RELATIONAL,
            &[(&[BODY_PART_EXAMINED], "HEAD"), (&[STUDY_INSTANCE_UID], "2.1\\2.2")],
            &["2.1.1", "2.2.1"],
        ),
        // Sequence matching: what stands in an item.
        (
            STUDY_ROOT,
            "SERIES",
            NONE,
            &[
                (&[STUDY_INSTANCE_UID], "1.1"),
                (&[REQUEST_ATTRIBUTES_SEQUENCE, SCHEDULED_PROCEDURE_STEP_ID], "S2"),
            ],
            &["1.1.2"],
        ),
        (
            STUDY_ROOT,
            "SERIES",
            NONE,
            &[
                (&[STUDY_INSTANCE_UID], "1.1"),
                (&[REQUEST_ATTRIBUTES_SEQUENCE, SCHEDULED_PROCEDURE_STEP_ID], "S*"),
            ],
            &["1.1.1", "1.1.2"],
        ),
        (
            STUDY_ROOT,
            "IMAGE",
            NONE,
            &[(&[STUDY_INSTANCE_UID], "1.1"), (&[SERIES_INSTANCE_UID], "1.1.2")],
            &["1.1.2.1"],
        ),
        (
            STUDY_ROOT,
            "IMAGE",
            RELATIONAL,
            &[(&[SOP_INSTANCE_UID], "1.1.1.1\\2.1.1.1")],
            &["1.1.1.1", "2.1.1.1"],
        ),
        (STUDY_ROOT, "IMAGE", RELATIONAL, &[(&[INSTANCE_NUMBER], "2")], &["1.1.2.1"]),
        (
            STUDY_ROOT,
            "IMAGE",
            RELATIONAL,
            &[(&[SOP_CLASS_UID], uids::CT_IMAGE_STORAGE), (&[MODALITY], "US")],
            &["2.2.1.1"],
        ),
        (PATIENT_ROOT, "IMAGE", RELATIONAL, &[(&[PATIENT_NAME], "hùng")], &["2.1.1.1", "2.2.1.1"]),
        // Empty values: two quotation marks, where that is negotiated.
        (STUDY_ROOT, "STUDY", EMPTY, &[(&[STUDY_DATE], "\"\"")], &["2.2"]),
        (
            STUDY_ROOT,
            "STUDY",
            EMPTY,
            &[(&[PATIENT_BIRTH_DATE], "\"\" "), (&[PATIENT_ID], "P2")],
            &["2.1", "2.2"],
        ),
        (STUDY_ROOT, "STUDY", EMPTY, &[(&[ACCESSION_NUMBER], "\"\"")], &[]),
        (STUDY_ROOT, "STUDY", NONE, &[(&[ACCESSION_NUMBER], "\"\"")], &[]),
        (PATIENT_ROOT, "PATIENT", EMPTY, &[(&[PATIENT_BIRTH_DATE], "\"\"")], &["P2"]),
        (PATIENT_ROOT, "PATIENT", EMPTY, &[(&[PATIENT_NAME], "\"\"")], &[]),
        (
            STUDY_ROOT,
            "SERIES",
            &[1, 0, 0, 0, 0, 1],
            &[(&[SERIES_DATE], "\"\""), (&[PROTOCOL_NAME], "\"\"")],
            &["2.2.1"],
        ),
        // Several values: all of them, where that is negotiated and the attribute can have several, and else one of
        // them.
        (STUDY_ROOT, "STUDY", ALL_VALUES, &[(&[MODALITIES_IN_STUDY], "CT\\SR")], &["1.1"]),
        (STUDY_ROOT, "STUDY", NONE, &[(&[MODALITIES_IN_STUDY], "CT\\SR")], &["1.1", "2.1"]),
        (STUDY_ROOT, "STUDY", ALL_VALUES, &[(&[MODALITIES_IN_STUDY], "?R\\C*")], &["1.1"]),
        (STUDY_ROOT, "STUDY", ALL_VALUES, &[(&[PATIENT_SEX], "M\\O")], &["2.1", "2.2"]),
        (PATIENT_ROOT, "PATIENT", ALL_VALUES, &[(&[PATIENT_SEX], "F\\O")], &["P1"]),
        (
            STUDY_ROOT,
            "SERIES",
            &[1, 0, 0, 0, 0, 0, 1],
            &[(&[MODALITIES_IN_STUDY], "CT\\SR"), (&[MODALITY], "CT\\MR")],
            &["1.1.1"],
        ),
        (STUDY_ROOT, "STUDY", ALL_VALUES, &[(&[STUDY_INSTANCE_UID], "1.1\\2.2\\9.9")], &["1.1", "2.2"]),
        // What is not matched does not restrict.
        (STUDY_ROOT, "STUDY", NONE, &[(&[INSTITUTION_NAME], "X"), (&[PATIENT_ID], "P2")], &["2.1", "2.2"]),
    ];
    for (class, level, asked, keys, want) in rows {
        let key = match *level {
            "PATIENT" => PATIENT_ID,
            "STUDY" => STUDY_INSTANCE_UID,
            "SERIES" => SERIES_INSTANCE_UID,
            _ => SOP_INSTANCE_UID,
        };
        let mut set = identifier(level, keys);
        if !set.contains(key) {
            set.put_empty(key);
        }
        let (status, found) = ask(&server, class, asked, &set, key).await;
        assert_eq!(
            (status, found.iter().map(String::as_str).collect::<Vec<_>>()),
            (0, want.to_vec()),
            "{level} {asked:?} {keys:?}"
        );
    }
    server.stop().await;
}

#[tokio::test]
async fn what_cannot_be_asked_is_refused_with_its_status() {
    use tags::*;
    let server = filled().await;
    for (class, level, keys, want) in [
        (STUDY_ROOT, "PATIENT", &[][..], 0xa900),
        (STUDY_ROOT, "", &[], 0xa900),
        (STUDY_ROOT, "study", &[], 0xa900),
        (STUDY_ROOT, "SERIES", &[], 0xa900),
        (STUDY_ROOT, "IMAGE", &[(STUDY_INSTANCE_UID, "1.1")], 0xa900),
        (PATIENT_ROOT, "STUDY", &[], 0xa900),
        (PATIENT_ROOT, "STUDY", &[(PATIENT_ID, "P1\\P2")], 0xa900),
        (STUDY_ROOT, "STUDY", &[(STUDY_DATE, "yesterday")], 0xa900),
        (STUDY_ROOT, "STUDY", &[(STUDY_DATE, "20251301")], 0xa900),
        (STUDY_ROOT, "STUDY", &[(STUDY_TIME, "8 o'clock")], 0xa900),
        (STUDY_ROOT, "STUDY", &[(STUDY_INSTANCE_UID, "1.x")], 0xa900),
        (STUDY_ROOT, "STUDY", &[(STUDY_INSTANCE_UID, "1.1\\\\1.2")], 0xa900),
    ] {
        let keys: Vec<(&[Tag], &str)> =
            keys.iter().map(|key| (std::slice::from_ref(&key.0), key.1)).collect();
        let (status, found) = ask(&server, class, NONE, &identifier(level, &keys), PATIENT_ID).await;
        assert_eq!((status, found.len()), (want, 0), "{level} {keys:?}");
    }
    let long = "x".repeat(2000);
    let set = identifier("STUDY", &[(&[PATIENT_ID], &long)]);
    assert_eq!(ask(&server, STUDY_ROOT, NONE, &set, PATIENT_ID).await.0, 0xa900);
    let mut many = identifier("STUDY", &[]);
    (0..600).for_each(|n| many.put_bytes(Tag(0x0009, 0x1000 + n), VR::LO, Vec::new()));
    assert_eq!(ask(&server, STUDY_ROOT, NONE, &many, PATIENT_ID).await.0, 0xa700);
    server.stop().await;
}

#[tokio::test]
async fn a_device_gets_no_more_answers_than_it_may() {
    let server = filled().await;
    for (most, want) in [(Some(2), (Status::OUT_OF_RESOURCES.0, 2)), (Some(4), (0, 4)), (None, (0, 4))] {
        let device =
            Device { rules: Rules { max_answers: most, ..Rules::default() }, ..Device::named(ae("WIRE")) };
        devices::upsert(server.archive.database(), &device).await.unwrap();
        let set = identifier("STUDY", &[(&[tags::STUDY_INSTANCE_UID], "")]);
        let (status, found) = ask(&server, STUDY_ROOT, NONE, &set, tags::STUDY_INSTANCE_UID).await;
        assert_eq!((status, found.len()), want, "{most:?}");
    }
    server.stop().await;
}
