//! QIDO-RS: what viewers ask for, and what they are told when it makes no sense.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests stop at what they did not expect"
)]

mod support;

use http::StatusCode;
use serde_json::Value;
use support::{House, file, path_of, value};

async fn list(house: &House, path: &str) -> Vec<Value> {
    let answer = house.get(path, &[]).await;
    assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text());
    assert_eq!(answer.header("content-type"), "application/dicom+json");
    answer.json().as_array().unwrap().clone()
}

async fn filled() -> House {
    let house = House::new().await;
    let slices: Vec<Vec<u8>> = testdata::ct_slices(5).sized(8).map(|slice| slice.bytes).collect();
    house.keep(&slices).await;
    house.keep(&[file("charset/vn-utf8-nfc.dcm"), file("modality/mr-small.dcm")]).await;
    house
}

#[tokio::test]
async fn an_empty_archive_answers_an_empty_list() {
    let house = House::new().await;
    for path in
        ["/studies", "/series", "/instances", "/studies/1.2/series", "/studies/1.2/series/1.3/instances"]
    {
        assert!(list(&house, path).await.is_empty(), "{path}");
    }
}

#[tokio::test]
async fn each_level_says_where_to_go_on() {
    let house = filled().await;
    let slice = testdata::ct_slices(5).sized(8).next().unwrap();
    let study = format!("/studies/{}", slice.study);
    let studies = list(&house, &format!("/studies?StudyInstanceUID={}", slice.study)).await;
    assert_eq!(studies.len(), 1);
    assert_eq!(value(&studies[0], "00081190"), format!("http://pacs.test/dicomweb{study}").as_str());
    assert_eq!(value(&studies[0], "00201208"), 5);
    assert_eq!(value(&studies[0], "00080061"), "CT");

    let series = list(&house, &format!("{study}/series")).await;
    assert_eq!(series.len(), 1);
    assert_eq!(value(&series[0], "00080060"), "CT");
    let url = format!("http://pacs.test/dicomweb{study}/series/{}", slice.series);
    assert_eq!(value(&series[0], "00081190"), url.as_str());

    for path in [format!("{study}/instances"), format!("{study}/series/{}/instances", slice.series)] {
        let instances = list(&house, &path).await;
        assert_eq!(instances.len(), 5);
        for instance in &instances {
            let uid = value(instance, "00080018").as_str().unwrap();
            assert_eq!(value(instance, "00081190"), format!("{url}/instances/{uid}").as_str());
        }
    }
    assert_eq!(list(&house, "/series").await.len(), 3);
    assert_eq!(list(&house, "/instances").await.len(), 7);
}

#[tokio::test]
async fn filters_that_viewers_send() {
    let house = filled().await;
    let mr = path_of(&file("modality/mr-small.dcm"));
    let mr = mr.split('/').nth(2).unwrap();
    let ct = testdata::ct_slices(1).next().unwrap().study;
    for (query, found) in [
        ("".to_owned(), 3),
        (format!("StudyInstanceUID={mr}"), 1),
        (format!("0020000D={mr}"), 1),
        (format!("StudyInstanceUID={mr},{ct}"), 2),
        (format!("StudyInstanceUID={mr}%5C{ct}"), 2),
        ("ModalitiesInStudy=MR".to_owned(), 1),
        ("00080061=CT".to_owned(), 2),
        ("ModalitiesInStudy=CT%2CMR".to_owned(), 3),
        ("ModalitiesInStudy=MR,US".to_owned(), 1),
        ("StudyDate=19000101-19010101".to_owned(), 0),
        ("PatientID=*&limit=101&offset=0&fuzzymatching=false&includefield=00081030%2C00080060".to_owned(), 3),
        ("includefield=all".to_owned(), 3),
    ] {
        assert_eq!(list(&house, &format!("/studies?{query}")).await.len(), found, "{query}");
    }
}

/// An attribute without a value says that the objects have none: only what rows hold is answered.
#[tokio::test]
async fn answers_carry_what_is_known_and_nothing_else() {
    let house = filled().await;
    let query = "/instances?Modality=MR&includefield=ImageType,Manufacturer&includefield=PixelSpacing";
    let mr = &list(&house, query).await[0];
    let stored = support::read(&file("modality/mr-small.dcm"));
    assert_eq!(value(mr, "00280100"), stored.int(pacs_core::tags::BITS_ALLOCATED).unwrap());
    assert_eq!(value(mr, "00080070"), stored.text(pacs_core::tags::MANUFACTURER).unwrap().as_str());
    assert!(mr.get("00080008").is_none() && mr.get("00280030").is_none());
    let study = &list(&house, "/studies?ModalitiesInStudy=MR&includefield=00080060,00080062").await[0];
    assert!(study.get("00080060").is_none(), "a study has no modality of its own");
    assert!(value(study, "00080062").is_string());
}

/// The name in the file is written with its marks; nobody types them.
#[tokio::test]
async fn names_are_found_without_marks_or_case() {
    let house = House::new().await;
    let vn = file("charset/vn-utf8-nfc.dcm");
    house.keep(std::slice::from_ref(&vn)).await;
    let name = support::read(&vn).text(pacs_core::tags::PATIENT_NAME).unwrap();
    let folded = pacs_core::text::fold(&name);
    let first = folded.split(' ').next().unwrap();
    let encoded = |text: &str| {
        percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
    };
    for query in [
        encoded(&folded),
        encoded(&name.to_uppercase()),
        format!("{first}*"),
        format!("*{}*", first.get(1..).unwrap()),
        format!("{}&fuzzymatching=true", first.get(..3).unwrap()),
    ] {
        let found = list(&house, &format!("/studies?PatientName={query}")).await;
        assert_eq!(found.len(), 1, "{query}");
        assert_eq!(value(&found[0], "00100010")["Alphabetic"], name.as_str());
    }
    assert!(list(&house, "/studies?PatientName=zzz*").await.is_empty());
}

#[tokio::test]
async fn pages_say_that_there_is_more() {
    let house = filled().await;
    let warning = |answer: &support::Answer| answer.header("warning").to_owned();
    let first = house.get("/instances?limit=4", &[]).await;
    assert_eq!(first.json().as_array().unwrap().len(), 4);
    assert!(warning(&first).starts_with("299 http://pacs.test/dicomweb "), "{}", warning(&first));
    let second = house.get("/instances?limit=4&offset=4", &[]).await;
    assert_eq!(second.json().as_array().unwrap().len(), 3);
    assert_eq!(warning(&second), "");
    let exactly = house.get("/instances?limit=7", &[]).await;
    assert_eq!((exactly.json().as_array().unwrap().len(), warning(&exactly)), (7, String::new()));
    let mut uids: Vec<String> = [first.json(), second.json()]
        .iter()
        .flat_map(|page| page.as_array().unwrap().clone())
        .map(|row| value(&row, "00080018").as_str().unwrap().to_owned())
        .collect();
    uids.sort();
    uids.dedup();
    assert_eq!(uids.len(), 7, "no row twice, none left out");
}

#[tokio::test]
async fn requests_that_make_no_sense_are_refused() {
    let house = House::new().await;
    for (path, named) in [
        ("/studies?PatientNam=x", "PatientNam"),
        ("/studies?limit=many", "limit"),
        ("/studies?StudyDate=yesterday", "0008,0020"),
        ("/studies?includefield=Nothing", "Nothing"),
        ("/studies?PatientName=%FF", "UTF-8"),
        ("/studies/1..2/series", "study"),
    ] {
        let answer = house.get(path, &[]).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{path}");
        assert!(answer.json()["detail"].as_str().unwrap().contains(named), "{}", answer.text());
    }
    assert_eq!(
        house.get("/studies", &[("accept", "application/dicom+xml")]).await.status,
        StatusCode::NOT_ACCEPTABLE
    );
    let json = house.get("/studies", &[("accept", "application/json")]).await;
    assert_eq!(json.header("content-type"), "application/json");
    let parameter =
        house.get("/studies?accept=application/json", &[("accept", "application/dicom+xml")]).await;
    assert_eq!(parameter.header("content-type"), "application/json");
}

/// Large enough to leave the answer that is held, so that the rest streams and the header still is right.
#[tokio::test]
async fn a_long_answer_streams() {
    let house = House::new().await;
    let slices: Vec<Vec<u8>> = testdata::ct_slices(1500).sized(2).map(|slice| slice.bytes).collect();
    for slices in slices.chunks(500) {
        house.keep(slices).await;
    }
    let all = house.get("/instances?includefield=all", &[]).await;
    assert!(all.body.len() > 600_000, "{}", all.body.len());
    assert_eq!((all.json().as_array().unwrap().len(), all.header("warning")), (1500, ""));
    let most = house.get("/instances?includefield=all&limit=1499", &[]).await;
    assert_eq!(most.json().as_array().unwrap().len(), 1499);
    assert!(most.header("warning").starts_with("299 "));
}
