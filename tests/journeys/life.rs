//! Start, stop, and what the program says about itself.

use std::time::Duration;

use serde_json::Value;

use crate::support::images::Study;
use crate::support::program::{Sen, Setup};
use crate::support::tools;

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

#[tokio::test]
async fn terminate_lets_an_open_association_finish_and_keeps_everything() {
    let Some(storescu) = tools::program("storescu") else { return };
    let sen = Sen::start();
    let study = Study::of("P1", "NGUYỄN^VĂN A");
    study.write(&sen.folder().join("ct"));
    tools::succeeded(&tools::run(
        &storescu,
        sen.folder(),
        &["-aec", "SEN", "+sd", "127.0.0.1", &sen.dimse_port(), "ct"],
    ));
    let sen = sen.restart();
    let path = format!("/dicomweb/studies/{}/instances", study.uid);
    let found: Value = reqwest::get(sen.url(&path)).await.unwrap().json().await.unwrap();
    assert_eq!(found.as_array().unwrap().len(), 3);
}

#[test]
fn a_stop_is_prompt_even_with_idle_connections() {
    let mut sen = Sen::start();
    let _idle: Vec<_> = (0..5)
        .flat_map(|_| {
            [
                std::net::TcpStream::connect(sen.http).unwrap(),
                std::net::TcpStream::connect(sen.dimse).unwrap(),
            ]
        })
        .collect();
    let asked = std::time::Instant::now();
    sen.signal("TERM");
    let status = sen.wait();
    assert!(status.success(), "{status}");
    assert!(asked.elapsed() < Duration::from_secs(25), "{:?}", asked.elapsed());
}

#[test]
fn a_second_program_on_the_same_archive_is_told_so() {
    let sen = Sen::start();
    let second = sen.run(&["serve"]);
    assert_eq!(second.status.code(), Some(1), "{}", tools::said(&second));
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
    let deadline = std::time::Instant::now() + crate::support::PATIENCE;
    loop {
        let listed = tools::succeeded(&sen.run(&["device", "list"]));
        if listed.contains("CT2") && !listed.contains("CT1") {
            break;
        }
        assert!(std::time::Instant::now() < deadline, "{listed}");
    }
}

#[test]
fn a_bad_configuration_is_refused_with_its_key() {
    let setup = Setup::default().file("htp_listen = '127.0.0.1:1'\n");
    let output = setup.run(&["serve"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(tools::said(&output).contains("htp_listen"), "{}", tools::said(&output));
    assert_eq!(Setup::default().run(&["serve", "--frobnicate"]).status.code(), Some(2));
    let open = Setup::default().variable("SEN_HTTP_LISTEN", "0.0.0.0:0").run(&["serve"]);
    assert_eq!(open.status.code(), Some(1));
    assert!(tools::said(&open).contains("loopback"), "{}", tools::said(&open));
}
