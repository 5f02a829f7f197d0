//! Every transfer syntax, pushed by foreign programs and retrieved by those that take one or some of them: what is kept
//! is what was sent, and what pydicom decodes of what arrives is what it decodes of what was sent. The scripts share
//! `tests/python/syntax_sample.py`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use pacs_core::part10::{self, HeadProgress};
use serde_json::json;

use super::{device, script, syntax_list};
use crate::orthanc::Orthanc;
use crate::support::program::Setup;
use crate::support::samples::at_least;
use crate::support::{files_below, free_ports, samples, tools};

/// Not of a study, or with fragments that pydicom does not decode either.
const LEFT_OUT: [&str; 2] = ["OT-PAL-8-face.dcm", "us-8frames-jpeg-fragmented-no-bot.dcm"];
/// Deflated, big endian, and the two that everybody reads.
const NATIVE: [&str; 4] =
    ["1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.2"];
/// Small images, one in each syntax that files of the project are in, and one in colours.
const SMALL: [&str; 10] = [
    "colour/SC_rgb.dcm",
    "colour/SC_rgb_jpeg_dcmtk.dcm",
    "modality/mr-small.dcm",
    "syntax/JPEGLSNearLossless_16.dcm",
    "syntax/MR_small_RLE.dcm",
    "syntax/MR_small_bigendian.dcm",
    "syntax/MR_small_implicit.dcm",
    "syntax/MR_small_jp2klossless.dcm",
    "syntax/MR_small_jpeg_ls_lossless.dcm",
    "syntax/image_dfl.dcm",
];

/// Whether it is `make interop`, which takes the files beside the project too; those within it are always there.
fn is_whole() -> bool {
    let is_whole = std::env::var_os("SEN_INTEROP_WHOLE").is_some();
    assert!(!is_whole || at_least(1, 0) == 1, "there are no files beside the project");
    is_whole
}

/// Paths of sample files of every syntax and of every kind of pixels, one a line.
fn all_files() -> String {
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/files");
    let beside = |folder: &str| if is_whole() { samples(folder) } else { None };
    let folders = ["syntax", "colour"].map(|folder| beside(folder).unwrap_or_else(|| here.join(folder)));
    let more = ["seg-liver-3frames.dcm", "sr-comprehensive.dcm", "ecg-12lead.dcm", "pdf-encapsulated.dcm"];
    let files = folders
        .iter()
        .flat_map(|folder| files_below(folder))
        .chain(more.map(|name| here.join("modality").join(name)))
        .filter(|path| path.extension().is_some_and(|kind| kind == "dcm"))
        .filter(|path| !LEFT_OUT.iter().any(|name| path.ends_with(name)));
    files.map(|path| path.display().to_string()).collect::<Vec<_>>().join("\n")
}

/// The same for receivers that are started anew for each syntax: a few in every run.
fn files() -> String {
    let all = all_files();
    if is_whole() {
        return all;
    }
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/files");
    let small = SMALL.map(|name| here.join(name).display().to_string()).join("\n");
    assert_eq!(syntaxes(&small), syntaxes(&all), "there is not a small one in each");
    small
}

/// The transfer syntaxes of files, whose paths are one a line.
fn syntaxes(paths: &str) -> BTreeSet<String> {
    let syntax = |path: &str| match part10::read_head(&std::fs::read(path).unwrap()) {
        Ok(HeadProgress::Head(head)) => head.transfer_syntax.to_string(),
        _ => panic!("{path} has no file meta information"),
    };
    paths.lines().map(syntax).collect()
}

/// Whether there is everything of DCMTK that the scripts run.
fn has_dcmtk() -> bool {
    ["dcmcjpeg", "dcmdjpeg", "storescp", "getscu", "storescu", "dcmsend"]
        .into_iter()
        .all(|name| tools::program(name).is_some())
}

/// Asserts that a script has met all that DCMTK knows in both directions.
fn assert_met(said: &str) {
    let wanted: BTreeSet<&str> = syntax_list::known_to_dcmtk().into_iter().collect();
    for way in ["sends ", "takes "] {
        let met: BTreeSet<&str> = said.lines().filter_map(|line| line.strip_prefix(way)).collect();
        assert_eq!(met, wanted, "{way}");
    }
}

#[test]
fn samples_of_every_syntax_reach_receivers_that_take_another() {
    let Some(python) = tools::python().filter(|_| has_dcmtk()) else { return };
    let (port, _) = free_ports();
    let sen = Setup::default().file(&device("RECEIVER", port)).start();
    let arguments = [&port.to_string(), &syntax_list::all().join(",")];
    let said = script(&python, "syntaxes.py", &sen, &arguments.map(String::as_str), &all_files());
    sen.assert_bounded("sending every syntax in every other");

    let mut made: BTreeMap<(&str, &str), (u32, u32)> = BTreeMap::new();
    for line in said.lines() {
        let words: Vec<&str> = line.split(' ').collect();
        made.insert((words[0], words[1]), (words[2].parse().unwrap(), words[3].parse().unwrap()));
    }
    let kept: BTreeSet<&str> = made.keys().map(|(stored, _)| *stored).collect();
    let all: BTreeSet<&str> = syntax_list::all().into_iter().collect();
    assert_eq!(kept, all, "not every one was sent and taken as stored");
    let images: BTreeSet<&str> = made.keys().filter(|(from, to)| from != to).map(|(from, _)| *from).collect();
    let beside = if is_whole() { &syntax_list::IMAGES_BESIDE[..] } else { &[] };
    let wanted: BTreeSet<&str> = syntax_list::IMAGES.iter().chain(beside).copied().collect();
    assert_eq!(images, wanted, "images in these syntaxes");
    // Which images have to come in compressed syntaxes the script knows.
    for ((from, to), (_, failed)) in made {
        assert!(!NATIVE.contains(&to) || failed == 0, "{failed} of {from} were not made in {to}");
    }
}

#[test]
fn dcmtk_sends_and_takes_every_syntax_that_it_knows() {
    let Some(python) = tools::python().filter(|_| has_dcmtk()) else { return };
    let (receiver, reference) = free_ports();
    let sen =
        Setup::default().file(&(device("RECEIVER", receiver) + &device("REFERENCE", reference))).start();
    let known = syntax_list::known_to_dcmtk().join(",");
    let others = syntax_list::not_known_to_dcmtk().join(",");
    let ports = [receiver, reference].map(|port| port.to_string());
    let said = script(&python, "syntaxes_dcmtk.py", &sen, &[&ports[0], &ports[1], &known, &others], &files());
    sen.assert_bounded("sending every syntax to DCMTK");
    assert_met(&said);
}

#[tokio::test]
async fn orthanc_sends_and_takes_every_syntax_that_it_knows() {
    let Some((program, http, dimse)) = Orthanc::prepare() else { return };
    let Some(python) = tools::python().filter(|_| has_dcmtk()) else { return };
    let (reference, _) = free_ports();
    let sen = Setup::default().file(&(device("ORTHANC", dimse) + &device("REFERENCE", reference))).start();
    let modalities = json!({
        // It sends what it keeps and nothing else.
        "TranscodeDicomProtocol": false,
        "DicomModalities": {
            "sen": ["SEN", "127.0.0.1", sen.dimse.port()],
            "reference": ["REFERENCE", "127.0.0.1", reference],
        },
    });
    let _orthanc = Orthanc::start_with(&program, http, dimse, &sen, modalities).await;
    let known = syntax_list::known_to_dcmtk().join(",");
    let ports = [http, reference].map(|port| port.to_string());
    let said = script(&python, "syntaxes_orthanc.py", &sen, &[&ports[0], &ports[1], &known], &files());
    sen.assert_bounded("sending every syntax to Orthanc");
    assert_met(&said);
}
