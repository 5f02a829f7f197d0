//! A corrected patient, a moved series and a split study, read by dicomweb-client, pydicom and pynetdicom: every door
//! gives the same values, in whatever transfer syntax the receiver takes.

use std::path::Path;

use pacs_core::uid::Uid;
use reqwest::Client;
use serde_json::{Value, json};

use super::{device, script};
use crate::support::images::Study;
use crate::support::program::{Sen, Setup};
use crate::support::{free_ports, stow, tools};

/// Who a study is of, and what its images are.
struct Wanted<'a> {
    name: &'a str,
    id: &'a str,
    /// Each series with its instances.
    series: Vec<(Uid, Vec<Uid>)>,
    /// The instances that differ from what was sent.
    corrected: Vec<Uid>,
}

struct Reader<'a> {
    sen: &'a Sen,
    python: &'a Path,
    receiver_port: u16,
}

impl Reader<'_> {
    /// Asserts that the study says so everywhere.
    fn reads(&self, study: &str, wanted: &Wanted<'_>) {
        let texts = |uids: &[Uid]| uids.iter().map(Uid::to_string).collect::<Vec<_>>();
        let series: serde_json::Map<String, Value> =
            wanted.series.iter().map(|(series, uids)| (series.to_string(), json!(texts(uids)))).collect();
        let want = json!({
            "PatientName": wanted.name, "PatientID": wanted.id, "StudyDescription": "CT bụng",
            "series": series, "corrected": texts(&wanted.corrected),
        });
        let (url, port) = (self.sen.url("/dicomweb"), self.receiver_port.to_string());
        script(self.python, "corrected.py", self.sen, &[&url, &port, study], &want.to_string());
    }

    async fn ask(&self, path: &str, body: Value) -> Value {
        let answer = Client::new().post(self.sen.url(path)).json(&body).send().await.unwrap();
        let status = answer.status();
        assert!(status.is_success(), "{path}: {status} {}", answer.text().await.unwrap());
        answer.json().await.unwrap_or_default()
    }
}

fn instances(study: &Study) -> Vec<Uid> {
    (1..=study.slices).map(|slice| study.instance(slice)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn corrected_moved_and_split_studies_say_the_same_to_foreign_clients() {
    let Some(python) = tools::python() else { return };
    let (receiver_port, _) = free_ports();
    let sen = Setup::default().file(&device("RECEIVER", receiver_port)).start();
    let reader = Reader { sen: &sen, python: &python, receiver_port };
    let (one, other) = (Study::of("P1", "NGUYỄN^VĂN A"), Study::of("P2", "TRẦN^THỊ B"));
    for study in [&one, &other] {
        stow::push_study(&sen, study).await;
    }
    let of_one = vec![(one.series(), instances(&one))];
    let as_sent = Wanted { name: "NGUYỄN^VĂN A", id: "P1", series: of_one.clone(), corrected: Vec::new() };
    reader.reads(one.uid.as_str(), &as_sent);

    // The patient was another.
    let form = json!({
        "attributes": { "PatientName": "LÊ^THỊ ĐÚNG", "PatientID": "P9" }, "reason": "nhầm người"
    });
    reader.ask(&format!("/api/v1/studies/{}/corrections", one.uid), form).await;
    let patient = Wanted { name: "LÊ^THỊ ĐÚNG", id: "P9", series: of_one, corrected: instances(&one) };
    reader.reads(one.uid.as_str(), &patient);

    // One image belongs to a study of its own.
    let first = one.instance(1);
    let split = json!({ "instances": [first.as_str()], "reason": "hai ca" });
    let made = reader.ask(&format!("/api/v1/studies/{}/moves", one.uid), split).await;
    let new_study = made["studyUid"].as_str().unwrap();
    let listed = sen.url(&format!("/dicomweb/studies/{new_study}/series"));
    let listed: Value = reqwest::get(listed).await.unwrap().json().await.unwrap();
    let new_series = Uid::parse(listed[0]["0020000E"]["Value"][0].as_str().unwrap()).unwrap();
    let apart = Wanted { series: vec![(new_series, vec![first.clone()])], corrected: vec![first], ..patient };
    reader.reads(new_study, &apart);
    let left = vec![one.instance(2), one.instance(3)];
    let rest = Wanted { series: vec![(one.series(), left.clone())], corrected: left.clone(), ..apart };
    reader.reads(one.uid.as_str(), &rest);

    // What is left is of the other patient's study.
    let moved = json!({ "to": other.uid.as_str(), "series": [one.series().as_str()], "reason": "nhầm ca" });
    reader.ask(&format!("/api/v1/studies/{}/moves", one.uid), moved).await;
    let together = Wanted {
        name: "TRẦN^THỊ B",
        id: "P2",
        series: vec![(one.series(), left.clone()), (other.series(), instances(&other))],
        corrected: left,
    };
    reader.reads(other.uid.as_str(), &together);
}
