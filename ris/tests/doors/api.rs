//! The interface through the real router, over a real archive in a folder of its own.

use crate::support::{House, NOON_MS, administrator, somebody};
use http::StatusCode;
use pacs_core::access::{Actor, Facilities, Role};
use serde_json::{Value, json};
use storage::audit_log;

#[tokio::test]
async fn nobody_gets_nothing_and_roles_get_their_own_work() {
    let house = House::open().await;
    let paths = [
        "/studies",
        "/studies/1.2.3",
        "/worklist",
        "/orders/form",
        "/unmatched",
        "/devices",
        "/system",
        "/events",
    ];
    for path in paths {
        assert_eq!(house.ask(None, "GET", path, None).await.0, StatusCode::UNAUTHORIZED, "{path}");
    }
    for path in ["/studies/search", "/patients/search"] {
        let nobody = house.ask(None, "POST", path, Some(json!({ "q": "a" }))).await.0;
        assert_eq!(nobody, StatusCode::UNAUTHORIZED, "{path}");
    }
    let device = somebody(Role::Device, Facilities::All);
    let desk = house.ask(Some(&device), "POST", "/patients/search", Some(json!({ "q": "a" }))).await;
    assert_eq!(desk.0, StatusCode::FORBIDDEN);
    for path in ["/orders/form", "/unmatched", "/devices"] {
        let (status, problem) = house.ask(Some(&device), "GET", path, None).await;
        assert_eq!((status, problem["code"].as_str()), (StatusCode::FORBIDDEN, Some("forbidden")), "{path}");
    }
    let clerk = somebody(Role::Clerk, Facilities::All);
    assert_eq!(house.ask(Some(&clerk), "GET", "/unmatched", None).await.0, StatusCode::FORBIDDEN);
    assert_eq!(house.ask(Some(&clerk), "GET", "/worklist", None).await.0, StatusCode::OK);
}

#[tokio::test]
async fn devices_are_added_changed_tested_and_removed() {
    let house = House::open().await;
    let admin = administrator();
    let ask = async |method: &str, path: &str, body: Option<Value>| {
        house.ask(Some(&admin), method, path, body).await
    };
    let ct = json!({
        "aeTitle": "CT1", "host": "10.0.0.5", "port": 104, "modality": "CT", "facility": "BVAH",
        "calledAe": ["SEN"], "maxAnswers": 100, "requiresTls": true, "certificate": "CN=CT1", "worklistDays": 0,
        "sendLimit": 4, "retrieveBy": "get", "priors": true, "commitment": true, "performedSteps": true,
        "availability": true,
    });
    assert_eq!(ask("POST", "/devices", Some(ct.clone())).await.0, StatusCode::NO_CONTENT);
    assert_eq!(ask("POST", "/devices", Some(ct.clone())).await.0, StatusCode::CONFLICT);
    let list = house.get(&admin, "/devices").await;
    for (key, value) in ct.as_object().unwrap() {
        assert_eq!(&list["items"][0][key], value, "{key}");
    }
    assert_eq!(list["items"][0]["source"], "rows");
    let wrong = json!({
        "aeTitle": "A\\B", "port": 70000, "modality": "ct", "characterSet": "klingon", "calledAe": ["x".repeat(17)],
        "maxAssociations": 0, "worklistDays": 100000, "sendLimit": 17, "retrieveBy": "post",
    });
    let (status, problem) = ask("POST", "/devices", Some(wrong)).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    let fields: Vec<&str> = problem["errors"].as_object().unwrap().keys().map(String::as_str).collect();
    let all = [
        "aeTitle",
        "calledAe",
        "characterSet",
        "host",
        "maxAssociations",
        "modality",
        "port",
        "retrieveBy",
        "sendLimit",
        "worklistDays",
    ];
    assert_eq!(fields, all);
    let changed = json!({
        "host": "10.0.0.6", "port": 104, "description": "CT, phòng 2", "commitment": false,
    });
    assert_eq!(ask("PUT", "/devices/CT1", Some(changed.clone())).await.0, StatusCode::NO_CONTENT);
    assert_eq!(ask("PUT", "/devices/CT9", Some(changed)).await.0, StatusCode::NOT_FOUND);

    // Why did this association fail?
    let database = house.archive.database();
    for (title, reason) in [("CT1", "otherAddress"), ("NEW", "callingUnknown"), ("", "notDicom")] {
        let failure = storage::association_failures::AssociationFailure {
            outgoing: false,
            ae_title: title.into(),
            peer: "10.0.0.9".into(),
            called_ae: "SEN".into(),
            why: pacs_core::why::Why::new(reason, "why").of(pacs_core::why::Cause::Lost),
        };
        storage::association_failures::note(database, &failure, NOON_MS).await.unwrap();
    }
    let list = house.get(&admin, "/devices").await;
    assert_eq!(list["items"][0]["description"], "CT, phòng 2");
    assert_eq!(list["items"][0]["requiresTls"], false, "what is not sent is not kept");
    assert_eq!(list["items"][0]["commitment"], false);
    assert_eq!(list["items"][0]["sendLimit"], 4, "what is done for it stays where nothing is said of it");
    assert_eq!(list["items"][0]["lastFailure"]["reason"]["code"], "otherAddress");
    assert_eq!(list["items"][0]["lastFailure"]["reason"]["values"], json!({ "cause": "lost" }));
    assert_eq!(list["items"][0]["lastFailure"]["at"], "2026-11-23T12:00:00.000+07:00");
    assert_eq!(list["strangers"][0]["aeTitle"], "");
    assert_eq!(list["strangers"][1]["aeTitle"], "NEW");
    let forget = async |form: Value| {
        assert_eq!(ask("POST", "/devices/failures/forget", Some(form)).await.0, StatusCode::NO_CONTENT);
        house.get(&admin, "/devices").await["strangers"].as_array().unwrap().len()
    };
    let peer = |address: &str, outgoing: bool| json!({ "aeTitle": "NEW", "peer": { "address": address, "outgoing": outgoing } });
    assert_eq!(forget(peer("10.0.0.8", false)).await, 2, "of another peer");
    assert_eq!(forget(peer("10.0.0.9", true)).await, 2, "nothing called it from here");
    assert_eq!(forget(peer("10.0.0.9", false)).await, 1);
    assert_eq!(forget(json!({ "aeTitle": "" })).await, 0);

    // An echo test is a job that the DICOM side does.
    let (status, begun) = ask("POST", "/devices/CT1/echo", None).await;
    assert_eq!((status, &begun["done"]), (StatusCode::ACCEPTED, &json!(false)));
    assert_eq!(ask("POST", "/devices/CT1/echo", None).await.0, StatusCode::CONFLICT);
    assert_eq!(ask("POST", "/devices/CT9/echo", None).await.0, StatusCode::NOT_FOUND);
    let kind = storage::jobs::ECHO;
    let job = storage::jobs::claim(database, kind, "w", 1000, NOON_MS).await.unwrap().unwrap();
    let result = json!({ "ok": false, "reason": "unreachable {\"cause\":\"connectionRefused\"}: refused" });
    storage::jobs::finish(database, job.id, "w", &result, NOON_MS).await.unwrap();
    let path = format!("/devices/CT1/echo/{}", begun["jobId"]);
    let echo = house.get(&admin, &path).await;
    assert_eq!(
        (&echo["done"], &echo["ok"], &echo["reason"]),
        (
            &json!(true),
            &json!(false),
            &json!({ "code": "unreachable", "values": { "cause": "connectionRefused" }, "detail": "refused" })
        )
    );
    assert_eq!(ask("GET", &path.replace("CT1", "CT2"), None).await.0, StatusCode::NOT_FOUND);

    let reader = somebody(Role::Radiologist, Facilities::All);
    assert_eq!(house.ask(Some(&reader), "DELETE", "/devices/CT1", None).await.0, StatusCode::FORBIDDEN);
    assert_eq!(ask("DELETE", "/devices/CT1", None).await.0, StatusCode::NO_CONTENT);
    assert_eq!(ask("DELETE", "/devices/CT1", None).await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn one_sees_the_studies_of_ones_own_facilities() {
    let house = House::open().await;
    house.images(1, "BVAH").await;
    house.images(2, "BVTL").await;
    let items = async |who: &Actor| house.get(who, "/studies").await["items"].as_array().unwrap().clone();
    assert_eq!(items(&administrator()).await.len(), 2);
    let here = somebody(Role::Radiologist, Facilities::Only(vec!["BVTL".into()]));
    let seen = items(&here).await;
    assert_eq!(seen.len(), 1);
    assert_eq!(seen[0]["facility"], "BVTL");
    assert_eq!(seen[0]["instanceCount"], 2);
    let elsewhere =
        items(&administrator()).await.into_iter().find(|study| study["facility"] == "BVAH").unwrap();
    let path = format!("/studies/{}", elsewhere["studyUid"].as_str().unwrap());
    assert_eq!(
        house.ask(Some(&here), "GET", &path, None).await.0,
        StatusCode::NOT_FOUND,
        "hidden looks like absent"
    );
    assert_eq!(house.get(&administrator(), &path).await["priors"], json!([]));
    let nowhere = somebody(Role::Radiologist, Facilities::Only(Vec::new()));
    assert_eq!(items(&nowhere).await.len(), 0);
}

#[tokio::test]
async fn pages_of_the_list_follow_each_other_and_a_foreign_cursor_is_refused() {
    let house = House::open().await;
    for seed in 1..=5 {
        house.images(seed, "BVAH").await;
    }
    let who = administrator();
    let (mut path, mut seen) = ("/studies?limit=2".to_owned(), Vec::new());
    loop {
        let page = house.get(&who, &path).await;
        seen.extend(page["items"].as_array().unwrap().iter().map(|study| study["studyUid"].clone()));
        match page["next"].as_str() {
            Some(next) => path = format!("/studies?limit=2&cursor={next}"),
            None => break,
        }
    }
    seen.sort_by_key(Value::to_string);
    seen.dedup();
    assert_eq!(seen.len(), 5);
    for path in ["/studies?cursor=x", "/studies?limit=many", "/studies?from=23.11.2026", "/studies?q=nguyen"]
    {
        let status = house.ask(Some(&who), "GET", path, None).await.0;
        assert!(status.is_client_error(), "{path}: {status}");
    }
}

#[tokio::test]
async fn all_that_waits_to_be_matched_is_reached_and_so_is_every_order() {
    let house = House::open().await;
    let who = somebody(Role::Radiographer, Facilities::Only(vec!["BVAH".into()]));
    for seed in 1..=3 {
        house.images(seed, "BVAH").await;
    }
    house.images(4, "BVTL").await;
    let (mut path, mut seen) = ("/unmatched?limit=1".to_owned(), Vec::new());
    loop {
        let page = house.get(&who, &path).await;
        seen.push(page["items"][0]["studyUid"].as_str().unwrap().to_owned());
        let Some(next) = page["next"].as_str() else { break };
        path = format!("/unmatched?limit=1&cursor={next}");
    }
    let all = house.get(&who, "/unmatched").await;
    let listed: Vec<_> =
        all["items"].as_array().unwrap().iter().map(|row| row["studyUid"].as_str().unwrap()).collect();
    assert_eq!((seen.len(), &seen.iter().map(String::as_str).collect::<Vec<_>>()), (3, &listed));
    let foreign = house.ask(Some(&who), "GET", "/unmatched?cursor=x", None).await.0;
    assert_eq!(foreign, StatusCode::CONFLICT);

    // The order was entered a day later, under a name that the images do not have.
    let (status, exam) =
        house.order(&administrator(), |form| form["scheduledAt"] = json!("2026-11-24T08:00")).await;
    assert_eq!(status, StatusCode::CREATED);
    let find = async |who: &Actor, q: &str| {
        house.ask(Some(who), "POST", "/exams/search", Some(json!({ "q": q }))).await
    };
    for q in ["nguyen van", exam["accessionNumber"].as_str().unwrap(), "P1", "a P1"] {
        let (status, found) = find(&who, q).await;
        assert_eq!((status, &found["items"][0]["examId"]), (StatusCode::OK, &exam["examId"]), "{q}: {found}");
    }
    assert_eq!(find(&who, "tran P1").await.1["items"], json!([]));
    assert_eq!(find(&who, "  ").await.1["items"], json!([]));
    let elsewhere = somebody(Role::Radiographer, Facilities::Only(vec!["BVTL".into()]));
    assert_eq!(find(&elsewhere, "P1").await.1["items"], json!([]));
    let clerk = somebody(Role::Clerk, Facilities::All);
    assert_eq!(find(&clerk, "P1").await.0, StatusCode::FORBIDDEN);
    let link = json!({ "examId": exam["examId"], "reason": "cấp cứu" });
    let linked = house.ask(Some(&who), "POST", &format!("/unmatched/{}/link", seen[0]), Some(link)).await.0;
    assert_eq!(linked, StatusCode::NO_CONTENT);
    // One that has images can be given more.
    assert_eq!(find(&who, "P1").await.1["items"][0]["label"], "inProgress");
}

#[tokio::test]
async fn an_order_is_written_once_under_its_number_and_found_on_its_day() {
    let house = House::open().await;
    let clerk = somebody(Role::Clerk, Facilities::Only(vec!["BVAH".into()]));
    let (status, row) = house.order(&clerk, |_| ()).await;
    assert_eq!(status, StatusCode::CREATED, "{row}");
    assert_eq!(row["scheduledAt"], "2026-11-23T14:30:00.000+07:00", "the digits are the wall's");
    assert_eq!(row["facility"], "BVAH");
    assert_eq!(row["acts"], json!(["arrive", "cancel"]));

    let today = house.get(&clerk, "/worklist").await;
    assert_eq!(today["items"].as_array().unwrap().len(), 1);
    assert_eq!(today["items"][0]["patient"]["name"], "NGUYỄN VĂN A");
    let tomorrow = house.get(&clerk, "/worklist?date=2026-11-24").await;
    assert_eq!(tomorrow["items"], json!([]));

    let given = |form: &mut Value| form["accessionNumber"] = json!("HIS-1");
    assert_eq!(house.order(&clerk, given).await.0, StatusCode::CREATED);
    assert_eq!(house.order(&clerk, given).await.0, StatusCode::CONFLICT, "a number is given once");
    let stranger = house.order(&clerk, |form| form["patient"]["name"] = json!("TRẦN^B")).await;
    assert_eq!(stranger.0, StatusCode::CONFLICT, "P1 is somebody else");

    let (status, problem) = house.order(&clerk, |form| form["facility"] = json!("BVTL")).await;
    assert_eq!((status, problem["errors"]["facility"].as_str()), (StatusCode::BAD_REQUEST, Some("notYours")));
    let (status, problem) = house.order(&administrator(), |form| form["facility"] = json!("BVHA")).await;
    assert_eq!((status, problem["errors"]["facility"].as_str()), (StatusCode::BAD_REQUEST, Some("unknown")));
    let found = house.ask(Some(&clerk), "POST", "/patients/search", Some(json!({ "q": "nguyen" }))).await.1;
    assert_eq!(found["items"][0]["id"], "P1");
}

#[tokio::test]
async fn what_people_do_is_in_the_audit_log() {
    let house = House::open().await;
    let clerk = somebody(Role::Clerk, Facilities::All);
    let (status, exam) = house.order(&clerk, |_| {}).await;
    assert_eq!(status, StatusCode::CREATED);
    let path = format!("/exams/{}", exam["examId"]);
    for (what, body) in [("acts", json!({ "act": "arrive" })), ("undo", json!({ "act": "arrive" }))] {
        let (status, said) = house.ask(Some(&clerk), "POST", &format!("{path}/{what}"), Some(body)).await;
        assert_eq!(status, StatusCode::OK, "{said}");
    }
    house.audit_log.flush().await;
    let lines = audit_log::before(house.archive.database(), i64::MAX, 10).await.unwrap();
    let said: Vec<_> = lines
        .iter()
        .map(|(_, line)| (line.actor.as_str(), line.act.as_str(), line.detail.as_deref()))
        .collect();
    let did = |act, detail| ("user:clerk", act, detail);
    let want = [did("exam", Some("undo arrive")), did("exam", Some("arrive")), did("order", None)];
    assert_eq!(said, want, "newest first");
    assert_eq!(lines[2].1.subject, format!("order:{}", exam["accessionNumber"].as_str().unwrap()));
}

#[tokio::test]
async fn times_are_those_of_the_facilitys_wall() {
    let house = House::open().await;
    // The province's second hospital lies abroad, two hours east.
    house.images(1, "BVTL").await;
    let database = house.archive.database();
    let moved =
        database.execute("update facility set time_zone = 'Asia/Tokyo' where code = 'BVTL'", Vec::new());
    assert_eq!(moved.await.unwrap(), 1);
    let sent = "update study set study_date = '20261122', study_time = '233000',
        attributes = '{\"00080201\":{\"vr\":\"SH\",\"Value\":[\"+0000\"]}}'";
    assert_eq!(database.execute(sent, Vec::new()).await.unwrap(), 1);

    let there = somebody(Role::Clerk, Facilities::Only(vec!["BVTL".into()]));
    let study = &house.get(&there, "/studies").await["items"][0];
    assert_eq!((&study["studyDate"], &study["studyTime"]), (&json!("2026-11-23"), &json!("08:30:00")));
    assert_eq!(study["receivedAt"], "2026-11-23T14:00:00.000+09:00");
    assert_eq!(study["timeZone"], "Asia/Tokyo");

    let (status, row) = house.order(&there, |form| form["scheduledAt"] = json!("2026-11-23T09:30")).await;
    assert_eq!(status, StatusCode::CREATED, "{row}");
    assert_eq!(row["scheduledAt"], "2026-11-23T09:30:00.000+09:00");
    let worklist = house.get(&there, "/worklist").await;
    assert_eq!(worklist["asOf"], "2026-11-23T14:00:00.000+09:00");
    assert_eq!(worklist["items"].as_array().unwrap().len(), 1);
    let form = house.get(&there, "/orders/form").await;
    assert_eq!(form["facilities"], json!([{ "code": "BVTL", "name": "BVTL", "timeZone": "Asia/Tokyo" }]));
    let (status, problem) =
        house.order(&there, |form| form["scheduledAt"] = json!("2026-11-23T09:30:00Z")).await;
    assert_eq!(
        (status, problem["errors"]["scheduledAt"].as_str()),
        (StatusCode::BAD_REQUEST, Some("invalid"))
    );
}

#[tokio::test]
async fn acts_move_an_exam_by_its_laws_and_ask_for_reasons() {
    let house = House::open().await;
    let clerk = somebody(Role::Clerk, Facilities::All);
    let (_, row) = house.order(&clerk, |_| ()).await;
    let acts = format!("/exams/{}/acts", row["examId"]);
    let act = async |body: Value| house.ask(Some(&clerk), "POST", &acts, Some(body)).await;
    assert_eq!(act(json!({ "act": "arrive" })).await.1["label"], "arrived");
    assert_eq!(act(json!({ "act": "arrive" })).await.0, StatusCode::CONFLICT);
    for (body, why) in [
        (json!({ "act": "cancel" }), "required"),
        (json!({ "act": "cancel", "reason": " \n " }), "required"),
        (json!({ "act": "cancel", "reason": "x".repeat(1025) }), "tooLong"),
    ] {
        let (status, problem) = act(body).await;
        assert_eq!((status, problem["errors"]["reason"].as_str()), (StatusCode::BAD_REQUEST, Some(why)));
    }
    let cancelled = act(json!({ "act": "cancel", "reason": "bệnh nhân về" })).await.1;
    assert_eq!(
        (cancelled["label"].as_str(), cancelled["actReason"].as_str()),
        (Some("cancelled"), Some("bệnh nhân về"))
    );
    let undo = format!("/exams/{}/undo", row["examId"]);
    let undo = async |act: &str| house.ask(Some(&clerk), "POST", &undo, Some(json!({ "act": act }))).await;
    assert_eq!(undo("arrive").await.0, StatusCode::CONFLICT, "it was cancelled since");
    assert_eq!(undo("cancel").await.1["label"], "arrived");
    assert_eq!(undo("image").await.0, StatusCode::BAD_REQUEST);
    assert_eq!(act(json!({ "act": "cancel", "reason": "bệnh nhân về" })).await.0, StatusCode::OK);
    assert_eq!(act(json!({ "act": "restore" })).await.1["label"], "scheduled");
    assert_eq!(act(json!({ "act": "sign" })).await.0, StatusCode::BAD_REQUEST);
    assert_eq!(act(json!("arrive")).await.0, StatusCode::BAD_REQUEST);
    let elsewhere = somebody(Role::Clerk, Facilities::Only(vec!["BVTL".into()]));
    let foreign = house.ask(Some(&elsewhere), "POST", &acts, Some(json!({ "act": "arrive" }))).await;
    assert_eq!(foreign.0, StatusCode::NOT_FOUND);
    let clinician = somebody(Role::Clinician, Facilities::All);
    assert_eq!(
        house.get(&clinician, "/worklist").await["items"][0]["acts"],
        json!([]),
        "looking is not acting"
    );
}

#[test]
fn the_description_names_every_route() {
    let description = serde_json::to_value(ris::description()).unwrap();
    let described: Vec<&str> = description["paths"].as_object().unwrap().keys().map(String::as_str).collect();
    for path in [
        "/api/v1/studies",
        "/api/v1/studies/{studyUid}",
        "/api/v1/worklist",
        "/api/v1/exams/{examId}/acts",
        "/api/v1/exams/{examId}/undo",
        "/api/v1/orders",
        "/api/v1/orders/form",
        "/api/v1/studies/search",
        "/api/v1/patients/search",
        "/api/v1/unmatched",
        "/api/v1/exams/search",
        "/api/v1/rejections",
        "/api/v1/studies/{studyUid}/rejections",
        "/api/v1/studies/{studyUid}/rejections/restore",
        "/api/v1/unmatched/{studyUid}/link",
        "/api/v1/unmatched/{studyUid}/unlink",
        "/api/v1/studies/{studyUid}/send",
        "/api/v1/queue",
        "/api/v1/queue/{id}/failures",
        "/api/v1/queue/{id}/cancel",
        "/api/v1/queue/{id}/retry",
        "/api/v1/queue/{id}/priority",
        "/api/v1/queue/{id}/resend",
        "/api/v1/archives/{aeTitle}/queries",
        "/api/v1/archives/queries/{id}",
        "/api/v1/archives/{aeTitle}/pull",
        "/api/v1/routes",
        "/api/v1/routes/{name}",
        "/api/v1/devices",
        "/api/v1/devices/{aeTitle}",
        "/api/v1/devices/{aeTitle}/echo",
        "/api/v1/devices/{aeTitle}/echo/{jobId}",
        "/api/v1/devices/failures/forget",
        "/api/v1/events",
        "/api/v1/system",
    ] {
        assert!(described.contains(&path), "{path} is not described: {described:?}");
    }
    for scheme in ["session", "token", "password"] {
        assert!(description["components"]["securitySchemes"][scheme].is_object(), "{scheme}");
    }
}

#[tokio::test]
async fn imports_and_migrations_are_seen_stopped_and_gone_on_with() {
    use storage::intake::{self, Counts, Failure, Kind, NotTaken, Waiting};
    let house = House::open().await;
    let (admin, database) = (administrator(), house.archive.database());
    let source = json!({ "aeTitle": "OLD" });
    let settings = json!({ "from": "1990-01-01", "until": "2026-11-23", "bytesPerSecond": 0, "hours": { "from": "18:00:00", "to": "06:00:00" } });
    let (begun, _) =
        intake::begin(database, Kind::Migration, &source, &settings, true, NOON_MS).await.unwrap();
    let reason = NotTaken::Incomplete.because("3 of 5 instances are here");
    let reason = reason.with("arrived", 3).with("expected", 5).answered(0xb000);
    let failure = Failure { name: "1.2.3".into(), skipped: false, reason };
    let counts = Counts { taken: 3, failed: 2, bytes: 1000, ..Counts::default() };
    intake::advance(database, begun.id, Some("20261101"), &counts, &[failure], NOON_MS).await.unwrap();
    let row = house.get(&admin, "/intakes").await["items"][0].clone();
    assert_eq!(
        (&row["kind"], &row["from"], &row["state"]),
        (&json!("migration"), &json!(["OLD"]), &json!("running"))
    );
    assert_eq!(
        (&row["atDate"], &row["oldestDate"], &row["hours"]),
        (&json!("2026-11-01"), &json!("1990-01-01"), &json!("18:00-06:00"))
    );
    assert_eq!((&row["taken"], &row["failed"], &row["mayStop"]), (&json!(3), &json!(2), &json!(true)));
    let path = format!("/intakes/{}", row["id"]);
    let details = house.get(&admin, &path).await;
    assert_eq!(
        details["notTaken"],
        json!([{ "name": "1.2.3", "skipped": false, "reason": {
            "code": "incomplete",
            "values": { "arrived": 3, "expected": 5, "status": "0xB000", "cause": "someFailed" },
            "detail": "3 of 5 instances are here",
        } }])
    );
    assert_eq!(row["note"], json!(null));
    let waits = Waiting::NoDevice.because("OLD is not a configured device").with("ae", "OLD");
    intake::note(database, begun.id, Some(&waits), NOON_MS).await.unwrap();
    assert_eq!(
        house.get(&admin, &path).await["note"],
        json!({ "code": "noDevice", "values": { "ae": "OLD" }, "detail": "OLD is not a configured device" })
    );
    assert_eq!((&details["more"], &details["compared"]["studies"]), (&json!(false), &json!(0)));
    assert_eq!(house.get(&admin, &format!("{path}?after=1.2.3")).await["notTaken"], json!([]));

    // What the other PACS does not count is compared with nothing.
    for (study, expected, arrived) in [("1.2.3", Some(5), 3), ("1.2.4", None, 7)] {
        let asked = intake::Asked { expected, arrived };
        let study = pacs_core::uid::Uid::parse(study).unwrap();
        let came = (&Counts::default(), None);
        intake::note_study(database, begun.id, &study, asked, came, NOON_MS).await.unwrap();
    }
    let compared = json!({ "studies": 2, "uncounted": 1, "expected": 5, "arrived": 3, "incomplete": 1 });
    assert_eq!(house.get(&admin, &path).await["compared"], compared);

    let act = async |what: &str| house.ask(Some(&admin), "POST", &format!("{path}/{what}"), None).await.0;
    assert_eq!(act("resume").await, StatusCode::CONFLICT);
    assert_eq!(act("stop").await, StatusCode::NO_CONTENT);
    assert_eq!(act("stop").await, StatusCode::CONFLICT);
    assert_eq!(house.get(&admin, "/intakes").await["items"][0]["mayResume"], true);
    assert_eq!(act("resume").await, StatusCode::NO_CONTENT);
    assert_eq!(house.ask(Some(&admin), "GET", "/intakes/99", None).await.0, StatusCode::NOT_FOUND);
    let radiographer = somebody(Role::Radiographer, Facilities::All);
    assert_eq!(house.ask(Some(&radiographer), "GET", "/intakes", None).await.0, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn routes_are_made_changed_and_stopped_each_by_itself() {
    let house = House::open().await;
    let admin = administrator();
    let ask = async |method: &str, path: &str, body: Option<Value>| {
        house.ask(Some(&admin), method, path, body).await.0
    };
    let rule = |device: &str, modality: &str| Some(json!({ "device": device, "modality": [modality] }));
    let enabled = |is_enabled: bool| Some(json!({ "isEnabled": is_enabled }));
    assert_eq!(ask("PATCH", "/routes/CT", enabled(false)).await, StatusCode::NOT_FOUND);
    assert_eq!(ask("POST", "/routes/CT", rule("AI", "CT")).await, StatusCode::CREATED);
    assert_eq!(
        ask("POST", "/routes/CT", rule("PACS", "MR")).await,
        StatusCode::CONFLICT,
        "the name is taken"
    );
    let standing = async || house.get(&admin, "/routes").await["items"][0].clone();
    assert_eq!(standing().await["device"], "AI", "a new rule replaces none");
    assert_eq!(ask("PATCH", "/routes/CT", enabled(false)).await, StatusCode::NO_CONTENT);
    let stopped = json!({ "device": "PACS", "modality": ["CT"], "isEnabled": false });
    assert_eq!(ask("PUT", "/routes/CT", Some(stopped)).await, StatusCode::OK);
    assert_eq!(ask("PATCH", "/routes/CT", enabled(true)).await, StatusCode::NO_CONTENT);
    let row = standing().await;
    assert_eq!((&row["device"], &row["isEnabled"]), (&json!("PACS"), &json!(true)), "what was changed stays");
    let radiographer = somebody(Role::Radiographer, Facilities::All);
    for (method, body) in [("POST", rule("AI", "CT")), ("PATCH", enabled(false))] {
        assert_eq!(house.ask(Some(&radiographer), method, "/routes/CT", body).await.0, StatusCode::FORBIDDEN);
    }
}
