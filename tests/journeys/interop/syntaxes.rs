//! Every transfer syntax of the sample files, to receivers that take one other: what pydicom decodes of what arrives is
//! what it decodes of what was sent.

use std::collections::BTreeMap;
use std::path::Path;

use super::{device, script};
use crate::orthanc::free_ports;
use crate::support::program::Setup;
use crate::support::{files_below, samples, tools};

/// Not of a study, or with fragments that pydicom does not decode either.
const LEFT_OUT: [&str; 2] = ["OT-PAL-8-face.dcm", "us-8frames-jpeg-fragmented-no-bot.dcm"];
/// Deflated, big endian, and the two that everybody reads.
const NATIVE: [&str; 4] =
    ["1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.2"];

#[test]
fn samples_of_every_syntax_reach_receivers_that_take_another() {
    let Some(python) = tools::python() else { return };
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/files");
    // `make interop` takes the files beside the project too, which are more; those within it are always there.
    let is_whole = std::env::var_os("SEN_INTEROP_WHOLE").is_some();
    let beside = |folder: &str| if is_whole { samples(folder) } else { None };
    let folders = ["syntax", "colour"].map(|folder| beside(folder).unwrap_or_else(|| here.join(folder)));
    let more = ["seg-liver-3frames.dcm", "sr-comprehensive.dcm", "ecg-12lead.dcm", "pdf-encapsulated.dcm"];
    let files = folders
        .iter()
        .flat_map(|folder| files_below(folder))
        .chain(more.map(|name| here.join("modality").join(name)))
        .filter(|path| path.extension().is_some_and(|kind| kind == "dcm"))
        .filter(|path| !LEFT_OUT.iter().any(|name| path.ends_with(name)));
    let files: Vec<String> = files.map(|path| path.display().to_string()).collect();
    let (port, _) = free_ports();
    let sen = Setup::default().file(&device("RECEIVER", port)).start();
    let said = script(&python, "syntaxes.py", &sen, &[&port.to_string()], &files.join("\n"));
    sen.assert_bounded("sending every syntax in every other");

    let mut made: BTreeMap<(&str, &str), (u32, u32)> = BTreeMap::new();
    for line in said.lines() {
        let words: Vec<&str> = line.split(' ').collect();
        made.insert((words[0], words[1]), (words[2].parse().unwrap(), words[3].parse().unwrap()));
    }
    let stored: std::collections::BTreeSet<&str> = made.keys().map(|(stored, _)| *stored).collect();
    assert!(stored.len() >= if is_whole { 18 } else { 9 }, "{stored:?}");
    for ((from, to), (came, failed)) in made {
        assert!(!NATIVE.contains(&to) || failed == 0, "{failed} of {from} were not made in {to}");
        assert!(came + failed > 0);
    }
}
