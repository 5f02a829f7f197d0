//! Every sample file there is, whatever its kind, syntax and character set: what was pushed comes
//! back byte for byte, by C-GET, C-MOVE and WADO-RS.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use pacs_core::part10::{self, HeadProgress};

use crate::support::images::dataset_bytes;
use crate::support::program::{Sen, Setup};
use crate::support::receiver::{self, Receiver};
use crate::support::samples::{Sample, at_least};
use crate::support::{files_below, tools};

/// JPEG processes that DCMTK sends and does not receive.
const NOT_RECEIVED: [&str; 3] =
    ["1.2.840.10008.1.2.4.53", "1.2.840.10008.1.2.4.55", "1.2.840.10008.1.2.4.57"];

#[tokio::test(flavor = "multi_thread")]
async fn every_storable_sample_comes_back_byte_for_byte() {
    let programs = ["getscu", "movescu", "storescp"].map(tools::program);
    let [Some(getscu), Some(movescu), Some(storescp)] = programs else { return };
    let Some(python) = tools::python() else { return };
    let samples = Sample::storable();
    let receiver = Receiver::start(&storescp).await;
    let sen = Setup::default().file(&receiver.device()).start();

    let mut kept: BTreeMap<&str, &Sample> = BTreeMap::new();
    for (sample, status) in samples.iter().zip(push_exactly(&sen, &python, &samples)) {
        let is_sound = sample.study_and_series.is_some()
            && sample.meta_instance.as_deref() == Some(sample.instance.as_str());
        assert_eq!(status == "0000", is_sound, "{}: {status}", sample.name());
        if is_sound {
            // Several have one UID and different content; the first is served.
            kept.entry(&sample.instance).or_insert(sample);
        }
    }
    assert!(kept.len() >= at_least(170, 40), "{} are kept", kept.len());

    for sample in kept.values() {
        let (study, series) = sample.study_and_series.as_ref().unwrap();
        let path = format!("/dicomweb/studies/{study}/series/{series}/instances/{}", sample.instance);
        let request = reqwest::Client::new().get(sen.url(&path));
        let answer = request.header("accept", "application/dicom; transfer-syntax=*").send().await.unwrap();
        assert_eq!(answer.status(), 200, "{}", sample.name());
        assert_same(sample, &answer.bytes().await.unwrap(), "WADO-RS");
    }
    let is_received = |sample: &Sample| {
        // It gives up on data sets of odd length, which PS3.8 9.3.5.1 does not allow.
        let is_even = dataset_bytes(&std::fs::read(&sample.path).unwrap()).len().is_multiple_of(2);
        is_even && sample.is_known_to_dcmtk() && !NOT_RECEIVED.contains(&sample.transfer_syntax.as_str())
    };
    let known: BTreeMap<&str, &Sample> = kept.into_iter().filter(|(_, sample)| is_received(sample)).collect();
    assert!(known.len() >= at_least(160, 38), "{} can be received by DCMTK", known.len());

    // Its status tells of instances in syntaxes that the receiver does not know.
    let key = studies(&known);
    let keys = ["-k", "QueryRetrieveLevel=STUDY", "-k", &key];
    retrieve(&sen, &movescu, &[&["-aem", receiver::TITLE], &keys[..]].concat());
    compare(&known, receiver.folder(), "C-MOVE");

    let mut by_preference: BTreeMap<&str, BTreeMap<&str, &Sample>> = BTreeMap::new();
    for (instance, sample) in known {
        if let Some(preferred) = preference(sample) {
            by_preference.entry(preferred).or_default().insert(instance, sample);
        }
    }
    assert!(by_preference.len() >= at_least(10, 5), "{:?}", by_preference.keys());
    for (preferred, asked) in by_preference {
        let folder = tempfile::tempdir().unwrap();
        let (key, path) = (studies(&asked), folder.path().display().to_string());
        let keys = ["-k", "QueryRetrieveLevel=STUDY", "-k", &key];
        retrieve(&sen, &getscu, &[&["+B", "-od", &path, preferred], &keys[..]].concat());
        compare(&asked, folder.path(), "C-GET");
    }
}

/// The studies of samples as one key: a list of UIDs.
fn studies(samples: &BTreeMap<&str, &Sample>) -> String {
    let study = |sample: &&Sample| sample.study_and_series.as_ref().unwrap().0.clone();
    let studies: BTreeSet<String> = samples.values().map(study).collect();
    format!("StudyInstanceUID={}", Vec::from_iter(studies).join("\\"))
}

/// Pushes with pynetdicom, which can send a file's data set as it lies there; answers the statuses.
fn push_exactly(sen: &Sen, python: &Path, samples: &[Sample]) -> Vec<String> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python/push_exactly.py");
    let mut pushing = Command::new(python)
        .arg(script)
        .args(["127.0.0.1", &sen.dimse_port()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut paths = pushing.stdin.take().unwrap();
    for sample in samples {
        writeln!(paths, "{}", sample.path.display()).unwrap();
    }
    drop(paths);
    let pushed = pushing.wait_with_output().unwrap();
    assert!(pushed.status.success(), "{}", tools::said(&pushed));
    let statuses: Vec<String> =
        String::from_utf8(pushed.stdout).unwrap().lines().map(str::to_owned).collect();
    assert_eq!(statuses.len(), samples.len());
    statuses
}

fn retrieve(sen: &Sen, program: &Path, arguments: &[&str]) {
    let port = sen.dimse_port();
    let all = [&["-S", "-aec", "SEN"], arguments, &["127.0.0.1", &port]].concat();
    let said = tools::run(program, sen.folder(), &all);
    let is_partial = ["SubOperationsCompleteOneOrMoreFailures", "OutOfResourcesSubOperations"]
        .iter()
        .any(|status| tools::said(&said).contains(status));
    assert!(said.status.success() || is_partial, "{arguments:?}: {}", tools::said(&said));
}

/// Compares what came with what was sent, instance by instance.
fn compare(sent: &BTreeMap<&str, &Sample>, folder: &Path, by: &str) {
    let mut received: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    for path in files_below(folder) {
        let file = std::fs::read(path).unwrap();
        let Ok(HeadProgress::Head(head)) = part10::read_head(&file) else { panic!("no Part 10 file") };
        received.insert(head.sop_instance.unwrap().to_string(), file);
    }
    for (instance, sample) in sent {
        let file = received.get(*instance);
        let file = file.unwrap_or_else(|| panic!("{by} did not bring {}", sample.name()));
        assert_same(sample, file, by);
    }
}

fn assert_same(sample: &Sample, file: &[u8], by: &str) {
    let sent = std::fs::read(&sample.path).unwrap();
    let (sent, back) = (dataset_bytes(&sent), dataset_bytes(file));
    let differs = sent.iter().zip(back).position(|(sent, back)| sent != back);
    assert!(
        sent == back,
        "{by}: {} came back with {} bytes instead of {}, different from {differs:?} on",
        sample.name(),
        back.len(),
        sent.len()
    );
}

/// How `getscu` is told to prefer a sample's transfer syntax; `None` for what it cannot ask for.
fn preference(sample: &Sample) -> Option<&'static str> {
    // Parametric maps and microscopy annotations are not among the classes it asks for.
    if ["1.2.840.10008.5.1.4.1.1.30", "1.2.840.10008.5.1.4.1.1.91.1"].contains(&sample.class.as_str()) {
        return None;
    }
    Some(match sample.transfer_syntax.strip_prefix("1.2.840.10008.1.2")? {
        ".1" => "+xe",
        ".2" => "+xb",
        ".1.99" => "+xd",
        ".4.50" => "+xy",
        ".4.51" => "+xx",
        ".4.70" => "+xs",
        ".4.80" => "+xt",
        ".4.81" => "+xu",
        ".4.90" => "+xv",
        ".4.91" => "+xw",
        ".5" => "+xr",
        // Its option for Implicit VR Little Endian proposes Explicit all the same.
        _ => return None,
    })
}
