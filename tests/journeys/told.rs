//! What other systems are told and asked by themselves: Orthanc keeps what is sent to it and says so, pynetdicom
//! hears of performed steps and available images, DCMTK receives what a rule sends.

use std::path::Path;
use std::process::{Child, Command};

use dimse_scp::dimse::{CommandField, CommandSet, Status, command::element};
use dimse_scp::scu::{Association, Options, Proposal, Target};
use pacs_core::dataset::DataSet;
use pacs_core::uid::{AeTitle, Uid};
use pacs_core::{Tag, tags, uids};
use reqwest::Client;
use serde_json::{Value, json};

use super::orthanc::Orthanc;
use crate::support::images::Study;
use crate::support::program::Setup;
use crate::support::receiver::Receiver;
use crate::support::{eventually, files_below, free_ports, stow, tools};

#[tokio::test]
async fn orthanc_confirms_that_it_keeps_what_was_sent() {
    let Some((program, http, dimse)) = Orthanc::prepare() else { return };
    let device =
        format!("[[device]]\nae_title = 'ORTHANC'\nhost = '127.0.0.1'\nport = {dimse}\ncommitment = true\n");
    let sen = Setup::default().file(&device).start();
    let orthanc = Orthanc::start(&program, http, dimse, &sen).await;
    let study = Study::of("P1", "NGUYỄN^VĂN A");
    stow::push_study(&sen, &study).await;
    let url = sen.url(&format!("/api/v1/studies/{}/send", study.uid));
    let sent = Client::new().post(url).json(&json!({ "device": "ORTHANC" })).send().await.unwrap();
    assert!(sent.status().is_success());
    // It reports on an association of its own.
    let row = eventually("Orthanc has confirmed", || async {
        let queue: Value = reqwest::get(sen.url("/api/v1/queue?show=ended")).await.ok()?.json().await.ok()?;
        Some(queue["items"][0].clone()).filter(|row| row["commitment"] == "committed")
    })
    .await;
    assert_eq!((&row["state"], &row["moved"]), (&json!("done"), &json!(3)));
    assert_eq!(orthanc.instances().await.len(), 3);
}

/// pynetdicom as a system that is told.
pub(super) struct Listener {
    child: Child,
    pub(super) port: u16,
    heard: std::path::PathBuf,
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Listener {
    pub(super) async fn start(python: &Path, folder: &Path) -> Self {
        let port = free_ports().0;
        let heard = folder.join("heard");
        Self { child: Self::listen(python, port, &heard).await, port, heard }
    }

    async fn listen(python: &Path, port: u16, heard: &Path) -> Child {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python/told.py");
        let mut command = Command::new(python);
        let child =
            command.arg(script).args([&port.to_string(), "RIS"]).arg(heard).spawn().expect("Python runs");
        eventually("the listener listens", || async {
            tokio::net::TcpStream::connect(("127.0.0.1", port)).await.ok()
        })
        .await;
        child
    }

    /// Hears nothing more.
    pub(super) fn stop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Hears again, at the same port.
    pub(super) async fn start_again(&mut self, python: &Path) {
        self.child = Self::listen(python, self.port, &self.heard).await;
    }

    /// What it has heard: what it was, about which instance, and the attributes.
    pub(super) fn heard(&self) -> Vec<(String, String, Value)> {
        let text = std::fs::read_to_string(&self.heard).unwrap_or_default();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

fn with(values: &[(Tag, &str)]) -> DataSet {
    let mut set = DataSet::new();
    values.iter().for_each(|(tag, value)| set.put_text(*tag, value));
    set
}

async fn report(console: &mut Association, field: CommandField, step: &Uid, set: &DataSet) {
    let class = Uid::parse(uids::MODALITY_PERFORMED_PROCEDURE_STEP).unwrap();
    let (of_class, of_instance) = match field {
        CommandField::NCreate => (element::AFFECTED_SOP_CLASS_UID, element::AFFECTED_SOP_INSTANCE_UID),
        _ => (element::REQUESTED_SOP_CLASS_UID, element::REQUESTED_SOP_INSTANCE_UID),
    };
    let complete = |command: CommandSet| command.with_uid(of_class, &class).with_uid(of_instance, step);
    let (response, _) = console.normalized(field, &class, complete, Some(set)).await.unwrap();
    assert_eq!(response.status(), Some(Status::SUCCESS));
}

#[tokio::test]
async fn pynetdicom_hears_of_performed_steps_and_of_available_images() {
    let Some(python) = tools::python() else { return };
    let folder = tempfile::tempdir().unwrap();
    let listener = Listener::start(&python, folder.path()).await;
    let device = format!(
        "[[device]]\nae_title = 'RIS'\nhost = '127.0.0.1'\nport = {}\nperformed_steps = true\navailability = true\n",
        listener.port
    );
    let sen = Setup::default().variable("SEN_SETTLE_AFTER_SECONDS", "1").file(&device).start();
    let study = Study::of("P1", "NGUYỄN^VĂN A");
    let step = Uid::generate(rand::random());
    let target = Target {
        address: sen.dimse.to_string(),
        calling_ae: AeTitle::parse("CT1").unwrap(),
        called_ae: AeTitle::parse("SEN").unwrap(),
    };
    let class = Uid::parse(uids::MODALITY_PERFORMED_PROCEDURE_STEP).unwrap();
    let proposal = Proposal::for_messages(class).unwrap();
    let mut console = Association::connect(&target, &[proposal], &Options::default()).await.unwrap();
    let mut begun = with(&[
        (tags::SPECIFIC_CHARACTER_SET, "ISO_IR 192"),
        (tags::PATIENT_NAME, "NGUYỄN^VĂN A"),
        (tags::PERFORMED_PROCEDURE_STEP_ID, "PPS1"),
        (tags::PERFORMED_STATION_AE_TITLE, "CT1"),
        (tags::PERFORMED_PROCEDURE_STEP_START_DATE, "20261123"),
        (tags::PERFORMED_PROCEDURE_STEP_START_TIME, "0930"),
        (tags::PERFORMED_PROCEDURE_STEP_STATUS, "IN PROGRESS"),
        (tags::MODALITY, "CT"),
    ]);
    let request = with(&[(tags::STUDY_INSTANCE_UID, study.uid.as_str())]);
    begun.put_items(tags::SCHEDULED_STEP_ATTRIBUTES_SEQUENCE, vec![request]);
    report(&mut console, CommandField::NCreate, &step, &begun).await;
    let mut completed = with(&[
        (tags::PERFORMED_PROCEDURE_STEP_STATUS, "COMPLETED"),
        (tags::PERFORMED_PROCEDURE_STEP_END_DATE, "20261123"),
        (tags::PERFORMED_PROCEDURE_STEP_END_TIME, "0940"),
    ]);
    let series_uid = study.series();
    let series = with(&[(tags::SERIES_INSTANCE_UID, series_uid.as_str()), (tags::PROTOCOL_NAME, "ABDOMEN")]);
    completed.put_items(tags::PERFORMED_SERIES_SEQUENCE, vec![series]);
    report(&mut console, CommandField::NSet, &step, &completed).await;
    console.release().await.unwrap();
    stow::push_study(&sen, &study).await;

    let told = || async {
        Some(listener.heard()).filter(|heard| heard.iter().any(|(what, ..)| what == "available"))
    };
    let heard = eventually("it has heard of the images", told).await;
    let words: Vec<&str> = heard.iter().map(|(what, ..)| what.as_str()).collect();
    assert_eq!(words, ["begun", "changed", "available"]);
    assert!(heard[..2].iter().all(|(_, uid, _)| *uid == step.as_str()));
    assert_eq!(heard[0].2["00100010"]["Value"][0]["Alphabetic"], "NGUYỄN^VĂN A");
    assert_eq!(heard[1].2["00400252"]["Value"][0], "COMPLETED");
    let available = &heard[2].2;
    assert_eq!(available["0020000D"]["Value"][0], study.uid.as_str());
    let instances = available["00081115"]["Value"][0]["00081199"]["Value"].as_array().unwrap();
    assert_eq!(instances.len(), 3);
    assert_eq!(instances[0]["00080056"]["Value"][0], "ONLINE");
    assert_eq!(available["00081111"]["Value"][0]["00081155"]["Value"][0], step.as_str());
}

#[tokio::test]
async fn a_rule_of_the_file_sends_what_has_come_to_dcmtk() {
    let Some(storescp) = tools::program("storescp") else { return };
    let receiver = Receiver::start(&storescp).await;
    let route = "[[route]]\nname = 'CT'\nto = 'RECEIVER'\nmodality = ['CT']\n\
                 [[route]]\nname = 'MR'\nto = 'NOBODY'\nmodality = ['MR']\n";
    let sen =
        Setup::default().variable("SEN_SETTLE_AFTER_SECONDS", "1").file(&(receiver.device() + route)).start();
    let study = Study::of("P1", "NGUYỄN^VĂN A");
    stow::push_study(&sen, &study).await;
    let arrived = || async { Some(files_below(receiver.folder()).len()).filter(|count| *count == 3) };
    eventually("all images are there", arrived).await;
    let queue: Value = reqwest::get(sen.url("/api/v1/queue?show=ended")).await.unwrap().json().await.unwrap();
    let rows = queue["items"].as_array().unwrap();
    assert!(rows.iter().all(|row| row["originName"] == "CT"), "{rows:?}");
    let routes: Value = reqwest::get(sen.url("/api/v1/routes")).await.unwrap().json().await.unwrap();
    assert_eq!(routes["items"][0]["source"], "file");
}
