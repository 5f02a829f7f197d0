//! The samples of every file as `…/frames` sends them, against those that others decode (pydicom mostly), written down
//! in `testdata/files/expected-pixels.json`.

use crate::support::{Answer, House};
use futures::{StreamExt, stream};
use http::StatusCode;
use pacs_core::pixels::{Frame, Layout, decode};
use pacs_core::uid::Uid;
use pacs_core::{json, transfer_syntax, uids};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// Files that are asked about at once.
const AT_ONCE: usize = 4;
/// What decoders of lossy images may differ by, of 256 levels: as in the tests of the decoders.
const LOSSY_MAX: i64 = 3;

struct Sample {
    path: PathBuf,
    expected: Value,
}

/// Files with expected samples that are here, and how many are not.
fn samples() -> (Vec<Sample>, usize) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let folders = [root.join("testdata/files"), root.join("../shared/dicom")];
    let text = std::fs::read_to_string(folders[0].join("expected-pixels.json")).unwrap();
    let expected = serde_json::from_str::<serde_json::Map<String, Value>>(&text).unwrap();
    let count = expected.len();
    let here = expected.into_iter().filter_map(|(name, expected)| {
        let path = folders.iter().map(|folder| folder.join(&name)).find(|path| path.is_file())?;
        Some(Sample { path, expected })
    });
    let here: Vec<Sample> = here.collect();
    let absent = count - here.len();
    (here, absent)
}

/// The image as metadata describes it, and the transfer syntax that its file has.
async fn described(house: &House, path: &str) -> (Layout, Uid) {
    let metadata = house.get(&format!("{path}/metadata"), &[]).await;
    let set = json::parse(&metadata.body, &json::JsonLimits::default()).unwrap().remove(0);
    let stored = house.get(path, &[("accept", "application/dicom; transfer-syntax=*")]).await;
    let syntax = stored.header("content-type").split("transfer-syntax=").nth(1).unwrap();
    (Layout::from(&set).unwrap(), Uid::parse(syntax).unwrap())
}

/// The samples of a frame, colours interleaved. What is stored native comes as it lies, anything else decoded.
fn samples_of(answer: &Answer, layout: &Layout, stored: &Uid) -> Vec<u8> {
    let syntax = transfer_syntax::of(stored);
    let frame = if syntax.encapsulated || syntax.big_endian {
        Frame { layout: *layout, bytes: answer.body.to_vec() }
    } else {
        let plain = Uid::parse(uids::EXPLICIT_VR_LITTLE_ENDIAN).unwrap();
        decode(answer.body.clone(), &plain, layout, 512 << 20).unwrap()
    };
    if !frame.layout.planar {
        return frame.bytes;
    }
    let (samples, width) = (usize::from(frame.layout.samples), frame.layout.sample_bytes() as usize);
    let plane = frame.bytes.len() / samples;
    (0..plane / width)
        .flat_map(|n| (0..samples).map(move |sample| sample * plane + n * width))
        .flat_map(|at| frame.bytes[at..at + width].iter().copied())
        .collect()
}

fn numbers(bytes: &[u8], layout: &Layout) -> Vec<i64> {
    match (layout.sample_bytes(), layout.signed) {
        (1, false) => bytes.iter().map(|byte| i64::from(*byte)).collect(),
        (1, true) => bytes.iter().map(|byte| i64::from(*byte as i8)).collect(),
        (2, false) => bytes.as_chunks().0.iter().map(|word| u16::from_le_bytes(*word).into()).collect(),
        (2, true) => bytes.as_chunks().0.iter().map(|word| i16::from_le_bytes(*word).into()).collect(),
        (width, _) => panic!("lossy samples of {width} bytes"),
    }
}

/// What is wrong with the frames of a file, if anything.
async fn differs(house: &House, path: &str, expected: &Value) -> Option<String> {
    const PLAIN: &str = "application/octet-stream; transfer-syntax=1.2.840.10008.1.2.1";
    let (layout, stored) = described(house, path).await;
    let (hashes, samples) = (&expected["hashes"], &expected["samples"]);
    let known = hashes.as_array().or(samples.as_array()).map_or(&[][..], Vec::as_slice);
    for (n, known) in known.iter().enumerate().filter(|(_, known)| !known.is_null()) {
        let frame = n + 1;
        let answer = house.get(&format!("{path}/frames/{frame}"), &[("accept", PLAIN)]).await;
        if answer.status != StatusCode::OK {
            return Some(format!("frame {frame}: {} {}", answer.status, answer.text()));
        }
        let bytes = samples_of(&answer, &layout, &stored);
        if let Some(hash) = known.as_str() {
            if blake3::hash(&bytes).to_hex().as_str() != hash {
                return Some(format!("frame {frame} has other samples"));
            }
            continue;
        }
        let step = expected["step"].as_u64().unwrap_or(1) as usize;
        let found: Vec<i64> = numbers(&bytes, &layout).into_iter().step_by(step).collect();
        let known: Vec<i64> = known.as_array().unwrap().iter().filter_map(Value::as_i64).collect();
        if found.len() != known.len() {
            return Some(format!("frame {frame} has {} samples, and not {}", found.len(), known.len()));
        }
        let pairs = known.iter().zip(&found);
        let worst = pairs.map(|(expected, found)| (expected - found).abs()).max().unwrap_or(i64::MAX);
        if worst > LOSSY_MAX {
            return Some(format!("frame {frame} differs by {worst}"));
        }
    }
    None
}

/// Stores what it can; answers with the path of each, and what has to go to another archive, because something else has
/// its UID here.
async fn store(house: &House, samples: Vec<Sample>) -> (Vec<(String, Sample)>, Vec<Sample>) {
    let (mut kept, mut others) = (Vec::new(), Vec::new());
    for sample in samples {
        let answer = house.stow("/studies", &[std::fs::read(&sample.path).unwrap()]).await;
        let json = answer.json();
        let url = json["00081199"]["Value"][0]["00081190"]["Value"][0].as_str();
        match (answer.status, url) {
            (StatusCode::OK, Some(url)) => {
                kept.push((url.strip_prefix("http://pacs.test/dicomweb").unwrap().to_owned(), sample));
            }
            (StatusCode::ACCEPTED, _) => others.push(sample),
            // No archive could find these again: they have no study. Their reason is looked at with every file.
            _ => assert!(answer.status.is_client_error(), "{}: {}", sample.path.display(), answer.text()),
        }
    }
    (kept, others)
}

#[tokio::test(flavor = "multi_thread")]
async fn frames_are_sent_as_others_decode_them() {
    let (mut left, absent) = samples();
    let (mut compared, mut wrong) = (0, Vec::new());
    while !left.is_empty() {
        let house = House::new().await;
        let (kept, others) = store(&house, left).await;
        assert!(!kept.is_empty(), "nothing is kept of {}", others.len());
        compared += kept.len();
        let faults = stream::iter(&kept).map(|(path, sample)| {
            let house = &house;
            async move {
                let fault = differs(house, path, &sample.expected).await?;
                Some(format!("{}: {fault}", sample.path.display()))
            }
        });
        wrong.extend(
            faults.buffer_unordered(AT_ONCE).filter_map(async |fault| fault).collect::<Vec<_>>().await,
        );
        left = others;
    }
    eprintln!("{compared} files compared; {absent} that may not be committed are not here");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(compared >= 85, "{compared}");
}
