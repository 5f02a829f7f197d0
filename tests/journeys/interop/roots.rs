//! The query/retrieve models beside patient and study root, as pynetdicom asks them.

use super::{device, script};
use crate::orthanc::free_ports;
use crate::support::program::Setup;
use crate::support::tools;

#[test]
fn pynetdicom_asks_by_every_query_retrieve_model() {
    let Some(python) = tools::python() else { return };
    let (port, _) = free_ports();
    let sen = Setup::default().file(&device("RECEIVER", port)).start();
    script(&python, "roots.py", &sen, &[&port.to_string()], "");
    sen.assert_bounded("retrieving by every model");
}
