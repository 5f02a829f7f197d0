//! A modality pushes; browsers and programs find it a moment later.

use std::collections::BTreeSet;
use std::path::Path;

use pacs_core::dataset::{self, Limits, Until};
use pacs_core::part10::{self, HeadProgress};
use pacs_core::{attributes, tags, transfer_syntax};
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
    let folders = ["modality", "syntax", "colour", "charset", "series/ct-abdomen"];
    let Some(roots) = folders.into_iter().map(samples).collect::<Option<Vec<_>>>() else { return };
    let sen = Sen::start();
    let (port, mut instances) = (sen.dimse_port(), BTreeSet::new());
    let mut refused = 0;
    for file in roots.iter().flat_map(|root| files_below(root)) {
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        let Some(sample) = Sample::read(&file) else { continue };
        if UNKNOWN_TO_DCMTK.contains(&sample.transfer_syntax.as_str()) {
            eprintln!("DCMTK cannot send {}: {name}", sample.transfer_syntax);
            continue;
        }
        let path = file.display().to_string();
        let sent =
            tools::run(&dcmsend, sen.folder(), &["-v", "-aec", "SEN", "-dn", "127.0.0.1", &port, &path]);
        let said = tools::said(&sent);
        if sample.has_its_uids {
            assert!(said.contains("with status SUCCESS  : 1"), "{name}: {said}");
            instances.insert(sample.instance);
        } else {
            // PS3.4 B.2.3: data set does not match SOP class.
            assert!(said.contains("Error: DataSetDoesNotMatchSOPClass"), "{name}: {said}");
            refused += 1;
        }
    }
    assert!(instances.len() >= 80 && refused > 0, "{} were sent, {refused} refused", instances.len());
    for instance in &instances {
        let path = format!("/dicomweb/instances?SOPInstanceUID={instance}");
        let found: Value = reqwest::get(sen.url(&path)).await.unwrap().json().await.unwrap();
        assert_eq!(found.as_array().unwrap().len(), 1, "{instance}");
    }
}

/// HTJ2K, JPEG XL and deflated frames came after Debian's DCMTK.
const UNKNOWN_TO_DCMTK: &[&str] = &[
    "1.2.840.10008.1.2.4.201",
    "1.2.840.10008.1.2.4.203",
    "1.2.840.10008.1.2.4.111",
    "1.2.840.10008.1.2.8.1",
];

/// A sample file as far as this journey wants to know.
struct Sample {
    instance: String,
    transfer_syntax: String,
    /// Some are pictures without a study: no archive could find them again.
    has_its_uids: bool,
}

impl Sample {
    /// `None` for files that DCMTK itself does not send: they have no file meta information, or no
    /// SOP instance in their data set.
    fn read(file: &Path) -> Option<Self> {
        let bytes = std::fs::read(file).unwrap();
        let Ok(HeadProgress::Head(head)) = part10::read_head(&bytes) else { return None };
        let syntax = transfer_syntax::of(&head.transfer_syntax);
        let set = &bytes[head.dataset_offset as usize..];
        let set = dataset::read_slice(set, &syntax, &Limits::default(), Until::PixelData).unwrap().data_set;
        // Some files carry another UID in their file meta information; the data set's counts.
        let instance = set.uid(tags::SOP_INSTANCE_UID)?.ok()?.to_string();
        Some(Self {
            instance,
            transfer_syntax: head.transfer_syntax.to_string(),
            has_its_uids: attributes::lift(&set).is_ok(),
        })
    }
}
