//! A hospital loses everything, and gets it back.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::Path;

use reqwest::{Client, StatusCode};
use serde_json::{Value, json};

use crate::support::images::Study;
use crate::support::program::{Sen, Setup};
use crate::support::services::Services;
use crate::support::{eventually, files_below, orders, stow, tools};

/// What people and programs see of an archive.
#[derive(Debug, PartialEq)]
struct Seen {
    studies: Value,
    worklist: Value,
    /// Each with the number and a checksum of its bytes.
    instances: Vec<(String, usize, u64)>,
    gone: Vec<StatusCode>,
    users: String,
    devices: String,
}

struct Hospital {
    kept: Vec<Study>,
    rejected: Study,
    deleted: Study,
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
        let row = orders::place(sen, &form).await;
        let accession = row["accessionNumber"].as_str().unwrap();
        let ordered = Study::of("P1", "NGUYỄN^VĂN A").accession_number(accession);
        let walked_in = Study::of("P2", "TRẦN^THỊ B");
        let hospital = Self {
            kept: vec![ordered, walked_in],
            rejected: Study::of("P3", "LÊ^VĂN C"),
            deleted: Study::of("P4", "PHẠM^THỊ D"),
        };
        for study in hospital.kept.iter().chain([&hospital.rejected, &hospital.deleted]) {
            for slice in 1..=study.slices {
                assert_eq!(stow::push(sen, &study.slice(slice)).await.status(), 200);
            }
        }
        let reject = format!("/dicomweb/studies/{}/reject/113037^DCM", hospital.rejected.uid);
        assert_eq!(Client::new().post(sen.url(&reject)).send().await.unwrap().status(), 200);
        for act in ["reject/113037^DCM", ""] {
            let path = format!("/dicomweb/studies/{}/{act}", hospital.deleted.uid);
            let request = match act {
                "" => Client::new().delete(sen.url(path.trim_end_matches('/'))),
                _ => Client::new().post(sen.url(&path)),
            };
            assert!(request.send().await.unwrap().status().is_success(), "{act}");
        }
        let user = ["user", "add", "lan", "--role", "radiographer"];
        tools::succeeded(&sen.run_with_input(&user, "mật khẩu dài\n"));
        tools::succeeded(&sen.run(&["device", "add", "CT1", "127.0.0.1", "11112", "--modality", "CT"]));
        hospital
    }

    async fn seen(&self, sen: &Sen) -> Seen {
        let json =
            async |path: &str| -> Value { reqwest::get(sen.url(path)).await.unwrap().json().await.unwrap() };
        let mut instances = Vec::new();
        for study in &self.kept {
            for slice in 1..=study.slices {
                let (series, instance) = (study.series(), study.instance(slice));
                let path = format!("/dicomweb/studies/{}/series/{series}/instances/{instance}", study.uid);
                let accept = "application/dicom; transfer-syntax=*";
                let answer = Client::new().get(sen.url(&path)).header("accept", accept).send().await.unwrap();
                assert_eq!(answer.status(), 200, "{path}");
                let file = answer.bytes().await.unwrap();
                let mut hasher = DefaultHasher::new();
                file.hash(&mut hasher);
                instances.push((instance.to_string(), file.len(), hasher.finish()));
            }
        }
        let mut gone = Vec::new();
        for study in [&self.rejected, &self.deleted] {
            let path = format!("/dicomweb/studies/{}/metadata", study.uid);
            gone.push(reqwest::get(sen.url(&path)).await.unwrap().status());
        }
        let today = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::fixed(jiff::tz::offset(7)));
        let today = today.strftime("%Y-%m-%d").to_string();
        Seen {
            studies: json("/api/v1/studies").await,
            worklist: json(&format!("/api/v1/worklist?date={today}")).await["items"].take(),
            instances,
            gone,
            users: tools::succeeded(&sen.run(&["user", "list"])),
            devices: tools::succeeded(&sen.run(&["device", "list"])),
        }
    }
}

fn wipe(folder: &Path) {
    std::fs::remove_dir_all(folder.join("data")).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hospital_that_lost_everything_gets_it_back() {
    let sen = Setup::default().variable("SEN_SETTLE_AFTER_SECONDS", "0").start();
    let hospital = Hospital::open(&sen).await;
    let seen = hospital.seen(&sen).await;
    assert_eq!(seen.gone, [StatusCode::NOT_FOUND; 2]);
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
