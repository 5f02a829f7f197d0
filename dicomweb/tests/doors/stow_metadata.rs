//! STOW-RS with metadata and bulk data: DICOM JSON in one part, values in the others.

use crate::support::{Answer, House, bytes_of, file, path_of, pixels, read, value};
use axum::body::Body;
use bytes::Bytes;
use http::{Request, StatusCode};
use pacs_core::dataset::{DataSet, Value};
use pacs_core::json;
use pacs_core::tags;
use std::cell::RefCell;

const JSON: &str = "application/dicom+json";
const OCTETS: &str = "application/octet-stream";

/// A part: Content-Type, Content-Location, content.
type Part<'a> = (&'a str, &'a str, Vec<u8>);

/// Metadata of a file, and the values that are too long for it under the locations that it names. Pixels that are
/// compressed are named and not given.
fn described(file: &[u8]) -> (Vec<u8>, Vec<(String, Vec<u8>)>) {
    let set = read(file);
    let values = RefCell::new(Vec::new());
    let mut document = vec![b'['];
    json::write(&set, &mut document, &|path, tag, _| {
        let location = format!("bulk/{}", storage::bulkdata_path(path, tag));
        let holder = path.iter().fold(&set, |set, step| &set.items(step.tag)[step.item]);
        let element = holder.get(tag).unwrap();
        let is_compressed = matches!(element.value, Value::Fragments(_));
        let value = (!is_compressed).then(|| bytes_of(file, element));
        values.borrow_mut().extend(value.map(|value| (location.clone(), value)));
        Some(location)
    });
    document.push(b']');
    (document, values.into_inner())
}

/// The parts of a file.
fn parts((document, values): &(Vec<u8>, Vec<(String, Vec<u8>)>)) -> Vec<Part<'_>> {
    let values = values.iter().map(|(location, value)| (OCTETS, location.as_str(), value.clone()));
    [(JSON, "", document.clone())].into_iter().chain(values).collect()
}

/// The metadata of a small image without its pixels, to be changed.
fn small_image() -> (String, serde_json::Value) {
    let small = testdata::ct_slices(1).sized(8).next().unwrap();
    let mut document: serde_json::Value = serde_json::from_slice(&described(&small.bytes).0).unwrap();
    document[0].as_object_mut().unwrap().remove("7FE00010");
    (path_of(&small.bytes), document)
}

fn request(path: &str, parts: &[Part<'_>]) -> Request<Body> {
    let mut body = Vec::new();
    for (media, location, content) in parts {
        body.extend_from_slice(b"\r\n--edge\r\n");
        for (name, value) in [("Content-Type", media), ("Content-Location", location)] {
            if !value.is_empty() {
                body.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
            }
        }
        body.extend_from_slice(b"\r\n");
        body.extend_from_slice(content);
    }
    body.extend_from_slice(b"\r\n--edge--\r\n");
    let pieces: Vec<_> =
        body.chunks(4099).map(|piece| Ok::<_, std::io::Error>(Bytes::copy_from_slice(piece))).collect();
    Request::post(format!("/dicomweb{path}"))
        .header("content-type", format!("multipart/related; type=\"{JSON}\"; boundary=edge"))
        .body(Body::from_stream(futures::stream::iter(pieces)))
        .unwrap()
}

async fn store(house: &House, parts: &[Part<'_>]) -> Answer {
    house.send(request("/studies", parts)).await
}

/// All that a file says, apart from what the encoding adds.
fn said(file: &[u8]) -> serde_json::Value {
    let mut set = read(file);
    set.remove(tags::SPECIFIC_CHARACTER_SET);
    set.remove(tags::DATA_SET_TRAILING_PADDING);
    without_decimals(serde_json::from_str(&json::to_string(&set)).unwrap())
}

/// Of decimals it does not matter how they are written: `2.0` comes back as `2`.
fn without_decimals(said: serde_json::Value) -> serde_json::Value {
    use serde_json::Value::{Array, Number, Object};
    match said {
        Number(number) => number.as_f64().map(|number| (number * 1e6).round() as i64).into(),
        Array(values) => values.into_iter().map(without_decimals).collect(),
        Object(map) => map.into_iter().map(|(key, value)| (key, without_decimals(value))).collect(),
        other => other,
    }
}

async fn as_stored(house: &House, path: &str) -> Bytes {
    let answer = house.get(path, &[("accept", "application/dicom; transfer-syntax=*")]).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    answer.body
}

#[tokio::test]
async fn metadata_and_values_become_the_instance() {
    for name in [
        "modality/ct-small.dcm",
        "modality/ecg-12lead.dcm",
        "modality/pdf-encapsulated.dcm",
        "charset/vn-gb18030.dcm",
    ] {
        let house = House::new().await;
        let file = file(name);
        let described = described(&file);
        let mut parts = parts(&described);
        assert!(parts.len() > 1 || !["modality/ct-small.dcm", "modality/ecg-12lead.dcm"].contains(&name));
        // Values may come before what names them.
        for turned in [false, true] {
            if turned {
                parts.reverse();
            }
            let answer = store(&house, &parts).await;
            assert_eq!(answer.status, StatusCode::OK, "{name}: {}", answer.text());
            assert_eq!(answer.header("content-type"), JSON);
            let back = as_stored(&house, &path_of(&file)).await;
            let (back, file) = (said(&back), said(&file));
            for (tag, value) in file.as_object().unwrap() {
                assert_eq!(back[tag], *value, "{name} {tag}");
            }
            assert_eq!(back.as_object().unwrap().len(), file.as_object().unwrap().len(), "{name}");
        }
    }
}

/// Turned around or packed they would be stored as other samples than were meant.
#[tokio::test]
async fn samples_of_another_form_are_refused() {
    let original = file("modality/ct-small.dcm");
    for syntax in ["1.2.840.10008.1.2.2", "1.2.840.10008.1.2.1.99"] {
        let media = format!("application/octet-stream; transfer-syntax={syntax}");
        let described = described(&original);
        let mut parts = parts(&described);
        for part in &mut parts {
            if part.1 == "bulk/7FE00010" {
                part.0 = &media;
            }
        }
        let answer = store(&House::new().await, &parts).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{syntax}: {}", answer.text());
        assert!(answer.text().contains("little endian"), "{}", answer.text());
    }
}

#[tokio::test]
async fn compressed_pixels_become_fragments() {
    for (name, media, frames) in [
        ("syntax/MR_small_jp2klossless.dcm", "image/jp2", 1),
        ("syntax/MR_small_jpeg_ls_lossless.dcm", "image/jls", 1),
        ("syntax/emri_small_RLE.dcm", "image/dicom-rle", 10),
        ("syntax/MR_small_RLE.dcm", "application/octet-stream; transfer-syntax=1.2.840.10008.1.2.5", 1),
        // Nobody says which process it is: the pictures do.
        ("modality/us-multiframe-30.dcm", "image/jpeg", 30),
        ("modality/nm-jpeg-lossless.dcm", "image/jpeg", 1),
    ] {
        let original = file(name);
        let house = House::new().await;
        house.keep(std::slice::from_ref(&original)).await;
        let path = path_of(&original);
        let list = (1..=frames).map(|frame| frame.to_string()).collect::<Vec<_>>().join(",");
        let frames_path = format!("{path}/frames/{list}");
        let accept = [("accept", "multipart/related; type=\"application/octet-stream\"; transfer-syntax=*")];
        let sent = house.get(&frames_path, &accept).await.parts();
        let head = pacs_core::part10::read_head(&original).unwrap();
        let pacs_core::part10::HeadProgress::Head(head) = head else { panic!() };

        let described = described(&original);
        let mut parts = parts(&described);
        parts.extend(sent.iter().map(|(_, content)| (media, "bulk/7FE00010", content.clone())));
        let house = House::new().await;
        let answer = store(&house, &parts).await;
        assert_eq!(answer.status, StatusCode::OK, "{name}: {}", answer.text());
        let back = house.get(&frames_path, &accept).await.parts();
        assert!(back.iter().map(|part| &part.1).eq(sent.iter().map(|part| &part.1)), "{name}");
        let syntax =
            back[0].0.content_type.as_ref().unwrap().parameter("transfer-syntax").unwrap().to_owned();
        assert_eq!(syntax, head.transfer_syntax.as_str(), "{name}");
        let picture = house.get(&format!("{path}/rendered"), &[]).await;
        assert_eq!(picture.status, StatusCode::OK, "{name}: {}", picture.text());
    }
}

/// An icon is compressed as the image is, or not at all.
#[tokio::test]
async fn pictures_within_keep_their_coding() {
    let original = file("syntax/MR_small_jpeg_ls_lossless.dcm");
    let house = House::new().await;
    house.keep(std::slice::from_ref(&original)).await;
    let path = path_of(&original);
    let accept = [("accept", "multipart/related; type=\"application/octet-stream\"; transfer-syntax=*")];
    let frame = house.get(&format!("{path}/frames/1"), &accept).await.parts().remove(0).1.to_vec();
    let mut document: serde_json::Value = serde_json::from_slice(&described(&original).0).unwrap();
    let pixels = serde_json::json!({ "vr": "OB", "BulkDataURI": "icon" });
    document[0]["00880200"] = serde_json::json!({ "vr": "SQ", "Value": [{ "7FE00010": pixels }] });
    let document = serde_json::to_vec(&document).unwrap();
    let with = |media: &'static str, icon: &[&[u8]]| {
        let mut parts = vec![(JSON, "", document.clone()), ("image/jls", "bulk/7FE00010", frame.clone())];
        parts.extend(icon.iter().map(|icon| (media, "icon", icon.to_vec())));
        parts
    };
    let jls_of_octets = "application/octet-stream; transfer-syntax=1.2.840.10008.1.2.4.80";
    for (media, is_compressed) in [("image/jls", true), (jls_of_octets, true), (OCTETS, false)] {
        let house = House::new().await;
        let answer = store(&house, &with(media, &[&[1, 2, 3]])).await;
        assert_eq!(answer.status, StatusCode::OK, "{media}: {}", answer.text());
        let stored = as_stored(&house, &path).await;
        let icon = read(&stored).items(tags::ICON_IMAGE_SEQUENCE)[0].get(tags::PIXEL_DATA).unwrap().clone();
        match icon.value {
            Value::Fragments(fragments) => {
                assert!(is_compressed, "{media}");
                assert_eq!(fragments.iter().map(|fragment| fragment.length).collect::<Vec<_>>(), [0, 4]);
            }
            _ => assert!(!is_compressed && icon.bytes().unwrap().as_ref() == [1, 2, 3, 0], "{media}"),
        }
        let picture = house.get(&format!("{path}/rendered"), &[]).await;
        assert_eq!(picture.status, StatusCode::OK, "{media}: {}", picture.text());
    }
    let house = House::new().await;
    for (media, icon, reason) in [
        ("image/jp2", &[&[1u8, 2, 3][..]][..], "not compressed as"),
        ("image/jls", &[&[1, 2], &[3, 4]], "more than once"),
        ("application/octet-stream; transfer-syntax=1.2.840.10008.1.2.2", &[&[1, 2]], "little endian"),
    ] {
        let answer = store(&house, &with(media, icon)).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{media}: {}", answer.text());
        assert!(answer.text().contains(reason), "{media}: {}", answer.text());
    }
}

#[tokio::test]
async fn metadata_that_holds_everything_may_be_the_body() {
    let house = House::new().await;
    let report = file("modality/sr-basic-text.dcm");
    let one = |document: Vec<u8>| {
        Request::post("/dicomweb/studies").header("content-type", JSON).body(Body::from(document)).unwrap()
    };
    let answer = house.send(one(described(&report).0)).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    assert_eq!(said(&as_stored(&house, &path_of(&report)).await), said(&report));
    // Several instances in one document, one of which lacks its value.
    let (ct, other) = (file("modality/ct-small.dcm"), file("modality/sr-comprehensive.dcm"));
    let inline = json::to_string(&read(&other)).into_bytes();
    let named = described(&ct).0;
    let document = [b"[", &inline[..], b",", &named[1..]].concat();
    let answer = house.send(one(document)).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.text());
    let failed = value(&answer.json(), "00081198").clone();
    assert_eq!(value(&failed, "00081197"), 0xC000);
    assert!(path_of(&ct).ends_with(value(&failed, "00081155").as_str().unwrap()));
    assert!(value(&failed, "00000902").as_str().unwrap().contains("did not come"), "{failed}");
    assert!(said(&as_stored(&house, &path_of(&other)).await) == said(&other));
}

#[tokio::test]
async fn what_does_not_fit_together_is_refused_with_a_reason() {
    let house = House::new().await;
    let ct = file("modality/mr-small.dcm");
    let document = described(&ct).0;
    let json = || (JSON, "", document.clone());
    let pixel_data = || (OCTETS, "bulk/7FE00010", pixels(&ct));
    let picture = |media: &'static str| (media, "bulk/7FE00010", b"\xFF\xD8\xFF\xC2\x00\x03\x08".to_vec());
    for (parts, status, reason) in [
        (vec![json()], StatusCode::BAD_REQUEST, "did not come"),
        (vec![json(), (OCTETS, "elsewhere", pixels(&ct))], StatusCode::BAD_REQUEST, "did not come"),
        (vec![json(), pixel_data(), pixel_data()], StatusCode::BAD_REQUEST, "more than once"),
        (vec![json(), picture("image/jpeg")], StatusCode::BAD_REQUEST, "process"),
        (vec![json(), picture("image/gif")], StatusCode::BAD_REQUEST, "say the transfer-syntax"),
        (
            vec![json(), picture("image/jls"), picture("image/jls")],
            StatusCode::BAD_REQUEST,
            "2 frames came of 1",
        ),
        (vec![json(), picture("image/jls"), picture("image/jp2")], StatusCode::BAD_REQUEST, "one media type"),
        (vec![json(), (OCTETS, "", pixels(&ct))], StatusCode::BAD_REQUEST, "Content-Location"),
        (vec![(JSON, "", b"{\"0010\":1}".to_vec())], StatusCode::BAD_REQUEST, "not DICOM JSON"),
        (vec![(JSON, "", b"[]".to_vec())], StatusCode::BAD_REQUEST, "no part"),
        (vec![(JSON, "", vec![b'['; (16 << 20) + 1])], StatusCode::PAYLOAD_TOO_LARGE, "longer than"),
    ] {
        let answer = store(&house, &parts).await;
        assert_eq!(answer.status, status, "{reason}: {}", answer.text());
        assert!(answer.text().contains(reason), "{reason}: {}", answer.text());
    }
    assert_eq!(house.get("/instances", &[]).await.json().as_array().unwrap().len(), 0);
    // What nothing names is told of; the rest is kept.
    let answer = store(&house, &[json(), pixel_data(), (OCTETS, "stray", vec![1])]).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.text());
    let other = value(&answer.json(), "0008119A").clone();
    assert!(value(&other, "00000902").as_str().unwrap().contains("names"));
    let elsewhere = house.send(request("/studies/1.2.3", &[json(), pixel_data()])).await;
    assert_eq!(elsewhere.status, StatusCode::CONFLICT, "{}", elsewhere.text());
    assert_eq!(value(value(&elsewhere.json(), "00081198"), "00081197"), 0xA900);
}

/// A small body may not make much of itself: neither many bytes on disk nor many parts in memory.
#[tokio::test]
async fn one_value_is_not_multiplied_and_parts_are_bounded() {
    let house = House::new().await;
    let (path, mut document) = small_image();
    for number in 0..70 {
        let element = serde_json::json!({ "vr": "OB", "BulkDataURI": "profile" });
        document[0][format!("000910{number:02X}")] = element;
    }
    let of = |length: usize| {
        let document = serde_json::to_vec(&document).unwrap();
        [(JSON, "", document), (OCTETS, "profile", vec![7; length])]
    };
    let refused = store(&house, &of(1 << 20)).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{}", refused.text());
    assert!(refused.text().contains("too often"), "{}", refused.text());
    let shared = store(&house, &of(1001)).await;
    assert_eq!(shared.status, StatusCode::OK, "{}", shared.text());
    let back = read(&as_stored(&house, &path).await);
    let lengths = back.iter().filter(|element| element.tag.0 == 9).map(|e| e.bytes().unwrap().len());
    assert!(lengths.eq([1002; 70]), "each is padded to an even length");

    let locations: Vec<String> = (0..600).map(|n| format!("{n}{}", "x".repeat(8000))).collect();
    let many: Vec<Part<'_>> =
        locations.iter().map(|location| (OCTETS, location.as_str(), Vec::new())).collect();
    let refused = store(&house, &many).await;
    assert_eq!(refused.status, StatusCode::PAYLOAD_TOO_LARGE, "{}", refused.text());
    assert!(refused.text().contains("too many parts"), "{}", refused.text());
}

/// Values inside sequences, several of one sequence and some of items within items, find their places.
#[tokio::test]
async fn values_find_their_places_in_sequences() {
    let house = House::new().await;
    let (path, mut document) = small_image();
    let named = |uri: &str| serde_json::json!({ "vr": "OW", "BulkDataURI": uri });
    document[0]["54000100"] = serde_json::json!({ "vr": "SQ", "Value": [
        { "54001010": named("a") },
        {},
        { "54001010": named("c"), "00081140": { "vr": "SQ", "Value": [{ "54001010": named("b") }] } },
    ] });
    let parts = [
        (JSON, "", serde_json::to_vec(&document).unwrap()),
        (OCTETS, "c", vec![3; 4]),
        (OCTETS, "b", vec![2; 4]),
        (OCTETS, "a", vec![1; 4]),
    ];
    let answer = store(&house, &parts).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    let back = read(&as_stored(&house, &path).await);
    let items = back.items(tags::WAVEFORM_SEQUENCE);
    let data = |set: &DataSet| set.get(tags::WAVEFORM_DATA).map(|element| element.bytes().unwrap()[0]);
    assert_eq!(items.iter().map(data).collect::<Vec<_>>(), [Some(1), None, Some(3)]);
    assert_eq!(data(&items[2].items(tags::REFERENCED_IMAGE_SEQUENCE)[0]), Some(2));
}

/// A value larger than what is held in memory, made while it is sent.
#[tokio::test]
async fn a_large_value_streams_through() {
    const PIXELS: usize = 40 << 20;
    let house = House::new().await;
    let (path, mut document) = small_image();
    document[0]["7FE00010"] = serde_json::json!({ "vr": "OW", "BulkDataURI": "bulk/7FE00010" });
    let head = format!("--edge\r\nContent-Type: {JSON}\r\n\r\n");
    let between =
        "\r\n--edge\r\nContent-Type: application/octet-stream\r\nContent-Location: bulk/7FE00010\r\n\r\n";
    let pieces = [Bytes::from(head), serde_json::to_vec(&document).unwrap().into(), Bytes::from(between)]
        .into_iter()
        .chain((0..PIXELS >> 16).map(|n| Bytes::from(vec![n as u8; 1 << 16])))
        .chain([Bytes::from("\r\n--edge--")]);
    let body = Body::from_stream(futures::stream::iter(pieces.map(Ok::<_, std::io::Error>)));
    let request = Request::post("/dicomweb/studies")
        .header("content-type", format!("multipart/related; type=\"{JSON}\"; boundary=edge"));
    let answer = house.send(request.body(body).unwrap()).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    let back = as_stored(&house, &path).await;
    let value = &back[back.len() - PIXELS..];
    assert!(value.chunks(1 << 16).enumerate().all(|(n, chunk)| chunk.iter().all(|byte| *byte == n as u8)));
}
