//! Values to grey levels and colours, by the arithmetic of PS3.3 C.11.2 and C.7.6.3.1.5.

use std::time::Instant;

use pacs_core::dataset::DataSet;
use pacs_core::pixels::{Canvas, Layout, RenderOptions, Rendering, decode, render};
use pacs_core::uid::Uid;
use pacs_core::{Tag, VR, tags, uids};

/// One row of 16-bit words.
fn row(words: &[u16], bits_stored: i64, photometric: &str) -> DataSet {
    let mut set = DataSet::new();
    set.put_int(tags::SAMPLES_PER_PIXEL, 1);
    set.put_text(tags::PHOTOMETRIC_INTERPRETATION, photometric);
    set.put_int(tags::ROWS, 1);
    set.put_int(tags::COLUMNS, words.len() as i64);
    set.put_int(tags::BITS_ALLOCATED, 16);
    set.put_int(tags::BITS_STORED, bits_stored);
    set.put_int(tags::HIGH_BIT, bits_stored - 1);
    set.put_int(tags::PIXEL_REPRESENTATION, 0);
    put_words(&mut set, tags::PIXEL_DATA, VR::OW, words);
    set
}

fn put_words(set: &mut DataSet, tag: Tag, vr: VR, words: &[u16]) {
    let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    set.put_bytes(tag, vr, bytes);
}

fn drawn(set: &DataSet) -> Vec<u8> {
    let layout = Layout::from(set).unwrap();
    let syntax = Uid::parse(uids::EXPLICIT_VR_LITTLE_ENDIAN).unwrap();
    let pixels = set.get(tags::PIXEL_DATA).and_then(|element| element.bytes()).unwrap();
    let frame = decode(pixels.clone(), &syntax, &layout, 1 << 20).unwrap();
    match render(frame, &Rendering::of(set, 0), &RenderOptions::default()).unwrap().canvas {
        Canvas::Grey(levels) | Canvas::Rgb(levels) => levels,
    }
}

#[test]
fn a_window_lies_where_the_standard_puts_it() {
    for (photometric, function, want) in [
        ("MONOCHROME2", "LINEAR", [0, 0, 128, 191, 255, 255]),
        ("MONOCHROME1", "LINEAR", [255, 255, 127, 64, 0, 0]),
        ("MONOCHROME2", "LINEAR_EXACT", [0, 0, 128, 191, 254, 255]),
        ("MONOCHROME2", "SIGMOID", [8, 30, 128, 186, 224, 255]),
    ] {
        // Hounsfield units -300, -160, 40, 139, 239, 2000 around a centre of 40.
        let mut set = row(&[724, 864, 1064, 1163, 1263, 3024], 12, photometric);
        set.put_text(tags::RESCALE_INTERCEPT, "-1024");
        set.put_text(tags::RESCALE_SLOPE, "1");
        set.put_text(tags::WINDOW_CENTER, "40\\-550");
        set.put_text(tags::WINDOW_WIDTH, "400\\1600");
        set.put_text(tags::VOILUT_FUNCTION, function);
        let levels = drawn(&set);
        let near = levels.iter().zip(want).all(|(level, want)| level.abs_diff(want) <= 1);
        assert!(near, "{photometric} {function}: {levels:?}");
    }
}

/// The largest table there can be, looked through once and not once for each of 65536 values.
#[test]
fn a_voi_table_is_drawn_promptly() {
    let table: Vec<u16> = (0..=u16::MAX).rev().collect();
    let mut lut = DataSet::new();
    put_words(&mut lut, tags::LUT_DESCRIPTOR, VR::US, &[0, 0, 16]);
    put_words(&mut lut, tags::LUT_DATA, VR::OW, &table);
    let mut set = row(&[0, 32_768, 65_535], 16, "MONOCHROME2");
    set.put_items(tags::VOILUT_SEQUENCE, vec![lut]);
    let started = Instant::now();
    assert_eq!(drawn(&set), [255, 127, 0]);
    assert!(started.elapsed().as_secs() < 10);
}

#[test]
fn bits_above_the_stored_ones_are_no_part_of_an_index() {
    let mut set = row(&[0x0000, 0xf001, 0x0102], 8, "PALETTE COLOR");
    for (descriptor, data, entries) in [
        (
            tags::RED_PALETTE_COLOR_LOOKUP_TABLE_DESCRIPTOR,
            tags::RED_PALETTE_COLOR_LOOKUP_TABLE_DATA,
            [0x1000, 0x2000, 0x3000],
        ),
        (
            tags::GREEN_PALETTE_COLOR_LOOKUP_TABLE_DESCRIPTOR,
            tags::GREEN_PALETTE_COLOR_LOOKUP_TABLE_DATA,
            [0x4000, 0x5000, 0x6000],
        ),
        (
            tags::BLUE_PALETTE_COLOR_LOOKUP_TABLE_DESCRIPTOR,
            tags::BLUE_PALETTE_COLOR_LOOKUP_TABLE_DATA,
            [0x7000, 0x8000, 0x9000],
        ),
    ] {
        put_words(&mut set, descriptor, VR::US, &[3, 0, 16]);
        put_words(&mut set, data, VR::OW, &entries);
    }
    assert_eq!(drawn(&set), [0x10, 0x40, 0x70, 0x20, 0x50, 0x80, 0x30, 0x60, 0x90]);
}
