//! A hospital loses everything, and gets it back.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::Path;

use reqwest::{Client, StatusCode};
use serde_json::{Value, json};

use crate::corrections::{ask, newest_act, undo};
use crate::support::images::Study;
use crate::support::program::{Sen, Setup};
use crate::support::services::Services;
use crate::support::{eventually, files_below, orders, stow, tools};

/// What people and programs see of an archive.
#[derive(Debug, PartialEq)]
struct Seen {
    studies: Value,
    worklist: Value,
    images: Images,
    users: String,
    devices: String,
}

/// What is seen of the images.
#[derive(Debug, PartialEq)]
struct Images {
    /// Each with its study, and the number and a checksum of its bytes.
    instances: Vec<(String, String, usize, u64)>,
    /// Of every study its metadata, what of it is corrected, and what people did to it.
    said: Vec<[String; 3]>,
    /// The patient whose record another was merged into.
    record: String,
    gone: Vec<StatusCode>,
}

struct Hospital {
    kept: Vec<Study>,
    /// Was filed in the second of `kept`.
    merged: Study,
    /// Study Instance UIDs of all that is shown.
    shown: Vec<String>,
    /// Those that were rejected or deleted.
    gone: Vec<Study>,
    /// The key of a patient that another was merged into.
    record: i64,
    /// The day it was opened: another one may begin meanwhile.
    today: String,
}

impl Hospital {
    async fn open(sen: &Sen) -> Self {
        let today = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::fixed(jiff::tz::offset(7)));
        let form = json!({
            "patient": { "id": "P1", "name": "NGUYỄN^VĂN A", "birthDate": "1980-01-02", "sex": "M" },
            "procedure": { "code": "CT.BUNG", "name": "CT bụng", "modality": "CT" },
            "station": { "aeTitle": "CT1" },
            "scheduledAt": today.strftime("%Y-%m-%dT09:30").to_string(),
        });
        let today = today.strftime("%Y-%m-%d").to_string();
        let row = orders::place(sen, &form).await;
        let accession = row["accessionNumber"].as_str().unwrap();
        let ordered = Study::of("P1", "NGUYỄN^VĂN A").accession_number(accession);
        let walked_in = Study::of("P2", "TRẦN^THỊ B");
        let split = Study::of("P5", "VŨ^VĂN E");
        let mut hospital = Self {
            kept: vec![ordered, walked_in, split],
            merged: Study::of("P6", "TRẦN^THỊ B"),
            shown: Vec::new(),
            gone: vec![Study::of("P3", "LÊ^VĂN C"), Study::of("P4", "PHẠM^THỊ D")],
            record: 0,
            today,
        };
        for study in hospital.kept.iter().chain([&hospital.merged]).chain(&hospital.gone) {
            stow::push_study(sen, study).await;
        }
        hospital.shown = hospital.kept.iter().map(|study| study.uid.to_string()).collect();
        reject(sen, &hospital.gone[0]).await;
        reject(sen, &hospital.gone[1]).await;
        delete(sen, &hospital.gone[1]).await;
        hospital.put_right(sen).await;
        let user = ["user", "add", "lan", "--role", "radiographer"];
        tools::succeeded(&sen.run_with_input(&user, "mật khẩu dài\n"));
        tools::succeeded(&sen.run(&["device", "add", "CT1", "127.0.0.1", "11112", "--modality", "CT"]));
        hospital
    }

    /// Corrects, merges, moves, and takes back.
    async fn put_right(&mut self, sen: &Sen) {
        let [ordered, walked_in, split] = self.kept.as_slice() else { panic!("three are kept") };
        correct(sen, ordered, "NGUYỄN^VĂN AN").await;
        correct(sen, split, "VŨ^VĂN EM").await;
        undo(sen, newest_act(sen, split).await).await;
        let merge = json!({ "to": walked_in.uid.as_str(), "all": true, "reason": "một ca, hai mã" });
        ask(sen, &format!("/api/v1/studies/{}/moves", self.merged.uid), merge).await;
        let part = json!({ "instances": [split.instance(2).as_str()], "reason": "ảnh của người khác" });
        let moved = ask(sen, &format!("/api/v1/studies/{}/moves", split.uid), part).await;
        self.shown.push(moved["studyUid"].as_str().unwrap().to_owned());
        // Two records are one person's.
        let mut records = Vec::new();
        for number in ["P1", "P5"] {
            let found = ask(sen, "/api/v1/patients/search", json!({ "q": number })).await;
            records.push(found["items"][0]["recordId"].as_i64().unwrap());
        }
        self.record = records[0];
        let into = json!({ "into": self.record, "reason": "cùng một người" });
        ask(sen, &format!("/api/v1/patients/{}/merge", records[1]), into).await;
    }

    /// What happens after a backup: images come, and are corrected, deleted, and filed where they were.
    async fn go_on(&mut self, sen: &Sen) {
        let (new, short_lived) = (Study::of("P7", "ĐỖ^THỊ G"), Study::of("P8", "HỒ^VĂN H"));
        stow::push_study(sen, &new).await;
        stow::push_study(sen, &short_lived).await;
        correct(sen, &new, "ĐỖ^THỊ GIANG").await;
        correct(sen, &self.kept[0], "NGUYỄN^VĂN ANH").await;
        undo(sen, newest_act(sen, &self.kept[1]).await).await;
        self.shown.extend([new.uid.to_string(), self.merged.uid.to_string()]);
        reject(sen, &short_lived).await;
        delete(sen, &short_lived).await;
        self.gone.push(short_lived);
        has_settled(sen).await;
    }

    async fn images(&self, sen: &Sen) -> Images {
        let get = async |path: &str| {
            let accept = "application/dicom; transfer-syntax=*";
            let asked = Client::new().get(sen.url(path));
            let asked = if path.contains("/instances/") { asked.header("accept", accept) } else { asked };
            let answer = asked.send().await.unwrap();
            assert_eq!(answer.status(), 200, "{path}");
            answer.bytes().await.unwrap()
        };
        // Another start has another port.
        let own = sen.url("");
        let text = async |path: &str| {
            String::from_utf8(get(path).await.to_vec()).unwrap().replace(own.trim_end_matches('/'), "")
        };
        let (mut instances, mut said) = (Vec::new(), Vec::new());
        for study in &self.shown {
            let listed: Value =
                serde_json::from_str(&text(&format!("/dicomweb/studies/{study}/instances")).await).unwrap();
            assert!(!listed.as_array().unwrap().is_empty(), "{study}");
            for set in listed.as_array().unwrap() {
                let value = |key: &str| set[key]["Value"][0].as_str().unwrap().to_owned();
                let (series, instance) = (value("0020000E"), value("00080018"));
                let file =
                    get(&format!("/dicomweb/studies/{study}/series/{series}/instances/{instance}")).await;
                let mut hasher = DefaultHasher::new();
                file.hash(&mut hasher);
                instances.push((study.clone(), instance, file.len(), hasher.finish()));
            }
            said.push([
                text(&format!("/dicomweb/studies/{study}/metadata")).await,
                text(&format!("/api/v1/studies/{study}/corrections")).await,
                text(&format!("/api/v1/studies/{study}/acts")).await,
            ]);
        }
        instances.sort();
        let record = text(&format!("/api/v1/patients/{}", self.record)).await;
        let mut gone = Vec::new();
        for study in &self.gone {
            let path = format!("/dicomweb/studies/{}/metadata", study.uid);
            gone.push(reqwest::get(sen.url(&path)).await.unwrap().status());
        }
        Images { instances, said, record, gone }
    }

    async fn seen(&self, sen: &Sen) -> Seen {
        let json =
            async |path: &str| -> Value { reqwest::get(sen.url(path)).await.unwrap().json().await.unwrap() };
        Seen {
            studies: json("/api/v1/studies").await,
            worklist: json(&format!("/api/v1/worklist?date={}", self.today)).await["items"].take(),
            images: self.images(sen).await,
            users: tools::succeeded(&sen.run(&["user", "list"])),
            devices: tools::succeeded(&sen.run(&["device", "list"])),
        }
    }
}

/// Waits until all is in packs: what still lies in the spool is in a backup as a whole alone.
async fn has_settled(sen: &Sen) {
    let spool = sen.folder().join("data/spool");
    eventually("all has settled", || async {
        let left = files_below(&spool);
        left.iter().all(|path| path.extension().is_none_or(|kind| kind != "tar")).then_some(())
    })
    .await;
}

async fn correct(sen: &Sen, study: &Study, name: &str) {
    let form = json!({ "attributes": { "PatientName": name }, "reason": "sai tên" });
    ask(sen, &format!("/api/v1/studies/{}/corrections", study.uid), form).await;
}

async fn reject(sen: &Sen, study: &Study) {
    let path = format!("/dicomweb/studies/{}/reject/113037^DCM", study.uid);
    assert_eq!(Client::new().post(sen.url(&path)).send().await.unwrap().status(), 200);
}

async fn delete(sen: &Sen, study: &Study) {
    let path = format!("/dicomweb/studies/{}", study.uid);
    assert!(Client::new().delete(sen.url(&path)).send().await.unwrap().status().is_success());
}

fn wipe(folder: &Path) {
    std::fs::remove_dir_all(folder.join("data")).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hospital_that_lost_everything_gets_it_back() {
    let sen = Setup::default().variable("SEN_SETTLE_AFTER_SECONDS", "0").start();
    let hospital = Hospital::open(&sen).await;
    let seen = hospital.seen(&sen).await;
    assert_eq!(seen.images.gone, [StatusCode::NOT_FOUND; 2]);
    assert!(seen.images.said[0][1].contains("NGUYỄN^VĂN AN"), "{:?}", seen.images.said[0]);
    let elsewhere = tempfile::tempdir().unwrap();
    let place = elsewhere.path().to_str().unwrap();
    let taken = tools::succeeded(&sen.run(&["backup", "--to", place]));
    assert!(taken.contains("segments of the spool") && taken.contains("0 older"), "{taken}");
    let again = tools::succeeded(&sen.run(&["backup", "--to", place]));
    assert!(!again.is_empty());
    let listed = tools::succeeded(&sen.run(&["backup", "--list", "--to", place]));
    assert_eq!(listed.matches("good").count(), 2, "{listed}");
    let checked = tools::succeeded(&sen.run(&["backup", "--check", "--to", place]));
    assert!(checked.contains("0 damaged"), "{checked}");
    let doctor = tools::succeeded(&sen.run(&["doctor"]));
    assert!(doctor.contains("ok    backup"), "{doctor}");

    let setup = sen.kill();
    let refused = setup.run(&["restore", "--from", place]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(tools::said(&refused).contains("not empty"), "{}", tools::said(&refused));
    wipe(setup.folder());
    let nowhere = setup.run(&["restore"]);
    assert_eq!(nowhere.status.code(), Some(1), "{}", tools::said(&nowhere));
    assert!(files_below(&setup.folder().join("data")).is_empty(), "nothing was touched");
    tools::succeeded(&setup.run(&["restore", "--from", place]));
    tools::succeeded(&setup.run(&["verify"]));
    let sen = setup.variable("SEN_AUTH", "on").start();
    let session = json!({ "user": "lan", "password": "mật khẩu dài" });
    let signed_in = Client::new().post(sen.url("/api/v1/session")).json(&session).send().await.unwrap();
    assert_eq!(signed_in.status(), 200, "who had an account has it");
    let sen = sen.kill().variable("SEN_AUTH", "off").start();
    assert_eq!(hospital.seen(&sen).await, seen);
}

/// The last backup was broken off before its end: what it had copied is indexed, and what people did is done again.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_newer_than_the_last_backup_comes_back_too() {
    let sen = Setup::default().variable("SEN_SETTLE_AFTER_SECONDS", "0").start();
    let mut hospital = Hospital::open(&sen).await;
    let elsewhere = tempfile::tempdir().unwrap();
    let place = elsewhere.path().to_str().unwrap();
    tools::succeeded(&sen.run(&["backup", "--to", place]));
    let before = hospital.images(&sen).await;
    hospital.go_on(&sen).await;
    let seen = hospital.seen(&sen).await;
    assert_ne!(seen.images.said[0], before.said[0]);
    let taken = tools::succeeded(&sen.run(&["backup", "--to", place]));
    let snapshot = taken.split(':').next().unwrap();
    let manifest = elsewhere.path().join("snapshots").join(snapshot).join("manifest.jsonl");
    std::fs::remove_file(manifest).unwrap();

    let setup = sen.kill();
    wipe(setup.folder());
    let restored = tools::succeeded(&setup.run(&["restore", "--from", place]));
    assert!(!restored.contains(snapshot) && !restored.contains(" 0 instances"), "{restored}");
    tools::succeeded(&setup.run(&["verify"]));
    let sen = setup.start();
    let again = hospital.seen(&sen).await;
    assert_eq!(again.images, seen.images);
    assert_eq!((again.users, again.devices), (seen.users, seen.devices));
}

/// A trial of a restore lives on beside its original, and both are backed up to one place.
#[tokio::test(flavor = "multi_thread")]
async fn a_restore_says_what_it_leaves_out_and_whose_it_is() {
    let elsewhere = tempfile::tempdir().unwrap();
    let place = elsewhere.path().to_str().unwrap();
    let begin = || Setup::default().variable("SEN_SETTLE_AFTER_SECONDS", "0");
    // Takes a study in, and then a backup; answers its name.
    let go_on = async |sen: &Sen, number: &str| {
        stow::push_study(sen, &Study::of(number, "NGUYỄN^VĂN A")).await;
        has_settled(sen).await;
        let taken = tools::succeeded(&sen.run(&["backup", "--to", place]));
        taken.split(':').next().unwrap().to_owned()
    };
    let original = begin().start();
    go_on(&original, "P1").await;
    let trial = begin();
    tools::succeeded(&trial.run(&["restore", "--from", place]));
    let trial = trial.start();
    let of_trial = go_on(&trial, "P2").await;
    let of_original = go_on(&original, "P3").await;

    let unsaid = begin().run(&["restore", "--from", place]);
    assert_eq!(unsaid.status.code(), Some(1));
    assert!(tools::said(&unsaid).contains("two archives"), "{}", tools::said(&unsaid));
    for (snapshot, whose) in [
        (&of_original, " objects, which the archive that was restored with the mark "),
        (&of_trial, " objects, which the original archive has written"),
    ] {
        let restored = tools::succeeded(&begin().run(&["restore", "--from", place, snapshot]));
        let left_out: Vec<&str> = restored.lines().filter(|line| line.starts_with("left out: ")).collect();
        assert!(matches!(&left_out[..], [one] if one.contains(whose)), "{restored}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_province_over_postgresql_and_s3_gets_it_back_too() {
    let Some(services) = Services::fresh().await else { return };
    let Some(setup) = services.setup() else { return };
    let place = services.backups();
    let sen = setup.variable("SEN_SETTLE_AFTER_SECONDS", "0").variable("SEN_BACKUP_URL", &place).start();
    let hospital = Hospital::open(&sen).await;
    let seen = hospital.seen(&sen).await;
    tools::succeeded(&sen.run(&["backup"]));
    let checked = tools::succeeded(&sen.run(&["backup", "--check"]));
    assert!(checked.contains("0 damaged"), "{checked}");
    let setup = sen.kill();
    wipe(setup.folder());
    let Some(empty) = services.database("second") else { return };
    let setup =
        setup.variable("SEN_DATABASE_URL", &empty).variable("SEN_STORAGE_URL", &services.empty_objects());
    tools::succeeded(&setup.run(&["restore"]));
    let sen = setup.start();
    assert_eq!(hospital.seen(&sen).await, seen);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_takes_backups_by_the_clock_and_tells_of_them() {
    let elsewhere = tempfile::tempdir().unwrap();
    let place = elsewhere.path().to_str().unwrap().to_owned();
    let sen =
        Setup::default().variable("SEN_BACKUP_URL", &place).variable("SEN_BACKUP_AT", "00:00,12:00").start();
    // None was ever taken, so one is due since the last of these times.
    eventually("a backup", || async {
        let listed = sen.run(&["backup", "--list"]);
        tools::said(&listed).contains("good").then_some(())
    })
    .await;
    let metrics = eventually("the metric", || async {
        let text = reqwest::get(sen.url("/metrics")).await.unwrap().text().await.unwrap();
        text.contains("sen_backup_last_success_timestamp_seconds").then_some(text)
    })
    .await;
    assert!(!metrics.contains("sen_backup_failures_total"), "{metrics}");
}

/// Nobody would look for a backup that is only missing.
#[tokio::test(flavor = "multi_thread")]
async fn a_planned_backup_that_is_not_taken_says_why() {
    let theirs = tempfile::tempdir().unwrap();
    std::fs::write(theirs.path().join("archive.json"), r#"{"archive":"another"}"#).unwrap();
    let no_folder = theirs.path().join("archive.json/backup");
    for (place, code) in [(theirs.path(), "otherArchive"), (no_folder.as_path(), "target")] {
        let place = place.to_str().unwrap();
        let sen =
            Setup::default().variable("SEN_BACKUP_URL", place).variable("SEN_BACKUP_AT", "00:00").start();
        let run = eventually("a backup that failed", || async {
            let storage: Value = reqwest::get(sen.url("/api/v1/storage")).await.ok()?.json().await.ok()?;
            storage["backup"]["runs"].get(0).filter(|run| run["state"] == "failed").cloned()
        })
        .await;
        assert_eq!(run["error"]["code"], code, "{run}");
        assert!(!run["error"]["detail"].as_str().unwrap().is_empty(), "{run}");
        let metrics = reqwest::get(sen.url("/metrics")).await.unwrap().text().await.unwrap();
        assert!(metrics.contains("sen_backup_failures_total 1"), "{metrics}");
    }
}
