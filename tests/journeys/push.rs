//! A modality pushes; browsers and programs find it a moment later.

use serde_json::Value;

use crate::support::images::Study;
use crate::support::program::Sen;
use crate::support::{files_below, samples, tools};

#[tokio::test]
async fn what_storescu_pushes_is_in_qido_in_the_list_and_in_wado() {
    let Some(storescu) = tools::program("storescu") else { return };
    let sen = Sen::start();
    let study = Study::of("P1", "NGUYỄN^VĂN A").accession_number("A1");
    study.write(&sen.folder().join("ct"));
    let pushed = tools::run(&storescu, sen.folder(), &["-aec", "SEN", "+sd", "127.0.0.1", &sen.dimse_port(), "ct"]);
    tools::succeeded(&pushed);

    let found: Value = reqwest::get(sen.url("/dicomweb/studies?PatientID=P1")).await.unwrap().json().await.unwrap();
    assert_eq!(found.as_array().unwrap().len(), 1, "{found}");
    assert_eq!(found[0]["0020000D"]["Value"][0], study.uid.as_str());
    assert_eq!(found[0]["00100010"]["Value"][0]["Alphabetic"], "NGUYỄN^VĂN A");
    assert_eq!(found[0]["00201208"]["Value"][0], 3);

    let list: Value = reqwest::get(sen.url("/api/v1/studies?q=P1")).await.unwrap().json().await.unwrap();
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
    let Some(storescu) = tools::program("storescu") else { return };
    let folders = ["modality", "syntax", "colour", "charset", "series/ct-abdomen"];
    let Some(roots) = folders.into_iter().map(samples).collect::<Option<Vec<_>>>() else { return };
    let sen = Sen::start();
    let mut pushed = 0;
    for file in roots.iter().flat_map(|root| files_below(root)) {
        // These have no SOP class or no file meta information: nothing that DCMTK could push.
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        if ["OT-PAL-8-face.dcm", "empty_charset_LEI.dcm"].contains(&name.as_str()) {
            continue;
        }
        let arguments = ["-aec", "SEN", "-R", "127.0.0.1", &sen.dimse_port()].map(str::to_owned);
        let arguments: Vec<String> = arguments.into_iter().chain([file.display().to_string()]).collect();
        let sent = tools::run(&storescu, sen.folder(), &arguments);
        let said = tools::said(&sent);
        // DCMTK itself does not know some syntaxes, such as HTJ2K and JPEG XL, and proposes nothing.
        let is_foreign_to_dcmtk = said.contains("No presentation context") || said.contains("no presentation context")
            || said.contains("Unknown Transfer Syntax") || said.contains("cannot send")|| said.contains("No Acceptable Presentation Contexts");
        if is_foreign_to_dcmtk {
            eprintln!("not sent by DCMTK: {name}");
            continue;
        }
        assert!(sent.status.success(), "{name}: {said}");
        pushed += 1;
    }
    assert!(pushed > 100, "only {pushed} of the samples were sent");
    let uids = format!("/dicomweb/instances?limit={}", pushed + 100);
    let found: Value = reqwest::get(sen.url(&uids)).await.unwrap().json().await.unwrap();
    assert!(!found.as_array().unwrap().is_empty());
}
