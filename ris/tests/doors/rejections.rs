//! Images that nobody is to see, through the real router: rejected, listed, restored, and who may.

use crate::support::{House, administrator, somebody};
use http::StatusCode;
use pacs_core::access::{Actor, Facilities, Role};
use pacs_core::dataset::{self, DataSet};
use pacs_core::uid::Uid;
use pacs_core::{part10, tags, transfer_syntax, uids};
use serde_json::{Value, json};
use storage::audit_log;
use testdata::Instance;

/// Two images of a study.
async fn two(house: &House, seed: u64) -> [Instance; 2] {
    house.images(seed, "BVAH").await;
    let images: Vec<Instance> = testdata::ct_slices(2).sized(16).seeded(seed).collect();
    images.try_into().unwrap()
}

impl House {
    /// What a list says of each of its studies.
    async fn rejected(&self, who: &Actor) -> Vec<(String, i64, i64)> {
        let page = self.get(who, "/rejections").await;
        let row = |row: &Value| {
            let count = |key: &str| row[key].as_i64().unwrap();
            (row["studyUid"].as_str().unwrap().to_owned(), count("rejectedCount"), count("instanceCount"))
        };
        page["items"].as_array().unwrap().iter().map(row).collect()
    }
}

#[tokio::test]
async fn what_is_rejected_is_listed_and_restored() {
    let house = House::open().await;
    let [first, second] = two(&house, 1).await;
    let [other, _] = two(&house, 2).await;
    let who = somebody(Role::Radiographer, Facilities::Only(vec!["BVAH".into()]));
    let path = format!("/studies/{}/rejections", first.study);
    let one = json!({ "code": "113001", "series": [first.series], "instances": [first.uid] });
    let (status, done) = house.post(&who, &path, one.clone()).await;
    assert_eq!((status, &done["count"], &done["left"]), (StatusCode::OK, &json!(1), &json!(1)), "{done}");
    assert_eq!(house.post(&who, &path, one).await.0, StatusCode::CONFLICT, "nothing of it is shown");
    assert_eq!(house.rejected(&who).await, [(first.study.to_string(), 1, 1)]);
    let listed = house.get(&who, &path).await;
    let series = &listed["series"][0];
    assert_eq!(
        (
            &series["seriesUid"],
            &series["rejectedCount"],
            &series["instanceCount"],
            &series["rejected"]["code"]
        ),
        (&json!(first.series), &json!(1), &json!(1), &json!("113001"))
    );
    assert_eq!(series["rejected"]["by"], "user:radiographer");

    // All of it: nothing else of the interface has it any more, and its history says why in a word of both languages.
    let all = json!({ "code": "113037", "all": true });
    let (status, done) = house.post(&who, &path, all).await;
    assert_eq!((status, &done["left"]), (StatusCode::OK, &json!(0)), "{done}");
    let study = format!("/studies/{}", first.study);
    assert_eq!(house.ask(Some(&who), "GET", &study, None).await.0, StatusCode::NOT_FOUND);
    let (all, theirs) =
        (json!({ "code": "113039", "all": true }), format!("/studies/{}/rejections", other.study));
    assert_eq!(house.post(&who, &theirs, all).await.0, StatusCode::OK);
    let newest_first = [(other.study.to_string(), 2, 0), (first.study.to_string(), 2, 0)];
    assert_eq!(house.rejected(&who).await, newest_first);
    let (mut pages, mut next) = (Vec::new(), Value::Null);
    loop {
        let cursor = next.as_str().map(|next| format!("&cursor={next}")).unwrap_or_default();
        let page = house.get(&who, &format!("/rejections?limit=1{cursor}")).await;
        pages.push(page["items"][0]["studyUid"].as_str().unwrap().to_owned());
        next = page["next"].clone();
        if next.is_null() {
            break;
        }
    }
    assert_eq!(pages, [other.study.to_string(), first.study.to_string()]);
    let foreign = house.ask(Some(&who), "GET", "/rejections?cursor=x", None).await.0;
    assert_eq!(foreign, StatusCode::CONFLICT);
    let listed = house.get(&who, &path).await;
    assert_eq!(listed["study"]["instanceCount"], 0);
    assert!(listed["study"]["patient"]["name"].as_str().is_some_and(|name| !name.is_empty()), "{listed}");
    let history = house.get(&who, &format!("{study}/acts")).await;
    let act = &history["items"][0];
    assert_eq!(
        (&act["kind"], &act["code"], &act["reason"], &act["canUndo"]),
        (&json!("study.reject"), &json!("113037"), &Value::Null, &json!(true))
    );
    assert_eq!(act["actId"], done["actId"], "the answer says what is to be taken back");

    assert_eq!(act["by"], "user:radiographer");

    // Taking that back leaves hidden what was hidden before; restoring the series shows that too.
    let undo = format!("/acts/{}/undo", done["actId"]);
    assert_eq!(house.ask(Some(&who), "POST", &undo, None).await.0, StatusCode::NO_CONTENT);
    assert_eq!(house.rejected(&who).await[1], (first.study.to_string(), 1, 1));
    let (status, done) = house
        .post(&who, &format!("{path}/restore"), json!({ "seriesUid": second.series, "reason": "chọn nhầm" }))
        .await;
    assert_eq!((status, &done["count"], &done["left"]), (StatusCode::OK, &json!(1), &json!(2)), "{done}");
    let history = house.get(&who, &format!("{study}/acts")).await;
    let act = &history["items"][0];
    assert_eq!((&act["kind"], &act["reason"]), (&json!("series.restore"), &json!("chọn nhầm")));
    let again = house.post(&who, &format!("{path}/restore"), json!({ "reason": "lần nữa" })).await.0;
    assert_eq!(again, StatusCode::CONFLICT);
    for form in [json!({}), json!({ "reason": " " })] {
        let (status, refused) = house.post(&who, &format!("{path}/restore"), form).await;
        assert_eq!((status, &refused["errors"]["reason"]), (StatusCode::BAD_REQUEST, &json!("required")));
    }
    assert_eq!(house.rejected(&who).await, [(other.study.to_string(), 2, 0)]);
    let undo = format!("/acts/{}/undo", done["actId"]);
    assert_eq!(house.post(&who, &undo, json!({ "reason": "vẫn mờ" })).await.0, StatusCode::NO_CONTENT);
    assert_eq!(house.rejected(&who).await[1], (first.study.to_string(), 1, 1));

    house.audit_log.flush().await;
    let lines = audit_log::before(house.archive.database(), i64::MAX, 20).await.unwrap();
    let told = |act: &str| lines.iter().filter(|(_, line)| line.act == act).count();
    assert_eq!((told("reject"), told("restore")), (3, 1));
}

/// An image of a study, of the series of that number.
fn image(series: u32, number: usize) -> Instance {
    let uid = |text: &str| Uid::parse(text).unwrap();
    let (study, series) = (uid("1.2.77"), uid(&format!("1.2.77.{series}")));
    let (class, instance) = (uid(uids::CT_IMAGE_STORAGE), uid(&format!("{series}.{number}")));
    let syntax = uid(uids::EXPLICIT_VR_LITTLE_ENDIAN);
    let mut set = DataSet::new();
    set.put_uid(tags::SOP_CLASS_UID, &class);
    set.put_uid(tags::SOP_INSTANCE_UID, &instance);
    set.put_text(tags::MODALITY, "CT");
    set.put_text(tags::PATIENT_ID, "P1");
    set.put_uid(tags::STUDY_INSTANCE_UID, &study);
    set.put_uid(tags::SERIES_INSTANCE_UID, &series);
    let mut bytes = part10::write_head(&class, &instance, &syntax, None);
    let dataset_offset = bytes.len();
    dataset::write(&set, &transfer_syntax::of(&syntax), &mut bytes).unwrap();
    Instance { class, uid: instance, series, study, transfer_syntax: syntax, bytes, dataset_offset }
}

#[tokio::test]
async fn several_at_once_are_one_act_with_one_way_back() {
    let house = House::open().await;
    let who = somebody(Role::Radiographer, Facilities::All);
    let images: Vec<Instance> =
        [1, 1, 1, 2, 2, 3].iter().enumerate().map(|(at, series)| image(*series, at)).collect();
    for image in &images {
        house.store(image.clone(), "BVAH").await;
    }
    let [study, a, b, c] = ["1.2.77", "1.2.77.1", "1.2.77.2", "1.2.77.3"];
    let named: Vec<&Uid> = images.iter().map(|image| &image.uid).collect();
    let path = format!("/studies/{study}/rejections");
    let other = two(&house, 1).await;
    // One of what is named is not there, or not of that series: nothing is done.
    for form in [
        json!({ "code": "113001", "series": [a, other[0].series] }),
        json!({ "code": "113001", "series": [a], "instances": [named[0], named[3]] }),
        json!({ "code": "113001", "series": [a], "instances": [named[0], other[0].uid] }),
    ] {
        assert_eq!(house.post(&who, &path, form.clone()).await.0, StatusCode::NOT_FOUND, "{form}");
    }
    let many: Vec<String> = (0..=1000).map(|number| format!("1.2.3.{number}")).collect();
    let too_many = json!({ "code": "113001", "series": [a], "instances": many });
    assert_eq!(house.post(&who, &path, too_many).await.0, StatusCode::BAD_REQUEST);
    assert!(house.rejected(&who).await.is_empty());

    let some = json!({ "code": "113001", "series": [a], "instances": [named[0], named[1]] });
    let (status, done) = house.post(&who, &path, some).await;
    assert_eq!((status, &done["count"], &done["left"]), (StatusCode::OK, &json!(2), &json!(4)), "{done}");
    // Nothing is left to be shown of one of what is named: the other is hidden all the same.
    let (_, hidden) = house.post(&who, &path, json!({ "code": "113001", "series": [c] })).await;
    assert_eq!(hidden["left"], 3);
    let (status, both) = house.post(&who, &path, json!({ "code": "113037", "series": [b, c] })).await;
    assert_eq!((status, &both["count"], &both["left"]), (StatusCode::OK, &json!(2), &json!(1)), "{both}");
    let history = house.get(&who, &format!("/studies/{study}/acts")).await;
    let acts = history["items"].as_array().unwrap();
    let told: Vec<_> = acts.iter().map(|act| (act["kind"].as_str().unwrap(), &act["actId"])).collect();
    assert_eq!(
        told,
        [
            ("series.reject", &both["actId"]),
            ("series.reject", &hidden["actId"]),
            ("instance.reject", &done["actId"])
        ]
    );
    house.audit_log.flush().await;
    let lines = audit_log::before(house.archive.database(), i64::MAX, 20).await.unwrap();
    assert_eq!(lines.iter().filter(|(_, line)| line.act == "reject").count(), 3);

    for (act, left) in [(&both, 3), (&done, 5), (&hidden, 6)] {
        let undo = format!("/acts/{}/undo", act["actId"]);
        assert_eq!(house.ask(Some(&who), "POST", &undo, None).await.0, StatusCode::NO_CONTENT);
        assert_eq!(house.get(&who, &path).await["study"]["instanceCount"], left);
    }
    assert!(house.rejected(&who).await.is_empty());
}

#[tokio::test]
async fn the_act_that_is_named_is_that_of_the_answer() {
    let house = House::open().await;
    let [image, _] = two(&house, 1).await;
    let who = administrator();
    let path = format!("/studies/{}/rejections", image.study);
    // Acts on one subject, in the same millisecond.
    let mut named = Vec::new();
    for _ in 0..2 {
        let all = json!({ "code": "113001", "all": true });
        named.push(house.post(&who, &path, all).await.1["actId"].as_i64().unwrap());
        let why = json!({ "reason": "chọn nhầm" });
        named.push(house.post(&who, &format!("{path}/restore"), why).await.1["actId"].as_i64().unwrap());
    }
    let mut acts =
        storage::acts::of_subject(house.archive.database(), image.study.as_str(), 9).await.unwrap();
    acts.reverse();
    assert_eq!(named, acts.iter().map(|act| act.id).collect::<Vec<_>>());
}

#[tokio::test]
async fn who_keeps_images_right_rejects_and_others_do_not() {
    let house = House::open().await;
    let [image, _] = two(&house, 1).await;
    let path = format!("/studies/{}/rejections", image.study);
    let all = json!({ "code": "113001", "all": true });
    let asked = [
        ("GET", "/rejections".to_owned(), None),
        ("GET", path.clone(), None),
        ("POST", path.clone(), Some(all)),
        ("POST", format!("{path}/restore"), Some(json!({}))),
    ];
    for (method, path, body) in asked {
        for role in [Role::Clerk, Role::Clinician, Role::Device] {
            let who = somebody(role, Facilities::All);
            let status = house.ask(Some(&who), method, &path, body.clone()).await.0;
            assert_eq!(status, StatusCode::FORBIDDEN, "{method} {path}");
        }
        assert_eq!(house.ask(None, method, &path, body.clone()).await.0, StatusCode::UNAUTHORIZED);
        let elsewhere = somebody(Role::Radiographer, Facilities::Only(vec!["BVTL".into()]));
        let (status, answer) = house.ask(Some(&elsewhere), method, &path, body).await;
        let hidden = status == StatusCode::NOT_FOUND || answer["items"] == json!([]);
        assert!(hidden, "{method} {path}: {status} {answer}");
    }
    let who = administrator();
    for (form, status) in [
        (json!({ "code": "113000", "all": true }), 400),
        (json!({ "code": "113001" }), 400),
        (json!({ "code": "113001", "all": true, "series": [image.series] }), 400),
        (json!({ "code": "113001", "instances": [image.uid] }), 400),
        (json!({ "code": "113001", "series": ["1.2.3"] }), 404),
        (json!({ "code": "113001", "series": [image.series], "instances": ["1.2.3"] }), 404),
    ] {
        assert_eq!(house.post(&who, &path, form.clone()).await.0.as_u16(), status, "{form}");
    }
    let (_, unknown) = house.post(&who, &path, json!({ "code": "113000", "all": true })).await;
    assert_eq!(unknown["errors"], json!({ "code": "invalid" }));
}
