//! A corrected study is the same through every door, for clients that we did not write: before and after an
//! undo, and after the index was lost.

use std::path::Path;

use pacs_core::dataset::{self, DataSet, Limits, Until};
use pacs_core::{part10, tags, transfer_syntax};
use reqwest::Client;
use serde_json::{Value, json};

use crate::support::images::{Study, dataset_bytes};
use crate::support::program::{Sen, Setup};
use crate::support::receiver::Receiver;
use crate::support::{files_below, stow, tools};

pub async fn ask(sen: &Sen, path: &str, body: Value) -> Value {
    let answer = Client::new().post(sen.url(path)).json(&body).send().await.unwrap();
    assert!(answer.status().is_success(), "{path}: {} {}", answer.status(), answer.text().await.unwrap());
    answer.json().await.unwrap_or_default()
}

/// The newest act on a study that can be taken back.
pub async fn newest_act(sen: &Sen, study: &Study) -> i64 {
    let path = format!("/api/v1/studies/{}/acts", study.uid);
    let history: Value = reqwest::get(sen.url(&path)).await.unwrap().json().await.unwrap();
    let items = history["items"].as_array().unwrap();
    items.iter().find(|act| act["canUndo"] == true).unwrap()["actId"].as_i64().unwrap()
}

fn said(file: &[u8]) -> DataSet {
    let part10::HeadProgress::Head(head) = part10::read_head(file).unwrap() else { panic!("no head") };
    let content = &file[head.dataset_offset as usize..];
    let syntax = transfer_syntax::of(&head.transfer_syntax);
    dataset::read_slice(content, &syntax, &Limits::default(), Until::End).unwrap().data_set
}

/// Study, patient and number of items of Original Attributes Sequence of a file.
fn names(file: &[u8]) -> (String, String, usize) {
    let set = said(file);
    let text = |tag| set.text(tag).unwrap_or_default();
    let originals = set.items(tags::ORIGINAL_ATTRIBUTES_SEQUENCE).len();
    (text(tags::STUDY_INSTANCE_UID), text(tags::PATIENT_NAME), originals)
}

/// The study through every door: what C-FIND, C-GET, C-MOVE, QIDO-RS, metadata, WADO-RS and a ZIP say.
struct Doors<'a> {
    receiver: &'a Receiver,
}

impl Doors<'_> {
    /// Asserts that all of them say the same of the instances of `sent`, filed in the study `uid`.
    async fn say(&self, sen: &Sen, sent: &Study, uid: &str, name: &str, corrected: bool) {
        let want = (uid.to_owned(), name.to_owned(), usize::from(corrected));
        for (door, files) in [
            ("C-GET", self.get(sen, uid)),
            ("C-MOVE", self.moved(sen, uid)),
            ("WADO-RS", Self::retrieved(sen, uid).await),
        ] {
            let of_sent: Vec<_> = files
                .into_iter()
                .filter(|file| {
                    let instance = said(file).text(tags::SOP_INSTANCE_UID);
                    (1..=sent.slices).any(|slice| instance.as_deref() == Some(sent.instance(slice).as_str()))
                })
                .collect();
            assert_eq!(of_sent.len(), sent.slices as usize, "{door}");
            for file in &of_sent {
                assert_eq!(names(file), want, "{door}");
                let slice = (1..=sent.slices)
                    .find(|slice| file.ends_with(&sent.pixels(*slice)))
                    .unwrap_or_else(|| panic!("{door}: the pixels differ"));
                assert!(corrected || dataset_bytes(file) == dataset_bytes(&sent.slice(slice)), "{door}");
            }
        }
        let found = self.found(sen, uid);
        assert!(found.contains(name), "C-FIND: {found}");
        let qido =
            format!("/dicomweb/studies?StudyInstanceUID={uid}&PatientName={}", name.replace('^', "%5E"));
        let answer: Value = reqwest::get(sen.url(&qido)).await.unwrap().json().await.unwrap();
        assert_eq!(answer[0]["00100010"]["Value"][0]["Alphabetic"], *name, "QIDO-RS");
        let metadata = format!("/dicomweb/studies/{uid}/series/{}/metadata", sent.series());
        let sets: Value = reqwest::get(sen.url(&metadata)).await.unwrap().json().await.unwrap();
        for set in sets.as_array().unwrap() {
            assert_eq!(set["00100010"]["Value"][0]["Alphabetic"], *name, "metadata");
            assert_eq!(set["0020000D"]["Value"][0], *uid, "metadata");
            assert_eq!(set.get("04000561").is_some(), corrected, "metadata");
        }
    }

    fn found(&self, sen: &Sen, uid: &str) -> String {
        let findscu = tools::program("findscu").unwrap();
        let key = format!("StudyInstanceUID={uid}");
        let port = sen.dimse_port();
        let arguments = [
            "-S",
            "-aec",
            "SEN",
            "-k",
            "QueryRetrieveLevel=STUDY",
            "-k",
            &key,
            "-k",
            "PatientName",
            "127.0.0.1",
            &port,
        ];
        tools::succeeded(&tools::run(&findscu, sen.folder(), &arguments))
    }

    fn get(&self, sen: &Sen, uid: &str) -> Vec<Vec<u8>> {
        let getscu = tools::program("getscu").unwrap();
        let back = tempfile::tempdir().unwrap();
        let (key, port) = (format!("StudyInstanceUID={uid}"), sen.dimse_port());
        let folder = back.path().to_str().unwrap();
        let level = "QueryRetrieveLevel=STUDY";
        let arguments =
            ["-S", "-aec", "SEN", "-k", level, "-k", &key, "-od", folder, "+B", "127.0.0.1", &port];
        tools::succeeded(&tools::run(&getscu, sen.folder(), &arguments));
        files(back.path())
    }

    fn moved(&self, sen: &Sen, uid: &str) -> Vec<Vec<u8>> {
        let movescu = tools::program("movescu").unwrap();
        for file in files_below(self.receiver.folder()) {
            std::fs::remove_file(file).unwrap();
        }
        let (key, port) = (format!("StudyInstanceUID={uid}"), sen.dimse_port());
        let level = "QueryRetrieveLevel=STUDY";
        let arguments =
            ["-S", "-aec", "SEN", "-aem", "RECEIVER", "-k", level, "-k", &key, "127.0.0.1", &port];
        tools::succeeded(&tools::run(&movescu, sen.folder(), &arguments));
        files(self.receiver.folder())
    }

    /// The instances by WADO-RS, each by itself: its length is announced, and a part of it is a part of it.
    async fn retrieved(sen: &Sen, uid: &str) -> Vec<Vec<u8>> {
        let listed = format!("/dicomweb/studies/{uid}/instances");
        let listed: Value = reqwest::get(sen.url(&listed)).await.unwrap().json().await.unwrap();
        let mut all = Vec::new();
        for set in listed.as_array().unwrap() {
            let value = |key: &str| set[key]["Value"][0].as_str().unwrap().to_owned();
            let url = format!(
                "/dicomweb/studies/{uid}/series/{}/instances/{}",
                value("0020000E"),
                value("00080018")
            );
            let get =
                || Client::new().get(sen.url(&url)).header("accept", "application/dicom; transfer-syntax=*");
            let answer = get().send().await.unwrap();
            let (length, tag) = (answer.content_length(), answer.headers()["etag"].clone());
            let whole = answer.bytes().await.unwrap().to_vec();
            assert_eq!(length, Some(whole.len() as u64));
            let part = get().header("range", "bytes=300-999").send().await.unwrap();
            assert_eq!((part.status().as_u16(), part.content_length()), (206, Some(700)));
            assert!(part.bytes().await.unwrap() == whole[300..1000]);
            let held = get().header("if-none-match", tag).send().await.unwrap();
            assert_eq!(held.status(), 304);
            all.push(whole);
        }
        all
    }
}

fn files(folder: &Path) -> Vec<Vec<u8>> {
    files_below(folder).iter().map(|path| std::fs::read(path).unwrap()).collect()
}

#[tokio::test]
async fn a_corrected_study_is_the_same_through_every_door() {
    let all = ["findscu", "getscu", "movescu", "storescp"].map(tools::program);
    let [Some(_), Some(_), Some(_), Some(storescp)] = all else { return };
    let receiver = Receiver::start(&storescp).await;
    let sen = Setup::default().file(&receiver.device()).start();
    let doors = Doors { receiver: &receiver };
    let (wrong, right) = (Study::of("P1", "NGUYỄN^VĂN A"), Study::of("P2", "TRẦN^THỊ B"));
    stow::push_study(&sen, &wrong).await;
    stow::push_study(&sen, &right).await;
    let uid = wrong.uid.to_string();
    doors.say(&sen, &wrong, &uid, "NGUYỄN^VĂN A", false).await;

    let corrections = format!("/api/v1/studies/{uid}/corrections");
    let values = json!({ "attributes": { "PatientName": "LÊ^THỊ ĐÚNG", "PatientID": "P9" } });
    let preview = ask(&sen, &format!("{corrections}/preview"), values.clone()).await;
    assert_eq!(preview["changes"].as_array().unwrap().len(), 2);
    doors.say(&sen, &wrong, &uid, "NGUYỄN^VĂN A", false).await;
    let mut form = values;
    form["reason"] = "nhầm người".into();
    ask(&sen, &corrections, form).await;
    doors.say(&sen, &wrong, &uid, "LÊ^THỊ ĐÚNG", true).await;
    undo(&sen, newest_act(&sen, &wrong).await).await;
    doors.say(&sen, &wrong, &uid, "NGUYỄN^VĂN A", false).await;

    // The whole study belongs to another.
    let merge = json!({ "to": right.uid.as_str(), "all": true, "reason": "một ca, hai mã" });
    ask(&sen, &format!("/api/v1/studies/{uid}/moves"), merge).await;
    let into = right.uid.to_string();
    doors.say(&sen, &wrong, &into, "TRẦN^THỊ B", true).await;
    doors.say(&sen, &right, &into, "TRẦN^THỊ B", false).await;

    // The rows are lost; packs, spool and journal are there.
    let mut sen = sen;
    sen.signal("TERM");
    assert!(sen.wait().success());
    for file in ["sen.db", "sen.db-wal", "sen.db-shm"] {
        let file = sen.folder().join("data").join(file);
        if file.exists() {
            std::fs::remove_file(file).unwrap();
        }
    }
    tools::succeeded(&sen.run(&["reindex"]));
    let sen = sen.start_again();
    doors.say(&sen, &wrong, &into, "TRẦN^THỊ B", true).await;
    undo(&sen, newest_act(&sen, &right).await).await;
    doors.say(&sen, &wrong, &uid, "NGUYỄN^VĂN A", false).await;
    doors.say(&sen, &right, &into, "TRẦN^THỊ B", false).await;
}

pub async fn undo(sen: &Sen, act: i64) {
    ask(sen, &format!("/api/v1/acts/{act}/undo"), json!({ "reason": "thử" })).await;
}
