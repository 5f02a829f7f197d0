//! Compressed frames: whatever comes, a decoder gives a frame of the described size or an error, promptly.

#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use pacs_core::pixels::{Layout, Photometric, decode};
use pacs_core::uid::Uid;
use std::panic::PanicHookInfo;

/// One transfer syntax of each family.
const SYNTAXES: [&str; 9] = [
    "1.2.840.10008.1.2.5",
    "1.2.840.10008.1.2.4.50",
    "1.2.840.10008.1.2.4.51",
    "1.2.840.10008.1.2.4.70",
    "1.2.840.10008.1.2.4.80",
    "1.2.840.10008.1.2.4.90",
    "1.2.840.10008.1.2.4.201",
    "1.2.840.10008.1.2.4.110",
    "1.2.840.10008.1.2.8.1",
];

/// Codecs of others give up by a panic, which becomes an error; ours never do.
fn abort_for_ours(panic: &PanicHookInfo<'_>) {
    if panic.location().is_some_and(|place| place.file().contains("pacs-core")) {
        eprintln!("{panic}");
        std::process::abort();
    }
}

// The first bytes choose the syntax, the size and the samples; the rest is the frame.
fuzz_target!(init: std::panic::set_hook(Box::new(abort_for_ours)), |data: &[u8]| {
    let [syntax, rows, columns, kind, encoded @ ..] = data else { return };
    let colour = kind & 1 == 1;
    let bits = if kind & 2 == 2 { 16 } else { 8 };
    let layout = Layout {
        rows: u16::from(*rows) + 1,
        columns: u16::from(*columns) + 1,
        samples: if colour { 3 } else { 1 },
        bits_allocated: bits,
        bits_stored: bits,
        high_bit: bits - 1,
        signed: kind & 4 == 4,
        photometric: if colour { Photometric::Rgb } else { Photometric::Monochrome2 },
        planar: kind & 8 == 8,
        frames: 1,
        float: false,
        words: bits == 16,
    };
    let syntax = SYNTAXES[usize::from(*syntax) % SYNTAXES.len()];
    let syntax = Uid::parse(syntax).expect("a transfer syntax");
    if let Ok(frame) = decode(Bytes::copy_from_slice(encoded), &syntax, &layout, 64 << 20) {
        assert_eq!(frame.bytes.len() as u64, frame.layout.frame_bytes());
    }
});
