//! Who is who, through the real router: the list of what does not go together, its answers, and the
//! imaging record.

use crate::support::{House, administrator, somebody};
use axum::body::Body;
use http::{Request, StatusCode};
use pacs_core::access::{Actor, Facilities, Role};
use pacs_core::dataset::{self, DataSet};
use pacs_core::uid::Uid;
use pacs_core::{part10, tags, transfer_syntax, uids};
use serde_json::{Value, json};
use testdata::Instance;
use tower::ServiceExt as _;

fn image(study: &str, (id, name): (&str, &str), content: &str) -> Instance {
    let uid = |text: String| Uid::parse(&text).unwrap();
    let (study, series) = (uid(format!("1.2.{study}")), uid(format!("1.2.{study}.1")));
    let (class, instance) = (uid(uids::CT_IMAGE_STORAGE.into()), uid(format!("{series}.1")));
    let syntax = uid(uids::EXPLICIT_VR_LITTLE_ENDIAN.into());
    let mut set = DataSet::new();
    set.put_text(tags::SPECIFIC_CHARACTER_SET, "ISO_IR 192");
    set.put_uid(tags::SOP_CLASS_UID, &class);
    set.put_uid(tags::SOP_INSTANCE_UID, &instance);
    set.put_text(tags::MODALITY, "CT");
    set.put_text(tags::PATIENT_NAME, name);
    set.put_text(tags::PATIENT_ID, id);
    set.put_uid(tags::STUDY_INSTANCE_UID, &study);
    set.put_uid(tags::SERIES_INSTANCE_UID, &series);
    set.put_text(tags::IMAGE_COMMENTS, content);
    let mut bytes = part10::write_head(&class, &instance, &syntax, None);
    let dataset_offset = bytes.len();
    dataset::write(&set, &transfer_syntax::of(&syntax), &mut bytes).unwrap();
    Instance { class, uid: instance, series, study, transfer_syntax: syntax, bytes, dataset_offset }
}

impl House {
    /// The only row that waits.
    async fn waiting(&self, who: &Actor) -> Value {
        let list = self.get(who, "/reconciliation").await;
        assert_eq!(list["items"].as_array().unwrap().len(), 1, "{list}");
        list["items"][0].clone()
    }
}

#[tokio::test]
async fn a_row_is_answered_and_taken_back() {
    let house = House::open().await;
    let clerk = somebody(Role::Clerk, Facilities::Only(vec!["BVTW".into()]));
    for (study, patient) in [("1", ("P1", "Nguyễn^Văn A")), ("2", ("P1", "Trần^Thị B"))] {
        house.store(image(study, patient, ""), "BVTW").await;
    }
    let row = house.waiting(&clerk).await;
    assert_eq!(row["kind"], "demographicsDiffer");
    assert_eq!(row["study"]["patient"]["name"], "Trần Thị B");
    assert_eq!(row["other"]["patient"]["name"], "Nguyễn Văn A");
    assert_eq!(row["other"]["recordId"], row["study"]["recordId"]);
    assert_eq!(row["answers"], json!(["samePerson", "newPatient", "otherPatient"]));
    let path = format!("/reconciliation/{}", row["id"]);
    let answer = json!({ "answer": "newPatient", "reason": "hai người" });
    let elsewhere = somebody(Role::Radiographer, Facilities::Only(vec!["BVH".into()]));
    assert_eq!(house.get(&elsewhere, "/reconciliation").await["items"], json!([]));
    assert_eq!(
        house.post(&elsewhere, &format!("{path}/answer"), answer.clone()).await.0,
        StatusCode::NOT_FOUND
    );
    let clinician = somebody(Role::Clinician, Facilities::All);
    assert_eq!(
        house.post(&clinician, &format!("{path}/answer"), answer.clone()).await.0,
        StatusCode::FORBIDDEN
    );
    assert_eq!(house.ask(Some(&clinician), "GET", "/reconciliation", None).await.0, StatusCode::FORBIDDEN);
    let odd = house.post(&clerk, &format!("{path}/answer"), json!({ "answer": "perhaps" })).await.0;
    assert_eq!(odd, StatusCode::BAD_REQUEST);
    let wrong = house.post(&clerk, &format!("{path}/answer"), json!({ "answer": "serveNewest" })).await.0;
    assert_eq!(wrong, StatusCode::CONFLICT);

    assert_eq!(house.post(&clerk, &format!("{path}/answer"), answer.clone()).await.0, StatusCode::NO_CONTENT);
    assert_eq!(house.get(&clerk, "/reconciliation").await["items"], json!([]));
    let answered = house.get(&clerk, "/reconciliation?state=answered&kind=demographicsDiffer").await;
    let said = &answered["items"][0]["answered"];
    assert_eq!(
        (&said["answer"], &said["by"], &said["reason"]),
        (&json!("newPatient"), &json!("user:clerk"), &json!("hai người"))
    );
    assert_eq!(house.post(&clerk, &format!("{path}/answer"), answer).await.0, StatusCode::CONFLICT);
    let reopen = format!("{path}/reopen");
    let why = json!({ "reason": "một người" });
    assert_eq!(house.post(&clerk, &reopen, why).await.0, StatusCode::NO_CONTENT);
    let without = house.ask(Some(&clerk), "POST", &reopen, None).await.0;
    assert_eq!(without, StatusCode::CONFLICT, "a reason may be left out, and the body with it");
    let history = house.get(&administrator(), "/studies/1.2.2/acts").await;
    assert_eq!(history["items"][0]["reason"], "một người");
    assert_eq!(house.waiting(&clerk).await["id"], row["id"]);

    house.audit_log.flush().await;
    let lines = storage::audit_log::before(house.archive.database(), i64::MAX, 10).await.unwrap();
    let told: Vec<_> = lines.iter().map(|(_, line)| (line.act.as_str(), line.detail.as_deref())).collect();
    assert!(told.contains(&("reconcile", Some("newPatient"))), "{told:?}");
    assert!(told.contains(&("reconcile", Some("reopen"))), "{told:?}");
}

#[tokio::test]
async fn an_imaging_record_is_merged_and_parted() {
    let house = House::open().await;
    let clerk = somebody(Role::Clerk, Facilities::Only(vec!["BVTW".into()]));
    for (study, patient) in [("1", ("P1", "Nguyễn^Văn A")), ("2", ("P2", "Nguyen^Van A"))] {
        house.store(image(study, patient, ""), "BVTW").await;
    }
    let of =
        async |study: &str| house.get(&clerk, &format!("/studies/1.2.{study}")).await["recordId"].clone();
    let (into, from) = (of("1").await, of("2").await);
    let merge = format!("/patients/{from}/merge");
    let nobody = house.post(&clerk, &merge, json!({ "into": 4711 })).await.0;
    assert_eq!(nobody, StatusCode::NOT_FOUND);
    let reason = "đăng ký hai lần";
    assert_eq!(
        house.post(&clerk, &merge, json!({ "into": into, "reason": reason })).await.0,
        StatusCode::NO_CONTENT
    );
    assert_eq!(house.post(&clerk, &merge, json!({ "into": into })).await.0, StatusCode::CONFLICT);
    let record = house.get(&clerk, &format!("/patients/{from}")).await;
    assert_eq!((&record["recordId"], &record["patient"]["id"]), (&into, &json!("P1")));
    assert_eq!(record["studies"].as_array().unwrap().len(), 2);
    assert_eq!(record["merged"][0]["patient"]["id"], "P2");
    assert_eq!(record["merged"][0]["reason"], reason);
    let priors = house.get(&clerk, "/studies/1.2.1").await["priors"].clone();
    assert_eq!(priors[0]["patient"]["id"], "P2", "as it was sent");

    let number = json!({ "identifier": "079080000001", "issuer": "CCCD", "reason": "theo căn cước" });
    let numbers = format!("/patients/{into}/numbers");
    assert_eq!(house.post(&clerk, &numbers, number.clone()).await.0, StatusCode::NO_CONTENT);
    assert_eq!(
        house.post(&clerk, &numbers, json!({ "identifier": "", "issuer": "CCCD" })).await.0,
        StatusCode::BAD_REQUEST
    );
    let listed = house.get(&clerk, &format!("/patients/{into}")).await["numbers"].clone();
    assert_eq!(listed.as_array().unwrap().len(), 3, "{listed}");
    assert_eq!(
        house.post(&clerk, &format!("{numbers}/remove"), number.clone()).await.0,
        StatusCode::NO_CONTENT
    );
    assert_eq!(house.post(&clerk, &format!("{numbers}/remove"), number).await.0, StatusCode::NOT_FOUND);

    let unmerge = format!("/patients/{from}/unmerge");
    let clinician = somebody(Role::Clinician, Facilities::All);
    assert_eq!(house.post(&clinician, &unmerge, json!({})).await.0, StatusCode::FORBIDDEN);
    let seen = house.get(&clinician, &format!("/patients/{into}")).await;
    assert_eq!((&seen["mayReconcile"], &seen["acts"]), (&json!(false), &json!([])));
    let parted = house.post(&clerk, &unmerge, json!({ "reason": "hai người" })).await.0;
    assert_eq!(parted, StatusCode::NO_CONTENT);
    // What was done is in the history of both, also after it was taken back.
    for record in [&into, &from] {
        let acts = house.get(&clerk, &format!("/patients/{record}")).await["acts"].clone();
        let of_merger = |act: &&Value| act["whom"]["id"] == "P2";
        let told: Vec<_> = acts.as_array().unwrap().iter().filter(of_merger).collect();
        let said: Vec<_> = told.iter().map(|act| (&act["kind"], &act["reason"], &act["isUndone"])).collect();
        let unmerged = (&json!("patient.unmerge"), &json!("hai người"), &json!(false));
        assert_eq!(said, [unmerged, (&json!("patient.merge"), &json!(reason), &json!(true))]);
    }
    let acts = house.get(&clerk, &format!("/patients/{into}")).await["acts"].clone();
    let numbers: Vec<_> =
        acts.as_array().unwrap().iter().filter(|act| act["number"] == "079080000001").collect();
    let kinds: Vec<_> = numbers.iter().map(|act| (&act["kind"], &act["issuer"], &act["reason"])).collect();
    let (card, why) = (json!("CCCD"), json!("theo căn cước"));
    let removed = (&json!("patient.unidentify"), &card, &why);
    assert_eq!(kinds, [removed, (&json!("patient.identify"), &card, &why)]);
    assert_eq!(of("2").await, from);
    let elsewhere = somebody(Role::Clinician, Facilities::Only(vec!["BVH".into()]));
    let hidden = house.ask(Some(&elsewhere), "GET", &format!("/patients/{into}"), None).await.0;
    assert_eq!(hidden, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_history_of_a_record_names_nobody_of_other_facilities() {
    let house = House::open().await;
    let everybody = administrator();
    for (study, patient, facility) in
        [("1", ("P1", "Nguyễn^Văn A"), "BVTW"), ("2", ("P2", "Nguyen^Van A"), "BVH")]
    {
        house.store(image(study, patient, ""), facility).await;
    }
    let of =
        async |study: &str| house.get(&everybody, &format!("/studies/1.2.{study}")).await["recordId"].clone();
    let (into, from) = (of("1").await, of("2").await);
    let here = somebody(Role::Clerk, Facilities::Only(vec!["BVTW".into()]));
    let named = async |who: &Actor| {
        let acts = house.get(who, &format!("/patients/{into}")).await["acts"].clone();
        let named = |act: &Value| (act["kind"].as_str().unwrap().to_owned(), act["whom"]["id"].clone());
        acts.as_array().unwrap().iter().map(named).collect::<Vec<_>>()
    };
    let merge = format!("/patients/{from}/merge");
    let merged = house.post(&everybody, &merge, json!({ "into": into, "reason": "một người" })).await.0;
    assert_eq!(merged, StatusCode::NO_CONTENT);
    let merge = |whom: Value| ("patient.merge".to_owned(), whom);
    assert_eq!(named(&here).await, [merge(json!("P2"))], "who is part of the record is named");
    let parted = house.ask(Some(&everybody), "POST", &format!("/patients/{from}/unmerge"), None).await.0;
    assert_eq!(parted, StatusCode::NO_CONTENT);
    let unmerge = |whom: Value| ("patient.unmerge".to_owned(), whom);
    assert_eq!(named(&here).await, [unmerge(Value::Null), merge(Value::Null)]);
    assert_eq!(named(&everybody).await, [unmerge(json!("P2")), merge(json!("P2"))]);
}

#[tokio::test]
async fn a_body_that_may_be_left_out_is_read_when_it_is_there() {
    let house = House::open().await;
    let clerk = somebody(Role::Clerk, Facilities::Only(vec!["BVTW".into()]));
    for (study, patient) in [("1", ("P1", "Nguyễn^Văn A")), ("2", ("P2", "Nguyen^Van A"))] {
        house.store(image(study, patient, ""), "BVTW").await;
    }
    let of =
        async |study: &str| house.get(&clerk, &format!("/studies/1.2.{study}")).await["recordId"].clone();
    let (into, from) = (of("1").await, of("2").await);
    for (media_type, body, reason) in [
        (None, "", Ok(Value::Null)),
        (Some("application/json"), "", Ok(Value::Null)),
        (Some("application/x-www-form-urlencoded"), "", Ok(Value::Null)),
        (None, r#"{"reason":"hai người"}"#, Ok(json!("hai người"))),
        (Some("application/json"), r#"{"reason":"hai người"}"#, Ok(json!("hai người"))),
        (Some("application/json"), "{", Err(StatusCode::BAD_REQUEST)),
        (Some("application/x-www-form-urlencoded"), "reason=x", Err(StatusCode::BAD_REQUEST)),
    ] {
        let merge = format!("/patients/{from}/merge");
        house.post(&clerk, &merge, json!({ "into": into, "reason": "một người" })).await;
        let mut request = Request::post(format!("/api/v1/patients/{from}/unmerge"));
        if let Some(media_type) = media_type {
            request = request.header("content-type", media_type);
        }
        let mut request = request.body(Body::from(body)).unwrap();
        request.extensions_mut().insert(clerk.clone());
        let status = house.router.clone().oneshot(request).await.unwrap().status();
        let acts = house.get(&clerk, &format!("/patients/{into}")).await["acts"].clone();
        match reason {
            Err(refused) => assert_eq!(status, refused, "{media_type:?} {body}"),
            Ok(reason) => {
                assert_eq!(status, StatusCode::NO_CONTENT, "{media_type:?} {body}");
                assert_eq!((&acts[0]["kind"], &acts[0]["reason"]), (&json!("patient.unmerge"), &reason));
            }
        }
    }
}

#[tokio::test]
async fn whoever_requested_a_study_sees_it() {
    let house = House::open().await;
    let everybody = administrator();
    house.store(image("1", ("P1", "Nguyễn^Văn A"), ""), "BVTW").await;
    for (study, name) in [("2", "Lê^Văn C"), ("3", "Lê^Văn D")] {
        house.store(image(study, (study, name), ""), "BVH").await;
    }
    let (status, exam) = house.order(&everybody, |form| form["facility"] = json!("BVH")).await;
    assert_eq!(status, StatusCode::CREATED);
    let there = somebody(Role::Radiographer, Facilities::Only(vec!["BVH".into()]));
    let path = "/studies/1.2.1";
    let seen = async |who: &Actor, path: &str| house.ask(Some(who), "GET", path, None).await.0;
    assert_eq!(seen(&there, path).await, StatusCode::NOT_FOUND);
    let link = json!({ "examId": exam["examId"], "reason": "chụp hộ" });
    assert_eq!(house.post(&everybody, "/unmatched/1.2.1/link", link).await.0, StatusCode::NO_CONTENT);
    assert_eq!(seen(&there, path).await, StatusCode::OK);
    let record = house.get(&there, path).await["recordId"].clone();
    let timeline = house.get(&there, &format!("/patients/{record}")).await;
    assert_eq!(timeline["studies"].as_array().unwrap().len(), 1);
    let listed = async |who: &Actor| {
        let (_, page) = house.ask(Some(who), "POST", "/studies/search", Some(json!({ "q": "" }))).await;
        let mut uids: Vec<_> = page["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|study| study["studyUid"].as_str().unwrap().to_owned())
            .collect();
        uids.sort();
        uids
    };
    assert_eq!(listed(&there).await, ["1.2.1", "1.2.2", "1.2.3"]);
    let both = somebody(Role::Clinician, Facilities::Only(vec!["BVH".into(), "BVTL".into()]));
    assert_eq!(listed(&both).await.len(), 3);
    let here = somebody(Role::Radiographer, Facilities::Only(vec!["BVTW".into()]));
    assert_eq!(listed(&here).await, ["1.2.1"]);
    // It is the requester's to take back, and then theirs no more.
    let why = json!({ "reason": "nhầm chỉ định" });
    let (status, unlinked) = house.ask(Some(&there), "POST", "/unmatched/1.2.1/unlink", Some(why)).await;
    assert_eq!(status, StatusCode::OK);
    let act = house.get(&everybody, "/studies/1.2.1/acts").await["items"][0].clone();
    assert_eq!((&act["actId"], &act["reason"]), (&unlinked["actId"], &json!("nhầm chỉ định")));
    assert_eq!(seen(&there, path).await, StatusCode::NOT_FOUND);
    assert_eq!(listed(&there).await, ["1.2.2", "1.2.3"]);
}
