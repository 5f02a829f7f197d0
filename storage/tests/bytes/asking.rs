//! Queries for instances that ask for more than rows hold: the headers tell it, as they are served.

use std::io::Write;

use flate2::Compression;
use flate2::write::DeflateEncoder;
use futures::TryStreamExt;
use pacs_core::access::Scope;
use pacs_core::dataset::{DataSet, vr_of};
use pacs_core::query::{Level, Query, Returns};
use pacs_core::{Tag, VR, part10, tags, uids};
use storage::{Archive, Error, query};
use testdata::Instance;

use crate::backends::{Home, on_every_backend};
use crate::correcting::correct;
use crate::faults::{Call, watched};
use crate::samples::*;

on_every_backend!(
    headers_tell_what_rows_do_not_hold,
    what_is_not_matched_is_told_and_rows_alone_are_everything,
    what_is_corrected_is_told_so,
    whoever_asks_for_rows_needs_no_header,
    headers_tell_what_rows_of_before_do_not_hold,
    a_damaged_instance_is_found_without_its_header,
    headers_that_nobody_can_read_now_are_not_left_out,
    many_instances_are_described_one_by_one,
);

const LARGE: Tag = tags::ICC_PROFILE;
const OF_HEADER: [Tag; 6] = [
    tags::IMAGE_TYPE,
    tags::IMAGE_COMMENTS,
    tags::CONCEPT_NAME_CODE_SEQUENCE,
    tags::SAMPLES_PER_PIXEL,
    tags::VERIFICATION_FLAG,
    LARGE,
];

fn ask(keys: &[(Tag, &str)]) -> Query {
    let mut query = Query::new(Level::Instance);
    for (tag, value) in keys {
        query.add(&[*tag], vr_of(*tag), value).unwrap();
    }
    query
}

async fn find(archive: &Archive, query: &Query) -> Vec<DataSet> {
    query::find_with_headers(archive, query, &Scope::All).try_collect().await.unwrap()
}

/// What only headers hold, in Latin-1.
fn put(set: &mut DataSet) {
    set.put_bytes(tags::SPECIFIC_CHARACTER_SET, VR::CS, &b"ISO_IR 100"[..]);
    set.put_text(tags::IMAGE_TYPE, "ORIGINAL\\PRIMARY");
    set.put_bytes(tags::IMAGE_COMMENTS, VR::LT, &b"H\xF6he"[..]);
    set.put_int(tags::SAMPLES_PER_PIXEL, 1);
    set.put_int(tags::ROWS, 400);
    set.put_bytes(LARGE, VR::OB, vec![3; 100_000]);
    let mut code = DataSet::like(set);
    code.put_text(tags::CODE_VALUE, "121144");
    code.put_bytes(tags::CODE_MEANING, VR::LO, &b"B\xF6se"[..]);
    set.put_items(tags::CONCEPT_NAME_CODE_SEQUENCE, vec![code]);
}

fn native(big: bool, explicit: bool) -> Vec<u8> {
    let length = if big { 200_000_u32.to_be_bytes() } else { 200_000_u32.to_le_bytes() };
    let mut tail = if big { vec![0x7F, 0xE0, 0, 0x10] } else { vec![0xE0, 0x7F, 0x10, 0] };
    if explicit {
        tail.extend_from_slice(b"OW\0\0");
    }
    tail.extend_from_slice(&length);
    tail.resize(tail.len() + 200_000, 7);
    tail
}

fn deflated(name: &str) -> Instance {
    let mut made = made(name, uids::EXPLICIT_VR_LITTLE_ENDIAN, put, &native(false, true));
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(made.dataset()).unwrap();
    let content = encoder.finish().unwrap();
    made.transfer_syntax = uid(uids::DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN);
    made.bytes = part10::write_head(&made.class, &made.uid, &made.transfer_syntax, None);
    made.dataset_offset = made.bytes.len();
    made.bytes.extend_from_slice(&content);
    made
}

async fn headers_tell_what_rows_do_not_hold(home: Home) {
    let mut archive = home.open().await;
    let fragments = b"\xE0\x7F\x10\0OB\0\0\xFF\xFF\xFF\xFF\xFE\xFF\x00\xE0\0\0\0\0\xFE\xFF\x00\xE0\x04\0\0\0\xFF\xD8\xFF\x01\xFE\xFF\xDD\xE0\0\0\0\0";
    let all = [
        made("1", uids::EXPLICIT_VR_LITTLE_ENDIAN, put, &native(false, true)),
        made("2", uids::IMPLICIT_VR_LITTLE_ENDIAN, put, &native(false, false)),
        made("3", "1.2.840.10008.1.2.2", put, &native(true, true)),
        made("4", uids::JPEG_BASELINE8_BIT, put, fragments),
        deflated("5"),
        made("6", uids::EXPLICIT_VR_LITTLE_ENDIAN, put, &[]),
    ];
    send_all(&archive, &all).await;
    for place in ["in the spool", "in a pack"] {
        for instance in &all {
            let what = format!("{} {place}", instance.transfer_syntax);
            let mut keys = vec![(tags::SOP_INSTANCE_UID, instance.uid.as_str()), (tags::ROWS, "")];
            keys.extend(OF_HEADER.map(|tag| (tag, "")));
            let query = ask(&keys);
            assert!(query::supports(&query));
            let found = find(&archive, &query).await;
            let [found] = &found[..] else { panic!("{what}: {found:?}") };
            assert_eq!(found.texts(tags::IMAGE_TYPE), ["ORIGINAL", "PRIMARY"], "{what}");
            assert_eq!(found.text(tags::IMAGE_COMMENTS).as_deref(), Some("Höhe"), "{what}");
            assert_eq!(found.int(tags::SAMPLES_PER_PIXEL), Some(1), "{what}");
            assert_eq!(found.int(tags::ROWS), Some(400), "{what}");
            let code = &found.items(tags::CONCEPT_NAME_CODE_SEQUENCE)[0];
            assert_eq!(code.text(tags::CODE_MEANING).as_deref(), Some("Böse"), "{what}");
            assert!(found.get(tags::VERIFICATION_FLAG).unwrap().is_empty(), "{what}: it has none");
            assert!(found.get(LARGE).unwrap().is_empty(), "{what}: bulk data is fetched by itself");
        }
        home.rest();
        archive.settle_due().await.unwrap();
        // Nothing is remembered.
        archive.close().await;
        drop(archive);
        archive = home.open().await;
    }
    archive.close().await;
}

async fn what_is_not_matched_is_told_and_rows_alone_are_everything(home: Home) {
    let archive = home.open().await;
    let sent = ["1", "2"].map(|name| made(name, uids::EXPLICIT_VR_LITTLE_ENDIAN, put, &[]));
    send_all(&archive, &sent).await;
    // It restricts nothing, is owned up to, and is told all the same.
    let filtered =
        ask(&[(tags::STUDY_INSTANCE_UID, sent[0].study.as_str()), (tags::IMAGE_COMMENTS, "nothing")]);
    assert!(!query::supports(&filtered));
    assert_eq!(find(&archive, &filtered).await[0].text(tags::IMAGE_COMMENTS).as_deref(), Some("Höhe"));
    // What a private one means is said by its creator.
    assert!(!query::supports(&ask(&[(Tag(0x0029, 0x1010), "")])));
    let everything = Query { returns: Returns::All, ..ask(&[]) };
    let found = find(&archive, &everything).await;
    assert_eq!(found.len(), sent.len());
    assert!(found.iter().all(|set| !set.contains(tags::IMAGE_TYPE)), "all that rows hold");
    archive.close().await;
}

async fn what_is_corrected_is_told_so(home: Home) {
    let archive = home.open().await;
    let sent = slices(2, 1);
    send_all(&archive, &sent).await;
    let asked =
        ask(&[(tags::ORIGINAL_ATTRIBUTES_SEQUENCE, ""), (tags::PATIENT_NAME, ""), (tags::IMAGE_TYPE, "")]);
    let before = find(&archive, &asked).await;
    assert!(before.iter().all(|set| set.items(tags::ORIGINAL_ATTRIBUTES_SEQUENCE).is_empty()));
    home.clock.set_ms(home.clock.now_ms() + 1);
    correct(&archive, &sent[0], &[("PatientName", "ĐINH^VĂN ĐỨC")]).await;
    let after = find(&archive, &asked).await;
    assert_eq!(after.len(), 2);
    for (set, before) in after.iter().zip(&before) {
        assert_eq!(set.text(tags::PATIENT_NAME).as_deref(), Some("ĐINH^VĂN ĐỨC"));
        assert_eq!(set.texts(tags::IMAGE_TYPE), before.texts(tags::IMAGE_TYPE));
        let [original] = set.items(tags::ORIGINAL_ATTRIBUTES_SEQUENCE) else { panic!("{set:?}") };
        let replaced = &original.items(tags::MODIFIED_ATTRIBUTES_SEQUENCE)[0];
        assert_eq!(replaced.text(tags::PATIENT_NAME), before.text(tags::PATIENT_NAME));
    }
    archive.close().await;
}

fn of_rows() -> Query {
    ask(&[(tags::ROWS, ""), (tags::MANUFACTURER, ""), (tags::PATIENT_NAME, "")])
}

fn with_header() -> Query {
    ask(&[(tags::ROWS, ""), (tags::IMAGE_TYPE, "")])
}

/// Four images that are settled, in two packs, in an archive that remembers nothing of them.
async fn settled(home: &Home) -> Archive {
    let archive = home.open().await;
    send_all(&archive, &slices(3, 1)).await;
    send_all(&archive, &slices(1, 2)).await;
    home.rest();
    archive.settle_due().await.unwrap();
    archive.close().await;
    drop(archive);
    home.open().await
}

async fn whoever_asks_for_rows_needs_no_header(home: Home) {
    let (home, store) = watched(home);
    let archive = settled(&home).await;
    let before = store.calls();
    let found = find(&archive, &of_rows()).await;
    assert_eq!(found.iter().filter(|set| set.int(tags::ROWS) == Some(64)).count(), 4);
    assert_eq!(store.calls(), before, "something was read besides rows");
    let found = find(&archive, &with_header()).await;
    assert_eq!(found.iter().filter(|set| set.texts(tags::IMAGE_TYPE)[0] == "ORIGINAL").count(), 4);
    assert!(store.calls() >= before + 4);
    archive.close().await;
}

async fn a_damaged_instance_is_found_without_its_header(home: Home) {
    let archive = home.open().await;
    send_all(&archive, &slices(3, 1)).await;
    for segment in home.segments() {
        std::fs::remove_file(segment).unwrap();
    }
    let found = find(&archive, &with_header()).await;
    assert_eq!(found.iter().filter(|set| set.int(tags::ROWS) == Some(64)).count(), 3);
    assert!(found.iter().all(|set| set.get(tags::IMAGE_TYPE).unwrap().is_empty()));
    archive.close().await;
}

/// Nobody may take what cannot be had just now for what is not there: the search fails as a whole, and says why.
async fn headers_that_nobody_can_read_now_are_not_left_out(home: Home) {
    let (home, store) = watched(home);
    let archive = settled(&home).await;
    store.refuse(Call::Read, &["packs/"]);
    let failed: Result<Vec<DataSet>, Error> =
        query::find_with_headers(&archive, &with_header(), &Scope::All).try_collect().await;
    assert!(matches!(failed, Err(Error::Unavailable(_))), "{failed:?}");
    assert_eq!(find(&archive, &of_rows()).await.len(), 4, "which are there all the same");
    store.refuse(Call::Read, &[]);
    assert_eq!(find(&archive, &with_header()).await.len(), 4);
    archive.close().await;
}

async fn headers_tell_what_rows_of_before_do_not_hold(home: Home) {
    let archive = home.open().await;
    let put = |set: &mut DataSet| {
        set.put_text(tags::ALLERGIES, "PENICILLIN");
        set.put_text(tags::INSTITUTION_ADDRESS, "1 LE LOI");
        set.put_text(tags::MANUFACTURER_MODEL_NAME, "CT-1");
    };
    let sent = made("7", uids::EXPLICIT_VR_LITTLE_ENDIAN, put, &[]);
    send_all(&archive, std::slice::from_ref(&sent)).await;
    // As the program left them that did not keep the two.
    for (sql, tag, other) in [
        ("update study set attributes = replace(attributes, $1, $2)", "00102110", "00102111"),
        ("update series set attributes = replace(attributes, $1, $2)", "00080081", "00080083"),
    ] {
        let touched = archive.database().execute(sql, vec![tag.into(), other.into()]).await.unwrap();
        assert_eq!(touched, 1);
    }
    let rows = [tags::MANUFACTURER_MODEL_NAME, tags::PATIENT_NAME].map(|tag| (tag, ""));
    let newer = [tags::ALLERGIES, tags::INSTITUTION_ADDRESS].map(|tag| (tag, ""));
    let found = find(&archive, &ask(&[rows, newer].concat())).await;
    assert_eq!(found[0].text(tags::ALLERGIES).as_deref(), Some("PENICILLIN"));
    assert_eq!(found[0].text(tags::INSTITUTION_ADDRESS).as_deref(), Some("1 LE LOI"));
    assert_eq!(found[0].text(tags::MANUFACTURER_MODEL_NAME).as_deref(), Some("CT-1"));
    // Who does not ask for them needs no header, nor does who asks for all that rows hold.
    assert!(rows.iter().all(|(tag, _)| !query::is_of_header(*tag, Level::Instance)));
    let everything = find(&archive, &Query { returns: Returns::All, ..ask(&[]) }).await;
    assert_eq!(everything[0].text(tags::MANUFACTURER_MODEL_NAME).as_deref(), Some("CT-1"));
    assert!(!everything[0].contains(tags::ALLERGIES), "all that rows hold");
    archive.close().await;
}

async fn many_instances_are_described_one_by_one(home: Home) {
    let archive = home.open().await;
    let comment = |number: u32| format!("ảnh {number}");
    let sent: Vec<Instance> = (1..=40)
        .map(|number| {
            let put = |set: &mut DataSet| {
                set.put_text(tags::SPECIFIC_CHARACTER_SET, "ISO_IR 192");
                set.put_int(tags::INSTANCE_NUMBER, i64::from(number));
                set.put_text(tags::IMAGE_COMMENTS, &comment(number));
            };
            numbered(("7", number), uids::EXPLICIT_VR_LITTLE_ENDIAN, put, &[])
        })
        .collect();
    send_all(&archive, &sent[..30]).await;
    home.rest();
    archive.settle_due().await.unwrap();
    send_all(&archive, &sent[30..]).await;
    let query = Query { limit: Some(35), offset: 2, ..ask(&[(tags::IMAGE_COMMENTS, "")]) };
    let found = find(&archive, &query).await;
    let comments: Vec<_> = found.iter().map(|set| set.text(tags::IMAGE_COMMENTS).unwrap()).collect();
    assert_eq!(comments, (3..=37).map(comment).collect::<Vec<_>>());
    archive.close().await;
}
