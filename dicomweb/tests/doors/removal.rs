//! Rejecting, restoring and deleting: who may, what is answered, and what is left to see.

use crate::support::{Answer, House, above, file, path_of, slices, stow_request};
use axum::Extension;
use axum::body::Body;
use http::{Method, Request, StatusCode};
use pacs_core::access::{Actor, Facilities, Role};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const QUALITY: &str = "/reject/113001%5EDCM";

fn actor(role: Role, facilities: Facilities) -> Actor {
    Actor { id: format!("user:{}", role.as_str()), role, facilities, ..Actor::system() }
}

fn request(method: Method, path: &str) -> Request<Body> {
    Request::builder().method(method).uri(format!("/dicomweb{path}")).body(Body::empty()).unwrap()
}

/// A request to show again what is below that path, for what the body says.
fn restoring(path: &str, body: &str) -> Request<Body> {
    let request = Request::builder().method(Method::POST).uri(format!("/dicomweb{path}/restore"));
    request.header("content-type", "application/json").body(Body::from(body.to_owned())).unwrap()
}

const WRONGLY: &str = r#"{"reason":"chọn nhầm"}"#;

async fn ask(house: &House, method: Method, path: &str) -> Answer {
    house.send(request(method, path)).await
}

/// How many studies, series and instances a search finds.
async fn found(house: &House) -> [usize; 3] {
    let mut found = [0; 3];
    for (count, path) in found.iter_mut().zip(["/studies", "/series", "/instances"]) {
        *count = house.get(path, &[]).await.json().as_array().unwrap().len();
    }
    found
}

#[tokio::test]
async fn what_is_rejected_is_not_there_until_it_is_restored() {
    let (house, instance) = slices(3).await;
    let (series, study) = (above(&instance, "/instances"), above(&instance, "/series"));
    for (path, count, left) in [(&instance, 1, [1, 1, 2]), (&series, 2, [0, 0, 0])] {
        let rejected = ask(&house, Method::POST, &format!("{path}{QUALITY}")).await;
        assert_eq!(rejected.status, StatusCode::OK, "{}", rejected.text());
        assert_eq!(rejected.json()["count"], count);
        assert_eq!(found(&house).await, left);
        for gone in [path.clone(), format!("{path}/metadata"), format!("{path}/thumbnail")] {
            assert_eq!(ask(&house, Method::GET, &gone).await.status, StatusCode::NOT_FOUND, "{gone}");
        }
        let twice = ask(&house, Method::POST, &format!("{path}{QUALITY}")).await;
        assert_eq!(twice.status, StatusCode::NOT_FOUND);
    }
    for body in ["", "{}", r#"{"reason":" "}"#, r#"{"reason":7}"#, "{"] {
        let refused = house.send(restoring(&study, body)).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{body}");
    }
    let long = format!(r#"{{"reason":"{}"}}"#, "a".repeat(1 << 20));
    assert_eq!(house.send(restoring(&study, &long)).await.status, StatusCode::PAYLOAD_TOO_LARGE);
    let restored = house.send(restoring(&study, WRONGLY)).await;
    assert_eq!((restored.status, restored.json()["count"].as_u64()), (StatusCode::OK, Some(3)));
    assert_eq!(found(&house).await, [1, 1, 3]);
    assert_eq!(ask(&house, Method::GET, &instance).await.status, StatusCode::OK);
    let uid = study.strip_prefix("/studies/").unwrap();
    let acts = storage::acts::of_subject(house.archive.database(), uid, 9).await.unwrap();
    assert_eq!(acts[0].reason.as_deref(), Some("chọn nhầm"));
    let twice = house.send(restoring(&study, WRONGLY)).await;
    assert_eq!(twice.status, StatusCode::NOT_FOUND);
    assert_eq!(twice.header("content-type"), "application/problem+json");
}

#[tokio::test]
async fn a_deletion_needs_a_reason_or_a_rejection_before_it() {
    let (house, instance) = slices(3).await;
    let (series, study) = (above(&instance, "/instances"), above(&instance, "/series"));
    for path in [&instance, &series, &study] {
        let refused = ask(&house, Method::DELETE, path).await;
        assert_eq!(refused.status, StatusCode::CONFLICT, "{path}");
        assert_eq!(refused.json()["code"], "conflict");
    }
    let named = ask(&house, Method::DELETE, &format!("{instance}?reason=113037^DCM")).await;
    assert_eq!((named.status, named.text().as_str()), (StatusCode::NO_CONTENT, ""));
    assert_eq!(found(&house).await, [1, 1, 2]);
    assert_eq!(ask(&house, Method::POST, &format!("{study}{QUALITY}")).await.status, StatusCode::OK);
    assert_eq!(ask(&house, Method::DELETE, &study).await.status, StatusCode::NO_CONTENT);
    for path in [&instance, &series, &study] {
        assert_eq!(ask(&house, Method::DELETE, path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    assert_eq!(house.send(restoring(&study, WRONGLY)).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn what_names_nothing_is_told_so() {
    let (house, instance) = slices(1).await;
    let other = file("modality/ct-small.dcm");
    house.keep(std::slice::from_ref(&other)).await;
    let study = above(&instance, "/series");
    let elsewhere =
        format!("{study}{}", path_of(&other).trim_start_matches(&above(&path_of(&other), "/series")));
    for (method, path, status) in [
        (Method::DELETE, elsewhere.clone(), StatusCode::NOT_FOUND),
        (Method::POST, format!("{elsewhere}{QUALITY}"), StatusCode::NOT_FOUND),
        (Method::DELETE, "/studies/1.2.3".to_owned(), StatusCode::NOT_FOUND),
        (Method::DELETE, "/studies/abc".to_owned(), StatusCode::BAD_REQUEST),
        (Method::DELETE, format!("{study}?reason=113000^DCM"), StatusCode::BAD_REQUEST),
        (Method::DELETE, format!("{study}?why=113001^DCM"), StatusCode::BAD_REQUEST),
        (Method::POST, format!("{study}/reject/113001"), StatusCode::BAD_REQUEST),
        (Method::POST, format!("{study}/reject/113001^SRT"), StatusCode::BAD_REQUEST),
        (Method::GET, format!("{study}{QUALITY}"), StatusCode::METHOD_NOT_ALLOWED),
        (Method::POST, format!("/studies/1.2.3{QUALITY}"), StatusCode::NOT_FOUND),
    ] {
        let answer = ask(&house, method.clone(), &path).await;
        assert_eq!(answer.status, status, "{method} {path}: {}", answer.text());
        assert_eq!(answer.header("content-type"), "application/problem+json");
    }
    assert_eq!(found(&house).await, [2, 2, 2]);
}

#[tokio::test]
async fn each_role_does_what_it_may_and_all_is_recorded() {
    let house = House::new().await;
    let own = |role, code: &str| actor(role, Facilities::Only(vec![code.to_owned()]));
    let ct = file("modality/ct-small.dcm");
    let stored = house
        .send_as(Some(own(Role::Radiographer, "A")), stow_request("/studies", std::slice::from_ref(&ct)))
        .await;
    assert_eq!(stored.status, StatusCode::OK);
    let study = above(&path_of(&ct), "/series");
    let rejection = format!("{study}{QUALITY}");
    let named = format!("{study}?reason=113039^DCM");
    for (who, method, path, status) in [
        (None, Method::DELETE, &named, StatusCode::UNAUTHORIZED),
        (None, Method::POST, &rejection, StatusCode::UNAUTHORIZED),
        (Some(own(Role::Clinician, "A")), Method::POST, &rejection, StatusCode::FORBIDDEN),
        (Some(own(Role::Device, "A")), Method::POST, &rejection, StatusCode::FORBIDDEN),
        (Some(own(Role::Radiographer, "A")), Method::DELETE, &named, StatusCode::FORBIDDEN),
        (Some(own(Role::Radiographer, "B")), Method::POST, &rejection, StatusCode::NOT_FOUND),
        (Some(own(Role::Administrator, "B")), Method::DELETE, &named, StatusCode::NOT_FOUND),
        (Some(own(Role::Radiographer, "A")), Method::POST, &rejection, StatusCode::OK),
        (Some(own(Role::Radiologist, "A")), Method::POST, &study, StatusCode::OK),
        (Some(own(Role::Administrator, "A")), Method::DELETE, &named, StatusCode::NO_CONTENT),
    ] {
        let sent = match (&method, path == &study) {
            (&Method::POST, true) => restoring(path, WRONGLY),
            _ => request(method.clone(), path),
        };
        let answer = house.send_as(who, sent).await;
        assert_eq!(answer.status, status, "{method} {path}: {}", answer.text());
    }
    house.audit_log.flush().await;
    let lines = storage::audit_log::before(house.archive.database(), i64::MAX, 20).await.unwrap();
    let told: Vec<_> = lines
        .iter()
        .rev()
        .map(|(_, line)| {
            (line.act.as_str(), line.actor.as_str(), line.outcome.as_str(), line.detail.as_deref())
        })
        .collect();
    assert_eq!(
        told,
        [
            ("store", "user:radiographer", "success", None),
            ("reject", "user:clinician", "refused", None),
            ("reject", "user:device", "refused", None),
            ("delete", "user:radiographer", "refused", None),
            ("reject", "user:radiographer", "success", Some("Rejected for Quality Reasons")),
            ("restore", "user:radiologist", "success", None),
            ("delete", "user:administrator", "success", Some("Data Retention Policy Expired")),
        ]
    );
}

/// As it goes over a socket: the code stands in the path as it is.
#[tokio::test(flavor = "multi_thread")]
async fn over_a_socket() {
    let (house, instance) = slices(2).await;
    let study = above(&instance, "/series");
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = house.router.clone().layer(Extension(Actor::system()));
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    for (method, path, status) in [
        ("POST", format!("{study}/reject/113038^DCM"), "200"),
        ("GET", study.clone(), "404"),
        ("DELETE", study.clone(), "204"),
        ("DELETE", study.clone(), "404"),
    ] {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let head = format!(
            "{method} /dicomweb{path} HTTP/1.1\r\nHost: pacs.test\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{method} {path}: {answer}");
    }
}
