//! QIDO-RS: what viewers ask for, and what they are told when it makes no sense.

use crate::support::{House, file, path_of, value};
use axum::body::Body;
use http::{Request, StatusCode};
use pacs_core::access::{Actor, Facilities, Role};
use serde_json::Value;
use std::time::Duration;
use storage::Config;
use storage::database::{Database, Param};
use tokio::time::timeout;
use tower::ServiceExt;

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
        ("ModalitiesInStudy=CT%5CMR&multiplevaluematching=true".to_owned(), 0),
        ("ModalitiesInStudy=CT&multiplevaluematching=true".to_owned(), 2),
        ("StudyDate=19000101-19010101".to_owned(), 0),
        ("PatientID=*&limit=101&offset=0&fuzzymatching=false&includefield=00081030%2C00080060".to_owned(), 3),
        ("includefield=all".to_owned(), 3),
    ] {
        assert_eq!(list(&house, &format!("/studies?{query}")).await.len(), found, "{query}");
    }
    for (query, found) in [
        ("Modality=MR", 1),
        ("Modality=CT,MR", 3),
        ("Modality=CT%5CMR", 3),
        ("Modality=U?,M*", 1),
        ("Modality=US,XA", 0),
        ("Modality=CT,MR&PatientSex=X,Y", 0),
    ] {
        assert_eq!(list(&house, &format!("/series?{query}")).await.len(), found, "{query}");
    }
}

/// An attribute without a value says that the objects have none: only what is kept is answered, of instances what their
/// headers say.
#[tokio::test]
async fn answers_carry_what_is_known_and_nothing_else() {
    let house = filled().await;
    let query = "/instances?Modality=MR&includefield=ImageType,Manufacturer,VerificationFlag\
                 &includefield=PixelSpacing,PixelData";
    let mr = &list(&house, query).await[0];
    let stored = crate::support::read(&file("modality/mr-small.dcm"));
    assert_eq!(value(mr, "00280100"), stored.int(pacs_core::tags::BITS_ALLOCATED).unwrap());
    assert_eq!(value(mr, "00080070"), stored.text(pacs_core::tags::MANUFACTURER).unwrap().as_str());
    let text = |tag| stored.texts(tag);
    assert_eq!(mr["00080008"]["Value"], serde_json::json!(text(pacs_core::tags::IMAGE_TYPE)));
    let spacing: Vec<f64> =
        mr["00280030"]["Value"].as_array().unwrap().iter().map(|one| one.as_f64().unwrap()).collect();
    assert_eq!(spacing, stored.floats(pacs_core::tags::PIXEL_SPACING));
    assert!(mr["0040A493"].get("Value").is_none(), "the object has none");
    assert!(mr.get("7FE00010").is_none());
    let series = &list(&house, "/series?Modality=MR&includefield=ImageType").await[0];
    assert!(series.get("00080008").is_none(), "it is of an instance");
    let all = &list(&house, "/instances?Modality=MR&includefield=all").await[0];
    assert!(all.get("00080070").is_some() && all.get("00080008").is_none(), "all that is kept for queries");
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
    let name = crate::support::read(&vn).text(pacs_core::tags::PATIENT_NAME).unwrap();
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
    let warning = |answer: &crate::support::Answer| answer.header("warning").to_owned();
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

/// The path and query of the next page, as a client follows it.
fn next(answer: &crate::support::Answer) -> Option<String> {
    let (url, relation) = answer.header("link").split_once("; ")?;
    assert_eq!(relation, "rel=\"next\"");
    Some(url.strip_prefix("<http://pacs.test/dicomweb")?.strip_suffix('>')?.to_owned())
}

/// What arrives while somebody leafs through a list neither repeats an answer nor hides one, as an offset would.
#[tokio::test]
async fn the_next_page_begins_where_the_last_one_ended() {
    let house = filled().await;
    for (path, key) in [("/studies", "0020000D"), ("/series", "0020000E"), ("/instances", "00080018")] {
        let uids = |rows: &[Value]| -> Vec<String> {
            rows.iter().map(|row| value(row, key).as_str().unwrap().to_owned()).collect()
        };
        let all = uids(&list(&house, path).await);
        let mut seen = Vec::new();
        let mut page = Some(format!("{path}?limit=2&PatientName=*&includefield=StudyDescription"));
        while let Some(path) = page {
            let answer = house.get(&path, &[]).await;
            assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text());
            seen.extend(uids(answer.json().as_array().unwrap()));
            page = next(&answer);
            assert_eq!(page.is_some(), answer.header("warning").starts_with("299 "));
            if let Some(page) = &page {
                assert!(
                    page.contains("limit=2&PatientName=*&includefield=StudyDescription&after="),
                    "{page}"
                );
            }
        }
        assert_eq!(seen, all, "{path}");
    }
    // A newer study pushes every offset on by one; the link goes on where it was.
    let first = house.get("/studies?limit=1", &[]).await;
    let rest: Vec<Value> = list(&house, "/studies?offset=1").await;
    house
        .keep(&[
            file("modality/us-rgb.dcm"),
            file("modality/nm-jpeg-lossless.dcm"),
            file("modality/ecg-12lead.dcm"),
        ])
        .await;
    let behind = list(&house, &next(&first).unwrap().replace("limit=1", "limit=9")).await;
    for row in &rest {
        assert_eq!(
            behind.iter().filter(|found| value(found, "0020000D") == value(row, "0020000D")).count(),
            1
        );
    }
    assert!(behind.iter().all(|row| value(row, "0020000D") != value(&first.json()[0], "0020000D")));
}

#[tokio::test]
async fn of_a_sequence_only_the_asked_attributes_are_answered() {
    let house = House::new().await;
    let slice = testdata::ct_slices(1).sized(8).next().unwrap();
    let mut item = pacs_core::dataset::DataSet::new();
    item.put_text(pacs_core::tags::SCHEDULED_PROCEDURE_STEP_ID, "S1");
    item.put_text(pacs_core::tags::SCHEDULED_PROCEDURE_STEP_DESCRIPTION, "Ngực");
    let mut set = pacs_core::dataset::DataSet::like(&crate::support::read(&slice.bytes));
    for element in crate::support::read(&slice.bytes).iter().filter(|element| element.tag.0 < 0x7FE0) {
        set.put(element.clone());
    }
    set.put_items(pacs_core::tags::REQUEST_ATTRIBUTES_SEQUENCE, vec![item]);
    let explicit = pacs_core::transfer_syntax::TransferSyntax::EXPLICIT_LITTLE_ENDIAN;
    let uid = |uid: &str| pacs_core::uid::Uid::parse(uid).unwrap();
    let syntax = uid(pacs_core::uids::EXPLICIT_VR_LITTLE_ENDIAN);
    let class = set.uid(pacs_core::tags::SOP_CLASS_UID).unwrap().unwrap();
    let mut bytes = pacs_core::part10::write_head(&class, &slice.uid, &syntax, None);
    pacs_core::dataset::write(&set, &explicit, &mut bytes).unwrap();
    house.keep(&[bytes]).await;
    let item = |row: &Value| value(row, "00400275").clone();
    let usual = item(&list(&house, "/series").await[0]);
    assert_eq!((value(&usual, "00400009"), usual.get("00400007")), (&Value::from("S1"), None));
    let query = "/series?includefield=RequestAttributesSequence.ScheduledProcedureStepDescription";
    assert_eq!(value(&item(&list(&house, query).await[0]), "00400007"), "Ngực");
    for whole in ["RequestAttributesSequence", "all"] {
        let whole = item(&list(&house, &format!("/series?includefield={whole}")).await[0]);
        assert!(whole.get("00400007").is_some() && whole.get("00400009").is_some());
    }
    let found = |step: &str| format!("/series?RequestAttributesSequence.ScheduledProcedureStepID={step}");
    assert_eq!(list(&house, &found("S1")).await.len(), 1);
    assert_eq!(list(&house, &found("S2")).await.len(), 0);
}

#[tokio::test]
async fn what_has_no_value_is_found_when_that_is_asked_for() {
    let house = filled().await;
    let without = |rows: Vec<Value>| rows.iter().filter(|row| row["00080050"].get("Value").is_none()).count();
    let expected = without(list(&house, "/studies").await);
    let empty = list(&house, "/studies?AccessionNumber=%22%22&emptyvaluematching=true").await;
    assert_eq!((empty.len(), without(empty)), (expected, expected));
    assert!(expected > 0, "the sample shows nothing");
    assert_eq!(list(&house, "/studies?AccessionNumber=%22%22").await.len(), 0);
}

#[tokio::test]
async fn answers_are_counted_for_those_who_ask() {
    let house = filled().await;
    let ct = testdata::ct_slices(1).next().unwrap();
    let (study, series) = (format!("/studies/{}", ct.study), format!("/series/{}", ct.series));
    for (path, count) in [
        ("/studies/count".to_owned(), 3),
        ("/series/count?Modality=CT".to_owned(), 2),
        ("/instances/count?limit=1".to_owned(), 7),
        ("/instances/count?Modality=MR&PatientName=*".to_owned(), 1),
        ("/studies/count?PatientID=nobody".to_owned(), 0),
        (format!("{study}/series/count"), 1),
        (format!("{study}/instances/count"), 5),
        (format!("{study}{series}/instances/count?InstanceNumber=2"), 1),
    ] {
        let answer = house.get(&path, &[("accept", "application/json")]).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text());
        assert_eq!(answer.json(), serde_json::json!({ "count": count, "exact": true }), "{path}");
    }
    for (path, status) in [
        ("/studies/count?PatientNam=x", StatusCode::BAD_REQUEST),
        ("/studies/count?accept=application/dicom%2Bjson", StatusCode::NOT_ACCEPTABLE),
    ] {
        assert_eq!(house.get(path, &[]).await.status, status, "{path}");
    }
}

#[tokio::test]
async fn requests_that_make_no_sense_are_refused() {
    let house = House::new().await;
    for (path, named) in [
        ("/studies?PatientNam=x", "PatientNam"),
        ("/studies?limit=many", "limit"),
        ("/studies?StudyDate=yesterday", "0008,0020"),
        ("/series?SeriesNumber=first", "0020,0011"),
        ("/studies?includefield=Nothing", "Nothing"),
        ("/studies?PatientName=%FF", "UTF-8"),
        ("/studies?PatientID=1&00100020=2", "00100020"),
        ("/studies?after=1.x", "after"),
        ("/studies?emptyvaluematching=1", "emptyvaluematching"),
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
    // A plus that nobody escapes.
    let parameter = house.get("/studies?accept=application/dicom+json", &[("accept", "text/html")]).await;
    assert_eq!(parameter.header("content-type"), "application/dicom+json");
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
    // The link is in the headers although its row was not read when they were sent.
    let last = house.get(&next(&most).unwrap(), &[]).await;
    assert_eq!((last.json().as_array().unwrap().len(), next(&last)), (1, None));
    assert_eq!(last.json()[0], all.json()[1499]);
    assert_eq!(next(&all), None);
}

/// Answers that go while a page is read, those at its end too, are on no page, and all others on one.
#[tokio::test]
async fn what_goes_while_a_page_is_read_moves_no_answer_to_another_page() {
    let house = House::new().await;
    let slices: Vec<Vec<u8>> = testdata::ct_slices(2500).sized(2).map(|slice| slice.bytes).collect();
    for slices in slices.chunks(500) {
        house.keep(slices).await;
    }
    let uids = |answer: &crate::support::Answer| -> Vec<String> {
        let rows = answer.json();
        let uid = |row: &Value| value(row, "00080018").as_str().unwrap().to_owned();
        rows.as_array().unwrap().iter().map(uid).collect()
    };
    let all = uids(&house.get("/instances", &[]).await);
    let page = Request::get("/dicomweb/instances?includefield=all&limit=2400").header("host", "pacs.test");
    let mut page = page.body(Body::empty()).unwrap();
    page.extensions_mut().insert(Actor::system());
    let (head, body) = house.router.clone().oneshot(page).await.unwrap().into_parts();
    // The headers name the last row, and nobody has read that far.
    let gone = &all[2394..2406];
    let series = crate::support::above(&crate::support::path_of(&slices[0]), "/instances");
    for uid in gone {
        let reject = Request::post(format!("/dicomweb{series}/instances/{uid}/reject/113001%5EDCM"));
        assert_eq!(house.send(reject.body(Body::empty()).unwrap()).await.status, StatusCode::OK);
    }
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    let page = crate::support::Answer { status: head.status, headers: head.headers, body };
    let behind = house.get(&next(&page).unwrap(), &[]).await;
    let seen = [uids(&page), uids(&behind)].concat();
    let left: Vec<String> = all.iter().filter(|uid| !gone.contains(uid)).cloned().collect();
    assert_eq!((uids(&page).len(), seen), (2394, left));
    assert_eq!(next(&behind), None);
}

/// The page behind a series that has gone begins with the one that came behind it, numbered or not.
#[tokio::test]
async fn a_series_that_goes_between_two_pages_repeats_no_answer() {
    for numbers in [[Some(1), Some(2), Some(3)], [None, None, Some(1)], [Some(1), Some(1), None]] {
        let house = House::new().await;
        let slices = testdata::ct_slices(6).sized(2).enumerate().map(|(at, slice)| {
            crate::support::rewritten(&slice.bytes, |set| {
                set.put_text(pacs_core::tags::SERIES_INSTANCE_UID, &format!("1.2.3.{}", at / 2));
                match numbers[at / 2] {
                    Some(number) => set.put_int(pacs_core::tags::SERIES_NUMBER, number),
                    None => set.put_empty(pacs_core::tags::SERIES_NUMBER),
                }
            })
        });
        let slices: Vec<_> = slices.collect();
        house.keep(&slices).await;
        let study = crate::support::above(&crate::support::path_of(&slices[0]), "/series");
        let uids = |answer: &crate::support::Answer, tag: &str| -> Vec<String> {
            let rows = answer.json();
            rows.as_array().unwrap().iter().map(|row| value(row, tag).as_str().unwrap().to_owned()).collect()
        };
        let instances = uids(&house.get(&format!("{study}/instances"), &[]).await, "00080018");
        let series = uids(&house.get(&format!("{study}/series"), &[]).await, "0020000E");
        assert_eq!((instances.len(), series.len()), (6, 3));
        let of_instances = house.get(&format!("{study}/instances?limit=3"), &[]).await;
        let of_series = house.get(&format!("{study}/series?limit=2"), &[]).await;
        assert_eq!(uids(&of_instances, "00080018"), instances[..3]);
        let reject = Request::post(format!("/dicomweb{study}/series/{}/reject/113001%5EDCM", series[1]));
        assert_eq!(house.send(reject.body(Body::empty()).unwrap()).await.status, StatusCode::OK);
        let behind = house.get(&next(&of_instances).unwrap(), &[]).await;
        assert_eq!(uids(&behind, "00080018"), instances[4..], "{numbers:?}");
        let behind = house.get(&next(&of_series).unwrap(), &[]).await;
        assert_eq!(uids(&behind, "0020000E"), series[2..], "{numbers:?}");
    }
}

/// And no longer than for a moment: another process may have stored something, such as an import beside the server.
#[tokio::test]
async fn an_answer_is_remembered_and_not_for_long() {
    let house = House::new().await;
    house.keep(&testdata::ct_slices(1).sized(2).map(|slice| slice.bytes).collect::<Vec<_>>()).await;
    let other = Database::open(&Config::embedded(house.data_dir()).database_url).await.unwrap();
    let described = async || {
        let studies = list(&house, "/studies?includefield=StudyDescription").await;
        value(&studies[0], "00081030").as_str().unwrap().to_owned()
    };
    let mut remembered = 0;
    for number in 0..20 {
        let before = described().await;
        let sql = "update study set description = $1";
        other.execute(sql, vec![Param::from(format!("{number}"))]).await.unwrap();
        // A busy machine may take longer than the moment.
        remembered += u32::from(described().await == before);
        let is_told = async { while described().await != number.to_string() {} };
        timeout(Duration::from_secs(30), is_told).await.expect("it is read anew soon");
        if remembered > 0 {
            break;
        }
    }
    assert!(remembered > 0, "every answer was made anew");
    other.close().await;
}

/// An answer is sent again as it was while nothing has been stored, to whoever asks for the same in the same form.
#[tokio::test]
async fn an_answer_that_is_asked_for_again_is_the_same_until_something_comes() {
    let house = House::new().await;
    let slices: Vec<Vec<u8>> = testdata::ct_slices(12).sized(2).map(|slice| slice.bytes).collect();
    house.keep(&slices[..10]).await;
    let search = "/instances?includefield=all&limit=11";
    let zstd = [("accept-encoding", "zstd")];
    let first = house.get(search, &zstd).await;
    let again = house.get(search, &zstd).await;
    assert_eq!((&again.body, &again.headers), (&first.body, &first.headers));
    assert_eq!(again.header("content-encoding"), "zstd");
    let plain = house.get(search, &[]).await;
    assert_eq!(plain.json().as_array().unwrap().len(), 10);
    let elsewhere = house.get(search, &[("host", "other.test")]).await;
    assert!(value(&elsewhere.json()[0], "00081190").as_str().unwrap().starts_with("http://other.test/"));
    let json = house.get(search, &[("accept", "application/json")]).await;
    assert_eq!(json.header("content-type"), "application/json");
    let stranger = Actor { facilities: Facilities::Only(vec!["PKDK".to_owned()]), ..Actor::system() };
    let request = Request::get(format!("/dicomweb{search}")).body(Body::empty()).unwrap();
    let seen = house.send_as(Some(Actor { role: Role::Radiologist, ..stranger }), request).await;
    assert_eq!(seen.json(), serde_json::json!([]));
    house.keep(&slices[10..]).await;
    let grown = house.get(search, &[]).await;
    assert_eq!(grown.json().as_array().unwrap().len(), 11);
    assert!(grown.header("warning").starts_with("299 ") && plain.header("warning").is_empty());
    assert_eq!(house.get(search, &[]).await.header("link"), grown.header("link"));
}
