//! STOW-RS: what is taken, what is refused, and how the sender is told.

use crate::support::{House, file, path_of, read, stow_request, value};
use axum::body::Body;
use bytes::Bytes;
use http::{Request, StatusCode};

const TAG_RETRIEVE: &str = "00081190";
const TAG_REFERENCED: &str = "00081199";
const TAG_FAILED: &str = "00081198";
const TAG_OTHER_FAILURES: &str = "0008119A";
const TAG_REASON: &str = "00081197";
const TAG_WARNING: &str = "00081196";
const TAG_INSTANCE: &str = "00081155";

fn post(content_type: &str, body: impl Into<Body>) -> Request<Body> {
    Request::post("/dicomweb/studies").header("content-type", content_type).body(body.into()).unwrap()
}

#[tokio::test]
async fn what_was_sent_is_what_is_kept() {
    let house = House::new().await;
    let files =
        [file("modality/ct-small.dcm"), file("modality/mr-small.dcm"), file("syntax/MR_small_RLE.dcm")];
    let answer = house.stow("/studies", &files).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED, "the two MR share a UID: {}", answer.text());
    assert_eq!(answer.header("content-type"), "application/dicom+json");
    let json = answer.json();
    assert_eq!(json[TAG_REFERENCED]["Value"].as_array().unwrap().len(), 3);
    assert!(json.get(TAG_FAILED).is_none());
    let retrieve = value(value(&json, TAG_REFERENCED), TAG_RETRIEVE).as_str().unwrap();
    assert_eq!(retrieve, format!("http://pacs.test/dicomweb{}", path_of(&files[0])));

    let back = house.get(&path_of(&files[0]), &[("accept", "application/dicom; transfer-syntax=*")]).await;
    assert_eq!(back.status, StatusCode::OK);
    assert!(back.body == files[0], "byte for byte");
}

/// The report comes in a form that is accepted, where there is one; the instances are kept whatever that is.
#[tokio::test]
async fn the_report_is_written_as_the_sender_accepts_it() {
    let ct = file("modality/ct-small.dcm");
    let send = async |house: &House, path: &str, accept: &str| {
        let mut request = stow_request(path, std::slice::from_ref(&ct));
        request.headers_mut().insert("accept", accept.parse().unwrap());
        house.send(request).await
    };
    // What cannot be read, or is nothing that is made here, costs no images: the last two are what Java and one who
    // asks for XML everywhere say.
    for (path, accept, sent) in [
        ("/studies", "*/*", "application/dicom+json"),
        ("/studies", "application/json", "application/json"),
        ("/studies?accept=application/json", "text/html", "application/json"),
        ("/studies", "text/html", "application/dicom+json"),
        ("/studies", "application/dicom+json; q=0", "application/dicom+json"),
        ("/studies", "json", "application/dicom+json"),
        ("/studies?accept=%", "a/b; q=9", "application/dicom+json"),
        ("/studies", "text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2", "application/dicom+json"),
        ("/studies", "multipart/related; type=\"application/dicom+xml\"", "application/dicom+xml"),
    ] {
        let house = House::new().await;
        let answer = send(&house, path, accept).await;
        assert_eq!((answer.status, answer.header("content-type")), (StatusCode::OK, sent), "{accept}");
        assert!(answer.text().contains(TAG_REFERENCED), "{accept}: {}", answer.text());
        assert_eq!(house.get("/instances", &[]).await.json().as_array().unwrap().len(), 1, "{accept}");
    }
    let house = House::new().await;
    let xml = send(&house, "/studies", "application/dicom+xml, application/dicom+json; q=0.5").await;
    assert_eq!((xml.status, xml.header("content-type")), (StatusCode::OK, "application/dicom+xml"));
    assert!(
        xml.text().contains("<NativeDicomModel") && xml.text().contains(TAG_REFERENCED),
        "{}",
        xml.text()
    );
}

#[tokio::test]
async fn the_same_again_is_taken_and_ignored() {
    let house = House::new().await;
    let ct = file("modality/ct-small.dcm");
    house.keep(std::slice::from_ref(&ct)).await;
    house.keep(&[ct.clone(), ct]).await;
    assert_eq!(house.get("/instances", &[]).await.json().as_array().unwrap().len(), 1);
}

/// The first content is served whatever comes after it, so whoever sends another is told each time.
#[tokio::test]
async fn other_content_under_a_known_uid_is_warned_of_each_time() {
    let house = House::new().await;
    let files = [file("modality/mr-small.dcm"), file("syntax/MR_small_RLE.dcm")];
    house.keep(&files[..1]).await;
    for _ in 0..2 {
        let answer = house.stow("/studies", &files[1..]).await;
        assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.text());
        assert_eq!(value(value(&answer.json(), TAG_REFERENCED), TAG_WARNING), 0x0111);
        let path = path_of(&files[0]);
        let served = house.get(&path, &[("accept", "application/dicom; transfer-syntax=*")]).await;
        assert!(served.body == files[0], "the first is served");
    }
    house.keep(&files[..1]).await;
}

#[tokio::test]
async fn one_instance_may_be_the_body() {
    let house = House::new().await;
    let ct = file("modality/ct-small.dcm");
    let answer = house.send(post("application/dicom", ct)).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    let json = answer.json();
    assert!(value(&json, TAG_RETRIEVE).as_str().unwrap().starts_with("http://pacs.test/dicomweb/studies/"));
}

#[tokio::test]
async fn a_data_set_without_a_head_gets_one() {
    let house = House::new().await;
    let ct = file("modality/ct-small.dcm");
    let pacs_core::part10::HeadProgress::Head(head) = pacs_core::part10::read_head(&ct).unwrap() else {
        panic!()
    };
    let bare = ct[usize::try_from(head.dataset_offset).unwrap()..].to_vec();
    let answer = house.stow("/studies", std::slice::from_ref(&bare)).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    let back = house.get(&path_of(&ct), &[("accept", "application/dicom; transfer-syntax=*")]).await;
    assert!(back.body.ends_with(&bare));
    assert_eq!(read(&back.body), read(&ct));
}

#[tokio::test]
async fn a_request_for_one_study_takes_no_other() {
    let house = House::new().await;
    let (ct, mr) = (file("modality/ct-small.dcm"), file("modality/mr-small.dcm"));
    let study = path_of(&ct).split('/').nth(2).unwrap().to_owned();
    let answer = house.stow(&format!("/studies/{study}"), &[ct, mr.clone()]).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED);
    let json = answer.json();
    let failed = value(&json, TAG_FAILED);
    assert_eq!(value(failed, TAG_REASON), 0xA900);
    assert!(path_of(&mr).ends_with(value(failed, TAG_INSTANCE).as_str().unwrap()));
    assert_eq!(json[TAG_REFERENCED]["Value"].as_array().unwrap().len(), 1);
    assert_eq!(house.get(&path_of(&mr), &[]).await.status, StatusCode::NOT_FOUND);

    let none = house.stow("/studies/1.2.3", &[mr]).await;
    assert_eq!(none.status, StatusCode::CONFLICT);
}

#[tokio::test]
async fn rubbish_is_refused_with_a_reason_and_harms_nothing() {
    let house = House::new().await;
    let ct = file("modality/ct-small.dcm");
    // Within an element of the header: pixels that end early are for the archive to flag, not to refuse.
    let torn = ct[..900].to_vec();
    let mut nameless = ct.clone();
    nameless.truncate(140);
    let answer = house.stow("/studies", &[b"rubbish".to_vec(), Vec::new(), nameless, ct.clone()]).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.text());
    let json = answer.json();
    let others = json[TAG_OTHER_FAILURES]["Value"].as_array().unwrap();
    assert_eq!(others.len(), 3);
    for failure in others {
        assert_eq!(value(failure, TAG_REASON), 0xC000);
        assert!(!value(failure, "00000902").as_str().unwrap().is_empty());
    }
    assert_eq!(house.get(&path_of(&ct), &[]).await.status, StatusCode::OK);

    let house = House::new().await;
    let answer = house.stow("/studies", &[torn]).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{}", answer.text());
}

/// Where nothing is kept the status says whose fault it is (PS3.18 table 10.5.3-1), and the reasons are told as ever.
#[tokio::test]
async fn what_is_broken_in_itself_is_a_bad_request() {
    let house = House::new().await;
    let ct = file("modality/ct-small.dcm");
    let study =
        crate::support::read(&ct).uid(pacs_core::tags::STUDY_INSTANCE_UID).unwrap().unwrap().to_string();
    let at = ct.windows(study.len()).position(|window| window == study.as_bytes()).unwrap();
    let with_study = |uid: &str| {
        let mut padded = uid.as_bytes().to_vec();
        padded.resize(study.len(), 0);
        [&ct[..at], &padded, &ct[at + study.len()..]].concat()
    };
    for (name, file) in [
        ("a climbing UID", with_study("../../etc/passwd")),
        ("letters", with_study("1.2.abc")),
        ("no UID", with_study("")),
        ("rubbish", b"rubbish".to_vec()),
    ] {
        for single in [true, false] {
            let answer = if single {
                house.send(post("application/dicom", file.clone())).await
            } else {
                house.stow("/studies", std::slice::from_ref(&file)).await
            };
            assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{name}: {}", answer.text());
            let json = answer.json();
            let failures = json.get(TAG_FAILED).or(json.get(TAG_OTHER_FAILURES)).unwrap();
            assert!(!value(&failures["Value"][0], "00000902").as_str().unwrap().is_empty(), "{name}");
            assert!(value(&failures["Value"][0], TAG_REASON).as_u64().unwrap() >= 0xA900, "{name}");
        }
    }
    // One that is broken and one that belongs elsewhere: a mixture of reasons.
    let mixed = house.stow("/studies/1.2.3", &[b"rubbish".to_vec(), ct]).await;
    assert_eq!(mixed.status, StatusCode::CONFLICT, "{}", mixed.text());
}

/// A head that comes byte by byte is not read from its beginning with each of them.
#[tokio::test]
async fn a_long_head_in_small_pieces_costs_what_it_weighs() {
    const HEAD_BYTES: usize = 900 << 10;
    let house = House::new().await;
    let ct = file("modality/ct-small.dcm");
    let Ok(pacs_core::part10::HeadProgress::Head(head)) = pacs_core::part10::read_head(&ct) else { panic!() };
    let (meta, data_set) = ct.split_at(usize::try_from(head.dataset_offset).unwrap());
    let mut file = meta.to_vec();
    for _ in 0..HEAD_BYTES / 256 {
        file.extend_from_slice(b"\x02\x00\x02\x01OB\x00\x00\xF4\x00\x00\x00");
        file.extend_from_slice(&[0; 244]);
    }
    file.extend_from_slice(data_set);
    let pieces: Vec<_> =
        file.chunks(7).map(|piece| Ok::<_, std::io::Error>(Bytes::copy_from_slice(piece))).collect();
    let began = std::time::Instant::now();
    let answer =
        house.send(post("application/dicom", Body::from_stream(futures::stream::iter(pieces)))).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    assert!(began.elapsed() < std::time::Duration::from_secs(20), "{:?}", began.elapsed());
}

#[tokio::test]
async fn malformed_requests_are_refused_with_a_reason() {
    let house = House::new().await;
    let multipart = r#"multipart/related; type="application/dicom""#;
    for (content_type, body, status, reason) in [
        (multipart, "--b\r\n\r\n", StatusCode::BAD_REQUEST, "boundary"),
        (
            "multipart/related; boundary=b",
            "no delimiter",
            StatusCode::BAD_REQUEST,
            "does not contain the boundary",
        ),
        ("multipart/related; boundary=b", "--b\r\n\r\nabc", StatusCode::BAD_REQUEST, "ends before"),
        ("multipart/related; boundary=b", "--b--", StatusCode::BAD_REQUEST, "no part"),
        (
            "multipart/related; boundary=b",
            "--b\r\nrubbish\r\n\r\n--b--",
            StatusCode::BAD_REQUEST,
            "header line",
        ),
        ("multipart/related; boundary=\"b", "", StatusCode::BAD_REQUEST, "Content-Type"),
        ("nonsense", "", StatusCode::BAD_REQUEST, "Content-Type"),
        ("text/plain", "x", StatusCode::UNSUPPORTED_MEDIA_TYPE, "text/plain"),
        ("multipart/form-data; boundary=b", "x", StatusCode::UNSUPPORTED_MEDIA_TYPE, "form-data"),
        (
            "multipart/related; type=\"application/dicom+xml\"; boundary=b",
            "x",
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "dicom+xml",
        ),
    ] {
        let answer = house.send(post(content_type, body)).await;
        assert_eq!(answer.status, status, "{content_type}: {}", answer.text());
        assert!(answer.json()["detail"].as_str().unwrap().contains(reason), "{}", answer.text());
    }
    let mut packed = post("application/dicom", "x");
    packed.headers_mut().insert("content-encoding", "gzip".parse().unwrap());
    let packed = house.send(packed).await;
    assert_eq!(packed.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert!(packed.text().contains("Content-Encoding"));
    let untyped = Request::post("/dicomweb/studies").body(Body::from("x")).unwrap();
    assert_eq!(house.send(untyped).await.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
}

/// What was complete before the body broke off stays; what was on its way leaves no trace.
#[tokio::test]
async fn a_body_that_breaks_off_keeps_what_was_whole() {
    let house = House::new().await;
    let (ct, mr) = (file("modality/ct-small.dcm"), file("modality/mr-small.dcm"));
    let whole =
        http_body_util::BodyExt::collect(stow_request("/studies", &[ct.clone(), mr.clone()]).into_body());
    let whole = whole.await.unwrap().to_bytes();
    let broken = whole.slice(..whole.len() - 500);
    let pieces = futures::stream::iter([Ok(broken), Err(std::io::Error::other("the cable was pulled"))]);
    let mut request = stow_request("/studies", &[]);
    *request.body_mut() = Body::from_stream(pieces);
    let answer = house.send(request).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.text());
    let json = answer.json();
    assert!(path_of(&ct).ends_with(value(value(&json, TAG_REFERENCED), TAG_INSTANCE).as_str().unwrap()));
    let broken = value(value(&json, TAG_OTHER_FAILURES), "00000902").as_str().unwrap();
    assert!(broken.contains("ended early"), "{broken}");
    // It is recorded who stored it, although the request failed.
    house.audit_log.flush().await;
    let lines = storage::audit_log::before(house.archive.database(), i64::MAX, 10).await.unwrap();
    let told: Vec<(&str, &str)> =
        lines.iter().map(|(_, line)| (line.act.as_str(), line.subject.as_str())).collect();
    let study = path_of(&ct).split('/').nth(2).unwrap().to_owned();
    assert_eq!(told, [("store", format!("study:{study}").as_str())]);
    house.keep(std::slice::from_ref(&ct)).await;
    assert_eq!(house.get(&path_of(&ct), &[]).await.status, StatusCode::OK);
    assert_eq!(house.get(&path_of(&mr), &[]).await.status, StatusCode::NOT_FOUND);
}

/// An instance larger than what ingest holds in memory, whose pieces are made while they are sent.
#[tokio::test]
async fn a_large_instance_streams_through() {
    const PIXELS: u32 = 48 << 20;
    let house = House::new().await;
    let small = testdata::ct_slices(1).sized(8).next().unwrap();
    // The pixel data is the last element: its 32-bit length and its value are replaced.
    let value_at = small.bytes.len() - 8 * 8 * 2;
    let mut head = small.bytes[..value_at].to_vec();
    head[value_at - 4..].copy_from_slice(&PIXELS.to_le_bytes());
    let length = head.len() + PIXELS as usize;
    let pieces = std::iter::once(Bytes::from(head))
        .chain((0..PIXELS >> 16).map(|n| Bytes::from(vec![n as u8; 1 << 16])));
    let body = Body::from_stream(futures::stream::iter(pieces.map(Ok::<_, std::io::Error>)));
    let answer = house.send(post("application/dicom", body)).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    let path = format!("/studies/{}/series/{}/instances/{}", small.study, small.series, small.uid);
    let back = house.get(&path, &[("accept", "application/dicom; transfer-syntax=*")]).await;
    assert_eq!(back.body.len(), length);
    assert_eq!(back.header("content-length"), length.to_string());
    let last = back.body.last_chunk::<65536>().unwrap();
    assert!(last.iter().all(|byte| *byte == ((PIXELS >> 16) - 1) as u8));
}
