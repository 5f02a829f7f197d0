//! Another PACS is emptied into ours: Orthanc, and DCMTK's dcmqrscp.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use reqwest::Client;
use serde_json::Value;

use crate::orthanc::Orthanc;
use crate::support::images::{Study, dataset_bytes};
use crate::support::program::{Sen, Setup};
use crate::support::{eventually, files_below, free_ports, stow, tools};

const SINCE: [&str; 2] = ["--since", "20261120"];

/// Studies of several days, and one without a date.
fn studies() -> Vec<Study> {
    ["20261123", "20261123", "20261122", "20261120", "20261121", ""]
        .into_iter()
        .enumerate()
        .map(|(number, date)| {
            let mut study = Study::of(&format!("P{number}"), "NGUYỄN^VĂN A");
            date.clone_into(&mut study.date);
            study
        })
        .collect()
}

async fn instances(sen: &Sen, study: &Study) -> usize {
    let path = format!("/dicomweb/studies/{}/instances", study.uid);
    let answer = reqwest::get(sen.url(&path)).await.unwrap();
    answer.json::<Value>().await.map_or(0, |found| found.as_array().map_or(0, Vec::len))
}

async fn assert_here(sen: &Sen, studies: &[Study]) {
    for study in studies {
        assert_eq!(instances(sen, study).await, study.slices as usize, "{} of {}", study.uid, study.date);
        let (series, instance) = (study.series(), study.instance(2));
        let path = format!("/dicomweb/studies/{}/series/{series}/instances/{instance}", study.uid);
        let accept = "application/dicom; transfer-syntax=*";
        let answer = Client::new().get(sen.url(&path)).header("accept", accept).send().await.unwrap();
        let file = answer.bytes().await.unwrap();
        let pixels = study.pixels(2);
        assert!(dataset_bytes(&file).windows(pixels.len()).any(|part| part == pixels), "{instance}");
    }
}

/// The figure that the report has behind a word.
fn figure(report: &str, word: &str) -> u64 {
    let line =
        report.lines().find(|line| line.starts_with(word)).unwrap_or_else(|| panic!("no {word}: {report}"));
    line.split_whitespace().last().unwrap().parse().unwrap()
}

fn device(title: &str, port: u16) -> String {
    format!("[[device]]\nae_title = '{title}'\nhost = '127.0.0.1'\nport = {port}\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn orthanc_is_emptied_through_a_crash_and_what_it_lost_is_listed() {
    let Some((program, http, dimse)) = Orthanc::prepare() else { return };
    // A port that stays the same when the program comes back: Orthanc has it in its configuration.
    let own = free_ports().0;
    let setup = Setup::default()
        .variable("SEN_UNKNOWN_AE", "reject")
        .variable("SEN_DIMSE_LISTEN", &format!("127.0.0.1:{own}"))
        .file(&device("ORTHANC", dimse));
    let nobody = setup.run(&["migrate", "ORTHANC"]);
    assert_eq!(nobody.status.code(), Some(1), "{}", tools::said(&nobody));
    let sen = setup.start();
    let orthanc = Orthanc::start(&program, http, dimse, &sen).await;
    let studies = studies();
    for study in &studies {
        orthanc.keep(study).await;
    }
    // One of them is here already, another in part.
    stow::push_study(&sen, &studies[1]).await;
    assert_eq!(stow::push(&sen, &studies[2].slice(1)).await.status(), 200);

    let mut following = follow(&sen, "ORTHANC");
    eventually("the first study", || async { (instances(&sen, &studies[0]).await > 0).then_some(()) }).await;
    let setup = sen.kill();
    following.kill().unwrap();
    following.wait().unwrap();
    let sen = setup.start();
    let report = sen.run(&[&["migrate", "ORTHANC"], &SINCE[..]].concat());
    let said = tools::succeeded(&report);
    assert_eq!(figure(&said, "studies  "), 6, "{said}");
    assert_eq!((figure(&said, "instances there"), figure(&said, "instances here")), (18, 18), "{said}");
    assert_here(&sen, &studies).await;

    // Orthanc loses a file of a new study.
    let lost = Study::of("P9", "TRẦN^THỊ B");
    let before = files_below(&orthanc.storage());
    orthanc.keep(&lost).await;
    let new: Vec<PathBuf> = files_below(&orthanc.storage())
        .into_iter()
        .filter(|path| !before.contains(path) && is_image(path))
        .collect();
    std::fs::remove_file(&new[0]).unwrap();
    let again = sen.run(&[&["migrate", "ORTHANC"], &SINCE[..]].concat());
    assert_eq!(again.status.code(), Some(1), "{}", tools::said(&again));
    assert_eq!(figure(&tools::said(&again), "studies that lack some"), 1, "{}", tools::said(&again));
    let list = std::fs::read_to_string(sen.folder().join("not-taken.tsv")).unwrap();
    assert!(
        list.starts_with(&format!("failed\t{}\t", lost.uid)) && list.contains("of 3 instances"),
        "{list}"
    );
}

fn is_image(path: &Path) -> bool {
    std::fs::read(path).is_ok_and(|content| content.get(128..132) == Some(b"DICM"))
}

/// The command that follows a migration, left running.
fn follow(sen: &Sen, title: &str) -> Child {
    let mut command = sen.setup().command();
    command.args(["migrate", title]).args(SINCE).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().unwrap()
}

/// DCMTK's archive over a folder.
struct Dcmqrscp {
    child: Child,
    _folder: tempfile::TempDir,
}

impl Dcmqrscp {
    fn start(program: &Path, index: &Path, port: u16, sen: &Sen, studies: &[Study]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = folder.path().join("store");
        std::fs::create_dir(&store).unwrap();
        for study in studies {
            let files = study.write(&store);
            let mut arguments = vec![store.as_os_str().to_owned()];
            arguments.extend(files.into_iter().map(PathBuf::into_os_string));
            tools::succeeded(&tools::run(index, folder.path(), &arguments));
        }
        let configuration = format!(
            "NetworkTCPPort = {port}\nMaxPDUSize = 16384\nMaxAssociations = 16\n\
             HostTable BEGIN\nsen = (SEN, 127.0.0.1, {})\nHostTable END\n\
             VendorTable BEGIN\nVendorTable END\n\
             AETable BEGIN\nOLD {} RW (200, 1024mb) ANY\nAETable END\n",
            sen.dimse.port(),
            store.display()
        );
        let path = folder.path().join("dcmqrscp.cfg");
        std::fs::write(&path, configuration).unwrap();
        let child = Command::new(program)
            .args(["-c"])
            .arg(&path)
            .env("TCP_NODELAY", "1")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Self { child, _folder: folder }
    }
}

impl Drop for Dcmqrscp {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_archive_that_comes_up_later_and_does_not_count_is_emptied_too() {
    let (Some(program), Some(index)) = (tools::program("dcmqrscp"), tools::program("dcmqridx")) else {
        return;
    };
    let port = free_ports().0;
    let sen = Setup::default().variable("SEN_UNKNOWN_AE", "reject").file(&device("OLD", port)).start();
    let mut studies = studies();
    studies.truncate(4);
    let mut following = follow(&sen, "OLD");
    eventually("it waits for the other archive", || async {
        sen.log().contains("a migration waits").then_some(())
    })
    .await;
    let _old = Dcmqrscp::start(&program, &index, port, &sen, &studies);
    let ended = tokio::task::spawn_blocking(move || following.wait().unwrap()).await.unwrap();
    assert!(ended.success(), "{}", sen.log());
    assert_here(&sen, &studies).await;
    let report = tools::succeeded(&sen.run(&[&["migrate", "OLD"], &SINCE[..]].concat()));
    assert_eq!(figure(&report, "instances here"), 12, "{report}");
    let unknown = sen.run(&["migrate", "NOBODY"]);
    assert_eq!(unknown.status.code(), Some(1));
    assert!(tools::said(&unknown).contains("sen device add"), "{}", tools::said(&unknown));
}

/// A process that ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn neither_a_refused_day_nor_another_archive_that_is_away_is_in_the_way() {
    let Some(python) = tools::python() else { return };
    let (port, away) = free_ports();
    let devices = format!("{}{}", device("AWAY", away), device("MUTE", port));
    let sen = Setup::default().variable("SEN_UNKNOWN_AE", "reject").file(&devices).start();
    let _away = Running(follow(&sen, "AWAY"));
    eventually("it waits for the other archive", || async {
        sen.log().contains("a migration waits").then_some(())
    })
    .await;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python/refusing_archive.py");
    let mut peer = Command::new(python);
    let _peer =
        Running(peer.arg(script).args([&port.to_string(), "MUTE", "20261122", "20261121"]).spawn().unwrap());
    eventually("the other archive listens", || async {
        tokio::net::TcpStream::connect(("127.0.0.1", port)).await.ok()
    })
    .await;
    let report = sen.run(&[&["migrate", "MUTE"], &SINCE[..]].concat());
    assert_eq!(report.status.code(), Some(1), "{}", tools::said(&report));
    let list = std::fs::read_to_string(sen.folder().join("not-taken.tsv")).unwrap();
    let names: Vec<&str> = list.lines().filter_map(|line| line.split('\t').nth(1)).collect();
    assert_eq!(names, ["20261121", "20261122", "undated"], "{list}");
    assert!(list.starts_with("failed\t20261121\t1 studies are listed without a valid"), "{list}");
    assert!(list.contains("the query was answered"), "{list}");
    assert!(
        tools::said(&report).contains("1 study without a valid UID, 2 days not told of; "),
        "{}",
        tools::said(&report)
    );

    // The pages have words for it.
    let ask =
        async |path: &str| -> Value { reqwest::get(sen.url(path)).await.unwrap().json().await.unwrap() };
    let intakes = ask("/api/v1/intakes").await;
    let of = |title: &str| {
        let rows = intakes["items"].as_array().unwrap();
        rows.iter().find(|row| row["from"][0] == title).unwrap_or_else(|| panic!("{intakes}"))
    };
    let note = &of("AWAY")["note"];
    assert_eq!(
        (&note["code"], &note["values"]["cause"]),
        (&"unreachable".into(), &"connectionRefused".into())
    );
    let mute = ask(&format!("/api/v1/intakes/{}", of("MUTE")["id"])).await;
    assert_eq!(mute["notTaken"][0]["reason"]["code"], "noStudyUid", "{mute}");
    let reason = &mute["notTaken"][1]["reason"];
    assert_eq!(
        (&reason["code"], reason["values"]["status"].is_string()),
        (&"dayRefused".into(), true),
        "{mute}"
    );
}

/// A console whose clock was reset dates its images 1970, another 2031, and old ones write dates in other ways.
#[tokio::test(flavor = "multi_thread")]
async fn studies_of_impossible_dates_are_taken_or_listed() {
    let Some((program, http, dimse)) = Orthanc::prepare() else { return };
    let sen = Setup::default().variable("SEN_UNKNOWN_AE", "reject").file(&device("ORTHANC", dimse)).start();
    let orthanc = Orthanc::start(&program, http, dimse, &sen).await;
    let dated = |date: &str| {
        let mut study = Study::of(&format!("P{date}"), "NGUYỄN^VĂN A");
        date.clone_into(&mut study.date);
        study
    };
    let mut studies: Vec<Study> = ["20261121", "20310101", "2026.11.22", "00000000", ""].map(dated).into();
    let old = dated("19700101");
    for study in studies.iter().chain([&old]) {
        orthanc.keep(study).await;
    }
    let report = tools::succeeded(&sen.run(&[&["migrate", "ORTHANC"], &SINCE[..]].concat()));
    assert_eq!(figure(&report, "studies  "), 5, "{report}");
    assert!(report.contains("dates not asked for"), "{report}");
    assert_here(&sen, &studies).await;
    assert_eq!(instances(&sen, &old).await, 0, "somebody has said since when");
    let list = std::fs::read_to_string(sen.folder().join("not-taken.tsv")).unwrap();
    assert!(list.starts_with("skipped\t19700101\t1 studies have this date"), "{list}");
    // Somebody asks for that one too.
    let since = ["--since", "19700101", "--until", "19700102"];
    let report = tools::succeeded(&sen.run(&[&["migrate", "ORTHANC"], &since[..]].concat()));
    assert!(report.contains("dates not asked for"), "{report}");
    studies.push(old);
    assert_here(&sen, &studies).await;
}
