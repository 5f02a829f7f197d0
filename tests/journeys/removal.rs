//! Wrong images: rejected, seen by no foreign client, restored, deleted; also after the index was lost.

use std::path::Path;

use reqwest::{Client, StatusCode};

use crate::support::images::Study;
use crate::support::program::Sen;
use crate::support::{stow, tools};

async fn post(sen: &Sen, path: &str) -> StatusCode {
    let request = Client::new().post(sen.url(path)).header("content-type", "application/json");
    request.body(r#"{"reason":"mistaken"}"#).send().await.unwrap().status()
}

/// How many of these studies' instances DCMTK finds by C-FIND and brings back by C-GET.
fn seen_by_dcmtk(sen: &Sen, study: &Study) -> Option<(usize, usize)> {
    let (findscu, getscu) = (tools::program("findscu")?, tools::program("getscu")?);
    let key = format!("StudyInstanceUID={}", study.uid);
    let port = sen.dimse_port();
    let ask = ["-S", "-aec", "SEN", "-k", "QueryRetrieveLevel=STUDY", "-k", &key];
    let found = [&ask[..], &["-k", "NumberOfStudyRelatedInstances", "127.0.0.1", &port]].concat();
    let found = tools::succeeded(&tools::run(&findscu, sen.folder(), &found));
    let back = tempfile::tempdir().unwrap();
    let folder = back.path().to_str().unwrap();
    let got = [&ask[..], &["-od", folder, "127.0.0.1", &port]].concat();
    tools::run(&getscu, sen.folder(), &got);
    Some((found.matches(study.uid.as_str()).count(), std::fs::read_dir(back.path()).unwrap().count()))
}

#[tokio::test]
async fn what_is_rejected_is_seen_by_nobody_and_comes_back_also_after_the_index_was_lost() {
    let sen = Sen::start();
    let (wrong, right) = (Study::of("P1", "NGUYỄN^VĂN A"), Study::of("P2", "TRẦN^THỊ B"));
    stow::push_study(&sen, &wrong).await;
    stow::push_study(&sen, &right).await;
    let Some(before) = seen_by_dcmtk(&sen, &wrong) else { return };
    assert!(before.0 > 0 && before.1 == 3, "{before:?}");
    let study = format!("/dicomweb/studies/{}", wrong.uid);
    assert_eq!(post(&sen, &format!("{study}/reject/113037^DCM")).await, 200);
    assert_eq!(seen_by_dcmtk(&sen, &wrong).unwrap().1, 0);
    assert_eq!(seen_by_dcmtk(&sen, &right), Some(before));
    // The device sends it again, and is told that it is kept.
    stow::push_study(&sen, &wrong).await;
    assert_eq!(reqwest::get(sen.url(&study)).await.unwrap().status(), 404);

    // The rows are lost; packs, spool and journal are there.
    let setup = {
        let mut sen = sen;
        sen.signal("TERM");
        assert!(sen.wait().success());
        sen
    };
    let data = setup.folder().join("data");
    for file in ["sen.db", "sen.db-wal", "sen.db-shm"] {
        remove(&data.join(file));
    }
    tools::succeeded(&setup.run(&["reindex"]));
    let sen = setup.start_again();
    assert_eq!(seen_by_dcmtk(&sen, &wrong).unwrap().1, 0);
    assert_eq!(seen_by_dcmtk(&sen, &right), Some(before));
    assert_eq!(post(&sen, &format!("{study}/restore")).await, 200);
    assert_eq!(seen_by_dcmtk(&sen, &wrong), Some(before));
}

fn remove(file: &Path) {
    if file.exists() {
        std::fs::remove_file(file).unwrap();
    }
}

#[tokio::test]
async fn dicomweb_client_deletes() {
    let Some(python) = tools::python() else { return };
    let sen = Sen::start();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python/delete_study.py");
    let script = script.to_str().unwrap();
    let url = sen.url("/dicomweb");
    let (rejected, expired) = (Study::of("P1", "NGUYỄN^VĂN A"), Study::of("P2", "TRẦN^THỊ B"));
    for (study, reason) in [(&rejected, None), (&expired, Some("113039^DCM"))] {
        stow::push_study(&sen, study).await;
        if reason.is_none() {
            let refused = tools::run(&python, sen.folder(), &[script, &url, study.uid.as_str()]);
            assert!(tools::said(&refused).contains("409"), "{}", tools::said(&refused));
            assert_eq!(post(&sen, &format!("/dicomweb/studies/{}/reject/113001^DCM", study.uid)).await, 200);
        }
        let arguments: Vec<&str> = [script, &url, study.uid.as_str()].into_iter().chain(reason).collect();
        tools::succeeded(&tools::run(&python, sen.folder(), &arguments));
    }
    assert_eq!(reqwest::get(sen.url("/dicomweb/studies")).await.unwrap().text().await.unwrap(), "[]");
}
