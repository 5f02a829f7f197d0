//! WADO-URI: one instance by parameters, as the object or as a picture.

use crate::support::{House, above, file, image_of, path_of, pixels, rewritten, slices, wado_uri};
use http::StatusCode;
use pacs_core::tags;

#[tokio::test]
async fn the_object_as_it_is_stored_or_plain() {
    let house = House::new().await;
    let stored = file("syntax/MR_small_RLE.dcm");
    house.keep(std::slice::from_ref(&stored)).await;
    let path = path_of(&stored);
    let uri = format!("{}&contentType=application%2Fdicom", wado_uri(&path));
    for syntax in ["*", "1.2.840.10008.1.2.5"] {
        let answer = house.get(&format!("{uri}&transferSyntax={syntax}"), &[("accept", "*/*")]).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
        assert!(answer.body == stored, "byte for byte");
        assert_eq!(answer.header("content-type"), "application/dicom; transfer-syntax=1.2.840.10008.1.2.5");
        // The same representation as that of the resource.
        let single = [("accept", "application/dicom; transfer-syntax=*")];
        assert_eq!(house.get(&path, &single).await.header("etag"), answer.header("etag"));
    }
    let plain = house.get(&uri, &[("accept", "text/html,*/*;q=0.8")]).await;
    assert!(pixels(&plain.body) == pixels(&file("modality/mr-small.dcm")));
    let part = house.get(&format!("{uri}&transferSyntax=*"), &[("range", "bytes=0-131")]).await;
    assert_eq!((part.status, &part.body[128..]), (StatusCode::PARTIAL_CONTENT, b"DICM".as_slice()));
    let other = house.get(&format!("{uri}&transferSyntax=1.2.840.10008.1.2.4.50"), &[]).await;
    assert_eq!(other.status, StatusCode::NOT_ACCEPTABLE);
}

#[tokio::test]
async fn pictures_are_those_of_the_rendered_resource() {
    let (house, instance) = slices(1).await;
    let uri = wado_uri(&instance);
    for (wish, same) in [
        ("&contentType=image/jpeg", "?accept=image/jpeg"),
        ("&contentType=image/png", "?accept=image/png"),
        ("&contentType=image/gif,image/png;q=0.5", "?accept=image/png"),
        ("", "?accept=image/jpeg"),
        ("&contentType=image/jpeg&imageQuality=40", "?accept=image/jpeg&quality=40"),
        ("&contentType=image/png&windowCenter=-600&windowWidth=1500", "?accept=image/png&window=-600,1500"),
        ("&contentType=image/png&rows=16&columns=32", "?accept=image/png&viewport=32,16"),
        ("&contentType=image/png&columns=16", "?accept=image/png&viewport=16,8192"),
        ("&contentType=image/png&region=0.5,0,1,0.25", "?accept=image/png&viewport=32,16,32,0,32,16"),
        (
            "&contentType=image/png&region=0.5,0,1,0.25&rows=8&columns=8",
            "?accept=image/png&viewport=8,8,32,0,32,16",
        ),
        ("&contentType=image/png&frameNumber=1", "?accept=image/png"),
        (
            "&contentType=image/png&annotation=patient,technique&columns=400&rows=400",
            "?accept=image/png&annotation=patient,technique&viewport=400,400",
        ),
    ] {
        let answer = house.get(&format!("{uri}{wish}"), &[]).await;
        assert_eq!(answer.status, StatusCode::OK, "{wish}: {}", answer.text());
        let rendered = house.get(&format!("{instance}/rendered{same}"), &[]).await;
        assert_eq!(rendered.status, StatusCode::OK, "{same}: {}", rendered.text());
        assert!(answer.body == rendered.body, "{wish}");
        assert_eq!(answer.header("content-type"), rendered.header("content-type"));
    }
}

#[tokio::test]
async fn frames_are_named_and_objects_without_a_single_picture_stay_objects() {
    let house = House::new().await;
    let (cine, report) = (file("modality/us-multiframe-30.dcm"), file("modality/sr-basic-text.dcm"));
    house.keep(&[cine.clone(), report.clone()]).await;
    for stored in [&cine, &report] {
        let usual = house.get(&wado_uri(&path_of(stored)), &[]).await;
        assert_eq!(usual.status, StatusCode::OK, "{}", usual.text());
        assert!(usual.header("content-type").starts_with("application/dicom"));
    }
    let (path, uri) = (path_of(&cine), wado_uri(&path_of(&cine)));
    let frame = house.get(&format!("{uri}&contentType=image/png&frameNumber=7"), &[]).await;
    let same = house.get(&format!("{path}/frames/7/rendered"), &[("accept", "image/png")]).await;
    assert!(frame.status == StatusCode::OK && frame.body == same.body);
    for (wish, status) in [
        ("&contentType=image/png&frameNumber=31", StatusCode::BAD_REQUEST),
        ("&contentType=image/png&frameNumber=0", StatusCode::BAD_REQUEST),
        ("&contentType=application/dicom&frameNumber=1", StatusCode::BAD_REQUEST),
    ] {
        assert_eq!(house.get(&format!("{uri}{wish}"), &[]).await.status, status, "{wish}");
    }
    let drawn = format!("{}&contentType=image/jpeg", wado_uri(&path_of(&report)));
    assert_eq!(house.get(&drawn, &[]).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_with_a_reason() {
    let (house, instance) = slices(1).await;
    let uri = wado_uri(&instance);
    let elsewhere = format!("{}/series/1.2/instances/1.3", above(&instance, "/series"));
    for (path, status, reason) in [
        ("/wado".to_owned(), StatusCode::BAD_REQUEST, "requestType"),
        (uri.replace("requestType=WADO", "requestType=RID"), StatusCode::BAD_REQUEST, "requestType"),
        (uri.replace("studyUID", "study"), StatusCode::BAD_REQUEST, "studyUID"),
        (uri.replace("objectUID=", "objectUID=x"), StatusCode::BAD_REQUEST, "objectUID"),
        (format!("{uri}&anonymize=yes"), StatusCode::BAD_REQUEST, "anonymized"),
        (format!("{uri}&presentationUID=1.2.3"), StatusCode::BAD_REQUEST, "presentationSeriesUID"),
        (
            format!("{uri}&presentationSeriesUID=1.2&presentationUID=1.2.3"),
            StatusCode::NOT_FOUND,
            "presentation state",
        ),
        (format!("{uri}&annotation=name"), StatusCode::BAD_REQUEST, "annotation"),
        (
            format!("{uri}&contentType=application/dicom&annotation=patient"),
            StatusCode::BAD_REQUEST,
            "annotation",
        ),
        (format!("{uri}&windowCenter=1"), StatusCode::BAD_REQUEST, "windowWidth"),
        (format!("{uri}&windowCenter=1,2,3&windowWidth=4"), StatusCode::BAD_REQUEST, "window"),
        (format!("{uri}&rows=0"), StatusCode::BAD_REQUEST, "rows"),
        (format!("{uri}&rows=100000&columns=100000"), StatusCode::BAD_REQUEST, "viewport"),
        (format!("{uri}&region=1,1,0,0"), StatusCode::BAD_REQUEST, "region"),
        (format!("{uri}&contentType=x"), StatusCode::BAD_REQUEST, "type/subtype"),
        (format!("{uri}&contentType=application/dicom&transferSyntax=x"), StatusCode::BAD_REQUEST, "UID"),
        (format!("{uri}&contentType=text/html"), StatusCode::NOT_ACCEPTABLE, "image/png"),
        (wado_uri(&elsewhere), StatusCode::NOT_FOUND, "instance"),
    ] {
        let answer = house.get(&path, &[]).await;
        assert_eq!(answer.status, status, "{path}: {}", answer.text());
        let detail = answer.json()["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains(reason), "{path}: {detail}");
    }
}

/// A picture by a presentation state of the study is that of the state; by one that is about something else it is
/// refused.
#[tokio::test]
async fn an_image_is_shown_by_the_presentation_state_that_is_named() {
    let house = House::new().await;
    let state = file("modality/pr-grayscale.dcm");
    let image = image_of(&state);
    let other = rewritten(&image, |set| set.put_text(tags::SOP_INSTANCE_UID, "1.2.3.4"));
    house.keep(&[state.clone(), image.clone(), other.clone()]).await;
    let drawn = house.get(&format!("{}/rendered?accept=image/png", path_of(&state)), &[]).await;
    assert_eq!(drawn.status, StatusCode::OK, "{}", drawn.text());
    let naming = |file: &[u8], state: &[u8]| {
        let path = path_of(state);
        let steps: Vec<&str> = path.split('/').collect();
        format!(
            "{}&presentationSeriesUID={}&presentationUID={}",
            wado_uri(&path_of(file)),
            steps[4],
            steps[6]
        )
    };
    let shown = naming(&image, &state);
    for wish in ["&contentType=image/png", "&contentType=image/png&frameNumber=1"] {
        let answer = house.get(&format!("{shown}{wish}"), &[]).await;
        assert!(answer.status == StatusCode::OK && answer.body == drawn.body, "{wish}: {}", answer.status);
    }
    assert_eq!(house.get(&shown, &[]).await.header("content-type"), "image/jpeg");
    for (uri, reason) in [
        (format!("{shown}&windowCenter=40&windowWidth=400"), "window"),
        (format!("{shown}&contentType=application/dicom"), "presentation"),
        (naming(&other, &state), "other images"),
        (naming(&image, &other), "no presentation state"),
    ] {
        let answer = house.get(&uri, &[]).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{uri}: {}", answer.text());
        assert!(answer.text().contains(reason), "{uri}: {}", answer.text());
    }
}
