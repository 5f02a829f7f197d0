//! UPS-RS through the service: the life of a step, what is refused and with which words, searches, who may do what.

use crate::support::steps::{ask, device, made, post, request, step, to};
use crate::support::{Answer, House, value};
use axum::body::Body;
use http::{Method, Request, StatusCode};
use pacs_core::access::{Actor, Facilities, Role};
use serde_json::{Value, json};

fn code(value: &str) -> Value {
    json!({
        "00080100": { "vr": "SH", "Value": [value] },
        "00080102": { "vr": "SH", "Value": ["99SEN"] },
        "00080104": { "vr": "LO", "Value": [value] }
    })
}

fn performed() -> Value {
    json!({ "00741216": { "vr": "SQ", "Value": [{
        "00404028": { "vr": "SQ", "Value": [code("AI1")] },
        "00404019": { "vr": "SQ", "Value": [code("CAD")] },
        "00404050": { "vr": "DT", "Value": ["20260921200000"] },
        "00404051": { "vr": "DT", "Value": ["20260921200500"] },
        "00404033": { "vr": "SQ" }
    }] } })
}

/// The words of the Warning header, behind code and service.
fn warned(answer: &Answer) -> &str {
    let warning = answer.header("warning");
    warning.strip_prefix("299 http://pacs.test/dicomweb: ").unwrap_or(warning)
}

#[tokio::test]
async fn a_step_is_created_claimed_and_completed() {
    let house = House::new().await;
    let created = post(&house, "/workitems?1.2.3", &step("Nốt phổi")).await;
    assert_eq!(created.status, StatusCode::CREATED, "{}", created.text());
    assert_eq!(created.header("location"), "http://pacs.test/dicomweb/workitems/1.2.3");
    assert_eq!(warned(&created), "The Workitem was created with modifications.");
    assert!(created.body.is_empty());
    assert_eq!(post(&house, "/workitems?workitem=1.2.3", &step("x")).await.status, StatusCode::CONFLICT);
    let unnamed = post(&house, "/workitems", &step("x")).await;
    assert_eq!(unnamed.status, StatusCode::CREATED);
    assert!(unnamed.header("location").starts_with("http://pacs.test/dicomweb/workitems/2.25."));

    let change_state =
        async |set: &Value| ask(&house, Method::PUT, "/workitems/1.2.3/state", Some(set)).await;
    assert_eq!(change_state(&to("IN PROGRESS", Some("1.5.1"))).await.status, StatusCode::OK);
    let read = ask(&house, Method::GET, "/workitems/1.2.3", None).await;
    assert_eq!((read.status, read.header("content-type")), (StatusCode::OK, "application/dicom+json"));
    let read = read.json();
    assert_eq!(value(&read[0], "00741000"), "IN PROGRESS");
    assert_eq!(value(&read[0], "00100010")["Alphabetic"], "Nguyễn^Văn A");
    assert!(read[0].get("00081195").is_none(), "the key is its performer's alone");

    let lacking = change_state(&to("COMPLETED", Some("1.5.1"))).await;
    assert_eq!(lacking.status, StatusCode::CONFLICT);
    assert!(lacking.text().contains("UnifiedProcedureStepPerformedProcedureSequence"), "{}", lacking.text());
    assert_eq!(warned(&lacking), "The submitted request is inconsistent with the state of the UPS Instance.");
    for path in ["/workitems/1.2.3?1.5.1", "/workitems/1.2.3?transaction-uid=1.5.1"] {
        let updated = post(&house, path, &performed()).await;
        assert_eq!((updated.status, updated.text().as_str()), (StatusCode::OK, ""));
    }
    let mut within = performed();
    within["00081195"] = json!({ "vr": "UI", "Value": ["1.5.1"] });
    assert_eq!(post(&house, "/workitems/1.2.3", &within).await.status, StatusCode::OK);
    let completed = change_state(&to("COMPLETED", Some("1.5.1"))).await;
    assert_eq!((completed.status, completed.header("warning")), (StatusCode::OK, ""));
    let again = change_state(&to("COMPLETED", Some("1.5.1"))).await;
    assert_eq!(again.status, StatusCode::OK);
    assert_eq!(warned(&again), "The UPS is already in the requested state of COMPLETED.");
}

#[tokio::test]
async fn what_is_refused_is_said_in_the_words_of_the_standard() {
    let house = House::new().await;
    for uid in ["1.1", "1.2", "1.3", "1.4"] {
        made(&house, uid).await;
    }
    for uid in ["1.2", "1.3"] {
        let claimed = ask(
            &house,
            Method::PUT,
            &format!("/workitems/{uid}/state"),
            Some(&to("IN PROGRESS", Some("1.5"))),
        )
        .await;
        assert_eq!(claimed.status, StatusCode::OK);
    }
    post(&house, "/workitems/1.3?1.5", &performed()).await;
    ask(&house, Method::PUT, "/workitems/1.3/state", Some(&to("COMPLETED", Some("1.5")))).await;
    let cancelled = ask(&house, Method::POST, "/workitems/1.4/cancelrequest", None).await;
    assert_eq!((cancelled.status, cancelled.header("warning")), (StatusCode::ACCEPTED, ""));
    const OF_UPDATE: &str = "The submitted request is inconsistent with the current state of the Workitem.";
    const OF_STATE: &str = "The submitted request is inconsistent with the state of the UPS Instance.";
    const CANCELED: &str = "The UPS is already in the requested state of CANCELED.";
    let (label, empty) = (json!({ "00741204": { "vr": "LO", "Value": ["y"] } }), json!([{}]));
    let bad = StatusCode::BAD_REQUEST;
    let conflict = StatusCode::CONFLICT;
    let missing = StatusCode::NOT_FOUND;
    for (method, path, set, status, words) in [
        (
            Method::PUT,
            "/workitems/1.1/state",
            to("IN PROGRESS", None),
            bad,
            "The Transaction UID is missing.",
        ),
        (Method::PUT, "/workitems/1.1/state", to("COMPLETED", Some("1.5")), conflict, OF_STATE),
        (Method::PUT, "/workitems/1.1/state", to("SCHEDULED", Some("1.5")), bad, OF_STATE),
        (Method::PUT, "/workitems/1.1/state", to("CANCELLED", Some("1.5")), bad, ""),
        (
            Method::PUT,
            "/workitems/1.2/state",
            to("CANCELED", Some("1.6")),
            bad,
            "The Transaction UID is incorrect.",
        ),
        (Method::PUT, "/workitems/1.2/state", to("IN PROGRESS", Some("1.5")), conflict, OF_STATE),
        (Method::PUT, "/workitems/1.3/state", to("CANCELED", Some("1.5")), conflict, OF_STATE),
        (Method::PUT, "/workitems/1.9/state", to("IN PROGRESS", Some("1.5")), missing, ""),
        (
            Method::POST,
            "/workitems/1.1?1.5",
            label.clone(),
            conflict,
            "The target URI did not reference a claimed Workitem.",
        ),
        (Method::POST, "/workitems/1.2", label.clone(), bad, OF_UPDATE),
        (Method::POST, "/workitems/1.2?1.6", label.clone(), bad, OF_UPDATE),
        (Method::POST, "/workitems/1.2?why=1.6", label.clone(), bad, ""),
        (Method::POST, "/workitems/1.3?1.5", label.clone(), bad, OF_UPDATE),
        (Method::POST, "/workitems/1.4", label.clone(), bad, OF_UPDATE),
        (Method::POST, "/workitems/1.9", label.clone(), missing, ""),
        (
            Method::POST,
            "/workitems/1.2/cancelrequest",
            empty.clone(),
            conflict,
            "The performer cannot be contacted.",
        ),
        (
            Method::POST,
            "/workitems/1.3/cancelrequest",
            empty.clone(),
            conflict,
            "The UPS is already COMPLETED.",
        ),
        (Method::POST, "/workitems/1.4/cancelrequest", empty.clone(), StatusCode::ACCEPTED, CANCELED),
        (Method::POST, "/workitems/1.9/cancelrequest", empty.clone(), missing, ""),
        (Method::GET, "/workitems/1.9", empty.clone(), missing, ""),
        (Method::GET, "/workitems/abc", empty.clone(), bad, ""),
        (Method::DELETE, "/workitems/1.1", empty.clone(), StatusCode::METHOD_NOT_ALLOWED, ""),
    ] {
        let answer = ask(&house, method.clone(), path, Some(&set)).await;
        assert_eq!(answer.status, status, "{method} {path} {set}: {}", answer.text());
        assert_eq!(warned(&answer), words, "{method} {path} {set}");
        if !status.is_success() {
            assert_eq!(answer.header("content-type"), "application/problem+json");
        }
    }
    // A cancelled step says when and why, although nobody told.
    let step = ask(&house, Method::GET, "/workitems/1.4", None).await.json();
    let progress = value(&step[0], "00741002");
    assert_eq!(value(value(progress, "0074100E"), "00080100"), "110513");
    let performer =
        ask(&house, Method::PUT, "/workitems/1.2/state", Some(&to("CANCELED", Some("1.5")))).await;
    assert_eq!(performer.status, StatusCode::OK);
    let again = ask(&house, Method::PUT, "/workitems/1.2/state", Some(&to("CANCELED", Some("1.5")))).await;
    assert_eq!((again.status, warned(&again)), (StatusCode::OK, CANCELED));
}

#[tokio::test]
async fn what_is_no_step_is_not_created() {
    let house = House::new().await;
    let with = |tag: &str, set: Value| {
        let mut step = step("x");
        step[0][tag] = set;
        step
    };
    for (path, body, said) in [
        ("/workitems?abc", step("x"), "workitem"),
        ("/workitems?1.2&1.3", step("x"), "more than once"),
        ("/workitems?1.2.840.10008.5.1.4.34.5", step("x"), "SOPInstanceUID"),
        ("/workitems?colour=1.2", step("x"), "UID"),
        ("/workitems?1.2", with("00080018", json!({ "vr": "UI", "Value": ["1.3"] })), "SOPInstanceUID"),
        ("/workitems?1.2", with("00741000", json!({ "vr": "CS", "Value": ["IN PROGRESS"] })), "SCHEDULED"),
        ("/workitems?1.2", with("00741000", json!({ "vr": "CS" })), "ProcedureStepState"),
        ("/workitems?1.2", with("00741200", json!({ "vr": "CS" })), "ScheduledProcedureStepPriority"),
        (
            "/workitems?1.2",
            with("00741200", json!({ "vr": "CS", "Value": ["NOW"] })),
            "ScheduledProcedureStepPriority",
        ),
        (
            "/workitems?1.2",
            with("00404005", json!({ "vr": "DT", "Value": ["now"] })),
            "ScheduledProcedureStepStartDateTime",
        ),
        ("/workitems?1.2", with("00081195", json!({ "vr": "UI", "Value": ["1.5"] })), "TransactionUID"),
        ("/workitems?1.2", json!([]), "one data set"),
        ("/workitems?1.2", json!([step("x")[0], step("y")[0]]), "one data set"),
        ("/workitems?1.2", json!("x"), "DICOM JSON"),
    ] {
        let answer = post(&house, path, &body).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{path} {body}");
        assert!(answer.text().contains(said), "{path}: {}", answer.text());
    }
    let raw = |kind: &str, body: Vec<u8>| {
        Request::post("/dicomweb/workitems").header("content-type", kind).body(Body::from(body)).unwrap()
    };
    let xml = house.send(raw("application/dicom+xml", b"<x/>".to_vec())).await;
    assert_eq!(xml.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let large = house.send(raw("application/dicom+json", vec![b' '; (1 << 20) + 1])).await;
    assert_eq!(large.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(ask(&house, Method::POST, "/workitems", None).await.status, StatusCode::BAD_REQUEST);
    assert_eq!(ask(&house, Method::GET, "/workitems", None).await.json(), json!([]));
}

#[tokio::test]
async fn steps_are_searched_like_studies() {
    let house = House::new().await;
    for uid in ["1.1", "1.2", "1.3"] {
        made(&house, uid).await;
    }
    ask(&house, Method::PUT, "/workitems/1.2/state", Some(&to("IN PROGRESS", Some("1.5")))).await;
    let found = async |query: &str| {
        let answer = ask(&house, Method::GET, &format!("/workitems?{query}"), None).await;
        assert_eq!(answer.status, StatusCode::OK, "{query}: {}", answer.text());
        let steps = answer.json();
        let uids: Vec<String> = steps
            .as_array()
            .unwrap()
            .iter()
            .map(|step| value(step, "00080018").as_str().unwrap().to_owned())
            .collect();
        (uids, warned(&answer).to_owned())
    };
    for (query, want) in [
        ("", &["1.3", "1.2", "1.1"][..]),
        ("ProcedureStepState=SCHEDULED", &["1.3", "1.1"]),
        ("00741000=IN+PROGRESS", &["1.2"]),
        ("PatientName=nguyen+van+a&PatientID=BN001", &["1.3", "1.2", "1.1"]),
        ("PatientName=ngu&fuzzymatching=true", &["1.3", "1.2", "1.1"]),
        ("ProcedureStepLabel=1.3", &["1.3"]),
        ("ProcedureStepLabel=1.3&SpecificCharacterSet=ISO_IR+100", &["1.3"]),
        ("ScheduledProcedureStepStartDateTime=20260922-", &[]),
        ("AdmissionID=%22%22&emptyvaluematching=true&limit=1&offset=2", &["1.1"]),
        ("limit=10&offset=1&includefield=all", &["1.2", "1.1"]),
    ] {
        assert_eq!(
            found(query).await,
            (want.iter().map(|uid| (*uid).to_owned()).collect(), String::new()),
            "{query}"
        );
    }
    let cut = found("limit=2").await;
    assert_eq!(cut.0, ["1.3", "1.2"]);
    assert_eq!(cut.1, "There are additional results that can be requested");
    // The link leads on behind the last, whatever is made meanwhile.
    let page = ask(&house, Method::GET, "/workitems?limit=1&offset=1&PatientID=BN*", None).await;
    assert_eq!(value(&page.json()[0], "00080018"), "1.2");
    let link = page.header("link").strip_prefix("<http://pacs.test/dicomweb/workitems?").unwrap();
    let next = link.strip_suffix(">; rel=\"next\"").unwrap();
    made(&house, "1.4").await;
    assert_eq!(found(next).await, (vec!["1.1".to_owned()], String::new()));
    let whole = ask(&house, Method::GET, "/workitems?limit=4", None).await;
    assert_eq!((whole.header("link"), whole.header("warning")), ("", ""));
    let one = ask(&house, Method::GET, "/workitems?limit=1&includefield=00400400", None).await.json();
    for tag in
        ["00080016", "00741000", "00741200", "00741204", "00404005", "00404041", "00100020", "00400400"]
    {
        assert!(one[0].get(tag).is_some(), "{tag}");
    }
    for query in ["TransactionUID=1.5", "Colour=red", "limit=x", "PatientID=1&00100020=2"] {
        let refused = ask(&house, Method::GET, &format!("/workitems?{query}"), None).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{query}");
    }
    let accepted = house.get("/workitems", &[("accept", "application/dicom+xml")]).await;
    assert_eq!(accepted.status, StatusCode::NOT_ACCEPTABLE);
}

#[tokio::test]
async fn each_role_does_what_it_may_and_all_is_recorded() {
    let house = House::new().await;
    let own = |role: Role, code: &str| {
        let facilities = Facilities::Only(vec![code.to_owned()]);
        Actor { id: format!("user:{}", role.as_str()), role, facilities, ..Actor::system() }
    };
    let device = own(Role::Device, "A");
    let both = Actor { facilities: Facilities::Only(vec!["A".into(), "B".into()]), ..device.clone() };
    let none = Actor { facilities: Facilities::Only(Vec::new()), ..device.clone() };
    let other = Actor { id: "user:other".into(), facilities: Facilities::All, ..device.clone() };
    let claim = to("IN PROGRESS", Some("1.5"));
    let subscriber = "/workitems/1.2/subscribers/AI1";
    for (who, method, path, body, status) in [
        (None, Method::GET, "/workitems", None, StatusCode::UNAUTHORIZED),
        (Some(own(Role::Clerk, "A")), Method::POST, "/workitems?1.2", Some(step("x")), StatusCode::FORBIDDEN),
        (Some(device.clone()), Method::POST, "/workitems?1.2", Some(step("x")), StatusCode::CREATED),
        (Some(own(Role::Clinician, "A")), Method::GET, "/workitems/1.2", None, StatusCode::OK),
        (Some(own(Role::Clinician, "B")), Method::GET, "/workitems/1.2", None, StatusCode::NOT_FOUND),
        (
            Some(own(Role::Clinician, "A")),
            Method::PUT,
            "/workitems/1.2/state",
            Some(claim.clone()),
            StatusCode::FORBIDDEN,
        ),
        (
            Some(own(Role::Device, "B")),
            Method::PUT,
            "/workitems/1.2/state",
            Some(claim.clone()),
            StatusCode::NOT_FOUND,
        ),
        (Some(own(Role::Device, "B")), Method::POST, subscriber, None, StatusCode::NOT_FOUND),
        (Some(both), Method::POST, "/workitems?1.3", Some(step("x")), StatusCode::FORBIDDEN),
        (Some(none), Method::POST, "/workitems?1.3", Some(step("x")), StatusCode::FORBIDDEN),
        (Some(device.clone()), Method::PUT, "/workitems/1.2/state", Some(claim), StatusCode::OK),
        (Some(own(Role::Clinician, "A")), Method::POST, subscriber, None, StatusCode::FORBIDDEN),
        (Some(own(Role::Clinician, "A")), Method::GET, "/subscribers/AI1", None, StatusCode::FORBIDDEN),
        (Some(device), Method::POST, subscriber, None, StatusCode::CREATED),
        // The title is another account's now, whatever this one may see.
        (Some(other), Method::DELETE, subscriber, None, StatusCode::FORBIDDEN),
    ] {
        let answer = house.send_as(who, request(method.clone(), path, body.as_ref())).await;
        assert_eq!(answer.status, status, "{method} {path}: {}", answer.text());
    }
    house.audit_log.flush().await;
    let lines = storage::audit_log::before(house.archive.database(), i64::MAX, 20).await.unwrap();
    let told: Vec<_> = lines
        .iter()
        .rev()
        .map(|(_, line)| {
            let (done, detail) = (line.outcome == "success", line.detail.as_deref());
            (line.act.as_str(), line.actor.as_str(), line.subject.as_str(), detail, done)
        })
        .collect();
    assert_eq!(
        told,
        [
            ("step", "user:clerk", "workitems", Some("create"), false),
            ("step", "user:device", "workitem:1.2", Some("create"), true),
            ("view", "user:clinician", "workitem:1.2", None, true),
            ("step", "user:clinician", "workitem:1.2", Some("change of state"), false),
            ("step", "user:device", "workitems", Some("create"), false),
            ("step", "user:device", "workitems", Some("create"), false),
            ("step", "user:device", "workitem:1.2", Some("IN PROGRESS"), true),
            ("step", "user:clinician", "workitem:1.2", Some("subscribe AI1"), false),
            ("step", "user:clinician", "subscriber:AI1", Some("event channel"), false),
            ("step", "user:device", "workitem:1.2", Some("subscribe AI1"), true),
            ("step", "user:other", "workitem:1.2", Some("unsubscribe AI1"), false),
        ]
    );
}

#[tokio::test]
async fn a_step_that_was_forgotten_is_gone() {
    let house = House::new().await;
    made(&house, "1.2").await;
    assert_eq!(
        ask(&house, Method::POST, "/workitems/1.2/cancelrequest", None).await.status,
        StatusCode::ACCEPTED
    );
    let later_ms = house.archive.config().clock.now_ms() + 1;
    assert_eq!(storage::ups::prune(house.archive.database(), later_ms).await.unwrap(), 1);
    let claim = to("IN PROGRESS", Some("1.5"));
    let (get, post, put) = (Method::GET, Method::POST, Method::PUT);
    // Those whose tables in PS3.18 11 have 410, and the others.
    for (method, path, body, status) in [
        (&get, "/workitems/1.2", None, StatusCode::GONE),
        (&post, "/workitems/1.2", Some(&claim), StatusCode::GONE),
        (&put, "/workitems/1.2/state", Some(&claim), StatusCode::GONE),
        (&post, "/workitems/1.2/cancelrequest", None, StatusCode::NOT_FOUND),
        (&post, "/workitems/1.2/subscribers/AI1", None, StatusCode::NOT_FOUND),
        (&get, "/workitems/1.9", None, StatusCode::NOT_FOUND),
    ] {
        let answer = ask(&house, method.clone(), path, body).await;
        assert_eq!(answer.status, status, "{method} {path}: {}", answer.text());
    }
    let elsewhere = house.send_as(Some(device("1", "B")), request(get, "/workitems/1.2", None)).await;
    assert_eq!(elsewhere.status, StatusCode::NOT_FOUND);
    made(&house, "1.2").await;
}
