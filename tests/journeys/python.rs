//! pynetdicom and dicomweb-client, as researchers and integrators use them.

use std::path::Path;
use std::process::Command;

use crate::support::images::Study;
use crate::support::program::Sen;
use crate::support::tools;

fn script(name: &str, sen: &Sen, study: &Study, arguments: &[&str]) {
    let Some(python) = tools::python() else { return };
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python").join(name);
    let output = Command::new(python)
        .arg(path)
        .args(arguments)
        .arg(sen.folder().join("ct"))
        .arg(study.uid.as_str())
        .current_dir(sen.folder())
        .output()
        .expect("Python runs");
    tools::succeeded(&output);
}

#[test]
fn pynetdicom_pushes_finds_and_gets() {
    let sen = Sen::start();
    let study = Study::of("P1", "NGUYỄN^VĂN A");
    study.write(&sen.folder().join("ct"));
    script("dimse_client.py", &sen, &study, &["127.0.0.1", &sen.dimse_port()]);
}

#[test]
fn dicomweb_client_stores_searches_and_retrieves() {
    let sen = Sen::start();
    let study = Study::of("P1", "NGUYỄN^VĂN A");
    study.write(&sen.folder().join("ct"));
    script("dicomweb_client_journey.py", &sen, &study, &[&sen.url("/dicomweb")]);
}
