//! Image Pixel and Image Plane modules (PS3.3 C.7.6.3, C.7.6.2), VOI LUT (C.11.2).

use pacs_core::dataset::DataSet;
use pacs_core::tags;
use pacs_core::uid::Uid;

/// How samples lie in the pixel data.
pub(crate) struct Raster {
    pub(crate) rows: u16,
    pub(crate) columns: u16,
    pub(crate) bits_stored: u16,
    pub(crate) photometric: &'static str,
}

/// Single-sample unsigned pixels in 16-bit words.
pub(crate) fn put_grey(set: &mut DataSet, raster: &Raster) {
    set.put_int(tags::SAMPLES_PER_PIXEL, 1);
    set.put_text(tags::PHOTOMETRIC_INTERPRETATION, raster.photometric);
    set.put_int(tags::ROWS, i64::from(raster.rows));
    set.put_int(tags::COLUMNS, i64::from(raster.columns));
    set.put_int(tags::BITS_ALLOCATED, 16);
    set.put_int(tags::BITS_STORED, i64::from(raster.bits_stored));
    set.put_int(tags::HIGH_BIT, i64::from(raster.bits_stored) - 1);
    set.put_int(tags::PIXEL_REPRESENTATION, 0);
}

/// Three samples of eight bits.
pub(crate) fn put_colour(set: &mut DataSet, raster: &Raster) {
    set.put_int(tags::SAMPLES_PER_PIXEL, 3);
    set.put_text(tags::PHOTOMETRIC_INTERPRETATION, raster.photometric);
    set.put_int(tags::PLANAR_CONFIGURATION, 0);
    set.put_int(tags::ROWS, i64::from(raster.rows));
    set.put_int(tags::COLUMNS, i64::from(raster.columns));
    set.put_int(tags::BITS_ALLOCATED, 8);
    set.put_int(tags::BITS_STORED, i64::from(raster.bits_stored));
    set.put_int(tags::HIGH_BIT, i64::from(raster.bits_stored) - 1);
    set.put_int(tags::PIXEL_REPRESENTATION, 0);
}

/// A slice in the patient's space, millimetres.
pub(crate) struct Plane<'a> {
    pub(crate) frame_of_reference: &'a Uid,
    pub(crate) position_mm: [f64; 3],
    pub(crate) spacing_mm: f64,
    pub(crate) thickness_mm: f64,
}

/// An axial slice: rows run to the patient's left, columns to the back.
pub(crate) fn put_axial_plane(set: &mut DataSet, plane: &Plane<'_>) {
    set.put_uid(tags::FRAME_OF_REFERENCE_UID, plane.frame_of_reference);
    set.put_empty(tags::POSITION_REFERENCE_INDICATOR);
    set.put_text(tags::PATIENT_POSITION, "HFS");
    set.put_texts(tags::IMAGE_ORIENTATION_PATIENT, &["1", "0", "0", "0", "1", "0"]);
    let position: Vec<String> = plane.position_mm.iter().map(|mm| ds(*mm)).collect();
    set.put_texts(tags::IMAGE_POSITION_PATIENT, &position);
    set.put_text(tags::SLICE_LOCATION, &ds(plane.position_mm[2]));
    set.put_texts(tags::PIXEL_SPACING, &[ds(plane.spacing_mm), ds(plane.spacing_mm)]);
    set.put_text(tags::SLICE_THICKNESS, &ds(plane.thickness_mm));
    set.put_texts(tags::PATIENT_ORIENTATION, &["L", "P"]);
}

/// Window centre, width and what it is for, one or more.
pub(crate) fn put_windows(set: &mut DataSet, windows: &[(f64, f64, &str)]) {
    let centres: Vec<String> = windows.iter().map(|(centre, ..)| ds(*centre)).collect();
    let widths: Vec<String> = windows.iter().map(|(_, width, _)| ds(*width)).collect();
    let names: Vec<&str> = windows.iter().map(|(.., name)| *name).collect();
    set.put_texts(tags::WINDOW_CENTER, &centres);
    set.put_texts(tags::WINDOW_WIDTH, &widths);
    set.put_texts(tags::WINDOW_CENTER_WIDTH_EXPLANATION, &names);
}

/// A decimal string: at most 16 characters, no trailing zeros.
pub(crate) fn ds(value: f64) -> String {
    let text = format!("{value:.5}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}
