//! What a reader sees of an image: values, colours, overlays, shutters.

use crate::hand_made::{black, drawn, grey, grey_levels, levels, put_overlay, table};
use pacs_core::dataset::DataSet;
use pacs_core::pixels::{
    Canvas, Codec, Frame, Layout, PixelError, RenderOptions, Rendering, Viewport, decode_halved, encode,
    render, spare_halvings,
};
use pacs_core::uid::Uid;
use pacs_core::{Tag, VR, tags, uids};

#[test]
fn rescaled_values_are_windowed_and_monochrome1_is_turned_over() {
    let (mut set, bytes) = grey(&[-24, 0, 24], true);
    set.put_float(tags::RESCALE_SLOPE, 2.0);
    set.put_float(tags::RESCALE_INTERCEPT, 1000.0);
    set.put_float(tags::WINDOW_CENTER, 1000.5);
    set.put_float(tags::WINDOW_WIDTH, 97.0);
    assert_eq!(grey_levels(&set, &bytes), [0, 128, 255]);
    set.put_text(tags::PHOTOMETRIC_INTERPRETATION, "MONOCHROME1");
    assert_eq!(grey_levels(&set, &bytes), [255, 128, 0]);
    // Saying it twice turns it over once.
    set.put_text(tags::PRESENTATION_LUT_SHAPE, "INVERSE");
    assert_eq!(grey_levels(&set, &bytes), [255, 128, 0]);
}

#[test]
fn tables_for_modality_and_interest() {
    let (mut set, bytes) = grey(&[0, 1, 2, 3, 9], false);
    set.put_items(tags::MODALITY_LUT_SEQUENCE, vec![table(1, 16, &[100, 200, 300])]);
    set.put_float(tags::WINDOW_CENTER, 200.5);
    set.put_float(tags::WINDOW_WIDTH, 201.0);
    assert_eq!(grey_levels(&set, &bytes), [0, 0, 128, 255, 255]);
    set.remove(tags::MODALITY_LUT_SEQUENCE);
    set.remove(tags::WINDOW_CENTER);
    // A table of eight bits whose entries do not reach the end of them.
    set.put_items(tags::VOILUT_SEQUENCE, vec![table(1, 8, &[10, 20, 200])]);
    assert_eq!(grey_levels(&set, &bytes), [10, 10, 20, 200, 200]);
    // An angiogram is shown as stored, whatever leads to intensities.
    set.remove(tags::VOILUT_SEQUENCE);
    set.put_items(tags::MODALITY_LUT_SEQUENCE, vec![table(0, 16, &[9, 8, 7, 6])]);
    set.put_float(tags::WINDOW_CENTER, 2.0);
    set.put_float(tags::WINDOW_WIDTH, 4.0);
    set.put_text(tags::VOILUT_FUNCTION, "LINEAR_EXACT");
    set.put_text(tags::SOP_CLASS_UID, uids::X_RAY_ANGIOGRAPHIC_IMAGE_STORAGE);
    assert_eq!(grey_levels(&set, &bytes), [0, 64, 128, 191, 255]);
}

#[test]
fn a_table_of_interest_may_begin_below_zero_whatever_its_representation_says() {
    // Implicit VR with unsigned pixels: the descriptor is read as unsigned, its input is the rescaled value.
    let (mut set, bytes) = grey(&[0, 1, 2, 9], false);
    set.put_float(tags::RESCALE_INTERCEPT, -1024.0);
    let mut item = table(-1024, 8, &[0, 100, 200]);
    let descriptor = [3u16, (-1024i16) as u16, 8].map(u16::to_le_bytes).concat();
    item.put_bytes(tags::LUT_DESCRIPTOR, VR::US, descriptor);
    set.put_items(tags::VOILUT_SEQUENCE, vec![item]);
    assert_eq!(grey_levels(&set, &bytes), [0, 100, 200, 200]);
    // Where the values reach that high it is what it says.
    let (mut set, bytes) = grey(&[-1, 0, 1], true);
    set.put_float(tags::RESCALE_SLOPE, 64.0);
    set.put_items(tags::VOILUT_SEQUENCE, vec![table(0xFC00, 8, &[7, 9])]);
    assert_eq!(grey_levels(&set, &bytes), [7; 3]);
}

#[test]
fn the_first_window_with_a_width_is_taken() {
    let (mut set, bytes) = grey(&[0, 50, 100], false);
    set.put_text(tags::WINDOW_CENTER, "7\\50");
    set.put_text(tags::WINDOW_WIDTH, "0\\200");
    set.put_text(tags::VOILUT_FUNCTION, "LINEAR_EXACT");
    assert_eq!(grey_levels(&set, &bytes), [64, 128, 191]);
}

#[test]
fn padding_is_black_and_does_not_count() {
    let (mut set, bytes) = grey(&[-2000, -2000, 10, 20, 30, 40], true);
    set.put_int(tags::BITS_STORED, 16);
    set.put_int(tags::HIGH_BIT, 15);
    // 63536 is -2000 in the unsigned representation that some devices send.
    set.put_bytes(tags::PIXEL_PADDING_VALUE, VR::US, 63_536u16.to_le_bytes().to_vec());
    assert_eq!(grey_levels(&set, &bytes), [0, 0, 0, 85, 170, 255]);
    set.put_text(tags::PHOTOMETRIC_INTERPRETATION, "MONOCHROME1");
    assert_eq!(grey_levels(&set, &bytes), [0, 0, 255, 170, 85, 0]);
}

#[test]
fn each_frame_has_its_own_transformation() {
    let (mut set, bytes) = grey(&[0, 50, 100], false);
    let group = |slope: f64, center: f64| {
        let mut values = DataSet::new();
        values.put_float(tags::RESCALE_SLOPE, slope);
        values.put_float(tags::RESCALE_INTERCEPT, 0.0);
        let mut voi = DataSet::new();
        voi.put_float(tags::WINDOW_CENTER, center);
        voi.put_float(tags::WINDOW_WIDTH, 100.0);
        voi.put_text(tags::VOILUT_FUNCTION, "LINEAR_EXACT");
        let mut group = DataSet::new();
        group.put_items(tags::PIXEL_VALUE_TRANSFORMATION_SEQUENCE, vec![values]);
        group.put_items(tags::FRAME_VOILUT_SEQUENCE, vec![voi]);
        group
    };
    set.put_items(tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE, vec![group(1.0, 50.0), group(2.0, 150.0)]);
    let frame = Frame { layout: Layout::from(&set).unwrap(), bytes };
    for (number, want) in [(0, [0, 128, 255]), (1, [0, 0, 255])] {
        let picture = render(frame.clone(), &Rendering::of(&set, number), &RenderOptions::default()).unwrap();
        assert_eq!(levels(&picture), want);
    }
}

/// A colour image of one row.
fn colour(photometric: &str, planar: bool, bytes: &[u8]) -> Vec<u8> {
    let (mut set, _) = grey(&vec![0; bytes.len() / 3], false);
    for tag in [tags::BITS_ALLOCATED, tags::BITS_STORED] {
        set.put_int(tag, 8);
    }
    set.put_int(tags::SAMPLES_PER_PIXEL, 3);
    set.put_int(tags::PLANAR_CONFIGURATION, planar.into());
    set.put_text(tags::PHOTOMETRIC_INTERPRETATION, photometric);
    match drawn(&set, bytes, RenderOptions::default()).canvas {
        Canvas::Rgb(pixels) => pixels,
        Canvas::Grey(_) => panic!("grey"),
    }
}

#[test]
fn colours_in_every_arrangement() {
    assert_eq!(colour("RGB", false, &[1, 2, 3, 4, 5, 6]), [1, 2, 3, 4, 5, 6]);
    assert_eq!(colour("RGB", true, &[1, 4, 2, 5, 3, 6]), [1, 2, 3, 4, 5, 6]);
    assert_eq!(colour("YBR_FULL", false, &[76, 85, 255, 255, 128, 128]), [254, 0, 0, 255, 255, 255]);
    assert_eq!(colour("YBR_FULL", true, &[76, 255, 85, 128, 255, 128]), [254, 0, 0, 255, 255, 255]);
}

#[test]
fn palettes_of_sixteen_bits_and_in_segments() {
    let (mut set, bytes) = grey(&[0, 1, 2, 3, 900], false);
    set.put_text(tags::PHOTOMETRIC_INTERPRETATION, "PALETTE COLOR");
    let words = |words: &[u16]| words.iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<_>>();
    for descriptor in [
        tags::RED_PALETTE_COLOR_LOOKUP_TABLE_DESCRIPTOR,
        tags::GREEN_PALETTE_COLOR_LOOKUP_TABLE_DESCRIPTOR,
        tags::BLUE_PALETTE_COLOR_LOOKUP_TABLE_DESCRIPTOR,
    ] {
        set.put_bytes(descriptor, VR::US, words(&[3, 1, 16]));
    }
    set.put_bytes(tags::RED_PALETTE_COLOR_LOOKUP_TABLE_DATA, VR::OW, words(&[0xFF00, 0x8000, 0]));
    set.put_bytes(tags::GREEN_PALETTE_COLOR_LOOKUP_TABLE_DATA, VR::OW, words(&[0, 0x1000, 0x2000]));
    // One entry, then a line of two to 0x3000.
    set.put_bytes(
        tags::SEGMENTED_BLUE_PALETTE_COLOR_LOOKUP_TABLE_DATA,
        VR::OW,
        words(&[0, 1, 0x1000, 1, 2, 0x3000]),
    );
    let Canvas::Rgb(pixels) = drawn(&set, &bytes, RenderOptions::default()).canvas else { panic!("grey") };
    let [first, second, third] = [[0xFF, 0, 0x10], [0x80, 0x10, 0x20], [0, 0x20, 0x30]];
    assert_eq!(pixels, [first, first, second, third, third].concat());
    // A channel that is dark throughout is as wide as the others.
    set.put_bytes(tags::GREEN_PALETTE_COLOR_LOOKUP_TABLE_DATA, VR::OW, words(&[0, 0xFF, 0x7F]));
    let Canvas::Rgb(pixels) = drawn(&set, &bytes, RenderOptions::default()).canvas else { panic!("grey") };
    assert_eq!(pixels.iter().skip(1).step_by(3).copied().collect::<Vec<_>>(), [0; 5]);
    set.remove(tags::GREEN_PALETTE_COLOR_LOOKUP_TABLE_DATA);
    let frame = Frame { layout: Layout::from(&set).unwrap(), bytes };
    let refused = render(frame.clone(), &Rendering::of(&set, 0), &RenderOptions::default());
    assert!(matches!(refused, Err(PixelError::Missing(_))));
}

#[test]
fn overlays_lie_where_they_say() {
    let (mut set, mut bytes) = black();
    put_overlay(&mut set, 0x6000, [2, 3], 0b0110);
    // Partly beside the image.
    put_overlay(&mut set, 0x6002, [0, 0], 0b1001);
    let white = |levels: &[u8]| -> Vec<usize> {
        levels.iter().enumerate().filter(|(_, level)| **level == 255).map(|(at, _)| at).collect()
    };
    assert_eq!(white(&grey_levels(&set, &bytes)), [0, 7, 10]);

    // Two planes that belong to the second and the third frame.
    let (mut set, _) = black();
    put_overlay(&mut set, 0x6000, [1, 1], 0b1000_0001);
    set.put_bytes(Tag(0x6000, 0x0015), VR::IS, &b"2 "[..]);
    set.put_bytes(Tag(0x6000, 0x0051), VR::US, 2u16.to_le_bytes().to_vec());
    let frame = Frame { layout: Layout::from(&set).unwrap(), bytes: bytes.clone() };
    for (number, want) in [(0, &[][..]), (1, &[0]), (2, &[5]), (3, &[])] {
        let picture = render(frame.clone(), &Rendering::of(&set, number), &RenderOptions::default()).unwrap();
        assert_eq!(white(&levels(&picture)), want, "frame {number}");
    }

    // In an unused bit of the pixels.
    let (mut set, _) = black();
    set.put_bytes(Tag(0x6000, 0x0100), VR::US, 16u16.to_le_bytes().to_vec());
    set.put_bytes(Tag(0x6000, 0x0102), VR::US, 15u16.to_le_bytes().to_vec());
    bytes[2 * 6 + 1] = 0x80;
    assert_eq!(white(&grey_levels(&set, &bytes)), [6]);
}

#[test]
fn shutters_cover_what_is_outside() {
    let (mut set, bytes) = black();
    set.put_text(tags::PRESENTATION_LUT_SHAPE, "INVERSE");
    let open = |set: &DataSet| -> Vec<usize> {
        let levels = grey_levels(set, &bytes);
        levels.iter().enumerate().filter(|(_, level)| **level == 255).map(|(at, _)| at).collect()
    };
    set.put_int(tags::SHUTTER_PRESENTATION_VALUE, 0x4000);
    set.put_text(tags::SHUTTER_SHAPE, "RECTANGULAR");
    for (tag, edge) in [
        (tags::SHUTTER_LEFT_VERTICAL_EDGE, 2),
        (tags::SHUTTER_RIGHT_VERTICAL_EDGE, 3),
        (tags::SHUTTER_UPPER_HORIZONTAL_EDGE, 1),
        (tags::SHUTTER_LOWER_HORIZONTAL_EDGE, 2),
    ] {
        set.put_int(tag, edge);
    }
    assert_eq!(open(&set), [1, 2, 5, 6]);
    assert_eq!(grey_levels(&set, &bytes)[0], 0x40);
    set.put_text(tags::SHUTTER_SHAPE, "CIRCULAR\\RECTANGULAR");
    set.put_text(tags::CENTER_OF_CIRCULAR_SHUTTER, "1\\2");
    set.put_int(tags::RADIUS_OF_CIRCULAR_SHUTTER, 1);
    assert_eq!(open(&set), [1, 2, 5]);
    set.put_text(tags::SHUTTER_SHAPE, "POLYGONAL");
    set.put_text(tags::VERTICES_OF_THE_POLYGONAL_SHUTTER, "1\\1\\1\\4\\4\\1");
    assert_eq!(open(&set), [0, 1, 2, 3, 4, 5, 6, 8, 9]);
    // A shape of which something is missing leaves the others as they are.
    set.put_text(tags::SHUTTER_SHAPE, "CIRCULAR\\RECTANGULAR");
    set.remove(tags::RADIUS_OF_CIRCULAR_SHUTTER);
    assert_eq!(open(&set), [1, 2, 5, 6]);
}

#[test]
fn pixels_that_are_not_square_are_drawn_in_shape_when_scaled() {
    let (mut set, bytes) = black();
    set.put_text(tags::PIXEL_SPACING, "2\\1");
    let whole = drawn(&set, &bytes, RenderOptions::default());
    assert_eq!((whole.width, whole.height), (4, 4), "pixel by pixel");
    let viewport = Some(Viewport { width: 40, height: 40, region: None });
    let scaled = drawn(&set, &bytes, RenderOptions { viewport, ..RenderOptions::default() });
    assert_eq!((scaled.width, scaled.height), (20, 40));
}

/// A picture from a frame that was decoded smaller shows the same in the same places.
#[test]
fn a_smaller_frame_makes_the_same_picture() {
    let (columns, rows) = (601u16, 403u16);
    // Discs of a steep edge on a ramp, off the middle, so that a shift or a turn would show.
    let value = |x: f64, y: f64| {
        let disc = |cx: f64, cy: f64, r: f64| 1.0 / (1.0 + ((x - cx).hypot(y - cy) - r).exp());
        (400.0 + x + y * 0.5 + 2000.0 * disc(150.0, 90.0, 60.0) + 1500.0 * disc(430.0, 300.0, 45.0)) as u16
    };
    let mut set = DataSet::new();
    for (tag, value) in [
        (tags::SAMPLES_PER_PIXEL, 1),
        (tags::ROWS, rows.into()),
        (tags::COLUMNS, columns.into()),
        (tags::BITS_ALLOCATED, 16),
        (tags::BITS_STORED, 12),
        (tags::HIGH_BIT, 11),
        (tags::PIXEL_REPRESENTATION, 0),
    ] {
        set.put_int(tag, value);
    }
    set.put_text(tags::PHOTOMETRIC_INTERPRETATION, "MONOCHROME2");
    set.put_float(tags::WINDOW_CENTER, 2000.0);
    set.put_float(tags::WINDOW_WIDTH, 4000.0);
    let words =
        (0..rows).flat_map(|y| (0..columns).map(move |x| value(f64::from(x) + 0.5, f64::from(y) + 0.5)));
    let bytes = words.flat_map(u16::to_le_bytes).collect();
    let frame = Frame { layout: Layout::from(&set).unwrap(), bytes };
    for codec in [Codec::Jpeg2000, Codec::HighThroughput2000] {
        let encoded: bytes::Bytes = encode(&frame, codec, 64 << 20).unwrap().bytes.into();
        let syntax = Uid::parse(codec.transfer_syntax()).unwrap();
        for (width, height, region, halvings) in [
            (300, 300, None, 1),
            (192, 192, None, 1),
            (70, 70, None, 3),
            (60, 60, Some([50.0, 30.0, 240.0, 240.0]), 2),
            (60, 60, Some([50.0, 30.0, -240.0, 240.0]), 2),
            (601, 403, None, 0),
        ] {
            let options = RenderOptions {
                viewport: Some(Viewport { width, height, region }),
                ..RenderOptions::default()
            };
            assert_eq!(spare_halvings(&set, 0, &options), halvings, "{width}x{height}");
            let drawn = |halvings| {
                let frame =
                    decode_halved(encoded.clone(), &syntax, &frame.layout, halvings, 64 << 20).unwrap();
                let size = (frame.layout.columns, frame.layout.rows);
                (size, render(frame, &Rendering::of(&set, 0), &options).unwrap())
            };
            let ((_, whole), (size, small)) = (drawn(0), drawn(halvings));
            if codec == Codec::Jpeg2000 {
                assert_eq!(size, (columns.div_ceil(1 << halvings), rows.div_ceil(1 << halvings)));
            }
            assert_eq!((whole.width, whole.height), (small.width, small.height));
            let (whole, small) = (levels(&whole), levels(&small));
            let differences = whole.iter().zip(&small).map(|(one, other)| f64::from(one.abs_diff(*other)));
            let mean = differences.sum::<f64>() / whole.len() as f64;
            assert!(mean < 1.5, "{codec:?} {width}x{height} {region:?}: {mean}");
        }
    }
    // What lies on the pixels has to be drawn on all of them.
    let small = RenderOptions {
        viewport: Some(Viewport { width: 64, height: 64, region: None }),
        ..RenderOptions::default()
    };
    assert_eq!(spare_halvings(&set, 0, &small), 3);
    let mut with_overlay = set.clone();
    put_overlay(&mut with_overlay, 0x6000, [1, 1], 1);
    assert_eq!(spare_halvings(&with_overlay, 0, &small), 0);
    set.put_text(tags::PHOTOMETRIC_INTERPRETATION, "PALETTE COLOR");
    assert_eq!(spare_halvings(&set, 0, &small), 0);
}
