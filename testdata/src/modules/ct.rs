//! CT Image module (PS3.3 C.8.2.1).

use crate::modules::image::{Plane, Raster, ds, put_axial_plane, put_grey, put_windows};
use pacs_core::dataset::DataSet;
use pacs_core::tags;

/// What the scanner was set to.
pub(crate) struct Scan<'a> {
    pub(crate) contrast: bool,
    pub(crate) kernel: &'a str,
    pub(crate) field_of_view_mm: f64,
    pub(crate) tube_current_ma: i64,
    pub(crate) windows: &'a [(f64, f64, &'a str)],
}

/// Everything the CT Image information object adds to the common modules.
pub(crate) fn put_ct(set: &mut DataSet, raster: &Raster, plane: &Plane<'_>, scan: &Scan<'_>) {
    set.put_texts(tags::IMAGE_TYPE, &["ORIGINAL", "PRIMARY", "AXIAL"]);
    set.put_int(tags::ACQUISITION_NUMBER, 1);
    put_axial_plane(set, plane);
    put_grey(set, raster);
    set.put_text(tags::RESCALE_INTERCEPT, "-1024");
    set.put_text(tags::RESCALE_SLOPE, "1");
    set.put_text(tags::RESCALE_TYPE, "HU");
    put_windows(set, scan.windows);
    set.put_text(tags::LOSSY_IMAGE_COMPRESSION, "00");
    set.put_text(tags::KVP, "120");
    set.put_text(tags::SCAN_OPTIONS, "HELICAL MODE");
    set.put_text(tags::DATA_COLLECTION_DIAMETER, "500");
    set.put_text(tags::RECONSTRUCTION_DIAMETER, &ds(scan.field_of_view_mm));
    set.put_text(tags::GANTRY_DETECTOR_TILT, "0");
    set.put_text(tags::TABLE_HEIGHT, "158.5");
    set.put_text(tags::ROTATION_DIRECTION, "CW");
    set.put_int(tags::EXPOSURE_TIME, 600);
    set.put_int(tags::X_RAY_TUBE_CURRENT, scan.tube_current_ma);
    set.put_int(tags::EXPOSURE, scan.tube_current_ma * 6 / 10);
    set.put_text(tags::FILTER_TYPE, "BODY");
    set.put_text(tags::FOCAL_SPOTS, "1.2");
    set.put_text(tags::CONVOLUTION_KERNEL, scan.kernel);
    if scan.contrast {
        set.put_text(tags::CONTRAST_BOLUS_AGENT, "Iohexol 350");
        set.put_text(tags::CONTRAST_BOLUS_ROUTE, "IV");
        set.put_text(tags::CONTRAST_BOLUS_VOLUME, "90");
    }
}
