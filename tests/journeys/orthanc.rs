//! Debian's Orthanc as a peer: it pushes, queries and retrieves, and is pushed to and queried.

use std::process::{Child, Command, Stdio};

use reqwest::Client;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::images::{Study, dataset_bytes};
use crate::support::program::{Sen, Setup};
use crate::support::{eventually, free_ports, tools};

/// A running Orthanc, on a folder of its own.
pub struct Orthanc {
    child: Child,
    http: u16,
    dimse: u16,
    folder: TempDir,
}

impl Drop for Orthanc {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Orthanc {
    pub fn prepare() -> Option<(std::path::PathBuf, u16, u16)> {
        let program = tools::program("Orthanc")?;
        let (http, dimse) = free_ports();
        Some((program, http, dimse))
    }

    pub async fn start(program: &std::path::Path, http: u16, dimse: u16, sen: &Sen) -> Self {
        Self::start_with(program, http, dimse, sen, json!({})).await
    }

    /// With some keys of its configuration in place of ours.
    pub async fn start_with(
        program: &std::path::Path,
        http: u16,
        dimse: u16,
        sen: &Sen,
        other: Value,
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut configuration = json!({
            "Name": "peer",
            "StorageDirectory": folder.path().join("db"),
            "IndexDirectory": folder.path().join("db"),
            "Plugins": [],
            "MaximumStorageCacheSize": 0,
            "HttpPort": http,
            "DicomPort": dimse,
            "DicomAet": "ORTHANC",
            "DefaultEncoding": "Utf8",
            "RemoteAccessAllowed": false,
            "AuthenticationEnabled": false,
            "DicomAlwaysAllowStore": true,
            "DicomAlwaysAllowFind": true,
            "DicomAlwaysAllowGet": true,
            "DicomAlwaysAllowMove": true,
            "DicomModalities": { "sen": ["SEN", "127.0.0.1", sen.dimse.port()] },
        });
        for (key, value) in other.as_object().unwrap() {
            configuration[key] = value.clone();
        }
        let path = folder.path().join("orthanc.json");
        std::fs::write(&path, configuration.to_string()).unwrap();
        let child = Command::new(program)
            .arg(&path)
            .env("TCP_NODELAY", "1")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let orthanc = Self { child, http, dimse, folder };
        eventually("Orthanc answers", || async { reqwest::get(orthanc.url("/system")).await.ok() }).await;
        orthanc
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.http)
    }

    /// Where it keeps files.
    pub fn storage(&self) -> std::path::PathBuf {
        self.folder.path().join("db")
    }

    pub async fn post(&self, path: &str, body: Value) -> Value {
        let answer = Client::new().post(self.url(path)).json(&body).send().await.unwrap();
        let status = answer.status();
        let text = answer.text().await.unwrap();
        assert!(status.is_success(), "{path}: {status} {text}");
        serde_json::from_str(&text).unwrap_or(Value::Null)
    }

    /// Gives it all slices of a study.
    pub async fn keep(&self, study: &Study) {
        for slice in 1..=study.slices {
            let kept = Client::new().post(self.url("/instances")).body(study.slice(slice)).send().await;
            assert!(kept.unwrap().status().is_success());
        }
    }

    pub async fn instances(&self) -> Vec<String> {
        reqwest::get(self.url("/instances")).await.unwrap().json().await.unwrap()
    }
}

#[tokio::test]
async fn orthanc_is_told_that_its_images_are_safe() {
    let Some((program, http, dimse)) = Orthanc::prepare() else { return };
    let device = format!("[[device]]\nae_title = 'ORTHANC'\nhost = '127.0.0.1'\nport = {dimse}\n");
    let sen = Setup::default().file(&device).start();
    let orthanc = Orthanc::start(&program, http, dimse, &sen).await;
    let study = Study::of("P1", "NGUYỄN^VĂN A");
    orthanc.keep(&study).await;
    // It asks on an association of its own, and listens for the report on another.
    let form =
        json!({ "Resources": orthanc.instances().await, "StorageCommitment": true, "Synchronous": true });
    let stored = orthanc.post("/modalities/sen/store", form).await;
    let transaction = stored["StorageCommitmentTransactionUID"].as_str().expect("it asked").to_owned();
    let told = eventually("Orthanc has the report", || async {
        let path = orthanc.url(&format!("/storage-commitment/{transaction}"));
        let told: Value = reqwest::get(path).await.ok()?.json().await.ok()?;
        (told["Status"] != "Pending").then_some(told)
    })
    .await;
    assert_eq!((&told["Status"], &told["RemoteAET"]), (&json!("Success"), &json!("SEN")), "{told}");
    assert_eq!(told["Success"].as_array().unwrap().len(), study.slices as usize);
}

#[tokio::test]
async fn orthanc_pushes_queries_and_retrieves() {
    let Some((program, http, dimse)) = Orthanc::prepare() else { return };
    let device = format!("[[device]]\nae_title = 'ORTHANC'\nhost = '127.0.0.1'\nport = {dimse}\n");
    let sen = Setup::default().variable("SEN_UNKNOWN_AE", "reject").file(&device).start();
    let orthanc = Orthanc::start(&program, http, dimse, &sen).await;
    assert_eq!(orthanc.dimse, dimse);

    // Orthanc to Sen.
    let study = Study::of("P1", "NGUYỄN^VĂN A");
    let client = Client::new();
    orthanc.keep(&study).await;
    orthanc.post("/modalities/sen/echo", json!({})).await;
    let stored = orthanc.post("/modalities/sen/store", json!(orthanc.instances().await)).await;
    assert_eq!(stored["FailedInstancesCount"], 0, "{stored}");
    let path = format!("/dicomweb/studies/{}/instances", study.uid);
    let found: Value = reqwest::get(sen.url(&path)).await.unwrap().json().await.unwrap();
    assert_eq!(found.as_array().unwrap().len(), 3);

    // Orthanc asks Sen, then has it sent back.
    for id in orthanc.instances().await {
        client.delete(orthanc.url(&format!("/instances/{id}"))).send().await.unwrap();
    }
    let query = orthanc
        .post(
            "/modalities/sen/query",
            json!({ "Level": "Study", "Query": { "PatientID": "P1", "PatientName": "nguyen van a" } }),
        )
        .await;
    let query_path = query["Path"].as_str().expect("a query").to_owned();
    let answers: Vec<String> =
        reqwest::get(orthanc.url(&format!("{query_path}/answers"))).await.unwrap().json().await.unwrap();
    assert_eq!(answers.len(), 1);
    orthanc
        .post(&format!("{query_path}/retrieve"), json!({ "TargetAet": "ORTHANC", "Synchronous": true }))
        .await;
    let back = orthanc.instances().await;
    assert_eq!(back.len(), 3);
    for id in back {
        let file =
            reqwest::get(orthanc.url(&format!("/instances/{id}/file"))).await.unwrap().bytes().await.unwrap();
        let is_one_of_ours = (1..=3).any(|slice| dataset_bytes(&study.slice(slice)) == dataset_bytes(&file));
        assert!(is_one_of_ours, "instance {id} came back changed");
    }

    // Whoever is not configured stays out.
    let Some(echoscu) = tools::program("echoscu") else { return };
    let stranger = tools::run(
        &echoscu,
        sen.folder(),
        &["-aec", "SEN", "-aet", "STRANGER", "127.0.0.1", &sen.dimse_port()],
    );
    assert!(!stranger.status.success(), "a stranger was let in");
}

#[tokio::test]
async fn sen_echoes_to_orthanc_and_sends_there() {
    let Some((program, http, dimse)) = Orthanc::prepare() else { return };
    let (Some(storescu), Some(movescu)) = (tools::program("storescu"), tools::program("movescu")) else {
        return;
    };
    let device = format!("[[device]]\nae_title = 'ORTHANC'\nhost = '127.0.0.1'\nport = {dimse}\n");
    let sen = Setup::default().file(&device).start();
    let orthanc = Orthanc::start(&program, http, dimse, &sen).await;
    tools::succeeded(&sen.run(&["device", "echo", "ORTHANC"]));

    let study = Study::of("P1", "NGUYỄN^VĂN A");
    study.write(&sen.folder().join("ct"));
    tools::succeeded(&tools::run(
        &storescu,
        sen.folder(),
        &["-aec", "SEN", "+sd", "127.0.0.1", &sen.dimse_port(), "ct"],
    ));
    let key = format!("StudyInstanceUID={}", study.uid);
    let arguments = [
        "-S",
        "-aec",
        "SEN",
        "-aem",
        "ORTHANC",
        "-k",
        "QueryRetrieveLevel=STUDY",
        "-k",
        &key,
        "127.0.0.1",
        &sen.dimse_port(),
    ];
    tools::succeeded(&tools::run(&movescu, sen.folder(), &arguments));
    assert_eq!(orthanc.instances().await.len(), 3);
}

#[tokio::test]
async fn bench_pushes_to_queries_and_retrieves_from_another_pacs() {
    let Some((program, http, dimse)) = Orthanc::prepare() else { return };
    let sen = Sen::start();
    let orthanc = Orthanc::start(&program, http, dimse, &sen).await;
    let peer = format!("127.0.0.1:{dimse}");
    let bench = |work: &str, arguments: &[&str]| {
        let to_peer = ["bench", work, "--to", &peer, "--called", "ORTHANC"];
        tools::succeeded(&sen.run(&[&to_peer, arguments].concat()))
    };
    let stored = bench("store", &["--images", "12", "--associations", "2"]);
    assert!(stored.contains("images/s"), "{stored}");
    assert_eq!(orthanc.instances().await.len(), 12);
    let found = bench("find", &["--seconds", "1"]);
    assert!(
        found.contains("C-FIND study, PatientID") && found.contains("C-FIND images of a series"),
        "{found}"
    );
    let studies: Value = reqwest::get(orthanc.url("/studies?expand")).await.unwrap().json().await.unwrap();
    let study = studies[0]["MainDicomTags"]["StudyInstanceUID"].as_str().unwrap();
    let retrieved = bench("retrieve", &["--study", study, "--rounds", "1"]);
    assert!(retrieved.contains("C-GET"), "{retrieved}");
}
