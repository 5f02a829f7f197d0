//! Ultrasound Image and Ultrasound Multi-frame Image (PS3.3 C.8.5.5, C.8.5.6, C.7.6.5).

use crate::modules::image::{Raster, put_colour};
use pacs_core::dataset::DataSet;
use pacs_core::tags;

/// Frames of a cine loop; `None` for a still.
pub(crate) struct Cine {
    pub(crate) frames: i64,
    pub(crate) frame_time_ms: i64,
}

/// Everything the two ultrasound objects add to the common modules.
pub(crate) fn put_us(
    set: &mut DataSet,
    raster: &Raster,
    cine: Option<&Cine>,
    ratio: f64,
    pixels_per_mm: f32,
) {
    set.put_texts(tags::IMAGE_TYPE, &["ORIGINAL", "PRIMARY", "ABDOMINAL", "0001"]);
    put_colour(set, raster);
    set.put_int(tags::ULTRASOUND_COLOR_DATA_PRESENT, 1);
    set.put_text(tags::LOSSY_IMAGE_COMPRESSION, "01");
    set.put_text(tags::LOSSY_IMAGE_COMPRESSION_RATIO, &format!("{ratio:.1}"));
    set.put_text(tags::LOSSY_IMAGE_COMPRESSION_METHOD, "ISO_10918_1");
    if let Some(cine) = cine {
        set.put_int(tags::NUMBER_OF_FRAMES, cine.frames);
        set.put_text(tags::FRAME_INCREMENT_POINTER, "00181063");
        set.put_text(tags::FRAME_TIME, &cine.frame_time_ms.to_string());
        set.put_int(tags::CINE_RATE, 1000 / cine.frame_time_ms.max(1));
        set.put_int(tags::RECOMMENDED_DISPLAY_FRAME_RATE, 1000 / cine.frame_time_ms.max(1));
        set.put_int(tags::START_TRIM, 1);
        set.put_int(tags::STOP_TRIM, cine.frames);
    }
    set.put_text(tags::TRANSDUCER_TYPE, "CURVED LINEAR");
    let centimetres = 0.1 / f64::from(pixels_per_mm);
    let mut region = DataSet::new();
    region.put_int(tags::REGION_SPATIAL_FORMAT, 1);
    region.put_int(tags::REGION_DATA_TYPE, 1);
    region.put_int(tags::REGION_FLAGS, 2);
    region.put_int(tags::REGION_LOCATION_MIN_X0, 40);
    region.put_int(tags::REGION_LOCATION_MIN_Y0, 20);
    region.put_int(tags::REGION_LOCATION_MAX_X1, 585);
    region.put_int(tags::REGION_LOCATION_MAX_Y1, 475);
    region.put_int(tags::PHYSICAL_UNITS_X_DIRECTION, 3);
    region.put_int(tags::PHYSICAL_UNITS_Y_DIRECTION, 3);
    region.put_float(tags::PHYSICAL_DELTA_X, centimetres);
    region.put_float(tags::PHYSICAL_DELTA_Y, centimetres);
    set.put_items(tags::SEQUENCE_OF_ULTRASOUND_REGIONS, vec![region]);
}
