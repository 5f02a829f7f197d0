//! Foreign archives in the services that no other journey has with them: Orthanc's worklist query, its DICOMweb client
//! and its C-GET; pynetdicom as an archive that is asked; echoes to and from all of them.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use pacs_core::uid::Uid;
use reqwest::{Client, StatusCode};
use serde_json::{Value, json};

use super::device;
use crate::orthanc::Orthanc;
use crate::support::images::{Study, dataset_bytes};
use crate::support::program::{Sen, Setup};
use crate::support::{eventually, free_ports, orders, stow, tools};

pub(super) async fn images_of(sen: &Sen, study: &Uid) -> usize {
    let answer = reqwest::get(sen.url(&format!("/dicomweb/studies/{study}/instances"))).await.unwrap();
    if answer.status() != StatusCode::OK {
        return 0;
    }
    answer.json::<Value>().await.unwrap().as_array().unwrap().len()
}

/// Orthanc with its DICOMweb plugin, which knows Sen as a server.
async fn orthanc_with_dicomweb() -> Option<(Sen, Orthanc)> {
    const PLUGIN: &str = "/usr/share/orthanc/plugins/libOrthancDicomWeb.so";
    if !Path::new(PLUGIN).is_file() {
        testdata::skipped(&format!("{PLUGIN} is not there (make test installs it)"));
        return None;
    }
    let (program, http, dimse) = Orthanc::prepare()?;
    let sen = Setup::default().file(&device("ORTHANC", dimse)).start();
    let servers = json!({
        "Plugins": [PLUGIN],
        "DicomWeb": { "Enable": true, "Servers": { "sen": { "Url": sen.url("/dicomweb/") } } },
    });
    let orthanc = Orthanc::start_with(&program, http, dimse, &sen, servers).await;
    Some((sen, orthanc))
}

#[tokio::test]
async fn orthanc_stores_searches_and_retrieves_by_dicomweb() {
    let Some((sen, orthanc)) = orthanc_with_dicomweb().await else { return };
    let (sent, kept) = (Study::of("P1", "NGUYỄN^VĂN A"), Study::of("P2", "TRẦN^THỊ B"));
    orthanc.keep(&sent).await;
    stow::push_study(&sen, &kept).await;
    let form = json!({ "Resources": orthanc.instances().await, "Synchronous": true });
    orthanc.post("/dicom-web/servers/sen/stow", form).await;
    assert_eq!(images_of(&sen, &sent.uid).await, 3);

    let asked = json!({ "Uri": "/studies", "Arguments": { "PatientName": "tran thi b" } });
    let found = orthanc.post("/dicom-web/servers/sen/qido", asked).await;
    let found = found.as_array().unwrap();
    let is_kept = |row: &Value| row.to_string().contains(kept.uid.as_str());
    assert!(found.len() == 1 && found.iter().all(is_kept), "{found:?}");

    let form = json!({ "Resources": [{ "Study": kept.uid.as_str() }], "Synchronous": true });
    orthanc.post("/dicom-web/servers/sen/retrieve", form).await;
    let ids = orthanc.instances().await;
    assert_eq!(ids.len(), 6);
    let mut of_kept = 0;
    for id in ids {
        let file = reqwest::get(orthanc.url(&format!("/instances/{id}/file"))).await.unwrap();
        let file = file.bytes().await.unwrap();
        of_kept += (1..=3).filter(|slice| dataset_bytes(&kept.slice(*slice)) == dataset_bytes(&file)).count();
    }
    assert_eq!(of_kept, 3, "WADO-RS brought something else");
}

#[tokio::test]
async fn orthanc_reads_the_worklist_and_gives_by_c_get() {
    let Some((program, http, dimse)) = Orthanc::prepare() else { return };
    let file = device("ORTHANC", dimse) + "retrieve_by = 'get'\n";
    let sen = Setup::default().file(&file).start();
    let orthanc = Orthanc::start(&program, http, dimse, &sen).await;
    let form = json!({
        "patient": { "id": "P1", "name": "NGUYỄN^VĂN A", "birthDate": "1980-01-02", "sex": "M" },
        "procedure": { "code": "CT.BUNG", "name": "CT bụng", "modality": "CT" },
        "referringPhysician": "LÊ^THỊ HỒNG",
        "scheduledAt": "2026-11-23T09:30",
    });
    orders::place(&sen, &form).await;
    let asked = json!({
        "PatientName": "nguyen*", "ReferringPhysicianName": "",
        "ScheduledProcedureStepSequence": [{ "Modality": "CT", "ScheduledProcedureStepDescription": "" }],
    });
    let steps =
        orthanc.post("/modalities/sen/find-worklist", json!({ "Query": asked, "Short": false })).await;
    let text = steps.to_string();
    assert_eq!(steps.as_array().unwrap().len(), 1, "{text}");
    assert!(
        text.contains("NGUYỄN^VĂN A") && text.contains("LÊ^THỊ HỒNG") && text.contains("CT bụng"),
        "{text}"
    );

    let study = Study::of("P2", "TRẦN^THỊ B");
    orthanc.keep(&study).await;
    let pulled = tools::succeeded(&sen.run(&["pull", "ORTHANC", "--study", study.uid.as_str()]));
    assert!(pulled.contains("3 images are here"), "{pulled}");
    assert_eq!(images_of(&sen, &study.uid).await, 3);
}

/// pynetdicom as an archive.
pub(super) struct Archive {
    child: Child,
    port: u16,
}

impl Drop for Archive {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Archive {
    async fn start(python: &Path, folder: &Path, sen: &Sen) -> Self {
        Self::start_at(python, folder, (free_ports().0, sen.dimse.port()), &[]).await
    }

    /// At a port, calling Sen back at another; over TLS with a certificate, its key and the authority.
    pub(super) async fn start_at(
        python: &Path,
        folder: &Path,
        (port, own): (u16, u16),
        tls: &[String],
    ) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python/archive.py");
        let child = Command::new(python)
            .arg(script)
            .args([&port.to_string(), "PYARCHIVE"])
            .arg(folder)
            .arg(own.to_string())
            .args(tls)
            .stdout(Stdio::null())
            .spawn()
            .expect("Python runs");
        let archive = Self { child, port };
        eventually("pynetdicom listens", || async {
            tokio::net::TcpStream::connect(("127.0.0.1", port)).await.ok()
        })
        .await;
        archive
    }
}

#[tokio::test]
async fn pynetdicoms_archive_is_echoed_queried_and_pulled_from() {
    let Some(python) = tools::python() else { return };
    let sen = Sen::start();
    let (moved, got) = (Study::of("P1", "NGUYỄN^VĂN A"), Study::of("P1", "NGUYỄN^VĂN A"));
    let folder: PathBuf = sen.folder().join("theirs");
    moved.write(&folder);
    got.write(&folder);
    let archive = Archive::start(&python, &folder, &sen).await;
    let port = archive.port.to_string();
    tools::succeeded(&sen.run(&["device", "add", "PYARCHIVE", "127.0.0.1", &port]));
    tools::succeeded(&sen.run(&["device", "echo", "PYARCHIVE"]));
    let listed = tools::succeeded(&sen.run(&["query", "PYARCHIVE", "--patient-id", "P1"]));
    assert!(listed.contains(moved.uid.as_str()) && listed.contains(got.uid.as_str()), "{listed}");
    tools::succeeded(&sen.run(&["pull", "PYARCHIVE", "--study", moved.uid.as_str()]));
    assert_eq!(images_of(&sen, &moved.uid).await, 3);
    let by_get = ["device", "add", "PYARCHIVE", "127.0.0.1", &port, "--retrieve-by", "get"];
    tools::succeeded(&sen.run(&by_get));
    tools::succeeded(&sen.run(&["pull", "PYARCHIVE", "--study", got.uid.as_str()]));
    assert_eq!(images_of(&sen, &got.uid).await, 3);
}

#[tokio::test]
async fn pynetdicom_confirms_that_it_keeps_what_was_sent() {
    let Some(python) = tools::python() else { return };
    let (port, _) = free_ports();
    let sen = Setup::default().file(&(device("KEEPER", port) + "commitment = true\n")).start();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python/keeper.py");
    let child = Command::new(python)
        .arg(script)
        .args([&port.to_string(), "KEEPER", &sen.dimse_port()])
        .spawn()
        .expect("Python runs");
    let _keeper = Archive { child, port };
    eventually("pynetdicom listens", || async {
        tokio::net::TcpStream::connect(("127.0.0.1", port)).await.ok()
    })
    .await;
    let study = Study::of("P1", "NGUYỄN^VĂN A");
    stow::push_study(&sen, &study).await;
    let url = sen.url(&format!("/api/v1/studies/{}/send", study.uid));
    let sent = Client::new().post(url).json(&json!({ "device": "KEEPER" })).send().await.unwrap();
    assert!(sent.status().is_success());
    // It reports on an association of its own.
    let row = eventually("pynetdicom has confirmed", || async {
        let queue: Value = reqwest::get(sen.url("/api/v1/queue?show=ended")).await.ok()?.json().await.ok()?;
        Some(queue["items"][0].clone()).filter(|row| row["commitment"] == "committed")
    })
    .await;
    assert_eq!((&row["state"], &row["moved"]), (&json!("done"), &json!(3)));
}
