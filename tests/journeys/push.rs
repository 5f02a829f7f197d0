//! A modality pushes; browsers and programs find it a moment later.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::support::images::Study;
use crate::support::program::Sen;
use crate::support::samples::{Sample, at_least};
use crate::support::tools;

#[tokio::test]
async fn what_storescu_pushes_is_in_qido_in_the_list_and_in_wado() {
    let Some(storescu) = tools::program("storescu") else { return };
    let sen = Sen::start();
    let study = Study::of("P1", "NGUYỄN^VĂN A").accession_number("A1");
    study.write(&sen.folder().join("ct"));
    let pushed =
        tools::run(&storescu, sen.folder(), &["-aec", "SEN", "+sd", "127.0.0.1", &sen.dimse_port(), "ct"]);
    tools::succeeded(&pushed);

    let found: Value =
        reqwest::get(sen.url("/dicomweb/studies?PatientID=P1")).await.unwrap().json().await.unwrap();
    assert_eq!(found.as_array().unwrap().len(), 1, "{found}");
    assert_eq!(found[0]["0020000D"]["Value"][0], study.uid.as_str());
    assert_eq!(found[0]["00100010"]["Value"][0]["Alphabetic"], "NGUYỄN^VĂN A");
    assert_eq!(found[0]["00201208"]["Value"][0], 3);

    let search = reqwest::Client::new().post(sen.url("/api/v1/studies/search"));
    let list: Value =
        search.json(&serde_json::json!({ "q": "P1" })).send().await.unwrap().json().await.unwrap();
    let row = &list["items"][0];
    assert_eq!(row["studyUid"], study.uid.as_str());
    assert_eq!(row["patient"]["name"], "NGUYỄN VĂN A");
    assert_eq!(row["patient"]["birthDate"], "1980-01-02");
    assert_eq!(row["studyDate"], "2026-11-23");
    assert_eq!(row["modalities"], serde_json::json!(["CT"]));
    assert_eq!(row["instanceCount"], 3);

    let frames = format!(
        "/dicomweb/studies/{}/series/{}/instances/{}/frames/1",
        study.uid,
        study.series(),
        study.instance(2)
    );
    let answer = reqwest::Client::new()
        .get(sen.url(&frames))
        .header("accept", "multipart/related; type=\"application/octet-stream\"; transfer-syntax=\"*\"")
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 200);
    let body = answer.bytes().await.unwrap();
    let pixels = study.pixels(2);
    assert!(body.windows(pixels.len()).any(|window| window == pixels), "the frame is not what was pushed");
}

/// Every file that is an object of a study must be taken as it is, whatever its kind or syntax.
#[tokio::test]
async fn every_storable_sample_is_acknowledged_and_found() {
    let Some(dcmsend) = tools::program("dcmsend") else { return };
    let (samples, sen) = (Sample::storable(), Sen::start());
    let (port, mut instances) = (sen.dimse_port(), BTreeSet::new());
    let mut refused = 0;
    for sample in &samples {
        let name = sample.name();
        if !sample.is_known_to_dcmtk() {
            eprintln!("DCMTK cannot send {}: {name}", sample.transfer_syntax);
            continue;
        }
        let path = sample.path.display().to_string();
        let sent =
            tools::run(&dcmsend, sen.folder(), &["-v", "-aec", "SEN", "-dn", "127.0.0.1", &port, &path]);
        let said = tools::said(&sent);
        if sample.study_and_series.is_some() {
            assert!(said.contains("with status SUCCESS  : 1"), "{name}: {said}");
            instances.insert(&sample.instance);
        } else {
            // PS3.4 B.2.3: data set does not match SOP class.
            assert!(said.contains("Error: DataSetDoesNotMatchSOPClass"), "{name}: {said}");
            refused += 1;
        }
    }
    let sent = instances.len();
    assert!(sent >= at_least(170, 40) && refused > 0, "{sent} were sent, {refused} refused");
    for instance in &instances {
        let path = format!("/dicomweb/instances?SOPInstanceUID={instance}");
        let found: Value = reqwest::get(sen.url(&path)).await.unwrap().json().await.unwrap();
        assert_eq!(found.as_array().unwrap().len(), 1, "{instance}");
    }
}
