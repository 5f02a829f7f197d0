//! JPEG 2000 decoded with its sides halved: of a codestream that our own encoder wrote and that was damaged at some
//! places, so that damage lies behind headers that make sense. Whatever comes, the decoder gives a frame of one of the
//! sizes that the codestream has, or an error.

#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use pacs_core::pixels::{Codec, Frame, Layout, Photometric, decode_halved, encode};
use pacs_core::uid::Uid;
use std::panic::PanicHookInfo;

const CODECS: [Codec; 3] = [Codec::Jpeg2000, Codec::HighThroughput2000, Codec::HighThroughput2000Rpcl];
const BUDGET_BYTES: u64 = 64 << 20;

/// Codecs of others give up by a panic, which becomes an error; ours never do.
fn abort_for_ours(panic: &PanicHookInfo<'_>) {
    if panic.location().is_some_and(|place| place.file().contains("pacs-core")) {
        eprintln!("{panic}");
        std::process::abort();
    }
}

// The first bytes choose the codec and the samples, the size and the halvings; of the rest three say a place and what
// is changed there.
fuzz_target!(init: std::panic::set_hook(Box::new(abort_for_ours)), |data: &[u8]| {
    let [codec, rows, columns, kind, halvings, damage @ ..] = data else { return };
    let codec = CODECS[usize::from(*codec) % CODECS.len()];
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
        planar: false,
        frames: 1,
        float: false,
        words: bits == 16,
    };
    let length = usize::try_from(layout.frame_bytes()).expect("a small frame");
    let bytes = (0..length).map(|at| (at * 7 ^ at >> 5) as u8).collect();
    let Ok(encoded) = encode(&Frame { layout, bytes }, codec, BUDGET_BYTES) else { return };
    let mut codestream = encoded.bytes;
    for [high, low, change] in damage.as_chunks::<3>().0 {
        let at = usize::from(u16::from_be_bytes([*high, *low])) % codestream.len();
        codestream[at] ^= change;
    }
    let layout = Layout { photometric: encoded.photometric, ..layout };
    let syntax = Uid::parse(codec.transfer_syntax()).expect("a transfer syntax");
    let halvings = u32::from(halvings % 12);
    let decoded = decode_halved(Bytes::from(codestream), &syntax, &layout, halvings, BUDGET_BYTES);
    if let Ok(frame) = decoded {
        assert_eq!(frame.bytes.len() as u64, frame.layout.frame_bytes());
        let sizes = (0..=halvings).map(|times| layout.halved(times));
        let size = |layout: Layout| (layout.rows, layout.columns);
        assert!(sizes.map(size).any(|known| known == size(frame.layout)), "{:?}", frame.layout);
    }
});
