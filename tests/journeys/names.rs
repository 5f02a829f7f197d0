//! One patient, found by a name typed without marks, through every door.

use serde_json::{Value, json};

use crate::support::images::Study;
use crate::support::program::Sen;
use crate::support::tools;

#[tokio::test]
async fn nguyen_van_a_finds_nguyen_van_a_with_marks_through_every_door() {
    let (Some(storescu), Some(findscu)) = (tools::program("storescu"), tools::program("findscu")) else {
        return;
    };
    let sen = Sen::start();
    // The second is the same name in the decomposed normal form and the other component order.
    let names = ["NGUYỄN VĂN A", "Nguye\u{302}\u{303}n^Va\u{306}n A"];
    let studies: Vec<Study> = names.iter().zip(["P1", "P2"]).map(|(name, id)| Study::of(id, name)).collect();
    let stranger = Study::of("P3", "TRẦN^THỊ B");
    for study in studies.iter().chain([&stranger]) {
        study.write(&sen.folder().join("ct"));
    }
    tools::succeeded(&tools::run(
        &storescu,
        sen.folder(),
        &["-aec", "SEN", "+sd", "127.0.0.1", &sen.dimse_port(), "ct"],
    ));

    let query = [
        "-S",
        "-aec",
        "SEN",
        "-k",
        "QueryRetrieveLevel=STUDY",
        "-k",
        "PatientName=nguyen van a",
        "-k",
        "PatientID",
        "-k",
        "StudyInstanceUID",
    ];
    let port = sen.dimse_port();
    let arguments = [&query[..], &["127.0.0.1", &port]].concat();
    let said = tools::succeeded(&tools::run(&findscu, sen.folder(), &arguments));
    for study in &studies {
        assert!(said.contains(study.uid.as_str()), "C-FIND missed {}:\n{said}", study.patient_name);
    }
    assert!(!said.contains(stranger.uid.as_str()), "C-FIND found the stranger:\n{said}");

    let client = reqwest::Client::new();
    let qido = client.get(sen.url("/dicomweb/studies?PatientName=nguyen%20van%20a"));
    let search = client.post(sen.url("/api/v1/studies/search")).json(&json!({ "q": "nguyen van a" }));
    for (door, request, key) in [("QIDO", qido, "/0020000D/Value/0"), ("the list", search, "/studyUid")] {
        let answer: Value = request.send().await.unwrap().json().await.unwrap();
        let rows = answer.get("items").unwrap_or(&answer).as_array().unwrap().clone();
        let mut found: Vec<&str> = rows.iter().filter_map(|row| row.pointer(key)?.as_str()).collect();
        let mut expected: Vec<&str> = studies.iter().map(|study| study.uid.as_str()).collect();
        found.sort_unstable();
        expected.sort_unstable();
        assert_eq!(found, expected, "{door}");
    }
}
