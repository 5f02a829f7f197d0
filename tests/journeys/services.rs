//! The whole program over PostgreSQL and S3, as a province runs it: a push, its way into a pack, a
//! crash in the middle of the next push, and a lost database.

use std::path::Path;

use serde_json::Value;

use crate::support::images::{Study, dataset_bytes};
use crate::support::program::{Sen, Setup};
use crate::support::services::Services;
use crate::support::{eventually, files_below, push, tools};

#[tokio::test(flavor = "multi_thread")]
async fn a_study_lives_over_postgresql_and_s3_and_outlives_crash_and_lost_database() {
    let programs = ["storescu", "findscu", "getscu"].map(tools::program);
    let [Some(storescu), Some(findscu), Some(getscu)] = programs else { return };
    let Some(services) = Services::fresh().await else { return };
    let Some(setup) = services.setup() else { return };
    let sen = setup.variable("SEN_SETTLE_AFTER_SECONDS", "0").start();

    let study = Study::of("P1", "NGUYỄN^VĂN A").accession_number("A1");
    study.write(&sen.folder().join("ct"));
    let to = ["-aec", "SEN", "+sd", "127.0.0.1"];
    let port = sen.dimse_port();
    tools::succeeded(&tools::run(&storescu, sen.folder(), &[&to[..], &[&port, "ct"]].concat()));
    settled(&sen, &services, &study).await;
    found_by_folded_name(&sen, &findscu, &study).await;
    for slice in 1..=study.slices {
        came_back(&sen, &study, slice).await;
    }
    got_by_dimse(&sen, &getscu, &study);

    // A second push, and the end of the process in the middle of it.
    let mut larger = Study::of("P2", "TRẦN^THỊ B");
    (larger.slices, larger.edge_pixels) = (300, 256);
    let (setup, acknowledged) = killed_while_pushing(sen, &storescu, &larger);
    assert!(!acknowledged.is_empty() && acknowledged.len() < larger.slices as usize, "{acknowledged:?}");
    let sen = setup.start();
    for slice in &acknowledged {
        came_back(&sen, &larger, *slice).await;
    }
    settled(&sen, &services, &larger).await;
    let before = studies(&sen).await;
    assert_eq!(before.len(), 2, "{before:?}");
    let setup = sen.kill();
    let verified = tools::succeeded(&setup.run(&["verify"]));
    assert!(verified.contains(" 0 damaged"), "{verified}");

    // The database is lost; what lies in S3 gives the studies back.
    let Some(empty) = services.database("second") else { return };
    let setup = setup.variable("SEN_DATABASE_URL", &empty);
    let rebuilt = tools::succeeded(&setup.run(&["reindex"]));
    assert!(!rebuilt.contains(" 0 instances added"), "{rebuilt}");
    let sen = setup.start();
    assert_eq!(studies(&sen).await, before);
    found_by_folded_name(&sen, &findscu, &study).await;
    came_back(&sen, &study, 2).await;
    for slice in &acknowledged {
        came_back(&sen, &larger, *slice).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_database_is_away_senders_are_told_to_come_later() {
    let Some(storescu) = tools::program("storescu") else { return };
    let Some(services) = Services::fresh().await else { return };
    let Some(setup) = services.setup() else { return };
    let sen = setup.start();
    let study = Study::of("P1", "NGUYỄN^VĂN A");
    study.write(&sen.folder().join("ct"));
    let port = sen.dimse_port();
    let arguments = ["-v", "-aec", "SEN", "+sd", "127.0.0.1", &port, "ct"];
    let status = async |path: &str| reqwest::get(sen.url(path)).await.unwrap().status().as_u16();

    services.allow_connections(false);
    assert_eq!((status("/healthz").await, status("/readyz").await), (200, 503));
    assert_eq!(status("/dicomweb/studies").await, 503);
    // PS3.4 B.2.3: refused, out of resources. Nothing that was said to be kept can be missing later.
    let refused = tools::run(&storescu, sen.folder(), &arguments);
    assert!(!tools::said(&refused).contains("(Success)"), "{}", tools::said(&refused));

    services.allow_connections(true);
    eventually("the archive is ready again", || async { (status("/readyz").await == 200).then_some(()) })
        .await;
    tools::succeeded(&tools::run(&storescu, sen.folder(), &arguments));
    for slice in 1..=study.slices {
        came_back(&sen, &study, slice).await;
    }
}

/// Waits until what was pushed of a study lies in packs, each with its companion, and no longer in
/// the spool.
async fn settled(sen: &Sen, services: &Services, study: &Study) {
    let folder = format!("packs/{}/{}/", study.uid, study.series());
    eventually("the study is settled into S3", || async {
        let objects = services.objects().await;
        let of_series = objects.iter().filter(|key| key.starts_with(&folder));
        let (packs, others): (Vec<_>, Vec<_>) = of_series.partition(|key| key.ends_with(".tar"));
        let has_companion = |pack: &&String| {
            let stem = pack.trim_end_matches(".tar");
            others.iter().any(|key| key.starts_with(stem) && key.ends_with(".json.gz"))
        };
        (!packs.is_empty() && packs.iter().all(has_companion) && spooled_bytes(sen) == 0).then_some(())
    })
    .await;
}

fn spooled_bytes(sen: &Sen) -> u64 {
    let segments = files_below(&sen.folder().join("data/spool"));
    let segments = segments.iter().filter(|path| path.extension().is_some_and(|kind| kind == "tar"));
    // One that goes while it is looked at holds nothing.
    segments.map(|path| path.metadata().map_or(0, |found| found.len())).sum()
}

async fn found_by_folded_name(sen: &Sen, findscu: &Path, study: &Study) {
    let port = sen.dimse_port();
    let keys = ["-k", "QueryRetrieveLevel=STUDY", "-k", "PatientName=nguyen van a", "-k", "StudyInstanceUID"];
    let arguments = [&["-S", "-aec", "SEN"], &keys[..], &["127.0.0.1", &port]].concat();
    let said = tools::succeeded(&tools::run(findscu, sen.folder(), &arguments));
    assert_eq!(said.matches(study.uid.as_str()).count(), 1, "{said}");
    let path = "/dicomweb/studies?PatientName=nguyen%20van%20a";
    let found: Value = reqwest::get(sen.url(path)).await.unwrap().json().await.unwrap();
    let uids: Vec<&Value> =
        found.as_array().unwrap().iter().map(|row| &row["0020000D"]["Value"][0]).collect();
    assert_eq!(uids, [study.uid.as_str()]);
}

/// The instance and its frame by WADO-RS, byte for byte.
async fn came_back(sen: &Sen, study: &Study, slice: u32) {
    let (series, instance) = (study.series(), study.instance(slice));
    let path = format!("/dicomweb/studies/{}/series/{series}/instances/{instance}", study.uid);
    let client = reqwest::Client::new();
    let get = async |path: &str, accept: &str| {
        let answer = client.get(sen.url(path)).header("accept", accept).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{path}");
        answer.bytes().await.unwrap()
    };
    let file = get(&path, "application/dicom; transfer-syntax=*").await;
    assert!(dataset_bytes(&file) == dataset_bytes(&study.slice(slice)), "slice {slice} differs");
    let frame = get(&format!("{path}/frames/1"), "application/octet-stream; transfer-syntax=*").await;
    assert!(frame == study.pixels(slice), "the frame of slice {slice} differs");
}

fn got_by_dimse(sen: &Sen, getscu: &Path, study: &Study) {
    let back = sen.folder().join("back");
    std::fs::create_dir(&back).unwrap();
    let (port, key) = (sen.dimse_port(), format!("StudyInstanceUID={}", study.uid));
    let keys = ["-k", "QueryRetrieveLevel=STUDY", "-k", &key, "-od", "back", "+B"];
    let arguments = [&["-S", "-aec", "SEN"], &keys[..], &["127.0.0.1", &port]].concat();
    tools::succeeded(&tools::run(getscu, sen.folder(), &arguments));
    let mut received: Vec<Vec<u8>> =
        files_below(&back).iter().map(|path| dataset_bytes(&std::fs::read(path).unwrap()).to_vec()).collect();
    let mut sent: Vec<Vec<u8>> =
        (1..=study.slices).map(|slice| dataset_bytes(&study.slice(slice)).to_vec()).collect();
    received.sort();
    sent.sort();
    assert!(received == sent, "C-GET brought something else");
}

/// Pushes a study, kills the program after some acknowledgements, and tells the slices that were
/// acknowledged.
fn killed_while_pushing(sen: Sen, storescu: &Path, study: &Study) -> (Setup, Vec<u32>) {
    let folder = sen.folder().join("larger");
    let files = study.write(&folder);
    let port = sen.dimse_port();
    let (mut sen, mut setup) = (Some(sen), None);
    let (kept, ended) = push::watched(storescu, &port, &folder, |acknowledged| {
        if acknowledged >= 25
            && let Some(sen) = sen.take()
        {
            setup = Some(sen.kill());
        }
    });
    assert!(!ended.success(), "storescu did not notice");
    let slice = |path| files.iter().zip(1..).find(|(file, _)| *file == path).unwrap().1;
    (setup.expect("the push was longer than that"), kept.iter().map(slice).collect())
}

/// The studies as QIDO-RS tells of them, by UID, without what names this server.
async fn studies(sen: &Sen) -> Vec<(String, String, u64)> {
    let found: Value =
        reqwest::get(sen.url("/dicomweb/studies?limit=50")).await.unwrap().json().await.unwrap();
    let mut studies: Vec<_> = found
        .as_array()
        .unwrap()
        .iter()
        .map(|row| {
            let uid = row["0020000D"]["Value"][0].as_str().unwrap().to_owned();
            let name = row["00100010"]["Value"][0]["Alphabetic"].as_str().unwrap().to_owned();
            (uid, name, row["00201208"]["Value"][0].as_u64().unwrap())
        })
        .collect();
    studies.sort();
    studies
}
