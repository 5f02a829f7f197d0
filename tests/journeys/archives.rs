//! Other archives asked and pulled from: DCMTK's by the command line, Orthanc by the pages' interface.

use std::process::{Child, Command, Stdio};

use pacs_core::uid::Uid;
use reqwest::{Client, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::images::Study;
use crate::support::program::{Sen, Setup};
use crate::support::{eventually, free_ports, tools};

/// DCMTK's archive.
struct Dcmqrscp {
    child: Child,
    port: u16,
    _folder: TempDir,
}

impl Drop for Dcmqrscp {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Dcmqrscp {
    async fn start(program: &std::path::Path, sen_port: u16) -> Self {
        let port = free_ports().0;
        let folder = tempfile::tempdir().unwrap();
        let store = folder.path().join("store");
        std::fs::create_dir(&store).unwrap();
        let configuration = format!(
            "NetworkTCPPort = {port}\nMaxPDUSize = 131072\nMaxAssociations = 16\n\
             HostTable BEGIN\nsen = (SEN, 127.0.0.1, {sen_port})\nHostTable END\n\
             VendorTable BEGIN\nVendorTable END\n\
             AETable BEGIN\nDCMQR {} RW (100, 1024mb) ANY\nAETable END\n",
            store.display()
        );
        let path = folder.path().join("dcmqrscp.cfg");
        std::fs::write(&path, configuration).unwrap();
        let child = Command::new(program)
            .args(["-c", path.to_str().unwrap()])
            .env("TCP_NODELAY", "1")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let archive = Self { child, port, _folder: folder };
        eventually("dcmqrscp listens", || async {
            tokio::net::TcpStream::connect(("127.0.0.1", port)).await.ok()
        })
        .await;
        archive
    }
}

async fn images_of(sen: &Sen, study: &Uid) -> usize {
    let url = sen.url(&format!("/dicomweb/studies/{study}/instances"));
    let answer = reqwest::get(url).await.unwrap();
    if answer.status() != StatusCode::OK {
        return 0;
    }
    answer.json::<Value>().await.unwrap().as_array().unwrap().len()
}

#[tokio::test]
async fn dcmtks_archive_is_queried_and_pulled_from_by_the_command_line() {
    let (Some(dcmqrscp), Some(storescu)) = (tools::program("dcmqrscp"), tools::program("storescu")) else {
        return;
    };
    let sen = Sen::start();
    let archive = Dcmqrscp::start(&dcmqrscp, sen.dimse.port()).await;
    let (moved, got) = (Study::of("P1", "NGUYỄN^VĂN A"), Study::of("P1", "NGUYỄN^VĂN A"));
    for (study, folder) in [(&moved, "one"), (&got, "two")] {
        study.write(&sen.folder().join(folder));
        let to = ["-aec", "DCMQR", "+sd", "127.0.0.1", &archive.port.to_string(), folder];
        tools::succeeded(&tools::run(&storescu, sen.folder(), &to));
    }
    let port = archive.port.to_string();
    tools::succeeded(&sen.run(&["device", "add", "DCMQR", "127.0.0.1", &port]));
    tools::succeeded(&sen.run(&["device", "echo", "DCMQR"]));
    let listed = tools::succeeded(&sen.run(&["query", "DCMQR", "--patient-id", "P1"]));
    assert!(listed.contains(moved.uid.as_str()) && listed.contains(got.uid.as_str()), "{listed}");
    assert!(listed.contains("NGUYỄN VĂN A"), "{listed}");
    let nothing = sen.run(&["query", "DCMQR"]);
    assert!(!nothing.status.success(), "an archive is not listed from end to end");

    let pulled = tools::succeeded(&sen.run(&["pull", "DCMQR", "--study", moved.uid.as_str()]));
    assert!(pulled.contains("3 images are here"), "{pulled}");
    assert_eq!(images_of(&sen, &moved.uid).await, 3);
    tools::succeeded(&sen.run(&["device", "add", "DCMQR", "127.0.0.1", &port, "--retrieve-by", "get"]));
    tools::succeeded(&sen.run(&["pull", "DCMQR", "--study", got.uid.as_str()]));
    assert_eq!(images_of(&sen, &got.uid).await, 3);
    let missing = sen.run(&["pull", "DCMQR", "--study", "1.2.3.4"]);
    assert!(!missing.status.success());
}

#[tokio::test]
async fn orthanc_is_asked_and_pulled_from_by_the_interface_of_the_pages() {
    let Some((program, http, dimse)) = super::orthanc::Orthanc::prepare() else { return };
    let device = format!("[[device]]\nae_title = 'ORTHANC'\nhost = '127.0.0.1'\nport = {dimse}\n");
    let sen = Setup::default().file(&device).start();
    let orthanc = super::orthanc::Orthanc::start(&program, http, dimse, &sen).await;
    let study = Study::of("P1", "NGUYỄN^VĂN A");
    let client = Client::new();
    orthanc.keep(&study).await;
    let ask = async |keys: Value| {
        let url = sen.url("/api/v1/archives/ORTHANC/queries");
        let asked = client.post(url).json(&keys).send().await.unwrap();
        assert_eq!(asked.status(), StatusCode::ACCEPTED);
        let id = asked.json::<Value>().await.unwrap()["id"].as_u64().unwrap();
        eventually("Orthanc has answered", || async {
            let url = sen.url(&format!("/api/v1/archives/queries/{id}"));
            let answer: Value = reqwest::get(url).await.ok()?.json().await.ok()?;
            (answer["state"] == "done").then_some(answer)
        })
        .await
    };
    let answer = ask(json!({ "patientId": "P1" })).await;
    let found = &answer["items"][0];
    assert_eq!(
        (&found["studyUid"], &found["patient"]["name"], &found["hereCount"]),
        (&json!(study.uid.as_str()), &json!("NGUYỄN VĂN A"), &json!(0))
    );
    let pull = client
        .post(sen.url("/api/v1/archives/ORTHANC/pull"))
        .json(&json!({ "studyUid": study.uid.as_str() }))
        .send()
        .await
        .unwrap();
    assert_eq!(pull.status(), StatusCode::ACCEPTED);
    eventually("the study is here", || async { (images_of(&sen, &study.uid).await == 3).then_some(()) })
        .await;
    assert_eq!(ask(json!({ "patientId": "P1" })).await["items"][0]["hereCount"], 3);
    let refused = client.post(sen.url("/api/v1/archives/ORTHANC/queries")).json(&json!({})).send();
    assert_eq!(refused.await.unwrap().status(), StatusCode::BAD_REQUEST);
}
