//! Frames decoded by `pacs_core::pixels` against those that others decode (pydicom mostly), written down in
//! `files/expected-pixels.json` by `files/expect_pixels.py`.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "functions that tests share may fail a test, and say why they skip, as tests do"
)]

mod image;

use image::{BUDGET_BYTES, Image, folders, interleaved, numbers, open};
use pacs_core::pixels::{
    Canvas, Frame, Layout, Photometric, PixelError, RenderOptions, Rendering, Viewport, decode,
    decode_halved, encode_jpeg, encode_png, render,
};
use serde_json::Value as Json;

/// What is wrong with the decode of one file, if anything.
fn differs(image: &Image, expected: &Json) -> Option<String> {
    let hashes = expected["hashes"].as_array().map(Vec::as_slice).unwrap_or_default();
    for (n, hash) in hashes.iter().enumerate().filter(|(_, hash)| !hash.is_null()) {
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
    let samples = expected["samples"].as_array().into_iter().flatten().enumerate();
    for (n, samples) in samples.filter(|(_, samples)| !samples.is_null()) {
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
fn frames_are_what_others_decode() {
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
    assert!(compared >= 90 && compared + absent >= 240);
}

#[test]
fn every_image_can_be_drawn() {
    let viewport = Some(Viewport { width: 128, height: 128, region: None });
    let mut drawn = 0;
    for name in expectations().keys() {
        let Some(path) = folders().iter().map(|folder| folder.join(name)).find(|path| path.is_file()) else {
            continue;
        };
        let Ok(image) = open(&path) else { continue };
        let Ok(frame) = image.decode(0) else { continue };
        let options = RenderOptions { viewport, ..RenderOptions::default() };
        let picture = render(frame, &Rendering::of(&image.data_set, 0), &options);
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
    let refused = decode(image.frames[0].clone().into(), &image.transfer_syntax, &layout, 64 << 20);
    assert!(matches!(refused, Err(PixelError::TooLarge { .. })), "{refused:?}");
    // Within the budget, a codestream of another size than the data set describes is refused too.
    let layout = Layout { rows: 8, columns: 8, ..image.layout };
    let refused = decode(image.frames[0].clone().into(), &image.transfer_syntax, &layout, 64 << 20);
    assert!(matches!(refused, Err(PixelError::Malformed(_))), "{refused:?}");
}

/// Why a frame could not be decoded. A panic of a codec is caught before it gets here, and is not what is wanted.
fn refused(name: &str, decoded: Result<Frame, PixelError>) -> Option<PixelError> {
    let error = decoded.err()?;
    assert_ne!(error, PixelError::Malformed("the codec gave up on it".to_owned()), "{name}");
    Some(error)
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
        let (syntax, layout) = (&image.transfer_syntax, &image.layout);
        let whole = &image.frames[0];
        for n in 0..whole.len().min(400) {
            let mut damaged = whole.clone();
            let at = n * whole.len() / whole.len().min(400);
            damaged[at] ^= 0x55;
            // Whatever comes out, it is a frame of the described size or an error.
            for halvings in 0..2 {
                let decoded = decode_halved(damaged.clone().into(), syntax, layout, halvings, BUDGET_BYTES);
                if let Ok(frame) = &decoded {
                    assert_eq!(frame.bytes.len() as u64, frame.layout.frame_bytes());
                }
                refused(name, decoded);
            }
        }
        // What is left of a stream that was cut is no image, also where somebody put an end to it. Its last bytes are
        // the end of image and padding, whose absence takes nothing away.
        let end = whole.len() - 16;
        for n in 0..400 {
            let cut = &whole[..n * end / 400];
            let ended = [cut, b"\xFF\xD9"].concat();
            for bytes in [cut.to_vec(), ended] {
                let decoded = decode(bytes.into(), syntax, layout, BUDGET_BYTES);
                assert!(refused(name, decoded).is_some(), "{name}: {} of {}", cut.len(), whole.len());
            }
        }
    }
}

#[test]
fn colour_is_drawn_in_colour() {
    let image = open(&folders()[0].join("colour/SC_ybr_full_uncompressed.dcm")).unwrap();
    let frame = image.decode(0).unwrap();
    assert_eq!(frame.layout.photometric, Photometric::YbrFull);
    let picture = render(frame, &Rendering::of(&image.data_set, 0), &RenderOptions::default()).unwrap();
    let Canvas::Rgb(pixels) = picture.canvas else { panic!("grey") };
    // The first bar of the test pattern is red.
    assert_eq!(pixels[..3], [254, 0, 0]);
}
