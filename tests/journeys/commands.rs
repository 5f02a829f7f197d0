//! The commands beside `serve`, on an archive that is being served and on one that is not.

use std::path::PathBuf;

use serde_json::Value;
use storage::database::Database;

use crate::support::images::Study;
use crate::support::program::{Sen, Setup};
use crate::support::{eventually, files_below, tools};

#[test]
fn every_command_has_help() {
    let setup = Setup::default();
    for command in [
        "serve", "demo", "import", "migrate", "user", "token", "device", "doctor", "reindex", "verify",
        "backup", "restore", "bench",
    ] {
        let help = tools::succeeded(&setup.run(&[command, "--help"]));
        assert!(help.contains("Usage:"), "{command}: {help}");
    }
    for who in [["user", "add", "--help"], ["token", "create", "--help"]] {
        let help = tools::succeeded(&setup.run(&who));
        assert!(help.contains("radiographer"), "which roles there are: {help}");
    }
}

/// What the audit log of that folder holds, oldest first.
fn audited(setup: &Setup) -> Vec<(String, Option<String>)> {
    let url = format!("sqlite://{}/data/sen.db", setup.folder().display());
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let database = storage::database::Database::open(&url).await.unwrap();
        let lines = storage::audit_log::before(&database, i64::MAX, 100).await.unwrap();
        lines.into_iter().rev().map(|(_, line)| (line.subject, line.detail)).collect()
    })
}

#[test]
fn accounts_are_added_listed_changed_and_removed() {
    let setup = Setup::default();
    let add = setup.run_with_input(
        &["user", "add", "lan", "--role", "radiographer", "--facility", "BVTW"],
        "mật khẩu dài\n",
    );
    tools::succeeded(&add);
    let again = setup.run_with_input(&["user", "add", "lan", "--role", "clerk"], "mật khẩu dài\n");
    assert_eq!(again.status.code(), Some(1), "a name is given once");
    let short = setup.run_with_input(&["user", "add", "mai", "--role", "clerk"], "ngắn\n");
    assert_eq!(short.status.code(), Some(1), "{}", tools::said(&short));
    let listed = tools::succeeded(&setup.run(&["user", "list"]));
    assert!(listed.contains("lan") && listed.contains("radiographer") && listed.contains("BVTW"), "{listed}");
    tools::succeeded(&setup.run_with_input(&["user", "password", "lan"], "một mật khẩu khác\n"));
    tools::succeeded(&setup.run(&["user", "remove", "lan"]));
    assert!(!tools::succeeded(&setup.run(&["user", "list"])).contains("lan"));
    assert_eq!(setup.run(&["user", "remove", "lan"]).status.code(), Some(1));
    assert_eq!(
        audited(&setup),
        [("account:lan", "add"), ("account:lan", "password"), ("account:lan", "remove")]
            .map(|(subject, what)| (subject.to_owned(), Some(what.to_owned())))
    );
}

#[test]
fn devices_are_added_echoed_and_removed_while_the_archive_is_served() {
    let sen = Sen::start();
    let port = sen.dimse_port();
    tools::succeeded(&sen.run(&["device", "add", "SEN", "127.0.0.1", &port, "--facility", "BVTW"]));
    let listed = tools::succeeded(&sen.run(&["device", "list"]));
    assert!(listed.contains("SEN") && listed.contains(&port), "{listed}");
    tools::succeeded(&sen.run(&["device", "echo", "SEN"]));
    tools::succeeded(&sen.run(&["device", "add", "NOBODY", "127.0.0.1", "1"]));
    assert_eq!(sen.run(&["device", "echo", "NOBODY"]).status.code(), Some(1));
    let reads = |terms| sen.run(&["device", "add", "OLD", "127.0.0.1", "1", "--character-set", terms]);
    tools::succeeded(&reads("iso_ir_100"));
    assert_eq!(reads("latin").status.code(), Some(2));
    let listed = tools::succeeded(&sen.run(&["device", "list"]));
    assert!(listed.contains("ISO_IR 100"), "{listed}");
    tools::succeeded(&sen.run(&["device", "remove", "SEN"]));
    assert!(!tools::succeeded(&sen.run(&["device", "list"])).contains("SEN"));
}

#[test]
fn a_device_at_an_ipv6_address_answers_too() {
    let sen = Setup::default().variable("SEN_DIMSE_LISTEN", "[::1]:0").start();
    tools::succeeded(&sen.run(&["device", "add", "SEN", "::1", &sen.dimse_port()]));
    let said = tools::succeeded(&sen.run(&["device", "echo", "SEN"]));
    let address = format!("[::1]:{}", sen.dimse_port());
    assert!(said.contains(&address), "{said}");
    let listed = tools::succeeded(&sen.run(&["device", "list"]));
    assert!(listed.contains(&address), "{listed}");
}

#[test]
fn the_doctor_finds_a_healthy_archive_and_explains_a_sick_one() {
    let healthy = Setup::default();
    let said = tools::succeeded(&healthy.run(&["doctor"]));
    assert!(said.contains("database"), "{said}");
    assert_eq!(files_below(healthy.folder()), Vec::<PathBuf>::new(), "it only looks");
    assert!(!healthy.folder().join("data").exists(), "it only looks");

    let blocked = Setup::default();
    std::fs::write(blocked.folder().join("data"), "a file where the folder should be").unwrap();
    let sick = blocked.run(&["doctor"]);
    assert_eq!(sick.status.code(), Some(1), "{}", tools::said(&sick));
}

/// Every file below the archive's folder with its content.
fn content(setup: &Setup) -> Vec<(PathBuf, Vec<u8>)> {
    let read = |path: PathBuf| (path.clone(), std::fs::read(path).unwrap());
    files_below(&setup.folder().join("data")).into_iter().map(read).collect()
}

async fn say_schema(setup: &Setup, statement: &'static str) {
    let file = setup.folder().join("data/sen.db");
    let database = Database::open(&format!("sqlite://{}", file.display())).await.unwrap();
    assert!(database.execute(statement, Vec::new()).await.unwrap() > 0);
    database.close().await;
    drop(database);
    eventually("the database is closed", || async {
        (!file.with_extension("db-wal").exists()).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_changes_nothing_in_an_archive_of_another_version() {
    let setup = Setup::default();
    tools::succeeded(&setup.run(&["device", "add", "CT1", "127.0.0.1", "104"]));
    say_schema(&setup, "delete from migration where version > 1").await;
    let before = content(&setup);
    let said = tools::succeeded(&setup.run(&["doctor"]));
    assert!(said.contains("look  database") && said.contains("its schema 1 is older"), "{said}");
    assert!(said.contains("`sen serve` will bring it up to date"), "{said}");
    assert!(content(&setup) == before, "it only looks");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_tells_of_an_archive_of_a_newer_version() {
    let setup = Setup::default();
    tools::succeeded(&setup.run(&["device", "add", "CT1", "127.0.0.1", "104"]));
    assert!(tools::succeeded(&setup.run(&["doctor"])).contains("1 devices in it"));
    say_schema(&setup, "insert into migration (version, name) values (999, 'of days to come')").await;
    let before = content(&setup);
    let sick = setup.run(&["doctor"]);
    assert_eq!(sick.status.code(), Some(1), "{}", tools::said(&sick));
    assert!(tools::said(&sick).contains("start a newer version"), "{}", tools::said(&sick));
    assert!(content(&setup) == before, "it only looks");
}

#[test]
fn the_doctor_may_look_while_the_archive_is_served() {
    let sen = Sen::start();
    tools::succeeded(&sen.run(&["device", "add", "CT1", "127.0.0.1", "104"]));
    let said = tools::succeeded(&sen.run(&["doctor"]));
    assert!(said.contains("1 devices in it") && said.contains("an object was written"), "{said}");
}

#[test]
fn verify_and_reindex_tell_what_they_found() {
    let setup = Setup::default();
    let study = Study::of("P1", "NGUYỄN^VĂN A");
    study.write(&setup.folder().join("ct"));
    tools::succeeded(&setup.run(&["import", "ct"]));
    let verified = tools::succeeded(&setup.run(&["verify"]));
    assert!(verified.contains("3 instances read, 0 damaged"), "{verified}");
    let reindexed = tools::succeeded(&setup.run(&["reindex"]));
    assert!(reindexed.contains(" 0 instances added"), "{reindexed}");
    let again = tools::succeeded(&setup.run(&["import", "ct"]));
    assert!(again.contains("already there"), "{again}");
}

#[test]
fn an_empty_index_is_filled_and_no_other() {
    let setup = Setup::default();
    let fill = ["bench", "fill", "--studies", "1100", "--instances", "3", "--orders", "40"];
    let filled = tools::succeeded(&setup.run(&fill));
    assert!(filled.contains("1100 studies, 3300 instance rows, 40 open orders"), "{filled}");
    assert_eq!(setup.run(&["bench", "fill", "--studies", "1"]).status.code(), Some(1));
    // It answers queries of every kind, and its images are not there: that is no measurement of frames.
    let sen = setup.start();
    let http = sen.url("/dicomweb");
    let brief = ["--clients", "1", "--rounds", "1", "--turn-ms", "1"];
    let queries = ["bench", "web", "queries", "--url", &http];
    let queries = tools::succeeded(&sen.run(&[&queries[..], &brief].concat()));
    for kind in [
        "newest 50",
        "PatientID",
        "AccessionNumber",
        "StudyDate",
        "PatientName",
        "PatientName=\\*x\\*",
        "StudyDate, a week",
        "ModalitiesInStudy, StudyDate",
        "StudyDescription=\\*x\\*, frequent",
        "StudyDescription=\\*x\\*, rare",
        "series of a study",
        "instances of a series",
        "next page",
        "offset=1000",
        "count",
        "count of a StudyDate",
        "exams of the day",
        "exams of the day, modality",
    ] {
        assert!(queries.contains(&format!("| {kind} |")), "no {kind}: {queries}");
    }
    assert!(!queries.contains("left out"), "{queries}");
    let dimse = sen.dimse.to_string();
    let find = tools::succeeded(&sen.run(&["bench", "find", "--to", &dimse, "--seconds", "0"]));
    for kind in [
        "C-FIND study, StudyInstanceUID",
        "C-FIND study, PatientID",
        "C-FIND study, AccessionNumber",
        "C-FIND study, StudyDate",
        "C-FIND study, PatientName",
        "C-FIND study, StudyDate, ModalitiesInStudy",
        "C-FIND study, PatientName=a*b",
        "C-FIND series of a study",
        "C-FIND images of a series",
        "C-FIND patient, PatientID",
        "C-FIND patient, PatientName",
        "MWL C-FIND, date",
        "MWL C-FIND, date, station AE",
        "MWL C-FIND, PatientName",
    ] {
        assert!(find.contains(&format!("| {kind} |")), "no {kind}: {find}");
    }
    assert!(!find.contains("left out"), "{find}");
    let images = sen.run(&[&["bench", "web", "images", "--url", &http], &brief[..]].concat());
    assert_eq!(images.status.code(), Some(1), "{}", tools::said(&images));
    assert!(tools::said(&images).contains("requests failed"), "{}", tools::said(&images));
}

async fn newest_study(sen: &Sen) -> String {
    let found: Value =
        reqwest::get(sen.url("/dicomweb/studies?limit=1")).await.unwrap().json().await.unwrap();
    found[0]["0020000D"]["Value"][0].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn bench_measures_this_archive_and_the_machine() {
    let sen = Sen::start();
    let dimse = sen.dimse.to_string();
    let disk = tools::succeeded(&sen.run(&["bench", "disk", "--files", "20", "--dir", "."]));
    assert!(disk.contains("fsync"), "{disk}");
    let store = tools::succeeded(&sen.run(&[
        "bench",
        "store",
        "--to",
        &dimse,
        "--images",
        "12",
        "--associations",
        "2",
    ]));
    assert!(store.contains("images/s"), "{store}");
    let find = tools::succeeded(&sen.run(&["bench", "find", "--to", &dimse, "--seconds", "0"]));
    assert!(find.contains("C-FIND") && find.contains("left out: no steps are scheduled"), "{find}");
    let study = newest_study(&sen).await;
    let retrieve = tools::succeeded(&sen.run(&["bench", "retrieve", "--to", &dimse, "--study", &study]));
    assert!(retrieve.contains("C-GET"), "{retrieve}");
    let http = sen.url("/dicomweb");
    let brief = ["--clients", "2", "--rounds", "1", "--turn-ms", "20"];
    let queries = ["bench", "web", "queries", "--url", &http];
    let queries = tools::succeeded(&sen.run(&[&queries[..], &brief].concat()));
    assert!(queries.contains("PatientID") && queries.contains("newest 50"), "{queries}");
    // What the archive has none of is said, and everything else is measured.
    assert!(queries.contains("left out: no exam is scheduled today"), "{queries}");
    assert!(find.contains("left out: no steps are scheduled"), "{find}");
    // What an archive has already it acknowledges without storing it.
    let again = ["--to", &dimse, "--folder", ".", "--associations", "1,2"];
    let said = sen.run(&[&["bench", "store"], &again[..]].concat());
    assert!(tools::said(&said).contains("one number"), "{}", tools::said(&said));
}

#[tokio::test(flavor = "multi_thread")]
async fn bench_compares_with_files_of_the_same_bytes() {
    let sen = Sen::start();
    let written = tools::succeeded(&sen.run(&["bench", "objects", "--dir", "objects", "--images", "20"]));
    assert!(written.contains("22 files"), "{written}");
    let dimse = sen.dimse.to_string();
    let stored = sen.run(&["bench", "store", "--to", &dimse, "--folder", "objects"]);
    assert!(tools::succeeded(&stored).contains("images/s"));
    let http = sen.url("/dicomweb");

    // A file server of the answers of the archive.
    let www = sen.folder().join("www");
    let files = axum::Router::new().fallback_service(tower_http::services::ServeDir::new(&www));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let files_url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, files).await.unwrap() });
    let images = ["bench", "web", "images", "--url", &http];
    let beside = ["--files", www.to_str().unwrap(), "--files-url", &files_url];
    let brief = ["--clients", "2", "--rounds", "1", "--turn-ms", "20"];
    let table = tools::succeeded(&sen.run(&[&images[..], &beside, &brief].concat()));
    for work in [
        "metadata of 20 instances",
        "series of 20",
        "frame of 20",
        "frame as HTJ2K",
        "20 frames of 20",
        "thumbnail",
    ] {
        let row =
            table.lines().find(|row| row.contains(work)).unwrap_or_else(|| panic!("no {work}: {table}"));
        // Work, bytes, clients; the archive, the file server, the one to the other.
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        assert!(cells[4].contains("/s, ") && cells[5].contains(" ms"), "{row}");
        assert!(cells[6].parse::<f64>().is_ok_and(|ratio| ratio > 0.0), "{row}");
    }
    assert!(table.contains("its JPEG encoder alone"), "{table}");
    let metadata = std::fs::read(www.join("metadata-of-20-instances/0")).unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&metadata).unwrap().as_array().unwrap().len(), 20);
    assert_eq!(std::fs::read_dir(www.join("frame")).unwrap().count(), 20);

    let cold = ["bench", "cold", "--url", &http, "--dir", "data"];
    let cold = tools::succeeded(&sen.run(&cold));
    assert!(cold.contains("a frame of 20, 524") && cold.contains("from the disk"), "{cold}");
}
