//! DCMTK's programs against a real listener: a foreign reading of the standard.
//!
//! Without DCMTK these tests say so and pass; the project's own gate installs it.

use std::path::Path;
use std::process::Output;

use crate::support::pulled::study_of;
use crate::support::{Harness, ae, dataset_of, samples, slices, uid};
use dimse_scp::UnknownAe;
use dimse_scp::scu::Instance;
use pacs_core::tags;
use storage::devices::{self, Device};
use tokio::process::Command;

/// Runs a program of DCMTK; `None` when it is not installed.
async fn dcmtk(program: &str, arguments: &[&str]) -> Option<Output> {
    dcmtk_in(&std::env::temp_dir(), program, arguments).await
}

/// The same in a folder, where some programs put what they receive whatever they are told.
async fn dcmtk_in(folder: &Path, program: &str, arguments: &[&str]) -> Option<Output> {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(folder).env("TCP_NODELAY", "1").kill_on_drop(true);
    match command.output().await {
        Ok(output) => Some(output),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            testdata::skipped(&format!("{program} is not installed"));
            None
        }
        Err(error) => panic!("{program}: {error}"),
    }
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// Arguments every client takes: verbose, who calls whom, where.
fn peer(server: &Harness) -> [String; 6] {
    ["-aet", "DCMTK", "-aec", "SEN", "127.0.0.1", &server.address.port().to_string()].map(str::to_owned)
}

fn with<'a>(options: &[&'a str], peer: &'a [String; 6], more: &[&'a str]) -> Vec<&'a str> {
    options.iter().copied().chain(peer.iter().map(String::as_str)).chain(more.iter().copied()).collect()
}

/// Writes instances as Part 10 files into a folder.
fn write_files(dir: &Path, count: usize, side: u16, seed: u64) -> Vec<testdata::Instance> {
    let made: Vec<_> = testdata::ct_slices(count).sized(side).seeded(seed).collect();
    for (n, instance) in made.iter().enumerate() {
        std::fs::write(dir.join(format!("{n:04}.dcm")), &instance.bytes).unwrap();
    }
    made
}

#[tokio::test]
async fn echoscu_is_answered_and_rejected() {
    let server = Harness::start().await;
    let Some(output) = dcmtk("echoscu", &with(&["-v"], &peer(&server), &[])).await else { return };
    assert!(output.status.success(), "{}", text(&output));
    // Many contexts, and an AE title that is not ours.
    let output = dcmtk("echoscu", &with(&["-ppc", "128", "-pts", "38"], &peer(&server), &[])).await.unwrap();
    assert!(output.status.success(), "{}", text(&output));
    let port = server.address.port().to_string();
    let output = dcmtk("echoscu", &["-aec", "OTHER", "127.0.0.1", &port]).await.unwrap();
    assert!(!output.status.success());
    assert!(text(&output).contains("Called AE Title Not Recognized"), "{}", text(&output));
    server.stop().await;

    let strict = Harness::start_with(|config| config.unknown_ae = UnknownAe::Reject, |_| {}).await;
    let output = dcmtk("echoscu", &with(&[], &peer(&strict), &[])).await.unwrap();
    assert!(text(&output).contains("Calling AE Title Not Recognized"), "{}", text(&output));
    let mut device = Device::named(ae("DCMTK"));
    device.host = Some("localhost".into());
    devices::upsert(strict.archive.database(), &device).await.unwrap();
    let output = dcmtk("echoscu", &with(&[], &peer(&strict), &[])).await.unwrap();
    assert!(output.status.success(), "a configured device: {}", text(&output));
    device.host = Some("192.0.2.1".into());
    devices::upsert(strict.archive.database(), &device).await.unwrap();
    let output = dcmtk("echoscu", &with(&[], &peer(&strict), &[])).await.unwrap();
    assert!(!output.status.success(), "a configured title from another address");
    strict.stop().await;
}

#[tokio::test]
async fn storescu_and_dcmsend_store() {
    let server = Harness::start().await;
    for (seed, program, options) in [
        (1, "storescu", &["-v", "+sd"][..]),
        (2, "dcmsend", &["-v", "+sd"]),
        (3, "storescu", &["-v", "+sd", "--max-pdu", "4096", "--max-send-pdu", "4096"]),
        (4, "storescu", &["-v", "+sd", "-xi"]),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let made = write_files(dir.path(), 6, 128, seed);
        let folder = dir.path().to_string_lossy().into_owned();
        let Some(output) = dcmtk(program, &with(options, &peer(&server), &[&folder])).await else { return };
        assert!(output.status.success(), "{program}: {}", text(&output));
        for instance in made {
            let place = server.place(&instance.uid).await.unwrap_or_else(|| panic!("{program} {options:?}"));
            if place.transfer_syntax == instance.transfer_syntax {
                assert_eq!(server.dataset(&instance.uid).await, instance.dataset());
            } else {
                assert_eq!(options.last(), Some(&"-xi"), "stored in the syntax that was proposed");
            }
        }
    }
    server.stop().await;
}

#[tokio::test]
async fn storescu_is_told_why_it_is_refused() {
    let server = Harness::start().await;
    let dir = tempfile::tempdir().unwrap();
    let mut bytes = testdata::ct_slices(1).sized(64).next().unwrap().bytes;
    // Study Instance UID (0020,000D): its first digits become letters.
    let at = bytes.windows(4).position(|window| window == [0x20, 0x00, 0x0d, 0x00]).unwrap();
    bytes[at + 8..at + 10].copy_from_slice(b"xy");
    let path = dir.path().join("bad.dcm");
    std::fs::write(&path, bytes).unwrap();
    let path = path.to_string_lossy().into_owned();
    let Some(output) = dcmtk("storescu", &with(&["-d"], &peer(&server), &[&path])).await else { return };
    assert!(text(&output).contains("0xa900"), "{}", text(&output));
    server.assert_alive().await;
    server.stop().await;
}

#[tokio::test]
async fn findscu_finds_in_vietnamese() {
    let server = Harness::start().await;
    let sample = samples("charset").into_iter().find(|(name, _)| name == "vn-utf8-nfc.dcm").unwrap().1;
    server.fill(std::slice::from_ref(&sample)).await;
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().to_string_lossy().into_owned();
    let name = {
        let bytes = dataset_of(&sample);
        let syntax = pacs_core::transfer_syntax::of(&sample.transfer_syntax);
        let limits = pacs_core::dataset::Limits::default();
        let read =
            pacs_core::dataset::read_bytes(&bytes, &syntax, &limits, pacs_core::dataset::Until::PixelData);
        read.unwrap().data_set.text(tags::PATIENT_NAME).unwrap()
    };
    let folded = format!("PatientName={}", pacs_core::text::fold(&name));
    for model in ["-P", "-S"] {
        let level = if model == "-P" { "QueryRetrieveLevel=PATIENT" } else { "QueryRetrieveLevel=STUDY" };
        let keys = ["-k", level, "-k", &folded, "-k", "PatientID", "-X", "-od", &folder];
        let Some(output) = dcmtk("findscu", &with(&["-v", model], &peer(&server), &keys)).await else {
            return;
        };
        assert!(output.status.success(), "{}", text(&output));
        let answer = dir.path().join("rsp0001.dcm");
        let found =
            std::fs::read(&answer).unwrap_or_else(|_| panic!("{model} found nothing: {}", text(&output)));
        assert!(found.windows(name.len()).any(|window| window == name.as_bytes()), "{model}");
        assert!(!dir.path().join("rsp0002.dcm").exists());
        std::fs::remove_file(answer).unwrap();
    }
    server.stop().await;
}

#[tokio::test]
async fn patients_and_studies_alone_are_found_and_got_by_dcmtk() {
    let server = Harness::start().await;
    let dir = tempfile::tempdir().unwrap();
    let made = write_files(dir.path(), 4, 64, 15);
    let instances: Vec<_> = made.iter().cloned().map(crate::support::made).collect();
    server.fill(&instances).await;
    let (peer, out) = (peer(&server), tempfile::tempdir().unwrap());
    let folder = out.path().to_string_lossy().into_owned();
    let study = format!("StudyInstanceUID={}", made[0].study);
    let keys = ["-k", "QueryRetrieveLevel=PATIENT", "-k", "PatientID", "-X", "-od", &folder];
    let Some(output) = dcmtk("findscu", &with(&["-v", "-O"], &peer, &keys)).await else { return };
    assert!(output.status.success(), "{}", text(&output));
    let answer = out.path().join("rsp0001.dcm");
    let patient = {
        let file = Instance::from_part10(std::fs::read(&answer).unwrap().into()).unwrap();
        let syntax = pacs_core::transfer_syntax::of(&file.transfer_syntax);
        let limits = pacs_core::dataset::Limits::default();
        let until = pacs_core::dataset::Until::End;
        let read = pacs_core::dataset::read_slice(&dataset_of(&file), &syntax, &limits, until).unwrap();
        format!("PatientID={}", read.data_set.text(tags::PATIENT_ID).unwrap())
    };
    std::fs::remove_file(answer).unwrap();
    // There are no series in this model.
    let keys = ["-k", "QueryRetrieveLevel=SERIES", "-k", &patient, "-k", &study, "-k", "SeriesInstanceUID"];
    let output = dcmtk("findscu", &with(&["-v", "-O"], &peer, &keys)).await.unwrap();
    assert!(text(&output).contains("SOPClass"), "{}", text(&output));

    let keys = ["-k", "QueryRetrieveLevel=STUDY", "-k", &patient, "-k", &study, "-od", &folder, "+B"];
    let output = dcmtk("getscu", &with(&["-v", "-O"], &peer, &keys)).await.unwrap();
    assert!(output.status.success(), "{}", text(&output));
    assert_same_data_sets(out.path(), &made);
    server.stop().await;
}

#[tokio::test]
async fn findscu_cancels() {
    let server = Harness::start().await;
    for seed in 0..40 {
        server.fill(&slices(1, 16, seed)).await;
    }
    let keys = ["--cancel", "2", "-k", "QueryRetrieveLevel=STUDY", "-k", "StudyInstanceUID"];
    let Some(output) = dcmtk("findscu", &with(&["-v", "-S"], &peer(&server), &keys)).await else { return };
    let text = text(&output);
    assert!(text.contains("Cancel") || text.contains("cancel"), "{text}");
    server.assert_alive().await;
    server.stop().await;
}

#[tokio::test]
async fn getscu_gets_the_same_data_sets() {
    let server = Harness::start().await;
    let dir = tempfile::tempdir().unwrap();
    let made = write_files(dir.path(), 5, 128, 8);
    let instances: Vec<_> = made.iter().cloned().map(crate::support::made).collect();
    server.fill(&instances).await;
    let out = tempfile::tempdir().unwrap();
    let folder = out.path().to_string_lossy().into_owned();
    let study = format!("StudyInstanceUID={}", made[0].study);
    let keys = ["-k", "QueryRetrieveLevel=STUDY", "-k", &study, "-od", &folder, "+B"];
    let Some(output) = dcmtk("getscu", &with(&["-v", "-S"], &peer(&server), &keys)).await else { return };
    assert!(output.status.success(), "{}", text(&output));
    assert_same_data_sets(out.path(), &made);
    server.stop().await;
}

#[tokio::test]
async fn getscu_gets_documents_whatever_it_prefers_for_images() {
    let server = Harness::start().await;
    let documents = ["ecg-12lead", "ko-for-report", "pdf-encapsulated", "pr-grayscale", "sr-basic-text"];
    let (peer, sent) = (peer(&server), samples("modality"));
    let sent = sent.iter().filter(|(name, _)| documents.iter().any(|document| name.starts_with(document)));
    for (name, instance) in sent {
        server.fill(std::slice::from_ref(instance)).await;
        let out = tempfile::tempdir().unwrap();
        let folder = out.path().to_string_lossy().into_owned();
        let study = format!("StudyInstanceUID={}", study_of(instance));
        let keys = ["-k", "QueryRetrieveLevel=STUDY", "-k", &study, "-od", &folder, "+B"];
        // JPEG 2000 first, and what compresses nothing behind it, for each class.
        let arguments = with(&["-v", "-S", "+xv"], &peer, &keys);
        let Some(output) = dcmtk("getscu", &arguments).await else { return };
        assert!(output.status.success(), "{name}: {}", text(&output));
        assert!(std::fs::read_dir(out.path()).unwrap().count() > 0, "{name}: {}", text(&output));
    }
    server.stop().await;
}

#[tokio::test]
async fn movescu_has_them_sent_to_storescp() {
    let server = Harness::start().await;
    let dir = tempfile::tempdir().unwrap();
    let made = write_files(dir.path(), 5, 128, 9);
    let instances: Vec<_> = made.iter().cloned().map(crate::support::made).collect();
    server.fill(&instances).await;
    // movescu listens itself for what it asked for; a free port is found by asking for one.
    let port = {
        let probe = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        probe.local_addr().unwrap().port()
    };
    let mut device = Device::named(ae("DCMTK"));
    device.host = Some("127.0.0.1".into());
    device.port = Some(port);
    devices::upsert(server.archive.database(), &device).await.unwrap();
    let out = tempfile::tempdir().unwrap();
    let (study, port) = (format!("StudyInstanceUID={}", made[0].study), port.to_string());
    let keys = ["-k", "QueryRetrieveLevel=STUDY", "-k", &study, "+B", "--port", &port];
    let peer = peer(&server);
    let arguments = with(&["-v", "-S", "-aem", "DCMTK"], &peer, &keys);
    let Some(output) = dcmtk_in(out.path(), "movescu", &arguments).await else { return };
    assert!(output.status.success(), "{}", text(&output));
    assert_same_data_sets(out.path(), &made);
    let keys = ["-k", "QueryRetrieveLevel=STUDY", "-k", &study];
    let output = dcmtk("movescu", &with(&["-v", "-S", "-aem", "NOBODY"], &peer, &keys)).await.unwrap();
    assert!(text(&output).to_lowercase().contains("destination"), "{}", text(&output));
    server.stop().await;
}

/// Every instance has arrived in the folder, its data set as it was made. DCMTK writes what it
/// received bit by bit (`+B`).
fn assert_same_data_sets(folder: &Path, made: &[testdata::Instance]) {
    let arrived: Vec<Vec<u8>> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| std::fs::read(entry.unwrap().path()).unwrap())
        .collect();
    assert_eq!(arrived.len(), made.len());
    for instance in made {
        let same = arrived.iter().any(|file| file.ends_with(instance.dataset()));
        assert!(same, "instance {} did not come back as it was sent", uid(instance.uid.as_str()));
    }
}
