//! WADO-RS: whole instances, as stored and uncompressed.

use crate::support::{House, file, path_of, pixels, read};
use http::StatusCode;
use pacs_core::{tags, uids};

const MULTIPART: &str = r#"multipart/related; type="application/dicom""#;

fn any_syntax() -> String {
    format!("{MULTIPART}; transfer-syntax=*")
}

#[tokio::test]
async fn a_study_a_series_and_an_instance_leave_as_they_came() {
    let house = House::new().await;
    let slices: Vec<Vec<u8>> = testdata::ct_slices(4).sized(32).map(|slice| slice.bytes).collect();
    house.keep(&slices).await;
    let instance = path_of(&slices[0]);
    let series = instance.split("/instances").next().unwrap();
    let study = instance.split("/series").next().unwrap();
    for (path, count) in [(study, 4), (series, 4), (instance.as_str(), 1)] {
        for accept in [any_syntax().as_str(), MULTIPART, "*/*"] {
            let answer = house.get(path, &[("accept", accept)]).await;
            assert!(
                answer.header("content-type").starts_with("multipart/related; type=\"application/dicom\"")
            );
            assert_eq!(answer.header("content-length"), answer.body.len().to_string());
            let parts = answer.parts();
            assert_eq!(parts.len(), count, "{path}");
            for (headers, content) in &parts {
                assert!(slices.contains(content));
                let media = headers.content_type.as_ref().unwrap();
                assert_eq!(media.parameter("transfer-syntax"), Some(uids::EXPLICIT_VR_LITTLE_ENDIAN));
            }
        }
    }
    let refused = house.get(series, &[("accept", "application/dicom")]).await;
    assert_eq!(refused.status, StatusCode::NOT_ACCEPTABLE, "four do not fit into one body");
    assert_eq!(house.get(series, &[("accept", "image/png")]).await.status, StatusCode::NOT_ACCEPTABLE);
    assert_eq!(house.get(series, &[("accept", "dicom")]).await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn settled_instances_leave_as_they_came() {
    let house = House::new().await;
    let slices: Vec<Vec<u8>> = testdata::ct_slices(3).sized(32).map(|slice| slice.bytes).collect();
    house.keep(&slices).await;
    let instance = path_of(&slices[1]);
    house.settle(&instance).await;
    let series = instance.split("/instances").next().unwrap();
    let parts = house.get(series, &[("accept", &any_syntax())]).await.parts();
    assert_eq!(parts.iter().filter(|(_, content)| slices.contains(content)).count(), 3);
}

#[tokio::test]
async fn one_instance_has_a_tag_and_is_not_sent_twice() {
    let house = House::new().await;
    let ct = file("modality/ct-small.dcm");
    house.keep(std::slice::from_ref(&ct)).await;
    let accept = ("accept", "application/dicom; transfer-syntax=*");
    let first = house.get(&path_of(&ct), &[accept]).await;
    assert!(first.body == ct);
    assert_eq!(first.header("cache-control"), "private, no-cache");
    let again = house.get(&path_of(&ct), &[accept, ("if-none-match", first.header("etag"))]).await;
    assert_eq!((again.status, again.body.len()), (StatusCode::NOT_MODIFIED, 0));
}

/// Files whose pixels decode to what the other file of the pair holds natively.
#[tokio::test]
async fn compressed_and_other_encodings_become_explicit_little_endian() {
    let plain_pixels = pixels(&file("modality/mr-small.dcm"));
    for name in [
        "syntax/MR_small_RLE.dcm",
        "syntax/MR_small_bigendian.dcm",
        "syntax/MR_small_implicit.dcm",
        "syntax/MR_small_jp2klossless.dcm",
        "syntax/MR_small_jpeg_ls_lossless.dcm",
    ] {
        let house = House::new().await;
        let stored = file(name);
        house.keep(std::slice::from_ref(&stored)).await;
        for accept in ["application/dicom", "application/dicom; transfer-syntax=1.2.840.10008.1.2.1"] {
            let answer = house.get(&path_of(&stored), &[("accept", accept)]).await;
            assert_eq!(answer.status, StatusCode::OK, "{name}: {}", answer.text());
            assert_eq!(
                answer.header("content-type"),
                "application/dicom; transfer-syntax=1.2.840.10008.1.2.1"
            );
            assert_ne!(answer.text(), "CUT", "{name}");
            let sent = read(&answer.body);
            assert!(pixels(&answer.body) == plain_pixels, "{name}");
            let original = read(&stored);
            for element in
                original.iter().filter(|element| element.tag < tags::PIXEL_DATA && element.tag.1 != 0)
            {
                assert_eq!(
                    sent.get(element.tag).map(|e| &e.value),
                    Some(&element.value),
                    "{name} {}",
                    element.tag
                );
            }
        }
    }
}

#[tokio::test]
async fn deflated_data_sets_are_inflated() {
    let house = House::new().await;
    let stored = file("syntax/image_dfl.dcm");
    house.keep(std::slice::from_ref(&stored)).await;
    let as_stored = house.get(&path_of(&stored), &[("accept", "application/dicom; transfer-syntax=*")]).await;
    assert!(as_stored.body == stored);
    let plain = house.get(&path_of(&stored), &[("accept", "application/dicom")]).await;
    assert_eq!(read(&plain.body), read(&stored));
    assert!(pixels(&plain.body) == pixels(&stored));
}

#[tokio::test]
async fn colour_says_what_it_has_become() {
    let house = House::new().await;
    let stored = file("modality/us-multiframe-30.dcm");
    house.keep(std::slice::from_ref(&stored)).await;
    let answer = house.get(&path_of(&stored), &[("accept", "application/dicom")]).await;
    let sent = read(&answer.body);
    let number = |tag| usize::try_from(sent.int(tag).unwrap()).unwrap();
    let frame = number(tags::ROWS) * number(tags::COLUMNS) * 3;
    assert_eq!(pixels(&answer.body).len(), frame * number(tags::NUMBER_OF_FRAMES));
    assert_eq!(sent.text(tags::PHOTOMETRIC_INTERPRETATION).as_deref(), Some("RGB"));
    assert_eq!(sent.int(tags::PLANAR_CONFIGURATION), Some(0));
}

#[tokio::test]
async fn a_syntax_that_cannot_be_made_is_not_acceptable() {
    let house = House::new().await;
    let ct = file("modality/ct-small.dcm");
    house.keep(std::slice::from_ref(&ct)).await;
    let answer = house
        .get(&path_of(&ct), &[("accept", "application/dicom; transfer-syntax=1.2.840.10008.1.2.4.91")])
        .await;
    assert_eq!(answer.status, StatusCode::NOT_ACCEPTABLE);
    assert!(answer.json()["detail"].as_str().unwrap().contains("1.2.840.10008.1.2.1"));
}

/// Implicit VR and big endian are no syntaxes of web services (PS3.18 8.7.3): they leave as stored only for those who
/// ask for what is stored.
#[tokio::test]
async fn who_prefers_nothing_gets_no_syntax_foreign_to_the_web() {
    for name in ["syntax/MR_small_implicit.dcm", "syntax/MR_small_bigendian.dcm"] {
        let house = House::new().await;
        let stored = file(name);
        house.keep(std::slice::from_ref(&stored)).await;
        for accept in ["*/*", "application/*", "multipart/related"] {
            let parts = house.get(&path_of(&stored), &[("accept", accept)]).await.parts();
            let media = parts[0].0.content_type.as_ref().unwrap();
            assert_eq!(
                media.parameter("transfer-syntax"),
                Some(uids::EXPLICIT_VR_LITTLE_ENDIAN),
                "{name} {accept}"
            );
            assert!(pixels(&parts[0].1) == pixels(&file("modality/mr-small.dcm")), "{name}");
        }
        let as_stored = house.get(&path_of(&stored), &[("accept", &any_syntax())]).await.parts();
        assert!(as_stored[0].1 == stored, "{name}");
    }
}

/// A browser's own Accept header says little; what stands in the address says what is meant.
#[tokio::test]
async fn the_accept_parameter_comes_before_the_header() {
    const BROWSER: &str = "text/html,application/xhtml+xml,*/*;q=0.8";
    let house = House::new().await;
    let stored = file("syntax/MR_small_RLE.dcm");
    house.keep(std::slice::from_ref(&stored)).await;
    let path = path_of(&stored);
    for (query, header, expected) in [
        (
            "accept=application/dicom;transfer-syntax=*",
            BROWSER,
            "application/dicom; transfer-syntax=1.2.840.10008.1.2.5",
        ),
        ("accept=application/dicom", BROWSER, "application/dicom; transfer-syntax=1.2.840.10008.1.2.1"),
        ("ACCEPT=application%2Fdicom", BROWSER, "application/dicom; transfer-syntax=1.2.840.10008.1.2.1"),
        // One that nobody can make is passed over for the header.
        ("accept=text/plain", "application/dicom", "application/dicom; transfer-syntax=1.2.840.10008.1.2.1"),
        (
            "accept=application/dicom;transfer-syntax=1.2.840.10008.1.2.4.91",
            "application/dicom; transfer-syntax=*",
            "application/dicom; transfer-syntax=1.2.840.10008.1.2.5",
        ),
        ("accept=text/plain", BROWSER, "multipart/related"),
    ] {
        let answer = house.get(&format!("{path}?{query}"), &[("accept", header)]).await;
        assert_eq!(answer.status, StatusCode::OK, "{query}: {}", answer.text());
        assert!(
            answer.header("content-type").starts_with(expected),
            "{query}: {}",
            answer.header("content-type")
        );
    }
    for (query, header, status) in [
        ("accept=text/plain", "", StatusCode::NOT_ACCEPTABLE),
        ("accept=text/plain", "text/html", StatusCode::NOT_ACCEPTABLE),
        ("accept=dicom", BROWSER, StatusCode::BAD_REQUEST),
        ("accept=application/dicom;q=2", BROWSER, StatusCode::BAD_REQUEST),
        ("", "application/dicom;q=0", StatusCode::NOT_ACCEPTABLE),
        ("", "*/*;q=0", StatusCode::NOT_ACCEPTABLE),
    ] {
        let headers: Vec<_> =
            [("accept", header)].into_iter().filter(|(_, value)| !value.is_empty()).collect();
        let answer = house.get(&format!("{path}?{query}"), &headers).await;
        assert_eq!(answer.status, status, "{query} {header}");
        assert_eq!(answer.header("content-type"), "application/problem+json");
    }
    // Names of former editions, and several wishes of which one can be fulfilled.
    let frame = format!("{path}/frames/1");
    for accept in [
        "multipart/related; type=\"image/x-dicom-rle\"",
        "multipart/related; type=\"image/jls\", multipart/related; type=\"image/dicom-rle\"; q=0.1",
        "multipart/related; type=\"image/*\"",
    ] {
        let parts = house.get(&frame, &[("accept", accept)]).await.parts();
        assert_eq!(parts[0].0.content_type.as_ref().unwrap().to_string(), "image/dicom-rle", "{accept}");
    }
    let png = house.get(&format!("{path}/rendered"), &[("accept", "image/*, image/jpeg;q=0")]).await;
    assert_eq!(png.header("content-type"), "image/png");
}
