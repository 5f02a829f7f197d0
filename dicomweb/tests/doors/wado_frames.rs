//! WADO-RS: frames and bulk data.

use crate::support::{House, file, path_of, pixels, value};
use http::StatusCode;
use pacs_core::uids;

const OCTETS: &str = r#"multipart/related; type="application/octet-stream""#;
/// What cornerstone's loader sends.
const CORNERSTONE: &str = r#"multipart/related; type="application/octet-stream"; transfer-syntax="*""#;

async fn kept(name: &str) -> (House, Vec<u8>, String) {
    let house = House::new().await;
    let stored = file(name);
    house.keep(std::slice::from_ref(&stored)).await;
    let path = path_of(&stored);
    (house, stored, path)
}

#[tokio::test]
async fn a_native_frame_is_its_bytes() {
    for (name, settled) in
        [("modality/mr-enhanced-10frames.dcm", false), ("modality/mr-enhanced-10frames.dcm", true)]
    {
        let (house, stored, path) = kept(name).await;
        if settled {
            house.settle(&path).await;
        }
        let native = pixels(&stored);
        let frame = native.len() / 10;
        let answer = house.get(&format!("{path}/frames/3"), &[("accept", CORNERSTONE)]).await;
        assert_eq!(answer.header("content-length"), answer.body.len().to_string());
        assert!(answer.header("content-encoding").is_empty(), "pixels are never compressed on the way");
        let parts = answer.parts();
        assert!(parts[0].1 == native[2 * frame..3 * frame], "{name}");
        let media = parts[0].0.content_type.as_ref().unwrap();
        assert!(media.is("application", "octet-stream"));
        assert_eq!(media.parameter("transfer-syntax"), Some(uids::EXPLICIT_VR_LITTLE_ENDIAN));

        let several = house.get(&format!("{path}/frames/10,1,1"), &[("accept", OCTETS)]).await.parts();
        let expected = [&native[9 * frame..], &native[..frame], &native[..frame]];
        assert!(several.iter().map(|(_, content)| content.as_slice()).eq(expected));
        let encoded = house.get(&format!("{path}/frames/1%2C2"), &[("accept", "*/*")]).await.parts();
        assert_eq!(encoded.len(), 2);
    }
}

#[tokio::test]
async fn a_compressed_frame_leaves_as_stored_or_decoded() {
    let plain = pixels(&file("modality/mr-small.dcm"));
    for (name, media) in [
        ("syntax/MR_small_jp2klossless.dcm", "image/jp2"),
        ("syntax/MR_small_jpeg_ls_lossless.dcm", "image/jls"),
        ("syntax/MR_small_RLE.dcm", "image/dicom-rle"),
    ] {
        let (house, stored, path) = kept(name).await;
        let HeadSyntax(syntax) = head_syntax(&stored);
        let frame = format!("{path}/frames/1");

        let as_stored = house.get(&frame, &[("accept", CORNERSTONE)]).await.parts();
        let stored_media = as_stored[0].0.content_type.as_ref().unwrap();
        assert_eq!(stored_media.parameter("transfer-syntax"), Some(syntax.as_str()), "{name}");
        assert!(
            stored.windows(64).any(|window| window == &as_stored[0].1[..64]),
            "{name}: a piece of the file"
        );

        let named = format!("multipart/related; type=\"{media}\"");
        let by_media = house.get(&frame, &[("accept", named.as_str())]).await.parts();
        assert_eq!(by_media[0].1, as_stored[0].1);
        assert_eq!(by_media[0].0.content_type.as_ref().unwrap().to_string(), media);

        let decoded = house.get(&frame, &[("accept", OCTETS)]).await.parts();
        assert!(decoded[0].1 == plain, "{name}");
        let decoded_media = decoded[0].0.content_type.as_ref().unwrap();
        assert_eq!(decoded_media.parameter("transfer-syntax"), Some(uids::EXPLICIT_VR_LITTLE_ENDIAN));

        let refused = "multipart/related; type=\"image/jxl\"";
        assert_eq!(house.get(&frame, &[("accept", refused)]).await.status, StatusCode::NOT_ACCEPTABLE);
    }
}

/// Who names no transfer syntax gets what there is, and is told what it is; who names one does not.
#[tokio::test]
async fn a_frame_that_cannot_be_decoded_leaves_as_stored() {
    let (house, stored, path) = kept("malformed/JPEG2000-embedded-sequence-delimiter.dcm").await;
    let HeadSyntax(syntax) = head_syntax(&stored);
    let frame = format!("{path}/frames/1");
    let as_stored = house.get(&frame, &[("accept", CORNERSTONE)]).await.parts();
    for path in [frame.clone(), format!("{path}/frames/1,1"), format!("{path}/bulkdata/7FE00010")] {
        for (headers, content) in house.get(&path, &[("accept", OCTETS)]).await.parts() {
            assert_eq!(headers.content_type.unwrap().parameter("transfer-syntax"), Some(syntax.as_str()));
            assert!(content == as_stored[0].1);
        }
    }
    let explicit = format!("{OCTETS}; transfer-syntax={}", uids::EXPLICIT_VR_LITTLE_ENDIAN);
    let refused = house.get(&frame, &[("accept", explicit.as_str())]).await;
    assert_eq!(refused.status, StatusCode::NOT_ACCEPTABLE, "{}", refused.text());
}

struct HeadSyntax(String);

fn head_syntax(file: &[u8]) -> HeadSyntax {
    let pacs_core::part10::HeadProgress::Head(head) = pacs_core::part10::read_head(file).unwrap() else {
        panic!()
    };
    HeadSyntax(head.transfer_syntax.to_string())
}

#[tokio::test]
async fn big_endian_pixels_are_turned_and_deflated_ones_inflated() {
    let plain = pixels(&file("modality/mr-small.dcm"));
    let (house, _, path) = kept("syntax/MR_small_bigendian.dcm").await;
    let parts = house.get(&format!("{path}/frames/1"), &[("accept", CORNERSTONE)]).await.parts();
    assert!(parts[0].1 == plain);
    let bulk = house.get(&format!("{path}/bulkdata/7FE00010"), &[("accept", OCTETS)]).await.parts();
    assert!(bulk[0].1 == plain);
    let part = house.get(&format!("{path}/bulkdata/7FE00010"), &[("range", "bytes=3-10")]).await;
    assert!(part.body == plain[3..11], "a range that begins within a number");

    let (house, stored, path) = kept("syntax/image_dfl.dcm").await;
    let plain = pixels(&stored);
    let parts = house.get(&format!("{path}/frames/1"), &[("accept", CORNERSTONE)]).await.parts();
    assert!(parts[0].1 == plain);
    let part = house.get(&format!("{path}/bulkdata/7FE00010"), &[("range", "bytes=1000-1999")]).await;
    assert!(part.body == plain[1000..2000]);
}

#[tokio::test]
async fn frames_that_are_not_there() {
    let (house, _, path) = kept("modality/mr-enhanced-10frames.dcm").await;
    for (frames, status) in [
        ("11", StatusCode::NOT_FOUND),
        ("1,11", StatusCode::NOT_FOUND),
        ("4294967295", StatusCode::NOT_FOUND),
        ("0", StatusCode::BAD_REQUEST),
        ("one", StatusCode::BAD_REQUEST),
        ("1,,2", StatusCode::BAD_REQUEST),
    ] {
        let answer = house.get(&format!("{path}/frames/{frames}"), &[("accept", CORNERSTONE)]).await;
        assert_eq!(answer.status, status, "{frames}: {}", answer.text());
    }
    let (house, _, path) = kept("modality/sr-basic-text.dcm").await;
    assert_eq!(house.get(&format!("{path}/frames/1"), &[]).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_single_body_takes_byte_ranges() {
    let (house, stored, path) = kept("modality/mr-small.dcm").await;
    let plain = pixels(&stored);
    let frame = format!("{path}/frames/1");
    let accept = ("accept", "application/octet-stream; transfer-syntax=*");
    let whole = house.get(&frame, &[accept]).await;
    assert!(whole.body == plain);
    assert_eq!(whole.header("accept-ranges"), "bytes");
    let etag = whole.header("etag");
    let part = house.get(&frame, &[accept, ("range", "bytes=10-19"), ("if-range", etag)]).await;
    assert_eq!(part.status, StatusCode::PARTIAL_CONTENT);
    assert_eq!(part.header("content-range"), format!("bytes 10-19/{}", plain.len()));
    assert!(part.body == plain[10..20]);
    let changed = house.get(&frame, &[accept, ("range", "bytes=10-19"), ("if-range", "\"other\"")]).await;
    assert_eq!((changed.status, changed.body.len()), (StatusCode::OK, plain.len()));
    let behind = house.get(&frame, &[accept, ("range", "bytes=99999999-")]).await;
    assert_eq!(behind.status, StatusCode::RANGE_NOT_SATISFIABLE);
    assert_eq!(behind.header("content-range"), format!("bytes */{}", plain.len()));
    let held = house.get(&frame, &[accept, ("if-none-match", etag)]).await;
    assert_eq!(held.status, StatusCode::NOT_MODIFIED);
}

/// Every BulkDataURI of the metadata leads to the bytes that it stands for.
#[tokio::test]
async fn bulk_data_is_where_metadata_says() {
    for (name, tag) in [
        ("modality/mr-small.dcm", "7FE00010"),
        ("modality/pdf-encapsulated.dcm", "00420011"),
        ("modality/us-multiframe-30.dcm", "7FE00010"),
    ] {
        let (house, _, path) = kept(name).await;
        for settled in [false, true] {
            if settled {
                house.settle(&path).await;
            }
            let metadata = house.get(&format!("{path}/metadata"), &[]).await.json();
            let Some(uri) = metadata[0][tag]["BulkDataURI"].as_str() else {
                assert!(metadata[0][tag]["InlineBinary"].is_string(), "{name}");
                continue;
            };
            let local = uri.strip_prefix("http://pacs.test/dicomweb").unwrap();
            let answer = house.get(local, &[("accept", CORNERSTONE)]).await;
            assert_eq!(answer.status, StatusCode::OK, "{name} {uri}: {}", answer.text());
            assert!(!answer.parts().is_empty(), "{name}");
        }
    }
}

#[tokio::test]
async fn an_encapsulated_document_is_sent_as_what_it_is() {
    let (house, _, path) = kept("modality/pdf-encapsulated.dcm").await;
    let answer = house.get(&format!("{path}/bulkdata/00420011"), &[("accept", "application/pdf")]).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    assert_eq!(answer.header("content-type"), "application/pdf");
    assert!(answer.body.starts_with(b"%PDF"));
    assert_eq!(house.get(&format!("{path}/bulkdata/00420012/0/1"), &[]).await.status, StatusCode::NOT_FOUND);
    assert_eq!(house.get(&format!("{path}/bulkdata/7FE00010"), &[]).await.status, StatusCode::NOT_FOUND);
    assert_eq!(
        house.get(&format!("{path}/bulkdata/00420011"), &[("accept", "image/png")]).await.status,
        StatusCode::NOT_ACCEPTABLE
    );
}

#[tokio::test]
async fn a_wrong_list_of_metadata_is_not_made() {
    let (house, _, path) = kept("modality/mr-small.dcm").await;
    let metadata = house.get(&format!("{path}/metadata"), &[]).await.json();
    assert_eq!(value(&metadata[0], "00280010"), 64);
}

/// A file with this put in front of the first place where `before` stands.
fn with(file: &[u8], before: &[u8], inserted: &[u8]) -> Vec<u8> {
    let at = file.windows(before.len()).position(|window| window == before).unwrap();
    [&file[..at], inserted, &file[at..]].concat()
}

const ROWS: &[u8] = b"\x28\x00\x10\x00US";
const ENCAPSULATED: &[u8] = b"\xE0\x7F\x10\x00OB\x00\x00\xFF\xFF\xFF\xFF";

/// What an object claims of itself is not what is made room for.
#[tokio::test]
async fn no_more_frames_are_listed_than_there_are_fragments() {
    let house = House::new().await;
    let stored = with(&file("syntax/MR_small_RLE.dcm"), ROWS, b"\x28\x00\x08\x00IS\x0A\x004294967295");
    house.keep(std::slice::from_ref(&stored)).await;
    let path = path_of(&stored);
    let answer = house.get(&format!("{path}/bulkdata/7FE00010"), &[("accept", CORNERSTONE)]).await;
    assert_eq!(answer.parts().len(), 1);
    let behind = house.get(&format!("{path}/frames/2"), &[("accept", CORNERSTONE)]).await;
    assert_eq!(behind.status, StatusCode::NOT_FOUND);
}

/// Nobody holds what is not there.
#[tokio::test]
async fn a_frame_that_is_not_there_is_not_unmodified() {
    let (house, _, path) = kept("modality/ct-small.dcm").await;
    for number in [1, 2] {
        let asked = [("accept", CORNERSTONE), ("if-none-match", "*")];
        let answer = house.get(&format!("{path}/frames/{number}"), &asked).await;
        let expected = [StatusCode::NOT_MODIFIED, StatusCode::NOT_FOUND];
        assert_eq!(answer.status, expected[number - 1]);
    }
}

/// The icon of a compressed image is compressed as well; its BulkDataURI leads to it and not to the image.
#[tokio::test]
async fn a_compressed_icon_is_sent_as_itself() {
    let picture = file("colour/SC_rgb_rle.dcm");
    let described = crate::support::read(&picture);
    let mut icon = b"\x88\x00\x00\x02SQ\x00\x00\xFF\xFF\xFF\xFF\xFE\xFF\x00\xE0\xFF\xFF\xFF\xFF".to_vec();
    for element in described.iter().filter(|element| element.tag.0 == 0x0028) {
        if let (pacs_core::VR::US, Some(bytes)) = (element.vr, element.bytes()) {
            icon.extend_from_slice(&element.tag.0.to_le_bytes());
            icon.extend_from_slice(&element.tag.1.to_le_bytes());
            icon.extend_from_slice(b"US\x02\x00");
            icon.extend_from_slice(&bytes[..2]);
        }
        if element.tag == pacs_core::tags::PHOTOMETRIC_INTERPRETATION {
            icon.extend_from_slice(b"\x28\x00\x04\x00CS\x04\x00RGB ");
        }
    }
    let at = picture.windows(ENCAPSULATED.len()).position(|window| window == ENCAPSULATED).unwrap();
    icon.extend_from_slice(&picture[at..]);
    icon.extend_from_slice(b"\xFE\xFF\x0D\xE0\x00\x00\x00\x00\xFE\xFF\xDD\xE0\x00\x00\x00\x00");
    let stored = with(&file("syntax/MR_small_RLE.dcm"), ENCAPSULATED, &icon);

    let other = House::new().await;
    other.keep(std::slice::from_ref(&picture)).await;
    let house = House::new().await;
    house.keep(std::slice::from_ref(&stored)).await;
    let (of_picture, path) = (path_of(&picture), path_of(&stored));
    for settled in [false, true] {
        if settled {
            house.settle(&path).await;
        }
        let metadata = house.get(&format!("{path}/metadata"), &[]).await.json();
        let uri = value(&metadata[0], "00880200")["7FE00010"]["BulkDataURI"].as_str().unwrap().to_owned();
        let local = uri.strip_prefix("http://pacs.test/dicomweb").unwrap();
        for accept in [CORNERSTONE, OCTETS, "application/octet-stream; transfer-syntax=*"] {
            let sent = house.get(local, &[("accept", accept)]).await;
            let expected = other.get(&format!("{of_picture}/frames/1"), &[("accept", accept)]).await;
            assert_eq!(sent.status, StatusCode::OK, "{accept}: {}", sent.text());
            let held = house.get(local, &[("accept", accept), ("if-none-match", sent.header("etag"))]).await;
            assert_eq!(held.status, StatusCode::NOT_MODIFIED);
            if accept.starts_with("multipart") {
                assert_eq!(sent.parts(), expected.parts(), "{accept}");
            } else {
                assert_eq!(sent.body, expected.body, "{accept}");
            }
        }
    }
}
