//! Frames decoded by `pacs_core::pixels` against those that pydicom decodes, written down in
//! `files/expected-pixels.json` by `files/expect_pixels.py`.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "functions that tests share may fail a test, and say why they skip, as tests do"
)]

use pacs_core::dataset::{DataSet, Limits, Reading, Until, Value, read_slice};
use pacs_core::part10::{self, HeadProgress};
use pacs_core::pixels::frames::{OffsetTables, encapsulated, native_frame_range, starts_image};
use pacs_core::pixels::{
    Frame, Layout, Photometric, PixelError, RenderOptions, Rendering, Viewport, decode, encode_jpeg,
    encode_png, render,
};
use pacs_core::uid::Uid;
use pacs_core::{tags, transfer_syntax};
use serde_json::Value as Json;
use std::path::{Path, PathBuf};

/// Enough for every file here.
const BUDGET_BYTES: u64 = 512 << 20;

/// One image file, opened.
struct Image {
    data_set: DataSet,
    transfer_syntax: Uid,
    layout: Layout,
    frames: Vec<Vec<u8>>,
}

fn folders() -> Vec<PathBuf> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    vec![here.join("files"), here.join("../../shared/dicom")]
}

fn open(path: &Path) -> Result<Image, Box<dyn std::error::Error>> {
    let file = std::fs::read(path)?;
    let (transfer_syntax, offset) = match part10::read_head(&file)? {
        HeadProgress::Head(head) => (head.transfer_syntax, head.dataset_offset as usize),
        _ => (part10::guess_transfer_syntax(&file).ok_or("not a data set")?, 0),
    };
    let syntax = transfer_syntax::of(&transfer_syntax);
    let mut inflated = Vec::new();
    let encoded = if syntax.deflated {
        use std::io::Read;
        flate2::read::DeflateDecoder::new(&file[offset..]).read_to_end(&mut inflated)?;
        &inflated[..]
    } else {
        &file[offset..]
    };
    let plain =
        if syntax.deflated { transfer_syntax::of(&Uid::parse("1.2.840.10008.1.2.1")?) } else { syntax };
    let limits = Limits { value_bytes: 1 << 20, ..Limits::default() };
    let reading = read_slice(encoded, &plain, &limits, Until::End)?;
    let layout = Layout::from(&reading.data_set)?;
    let frames = frames(&reading, &layout, encoded)?;
    Ok(Image { data_set: reading.data_set, transfer_syntax, layout, frames })
}

/// The encoded bytes of every frame.
fn frames(
    reading: &Reading,
    layout: &Layout,
    encoded: &[u8],
) -> Result<Vec<Vec<u8>>, Box<dyn std::error::Error>> {
    let place = reading.pixel_data.ok_or("no pixel data")?;
    let at = |offset: u64, length: u64| {
        encoded.get(offset as usize..(offset + length) as usize).ok_or("bytes are missing")
    };
    if let Some(Value::Fragments(fragments)) = reading.data_set.get(place.tag).map(|element| &element.value) {
        let (table, fragments) = fragments.split_first().ok_or("no basic offset table")?;
        let basic: Vec<u32> = at(table.offset, table.length)?
            .as_chunks()
            .0
            .iter()
            .map(|word| u32::from_le_bytes(*word))
            .collect();
        let longs = |tag| -> Vec<u64> {
            let bytes = reading.data_set.get(tag).and_then(|element| element.bytes());
            bytes
                .map(|bytes| bytes.as_chunks().0.iter().map(|word| u64::from_le_bytes(*word)).collect())
                .unwrap_or_default()
        };
        let (extended, extended_lengths) =
            (longs(tags::EXTENDED_OFFSET_TABLE), longs(tags::EXTENDED_OFFSET_TABLE_LENGTHS));
        let tables = OffsetTables { basic: &basic, extended: &extended, extended_lengths: &extended_lengths };
        let found = encapsulated(fragments, layout.frames, tables, |fragment| {
            at(fragment.offset, fragment.length.min(12)).is_ok_and(starts_image)
        })?;
        return found
            .iter()
            .map(|frame| {
                let mut bytes = Vec::new();
                for fragment in frame {
                    bytes.extend_from_slice(at(fragment.offset, fragment.length)?);
                }
                Ok(bytes)
            })
            .collect();
    }
    (0..layout.frames)
        .map(|frame| {
            let range = native_frame_range(layout, frame)?;
            Ok(at(place.value_offset + range.start, range.end - range.start)?.to_vec())
        })
        .collect()
}

impl Image {
    fn decode(&self, frame: usize) -> Result<Frame, PixelError> {
        decode(
            self.frames[frame].clone().into(),
            frame as u32,
            &self.transfer_syntax,
            &self.layout,
            BUDGET_BYTES,
        )
    }
}

/// The samples as pydicom orders them: colours interleaved.
fn interleaved(frame: &Frame) -> Vec<u8> {
    if !frame.layout.planar {
        return frame.bytes.clone();
    }
    let width = frame.layout.sample_bytes() as usize;
    let plane = frame.bytes.len() / frame.layout.samples as usize;
    (0..plane / width)
        .flat_map(|n| (0..frame.layout.samples as usize).map(move |sample| sample * plane + n * width))
        .flat_map(|at| frame.bytes[at..at + width].iter().copied())
        .collect()
}

/// The samples as numbers, for lossy frames.
fn numbers(frame: &Frame) -> Vec<i64> {
    let bytes = interleaved(frame);
    match (frame.layout.sample_bytes(), frame.layout.signed) {
        (1, false) => bytes.iter().map(|byte| i64::from(*byte)).collect(),
        (1, true) => bytes.iter().map(|byte| i64::from(*byte as i8)).collect(),
        (2, false) => bytes.as_chunks().0.iter().map(|word| u16::from_le_bytes(*word).into()).collect(),
        (2, true) => bytes.as_chunks().0.iter().map(|word| i16::from_le_bytes(*word).into()).collect(),
        (width, _) => panic!("lossy samples of {width} bytes"),
    }
}

/// What is wrong with the decode of one file, if anything.
fn differs(image: &Image, expected: &Json) -> Option<String> {
    let hashes = expected["hashes"].as_array().map(Vec::as_slice).unwrap_or_default();
    for (n, hash) in hashes.iter().enumerate() {
        match image.decode(n) {
            Err(error) => return Some(format!("frame {n}: {error}")),
            Ok(frame) => {
                if blake3::hash(&interleaved(&frame)).to_hex().as_str() != hash {
                    return Some(format!("frame {n} has other samples"));
                }
            }
        }
    }
    let step = expected["step"].as_u64().unwrap_or(1) as usize;
    for (n, samples) in expected["samples"].as_array().into_iter().flatten().enumerate() {
        let frame = match image.decode(n) {
            Err(error) => return Some(format!("frame {n}: {error}")),
            Ok(frame) => frame,
        };
        let found = numbers(&frame).into_iter().step_by(step);
        let pairs = samples.as_array().into_iter().flatten().filter_map(Json::as_i64).zip(found);
        let worst = pairs.map(|(expected, found)| (expected - found).abs()).max().unwrap_or(i64::MAX);
        // Three of 256 levels: what the inverse transforms and the chroma filters of two decoders may differ by.
        if worst > 3 {
            return Some(format!("frame {n} differs by {worst}"));
        }
    }
    None
}

fn expectations() -> serde_json::Map<String, Json> {
    let text = std::fs::read_to_string(folders()[0].join("expected-pixels.json")).unwrap();
    serde_json::from_str::<Json>(&text).unwrap().as_object().unwrap().clone()
}

#[test]
fn frames_are_what_pydicom_decodes() {
    let (mut compared, mut absent, mut wrong) = (0, 0, Vec::new());
    for (name, expected) in expectations() {
        let Some(path) = folders().iter().map(|folder| folder.join(&name)).find(|path| path.is_file()) else {
            absent += 1;
            continue;
        };
        compared += 1;
        match open(&path) {
            Err(error) => wrong.push(format!("{name}: {error}")),
            Ok(image) => wrong.extend(differs(&image, &expected).map(|reason| format!("{name}: {reason}"))),
        }
    }
    eprintln!("{compared} files compared; {absent} that may not be committed are not here");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(compared >= 80 || compared + absent >= 200);
}

#[test]
fn every_image_can_be_drawn() {
    let viewport = Some(Viewport { width: 128, height: 128, region: None });
    let mut drawn = 0;
    for name in expectations().keys() {
        let path = folders()[0].join(name);
        let Ok(image) = open(&path) else { continue };
        let Ok(frame) = image.decode(0) else { continue };
        let options = RenderOptions { viewport, ..RenderOptions::default() };
        let picture = render(&frame, &Rendering::of(&image.data_set, 0), &options);
        let picture = picture.unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(picture.width <= 128 && picture.height <= 128);
        assert!(encode_jpeg(&picture, 85).unwrap().starts_with(&[0xFF, 0xD8]));
        assert!(encode_png(&picture).unwrap().starts_with(b"\x89PNG"));
        drawn += 1;
    }
    assert!(drawn >= 55, "{drawn}");
}

#[test]
fn headers_that_ask_for_too_much_are_refused() {
    let image = open(&folders()[0].join("syntax/MR_small_jp2klossless.dcm")).unwrap();
    let layout = Layout { rows: u16::MAX, columns: u16::MAX, ..image.layout };
    let refused = decode(image.frames[0].clone().into(), 0, &image.transfer_syntax, &layout, 64 << 20);
    assert!(matches!(refused, Err(PixelError::TooLarge { .. })), "{refused:?}");
    // Within the budget, a codestream of another size than the data set describes is refused too.
    let layout = Layout { rows: 8, columns: 8, ..image.layout };
    let refused = decode(image.frames[0].clone().into(), 0, &image.transfer_syntax, &layout, 64 << 20);
    assert!(matches!(refused, Err(PixelError::Malformed(_))), "{refused:?}");
}

#[test]
fn damaged_frames_are_errors_not_crashes() {
    let names = [
        "syntax/MR_small_RLE.dcm",
        "syntax/MR_small_jp2klossless.dcm",
        "syntax/MR_small_jpeg_ls_lossless.dcm",
        "syntax/JPEGLSNearLossless_16.dcm",
        "colour/SC_rgb_jls_lossy_sample.dcm",
        "colour/SC_rgb_jpeg_dcmtk.dcm",
        "modality/nm-jpeg-lossless.dcm",
    ];
    for name in names {
        let image = open(&folders()[0].join(name)).unwrap();
        let whole = &image.frames[0];
        for n in 0..whole.len().min(400) {
            let mut damaged = whole.clone();
            let at = n * whole.len() / whole.len().min(400);
            damaged[at] ^= 0x55;
            // Whatever comes out, it is a frame of the described size or an error.
            if let Ok(frame) = decode(damaged.into(), 0, &image.transfer_syntax, &image.layout, BUDGET_BYTES)
            {
                assert_eq!(frame.bytes.len() as u64, frame.layout.frame_bytes());
            }
            let _ =
                decode(whole[..at].to_vec().into(), 0, &image.transfer_syntax, &image.layout, BUDGET_BYTES);
        }
    }
}

#[test]
fn colour_is_drawn_in_colour() {
    let image = open(&folders()[0].join("colour/SC_ybr_full_uncompressed.dcm")).unwrap();
    let frame = image.decode(0).unwrap();
    assert_eq!(frame.layout.photometric, Photometric::YbrFull);
    let picture = render(&frame, &Rendering::of(&image.data_set, 0), &RenderOptions::default()).unwrap();
    let pacs_core::pixels::Canvas::Rgb(pixels) = picture.canvas else { panic!("grey") };
    // The first bar of the test pattern is red.
    assert_eq!(pixels[..3], [254, 0, 0]);
}
