//! WADO-RS: frames and instances encoded for who names a compression that is not the stored one.

use crate::support::{House, file, path_of, picture_size, pixels, read};
use http::StatusCode;
use pacs_core::dataset::{DataSet, write};
use pacs_core::part10::write_head;
use pacs_core::pixels::{Codec, Frame, Layout, decode, encode};
use pacs_core::transfer_syntax::TransferSyntax;
use pacs_core::uid::Uid;
use pacs_core::{VR, tags, uids};

const OCTETS: &str = r#"multipart/related; type="application/octet-stream""#;

/// Those that lose nothing, with the media types of their frames.
const LOSSLESS: [(&str, &str); 6] = [
    (uids::RLE_LOSSLESS, "image/dicom-rle"),
    (uids::JPEG_LOSSLESS_SV1, "image/jpeg"),
    (uids::JPEGLS_LOSSLESS, "image/jls"),
    (uids::JPEG2000_LOSSLESS, "image/jp2"),
    (uids::HTJ2K_LOSSLESS, "image/jphc"),
    (uids::HTJ2K_LOSSLESS_RPCL, "image/jphc"),
];

async fn kept(stored: &[u8]) -> (House, String) {
    let house = House::new().await;
    house.keep(&[stored.to_vec()]).await;
    (house, path_of(stored))
}

#[tokio::test]
async fn a_frame_is_encoded_where_nothing_else_will_do() {
    let plain = pixels(&file("modality/mr-small.dcm"));
    for name in ["modality/mr-small.dcm", "syntax/MR_small_bigendian.dcm", "syntax/MR_small_jp2klossless.dcm"]
    {
        let stored = file(name);
        let (house, path) = kept(&stored).await;
        let frame = format!("{path}/frames/1");
        let layout = Layout::from(&read(&stored)).unwrap();
        for (syntax, media) in LOSSLESS {
            let uid = Uid::parse(syntax).unwrap();
            for named in [
                format!("{OCTETS}; transfer-syntax={syntax}"),
                format!("multipart/related; type=\"{media}\"; transfer-syntax={syntax}"),
            ] {
                let mut parts = house.get(&frame, &[("accept", named.as_str())]).await.parts();
                let (headers, sent) = parts.remove(0);
                assert_eq!(headers.content_type.unwrap().parameter("transfer-syntax"), Some(syntax));
                let decoded = decode(sent.into(), &uid, &layout, 64 << 20).unwrap();
                assert!(decoded.bytes == plain, "{name} in {named}");
            }
        }
        let by_media = house.get(&frame, &[("accept", "image/jls")]).await;
        assert_eq!(by_media.status, StatusCode::OK, "{name}: {}", by_media.text());
        assert_eq!(by_media.header("content-type"), "image/jls; transfer-syntax=1.2.840.10008.1.2.4.80");
        let several = house.get(&format!("{path}/frames/1,1"), &[("accept", OCTETS)]).await.parts();
        assert!(several.iter().all(|(_, content)| *content == plain), "nothing is encoded that need not be");
    }
}

/// A viewer begins with the lowest resolutions, which come first.
#[tokio::test]
async fn an_encoded_frame_takes_byte_ranges() {
    let stored = file("modality/ct-small.dcm");
    let (house, path) = kept(&stored).await;
    let frame = format!("{path}/frames/1");
    let accept = ("accept", "image/jphc; transfer-syntax=1.2.840.10008.1.2.4.202");
    let whole = house.get(&frame, &[accept]).await;
    assert_eq!(whole.status, StatusCode::OK, "{}", whole.text());
    assert!(whole.body.starts_with(&[0xFF, 0x4F, 0xFF, 0x51]));
    for settled in [false, true] {
        if settled {
            house.settle(&path).await;
        }
        let etag = whole.header("etag");
        let part = house.get(&frame, &[accept, ("range", "bytes=0-1023"), ("if-range", etag)]).await;
        assert_eq!(part.status, StatusCode::PARTIAL_CONTENT);
        assert_eq!(part.header("content-range"), format!("bytes 0-1023/{}", whole.body.len()));
        assert!(part.body == whole.body[..1024]);
    }
}

#[tokio::test]
async fn what_pixels_cannot_be_in_is_not_acceptable() {
    let sixteen_bits = file("modality/mr-small.dcm");
    let (house, path) = kept(&sixteen_bits).await;
    let accept = format!("{OCTETS}; transfer-syntax={}", uids::JPEG_BASELINE8_BIT);
    let refused = house.get(&format!("{path}/frames/1"), &[("accept", accept.as_str())]).await;
    assert_eq!(refused.status, StatusCode::NOT_ACCEPTABLE);
    assert!(refused.text().contains("eight bits"), "{}", refused.text());

    let colours = file("modality/us-rgb.dcm");
    let (house, path) = kept(&colours).await;
    let sent = house.get(&format!("{path}/frames/1"), &[("accept", accept.as_str())]).await.parts();
    assert!(sent[0].1.starts_with(&[0xFF, 0xD8]));
    // A lossy copy would be another instance.
    let accept = format!("application/dicom; transfer-syntax={}", uids::JPEG_BASELINE8_BIT);
    let refused = house.get(&path, &[("accept", accept.as_str())]).await;
    assert_eq!(refused.status, StatusCode::NOT_ACCEPTABLE);
}

/// What is sent is kept by another archive, whose frames are then those of the first.
#[tokio::test]
async fn instances_are_encoded_frame_by_frame() {
    for (name, frames) in [
        ("modality/mr-small.dcm", "1"),
        ("modality/us-rgb.dcm", "1"),
        ("modality/mr-enhanced-10frames.dcm", "1,2,3,4,5,6,7,8,9,10"),
        ("modality/sr-basic-text.dcm", ""),
    ] {
        let stored = file(name);
        let (house, path) = kept(&stored).await;
        let list = format!("{path}/frames/{frames}");
        for (syntax, _) in LOSSLESS {
            let accept = format!("application/dicom; transfer-syntax={syntax}");
            let answer = house.get(&path, &[("accept", accept.as_str())]).await;
            assert_eq!(answer.status, StatusCode::OK, "{name} in {syntax}: {}", answer.text());
            assert_eq!(answer.header("content-type"), accept);
            assert_ne!(answer.text(), "CUT", "{name} in {syntax}");
            let (other, other_path) = kept(&answer.body).await;
            assert_eq!(other_path, path);
            if frames.is_empty() {
                continue;
            }
            let ours = house.get(&list, &[("accept", OCTETS)]).await.parts();
            let theirs = other.get(&list, &[("accept", OCTETS)]).await.parts();
            assert!(ours.iter().map(|(_, content)| content).eq(theirs.iter().map(|(_, content)| content)));
            let whole = other.get(&path, &[("accept", "application/dicom; transfer-syntax=*")]).await;
            assert!(whole.body == answer.body);
        }
    }
}

/// A film of 28 million pixels of sixteen bits, so many of which are noise.
fn mammogram(noise_bits: u32) -> Vec<u8> {
    let (set, pixels) = film(noise_bits);
    file_of(set, uids::EXPLICIT_VR_LITTLE_ENDIAN, |set, file| {
        set.put_bytes(tags::PIXEL_DATA, VR::OW, pixels);
        write(set, &TransferSyntax::EXPLICIT_LITTLE_ENDIAN, file).unwrap();
    })
}

/// The same in JPEG 2000, as mammography units send it.
fn mammogram_in_jpeg2000(noise_bits: u32) -> Vec<u8> {
    let (set, bytes) = film(noise_bits);
    let frame = Frame { layout: Layout::from(&set).unwrap(), bytes };
    let encoded = encode(&frame, Codec::Jpeg2000, 1 << 30).unwrap().bytes;
    file_of(set, uids::JPEG2000_LOSSLESS, |set, file| {
        write(set, &TransferSyntax::EXPLICIT_LITTLE_ENDIAN, file).unwrap();
        file.extend_from_slice(
            b"\xE0\x7F\x10\x00OB\0\0\xFF\xFF\xFF\xFF\xFE\xFF\x00\xE0\0\0\0\0\xFE\xFF\x00\xE0",
        );
        file.extend_from_slice(&(encoded.len().next_multiple_of(2) as u32).to_le_bytes());
        file.extend_from_slice(&encoded);
        file.extend(std::iter::repeat_n(0, encoded.len() % 2));
        file.extend_from_slice(b"\xFE\xFF\xDD\xE0\0\0\0\0");
    })
}

/// What the film says, and its pixels.
fn film(noise_bits: u32) -> (DataSet, Vec<u8>) {
    let (rows, columns) = (5928u32, 4915u32);
    let mut pixels = Vec::with_capacity((rows * columns * 2) as usize);
    let mut state = 1u32;
    for n in 0..rows * columns {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let level = (n / columns / 2 + n % columns / 4 + (state >> (32 - noise_bits))) as u16;
        pixels.extend_from_slice(&level.to_le_bytes());
    }
    let class = "1.2.840.10008.5.1.4.1.1.1.2";
    let mut set = DataSet::new();
    set.put_text(tags::SOP_CLASS_UID, class);
    set.put_text(tags::SOP_INSTANCE_UID, "2.25.3");
    set.put_text(tags::STUDY_INSTANCE_UID, "2.25.1");
    set.put_text(tags::SERIES_INSTANCE_UID, "2.25.2");
    set.put_text(tags::PHOTOMETRIC_INTERPRETATION, "MONOCHROME2");
    for (tag, value) in [
        (tags::SAMPLES_PER_PIXEL, 1),
        (tags::ROWS, rows.into()),
        (tags::COLUMNS, columns.into()),
        (tags::BITS_ALLOCATED, 16),
        (tags::BITS_STORED, 14),
        (tags::HIGH_BIT, 13),
        (tags::PIXEL_REPRESENTATION, 0),
    ] {
        set.put_int(tag, value);
    }
    (set, pixels)
}

/// A file of that transfer syntax whose data set `lay_out` writes.
fn file_of(mut set: DataSet, syntax: &str, lay_out: impl FnOnce(&mut DataSet, &mut Vec<u8>)) -> Vec<u8> {
    let [class, instance] =
        [tags::SOP_CLASS_UID, tags::SOP_INSTANCE_UID].map(|tag| set.uid(tag).unwrap().unwrap());
    let mut file = write_head(&class, &instance, &Uid::parse(syntax).unwrap(), None);
    lay_out(&mut set, &mut file);
    file
}

/// Decoding and encoding line by line takes no more than a job may have.
#[tokio::test]
async fn a_mammogram_goes_in_and_out_of_lossless_compression() {
    let stored = mammogram(4);
    let (house, path) = kept(&stored).await;
    let plain = pixels(&stored);
    assert_eq!(house.get(&format!("{path}/thumbnail"), &[]).await.status, StatusCode::OK);
    for syntax in [uids::JPEG_LOSSLESS_SV1, uids::JPEGLS_LOSSLESS, uids::RLE_LOSSLESS] {
        let accept = format!("application/dicom; transfer-syntax={syntax}");
        let compressed = house.get(&path, &[("accept", accept.as_str())]).await;
        assert_eq!(compressed.status, StatusCode::OK, "{syntax}: {}", compressed.text());
        assert!(compressed.body.len() < stored.len() * 9 / 10, "{syntax}: {} bytes", compressed.body.len());
        let (other, _) = kept(&compressed.body).await;
        let frame = other.get(&format!("{path}/frames/1"), &[("accept", OCTETS)]).await.parts();
        assert!(frame[0].1 == plain, "{syntax}");
        let small = other.get(&format!("{path}/thumbnail"), &[]).await;
        assert_eq!(small.status, StatusCode::OK, "{syntax}: {}", small.text());
    }
    let accept = format!("{OCTETS}; transfer-syntax={}", uids::JPEG2000_LOSSLESS);
    let refused = house.get(&format!("{path}/frames/1"), &[("accept", accept.as_str())]).await;
    assert_eq!(refused.status, StatusCode::PAYLOAD_TOO_LARGE, "{}", refused.text());
}

/// One that is looked at on a screen is decoded no larger; its pixels are those that were sent.
#[tokio::test]
async fn a_mammogram_in_jpeg_2000_is_drawn() {
    let stored = mammogram_in_jpeg2000(2);
    let (house, path) = kept(&stored).await;
    for (resource, want) in [
        ("thumbnail", (159, 192)),
        ("rendered?viewport=1000,1000", (829, 1000)),
        ("rendered?viewport=2048,2560", (2048, 2470)),
        ("rendered?viewport=1000,1000,2000,2000,1000,1000", (1000, 1000)),
        ("rendered", (4915, 5928)),
    ] {
        let picture = house.get(&format!("{path}/{resource}"), &[("accept", "image/jpeg")]).await;
        assert_eq!(picture.status, StatusCode::OK, "{resource}: {}", picture.text());
        assert_eq!(picture_size(&picture.body), want, "{resource}");
    }
    let frame = house.get(&format!("{path}/frames/1"), &[("accept", OCTETS)]).await.parts();
    assert!(frame[0].1 == film(2).1);
}
