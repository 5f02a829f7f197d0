//! Start, stop, and what the program says about itself.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde_json::Value;
use storage::database::Database;

use crate::support::images::Study;
use crate::support::program::{self, Sen, Setup};
use crate::support::{PATIENCE, eventually, files_below, push, stow, tools};

#[tokio::test]
async fn it_tells_how_it_is() {
    let sen = Sen::start();
    for path in ["/healthz", "/readyz"] {
        assert_eq!(reqwest::get(sen.url(path)).await.unwrap().status(), 200, "{path}");
    }
    let metrics = reqwest::get(sen.url("/metrics")).await.unwrap().text().await.unwrap();
    assert!(metrics.contains("sen_build_info"), "{metrics}");
    assert!(metrics.contains("sen_http_requests_total"), "{metrics}");
    let openapi: Value = reqwest::get(sen.url("/api/v1/openapi.json")).await.unwrap().json().await.unwrap();
    assert!(openapi["paths"].as_object().unwrap().len() >= 10, "{openapi}");
    let system: Value = reqwest::get(sen.url("/api/v1/system")).await.unwrap().json().await.unwrap();
    assert_eq!(system["aeTitle"], "SEN");
    assert_eq!(system["dimsePort"], sen.dimse.port());
}

#[tokio::test]
async fn logs_and_metrics_tell_what_was_done_and_nothing_of_patients() {
    let Some(storescu) = tools::program("storescu") else { return };
    let sen = Setup::default().variable("SEN_LOG", "debug").start();
    let study = Study::of("PID4711", "NGUYỄN^VĂN A").accession_number("ACC4711");
    study.write(&sen.folder().join("ct"));
    let arguments = ["-aec", "SEN", "-aet", "CT1", "+sd", "127.0.0.1", &sen.dimse_port(), "ct"];
    tools::succeeded(&tools::run(&storescu, sen.folder(), &arguments));
    for path in [
        "/dicomweb/studies?PatientName=nguyen*&PatientID=PID4711",
        "/dicomweb/studies?PatientBirthDate=nonsense&AccessionNumber=ACC4711",
        "/api/v1/studies?q=nguyen%20van%20a",
        "/api/v1/studies/PID4711",
    ] {
        reqwest::get(sen.url(path)).await.unwrap();
    }
    let metrics = reqwest::get(sen.url("/metrics")).await.unwrap().text().await.unwrap();
    for of_each_door in
        ["sen_dimse_operations_total", "sen_dimse_store_seconds", "sen_dicomweb_requests_total"]
    {
        assert!(metrics.contains(of_each_door), "{metrics}");
    }
    let sen = sen.restart();
    let log = sen.log();
    let lines: Vec<Value> = log.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let association = lines.iter().find(|line| line["message"] == "association").expect("a line");
    assert_eq!((&association["calling"], &association["operations"]), (&"CT1".into(), &"c-store=3".into()));
    assert!(lines.iter().any(|line| line["message"] == "request" && line["status"] == 200));
    for told in [&log, &metrics] {
        for secret in ["PID4711", "ACC4711", "NGUY", "nguyen", "19800102", "1980-01-02"] {
            let line = told.lines().find(|line| line.contains(secret));
            assert_eq!(line, None, "{secret} is told");
        }
    }
}

#[tokio::test]
async fn answers_carry_security_headers_and_unknown_paths_are_problems() {
    let sen = Sen::start();
    let answer = reqwest::get(sen.url("/api/v1/studies")).await.unwrap();
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        ("referrer-policy", "no-referrer"),
    ] {
        assert_eq!(answer.headers()[name], value);
    }
    assert!(answer.headers().contains_key("x-request-id"));
    let missing = reqwest::get(sen.url("/api/v1/nothing")).await.unwrap();
    assert_eq!(missing.status(), 404);
    assert_eq!(missing.headers()["content-type"], "application/problem+json");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_in_the_middle_of_a_push_is_orderly_and_keeps_what_was_acknowledged() {
    let Some(storescu) = tools::program("storescu") else { return };
    let mut sen = Sen::start();
    let mut study = Study::of("P1", "NGUYỄN^VĂN A");
    (study.slices, study.edge_pixels) = (300, 256);
    let folder = sen.folder().join("ct");
    study.write(&folder);
    let (port, mut asked) = (sen.dimse_port(), None);
    let (kept, pushed) = push::watched(&storescu, &port, &folder, |acknowledged| {
        if acknowledged == 25 {
            sen.signal("TERM");
            asked = Some(Instant::now());
        }
    });
    assert!(!pushed.success() && kept.len() < 300, "the push went on: {} of 300", kept.len());
    let status = sen.wait();
    assert!(status.success(), "{status}:\n{}", sen.log());
    assert!(asked.unwrap().elapsed() < Duration::from_secs(15), "{:?}", asked.unwrap().elapsed());
    let sen = sen.start_again();
    let path = format!("/dicomweb/studies/{}/instances?limit=1000", study.uid);
    let found: Value = reqwest::get(sen.url(&path)).await.unwrap().json().await.unwrap();
    let found: Vec<&str> =
        found.as_array().unwrap().iter().filter_map(|row| row["00080018"]["Value"][0].as_str()).collect();
    for file in &kept {
        let uid = file.file_stem().unwrap().to_str().unwrap();
        assert!(found.contains(&uid), "{uid} was acknowledged and is gone");
    }
}

#[test]
fn a_connection_that_says_nothing_is_given_up() {
    let sen = Sen::start();
    let begun = [&b""[..], b"GET / HT"].map(|beginning| {
        let mut connection = TcpStream::connect(sen.http).unwrap();
        connection.write_all(beginning).unwrap();
        connection.set_read_timeout(Some(Duration::from_secs(40))).unwrap();
        connection
    });
    for mut connection in begun {
        let mut said = Vec::new();
        connection.read_to_end(&mut said).expect("the end of the connection");
        assert!(said.is_empty(), "{}", String::from_utf8_lossy(&said));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_whose_archive_another_node_has_taken_stops() {
    let mut sen = Sen::start();
    let url = format!("sqlite://{}", sen.folder().join("data/sen.db").display());
    let database = Database::open(&url).await.unwrap();
    let taken = "update node_lease set node = 'another', epoch = epoch + 1";
    assert_eq!(database.execute(taken, Vec::new()).await.unwrap(), 1);
    let status = sen.wait();
    assert_eq!(status.code(), Some(1), "{}", sen.log());
    assert!(sen.log().contains("another node has taken this archive"), "{}", sen.log());
}

#[test]
fn a_stop_is_prompt_even_with_idle_connections() {
    let mut sen = Sen::start();
    let _idle: Vec<_> = (0..5)
        .flat_map(|_| [TcpStream::connect(sen.http).unwrap(), TcpStream::connect(sen.dimse).unwrap()])
        .collect();
    let asked = Instant::now();
    sen.signal("TERM");
    let status = sen.wait();
    assert!(status.success(), "{status}");
    assert!(asked.elapsed() < Duration::from_secs(5), "{:?}", asked.elapsed());
}

#[tokio::test]
async fn a_start_that_waits_for_its_database_can_be_broken_off() {
    // It takes a connection and never says a word.
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("postgres://sen@{}/sen", silent.local_addr().unwrap());
    let setup = Setup::default().variable("SEN_DATABASE_URL", &url);
    let mut starting = setup.launch();
    let _connection = tokio::time::timeout(PATIENCE, silent.accept()).await.expect("a connection").unwrap();
    let asked = Instant::now();
    program::signal(starting.id(), "TERM");
    assert_eq!(starting.wait().unwrap().code(), Some(1));
    assert!(asked.elapsed() < Duration::from_secs(10), "{:?}", asked.elapsed());
}

#[test]
fn a_second_program_on_the_same_archive_is_told_so() {
    let sen = Sen::start();
    let second = sen.run(&["serve"]);
    assert_eq!(second.status.code(), Some(1), "{}", tools::said(&second));
}

#[tokio::test]
async fn a_second_server_with_a_spool_of_its_own_is_told_so_and_takes_nothing_over() {
    let mut sen = Sen::start();
    let data = sen.folder().join("data");
    let second = Setup::default()
        .variable("SEN_DATABASE_URL", &format!("sqlite://{}", data.join("sen.db").display()))
        .variable("SEN_STORAGE_URL", &format!("file://{}", data.join("objects").display()))
        .run(&["serve"]);
    assert_eq!(second.status.code(), Some(1), "{}", tools::said(&second));
    assert!(tools::said(&second).contains("another node holds this archive"), "{}", tools::said(&second));
    assert!(sen.is_running());
    assert_eq!(reqwest::get(sen.url("/readyz")).await.unwrap().status(), 200);
    // Killed, the first comes back to its own spool without waiting for its lease to end.
    let begun = Instant::now();
    sen.kill().start();
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
}

#[test]
fn hang_up_rereads_the_devices() {
    let sen = Setup::default().file("[[device]]\nae_title = 'CT1'\nhost = '127.0.0.1'\nport = 104\n").start();
    assert!(tools::succeeded(&sen.run(&["device", "list"])).contains("CT1"));
    std::fs::write(
        sen.folder().join("sen.toml"),
        "[[device]]\nae_title = 'CT2'\nhost = '127.0.0.1'\nport = 104\n",
    )
    .unwrap();
    sen.signal("HUP");
    let deadline = Instant::now() + PATIENCE;
    loop {
        let listed = tools::succeeded(&sen.run(&["device", "list"]));
        if listed.contains("CT2") && !listed.contains("CT1") {
            break;
        }
        assert!(Instant::now() < deadline, "{listed}");
    }
}

#[test]
fn a_bad_configuration_is_refused_with_its_key() {
    let setup = Setup::default().file("htp_listen = '127.0.0.1:1'\n");
    let output = setup.run(&["serve"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(tools::said(&output).contains("htp_listen"), "{}", tools::said(&output));
    let usage = Setup::default().run(&["serve", "--frobnicate"]);
    assert_eq!(usage.status.code(), Some(2));
    assert!(tools::said(&usage).contains("--frobnicate"), "{}", tools::said(&usage));
    let filter = Setup::default().variable("SEN_LOG", "[[[").run(&["user", "list"]);
    assert!(tools::succeeded(&filter).contains("SEN_LOG"), "{}", tools::said(&filter));
    let open = Setup::default().variable("SEN_HTTP_LISTEN", "0.0.0.0:0").run(&["serve"]);
    assert_eq!(open.status.code(), Some(1));
    assert!(tools::said(&open).contains("loopback"), "{}", tools::said(&open));
}

/// A thumbnail is there before anybody asks. After a crash nothing that was kept ready is trusted: it is made on
/// demand.
#[tokio::test]
async fn thumbnails_of_settled_series_are_made_before_anybody_asks() {
    let sen = Setup::default().variable("SEN_SETTLE_AFTER_SECONDS", "0").start();
    let study = Study::of("P1", "NGUYỄN^VĂN A");
    stow::push_study(&sen, &study).await;
    let renditions = sen.folder().join("data/renditions");
    eventually("a thumbnail", || async {
        let made = files_below(&renditions).into_iter().filter_map(|path| std::fs::read(path).ok());
        made.into_iter().find(|bytes| bytes.starts_with(&[0xFF, 0xD8]))
    })
    .await;
    let sen = sen.kill().start();
    assert_eq!(files_below(&renditions), Vec::<PathBuf>::new());
    let thumbnail = format!("/dicomweb/studies/{}/series/{}/thumbnail", study.uid, study.series());
    let answer = reqwest::get(sen.url(&thumbnail)).await.unwrap();
    assert_eq!(
        (answer.status().as_u16(), &answer.headers()["content-type"]),
        (200, &"image/jpeg".parse().unwrap())
    );
}
