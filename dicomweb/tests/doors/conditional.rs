//! Preconditions, byte ranges and content codings of what is retrieved.

use crate::support::{Answer, House, above, slices};
use axum::body::Body;
use http::{Method, Request, StatusCode};
use std::io::Read;

const OCTETS: &str = "application/octet-stream; transfer-syntax=*";
const DICOM: &str = "application/dicom; transfer-syntax=*";

/// What may be asked for by bytes: the resource, what is accepted, and whether it tells since when it is what it is.
fn with_ranges(instance: &str) -> Vec<(String, &'static str, bool)> {
    vec![
        (instance.to_owned(), DICOM, true),
        (format!("{instance}/frames/1"), OCTETS, true),
        (format!("{instance}/bulkdata/7FE00010"), OCTETS, true),
        (format!("{instance}/rendered"), "image/png", false),
        (format!("{instance}/thumbnail"), "image/jpeg", false),
        (format!("{}/thumbnail", above(instance, "/instances")), "image/jpeg", false),
        (format!("{instance}/metadata"), "application/dicom+json", false),
        (format!("{}/metadata", above(instance, "/instances")), "application/json", false),
    ]
}

#[tokio::test]
async fn whoever_holds_it_is_told_so() {
    let (house, instance) = slices(2).await;
    for (path, accept, dated) in with_ranges(&instance) {
        let get = async |more: &[(&str, &str)]| {
            let headers: Vec<_> = [("accept", accept)].iter().chain(more).copied().collect();
            house.get(&path, &headers).await
        };
        let first = get(&[]).await;
        assert_eq!(first.status, StatusCode::OK, "{path}: {}", first.text());
        let (etag, vary) = (first.header("etag"), first.header("vary"));
        assert!(etag.starts_with('"') && vary.starts_with("accept"), "{path}: {etag} {vary}");
        assert_eq!(first.header("cache-control"), "private, no-cache");
        for tags in [etag.to_owned(), format!("\"x\", W/{etag}"), "*".to_owned()] {
            let held = get(&[("if-none-match", &tags)]).await;
            assert_eq!((held.status, held.body.len()), (StatusCode::NOT_MODIFIED, 0), "{path} {tags}");
            let headers = ["etag", "vary", "cache-control", "last-modified"];
            assert!(headers.iter().all(|name| held.header(name) == first.header(name)), "{path}");
        }
        assert_eq!(get(&[("if-none-match", "\"x\"")]).await.status, StatusCode::OK, "{path}");
        assert_eq!(get(&[("if-match", etag)]).await.status, StatusCode::OK, "{path}");
        let other = get(&[("if-match", "\"x\"")]).await;
        assert_eq!(other.status, StatusCode::PRECONDITION_FAILED, "{path}");
        assert_eq!(other.json()["code"], "preconditionFailed");

        let modified = first.header("last-modified");
        assert_eq!(!modified.is_empty(), dated, "{path}: {modified}");
        if dated {
            let since = get(&[("if-modified-since", modified)]).await;
            assert_eq!(since.status, StatusCode::NOT_MODIFIED, "{path}");
            let before = ("if-modified-since", "Thu, 01 Jan 1970 00:00:00 GMT");
            assert_eq!(get(&[before]).await.status, StatusCode::OK, "{path}");
            let unmodified = ("if-unmodified-since", "Thu, 01 Jan 1970 00:00:00 GMT");
            assert_eq!(get(&[unmodified]).await.status, StatusCode::PRECONDITION_FAILED, "{path}");
        }
    }
}

#[tokio::test]
async fn any_bytes_of_it_may_be_asked() {
    let (house, instance) = slices(2).await;
    for settled in [false, true] {
        if settled {
            house.settle(&instance).await;
        }
        for (path, accept, _) in with_ranges(&instance) {
            let get = async |range: &str, condition: &str| {
                let conditions = [("accept", accept), ("range", range), ("if-range", condition)];
                let headers: Vec<_> = conditions.into_iter().filter(|(_, value)| !value.is_empty()).collect();
                house.get(&path, &headers).await
            };
            let whole = get("", "").await;
            let (etag, total) = (whole.header("etag"), whole.body.len());
            assert_eq!(whole.header("accept-ranges"), "bytes", "{path}");
            for (range, start, end) in [
                ("bytes=0-9", 0, 10),
                ("bytes=7-7", 7, 8),
                ("bytes=-5", total - 5, total),
                ("bytes=0-", 0, total),
                ("bytes=3-99999999999", 3, total),
            ] {
                for condition in ["", etag] {
                    let part = get(range, condition).await;
                    assert_eq!(part.status, StatusCode::PARTIAL_CONTENT, "{path} {range}: {}", part.text());
                    assert_eq!(part.header("content-range"), format!("bytes {start}-{}/{total}", end - 1));
                    assert_eq!(part.header("content-length"), (end - start).to_string());
                    assert!(part.body == whole.body[start..end], "{path} {range}");
                }
            }
            let changed = get("bytes=0-9", "\"x\"").await;
            assert_eq!((changed.status, &changed.body), (StatusCode::OK, &whole.body), "{path}");
            let behind = get("bytes=99999999-", "").await;
            assert_eq!(behind.status, StatusCode::RANGE_NOT_SATISFIABLE, "{path}");
            assert_eq!(behind.header("content-range"), format!("bytes */{total}"));
            for ignored in ["bytes=5-3", "items=0-1", "bytes=0-1,4-5", "bytes=x-"] {
                assert_eq!(get(ignored, "").await.status, StatusCode::OK, "{path} {ignored}");
            }
        }
    }
}

#[tokio::test]
async fn head_tells_what_get_would_send() {
    let (house, instance) = slices(2).await;
    let mut resources = with_ranges(&instance);
    resources.push((above(&instance, "/series"), "*/*", false));
    resources.push(("/studies".into(), "application/dicom+json", false));
    for (path, accept, _) in resources {
        let got = house.get(&path, &[("accept", accept)]).await;
        let request = Request::head(format!("/dicomweb{path}")).header("accept", accept);
        let request = request.header("range", "bytes=0-1").body(Body::empty()).unwrap();
        let head = house.send(request).await;
        assert_eq!((head.status, head.body.len()), (StatusCode::OK, 0), "{path}");
        for name in ["content-type", "content-length", "etag", "last-modified", "vary", "accept-ranges"] {
            let is_boundary = name == "content-type" && head.header(name).starts_with("multipart");
            assert!(is_boundary || head.header(name) == got.header(name), "{path} {name}");
        }
    }
    let put = Request::builder().method(Method::PUT).uri("/dicomweb/studies").body(Body::empty()).unwrap();
    let refused = house.send(put).await;
    assert_eq!(refused.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(refused.header("allow"), "GET,HEAD,POST");
}

/// A multipart body has another boundary each time: its tag is weak, and it is sent whole.
#[tokio::test]
async fn multipart_bodies_have_weak_tags_and_no_ranges() {
    let (house, instance) = slices(3).await;
    let (study, series) = (above(&instance, "/series"), above(&instance, "/instances"));
    for path in [
        study.clone(),
        series.clone(),
        instance.clone(),
        format!("{instance}/frames/1"),
        format!("{instance}/frames/1,1"),
        format!("{instance}/bulkdata/7FE00010"),
    ] {
        let first = house.get(&path, &[("accept", "multipart/related")]).await;
        let etag = first.header("etag");
        assert!(etag.starts_with("W/\""), "{path}: {etag}");
        let held = house.get(&path, &[("accept", "multipart/related"), ("if-none-match", etag)]).await;
        assert_eq!(held.status, StatusCode::NOT_MODIFIED, "{path}");
        let ranged = house.get(&path, &[("accept", "multipart/related"), ("range", "bytes=0-9")]).await;
        assert_eq!((ranged.status, ranged.header("accept-ranges")), (StatusCode::OK, ""), "{path}");
    }
    // Whoever asks for bytes and names no form gets a body that has them.
    for path in [instance.clone(), format!("{instance}/frames/1"), format!("{instance}/bulkdata/7FE00010")] {
        let ranged = house.get(&path, &[("accept", "*/*"), ("range", "bytes=0-9")]).await;
        assert_eq!((ranged.status, ranged.body.len()), (StatusCode::PARTIAL_CONTENT, 10), "{path}");
        assert!(ranged.header("etag").starts_with('"'), "{path}");
    }
    let before = house.get(&study, &[]).await;
    let late = testdata::ct_slices(4).sized(64).last().unwrap().bytes;
    house.keep(&[late]).await;
    let after = house.get(&study, &[("if-none-match", before.header("etag"))]).await;
    assert_eq!((after.status, after.parts().len()), (StatusCode::OK, 4), "a late image is another study");
}

/// Of several contents under one UID any may be served next: that an older one is served again is no sign that a client
/// has it.
#[tokio::test]
async fn what_may_be_exchanged_has_no_date() {
    let house = House::new().await;
    let first = testdata::ct_slices(1).sized(64).next().unwrap().bytes;
    let mut second = first.clone();
    let last = second.len() - 1;
    second[last] ^= 1;
    house.keep(std::slice::from_ref(&first)).await;
    let instance = crate::support::path_of(&first);
    let dated = with_ranges(&instance).into_iter().filter(|(_, _, dated)| *dated);
    for (path, accept, _) in dated.clone() {
        assert_ne!(house.get(&path, &[("accept", accept)]).await.header("last-modified"), "", "{path}");
    }
    house.stow("/studies", &[second]).await;
    for (path, accept, _) in dated {
        let later = ("if-modified-since", "Thu, 01 Jan 2099 00:00:00 GMT");
        let sent = house.get(&path, &[("accept", accept), later]).await;
        assert_eq!((sent.status, sent.header("last-modified")), (StatusCode::OK, ""), "{path}");
        let held = house.get(&path, &[("accept", accept), ("if-none-match", sent.header("etag"))]).await;
        assert_eq!(held.status, StatusCode::NOT_MODIFIED, "{path}");
    }
}

fn unpacked(answer: &Answer) -> Vec<u8> {
    let mut plain = Vec::new();
    match answer.header("content-encoding") {
        "gzip" => {
            flate2::read::GzDecoder::new(&answer.body[..]).read_to_end(&mut plain).unwrap();
        }
        "zstd" => plain = zstd::stream::decode_all(&answer.body[..]).unwrap(),
        other => panic!("{other:?}"),
    }
    plain
}

#[tokio::test]
async fn json_is_coded_for_those_who_accept_it_and_pixels_never() {
    let (house, instance) = slices(40).await;
    let (study, series) = (above(&instance, "/series"), above(&instance, "/instances"));
    for path in [
        format!("{study}/metadata"),
        format!("{series}/metadata"),
        format!("{instance}/metadata"),
        "/instances?includefield=all".to_owned(),
    ] {
        let plain = house.get(&path, &[]).await;
        assert_eq!(plain.header("content-encoding"), "");
        assert!(plain.header("vary").contains("accept-encoding"), "{path}");
        for (accepted, coding) in [
            ("gzip", "gzip"),
            ("zstd", "zstd"),
            ("gzip;q=0.1, zstd;q=0.9", "zstd"),
            ("zstd;q=0, *", "gzip"),
            ("deflate, br, gzip", "gzip"),
        ] {
            let coded = house.get(&path, &[("accept-encoding", accepted)]).await;
            assert_eq!(coded.header("content-encoding"), coding, "{path} {accepted}");
            assert!(coded.body.len() < plain.body.len() / 2, "{path}");
            assert!(unpacked(&coded) == plain.body, "{path} {accepted}");
            if !plain.header("etag").is_empty() {
                assert_ne!(coded.header("etag"), plain.header("etag"), "another representation, another tag");
                let tag = coded.header("etag");
                let held = house.get(&path, &[("accept-encoding", accepted), ("if-none-match", tag)]).await;
                assert_eq!(held.status, StatusCode::NOT_MODIFIED);
            }
        }
    }
    for (path, accept) in [
        (instance.clone(), DICOM),
        (study, "*/*"),
        (format!("{instance}/frames/1"), OCTETS),
        (format!("{instance}/frames/1"), "*/*"),
        (format!("{instance}/bulkdata/7FE00010"), OCTETS),
        (format!("{instance}/rendered"), "image/jpeg"),
    ] {
        let sent = house.get(&path, &[("accept", accept), ("accept-encoding", "gzip, zstd, *")]).await;
        assert_eq!((sent.status, sent.header("content-encoding")), (StatusCode::OK, ""), "{path}");
        assert_eq!(sent.header("vary"), "accept");
    }
}

/// A long search is coded while it streams.
#[tokio::test]
async fn a_long_answer_is_coded_while_it_streams() {
    let house = House::new().await;
    let slices: Vec<Vec<u8>> = testdata::ct_slices(900).sized(2).map(|slice| slice.bytes).collect();
    for slices in slices.chunks(450) {
        house.keep(slices).await;
    }
    let plain = house.get("/instances?includefield=all", &[]).await;
    assert!(plain.body.len() > 600_000, "{}", plain.body.len());
    for coding in ["gzip", "zstd"] {
        let coded = house.get("/instances?includefield=all", &[("accept-encoding", coding)]).await;
        assert!(unpacked(&coded) == plain.body, "{coding}");
    }
}
