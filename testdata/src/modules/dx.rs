//! Digital X-Ray Image for presentation: DX Series, Anatomy Imaged, Image, Detector, Positioning (PS3.3 C.8.11).

use crate::modules::common::code;
use crate::modules::image::{Raster, ds, put_grey, put_windows};
use pacs_core::dataset::DataSet;
use pacs_core::tags;

/// Everything the DX Image information object adds to the common modules, for a chest from back to front.
pub(crate) fn put_dx(set: &mut DataSet, raster: &Raster, spacing_mm: f32) {
    let negative = raster.photometric == "MONOCHROME1";
    set.put_text(tags::PRESENTATION_INTENT_TYPE, "FOR PRESENTATION");
    set.put_texts(tags::IMAGE_TYPE, &["ORIGINAL", "PRIMARY", ""]);
    set.put_int(tags::ACQUISITION_NUMBER, 1);
    put_grey(set, raster);
    set.put_text(tags::PIXEL_INTENSITY_RELATIONSHIP, "LOG");
    set.put_int(tags::PIXEL_INTENSITY_RELATIONSHIP_SIGN, if negative { 1 } else { -1 });
    set.put_text(tags::RESCALE_INTERCEPT, "0");
    set.put_text(tags::RESCALE_SLOPE, "1");
    set.put_text(tags::RESCALE_TYPE, "US");
    set.put_text(tags::PRESENTATION_LUT_SHAPE, if negative { "INVERSE" } else { "IDENTITY" });
    // The negative's values run the other way, and so do its windows.
    let lung = if negative { 4095.0 - 1700.0 } else { 1700.0 };
    put_windows(set, &[(2048.0, 4096.0, "NORMAL"), (lung, 2600.0, "LUNG")]);
    set.put_text(tags::LOSSY_IMAGE_COMPRESSION, "00");
    set.put_text(tags::IMAGE_LATERALITY, "U");
    set.put_items(tags::ANATOMIC_REGION_SEQUENCE, vec![code("43799004", "SCT", "Thoracic cavity")]);
    set.put_text(tags::DETECTOR_TYPE, "SCINTILLATOR");
    set.put_text(tags::DETECTOR_ID, "FPD-4343");
    let spacing = [ds(f64::from(spacing_mm)), ds(f64::from(spacing_mm))];
    set.put_texts(tags::IMAGER_PIXEL_SPACING, &spacing);
    set.put_texts(tags::PATIENT_ORIENTATION, &["L", "F"]);
    set.put_text(tags::VIEW_POSITION, "PA");
    set.put_items(tags::VIEW_CODE_SEQUENCE, vec![code("272479007", "SCT", "postero-anterior")]);
    set.put_items(tags::ACQUISITION_CONTEXT_SEQUENCE, Vec::new());
    set.put_text(tags::KVP, "125");
    set.put_int(tags::EXPOSURE, 2);
    set.put_int(tags::EXPOSURE_TIME, 8);
    set.put_int(tags::X_RAY_TUBE_CURRENT, 250);
    set.put_text(tags::DISTANCE_SOURCE_TO_DETECTOR, "1800");
    set.put_text(tags::GRID, "FOCUSED");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_negative_says_in_every_attribute_that_it_is_one() {
        for (photometric, sign, shape, lung) in
            [("MONOCHROME2", -1, "IDENTITY", 1700), ("MONOCHROME1", 1, "INVERSE", 2395)]
        {
            let mut set = DataSet::new();
            put_dx(&mut set, &Raster { rows: 30, columns: 25, bits_stored: 12, photometric }, 0.139);
            assert_eq!(set.int(tags::PIXEL_INTENSITY_RELATIONSHIP_SIGN), Some(sign));
            assert_eq!(set.text(tags::PRESENTATION_LUT_SHAPE).as_deref(), Some(shape));
            assert_eq!(set.ints(tags::WINDOW_CENTER), [2048, lung]);
            // SNOMED CT: 272479007 is from back to front, 399348003 would be from front to back.
            let view =
                set.items(tags::VIEW_CODE_SEQUENCE).first().and_then(|item| item.text(tags::CODE_VALUE));
            assert_eq!(
                (set.text(tags::VIEW_POSITION).as_deref(), view.as_deref()),
                (Some("PA"), Some("272479007"))
            );
        }
    }
}
