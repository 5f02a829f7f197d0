//! Who may do what, and what is answered to requests that name nothing.

use crate::support::{House, file, path_of, stow_request};
use axum::body::Body;
use http::{Method, Request, StatusCode};
use pacs_core::access::{Actor, Facilities, Role};

fn actor(role: Role, facilities: Facilities) -> Actor {
    Actor { role, facilities, ..Actor::system() }
}

fn get(path: &str) -> Request<Body> {
    Request::get(format!("/dicomweb{path}")).body(Body::empty()).unwrap()
}

#[tokio::test]
async fn nobody_gets_anything_without_signing_in() {
    let house = House::new().await;
    for path in ["/studies", "/studies/1.2.3/metadata", "/studies/x", "/nowhere"] {
        let answer = house.send_as(None, get(path)).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{path}");
        assert!(!answer.header("www-authenticate").is_empty());
        assert_eq!(answer.header("content-type"), "application/problem+json");
    }
    let stored = house.send_as(None, stow_request("/studies", &[file("modality/ct-small.dcm")])).await;
    assert_eq!(stored.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn roles_do_their_own_work() {
    let house = House::new().await;
    let clerk = actor(Role::Clinician, Facilities::All);
    let refused =
        house.send_as(Some(clerk), stow_request("/studies", &[file("modality/ct-small.dcm")])).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    assert_eq!(refused.json()["code"], "forbidden");
    let device = actor(Role::Device, Facilities::All);
    let kept = house.send_as(Some(device), stow_request("/studies", &[file("modality/ct-small.dcm")])).await;
    assert_eq!(kept.status, StatusCode::OK, "{}", kept.text());
}

#[tokio::test]
async fn another_facility_s_study_is_not_there() {
    let house = House::new().await;
    let ct = file("modality/ct-small.dcm");
    let own = |code: &str| actor(Role::Radiologist, Facilities::Only(vec![code.to_owned()]));
    let kept = house.send_as(Some(own("A")), stow_request("/studies", std::slice::from_ref(&ct))).await;
    assert_eq!(kept.status, StatusCode::OK, "{}", kept.text());
    let instance = path_of(&ct);
    let (series, _) = instance.split_once("/instances").unwrap();
    let (study, _) = instance.split_once("/series").unwrap();
    for path in [
        study.to_owned(),
        series.to_owned(),
        instance.clone(),
        format!("{study}/metadata"),
        format!("{series}/metadata"),
        format!("{instance}/metadata"),
        format!("{instance}/frames/1"),
        format!("{instance}/rendered"),
        format!("{series}/thumbnail"),
        format!("{study}/thumbnail"),
        format!("{study}/rendered"),
        format!("{series}/rendered"),
        crate::support::wado_uri(&instance),
        format!("{instance}/bulkdata/7FE00010"),
    ] {
        let seen = house.send_as(Some(own("A")), get(&path)).await;
        assert_eq!(seen.status, StatusCode::OK, "{path}: {}", seen.text());
        let hidden = house.send_as(Some(own("B")), get(&path)).await;
        assert_eq!(hidden.status, StatusCode::NOT_FOUND, "{path}");
        // What the other client's cache holds does not open the door either.
        let mut asked = get(&path);
        asked.headers_mut().insert("if-none-match", "*".parse().unwrap());
        assert_eq!(house.send_as(Some(own("B")), asked).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    let list = house.send_as(Some(own("B")), get("/studies")).await;
    assert_eq!((list.status, list.text().as_str()), (StatusCode::OK, "[]"));
}

#[tokio::test]
async fn requests_that_name_nothing_are_told_so() {
    let house = House::new().await;
    for (method, path, status) in [
        (Method::GET, "/nowhere", StatusCode::NOT_FOUND),
        (Method::GET, "/studies/1.2.3", StatusCode::NOT_FOUND),
        (Method::GET, "/studies/1.2.3/metadata", StatusCode::NOT_FOUND),
        (Method::GET, "/studies/1.2.3/series/1/thumbnail", StatusCode::NOT_FOUND),
        (Method::GET, "/studies/1.2.3/series/1/instances/1/frames/1", StatusCode::NOT_FOUND),
        (Method::GET, "/studies/abc", StatusCode::BAD_REQUEST),
        (Method::GET, "/studies/..%2F..%2Fetc", StatusCode::BAD_REQUEST),
        (Method::DELETE, "/studies/1.2.3", StatusCode::NOT_FOUND),
        (Method::DELETE, "/studies", StatusCode::METHOD_NOT_ALLOWED),
        (Method::PUT, "/studies", StatusCode::METHOD_NOT_ALLOWED),
    ] {
        let request = Request::builder().method(method.clone()).uri(format!("/dicomweb{path}"));
        let answer = house.send(request.body(Body::empty()).unwrap()).await;
        assert_eq!(answer.status, status, "{method} {path}");
        assert_eq!(answer.header("content-type"), "application/problem+json");
        assert_eq!(answer.json()["status"], status.as_u16());
        let allowed = answer.header("allow");
        assert_eq!(allowed.contains("GET"), status == StatusCode::METHOD_NOT_ALLOWED, "{path}: {allowed}");
    }
}

#[tokio::test]
async fn who_looked_and_who_stored_is_recorded_once() {
    let house = House::new().await;
    let ct = file("modality/ct-small.dcm");
    house.keep(std::slice::from_ref(&ct)).await;
    let instance = path_of(&ct);
    let (study, _) = instance.split_once("/series").unwrap();
    for path in [
        study.to_owned(),
        format!("{study}/metadata"),
        format!("{instance}/frames/1"),
        "/studies/1.2".to_owned(),
    ] {
        house.get(&path, &[]).await;
    }
    house.audit_log.flush().await;
    let lines = storage::audit_log::before(house.archive.database(), i64::MAX, 10).await.unwrap();
    let told: Vec<(&str, &str)> =
        lines.iter().map(|(_, line)| (line.act.as_str(), line.subject.as_str())).collect();
    let subject = format!("study:{}", study.trim_start_matches("/studies/"));
    assert_eq!(told, [("view", subject.as_str()), ("store", subject.as_str())]);
}
