//! What a reader sees of an image as a presentation state wants it.

use crate::hand_made::{black, grey, levels, put_overlay, table};
use pacs_core::dataset::DataSet;
use pacs_core::pixels::{
    Frame, Layout, Picture, PresentationState, RenderOptions, Rendering, Viewport, encode_jpeg, encode_png,
    encode_webp, render,
};
use pacs_core::uid::Uid;
use pacs_core::{Tag, VR, tags};
use std::time::{Duration, Instant};

fn image_uid() -> Uid {
    Uid::parse("1.2.3").unwrap()
}

/// A presentation state of the image, with nothing in it yet.
fn state() -> DataSet {
    let mut reference = DataSet::new();
    reference.put_uid(tags::REFERENCED_SOP_INSTANCE_UID, &image_uid());
    let mut series = DataSet::new();
    series.put_items(tags::REFERENCED_IMAGE_SEQUENCE, vec![reference]);
    let mut state = DataSet::new();
    state.put_items(tags::REFERENCED_SERIES_SEQUENCE, vec![series]);
    state
}

fn presented(set: &DataSet, bytes: &[u8], state: &DataSet, viewport: Option<Viewport>) -> Picture {
    let frame = Frame { layout: Layout::from(set).unwrap(), bytes: bytes.to_vec() };
    let state = PresentationState::of(state, &image_uid(), 0).unwrap();
    let options = RenderOptions { viewport, ..RenderOptions::default() };
    render(frame, &Rendering::of(set, 0).presented(state), &options).unwrap()
}

#[test]
fn a_presentation_state_concerns_the_images_it_names() {
    let other = Uid::parse("1.2.4").unwrap();
    assert!(PresentationState::of(&state(), &other, 0).is_none());
    assert!(PresentationState::of(&DataSet::new(), &image_uid(), 0).is_none());
    let mut of_frame = state();
    let mut reference = DataSet::new();
    reference.put_uid(tags::REFERENCED_SOP_INSTANCE_UID, &image_uid());
    reference.put_text(tags::REFERENCED_FRAME_NUMBER, "3");
    let mut series = DataSet::new();
    series.put_items(tags::REFERENCED_IMAGE_SEQUENCE, vec![reference]);
    of_frame.put_items(tags::REFERENCED_SERIES_SEQUENCE, vec![series]);
    assert!(PresentationState::of(&of_frame, &image_uid(), 2).is_some());
    assert!(PresentationState::of(&of_frame, &image_uid(), 1).is_none());
}

#[test]
fn what_a_presentation_state_says_of_values_counts_alone() {
    let (mut set, bytes) = grey(&[0, 1000, 2000], false);
    set.put_float(tags::RESCALE_SLOPE, 7.0);
    set.put_float(tags::WINDOW_CENTER, 1.0);
    set.put_float(tags::WINDOW_WIDTH, 2.0);
    set.put_text(tags::PHOTOMETRIC_INTERPRETATION, "MONOCHROME1");
    // Without anything: all twelve bits from black to white.
    let mut state = state();
    assert_eq!(levels(&presented(&set, &bytes, &state, None)), [0, 62, 125]);
    let mut voi = DataSet::new();
    voi.put_float(tags::WINDOW_CENTER, 1000.0);
    voi.put_float(tags::WINDOW_WIDTH, 2000.0);
    voi.put_text(tags::VOILUT_FUNCTION, "LINEAR_EXACT");
    state.put_items(tags::SOFTCOPY_VOILUT_SEQUENCE, vec![voi]);
    assert_eq!(levels(&presented(&set, &bytes, &state, None)), [0, 128, 255]);
    state.put_text(tags::PRESENTATION_LUT_SHAPE, "INVERSE");
    assert_eq!(levels(&presented(&set, &bytes, &state, None)), [255, 128, 0]);
    state.put_items(tags::PRESENTATION_LUT_SEQUENCE, vec![table(0, 8, &[0, 0, 51, 255])]);
    assert_eq!(levels(&presented(&set, &bytes, &state, None)), [0, 51, 255]);
}

#[test]
fn a_presentation_state_turns_and_cuts() {
    let (mut set, bytes) = grey(&[0, 1365, 2730, 4095, 0, 0], false);
    set.put_int(tags::ROWS, 2);
    set.put_int(tags::COLUMNS, 3);
    let mut state = state();
    state.put_int(tags::IMAGE_ROTATION, 90);
    let turned = presented(&set, &bytes, &state, None);
    assert_eq!((turned.width, turned.height), (2, 3));
    assert_eq!(levels(&turned), [255, 0, 0, 85, 0, 170]);
    state.put_text(tags::IMAGE_HORIZONTAL_FLIP, "Y");
    assert_eq!(levels(&presented(&set, &bytes, &state, None)), [0, 255, 85, 0, 170, 0]);

    let mut area = DataSet::new();
    area.put_bytes(
        tags::DISPLAYED_AREA_TOP_LEFT_HAND_CORNER,
        VR::SL,
        [2i32, 1].map(i32::to_le_bytes).concat(),
    );
    area.put_bytes(
        tags::DISPLAYED_AREA_BOTTOM_RIGHT_HAND_CORNER,
        VR::SL,
        [3i32, 1].map(i32::to_le_bytes).concat(),
    );
    area.put_text(tags::PRESENTATION_SIZE_MODE, "SCALE TO FIT");
    area.put_text(tags::PRESENTATION_PIXEL_ASPECT_RATIO, "1\\1");
    state.remove(tags::IMAGE_ROTATION);
    state.remove(tags::IMAGE_HORIZONTAL_FLIP);
    state.put_items(tags::DISPLAYED_AREA_SELECTION_SEQUENCE, vec![area.clone()]);
    let cut = presented(&set, &bytes, &state, None);
    assert_eq!((cut.width, cut.height, levels(&cut)), (2, 1, vec![85, 170]));
    let large = presented(&set, &bytes, &state, Some(Viewport { width: 64, height: 64, region: None }));
    assert_eq!((large.width, large.height), (64, 32));
    area.put_text(tags::PRESENTATION_SIZE_MODE, "MAGNIFY");
    area.put_bytes(tags::PRESENTATION_PIXEL_MAGNIFICATION_RATIO, VR::FL, 3f32.to_le_bytes().to_vec());
    area.put_text(tags::PRESENTATION_PIXEL_ASPECT_RATIO, "2\\1");
    state.put_items(tags::DISPLAYED_AREA_SELECTION_SEQUENCE, vec![area]);
    let magnified = presented(&set, &bytes, &state, None);
    assert_eq!((magnified.width, magnified.height), (6, 6));
}

/// A graphic object.
fn shape(kind: &str, units: &str, points: &[f32]) -> DataSet {
    let mut shape = DataSet::new();
    shape.put_text(tags::GRAPHIC_TYPE, kind);
    shape.put_text(tags::GRAPHIC_ANNOTATION_UNITS, units);
    shape.put_int(tags::GRAPHIC_DIMENSIONS, 2);
    shape.put_int(tags::NUMBER_OF_GRAPHIC_POINTS, points.len() as i64 / 2);
    let data: Vec<u8> = points.iter().flat_map(|point| point.to_le_bytes()).collect();
    shape.put_bytes(tags::GRAPHIC_DATA, VR::FL, data);
    shape
}

#[test]
fn a_presentation_state_draws_on_the_image() {
    let (mut set, _) = grey(&[0; 4], false);
    set.put_int(tags::ROWS, 200);
    set.put_int(tags::COLUMNS, 200);
    let bytes = vec![0; 200 * 200 * 2];
    let mut filled = shape("POLYLINE", "PIXEL", &[150.0, 150.0, 190.0, 150.0, 190.0, 190.0, 150.0, 150.0]);
    filled.put_text(tags::GRAPHIC_FILLED, "Y");
    let mut text = DataSet::new();
    text.put_text(tags::UNFORMATTED_TEXT_VALUE, "U phổi");
    text.put_text(tags::ANCHOR_POINT_ANNOTATION_UNITS, "PIXEL");
    text.put_bytes(tags::ANCHOR_POINT, VR::FL, [20f32, 160.0].map(f32::to_le_bytes).concat());
    let mut annotation = DataSet::new();
    annotation.put_text(tags::GRAPHIC_LAYER, "DRAWING");
    annotation.put_items(
        tags::GRAPHIC_OBJECT_SEQUENCE,
        vec![
            shape("CIRCLE", "PIXEL", &[100.0, 100.0, 140.0, 100.0]),
            shape("ELLIPSE", "PIXEL", &[20.0, 30.0, 60.0, 30.0, 40.0, 20.0, 40.0, 40.0]),
            shape("POINT", "DISPLAY", &[0.9, 0.1]),
            shape("INTERPOLATED", "PIXEL", &[100.0, 10.0, 120.0, 20.0, 140.0, 10.0]),
            filled,
            shape("SPIRAL", "PIXEL", &[1.0, 1.0]),
        ],
    );
    annotation.put_items(tags::TEXT_OBJECT_SEQUENCE, vec![text]);
    let mut layer = DataSet::new();
    layer.put_text(tags::GRAPHIC_LAYER, "DRAWING");
    layer.put_int(tags::GRAPHIC_LAYER_ORDER, 1);
    layer.put_int(tags::GRAPHIC_LAYER_RECOMMENDED_DISPLAY_GRAYSCALE_VALUE, 0xC000);
    let mut state = state();
    state.put_items(tags::GRAPHIC_ANNOTATION_SEQUENCE, vec![annotation]);
    state.put_items(tags::GRAPHIC_LAYER_SEQUENCE, vec![layer]);
    let picture = presented(&set, &bytes, &state, None);
    let drawn = levels(&picture);
    let level = |x: usize, y: usize| drawn[y * 200 + x];
    for (x, y) in [(139, 100), (100, 60), (60, 100), (40, 20), (20, 30), (180, 20), (120, 20), (180, 160)] {
        let near = (x - 1..=x + 1).flat_map(|x| (y - 1..=y + 1).map(move |y| (x, y)));
        let most = near.map(|(x, y)| level(x, y)).max().unwrap();
        // A line that lies between two pixels gives each about half.
        assert!(most >= 0x60, "{x} {y}: {most}");
    }
    for (x, y) in [(100, 100), (40, 30), (155, 185), (5, 100)] {
        assert_eq!(level(x, y), 0, "{x} {y}");
    }
    assert!((160..190).any(|y| (20..60).any(|x| level(x, y) == 0xC0)), "there is text");
    assert_eq!(drawn.iter().max(), Some(&0xC0));
    // The same in another orientation and size is still drawn on the picture.
    state.put_int(tags::IMAGE_ROTATION, 270);
    let small = presented(&set, &bytes, &state, Some(Viewport { width: 50, height: 50, region: None }));
    assert!(levels(&small).iter().any(|level| *level > 0x80));
    for file in [encode_jpeg(&small, 80), encode_png(&small), encode_webp(&small)] {
        assert!(file.unwrap().len() > 100);
    }
}

/// A state of the image with these graphic objects.
fn with_shapes(shapes: Vec<DataSet>) -> DataSet {
    let mut annotation = DataSet::new();
    annotation.put_items(tags::GRAPHIC_OBJECT_SEQUENCE, shapes);
    let mut state = state();
    state.put_items(tags::GRAPHIC_ANNOTATION_SEQUENCE, vec![annotation]);
    state
}

#[test]
fn a_line_of_many_points_is_drawn_to_its_end() {
    let (mut set, _) = grey(&[0; 4], false);
    set.put_int(tags::ROWS, 100);
    set.put_int(tags::COLUMNS, 100);
    let bytes = vec![0; 100 * 100 * 2];
    for (kind, count) in [("POLYLINE", 5_000), ("INTERPOLATED", 600), ("POLYLINE", 200_000)] {
        let points: Vec<f32> =
            (0..count).flat_map(|n| [n as f32 / (count - 1) as f32 * 100.0, 50.0]).collect();
        let state = with_shapes(vec![shape(kind, "PIXEL", &points), shape("POINT", "PIXEL", &[50.0, 80.0])]);
        let drawn = levels(&presented(&set, &bytes, &state, None));
        assert!((0..100).all(|x| drawn[49 * 100 + x] > 0x60 || drawn[50 * 100 + x] > 0x60), "{kind} {count}");
        // What comes behind it is drawn too.
        assert!(drawn[80 * 100 + 50] > 0x60, "{kind} {count}");
    }
}

#[test]
fn shapes_that_cover_the_picture_again_and_again_are_drawn_promptly() {
    let (mut set, bytes) = grey(&[0; 4], false);
    set.put_int(tags::ROWS, 2);
    set.put_int(tags::COLUMNS, 2);
    let viewport = Some(Viewport { width: 4096, height: 4096, region: None });
    let mut covering = shape("POLYLINE", "DISPLAY", &[0.0, 0.0, 1.0, 0.0, 1.0, 1.0, 0.0, 1.0]);
    covering.put_text(tags::GRAPHIC_FILLED, "Y");
    // From side to side and back.
    let zigzag: Vec<f32> = (0..30_000).flat_map(|n| [(n % 2) as f32, n as f32 / 30_000.0]).collect();
    let mut filled_zigzag = shape("POLYLINE", "DISPLAY", &zigzag);
    filled_zigzag.put_text(tags::GRAPHIC_FILLED, "Y");
    let mut circle = shape("CIRCLE", "DISPLAY", &[0.5, 0.5, 1.0, 1.0]);
    circle.put_text(tags::GRAPHIC_FILLED, "Y");
    for shapes in [vec![covering; 1024], vec![circle; 1024], vec![filled_zigzag; 2]] {
        let begun = Instant::now();
        let drawn = levels(&presented(&set, &bytes, &with_shapes(shapes), viewport));
        assert!(drawn[100 * 4096 + 2000] > 0, "the first of them is drawn");
        // Drawn one over the other they take minutes, on a machine that does nothing else.
        assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", begun.elapsed());
    }
}

#[test]
fn overlays_are_shown_as_the_presentation_state_activates_them() {
    let (mut set, bytes) = black();
    put_overlay(&mut set, 0x6000, [1, 1], 0b0001);
    put_overlay(&mut set, 0x6002, [4, 4], 0b0001);
    let mut state = state();
    assert!(levels(&presented(&set, &bytes, &state, None)).iter().all(|level| *level == 0));
    state.put_bytes(Tag(0x6002, 0x1001), VR::CS, &b"DRAWING "[..]);
    assert_eq!(levels(&presented(&set, &bytes, &state, None))[15], 255);
    // An overlay of the state that covers instead of marking.
    put_overlay(&mut state, 0x6004, [1, 1], 0b0010);
    state.put_text(tags::SHUTTER_SHAPE, "BITMAP");
    state.put_int(tags::SHUTTER_OVERLAY_GROUP, 0x6004);
    state.put_int(tags::SHUTTER_PRESENTATION_VALUE, 0x8000);
    let covered = levels(&presented(&set, &bytes, &state, None));
    assert_eq!((covered[0], covered[1], covered[15]), (0, 0x80, 255));
}
