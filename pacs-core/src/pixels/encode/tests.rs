//! What is encoded comes back.

use super::*;
use crate::pixels::decode;
use proptest::prelude::*;

const BUDGET_BYTES: u64 = 64 << 20;

/// Every lossless codec with a transfer syntax that names it.
const LOSSLESS: [(Codec, &str); 6] = [
    (Codec::Rle, uids::RLE_LOSSLESS),
    (Codec::JpegLossless, uids::JPEG_LOSSLESS_SV1),
    (Codec::JpegLs, uids::JPEGLS_LOSSLESS),
    (Codec::Jpeg2000, uids::JPEG2000_LOSSLESS),
    (Codec::HighThroughput2000, uids::HTJ2K_LOSSLESS),
    (Codec::HighThroughput2000Rpcl, uids::HTJ2K_LOSSLESS_RPCL),
];

/// A frame of that shape; `texture` from 0, flat, to 2, noise.
fn frame(columns: u16, rows: u16, colour: bool, bits: u16, signed: bool, texture: u32) -> Frame {
    let layout = Layout {
        rows,
        columns,
        samples: if colour { 3 } else { 1 },
        bits_allocated: if bits > 8 { 16 } else { 8 },
        bits_stored: bits,
        high_bit: bits - 1,
        signed,
        photometric: if colour { Photometric::Rgb } else { Photometric::Monochrome2 },
        planar: false,
        frames: 1,
        float: false,
        words: bits > 8,
    };
    let count = u32::from(columns) * u32::from(rows) * u32::from(layout.samples);
    let mut state = 7u32;
    let mut bytes = Vec::new();
    for n in 0..count {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let value = match texture {
            0 => 1,
            1 => n / 7 + (state >> 28),
            _ => state >> 9,
        };
        let low = value & ((1 << bits) - 1);
        let value = if signed && low >> (bits - 1) == 1 { low | u32::MAX << bits } else { low };
        match layout.sample_bytes() {
            1 => bytes.push(value as u8),
            _ => bytes.extend_from_slice(&(value as u16).to_le_bytes()),
        }
    }
    Frame { layout, bytes }
}

fn round_trip(frame: &Frame, codec: Codec, syntax: &str) -> Frame {
    let encoded = encode(frame, codec, BUDGET_BYTES).unwrap();
    let layout = Layout { photometric: encoded.photometric, planar: false, ..frame.layout };
    decode::decode(encoded.bytes.into(), &Uid::parse(syntax).unwrap(), &layout, BUDGET_BYTES).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn lossless_codecs_lose_nothing(
        (columns, rows) in prop_oneof![(1u16..6, 1u16..6), (1u16..80, 1u16..80), (1u16..300, 1u16..4), (1u16..4, 1u16..300)],
        colour: bool,
        bits in prop::sample::select(vec![1u16, 2, 8, 10, 12, 15, 16]),
        signed: bool,
        texture in 0u32..3,
    ) {
        let frame = frame(columns, rows, colour, bits, signed, texture);
        for (codec, syntax) in LOSSLESS {
            let back = round_trip(&frame, codec, syntax);
            prop_assert_eq!(back.bytes == frame.bytes, true, "{:?}", codec);
            prop_assert_eq!(back.layout.photometric, frame.layout.photometric);
        }
    }
}

#[test]
fn baseline_loses_little() {
    for colour in [false, true] {
        let mut frame = frame(96, 80, colour, 8, false, 0);
        let samples_of_a_pixel = usize::from(frame.layout.samples);
        for (n, byte) in frame.bytes.iter_mut().enumerate() {
            *byte = ((n / samples_of_a_pixel % 96) * 2 + n % samples_of_a_pixel * 20) as u8;
        }
        let back = round_trip(&frame, Codec::JpegBaseline, uids::JPEG_BASELINE8_BIT);
        let worst = frame.bytes.iter().zip(&back.bytes).map(|(a, b)| a.abs_diff(*b)).max().unwrap();
        assert!(worst <= 6, "{worst}");
        assert!(
            encode(&frame, Codec::JpegBaseline, BUDGET_BYTES).unwrap().bytes.len() * 3 < frame.bytes.len()
        );
    }
    let mut unknown = frame(8, 8, true, 8, false, 2);
    unknown.layout.photometric = Photometric::Other;
    assert!(matches!(encode(&unknown, Codec::JpegBaseline, BUDGET_BYTES), Err(PixelError::Unencodable(_))));
    assert_eq!(encode(&unknown, Codec::Jpeg2000, BUDGET_BYTES).unwrap().photometric, Photometric::Other);
    let wide = frame(8, 8, false, 12, false, 2);
    assert!(matches!(encode(&wide, Codec::JpegBaseline, BUDGET_BYTES), Err(PixelError::Unencodable(_))));
}

#[test]
fn wide_and_planar_samples_survive() {
    let mut wide = frame(13, 5, false, 16, false, 2);
    wide.layout =
        Layout { columns: 13, rows: 5, bits_allocated: 32, bits_stored: 32, high_bit: 31, ..wide.layout };
    wide.bytes = (0..13 * 5 * 4).map(|n| (n * 37) as u8).collect();
    assert_eq!(round_trip(&wide, Codec::Rle, uids::RLE_LOSSLESS).bytes, wide.bytes);
    assert!(matches!(encode(&wide, Codec::JpegLossless, BUDGET_BYTES), Err(PixelError::Unencodable(_))));

    let mut planar = frame(4, 3, true, 8, false, 2);
    let interleaved = planar.bytes.clone();
    planar.layout.planar = true;
    planar.bytes = (0..3).flat_map(|c| interleaved.iter().skip(c).step_by(3).copied()).collect();
    for (codec, syntax) in LOSSLESS {
        assert_eq!(round_trip(&planar, codec, syntax).bytes, interleaved, "{codec:?}");
    }
}

#[test]
fn bits_beside_the_stored_ones_are_not_lost() {
    // An overlay in the high bits (PS3.5 8.1.2), retired and still met.
    let mut frame = frame(16, 16, false, 12, false, 2);
    frame.bytes.iter_mut().skip(1).step_by(4).for_each(|high| *high |= 0x80);
    for (codec, syntax) in LOSSLESS {
        assert_eq!(round_trip(&frame, codec, syntax).bytes, frame.bytes, "{codec:?}");
    }
}

#[test]
fn more_than_is_granted_is_refused() {
    let frame = frame(64, 64, false, 16, false, 1);
    for (codec, _) in LOSSLESS {
        assert!(matches!(encode(&frame, codec, 4096), Err(PixelError::TooLarge { .. })), "{codec:?}");
    }
    let truncated = Frame { bytes: vec![0; 10], ..frame };
    assert!(matches!(encode(&truncated, Codec::Rle, BUDGET_BYTES), Err(PixelError::Malformed(_))));
}
