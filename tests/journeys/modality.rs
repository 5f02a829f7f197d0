//! A modality's whole day, as pynetdicom lives it: the worklist, a performed step, images, and the
//! question whether they are safe.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::support::program::{Sen, Setup};
use crate::support::{free_ports, orders, tools};

/// The modality, known by its address.
struct Modality {
    port: u16,
}

impl Modality {
    fn new() -> Self {
        Self { port: free_ports().0 }
    }

    fn device(&self) -> String {
        let port = self.port;
        format!("[[device]]\nae_title = 'CT1'\nhost = '127.0.0.1'\nport = {port}\nmodality = 'CT'\n")
    }

    /// One act of its day.
    fn does(&self, python: &Path, sen: &Sen, act: &str) {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python/modality_day.py");
        let output = Command::new(python)
            .arg(script)
            .args(["127.0.0.1", &sen.dimse_port(), act, &self.port.to_string()])
            .current_dir(sen.folder())
            .output()
            .expect("Python runs");
        tools::succeeded(&output);
    }
}

async fn label(sen: &Sen, exam: &Value) -> String {
    let date = exam["scheduledAt"].as_str().unwrap().split('T').next().unwrap();
    let path = sen.url(&format!("/api/v1/worklist?date={date}"));
    let list: Value = reqwest::get(path).await.unwrap().json().await.unwrap();
    let rows = list["items"].as_array().unwrap();
    let row = rows.iter().find(|row| row["examId"] == exam["examId"]).expect("the exam of the order");
    row["label"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_modality_reports_its_step_and_is_told_that_its_images_are_safe() {
    let Some(python) = tools::python() else { return };
    let modality = Modality::new();
    let sen = Setup::default().file(&modality.device()).start();
    let form = json!({
        "patient": { "id": "P1", "name": "NGUYỄN^VĂN A", "birthDate": "1980-01-02", "sex": "M" },
        "procedure": { "code": "CT.BUNG", "name": "CT bụng", "modality": "CT" },
        "station": { "aeTitle": "CT1" },
        "scheduledAt": "2026-11-23T09:30",
    });
    let exam = orders::place(&sen, &form).await;
    assert_eq!(label(&sen, &exam).await, "scheduled");
    modality.does(&python, &sen, "begin");
    assert_eq!(label(&sen, &exam).await, "inProgress");
    modality.does(&python, &sen, "images");
    assert_eq!(label(&sen, &exam).await, "toVerify");
    modality.does(&python, &sen, "stay");
    modality.does(&python, &sen, "leave");
    // Nobody listens, and the power fails: the report is owed all the same.
    modality.does(&python, &sen, "ask");
    let sen = sen.kill().start();
    modality.does(&python, &sen, "listen");
    assert_eq!(label(&sen, &exam).await, "toVerify");
}
