//! What our encoders make, read by decoders that we did not write (pydicom with OpenJPEG and GDCM behind it), and what
//! encoders that we did not write make (DCMTK), read by ours.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "functions that tests share may fail a test, and say why they skip, as tests do"
)]

mod image;

use image::{BUDGET_BYTES, folders, interleaved, open, read};
use pacs_core::pixels::{Codec, Frame, Layout, encode};
use serde_json::json;
use std::path::Path;
use std::process::Command;

/// Every codec with its name and by how much samples may differ on average.
const CODECS: [(&str, Codec, i64); 7] = [
    ("rle", Codec::Rle, 0),
    ("baseline", Codec::JpegBaseline, 3),
    ("lossless", Codec::JpegLossless, 0),
    ("jls", Codec::JpegLs, 0),
    ("j2k", Codec::Jpeg2000, 0),
    ("htj2k", Codec::HighThroughput2000, 0),
    ("rpcl", Codec::HighThroughput2000Rpcl, 0),
];

/// Frames of different kinds: a slice of the synthetic CT, a signed one, colour, one pixel.
fn frames() -> Vec<(&'static str, Frame)> {
    let slice = testdata::ct_slices(1).next().unwrap();
    let file = |name: &str| open(&folders()[0].join(name)).unwrap().decode(0).unwrap();
    let pixel = Frame {
        layout: Layout { rows: 1, columns: 1, ..file("modality/ct-small.dcm").layout },
        bytes: vec![0xF0, 0xFF],
    };
    vec![
        ("slice", read(&slice.bytes).unwrap().decode(0).unwrap()),
        ("signed", file("modality/ct-small.dcm")),
        ("colour", file("modality/us-rgb.dcm")),
        ("pixel", pixel),
    ]
}

#[test]
fn foreign_decoders_read_what_we_encode() {
    let python = std::env::var_os("SEN_TEST_PYTHON").map(std::path::PathBuf::from);
    let Some(python) = python.filter(|path| path.is_file()) else {
        testdata::skipped("SEN_TEST_PYTHON names no Python (make test prepares one)");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let mut expected = Vec::new();
    for (kind, frame) in frames() {
        for (name, codec, tolerance) in CODECS {
            // Eight bits alone are for baseline.
            let Ok(encoded) = encode(&frame, codec, BUDGET_BYTES) else {
                assert_eq!(codec, Codec::JpegBaseline, "{kind} {name}");
                continue;
            };
            let Layout { rows, columns, samples, bits_allocated, bits_stored, signed, .. } = frame.layout;
            let description = json!({
                "transfer_syntax": codec.transfer_syntax(), "rows": rows, "columns": columns, "samples": samples,
                "bits_allocated": bits_allocated, "bits_stored": bits_stored, "signed": signed,
                "photometric": encoded.photometric.term(),
            });
            let name = format!("{kind}-{name}");
            std::fs::write(folder.path().join(format!("{name}.json")), description.to_string()).unwrap();
            std::fs::write(folder.path().join(format!("{name}.bin")), &encoded.bytes).unwrap();
            expected.push((name, frame.clone(), tolerance));
        }
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/decode_with_pydicom.py");
    let output = Command::new(python).arg(script).arg(folder.path()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    for (name, frame, tolerance) in &expected {
        let decoded = std::fs::read(folder.path().join(format!("{name}.out"))).unwrap();
        let decoded = Frame { layout: Layout { planar: false, ..frame.layout }, bytes: decoded };
        if *tolerance == 0 {
            assert!(decoded.bytes == interleaved(frame), "{name} has other samples");
            continue;
        }
        assert_eq!(decoded.bytes.len(), frame.bytes.len(), "{name}");
        let (before, after) = (image::numbers(frame), image::numbers(&decoded));
        let sum: i64 = before.iter().zip(&after).map(|(a, b)| (a - b).abs()).sum();
        // Sharp edges between colours are lost with half of the chroma; all in all little is.
        assert!(sum <= tolerance * before.len() as i64, "{name} differs by {sum}");
    }
    eprintln!("{} frames compared", expected.len());
    assert!(expected.len() >= 24);
}

/// What DCMTK can make of a grey and of a colour image, with by how much samples may differ and how many low bits
/// are taken off.
const OF_GREY: [(&str, &[&str], i64, u32); 16] = [
    ("dcmcjpeg", &["+e1"], 0, 0),
    ("dcmcjpeg", &["+el", "+sv", "1"], 0, 0),
    ("dcmcjpeg", &["+el", "+sv", "2"], 0, 0),
    ("dcmcjpeg", &["+el", "+sv", "3"], 0, 0),
    ("dcmcjpeg", &["+el", "+sv", "4"], 0, 0),
    ("dcmcjpeg", &["+el", "+sv", "5"], 0, 0),
    ("dcmcjpeg", &["+el", "+sv", "6"], 0, 0),
    ("dcmcjpeg", &["+el", "+sv", "7"], 0, 0),
    ("dcmcjpeg", &["+el", "+sv", "1", "+pt", "2"], 3, 2),
    ("dcmcjpeg", &["+el", "+sv", "5", "+pt", "3"], 7, 3),
    ("dcmcjpls", &["+el"], 0, 0),
    ("dcmcjpls", &["+el", "+pc"], 0, 0),
    ("dcmcjpls", &["+el", "+t1", "9", "+t2", "20", "+t3", "60", "+rs", "32"], 0, 0),
    ("dcmcjpls", &["+en", "+md", "5"], 5, 0),
    ("dcmcrle", &[], 0, 0),
    ("dcmconv", &["+tb"], 0, 0),
];
const OF_COLOUR: [(&str, &[&str], i64, u32); 8] = [
    ("dcmcjpeg", &["+e1"], 0, 0),
    ("dcmcjpeg", &["+eb", "+s4", "+q", "100"], 8, 0),
    ("dcmcjpls", &["+el", "+il"], 0, 0),
    ("dcmcjpls", &["+el", "+is"], 0, 0),
    ("dcmcjpls", &["+el", "+in"], 0, 0),
    ("dcmcjpls", &["+en", "+is", "+md", "3"], 3, 0),
    ("dcmcrle", &[], 0, 0),
    ("dcmconv", &["+tb"], 0, 0),
];

#[test]
fn our_decoders_read_what_dcmtk_encodes() {
    let folder = tempfile::tempdir().unwrap();
    let slice = folder.path().join("slice.dcm");
    std::fs::write(&slice, &testdata::ct_slices(1).next().unwrap().bytes).unwrap();
    let colour = folders()[0].join("modality/us-rgb.dcm");
    let cases = OF_GREY.iter().map(|case| (&slice, case)).chain(OF_COLOUR.iter().map(|case| (&colour, case)));
    let mut compared = 0;
    for (original, (program, options, tolerance, bits_off)) in cases {
        let made = folder.path().join("made.dcm");
        let output = match Command::new(program).args(*options).arg(original).arg(&made).output() {
            Ok(output) => output,
            Err(_) => {
                testdata::skipped(&format!("{program} is not installed (make test installs it)"));
                return;
            }
        };
        let case = format!("{program} {options:?}");
        assert!(output.status.success(), "{case}: {}", String::from_utf8_lossy(&output.stderr));
        let (before, after) =
            (open(original).unwrap().decode(0).unwrap(), open(&made).unwrap().decode(0).unwrap());
        let (before, after) = (image::numbers(&before), image::numbers(&after));
        assert_eq!(before.len(), after.len(), "{case}");
        let worst = before.iter().zip(&after).map(|(a, b)| (a - b).abs()).max().unwrap();
        assert!(worst <= *tolerance, "{case} differs by {worst}");
        assert!(after.iter().all(|sample| sample.rem_euclid(1 << bits_off) == 0), "{case}");
        compared += 1;
    }
    eprintln!("{compared} encodings compared");
}
