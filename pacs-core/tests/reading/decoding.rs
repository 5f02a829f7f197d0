//! Compressed frames as other encoders may write them, put together by hand.

use pacs_core::pixels::{Codec, Frame, Layout, Photometric, PixelError, decode, encode};
use pacs_core::uid::Uid;
use pacs_core::uids;

const BUDGET_BYTES: u64 = 64 << 20;

fn layout(side: u16, samples: u16, bits_allocated: u16, bits_stored: u16) -> Layout {
    Layout {
        rows: side,
        columns: side,
        samples,
        bits_allocated,
        bits_stored,
        high_bit: bits_stored - 1,
        signed: false,
        photometric: if samples == 3 { Photometric::Rgb } else { Photometric::Monochrome2 },
        planar: false,
        frames: 1,
        float: false,
        words: bits_allocated > 8,
    }
}

fn decoded(encoded: Vec<u8>, syntax: &str, layout: &Layout) -> Result<Frame, PixelError> {
    decode(encoded.into(), &Uid::parse(syntax).unwrap(), layout, BUDGET_BYTES)
}

/// Frame header of a JPEG stream with three components, 1 to 3, of the first quantisation table.
fn frame_header(marker: u8, precision: u8, side: u8) -> Vec<u8> {
    [&[0xFF, marker, 0, 17, precision, 0, side, 0, side, 3][..], &[1, 0x11, 0, 2, 0x11, 0, 3, 0x11, 0]]
        .concat()
}

#[test]
fn scans_of_jpeg_ls_tell_which_component_they_are() {
    const SIDE: u16 = 6;
    let planes: Vec<Vec<u8>> = (0..3u8).map(|n| (0..36u8).map(|at| at * 5 + n * 60 % 7).collect()).collect();
    let scan = |component: u8| {
        let bytes = planes.get(usize::from(component)).unwrap().clone();
        let frame = Frame { layout: layout(SIDE, 1, 8, 8), bytes };
        let encoded = encode(&frame, Codec::JpegLs, BUDGET_BYTES).unwrap().bytes;
        let start = encoded.windows(2).position(|window| window == [0xFF, 0xDA]).unwrap();
        let mut scan = encoded.get(start..encoded.len() - 2).unwrap().to_vec();
        *scan.get_mut(5).unwrap() = component + 1;
        scan
    };
    let parts = [vec![0xFF, 0xD8], frame_header(0xF7, 8, 6), scan(2), scan(1), scan(0), vec![0xFF, 0xD9]];
    let frame = decoded(parts.concat(), uids::JPEGLS_LOSSLESS, &layout(SIDE, 3, 8, 8)).unwrap();
    for (component, plane) in planes.iter().enumerate() {
        let found: Vec<u8> = frame.bytes.iter().skip(component).step_by(3).copied().collect();
        assert_eq!(&found, plane, "component {component}");
    }
    // A component that comes again would leave another one out.
    let parts = [vec![0xFF, 0xD8], frame_header(0xF7, 8, 6), scan(2), scan(2), scan(0), vec![0xFF, 0xD9]];
    let refused = decoded(parts.concat(), uids::JPEGLS_LOSSLESS, &layout(SIDE, 3, 8, 8));
    assert!(matches!(refused, Err(PixelError::Malformed(_))), "{refused:?}");
}

#[test]
fn a_quantisation_table_counts_from_the_scan_it_stands_before() {
    // One code each: a DC difference of four bits, and the end of the block.
    let mut tables = Vec::new();
    for (class, symbol) in [(0x00, 4), (0x10, 0)] {
        tables.extend([0xFF, 0xC4, 0, 20, class, 1]);
        tables.extend([0; 15]);
        tables.push(symbol);
    }
    // Eight steps of the table, as an eighth of it is a level of the block: 0 1000 0, filled up with ones.
    let scan = |component: u8, step: u8| {
        let mut scan = vec![0xFF, 0xDB, 0, 67, 0];
        scan.extend([step; 64]);
        scan.extend([0xFF, 0xDA, 0, 8, 1, component, 0, 0, 63, 0, 0b0100_0011]);
        scan
    };
    let parts = [
        vec![0xFF, 0xD8],
        tables,
        frame_header(0xC1, 12, 8),
        scan(1, 16),
        scan(2, 32),
        scan(3, 64),
        vec![0xFF, 0xD9],
    ];
    let frame = decoded(parts.concat(), uids::JPEG_EXTENDED12_BIT, &layout(8, 3, 16, 12)).unwrap();
    let levels: Vec<u16> = frame.bytes.as_chunks().0.iter().map(|word| u16::from_le_bytes(*word)).collect();
    assert_eq!(levels.get(..3), Some(&[2048 + 16, 2048 + 32, 2048 + 64][..]));
}

#[test]
fn components_of_different_depth_are_not_cut_to_the_first() {
    let bytes = (0..16 * 16 * 3).map(|n| (n * 7) as u8).collect();
    let frame = Frame { layout: Layout { photometric: Photometric::YbrFull, ..layout(16, 3, 8, 8) }, bytes };
    for (codec, syntax) in [(Codec::Jpeg2000, uids::JPEG2000), (Codec::HighThroughput2000, uids::HTJ2K)] {
        let mut encoded = encode(&frame, codec, BUDGET_BYTES).unwrap().bytes;
        assert_eq!(decoded(encoded.clone(), syntax, &frame.layout).unwrap().bytes, frame.bytes);
        let size = encoded.windows(2).position(|window| window == [0xFF, 0x51]).unwrap();
        let depths = size + 2 + 38;
        // The last component with a sign, then with more bits.
        for depth in [0x87, 9] {
            *encoded.get_mut(depths + 6).unwrap() = depth;
            let refused = decoded(encoded.clone(), syntax, &frame.layout);
            assert!(matches!(refused, Err(PixelError::Unsupported(_))), "{codec:?}: {refused:?}");
        }
    }
}
