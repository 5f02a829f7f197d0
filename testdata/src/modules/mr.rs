//! MR Image module (PS3.3 C.8.3.1).

use crate::modules::image::{Plane, Raster, put_axial_plane, put_grey, put_windows};
use crate::phantom::brain::Weighting;
use pacs_core::dataset::DataSet;
use pacs_core::tags;

/// Everything the MR Image information object adds to the common modules.
pub(crate) fn put_mr(
    set: &mut DataSet,
    raster: &Raster,
    plane: &Plane<'_>,
    weighting: Weighting,
    window: (f64, f64),
) {
    set.put_texts(tags::IMAGE_TYPE, &["ORIGINAL", "PRIMARY", "M", "SE"]);
    set.put_int(tags::ACQUISITION_NUMBER, 1);
    put_axial_plane(set, plane);
    put_grey(set, raster);
    put_windows(set, &[(window.0, window.1, "BRAIN")]);
    set.put_text(tags::LOSSY_IMAGE_COMPRESSION, "00");
    let inverted = weighting.inversion_ms.is_some();
    set.put_texts(tags::SCANNING_SEQUENCE, if inverted { &["SE", "IR"] } else { &["SE"] });
    set.put_text(tags::SEQUENCE_VARIANT, "SK");
    set.put_empty(tags::SCAN_OPTIONS);
    set.put_text(tags::MR_ACQUISITION_TYPE, "2D");
    set.put_float(tags::REPETITION_TIME, f64::from(weighting.repetition_ms));
    set.put_float(tags::ECHO_TIME, f64::from(weighting.echo_ms));
    set.put_int(tags::ECHO_TRAIN_LENGTH, if weighting.echo_ms > 50.0 { 15 } else { 1 });
    if let Some(inversion) = weighting.inversion_ms {
        set.put_float(tags::INVERSION_TIME, f64::from(inversion));
    }
    set.put_text(tags::MAGNETIC_FIELD_STRENGTH, "1.5");
    set.put_text(tags::IMAGING_FREQUENCY, "63.86");
    set.put_text(tags::IMAGED_NUCLEUS, "1H");
    set.put_text(tags::FLIP_ANGLE, "90");
    set.put_text(tags::NUMBER_OF_AVERAGES, "2");
    set.put_text(tags::SPACING_BETWEEN_SLICES, "5");
    set.put_text(tags::RECEIVE_COIL_NAME, "HEAD");
}
