//! Headers, frames, metadata and renditions, before and after settling.

use std::io::{Read, Write};
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::DeflateEncoder;
use futures::StreamExt;
use pacs_core::access::Scope;
use pacs_core::dataset::{DataSet, Value};
use pacs_core::{Tag, VR, tags, uids};
use storage::{Archive, Encoding, Error, RenditionKey};
use testdata::Instance;

use crate::backends::{Home, on_every_backend};
use crate::samples::*;

on_every_backend!(
    native_frames_are_ranges,
    frames_in_fragments_are_found,
    frames_of_a_deflated_data_set_are_inflated,
    metadata_names_bulk_data_under_the_base_asked_for,
    metadata_that_cannot_be_made_leaves_no_draft,
    the_first_that_is_shown_is_found_however_many_are_named,
);

fn image(set: &mut DataSet, rows: i64, columns: i64, bits: i64, frames: i64) {
    for (tag, value) in [
        (tags::SAMPLES_PER_PIXEL, 1),
        (tags::ROWS, rows),
        (tags::COLUMNS, columns),
        (tags::BITS_ALLOCATED, bits),
        (tags::BITS_STORED, bits),
        (tags::HIGH_BIT, bits - 1),
        (tags::PIXEL_REPRESENTATION, 0),
        (tags::NUMBER_OF_FRAMES, frames),
    ] {
        set.put_int(tag, value);
    }
    set.put_text(tags::PHOTOMETRIC_INTERPRETATION, "MONOCHROME2");
}

fn native(vr: &[u8; 2], value: &[u8]) -> Vec<u8> {
    let mut tail = vec![0xE0, 0x7F, 0x10, 0x00, vr[0], vr[1], 0, 0];
    tail.extend_from_slice(&u32::try_from(value.len()).unwrap().to_le_bytes());
    tail.extend_from_slice(value);
    tail
}

fn fragments(fragments: &[&[u8]]) -> Vec<u8> {
    let mut tail = vec![0xE0, 0x7F, 0x10, 0x00, b'O', b'B', 0, 0, 0xFF, 0xFF, 0xFF, 0xFF];
    for fragment in fragments {
        tail.extend_from_slice(&[0xFE, 0xFF, 0x00, 0xE0]);
        tail.extend_from_slice(&u32::try_from(fragment.len()).unwrap().to_le_bytes());
        tail.extend_from_slice(fragment);
    }
    tail.extend_from_slice(&[0xFE, 0xFF, 0xDD, 0xE0, 0, 0, 0, 0]);
    tail
}

/// Checks frames and a first one past the end, in the spool and in a pack, from a fresh process.
async fn assert_frames(home: &Home, instance: Instance, frames: &[&[u8]], syntax: &str) {
    let archive = home.open().await;
    send_all(&archive, std::slice::from_ref(&instance)).await;
    check_frames(&archive, &instance, frames, syntax).await;
    archive.settle_study(&instance.study).await.unwrap();
    archive.close().await;
    drop(archive);
    let archive = home.open().await;
    check_frames(&archive, &instance, frames, syntax).await;
    archive.close().await;
}

async fn check_frames(archive: &Archive, instance: &Instance, frames: &[&[u8]], syntax: &str) {
    let place = place(archive, instance).await;
    for (at, want) in frames.iter().enumerate() {
        let found = archive.frame(&place, at as u32).await.unwrap();
        assert_eq!(found.bytes, *want, "frame {at}");
        assert_eq!(found.transfer_syntax.as_str(), syntax);
        assert_eq!(found.layout.frames as usize, frames.len());
    }
    assert!(matches!(archive.frame(&place, frames.len() as u32).await, Err(Error::NotFound)));
}

async fn native_frames_are_ranges(home: Home) {
    let value: Vec<u8> = (0..3 * 200 * 100 * 2u32).map(|at| (at % 253) as u8).collect();
    let frames: Vec<&[u8]> = value.chunks(200 * 100 * 2).collect();
    let little = uids::EXPLICIT_VR_LITTLE_ENDIAN;
    let many = made("81", little, |set| image(set, 200, 100, 16, 3), &native(b"OW", &value));
    assert_frames(&home, many, &frames, little).await;

    // Three frames of 3x3 single bits: the second begins within the second byte.
    let bits = made("82", little, |set| image(set, 3, 3, 1, 3), &native(b"OB", &[0xFF, 0x01, 0b100, 0xFC]));
    assert_frames(&home, bits, &[&[0xFF, 0x01], &[0x00, 0x00], &[0x01, 0x01]], little).await;

    let none = made("83", little, |_| {}, &[]);
    assert_frames(&home, none, &[], little).await;
}

async fn frames_in_fragments_are_found(home: Home) {
    let baseline = uids::JPEG_BASELINE8_BIT;
    let one_each = fragments(&[&[], &[0xFF, 0xD8, 0xFF, 1], &[0xFF, 0xD8, 0xFF, 2, 3, 4]]);
    let plain = made("84", baseline, |set| image(set, 8, 8, 8, 2), &one_each);
    assert_frames(&home, plain, &[&[0xFF, 0xD8, 0xFF, 1], &[0xFF, 0xD8, 0xFF, 2, 3, 4]], baseline).await;

    // A basic offset table; the second frame is in two fragments.
    let table: Vec<u8> = [0u32, 12].iter().flat_map(|offset| offset.to_le_bytes()).collect();
    let with_table = fragments(&[&table, &[1, 2, 3, 4], &[5, 6], &[7, 8]]);
    let tabled = made("85", baseline, |set| image(set, 8, 8, 8, 2), &with_table);
    assert_frames(&home, tabled, &[&[1, 2, 3, 4], &[5, 6, 7, 8]], baseline).await;

    let many: Vec<Vec<u8>> = (0..600u32).map(|at| [0xFF, 0xD8, 0xFF, (at % 256) as u8].repeat(300)).collect();
    let mut all: Vec<&[u8]> = vec![&[]];
    all.extend(many.iter().map(Vec::as_slice));
    let long = made("86", baseline, |set| image(set, 8, 8, 8, 600), &fragments(&all));
    assert_frames(&home, long, &all[1..], baseline).await;
}

async fn frames_of_a_deflated_data_set_are_inflated(home: Home) {
    let value: Vec<u8> = (0..2 * 64 * 64u32).map(|at| (at % 241) as u8).collect();
    let little = uids::EXPLICIT_VR_LITTLE_ENDIAN;
    let mut deflated = made("87", little, |set| image(set, 64, 64, 8, 2), &native(b"OB", &value));
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(deflated.dataset()).unwrap();
    let dataset = encoder.finish().unwrap();
    deflated.transfer_syntax = uid(uids::DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN);
    deflated.bytes =
        pacs_core::part10::write_head(&deflated.class, &deflated.uid, &deflated.transfer_syntax, None);
    deflated.dataset_offset = deflated.bytes.len();
    deflated.bytes.extend_from_slice(&dataset);
    let frames: Vec<&[u8]> = value.chunks(64 * 64).collect();
    assert_frames(&home, deflated, &frames, little).await;
}

async fn metadata_names_bulk_data_under_the_base_asked_for(home: Home) {
    let archive = home.open().await;
    let private = Tag(0x0009, 0x1001);
    let text = format!("{} \"BulkDataURI\":\"sen:/9", "ộ".repeat(20));
    let put = |set: &mut DataSet| {
        image(set, 64, 64, 16, 1);
        set.put_text(tags::IMAGE_COMMENTS, &text);
        let mut item = DataSet::new();
        item.put_bytes(private, VR::OB, vec![7; 5000]);
        set.put_items(tags::REFERENCED_IMAGE_SEQUENCE, vec![DataSet::new(), item]);
    };
    let instance = made("88", uids::EXPLICIT_VR_LITTLE_ENDIAN, put, &native(b"OW", &[9; 8192]));
    send_all(&archive, std::slice::from_ref(&instance)).await;
    for settled in [false, true] {
        if settled {
            archive.settle_study(&instance.study).await.unwrap();
        }
        for base in ["http://a/dicomweb", "https://b:8443/pacs"] {
            let found =
                archive.series_metadata(&Scope::All, &instance.study, &instance.series, base).await.unwrap();
            let plain = fetch(&found, Encoding::Identity).await;
            let mut unpacked = Vec::new();
            GzDecoder::new(fetch(&found, Encoding::Gzip).await.as_slice())
                .read_to_end(&mut unpacked)
                .unwrap();
            assert_eq!(plain, unpacked);
            assert_ne!(found.etag(Encoding::Identity), found.etag(Encoding::Gzip));
            let one = &serde_json::from_slice::<serde_json::Value>(&plain).unwrap()[0];
            let root = format!("{base}/studies/1.2.88/series/1.2.88.1/instances/1.2.88.1.1/bulkdata");
            assert_eq!(one["7FE00010"]["BulkDataURI"], format!("{root}/7FE00010"));
            let nested = &one["00081140"]["Value"][1]["00091001"]["BulkDataURI"];
            assert_eq!(*nested, format!("{root}/00081140/1/00091001"));
            assert_eq!(one["00204000"]["Value"][0], text);
        }
    }
    let nobody = Scope::Facilities(vec!["B".to_owned()]);
    let refused = archive.series_metadata(&nobody, &instance.study, &instance.series, "http://a").await;
    assert!(matches!(refused.err(), Some(Error::NotFound)));
    archive.close().await;
}

async fn fetch(metadata: &storage::SeriesMetadata, encoding: Encoding) -> Vec<u8> {
    let file = metadata.open(encoding).await.unwrap();
    file.stream().collect::<Vec<_>>().await.into_iter().flat_map(|chunk| chunk.unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_header_has_what_stands_behind_the_pixels() {
    let home = Home::embedded();
    let archive = home.open().await;
    let mut tail = native(b"OW", &vec![5; 200 << 10]);
    // (FFFC,FFFC) Data Set Trailing Padding
    tail.extend_from_slice(&[0xFC, 0xFF, 0xFC, 0xFF, b'O', b'B', 0, 0, 4, 0, 0, 0, 1, 2, 3, 4]);
    let instance = made("89", uids::EXPLICIT_VR_LITTLE_ENDIAN, |set| image(set, 320, 320, 16, 1), &tail);
    send_all(&archive, std::slice::from_ref(&instance)).await;
    let spooled = archive.header(&place(&archive, &instance).await).await.unwrap();
    archive.settle_study(&instance.study).await.unwrap();
    archive.close().await;
    drop(archive);
    let archive = home.open().await;
    let packed = archive.header(&place(&archive, &instance).await).await.unwrap();
    assert_eq!(spooled, packed);
    assert!(
        matches!(packed.get(tags::PIXEL_DATA).unwrap().value, Value::Elsewhere { length, .. } if length == 200 << 10)
    );
    assert!(packed.get(Tag(0xFFFC, 0xFFFC)).is_some());
    archive.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_rendition_is_sent_as_it_lies() {
    let home = Home::embedded();
    let archive = home.open().await;
    let sent = slices(1, 1);
    send_all(&archive, &sent).await;
    let key = RenditionKey::of_instance(&place(&archive, &sent[0]).await, "large");
    let bytes: Vec<u8> = (0..700_001u32).map(|at| (at % 251) as u8).collect();
    for _ in ["made", "read", "held"] {
        let make = || async { Ok::<_, Error>(Bytes::from(bytes.clone())) };
        let found = archive.rendition(&key, make).await.unwrap();
        assert_eq!(found.length_bytes(), 700_001);
        let chunks: Vec<_> = found.stream().map(Result::unwrap).collect().await;
        assert!(chunks.concat() == bytes);
    }
    archive.close().await;
}

async fn metadata_that_cannot_be_made_leaves_no_draft(home: Home) {
    let archive = home.open().await;
    let sent = slices(3, 1);
    send_all(&archive, &sent).await;
    archive.settle_study(&sent[0].study).await.unwrap();
    let objects = home.objects("packs").await;
    let companion = objects.iter().find(|key| key.ends_with(".gz")).unwrap();
    let pack = objects.iter().find(|key| key.ends_with(".tar")).unwrap();
    let (kept, whole) = (home.get(companion).await, home.get(pack).await);
    home.put(companion, kept.slice(..kept.len() / 2)).await;
    // The header of the first entry, so that no companion can be made of the pack either.
    let mut flipped = whole.to_vec();
    flipped[10] ^= 0x10;
    home.put(pack, flipped.into()).await;
    let found =
        archive.series_metadata(&Scope::All, &sent[0].study, &sent[0].series, "http://x").await.unwrap();
    assert!(matches!(found.open(Encoding::Gzip).await.err(), Some(Error::Corrupt(_))));
    assert!(crate::settling::files(&home.config.renditions_dir()).is_empty());
    // With a pack that is whole the companion comes back, as it was.
    home.put(pack, whole).await;
    assert!(found.open(Encoding::Gzip).await.unwrap().length_bytes() > 0);
    assert_eq!(home.get(companion).await, kept);
    archive.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rendition_is_made_once_and_let_go_when_room_is_needed() {
    let mut home = Home::embedded();
    home.config.rendition_limit_bytes = 100 << 10;
    let archive = home.open().await;
    let sent = slices(1, 1);
    send_all(&archive, &sent).await;
    let place = place(&archive, &sent[0]).await;
    let made = AtomicUsize::new(0);
    let get = async |variant: &str| {
        let make = || async {
            made.fetch_add(1, Ordering::SeqCst);
            Ok::<_, Error>(Bytes::from(vec![1; 10 << 10]))
        };
        archive.rendition(&RenditionKey::of_instance(&place, variant), make).await.unwrap()
    };
    let all = futures::future::join_all((0..8).map(|_| get("thumbnail"))).await;
    assert!(all.iter().all(|bytes| bytes.length_bytes() == 10 << 10));
    assert_eq!(made.load(Ordering::SeqCst), 1);
    for variant in 0..30 {
        get(&variant.to_string()).await;
    }
    let kept: u64 = crate::settling::files(&home.config.renditions_dir())
        .iter()
        .map(|p| p.metadata().unwrap().len())
        .sum();
    assert!(kept <= 100 << 10, "{kept}");
    let before = made.load(Ordering::SeqCst);
    get("29").await;
    assert_eq!(made.load(Ordering::SeqCst), before, "the newest is still there");
    archive.close().await;
    drop(archive);
    assert!(!crate::settling::files(&home.config.renditions_dir()).is_empty());
    let archive = home.open().await;
    assert!(!crate::settling::files(&home.config.renditions_dir()).is_empty(), "kept after an orderly end");
    drop(archive);
    let archive = home.open().await;
    assert!(crate::settling::files(&home.config.renditions_dir()).is_empty(), "emptied after a crash");
    archive.close().await;
}

async fn the_first_that_is_shown_is_found_however_many_are_named(home: Home) {
    let archive = home.open().await;
    let sent = slices(2, 1);
    send_all(&archive, &sent).await;
    // More than one statement binds on either engine.
    let gone = (0..70_000).map(|number| uid(&format!("1.2.3.{number}")));
    let named: Vec<_> = gone.chain(sent.iter().map(|instance| instance.uid.clone())).collect();
    let found = archive.locate_first(&Scope::All, &sent[0].study, &named).await.unwrap();
    assert_eq!(found.map(|place| place.uid), Some(sent[0].uid.clone()));
    let found = archive.locate_first(&Scope::All, &sent[0].study, &named[..70_000]).await.unwrap();
    assert!(found.is_none());
    archive.close().await;
}
