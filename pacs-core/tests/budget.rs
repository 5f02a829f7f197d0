//! Decoding and encoding take no more memory than they ask for, and what asks for too much is refused before it takes
//! any. One test only, since it measures the whole process.
#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "functions that tests share may fail a test, as tests do"
)]
#![allow(unsafe_code, reason = "the C library's allocator is told to give memory back")]

use bytes::Bytes;
use pacs_core::pixels::{
    Codec, Frame, Layout, Photometric, PixelError, decode, decode_halved, decoding_bytes, encode,
    encoding_bytes, has_sizes,
};
use pacs_core::uid::Uid;
use pacs_core::uids;

/// Bytes of this process in memory by that line of its status.
fn status(line: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let kilobytes = status.lines().find_map(|text| text.strip_prefix(line)).unwrap();
    kilobytes.trim().trim_end_matches(" kB").parse::<u64>().unwrap() << 10
}

/// Runs `work` and returns by how many bytes memory grew at most.
fn growth<T>(work: impl FnOnce() -> T) -> (T, u64) {
    // SAFETY: gives freed memory back; nothing that is in use is touched.
    unsafe { libc::malloc_trim(0) };
    // 5: the peak is now what is used now.
    std::fs::write("/proc/self/clear_refs", "5").unwrap();
    let before = status("VmRSS:");
    let result = work();
    (result, status("VmHWM:").saturating_sub(before))
}

/// A frame with texture.
fn frame([columns, rows]: [u16; 2], samples: u16, bits: u16) -> Frame {
    let layout = Layout {
        rows,
        columns,
        samples,
        bits_allocated: if bits > 8 { 16 } else { 8 },
        bits_stored: bits,
        high_bit: bits - 1,
        signed: false,
        photometric: if samples == 3 { Photometric::Rgb } else { Photometric::Monochrome2 },
        planar: false,
        frames: 1,
        float: false,
        words: bits > 8,
    };
    let mut state = 1u32;
    let mut bytes = Vec::with_capacity(layout.frame_bytes() as usize);
    let width = u32::from(columns);
    for n in 0..width * u32::from(rows) * u32::from(samples) {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let value = (n / width + n % width + (state >> 27)) & ((1 << bits) - 1);
        bytes.push(value as u8);
        if bits > 8 {
            bytes.push((value >> 8) as u8);
        }
    }
    Frame { layout, bytes }
}

const MIDDLE: [u16; 2] = [1500, 2000];
const LARGE: [u16; 2] = [3000, 2500];

#[test]
fn codecs_keep_to_what_they_ask_for() {
    // SAFETY: sets a parameter of the allocator; nothing is allocated or freed by it.
    unsafe { libc::mallopt(libc::M_MMAP_THRESHOLD, 256 << 10) };
    let slack = 6 << 20;
    let mut wrong = Vec::new();
    for (name, codec, size, samples, bits) in [
        ("rle", Codec::Rle, MIDDLE, 1, 12),
        ("baseline", Codec::JpegBaseline, MIDDLE, 3, 8),
        ("lossless", Codec::JpegLossless, MIDDLE, 1, 12),
        ("jpeg-ls", Codec::JpegLs, MIDDLE, 1, 12),
        ("j2k", Codec::Jpeg2000, MIDDLE, 1, 12),
        ("j2k in strips", Codec::Jpeg2000, LARGE, 1, 12),
        ("j2k colour", Codec::Jpeg2000, MIDDLE, 3, 8),
        ("htj2k", Codec::HighThroughput2000, MIDDLE, 1, 12),
        ("htj2k colour", Codec::HighThroughput2000Rpcl, MIDDLE, 3, 8),
    ] {
        let syntax = Uid::parse(codec.transfer_syntax()).unwrap();
        let frame = frame(size, samples, bits);
        let asked = encoding_bytes(codec, &frame.layout);
        let (encoded, grown) = growth(|| encode(&frame, codec, asked));
        let encoded = encoded.unwrap();
        let taken = grown + frame.layout.frame_bytes();
        eprintln!("{name}: encoding asks for {} MiB and takes {} MiB", asked >> 20, taken >> 20);
        if taken > asked + slack {
            wrong.push(format!("encoding {name} takes {taken} bytes, {asked} were granted"));
        }
        let layout = Layout { photometric: encoded.photometric, ..frame.layout };
        let bytes = Bytes::from(encoded.bytes);
        for halvings in if has_sizes(&syntax) { 0..3 } else { 0..1 } {
            let asked = decoding_bytes(&syntax, &layout, bytes.len() as u64, halvings);
            let encoded = bytes.clone();
            let (decoded, taken) =
                growth(|| decode_halved(encoded, &syntax, &layout, halvings, asked).unwrap());
            assert!(
                decoded.bytes == frame.bytes || !codec.is_lossless() || halvings > 0,
                "{name} has other samples"
            );
            eprintln!(
                "{name}: decoding, sides halved {halvings} times, asks for {} MiB and takes {} MiB",
                asked >> 20,
                taken >> 20
            );
            if taken > asked + slack {
                wrong.push(format!("decoding {name} {halvings} takes {taken} bytes, {asked} were granted"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));

    // Bombs: small codestreams that ask for much, in one way each.
    let small = Frame {
        layout: Layout { rows: 512, columns: 512, ..frame(MIDDLE, 1, 12).layout },
        bytes: vec![0; 512 * 512 * 2],
    };
    let plain = encode(&small, Codec::Jpeg2000, 64 << 20).unwrap().bytes;
    let syntax = Uid::parse(uids::JPEG2000).unwrap();
    let size = plain.windows(2).position(|marker| marker == [0xFF, 0x51]).unwrap();
    let style = plain.windows(2).position(|marker| marker == [0xFF, 0x52]).unwrap();
    let with = |changes: &[(usize, &[u8])]| {
        let mut bytes = plain.clone();
        for &(at, change) in changes {
            bytes.splice(at..at + change.len(), change.iter().copied());
        }
        bytes
    };
    // A tile for every four by four pixels; a precinct for every pixel; 65535 layers in precincts of eight by eight;
    // 65535 pixels a side.
    let tiles = with(&[(size + 22, &[0, 0, 0, 4, 0, 0, 0, 4])]);
    let in_precincts = |side: u8, layers: &[u8]| {
        let mut bytes = with(&[(style + 4, &[1]), (style + 6, layers)]);
        let levels = bytes.get(style + 9).copied().unwrap();
        bytes.splice(style + 14..style + 14, std::iter::repeat_n(side, usize::from(levels) + 1));
        *bytes.get_mut(style + 3).unwrap() += levels + 1;
        bytes
    };
    let (precincts, layers) = (in_precincts(0, &[0, 1]), in_precincts(0x33, &[0xFF, 0xFF]));
    let pixels = with(&[(size + 6, &[0, 0, 0xFF, 0xFF, 0, 0, 0xFF, 0xFF])]);
    for (name, bomb) in [("tiles", tiles), ("layers", layers), ("precincts", precincts), ("pixels", pixels)] {
        let (result, grown) = growth(|| decode(bomb.into(), &syntax, &small.layout, 96 << 20));
        assert!(
            matches!(result, Err(PixelError::TooLarge { .. } | PixelError::Malformed(_))),
            "{name}: {:?}",
            result.map(|frame| frame.layout)
        );
        assert!(grown < 2 << 20, "{name}: {grown} bytes");
    }
    for syntax in
        [uids::RLE_LOSSLESS, uids::JPEG_LOSSLESS_SV1, uids::JPEG2000, uids::EXPLICIT_VR_LITTLE_ENDIAN]
    {
        let layout = Layout { rows: u16::MAX, columns: u16::MAX, ..small.layout };
        let syntax = Uid::parse(syntax).unwrap();
        let (result, grown) = growth(|| decode(plain.clone().into(), &syntax, &layout, 384 << 20));
        assert!(matches!(result, Err(PixelError::TooLarge { .. })));
        assert!(grown < 1 << 20, "{grown} bytes");
    }
}
