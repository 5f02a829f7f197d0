//! The query/retrieve models beside patient and study root, as pynetdicom asks them.

use super::{device, script};
use crate::support::program::Setup;
use crate::support::{free_ports, tools};

fn asked_by(name: &str) {
    let Some(python) = tools::python() else { return };
    let (port, _) = free_ports();
    let sen = Setup::default().file(&device("RECEIVER", port)).start();
    script(&python, name, &sen, &[&port.to_string()], "");
    sen.assert_bounded(name);
}

#[test]
fn pynetdicom_asks_by_every_query_retrieve_model() {
    asked_by("roots.py");
}

#[test]
fn pynetdicom_stores_finds_and_retrieves_what_is_of_no_patient() {
    asked_by("non_patient.py");
}
