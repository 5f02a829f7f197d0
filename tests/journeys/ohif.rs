//! What OHIF asks for, as its data source and its DICOMweb client write it: each request over a connection, with the
//! status and the media type that it reckons with.

use std::path::Path;

use reqwest::Client;

use crate::support::images::Study;
use crate::support::program::Sen;
use crate::support::stow;

const JSON: &str = "application/dicom+json";
/// Of its image loader.
const FRAMES: &str = "multipart/related; type=application/octet-stream; transfer-syntax=*";
/// Of its client for bulk data and whole instances.
const BULK: &str = "multipart/related; type=\"application/octet-stream\"";
const INSTANCES: &str = "multipart/related; type=\"application/dicom\"; transfer-syntax=*";
/// Of an `<img>`.
const IMG: &str = "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8";

#[tokio::test(flavor = "multi_thread")]
async fn ohif_is_answered_as_it_expects() {
    let sen = Sen::start();
    let study = Study::of("BN0042", "NGUYỄN^VĂN A").accession_number("A77");
    stow::push_study(&sen, &study).await;
    // Another one, which fits none of the filters.
    let other = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/files/modality/us-rgb.dcm");
    assert_eq!(stow::push(&sen, &std::fs::read(other).unwrap()).await.status(), 200);
    let (uid, series, instance) = (&study.uid, study.series(), study.instance(1));
    let at_series = format!("/studies/{uid}/series/{series}");
    let at_instance = format!("{at_series}/instances/{instance}");
    let list = "/studies?limit=101&offset=0&fuzzymatching=false&includefield=00081030%2C00080060";
    let json = |path: String, answers: usize| (path, JSON, 200, JSON, Some(answers));
    let found = |more: &str| json(format!("{list}{more}"), 1);
    let wado = format!("/wado?requestType=WADO&studyUID={uid}&seriesUID={series}&objectUID={instance}");
    let requests = [
        // The study list, and what is written into its head.
        json(list.to_owned(), 2),
        found("&PatientName=*nguyen*"),
        found("&00100020=*0042*"),
        found("&AccessionNumber=*A77*"),
        found("&StudyDescription=*b%E1%BB%A5ng*"),
        found("&ModalitiesInStudy=CT%5CMR"),
        found("&StudyDate=20261101-20261130"),
        found(&format!("&StudyInstanceUID={uid}")),
        // A study that is opened.
        json(format!("/studies/{uid}/series?includefield=0008103E%2C00080021"), 1),
        json(format!("/studies/{uid}/series?includefield=00080021%2C00080031%2C0008103E%2C00200011"), 1),
        json(format!("{at_series}/instances"), 3),
        json(format!("{at_series}/instances?includefield=all"), 3),
        json(format!("{at_series}/metadata"), 3),
        json(format!("/studies/{uid}/metadata"), 3),
        json(format!("{at_instance}/metadata"), 1),
        (format!("{at_instance}/frames/1"), FRAMES, 200, "multipart/related", None),
        (format!("{at_instance}/frames/1?accept=multipart/related"), "*/*", 200, "multipart/related", None),
        (format!("{at_instance}/bulkdata/7FE00010"), BULK, 200, "multipart/related", None),
        (at_instance.clone(), INSTANCES, 200, "multipart/related", None),
        (
            at_instance.clone(),
            "multipart/related; type=\"application/dicom\"",
            200,
            "multipart/related",
            None,
        ),
        (
            format!("{wado}&contentType=application%2Fdicom&transferSyntax=*"),
            "*/*",
            200,
            "application/dicom",
            None,
        ),
        // Its thumbnails, in each of the ways that it may be told to get them.
        (format!("{at_series}/thumbnail?accept=image/jpeg"), IMG, 200, "image/jpeg", None),
        (format!("{at_instance}/thumbnail?accept=image/jpeg"), IMG, 200, "image/jpeg", None),
        (format!("{at_instance}/rendered?accept=image/jpeg"), IMG, 200, "image/jpeg", None),
        (format!("{at_instance}/rendered"), "image/jpeg", 200, "image/jpeg", None),
        // What is not there.
        json(format!("{list}&StudyInstanceUID=1.2.3"), 0),
        json("/studies/1.2.3/series".to_owned(), 0),
        ("/studies/1.2.3/series/1.2.4/metadata".to_owned(), JSON, 404, "application/problem+json", None),
        (format!("{at_instance}/frames/2"), FRAMES, 404, "application/problem+json", None),
        (
            format!("{at_instance}/rendered?accept=video/mp4"),
            "video/mp4",
            406,
            "application/problem+json",
            None,
        ),
        (format!("{list}&NoAttribute=1"), JSON, 400, "application/problem+json", None),
    ];
    let client = Client::new();
    for (path, accept, status, media_type, answers) in requests {
        let request = client.get(sen.url(&format!("/dicomweb{path}"))).header("accept", accept);
        let answer = request.send().await.unwrap();
        let sent = answer.headers()["content-type"].to_str().unwrap().to_owned();
        assert_eq!(answer.status(), status, "{path} as {accept}");
        assert!(sent.starts_with(media_type), "{path} as {accept}: {sent}");
        let body = answer.bytes().await.unwrap();
        if let Some(answers) = answers {
            let found = serde_json::from_slice::<Vec<serde_json::Value>>(&body).unwrap();
            assert_eq!(found.len(), answers, "{path}");
        }
    }
    // The loader of images asks for a part beside a multipart body, which has none: it takes the whole.
    let frame = client.get(sen.url(&format!("/dicomweb{at_instance}/frames/1")));
    let whole = frame.header("accept", FRAMES).header("range", "bytes=0-65535").send().await.unwrap();
    assert_eq!(whole.status(), 200);
    // What it made is stored by its client, which names no Accept of its own.
    let head = b"\r\n--edge\r\nContent-Type: application/dicom\r\n\r\n".as_slice();
    let body = [head, study.slice(2).as_slice(), b"\r\n--edge--"].concat();
    let store = client
        .post(sen.url("/dicomweb/studies"))
        .header("content-type", "multipart/related; type=\"application/dicom\"; boundary=edge")
        .header("accept", "*/*");
    assert_eq!(store.body(body).send().await.unwrap().status(), 200);
}
