//! Ultrasound Image and Ultrasound Multi-frame Image (PS3.3 C.8.5.5, C.8.5.6, C.7.6.5).

use crate::modules::image::{Raster, put_colour};
use pacs_core::dataset::DataSet;
use pacs_core::tags;

/// Frames of a cine loop; `None` for a still.
pub(crate) struct Cine {
    pub(crate) frames: i64,
    pub(crate) frame_time_ms: i64,
}

/// The one region of the screen that echoes are drawn in.
pub(crate) struct Scan {
    /// Left, top, right, bottom, pixels.
    pub(crate) area: [i64; 4],
    pub(crate) pixels_per_mm: f32,
    /// Whether flow is shown in colour.
    pub(crate) flow: bool,
}

/// Everything the two ultrasound objects add to the common modules.
pub(crate) fn put_us(set: &mut DataSet, raster: &Raster, cine: Option<&Cine>, ratio: f64, scan: &Scan) {
    // The fourth value adds up what is in the image (C.8.5.6.1.1): 0001 two dimensions, 0010 colour Doppler.
    let contents = if scan.flow { "0011" } else { "0001" };
    set.put_texts(tags::IMAGE_TYPE, &["ORIGINAL", "PRIMARY", "ABDOMINAL", contents]);
    set.put_empty(tags::PATIENT_ORIENTATION);
    put_colour(set, raster);
    set.put_int(tags::ULTRASOUND_COLOR_DATA_PRESENT, i64::from(scan.flow));
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
    let centimetres = 0.1 / f64::from(scan.pixels_per_mm);
    let [left, top, right, bottom] = scan.area;
    let mut region = DataSet::new();
    region.put_int(tags::REGION_SPATIAL_FORMAT, 1);
    region.put_int(tags::REGION_DATA_TYPE, if scan.flow { 2 } else { 1 });
    region.put_int(tags::REGION_FLAGS, 2);
    region.put_int(tags::REGION_LOCATION_MIN_X0, left);
    region.put_int(tags::REGION_LOCATION_MIN_Y0, top);
    region.put_int(tags::REGION_LOCATION_MAX_X1, right);
    region.put_int(tags::REGION_LOCATION_MAX_Y1, bottom);
    region.put_int(tags::PHYSICAL_UNITS_X_DIRECTION, 3);
    region.put_int(tags::PHYSICAL_UNITS_Y_DIRECTION, 3);
    region.put_float(tags::PHYSICAL_DELTA_X, centimetres);
    region.put_float(tags::PHYSICAL_DELTA_Y, centimetres);
    set.put_items(tags::SEQUENCE_OF_ULTRASOUND_REGIONS, vec![region]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_flow_counts_as_colour() {
        for (flow, contents, kind) in [(false, "0001", 1), (true, "0011", 2)] {
            let mut set = DataSet::new();
            let raster = Raster { rows: 480, columns: 640, bits_stored: 8, photometric: "YBR_FULL_422" };
            let scan = Scan { area: [30, 24, 610, 462], pixels_per_mm: 2.5, flow };
            put_us(&mut set, &raster, None, 12.0, &scan);
            assert_eq!(set.texts(tags::IMAGE_TYPE)[3], contents);
            assert_eq!(set.int(tags::ULTRASOUND_COLOR_DATA_PRESENT), Some(i64::from(flow)));
            let region = &set.items(tags::SEQUENCE_OF_ULTRASOUND_REGIONS)[0];
            assert_eq!(region.int(tags::REGION_DATA_TYPE), Some(kind));
            assert_eq!(region.int(tags::REGION_LOCATION_MAX_X1), Some(610));
            assert_eq!(region.float(tags::PHYSICAL_DELTA_X), Some(0.04));
        }
    }
}
