//! WADO-RS: pixel data and bulk data of studies, series and instances.

use crate::support::{House, above, file, path_of, pixels, slices};
use axum::body::Body;
use dicomweb::multipart::PartHeaders;
use http::{Request, StatusCode};
use pacs_core::uids;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

const OCTETS: &str = r#"multipart/related; type="application/octet-stream""#;
const STORED: &str = r#"multipart/related; type="application/octet-stream"; transfer-syntax=*"#;

/// The path below the service that a part names.
fn location(headers: &PartHeaders) -> String {
    let location = headers.content_location.as_deref().unwrap();
    location.strip_prefix("http://pacs.test/dicomweb").unwrap().to_owned()
}

fn syntax(headers: &PartHeaders) -> String {
    headers.content_type.as_ref().unwrap().parameter("transfer-syntax").unwrap().to_owned()
}

async fn kept(names: &[&str]) -> (House, Vec<String>) {
    let house = House::new().await;
    let files: Vec<Vec<u8>> = names.iter().map(|name| file(name)).collect();
    house.keep(&files).await;
    (house, files.iter().map(|file| path_of(file)).collect())
}

/// The frames that a series has, each asked for by itself.
#[tokio::test]
async fn a_series_of_single_frames_is_its_frames_in_order() {
    let house = House::new().await;
    let mut files: Vec<Vec<u8>> = testdata::ct_slices(5).sized(64).map(|slice| slice.bytes).collect();
    let instances: Vec<String> = files.iter().map(|file| path_of(file)).collect();
    let natives: Vec<Vec<u8>> = files.iter().map(|file| pixels(file)).collect();
    files.reverse();
    house.keep(&files).await;
    let (study, series) = (above(&instances[0], "/series"), above(&instances[0], "/instances"));
    for settled in [false, true] {
        if settled {
            house.settle(&study).await;
        }
        for path in [&study, &series] {
            for accept in [STORED, OCTETS, "*/*", "multipart/related"] {
                let answer = house.get(&format!("{path}/pixeldata"), &[("accept", accept)]).await;
                let content_type = answer.header("content-type");
                assert!(content_type.starts_with(OCTETS), "{content_type}");
                assert_eq!(answer.header("content-length"), answer.body.len().to_string(), "{accept}");
                let parts = answer.parts();
                assert_eq!(parts.len(), 5);
                for (at, (headers, content)) in parts.iter().enumerate() {
                    assert_eq!(location(headers), format!("{}/frames/1", instances[at]));
                    assert_eq!(syntax(headers), uids::EXPLICIT_VR_LITTLE_ENDIAN);
                    assert!(content == &natives[at]);
                }
            }
        }
        let one = house.get(&format!("{}/pixeldata", instances[2]), &[("accept", STORED)]).await.parts();
        assert_eq!(one.len(), 1);
        assert!(one[0].1 == natives[2]);
    }
}

/// What a part names leads to the same bytes.
#[tokio::test]
async fn compressed_single_frames_leave_as_stored_or_decoded() {
    let names =
        ["syntax/MR_small_jp2klossless.dcm", "syntax/MR_small_RLE.dcm", "syntax/MR_small_bigendian.dcm"];
    let plain = pixels(&file("modality/mr-small.dcm"));
    for name in names {
        let (house, paths) = kept(&[name]).await;
        let path = &paths[0];
        let resource = format!("{}/pixeldata", above(path, "/instances"));
        for accept in [STORED, OCTETS, "*/*", r#"multipart/related; type="image/jls""#] {
            let parts = house.get(&resource, &[("accept", accept)]).await.parts();
            assert_eq!(parts.len(), 1, "{name} {accept}");
            let (headers, content) = &parts[0];
            assert_eq!(location(headers), format!("{path}/frames/1"));
            let frame = house.get(&location(headers), &[("accept", accept)]).await.parts();
            assert!(content == &frame[0].1, "{name} {accept}");
            assert_eq!(headers.content_type, frame[0].0.content_type);
            assert!(accept != OCTETS || content == &plain, "{name}");
        }
    }
}

#[tokio::test]
async fn compressed_frames_are_parts_and_decoded_ones_one_part() {
    let (house, paths) = kept(&["modality/us-multiframe-30.dcm"]).await;
    let path = &paths[0];
    let resource = format!("{}/pixeldata", above(path, "/series"));
    for settled in [false, true] {
        if settled {
            house.settle(path).await;
        }
        let all: Vec<String> = (1..=30).map(|number: u32| number.to_string()).collect();
        let frames = format!("{path}/frames/{}", all.join(","));
        let stored = house.get(&resource, &[("accept", STORED)]).await;
        assert_eq!(stored.header("content-length"), stored.body.len().to_string());
        let expected = house.get(&frames, &[("accept", STORED)]).await.parts();
        let parts = stored.parts();
        assert_eq!(parts.len(), 30);
        for (at, ((headers, content), frame)) in parts.iter().zip(&expected).enumerate() {
            assert_eq!(location(headers), format!("{path}/frames/{}", at + 1));
            assert!(content == &frame.1 && headers.content_type == frame.0.content_type, "{at}");
        }
        let decoded = house.get(&resource, &[("accept", OCTETS)]).await;
        assert_eq!(decoded.header("content-length"), "");
        let parts = decoded.parts();
        assert_eq!(parts.len(), 1);
        assert_eq!(location(&parts[0].0), format!("{path}/pixeldata"));
        assert_eq!(syntax(&parts[0].0), uids::EXPLICIT_VR_LITTLE_ENDIAN);
        let expected = house.get(&frames, &[("accept", OCTETS)]).await.parts();
        assert!(parts[0].1 == expected.into_iter().flat_map(|(_, content)| content).collect::<Vec<u8>>());
    }
}

#[tokio::test]
async fn uncompressed_frames_of_one_instance_are_one_part() {
    let (house, paths) = kept(&["modality/mr-enhanced-10frames.dcm"]).await;
    let native = pixels(&file("modality/mr-enhanced-10frames.dcm"));
    for accept in [STORED, OCTETS] {
        let parts = house.get(&format!("{}/pixeldata", paths[0]), &[("accept", accept)]).await.parts();
        assert_eq!(parts.len(), 1);
        assert_eq!(location(&parts[0].0), format!("{}/pixeldata", paths[0]));
        assert!(parts[0].1 == native);
    }
    let encoded = r#"multipart/related; type="image/jls""#;
    let parts = house.get(&format!("{}/pixeldata", paths[0]), &[("accept", encoded)]).await.parts();
    assert_eq!(parts.len(), 10);
    assert_eq!(location(&parts[9].0), format!("{}/frames/10", paths[0]));
}

#[tokio::test]
async fn what_has_no_pixels_is_left_out() {
    let (house, first) = slices(2).await;
    // A report in the study of the slices.
    let report = report_in_the_study_of(&first);
    house.keep(std::slice::from_ref(&report)).await;
    let study = format!("{}/pixeldata", above(&first, "/series"));
    assert_eq!(house.get(&above(&first, "/series"), &[("accept", "*/*")]).await.parts().len(), 3);
    for accept in [STORED, r#"multipart/related; type="image/jls""#] {
        assert_eq!(house.get(&study, &[("accept", accept)]).await.parts().len(), 2, "{accept}");
    }
    let report = path_of(&report);
    for path in [above(&report, "/instances"), report] {
        let none =
            house.get(&format!("{path}/pixeldata"), &[("accept", STORED), ("if-none-match", "*")]).await;
        assert_eq!(none.status, StatusCode::NOT_FOUND, "{}", none.text());
        assert!(none.text().contains("pixel data"), "{}", none.text());
    }
    assert_eq!(house.get("/studies/1.2.3/pixeldata", &[]).await.status, StatusCode::NOT_FOUND);
}

/// The report among the files, in the study of an instance.
fn report_in_the_study_of(instance: &str) -> Vec<u8> {
    let report = file("modality/sr-basic-text.dcm");
    let study = crate::support::read(&report);
    let element = study.get(pacs_core::tags::STUDY_INSTANCE_UID).unwrap();
    let own = element.bytes().unwrap();
    let mut new = instance.split('/').nth(2).unwrap().as_bytes().to_vec();
    new.resize(new.len() + new.len() % 2, 0);
    let length = |bytes: &[u8]| u16::try_from(bytes.len()).unwrap().to_le_bytes();
    let header = |bytes: &[u8]| [&b"\x20\x00\x0D\x00UI"[..], &length(bytes), bytes].concat();
    let before = header(own);
    let at = report.windows(before.len()).position(|window| window == before).unwrap();
    [&report[..at], &header(&new), &report[at + before.len()..]].concat()
}

#[tokio::test]
async fn what_cannot_be_sent_as_wished_is_said() {
    let (house, paths) = kept(&["modality/ct-small.dcm"]).await;
    for resource in ["pixeldata", "bulkdata"] {
        for accept in ["image/png", "multipart/related; type=\"image/jxl\"", "application/octet-stream"] {
            let refused = house.get(&format!("{}/{resource}", paths[0]), &[("accept", accept)]).await;
            assert_eq!(refused.status, StatusCode::NOT_ACCEPTABLE, "{accept}");
            assert!(refused.json()["detail"].as_str().unwrap().len() > 10, "{}", refused.text());
        }
    }
}

#[tokio::test]
async fn conditions_and_head() {
    let (house, instance) = slices(3).await;
    for of in [above(&instance, "/series"), above(&instance, "/instances"), instance.clone()] {
        for resource in ["pixeldata", "bulkdata"] {
            let path = format!("{of}/{resource}");
            let first = house.get(&path, &[("accept", STORED)]).await;
            let etag = first.header("etag");
            assert!(etag.starts_with("W/\""), "{path}: {etag}");
            assert_eq!(first.header("cache-control"), "private, no-cache");
            assert_eq!(first.header("vary"), "accept");
            let held = house.get(&path, &[("accept", STORED), ("if-none-match", etag)]).await;
            assert_eq!((held.status, held.body.len()), (StatusCode::NOT_MODIFIED, 0), "{path}");
            let other = house.get(&path, &[("accept", STORED), ("if-match", "\"x\"")]).await;
            assert_eq!(other.status, StatusCode::PRECONDITION_FAILED);
            let head = Request::head(format!("/dicomweb{path}")).header("accept", STORED);
            let head = house.send(head.body(Body::empty()).unwrap()).await;
            assert_eq!((head.status, head.body.len()), (StatusCode::OK, 0), "{path}");
            assert_eq!(head.header("content-length"), first.body.len().to_string());
            assert_eq!(head.header("etag"), etag);
        }
    }
    let before =
        house.get(&format!("{}/pixeldata", above(&instance, "/series")), &[("accept", STORED)]).await;
    house.keep(&[testdata::ct_slices(4).sized(64).last().unwrap().bytes]).await;
    let path = format!("{}/pixeldata", above(&instance, "/series"));
    let after = house.get(&path, &[("accept", STORED), ("if-none-match", before.header("etag"))]).await;
    assert_eq!((after.status, after.parts().len()), (StatusCode::OK, 4), "a late image is another study");
}

/// Whoever names no transfer syntax gets what there is.
#[tokio::test]
async fn what_cannot_be_decoded_leaves_as_stored() {
    let (house, paths) = kept(&["malformed/JPEG2000-embedded-sequence-delimiter.dcm"]).await;
    let stored = house.get(&format!("{}/pixeldata", paths[0]), &[("accept", STORED)]).await.parts();
    let wished = house.get(&format!("{}/pixeldata", paths[0]), &[("accept", OCTETS)]).await.parts();
    assert_eq!(stored, wished);
    let explicit = format!("{OCTETS}; transfer-syntax={}", uids::EXPLICIT_VR_LITTLE_ENDIAN);
    let refused = house.get(&format!("{}/pixeldata", paths[0]), &[("accept", explicit.as_str())]).await;
    assert_eq!(refused.status, StatusCode::NOT_ACCEPTABLE, "{}", refused.text());
}

/// Every value that metadata names by an address is sent with it, as it is sent there, and nothing else but the pixels.
#[tokio::test]
async fn bulk_data_is_what_metadata_names() {
    for name in [
        "modality/ct-small.dcm",
        "modality/ecg-12lead.dcm",
        "modality/mr-overlay.dcm",
        "modality/us-multiframe-30.dcm",
        "modality/us-palette-rle-2frames.dcm",
        "colour/SC_rgb_small_odd.dcm",
        "syntax/MR_small_bigendian.dcm",
        "syntax/image_dfl.dcm",
    ] {
        let (house, paths) = kept(&[name]).await;
        let (study, series) = (above(&paths[0], "/series"), above(&paths[0], "/instances"));
        for settled in [false, true] {
            if settled {
                house.settle(&paths[0]).await;
            }
            let mut named = BTreeSet::new();
            uris(&house.get(&format!("{series}/metadata"), &[]).await.json(), &mut named);
            for (of, accept) in [(&study, STORED), (&series, OCTETS), (&paths[0], STORED)] {
                let mut sent: BTreeMap<String, Vec<u8>> = BTreeMap::new();
                for (headers, content) in
                    house.get(&format!("{of}/bulkdata"), &[("accept", accept)]).await.parts()
                {
                    sent.entry(location(&headers)).or_default().extend(content);
                }
                let pixels = format!("{}/bulkdata/7FE00010", paths[0]);
                let addresses: BTreeSet<&String> = sent.keys().collect();
                let expected: BTreeSet<&String> = if name.contains("ecg") {
                    named.iter().collect()
                } else {
                    named.iter().chain([&pixels]).collect()
                };
                assert_eq!(addresses, expected, "{name}");
                for (address, content) in sent {
                    let alone = house.get(&address, &[("accept", accept)]).await.parts();
                    let alone: Vec<u8> = alone.into_iter().flat_map(|(_, content)| content).collect();
                    assert!(content == alone, "{name} {address} {accept}");
                }
            }
        }
    }
    let (house, paths) = kept(&["modality/sr-basic-text.dcm"]).await;
    let none = house.get(&format!("{}/bulkdata", paths[0]), &[]).await;
    assert_eq!(none.status, StatusCode::NOT_FOUND, "{}", none.text());
}

/// The paths of all BulkDataURIs.
fn uris(json: &Value, found: &mut BTreeSet<String>) {
    match json {
        Value::Object(members) => {
            let uri = members.get("BulkDataURI").and_then(Value::as_str);
            found.extend(uri.map(|uri| uri.strip_prefix("http://pacs.test/dicomweb").unwrap().to_owned()));
            members.values().for_each(|value| uris(value, found));
        }
        Value::Array(values) => values.iter().for_each(|value| uris(value, found)),
        _ => {}
    }
}

/// What makes the length of a value even is no part of a frame.
#[tokio::test]
async fn a_frame_of_odd_length_ends_with_its_last_sample() {
    let (house, paths) = kept(&["colour/SC_rgb_small_odd.dcm"]).await;
    let parts = house.get(&format!("{}/pixeldata", paths[0]), &[("accept", STORED)]).await.parts();
    assert_eq!(location(&parts[0].0), format!("{}/frames/1", paths[0]));
    assert_eq!(parts[0].1.len(), 27);
    assert!(parts[0].1 == house.get(&location(&parts[0].0), &[("accept", STORED)]).await.parts()[0].1);
}
