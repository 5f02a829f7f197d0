//! DICOM over TLS and users, of the started program: a device that has to use both, and certificates that are renewed.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::tls::make_certificate;
use crate::support::program::{Sen, Setup};
use crate::support::{eventually, tools};

const DEVICE: &str = "[[device]]\nae_title = 'CT1'\nhost = '127.0.0.1'\nport = 104\ntls = 'required'\nuser = 'required'\n\
     [[device]]\nae_title = 'MR1'\nhost = '127.0.0.1'\nport = 104\n";

async fn last_failure(sen: &Sen, title: &str) -> Option<String> {
    let list: Value = reqwest::get(sen.url("/api/v1/devices")).await.ok()?.json().await.ok()?;
    let of_title = |row: &&Value| row["aeTitle"] == title;
    let row = list["items"].as_array()?.iter().chain(list["strangers"].as_array()?).find(of_title)?;
    row["lastFailure"]["reason"]["code"].as_str().map(str::to_owned)
}

#[tokio::test]
async fn a_device_that_has_to_encrypt_and_name_a_user() {
    let setup = Setup::default();
    let Some((certificate, key)) = make_certificate(setup.folder(), "own") else { return };
    let Some((renewed, renewed_key)) = make_certificate(setup.folder(), "renewed") else { return };
    let sen = setup
        .variable("SEN_UNKNOWN_AE", "reject")
        .variable("SEN_DIMSE_TLS_LISTEN", "127.0.0.1:0")
        .variable("SEN_DIMSE_TLS_CERTIFICATE", &certificate)
        .variable("SEN_DIMSE_TLS_KEY", &key)
        .file(DEVICE)
        .start();
    let port = sen.dimse_tls.expect("a port for TLS").port().to_string();
    let password = "mật khẩu của Lan";
    tools::succeeded(&sen.run_with_input(&["user", "add", "lan", "--role", "radiographer"], password));
    if let Some(python) = tools::python() {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python/tls_client.py");
        let mut command = Command::new(python);
        command.arg(script).args(["127.0.0.1", &port, &certificate, "lan", password]);
        tools::succeeded(&command.output().expect("Python runs"));
    }
    let Some(echoscu) = tools::program("echoscu") else { return };
    let echo = |arguments: &[&str]| tools::run(&echoscu, sen.folder(), arguments).status.success();
    // At the port without TLS, and at the one with it without speaking it.
    let plain = sen.dimse_port();
    assert!(!echo(&["-aet", "CT1", "-aec", "SEN", "127.0.0.1", &plain]));
    eventually("the refusal is noted", || async {
        (last_failure(&sen, "CT1").await? == "tlsRequired").then_some(())
    })
    .await;
    assert!(!echo(&["-aet", "MR1", "-aec", "SEN", "127.0.0.1", &port]));
    eventually("the refusal is noted", || async {
        (last_failure(&sen, "MR1").await? == "plainAtTlsPort").then_some(())
    })
    .await;
    let over_tls =
        |authority: &str| echo(&["+tla", "+cf", authority, "-aet", "MR1", "-aec", "SEN", "127.0.0.1", &port]);
    assert!(over_tls(&certificate));
    assert!(!over_tls(&renewed));
    // Renewed in place, as certificates are.
    std::fs::copy(&renewed, &certificate).unwrap();
    std::fs::copy(&renewed_key, &key).unwrap();
    sen.signal("HUP");
    eventually("the new certificate is shown", || async { over_tls(&renewed).then_some(()) }).await;
}

#[test]
fn tls_without_a_certificate_is_told_at_the_start() {
    let log = Setup::default().variable("SEN_DIMSE_TLS_LISTEN", "127.0.0.1:0").try_start().err().unwrap();
    assert!(log.contains("dimse_tls_certificate"), "{log}");
}
