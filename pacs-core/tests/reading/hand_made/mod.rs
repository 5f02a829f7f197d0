//! Images made by hand, and their levels on the picture.

use pacs_core::dataset::DataSet;
use pacs_core::pixels::{Canvas, Frame, Layout, Picture, RenderOptions, Rendering, render};
use pacs_core::{Tag, VR, tags};

/// A grey image of one row, with as many bits as fit and no window.
pub fn grey(samples: &[i32], signed: bool) -> (DataSet, Vec<u8>) {
    let mut set = DataSet::new();
    set.put_int(tags::ROWS, 1);
    set.put_int(tags::COLUMNS, samples.len() as i64);
    set.put_int(tags::SAMPLES_PER_PIXEL, 1);
    set.put_int(tags::BITS_ALLOCATED, 16);
    set.put_int(tags::BITS_STORED, 12);
    set.put_int(tags::HIGH_BIT, 11);
    set.put_int(tags::PIXEL_REPRESENTATION, signed.into());
    set.put_text(tags::PHOTOMETRIC_INTERPRETATION, "MONOCHROME2");
    (set, samples.iter().flat_map(|sample| (*sample as u16).to_le_bytes()).collect())
}

pub fn drawn(set: &DataSet, bytes: &[u8], options: RenderOptions) -> Picture {
    let frame = Frame { layout: Layout::from(set).unwrap(), bytes: bytes.to_vec() };
    render(frame, &Rendering::of(set, 0), &options).unwrap()
}

pub fn levels(picture: &Picture) -> Vec<u8> {
    match &picture.canvas {
        Canvas::Grey(levels) => levels.clone(),
        Canvas::Rgb(_) => panic!("colour"),
    }
}

pub fn grey_levels(set: &DataSet, bytes: &[u8]) -> Vec<u8> {
    levels(&drawn(set, bytes, RenderOptions::default()))
}

/// A look-up table item.
pub fn table(first: i64, bits: i64, entries: &[u16]) -> DataSet {
    let mut item = DataSet::new();
    let descriptor = [entries.len() as i64, first, bits].map(|number| (number as u16).to_le_bytes()).concat();
    item.put_bytes(tags::LUT_DESCRIPTOR, if first < 0 { VR::SS } else { VR::US }, descriptor);
    item.put_bytes(
        tags::LUT_DATA,
        VR::OW,
        entries.iter().flat_map(|entry| entry.to_le_bytes()).collect::<Vec<_>>(),
    );
    item
}

/// A black image of four by four.
pub fn black() -> (DataSet, Vec<u8>) {
    let (mut set, bytes) = grey(&[0; 16], false);
    set.put_int(tags::ROWS, 4);
    set.put_int(tags::COLUMNS, 4);
    set.put_float(tags::WINDOW_CENTER, 2048.0);
    set.put_float(tags::WINDOW_WIDTH, 4096.0);
    (set, bytes)
}

/// A plane of two by two at that row and column; `bits` has the first pixel lowest.
pub fn put_overlay(set: &mut DataSet, group: u16, origin: [i16; 2], bits: u16) {
    for (element, number) in [(0x0010, 2), (0x0011, 2), (0x0100, 1), (0x0102, 0)] {
        set.put_bytes(Tag(group, element), VR::US, i16::to_le_bytes(number).to_vec());
    }
    set.put_bytes(Tag(group, 0x0050), VR::SS, origin.map(i16::to_le_bytes).concat());
    set.put_bytes(Tag(group, 0x3000), VR::OW, bits.to_le_bytes().to_vec());
}
