//! What is corrected is so wherever it is looked for and however it leaves; the bytes stay what was sent,
//! and come back with an undo.

use std::io::Write;

use flate2::Compression;
use flate2::write::DeflateEncoder;
use futures::{StreamExt, TryStreamExt};
use pacs_core::access::{Actor, Scope};
use pacs_core::correction::{Edit, Level};
use pacs_core::dataset::{self, DataSet, Limits, Until};
use pacs_core::query::{self, Query};
use pacs_core::text::CharacterSet;
use pacs_core::{Tag, VR, json, part10, tags, transfer_syntax, uids};
use storage::catalogue::Procedure;
use storage::corrections::{Corrected, Correction};
use storage::exams::search;
use storage::identity::{merging, record};
use storage::schedule::{self, NewOrder, OrderPatient};
use storage::{Archive, Decision, Encoding, Error, InstancePlace, InstanceReader, acts};
use testdata::Instance;

use crate::backends::{Home, on_every_backend};
use crate::rebuilding::{made_anew, with_empty_rows};
use crate::reconciling::{A, OTHER, image, line};
use crate::samples::*;

on_every_backend!(
    a_corrected_study_is_so_everywhere_and_comes_back,
    late_images_of_a_corrected_study_obey,
    every_encoding_leaves_with_its_pixels,
    a_series_is_corrected_beside_its_study,
    corrections_outlive_the_rows,
    a_corrected_number_finds_its_order,
    what_cannot_be_corrected_is_said,
    a_study_of_a_merged_patient_is_corrected,
);

pub async fn correct(archive: &Archive, instance: &Instance, values: &[(&str, &str)]) -> Corrected {
    let given = values.iter().map(|(keyword, value)| (*keyword, Some(*value)));
    let edit = Edit::read(Level::Study, given).unwrap();
    let wanted = Correction { study: &instance.study, series: None, edit, reason: "nhầm người" };
    archive.correct(&Scope::All, &Actor::system(), &wanted).await.unwrap().1
}

/// The newest act on a subject.
pub async fn newest_act(archive: &Archive, subject: &str) -> i64 {
    acts::of_subject(archive.database(), subject, 1).await.unwrap()[0].id
}

async fn undo_newest(archive: &Archive, subject: &str) {
    let act = archive.act(newest_act(archive, subject).await).await.unwrap();
    archive.undo(&Scope::All, &Actor::system(), &act, None).await.unwrap();
}

async fn all_of(reader: &InstanceReader) -> Vec<u8> {
    let chunks: Vec<_> = reader.stream(0..reader.length_bytes()).collect().await;
    chunks.into_iter().flat_map(|chunk| chunk.unwrap()).collect()
}

/// The file as it leaves, in whatever pieces it is read.
pub async fn leaving(archive: &Archive, place: &InstancePlace) -> Vec<u8> {
    let reader = archive.open_leaving(place, CharacterSet::UTF_8).await.unwrap();
    let whole = all_of(&reader).await;
    assert_eq!(whole.len() as u64, reader.length_bytes());
    for range in [0..7, 100..1000, reader.head_bytes()..reader.head_bytes() + 500, 0..reader.length_bytes()] {
        let want = &whole[range.start as usize..(range.end as usize).min(whole.len())];
        assert!(reader.read(range.clone()).await.unwrap() == want, "{range:?}");
    }
    whole
}

/// What a whole file says, its large values where they lie.
pub fn said(file: &[u8]) -> DataSet {
    let part10::HeadProgress::Head(head) = part10::read_head(file).unwrap() else { panic!("no head") };
    let syntax = transfer_syntax::of(&head.transfer_syntax);
    let content = &file[head.dataset_offset as usize..];
    let reading = dataset::read_slice(content, &syntax, &Limits::default(), Until::End).unwrap();
    assert!(reading.fault.is_none(), "{:?}", reading.fault);
    reading.data_set
}

fn original(set: &DataSet, tag: Tag) -> Option<String> {
    let items = set.items(tags::ORIGINAL_ATTRIBUTES_SEQUENCE);
    items.last()?.items(tags::MODIFIED_ATTRIBUTES_SEQUENCE)[0].text(tag)
}

/// The metadata of a series, one data set an instance.
pub async fn metadata(archive: &Archive, instance: &Instance) -> Vec<DataSet> {
    let of =
        archive.series_metadata(&Scope::All, &instance.study, &instance.series, "http://x").await.unwrap();
    let parts: Vec<_> = of.open(Encoding::Identity).await.unwrap().stream().try_collect().await.unwrap();
    json::parse(&parts.concat(), &Default::default()).unwrap()
}

/// What a search by name finds, and what it says of the patient.
async fn found(archive: &Archive, name: &str) -> Vec<(String, String)> {
    let mut query = Query::new(query::Level::Study);
    query.add(&[tags::PATIENT_NAME], VR::PN, name).unwrap();
    let found: Vec<_> =
        storage::query::find(archive.database(), &query, &Scope::All).try_collect().await.unwrap();
    let said = |set: &DataSet, tag| set.text(tag).unwrap_or_default();
    found.iter().map(|set| (said(set, tags::PATIENT_NAME), said(set, tags::PATIENT_ID))).collect()
}

/// The number that answers tell of a study.
async fn number_of(archive: &Archive, instance: &Instance) -> String {
    let mut query = Query::new(query::Level::Study);
    query.add(&[tags::STUDY_INSTANCE_UID], VR::UI, instance.study.as_str()).unwrap();
    let found: Vec<_> =
        storage::query::find(archive.database(), &query, &Scope::All).try_collect().await.unwrap();
    found[0].text(tags::PATIENT_ID).unwrap()
}

async fn a_study_of_a_merged_patient_is_corrected(home: Home) {
    let archive = home.open().await;
    let sent = [image("1", 1, A, ""), image("2", 1, OTHER, "")];
    send_all(&archive, &sent).await;
    let (from, into) = (line(&archive, "1").await.patient_id, line(&archive, "2").await.patient_id);
    let (all, clerk, now_ms) = (Scope::All, Actor::system(), home.clock.now_ms());
    merging::merge(archive.database(), &all, &clerk, (from, into), None, now_ms).await.unwrap();
    assert_eq!(number_of(&archive, &sent[0]).await, "P2");
    correct(&archive, &sent[0], &[("PatientID", "BN77")]).await;
    assert_eq!(number_of(&archive, &sent[0]).await, "BN77");
    undo_newest(&archive, sent[0].study.as_str()).await;
    assert_eq!(number_of(&archive, &sent[0]).await, "P2", "whose it was before");
    let (home, archive) = made_anew(home, archive).await;
    assert_eq!(number_of(&archive, &sent[0]).await, "P2", "by the journal");
    let record = record::of(archive.database(), &all, line(&archive, "1").await.patient_id).await.unwrap();
    let merged = record.unwrap().merged[0].id;
    let now_ms = home.clock.now_ms();
    merging::unmerge(archive.database(), &all, &clerk, merged, None, now_ms).await.unwrap();
    assert_eq!(number_of(&archive, &sent[0]).await, "P1");
    archive.close().await;
}

async fn a_corrected_study_is_so_everywhere_and_comes_back(home: Home) {
    let archive = home.open().await;
    let sent = slices(3, 1);
    send_all(&archive, &sent[..2]).await;
    home.rest();
    archive.settle_due().await.unwrap();
    send_all(&archive, &sent[2..]).await;
    let before = said(&sent[0].bytes).text(tags::PATIENT_NAME).unwrap();
    let sheet = metadata(&archive, &sent[0]).await;

    home.clock.set_ms(home.clock.now_ms() + 1);
    let done = correct(&archive, &sent[0], &[("PatientName", "ĐINH^VĂN ĐỨC"), ("PatientID", "BN77")]).await;
    assert_eq!((done.changes.len(), done.instances), (2, 3));
    assert_eq!(done.changes[0].after.as_deref(), Some("ĐINH^VĂN ĐỨC"));
    assert_eq!(done.changes[0].before.as_deref(), Some(before.as_str()));
    let want = [("ĐINH^VĂN ĐỨC".to_owned(), "BN77".to_owned())];
    assert_eq!(found(&archive, "dinh van duc").await, want);
    assert_eq!(found(&archive, &before).await, []);
    for (instance, described) in sent.iter().zip(metadata(&archive, &sent[0]).await) {
        let place = place(&archive, instance).await;
        let file = leaving(&archive, &place).await;
        let set = said(&file);
        assert_eq!(set.text(tags::SPECIFIC_CHARACTER_SET).as_deref(), Some("ISO_IR 192"));
        assert_eq!(set.text(tags::PATIENT_NAME).as_deref(), Some("ĐINH^VĂN ĐỨC"));
        assert_eq!(original(&set, tags::PATIENT_NAME), Some(before.clone()));
        assert_eq!(described.text(tags::PATIENT_NAME).as_deref(), Some("ĐINH^VĂN ĐỨC"));
        assert_eq!(original(&described, tags::PATIENT_NAME), Some(before.clone()));
        let header = archive.header(&place).await.unwrap();
        assert_eq!(header.text(tags::PATIENT_ID).as_deref(), Some("BN77"));
        let frame = archive.frame(&place, 0).await.unwrap();
        assert!(file.ends_with(&frame.bytes), "the pixels are as they were sent");
        assert!(bytes_of(&archive, &place).await == instance.bytes, "and so are the stored bytes");
    }
    // A console that reads Latin-1 alone.
    let place_of = place(&archive, &sent[0]).await;
    let reader = archive.open_leaving(&place_of, CharacterSet::LATIN_1).await.unwrap();
    let set = said(&all_of(&reader).await);
    assert_eq!(set.text(tags::SPECIFIC_CHARACTER_SET).as_deref(), Some("ISO_IR 100"));
    assert_eq!(set.text(tags::PATIENT_NAME).as_deref(), Some("DINH^VAN DUC"));

    undo_newest(&archive, sent[0].study.as_str()).await;
    assert_eq!(found(&archive, "dinh van duc").await, []);
    assert_eq!(found(&archive, &before).await.len(), 1);
    for instance in &sent {
        let place = place(&archive, instance).await;
        assert!(leaving(&archive, &place).await == instance.bytes);
    }
    assert_eq!(metadata(&archive, &sent[0]).await, sheet);
    archive.close().await;
}

async fn late_images_of_a_corrected_study_obey(home: Home) {
    let archive = home.open().await;
    let sent = slices(3, 1);
    send_all(&archive, &sent[..1]).await;
    home.clock.set_ms(home.clock.now_ms() + 1);
    correct(&archive, &sent[0], &[("PatientName", "Trần^B"), ("PatientID", "BN9")]).await;
    send_all(&archive, &sent[1..2]).await;
    // Another series of the study, from a device that still has the wrong person.
    let mut other = said(&sent[2].bytes);
    let series = uid("1.2.99");
    other.put_uid(tags::SERIES_INSTANCE_UID, &series);
    other.retain(|element| element.tag != tags::PIXEL_DATA);
    let mut late = sent[2].clone();
    late.bytes.truncate(late.dataset_offset);
    dataset::write(&other, &transfer_syntax::of(&late.transfer_syntax), &mut late.bytes).unwrap();
    late.series = series;
    send_all(&archive, std::slice::from_ref(&late)).await;
    for instance in [&sent[1], &late] {
        let set = said(&leaving(&archive, &place(&archive, instance).await).await);
        assert_eq!(set.text(tags::PATIENT_ID).as_deref(), Some("BN9"));
    }
    let line = search::study(archive.database(), &Scope::All, &late.study).await.unwrap().unwrap();
    assert_eq!((line.instance_count, line.doubt), (3, None), "what was sent before is no news");
    archive.close().await;
}

async fn every_encoding_leaves_with_its_pixels(home: Home) {
    let archive = home.open().await;
    let pixels = |big: bool, explicit: bool| {
        let length = if big { 200_000_u32.to_be_bytes() } else { 200_000_u32.to_le_bytes() };
        let mut tail = if big { vec![0x7F, 0xE0, 0, 0x10] } else { vec![0xE0, 0x7F, 0x10, 0] };
        if explicit {
            tail.extend_from_slice(b"OW\0\0");
        }
        tail.extend_from_slice(&length);
        tail.extend((0..200_000_u32).map(|at| (at % 251) as u8));
        tail
    };
    let fragments = {
        let mut tail = b"\xE0\x7F\x10\0OB\0\0\xFF\xFF\xFF\xFF\xFE\xFF\x00\xE0\0\0\0\0".to_vec();
        tail.extend_from_slice(b"\xFE\xFF\x00\xE0\x04\0\0\0\xFF\xD8\xFF\x01\xFE\xFF\xDD\xE0\0\0\0\0");
        // Padding behind the pixels.
        tail.extend_from_slice(b"\xFC\xFF\xFC\xFFOB\0\0\x02\0\0\0\0\0");
        tail
    };
    let put = |set: &mut DataSet| {
        set.put_bytes(tags::SPECIFIC_CHARACTER_SET, VR::CS, &b"ISO_IR 100"[..]);
        set.put_bytes(tags::PATIENT_NAME, VR::PN, &b"M\xFCller"[..]);
        set.put_bytes(tags::INSTITUTION_NAME, VR::LO, &b"H\xF6he"[..]);
        set.put_bytes(Tag(0x0029, 0x1010), VR::OB, vec![3; 100_000]);
        set.put_int(tags::ROWS, 400);
    };
    let mut deflated = made("5", uids::EXPLICIT_VR_LITTLE_ENDIAN, put, &pixels(false, true));
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(deflated.dataset()).unwrap();
    let content = encoder.finish().unwrap();
    deflated.transfer_syntax = uid(uids::DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN);
    deflated.bytes = part10::write_head(&deflated.class, &deflated.uid, &deflated.transfer_syntax, None);
    deflated.dataset_offset = deflated.bytes.len();
    deflated.bytes.extend_from_slice(&content);
    let all = [
        made("1", uids::EXPLICIT_VR_LITTLE_ENDIAN, put, &pixels(false, true)),
        made("2", uids::IMPLICIT_VR_LITTLE_ENDIAN, put, &pixels(false, false)),
        made("3", "1.2.840.10008.1.2.2", put, &pixels(true, true)),
        made("4", uids::JPEG_BASELINE8_BIT, put, &fragments),
        deflated,
        made("6", uids::EXPLICIT_VR_LITTLE_ENDIAN, put, &[]),
    ];
    send_all(&archive, &all).await;
    home.clock.set_ms(home.clock.now_ms() + 1);
    for instance in &all {
        correct(&archive, instance, &[("PatientName", "Nguyễn^Ánh"), ("StudyDescription", "Ngực")]).await;
        for place in ["in the spool", "in a pack"] {
            let file = leaving(&archive, &crate::samples::place(&archive, instance).await).await;
            let (now, then) = (said(&file), said(&instance.bytes));
            let what = format!("{} {place}", instance.transfer_syntax);
            assert_eq!(now.text(tags::PATIENT_NAME).as_deref(), Some("Nguyễn^Ánh"), "{what}");
            assert_eq!(original(&now, tags::PATIENT_NAME).as_deref(), Some("Müller"), "{what}");
            assert_eq!(now.text(tags::INSTITUTION_NAME).as_deref(), Some("Höhe"), "{what}");
            assert_eq!(now.int(tags::ROWS), Some(400), "{what}");
            for tag in [tags::PIXEL_DATA, Tag(0x0029, 0x1010), Tag(0xFFFC, 0xFFFC)] {
                let values = |set: &DataSet, file: &[u8]| bytes_of_value(set, tag, file, instance);
                assert!(values(&now, &file) == values(&then, &instance.bytes), "{what} {tag}");
            }
            archive.settle_study(&instance.study).await.unwrap();
        }
    }
    archive.close().await;
}

/// The bytes of a value, wherever they lie in the file.
fn bytes_of_value(set: &DataSet, tag: Tag, file: &[u8], instance: &Instance) -> Option<Vec<u8>> {
    use pacs_core::dataset::Value;
    let syntax = transfer_syntax::of(&instance.transfer_syntax);
    let mut plain = file[instance.dataset_offset..].to_vec();
    if syntax.deflated {
        plain.clear();
        let mut inflated = flate2::read::DeflateDecoder::new(&file[instance.dataset_offset..]);
        std::io::Read::read_to_end(&mut inflated, &mut plain).unwrap();
    }
    let range = |offset: u64, length: u64| plain[offset as usize..(offset + length) as usize].to_vec();
    Some(match &set.get(tag)?.value {
        Value::Bytes(bytes) => bytes.to_vec(),
        Value::Elsewhere { offset, length } => range(*offset, *length),
        Value::Fragments(all) => all.iter().flat_map(|one| range(one.offset, one.length)).collect(),
        Value::Items(_) => panic!("a sequence"),
    })
}

async fn a_series_is_corrected_beside_its_study(home: Home) {
    let archive = home.open().await;
    let sent = slices(2, 1);
    send_all(&archive, &sent).await;
    home.clock.set_ms(home.clock.now_ms() + 1);
    correct(&archive, &sent[0], &[("StudyDescription", "Bụng")]).await;
    let edit = Edit::read(Level::Series, [("BodyPartExamined", Some("PELVIS")), ("Modality", Some("MR"))]);
    let series = Some(&sent[0].series);
    let wanted = Correction { study: &sent[0].study, series, edit: edit.unwrap(), reason: "nhầm" };
    let preview = archive.preview_correction(&Scope::All, &Actor::system(), &wanted).await.unwrap();
    assert_eq!((preview.changes.len(), preview.instances), (2, 2));
    let stands = async || {
        let set = said(&leaving(&archive, &place(&archive, &sent[0]).await).await);
        [tags::STUDY_DESCRIPTION, tags::MODALITY].map(|tag| set.text(tag).unwrap_or_default())
    };
    assert_eq!(stands().await, ["Bụng", "CT"], "a preview changes nothing");
    archive.correct(&Scope::All, &Actor::system(), &wanted).await.unwrap();
    assert_eq!(stands().await, ["Bụng", "MR"]);
    let line = search::study(archive.database(), &Scope::All, &sent[0].study).await.unwrap().unwrap();
    assert_eq!(line.modalities, ["MR"]);
    undo_newest(&archive, sent[0].study.as_str()).await;
    assert_eq!(stands().await[1], "MR", "each is taken back by itself");
    undo_newest(&archive, sent[0].series.as_str()).await;
    assert!(leaving(&archive, &place(&archive, &sent[0]).await).await == sent[0].bytes);
    archive.close().await;
}

async fn corrections_outlive_the_rows(home: Home) {
    let archive = home.open().await;
    let (kept, back) = (slices(2, 1), slices(2, 2));
    send_all(&archive, &kept).await;
    send_all(&archive, &back).await;
    home.rest();
    archive.settle_study(&kept[0].study).await.unwrap();
    correct(&archive, &kept[0], &[("PatientName", "Lê^Hoa"), ("PatientID", "BN5")]).await;
    home.clock.set_ms(home.clock.now_ms() + 1);
    correct(&archive, &kept[0], &[("PatientName", "Lê^Hoa Sen")]).await;
    correct(&archive, &back[0], &[("PatientName", "Lê^Sai")]).await;
    home.clock.set_ms(home.clock.now_ms() + 1);
    undo_newest(&archive, back[0].study.as_str()).await;
    let before = leaving(&archive, &place(&archive, &kept[1]).await).await;
    archive.close().await;
    drop(archive);

    let home = with_empty_rows(home).await;
    let archive = home.open().await;
    for time in ["the first time", "a second time"] {
        archive.reindex(|_| {}).await.unwrap();
        assert!(leaving(&archive, &place(&archive, &kept[1]).await).await == before, "{time}");
        assert_eq!(found(&archive, "hoa sen le").await, [("Lê^Hoa Sen".to_owned(), "BN5".to_owned())]);
        assert_eq!(found(&archive, "le sai").await, []);
        assert!(leaving(&archive, &place(&archive, &back[0]).await).await == back[0].bytes, "{time}");
    }
    // They can still be taken back.
    undo_newest(&archive, kept[0].study.as_str()).await;
    assert_eq!(found(&archive, "le hoa").await, [("Lê^Hoa".to_owned(), "BN5".to_owned())]);
    archive.close().await;
}

async fn a_corrected_number_finds_its_order(home: Home) {
    let archive = home.open().await;
    let order = NewOrder {
        facility: "A".into(),
        patient: OrderPatient {
            id: Some("P1".into()),
            name: "Nguyễn Văn A".into(),
            ..OrderPatient::default()
        },
        accession_number: Some("X7".into()),
        procedure: Procedure { code: "OT".into(), name: "OT".into(), modality: "OT".into() },
        station_ae: None,
        room: Some("P1".into()),
        scheduled_date: "20260921".into(),
        scheduled_time: "090000".into(),
        referring_physician: None,
        reason: None,
        emergency: false,
    };
    let exam = schedule::create_order(archive.database(), &order, &Actor::system(), 1).await.unwrap();
    let sent =
        made("31", uids::EXPLICIT_VR_LITTLE_ENDIAN, |set| set.put_text(tags::ACCESSION_NUMBER, "X1"), &[]);
    assert!(matches!(send(&archive, &sent).await.unwrap().decision, Decision::Accepted { .. }));
    let line = async || search::study(archive.database(), &Scope::All, &sent.study).await.unwrap().unwrap();
    assert_eq!(line().await.unmatched_reason.as_deref(), Some("noOrder"));
    home.clock.set_ms(home.clock.now_ms() + 1);
    let done = correct(&archive, &sent, &[("AccessionNumber", "X7")]).await;
    assert!(done.is_matched);
    assert_eq!((line().await.exam, line().await.unmatched_reason), (Some(exam.id), None));
    let done = correct(&archive, &sent, &[("PatientID", "P2")]).await;
    assert_eq!(done.unmatched_reason.as_deref(), Some("patientDiffers"));
    assert_eq!(line().await.exam, None);
    undo_newest(&archive, sent.study.as_str()).await;
    assert_eq!(line().await.exam, Some(exam.id));
    archive.close().await;
}

async fn what_cannot_be_corrected_is_said(home: Home) {
    let archive = home.open().await;
    let sent = slices(1, 1);
    send_all(&archive, &sent).await;
    home.clock.set_ms(home.clock.now_ms() + 1);
    let edit = Edit::read(Level::Study, [("PatientName", Some("Lê^Hoa"))]).unwrap();
    let wanted = Correction { study: &sent[0].study, series: None, edit, reason: "nhầm" };
    let (all, actor) = (Scope::All, Actor::system());
    let elsewhere = Scope::Facilities(vec!["B".to_owned()]);
    let refused = archive.correct(&elsewhere, &actor, &wanted).await;
    assert!(matches!(refused, Err(Error::NotFound)), "{refused:?}");
    archive.correct(&all, &actor, &wanted).await.unwrap();
    let twice = archive.correct(&all, &actor, &wanted).await;
    assert!(matches!(twice, Err(Error::Conflict(_))), "{twice:?}");
    let act = archive.act(newest_act(&archive, sent[0].study.as_str()).await).await.unwrap();
    let refused = archive.undo(&elsewhere, &actor, &act, None).await;
    assert!(matches!(refused, Err(Error::NotFound)), "{refused:?}");
    archive.undo(&all, &actor, &act, None).await.unwrap();
    let twice = archive.undo(&all, &actor, &act, None).await;
    assert!(matches!(twice, Err(Error::Conflict(_))), "{twice:?}");
    archive.close().await;
}
