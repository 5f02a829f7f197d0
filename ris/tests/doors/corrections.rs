//! Corrections through the real router: who may, what is refused and why, and what is written down.

use crate::support::{House, administrator, somebody};
use http::StatusCode;
use pacs_core::access::{Facilities, Role};
use serde_json::{Value, json};
use storage::audit_log;

/// Two studies of a facility, by their UIDs.
async fn two(house: &House) -> [String; 2] {
    house.images(1, "BVAH").await;
    house.images(2, "BVAH").await;
    let items = house.get(&administrator(), "/studies").await["items"].as_array().unwrap().clone();
    [0, 1].map(|at| items[at]["studyUid"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn who_keeps_images_right_corrects_and_others_do_not() {
    let house = House::open().await;
    let [one, two] = two(&house).await;
    let (corrections, moves) = (format!("/studies/{one}/corrections"), format!("/studies/{one}/moves"));
    let form = json!({ "attributes": { "PatientName": "LÊ THỊ ĐÚNG" }, "reason": "nhầm" });
    let merge = json!({ "to": two, "all": true, "reason": "nhầm" });
    let asked: [(&str, String, Option<Value>); 5] = [
        ("GET", corrections.clone(), None),
        ("POST", corrections.clone(), Some(form.clone())),
        ("POST", format!("{corrections}/preview"), Some(form.clone())),
        ("POST", moves, Some(merge)),
        ("GET", format!("/studies/{one}/acts"), None),
    ];
    for (method, path, body) in asked {
        for role in [Role::Clerk, Role::Clinician, Role::Device] {
            let who = somebody(role, Facilities::All);
            let status = house.ask(Some(&who), method, &path, body.clone()).await.0;
            assert_eq!(status, StatusCode::FORBIDDEN, "{method} {path}");
        }
        assert_eq!(house.ask(None, method, &path, body.clone()).await.0, StatusCode::UNAUTHORIZED);
        let elsewhere = somebody(Role::Radiographer, Facilities::Only(vec!["BVTL".into()]));
        let status = house.ask(Some(&elsewhere), method, &path, body).await.0;
        assert_eq!(status, StatusCode::NOT_FOUND, "{method} {path}");
    }
    let radiographer = somebody(Role::Radiographer, Facilities::Only(vec!["BVAH".into()]));
    let (status, effect) = house.ask(Some(&radiographer), "POST", &corrections, Some(form.clone())).await;
    assert_eq!(status, StatusCode::OK, "{effect}");
    assert_eq!(effect["changes"][0]["after"], "LÊ THỊ ĐÚNG");
    let again = house.ask(Some(&radiographer), "POST", &corrections, Some(form)).await.0;
    assert_eq!(again, StatusCode::CONFLICT, "it stands so already");
    let listed = house.get(&radiographer, &corrections).await;
    let name = &listed["study"]["attributes"][0];
    assert_eq!(
        (name["keyword"].as_str(), name["value"].as_str()),
        (Some("PatientName"), Some("LÊ THỊ ĐÚNG"))
    );
    assert_ne!(name["sent"], name["value"]);

    let history = house.get(&radiographer, &format!("/studies/{one}/acts")).await;
    let act = &history["items"][0];
    assert_eq!((act["kind"].as_str(), act["canUndo"].as_bool()), (Some("study.correct"), Some(true)));
    assert_eq!(act["reason"], "nhầm");
    assert_eq!(act["actId"], effect["actId"], "the answer says what is to be taken back");
    let undo = format!("/acts/{}/undo", act["actId"]);
    let clerk = somebody(Role::Clerk, Facilities::All);
    assert_eq!(house.ask(Some(&clerk), "POST", &undo, Some(json!({}))).await.0, StatusCode::FORBIDDEN);
    let undone = house.ask(Some(&radiographer), "POST", &undo, Some(json!({}))).await;
    assert_eq!(undone.0, StatusCode::NO_CONTENT, "{}", undone.1);
    let twice = house.ask(Some(&radiographer), "POST", &undo, Some(json!({}))).await.0;
    assert_eq!(twice, StatusCode::CONFLICT);
    let missing = house.ask(Some(&radiographer), "POST", "/acts/99999/undo", Some(json!({}))).await.0;
    assert_eq!(missing, StatusCode::NOT_FOUND);

    house.audit_log.flush().await;
    let lines = audit_log::before(house.archive.database(), i64::MAX, 10).await.unwrap();
    let corrected = lines.iter().filter(|(_, line)| line.act == "correct").count();
    assert_eq!(corrected, 2, "the correction and its undo");
}

#[tokio::test]
async fn a_form_says_all_that_is_wrong_with_it() {
    let house = House::open().await;
    let [one, two] = two(&house).await;
    let who = administrator();
    let refused = async |path: &str, body: Value| {
        let (status, problem) =
            house.ask(Some(&who), "POST", &format!("/studies/{one}/{path}"), Some(body)).await;
        (status.as_u16(), problem["errors"].clone())
    };
    let wrong =
        json!({ "attributes": { "PatientSex": "X", "StudyDate": "20261301", "Rows": "1" }, "reason": "a" });
    let errors = json!({ "PatientSex": "invalid", "StudyDate": "invalid", "Rows": "notEditable" });
    assert_eq!(refused("corrections", wrong).await, (400, errors));
    let nameless = json!({ "attributes": { "PatientSex": "F" } });
    assert_eq!(refused("corrections", nameless).await, (400, json!({ "reason": "required" })));
    let series = json!({ "seriesUid": "1.2.3", "attributes": { "SeriesNumber": "7" }, "reason": "a" });
    assert_eq!(refused("corrections", series).await.0, 404);
    for (body, status) in [
        (json!({ "to": two, "reason": "a" }), 400),
        (json!({ "to": two, "all": true, "series": ["1.2"], "reason": "a" }), 400),
        (json!({ "to": two, "all": true }), 400),
        (json!({ "to": one, "all": true, "reason": "a" }), 409),
        (json!({ "to": "1.2.3", "all": true, "reason": "a" }), 404),
        (json!({ "to": two, "series": ["1.2.3"], "reason": "a" }), 404),
        (json!({ "to": "x", "all": true, "reason": "a" }), 400),
    ] {
        assert_eq!(refused("moves", body.clone()).await.0, status, "{body}");
    }
}

#[tokio::test]
async fn a_move_says_by_what_it_is_taken_back_and_what_it_leaves() {
    let house = House::open().await;
    let [one, two] = two(&house).await;
    let who = administrator();
    let ask = async |path: String, body: Value| house.ask(Some(&who), "POST", &path, Some(body)).await;
    let form = json!({ "to": two, "all": true, "reason": "một lần chụp" });
    let (status, moved) = ask(format!("/studies/{one}/moves"), form).await;
    assert_eq!(status, StatusCode::OK, "{moved}");
    assert_eq!(
        (&moved["studyUid"], &moved["instances"], &moved["left"]),
        (&json!(two), &json!(4), &json!(0))
    );
    let gone = house.ask(Some(&who), "GET", &format!("/studies/{one}"), None).await.0;
    assert_eq!(gone, StatusCode::NOT_FOUND, "nothing of it is left");
    // Whatever anybody has done since, this is the act that is taken back.
    let later = json!({ "attributes": { "StudyDescription": "mới" }, "reason": "đủ" });
    assert_eq!(ask(format!("/studies/{two}/corrections"), later).await.0, StatusCode::OK);
    assert_eq!(ask(format!("/acts/{}/undo", moved["actId"]), json!({})).await.0, StatusCode::NO_CONTENT);
    assert_eq!(house.get(&who, &format!("/studies/{one}")).await["instanceCount"], 2);
    assert_eq!(house.get(&who, &format!("/studies/{two}")).await["description"], "mới");
}
