//! From an order in the page to the modality's worklist, to images that move its label.

use reqwest::Client;
use serde_json::{Value, json};

use crate::support::images::Study;
use crate::support::program::{Sen, Setup};
use crate::support::{eventually, orders, tools};

const TODAY_HALF_PAST_NINE_FORMAT: &str = "%Y-%m-%dT09:30";

/// Today in the hospital's zone: orders are for a day of its calendar.
fn today() -> (String, String) {
    let now = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::fixed(jiff::tz::offset(7)));
    (now.strftime("%Y-%m-%d").to_string(), now.strftime(TODAY_HALF_PAST_NINE_FORMAT).to_string())
}

async fn order(sen: &Sen, patient_id: &str, name: &str) -> Value {
    let (_, half_past_nine) = today();
    let form = json!({
        "patient": { "id": patient_id, "name": name, "birthDate": "1980-01-02", "sex": "M" },
        "procedure": { "code": "CT.BUNG", "name": "CT bụng", "modality": "CT" },
        "station": { "aeTitle": "CT1" },
        "scheduledAt": half_past_nine,
        "referringPhysician": "TRẦN^VĂN B",
        "reason": "đau bụng",
    });
    orders::place(sen, &form).await
}

async fn exam(sen: &Sen, exam_id: &Value) -> Value {
    let (date, _) = today();
    let list: Value =
        reqwest::get(sen.url(&format!("/api/v1/worklist?date={date}"))).await.unwrap().json().await.unwrap();
    list["items"]
        .as_array()
        .unwrap()
        .iter()
        .find(|row| &row["examId"] == exam_id)
        .expect("the exam of the order")
        .clone()
}

#[tokio::test]
async fn an_order_is_on_the_worklist_and_its_images_move_its_label() {
    let (Some(findscu), Some(storescu)) = (tools::program("findscu"), tools::program("storescu")) else {
        return;
    };
    let sen = Sen::start();
    let row = order(&sen, "P1", "NGUYỄN^VĂN A").await;
    let accession = row["accessionNumber"].as_str().unwrap().to_owned();
    assert!((1..=16).contains(&accession.len()), "{accession}");
    assert_eq!(row["label"], "scheduled");
    let (_, half_past_nine) = today();
    assert_eq!(row["scheduledAt"], format!("{half_past_nine}:00.000+07:00"), "as it was entered, and where");

    let arguments = [
        "-W",
        "-aec",
        "SEN",
        "-k",
        "AccessionNumber",
        "-k",
        "PatientName",
        "-k",
        "PatientID",
        "-k",
        "ScheduledProcedureStepSequence[0].Modality=CT",
        "-k",
        "ScheduledProcedureStepSequence[0].ScheduledStationAETitle=CT1",
        "-k",
        "ScheduledProcedureStepSequence[0].ScheduledProcedureStepStartDate",
        "-k",
        "ScheduledProcedureStepSequence[0].ScheduledProcedureStepStartTime",
        "127.0.0.1",
        &sen.dimse_port(),
    ];
    let said = tools::succeeded(&tools::run(&findscu, sen.folder(), &arguments));
    assert!(said.contains(&accession), "the order is not on the worklist:\n{said}");
    assert!(said.contains("P1"), "{said}");
    assert!(said.contains("093000"), "the device sees the time that was entered:\n{said}");

    let study = Study::of("P1", "NGUYEN^VAN A").accession_number(&accession);
    study.write(&sen.folder().join("ct"));
    tools::succeeded(&tools::run(
        &storescu,
        sen.folder(),
        &["-aec", "SEN", "+sd", "127.0.0.1", &sen.dimse_port(), "ct"],
    ));
    let moved = exam(&sen, &row["examId"]).await;
    assert_eq!(moved["label"], "inProgress", "{moved}");
    assert_eq!(moved["studyUid"], study.uid.as_str());

    let accepted = Client::new()
        .post(sen.url(&format!("/api/v1/exams/{}/acts", row["examId"])))
        .json(&json!({ "act": "accept" }))
        .send()
        .await
        .unwrap();
    assert_eq!(accepted.status(), 200);
    assert_eq!(accepted.json::<Value>().await.unwrap()["label"], "toRead");
    let again = Client::new()
        .post(sen.url(&format!("/api/v1/exams/{}/acts", row["examId"])))
        .json(&json!({ "act": "arrive" }))
        .send()
        .await
        .unwrap();
    assert_eq!(again.status(), 409, "a read exam cannot arrive again");
    assert_eq!(again.headers()["content-type"], "application/problem+json");
}

#[tokio::test]
async fn an_exam_whose_device_has_fallen_quiet_waits_to_be_verified() {
    let Some(storescu) = tools::program("storescu") else { return };
    let sen = Setup::default().variable("SEN_QUIET_AFTER_SECONDS", "1").start();
    let row = order(&sen, "P1", "NGUYỄN^VĂN A").await;
    let study = Study::of("P1", "NGUYỄN^VĂN A").accession_number(row["accessionNumber"].as_str().unwrap());
    study.write(&sen.folder().join("ct"));
    tools::succeeded(&tools::run(
        &storescu,
        sen.folder(),
        &["-aec", "SEN", "+sd", "127.0.0.1", &sen.dimse_port(), "ct"],
    ));
    let quiet = eventually("the exam waits to be verified", || async {
        Some(exam(&sen, &row["examId"]).await).filter(|exam| exam["label"] == "toVerify")
    })
    .await;
    assert_eq!(quiet["studyUid"], study.uid.as_str());
    assert_eq!(quiet["instanceCount"], 3);
    assert_eq!(quiet["acts"], json!(["accept", "reopen", "discontinue"]));
}

#[tokio::test]
async fn the_same_accession_number_with_another_patient_moves_nothing_until_somebody_links_it() {
    let Some(storescu) = tools::program("storescu") else { return };
    let sen = Sen::start();
    let row = order(&sen, "P1", "NGUYỄN^VĂN A").await;
    let accession = row["accessionNumber"].as_str().unwrap();
    let study = Study::of("P2", "LÊ^THỊ C").accession_number(accession);
    study.write(&sen.folder().join("ct"));
    tools::succeeded(&tools::run(
        &storescu,
        sen.folder(),
        &["-aec", "SEN", "+sd", "127.0.0.1", &sen.dimse_port(), "ct"],
    ));

    assert_eq!(exam(&sen, &row["examId"]).await["label"], "scheduled");
    let unmatched: Value = reqwest::get(sen.url("/api/v1/unmatched")).await.unwrap().json().await.unwrap();
    let stray =
        unmatched["items"].as_array().unwrap().iter().find(|item| item["studyUid"] == study.uid.as_str());
    let stray = stray.unwrap_or_else(|| panic!("not among the unmatched: {unmatched}"));
    assert_eq!(stray["reason"], "patientDiffers");
    assert!(
        stray["candidates"].as_array().unwrap().iter().any(|candidate| candidate["examId"] == row["examId"]),
        "{stray}"
    );

    let linked = Client::new()
        .post(sen.url(&format!("/api/v1/unmatched/{}/link", study.uid)))
        .json(&json!({ "examId": row["examId"], "reason": "wrong line picked on the console" }))
        .send()
        .await
        .unwrap();
    assert!(linked.status().is_success(), "{}", linked.text().await.unwrap());
    assert_eq!(exam(&sen, &row["examId"]).await["label"], "inProgress");

    let unlinked =
        Client::new().post(sen.url(&format!("/api/v1/unmatched/{}/unlink", study.uid))).send().await.unwrap();
    assert!(unlinked.status().is_success(), "{}", unlinked.text().await.unwrap());
    let unmatched: Value = reqwest::get(sen.url("/api/v1/unmatched")).await.unwrap().json().await.unwrap();
    assert!(unmatched.to_string().contains(study.uid.as_str()), "{unmatched}");
}

#[tokio::test]
async fn live_pages_hear_of_an_order_and_of_its_images() {
    use futures::StreamExt as _;
    let Some(storescu) = tools::program("storescu") else { return };
    let sen = Sen::start();
    let stream = Client::new().get(sen.url("/api/v1/events")).send().await.unwrap();
    assert_eq!(stream.headers()["content-type"], "text/event-stream");
    let mut stream = stream.bytes_stream();
    let row = order(&sen, "P1", "NGUYỄN^VĂN A").await;
    let study = Study::of("P1", "NGUYỄN^VĂN A").accession_number(row["accessionNumber"].as_str().unwrap());
    study.write(&sen.folder().join("ct"));
    tools::succeeded(&tools::run(
        &storescu,
        sen.folder(),
        &["-aec", "SEN", "+sd", "127.0.0.1", &sen.dimse_port(), "ct"],
    ));

    let mut heard = String::new();
    let all = async {
        while !(heard.contains("order.created")
            && heard.contains("exam.changed")
            && heard.contains("study.changed"))
        {
            heard.push_str(&String::from_utf8_lossy(&stream.next().await.unwrap().unwrap()));
        }
    };
    tokio::time::timeout(crate::support::PATIENCE, all)
        .await
        .unwrap_or_else(|_| panic!("heard only:\n{heard}"));

    // Who comes back later and says what it heard last misses nothing.
    let first = heard.lines().find_map(|line| line.strip_prefix("id:")).expect("an id").trim().to_owned();
    let answer =
        Client::new().get(sen.url("/api/v1/events")).header("last-event-id", &first).send().await.unwrap();
    let mut stream = answer.bytes_stream();
    let mut again = String::new();
    let missed = async {
        while !again.contains("event:") {
            again.push_str(&String::from_utf8_lossy(&stream.next().await.unwrap().unwrap()));
        }
    };
    tokio::time::timeout(crate::support::PATIENCE, missed)
        .await
        .unwrap_or_else(|_| panic!("heard only:\n{again}"));
    assert!(again.contains("event: change") || again.contains("event:change"), "{again}");
}

#[tokio::test]
async fn a_form_with_faults_names_each_of_them() {
    let sen = Sen::start();
    let answer = Client::new()
        .post(sen.url("/api/v1/orders"))
        .json(&json!({ "patient": { "name": "" }, "procedure": { "modality": "CT" }, "scheduledAt": "soon" }))
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 400);
    let problem: Value = answer.json().await.unwrap();
    assert_eq!(problem["errors"]["patient.name"], "required");
    assert_eq!(problem["errors"]["procedure.name"], "required");
    assert_eq!(problem["errors"]["scheduledAt"], "invalid");
}
