//! A disk that fills up: senders are told to come later in time, what is there is read, and nothing has to be done when
//! there is room again.

use std::path::{Path, PathBuf};
use std::process::Command;

use dimse_scp::dimse::Status;
use serde_json::Value;

use crate::support::images::Study;
use crate::support::program::{Sen, Setup};
use crate::support::{eventually, modality, stow, tools};

const DISK_MIB: u64 = 96;
const RESERVE_MIB: u64 = 24;

/// A small disk of its own, where this machine lets us have one.
struct Disk(PathBuf);

impl Disk {
    fn mount(at: PathBuf) -> Option<Self> {
        std::fs::create_dir_all(&at).unwrap();
        let size = format!("size={DISK_MIB}m");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(&at).output();
        if mounted.is_ok_and(|output| output.status.success()) {
            return Some(Self(at));
        }
        match std::env::var_os("SEN_TEST_NO_MOUNT") {
            Some(_) => eprintln!("SKIPPED: SEN_TEST_NO_MOUNT says that nobody may mount a disk here"),
            None => {
                testdata::skipped("no disk can be mounted here (SEN_TEST_NO_MOUNT says that this is known)")
            }
        }
        None
    }

    fn free_bytes(&self) -> u64 {
        let found = rustix::fs::statvfs(&self.0).unwrap();
        found.f_bavail * found.f_frsize
    }

    /// Takes all but so much of it.
    fn fill(&self, but_mib: u64) -> PathBuf {
        let ballast = self.0.join("ballast");
        let bytes = self.free_bytes() - (but_mib << 20);
        std::fs::write(&ballast, vec![0; usize::try_from(bytes).unwrap()]).unwrap();
        ballast
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Lazily: the program may not have ended yet.
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

async fn level(sen: &Sen, which: &str) -> String {
    let storage: Value = reqwest::get(sen.url("/api/v1/storage")).await.unwrap().json().await.unwrap();
    let disks = storage["disks"].as_array().unwrap();
    let disk =
        disks.iter().find(|disk| disk["use"] == which).unwrap_or_else(|| panic!("no {which}: {storage}"));
    disk["level"].as_str().unwrap().to_owned()
}

async fn store(sen: &Sen, study: &Study, number: u32) -> Status {
    let instance = modality::slice(study, number);
    let mut association = modality::associate(sen.dimse, "CT1", &instance).await;
    association.store(&instance).await.unwrap().status
}

fn small_disk_setup() -> Option<(Disk, Setup)> {
    let setup = Setup::default()
        .variable("SEN_SPACE_RESERVE_MIB", &RESERVE_MIB.to_string())
        .variable("SEN_SETTLE_AFTER_SECONDS", "3600");
    let disk = Disk::mount(setup.folder().join("data"))?;
    Some((disk, setup))
}

async fn read(sen: &Sen, study: &Study, path: &str) -> u16 {
    let path = format!("/dicomweb/studies/{}{path}", study.uid);
    reqwest::get(sen.url(&path)).await.unwrap().status().as_u16()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_is_nearly_full_takes_nothing_in_and_gives_everything_out() {
    let Some((disk, setup)) = small_disk_setup() else { return };
    let sen = setup.start();
    let (before, after) = (Study::of("P1", "NGUYỄN^VĂN A"), Study::of("P2", "TRẦN^THỊ B"));
    for slice in 1..=before.slices {
        assert_eq!(store(&sen, &before, slice).await, Status::SUCCESS);
    }
    let ballast = disk.fill(RESERVE_MIB - 4);
    eventually("the disk is full", || async { (level(&sen, "spool").await == "full").then_some(()) }).await;
    assert_eq!(store(&sen, &after, 1).await, Status(0xa700));
    assert_eq!(stow::push(&sen, &after.slice(1)).await.status(), 503);
    assert_eq!(read(&sen, &before, "").await, 200);
    assert_eq!(read(&sen, &before, "/metadata").await, 200);
    assert!(sen.log().contains("full up to its reserve"), "{}", sen.log());

    std::fs::remove_file(ballast).unwrap();
    eventually("there is room", || async { (level(&sen, "spool").await != "full").then_some(()) }).await;
    assert_eq!(store(&sen, &after, 1).await, Status::SUCCESS);
    assert_eq!(read(&sen, &after, "/metadata").await, 200);
}

/// Three instances of 32 MB: the third does not fit, which is known only when most of it has come.
#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_fit_leaves_nothing_behind() {
    let Some((disk, setup)) = small_disk_setup() else { return };
    let sen = setup.start();
    let mut study = Study::of("P1", "NGUYỄN^VĂN A");
    study.edge_pixels = 4096;
    let mut kept = 0;
    let refused = loop {
        let free_bytes = disk.free_bytes();
        match store(&sen, &study, kept + 1).await {
            Status::SUCCESS => kept += 1,
            status => break (status, free_bytes),
        }
        assert!(kept < 4, "more was taken than the disk holds");
    };
    assert_eq!(refused.0, Status(0xa700));
    assert!(kept > 0);
    let given_back = || async { (disk.free_bytes() + (1 << 20) > refused.1).then_some(()) };
    eventually("what was written of it is given back", given_back).await;
    assert!(disk.free_bytes() > RESERVE_MIB << 20);
    let setup = sen.kill();
    let verified = tools::succeeded(&setup.run(&["verify"]));
    assert!(verified.contains(&format!("{kept} instances read, 0 damaged")), "{verified}");
    assert!(!has_half(&setup.folder().join("data/spool"), kept), "a segment has more than what was kept");
}

/// Whether the spool has more than so many large instances.
fn has_half(spool: &Path, kept: u32) -> bool {
    let bytes: u64 =
        std::fs::read_dir(spool).unwrap().map(|file| file.unwrap().metadata().unwrap().len()).sum();
    bytes > u64::from(kept) * (33 << 20) + (1 << 20)
}
