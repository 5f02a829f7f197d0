//! What was pushed comes back byte for byte, by C-GET and by C-MOVE.

use std::path::Path;

use crate::support::images::{Study, dataset_bytes};
use crate::support::program::{Sen, Setup};
use crate::support::receiver::Receiver;
use crate::support::{files_below, tools};

/// The data sets in a folder, sorted: what matters is their bytes, not their file names.
fn datasets(folder: &Path) -> Vec<Vec<u8>> {
    let mut sets: Vec<Vec<u8>> = files_below(folder)
        .iter()
        .map(|path| dataset_bytes(&std::fs::read(path).unwrap()).to_vec())
        .collect();
    sets.sort();
    sets
}

#[test]
fn getscu_brings_back_identical_data_sets() {
    let (Some(storescu), Some(getscu)) = (tools::program("storescu"), tools::program("getscu")) else {
        return;
    };
    let sen = Sen::start();
    let study = Study::of("P1", "NGUYỄN^VĂN A");
    let sent = sen.folder().join("ct");
    study.write(&sent);
    tools::succeeded(&tools::run(
        &storescu,
        sen.folder(),
        &["-aec", "SEN", "+sd", "127.0.0.1", &sen.dimse_port(), "ct"],
    ));

    let back = sen.folder().join("back");
    std::fs::create_dir(&back).unwrap();
    let key = format!("StudyInstanceUID={}", study.uid);
    let arguments = [
        "-S",
        "-aec",
        "SEN",
        "-k",
        "QueryRetrieveLevel=STUDY",
        "-k",
        &key,
        "-od",
        "back",
        "127.0.0.1",
        &sen.dimse_port(),
    ];
    tools::succeeded(&tools::run(&getscu, sen.folder(), &arguments));
    assert_eq!(datasets(&back), datasets(&sent));
}

#[tokio::test]
async fn movescu_sends_identical_data_sets_to_a_configured_device_and_to_no_other() {
    let tools_here = (tools::program("storescu"), tools::program("movescu"), tools::program("storescp"));
    let (Some(storescu), Some(movescu), Some(storescp)) = tools_here else { return };
    let receiver = Receiver::start(&storescp).await;
    let sen = Setup::default().file(&receiver.device()).start();
    let study = Study::of("P1", "NGUYỄN^VĂN A");
    let sent = sen.folder().join("ct");
    study.write(&sent);
    tools::succeeded(&tools::run(
        &storescu,
        sen.folder(),
        &["-aec", "SEN", "+sd", "127.0.0.1", &sen.dimse_port(), "ct"],
    ));

    let key = format!("StudyInstanceUID={}", study.uid);
    let dimse_port = sen.dimse_port();
    let arguments = |destination: &'static str| {
        vec![
            "-S",
            "-aec",
            "SEN",
            "-aem",
            destination,
            "-k",
            "QueryRetrieveLevel=STUDY",
            "-k",
            &key,
            "127.0.0.1",
            &dimse_port,
        ]
    };
    tools::succeeded(&tools::run(&movescu, sen.folder(), &arguments("RECEIVER")));
    assert_eq!(datasets(receiver.folder()), datasets(&sent));

    // PS3.4 C.4.2.1.5: 0xA801 when the destination is unknown.
    let refused = tools::run(&movescu, sen.folder(), &[vec!["-v"], arguments("NOBODY")].concat());
    assert!(
        tools::said(&refused).to_lowercase().contains("a801")
            || tools::said(&refused).contains("MoveDestinationUnknown"),
        "{}",
        tools::said(&refused)
    );
}
