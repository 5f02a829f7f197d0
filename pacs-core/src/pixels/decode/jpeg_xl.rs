//! JPEG XL (ISO/IEC 18181), also recompressed JPEG.

use super::Frame;
use super::header::Stated;
use super::samples::Samples;
use crate::pixels::error::PixelError;
use crate::pixels::layout::{Layout, Photometric};
use jxl_oxide::{AllocTracker, InitializeResult, JxlImage, JxlThreadPool};

/// What the codec is granted.
fn granted_bytes(layout: &Layout) -> u64 {
    (layout.pixels() * u64::from(layout.samples)).saturating_mul(32).saturating_add(16 << 20)
}

/// What decoding takes beside its result: the codec's share and the levels it is asked for.
pub(super) fn working_bytes(layout: &Layout) -> u64 {
    granted_bytes(layout).saturating_add(layout.pixels() * u64::from(layout.samples) * 4)
}

pub(super) fn decode(encoded: &[u8], layout: &Layout) -> Result<Frame, PixelError> {
    let broken =
        |error: Box<dyn std::error::Error + Send + Sync>| PixelError::malformed(format!("JPEG XL: {error}"));
    let granted = usize::try_from(granted_bytes(layout)).unwrap_or(usize::MAX);
    let mut image = JxlImage::builder()
        .pool(JxlThreadPool::none())
        .alloc_tracker(AllocTracker::with_limit(granted))
        .build_uninit();
    image.feed_bytes(encoded).map_err(broken)?;
    let mut image = match image.try_init().map_err(broken)? {
        InitializeResult::Initialized(image) => image,
        InitializeResult::NeedMoreData(_) => {
            return Err(PixelError::malformed("JPEG XL: the header is cut short"));
        }
    };
    let format = image.pixel_format();
    let colours = if format.is_grayscale() { 1 } else { 3 };
    let precision = image.image_header().metadata.bit_depth.bits_per_sample();
    Stated { rows: image.height(), columns: image.width(), components: colours, precision }.agree(layout)?;
    image.finalize().map_err(broken)?;
    let frame = image.render_frame(0).map_err(broken)?;
    let mut stream = frame.stream_no_alpha();
    if stream.channels() != colours {
        return Err(PixelError::Unsupported(format!("JPEG XL with {} channels", stream.channels())));
    }
    let count = layout.pixels() * u64::from(layout.samples);
    let mut levels = vec![0f32; usize::try_from(count).unwrap_or(0)];
    let written = stream.write_to_buffer(&mut levels);
    levels.truncate(written);
    let most = ((1u64 << precision.min(32)) - 1) as f64;
    let levels =
        levels.into_iter().map(|level| (f64::from(level) * most).round().clamp(0.0, most) as i64 as i32);
    let photometric = if colours == 3 { Photometric::Rgb } else { layout.photometric };
    let mut samples = Samples::new(precision, layout)?;
    samples.put_all(levels);
    Ok(samples.frame(photometric))
}
