//! Unified procedure steps as requests.

use super::{Answer, House};
use axum::body::Body;
use http::{Method, Request, StatusCode};
use pacs_core::access::{Actor, Facilities, Role};
use serde_json::{Value, json};

pub fn request(method: Method, path: &str, body: Option<&Value>) -> Request<Body> {
    let request = Request::builder().method(method).uri(format!("/dicomweb{path}"));
    match body {
        None => request.body(Body::empty()).unwrap(),
        Some(body) => request
            .header("content-type", "application/dicom+json")
            .body(Body::from(body.to_string()))
            .unwrap(),
    }
}

pub async fn ask(house: &House, method: Method, path: &str, body: Option<&Value>) -> Answer {
    house.send(request(method, path, body)).await
}

pub async fn post(house: &House, path: &str, body: &Value) -> Answer {
    ask(house, Method::POST, path, Some(body)).await
}

/// A step with that label; the least that has to be sent, and a patient.
pub fn step(label: &str) -> Value {
    json!([{
        "00741000": { "vr": "CS", "Value": ["SCHEDULED"] },
        "00741200": { "vr": "CS", "Value": ["MEDIUM"] },
        "00741204": { "vr": "LO", "Value": [label] },
        "00741202": { "vr": "LO", "Value": ["CAD"] },
        "00404005": { "vr": "DT", "Value": ["20260921200000"] },
        "00404041": { "vr": "CS", "Value": ["READY"] },
        "00100010": { "vr": "PN", "Value": [{ "Alphabetic": "Nguyễn^Văn A" }] },
        "00100020": { "vr": "LO", "Value": ["BN001"] }
    }])
}

pub fn to(state: &str, key: Option<&str>) -> Value {
    let mut set = json!({ "00741000": { "vr": "CS", "Value": [state] } });
    if let Some(key) = key {
        set["00081195"] = json!({ "vr": "UI", "Value": [key] });
    }
    json!([set])
}

pub async fn made(house: &House, uid: &str) {
    let answer = post(house, &format!("/workitems?{uid}"), &step(uid)).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
}

/// A device of a facility.
pub fn device(name: &str, facility: &str) -> Actor {
    let facilities = Facilities::Only(vec![facility.to_owned()]);
    Actor { id: format!("token:{name}"), role: Role::Device, facilities, ..Actor::system() }
}
