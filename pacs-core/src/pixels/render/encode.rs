//! Pictures as files.

use super::{Canvas, Picture};
use crate::pixels::error::PixelError;
use image::ImageEncoder;
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::codecs::webp::WebPEncoder;
use jpeg_encoder::{ColorType, Encoder, ImageBuffer, JpegColorType, SamplingFactor};

/// As JPEG baseline; `quality` from 1 to 100. Colour is YCbCr with chroma shared by two pixels of a row.
///
/// # Errors
/// `Unsupported` for pictures with more than 65535 rows or columns.
pub fn encode_jpeg(picture: &Picture, quality: u8) -> Result<Vec<u8>, PixelError> {
    let refuse = |reason: String| PixelError::Unsupported(format!("a JPEG of this picture: {reason}"));
    let side = |pixels: u32| u16::try_from(pixels).map_err(|_| refuse("too large".to_owned()));
    let (width, height) = (side(picture.width)?, side(picture.height)?);
    let (Canvas::Grey(pixels) | Canvas::Rgb(pixels)) = &picture.canvas;
    let mut file = Vec::with_capacity(pixels.len() / 8);
    let mut encoder = Encoder::new(&mut file, quality.clamp(1, 100));
    encoder.set_sampling_factor(SamplingFactor::F_2_1);
    let encoded = match &picture.canvas {
        Canvas::Grey(pixels) => match GreyRows::of(pixels, width, height) {
            Some(rows) => encoder.encode_image(rows),
            None => return Err(refuse("not of the size it states".to_owned())),
        },
        Canvas::Rgb(pixels) => encoder.encode(pixels, width, height, ColorType::Rgb),
    };
    encoded.map_err(|error| refuse(error.to_string()))?;
    Ok(file)
}

/// Grey pixels for the encoder. Its own source of them hands them over one by one, which takes an eighth of the whole.
struct GreyRows<'a> {
    pixels: &'a [u8],
    width: u16,
    height: u16,
}

impl<'a> GreyRows<'a> {
    fn of(pixels: &'a [u8], width: u16, height: u16) -> Option<Self> {
        let is_whole = pixels.len() == usize::from(width) * usize::from(height);
        is_whole.then_some(Self { pixels, width, height })
    }
}

impl ImageBuffer for GreyRows<'_> {
    fn get_jpeg_color_type(&self) -> JpegColorType {
        JpegColorType::Luma
    }

    fn width(&self) -> u16 {
        self.width
    }

    fn height(&self) -> u16 {
        self.height
    }

    fn fill_buffers(&self, row: u16, [grey, ..]: &mut [Vec<u8>; 4]) {
        let width = usize::from(self.width);
        let start = usize::from(row) * width;
        grey.extend_from_slice(self.pixels.get(start..start + width).unwrap_or_default());
    }
}

/// As PNG, without loss.
///
/// # Errors
/// `Unsupported` when the picture is not what it states.
pub fn encode_png(picture: &Picture) -> Result<Vec<u8>, PixelError> {
    let (pixels, colour) = match &picture.canvas {
        Canvas::Grey(pixels) => (pixels, image::ExtendedColorType::L8),
        Canvas::Rgb(pixels) => (pixels, image::ExtendedColorType::Rgb8),
    };
    let mut file = Vec::with_capacity(pixels.len() / 2);
    PngEncoder::new_with_quality(&mut file, CompressionType::Fast, FilterType::Adaptive)
        .write_image(pixels, picture.width, picture.height, colour)
        .map_err(|error| PixelError::Unsupported(format!("a PNG of this picture: {error}")))?;
    Ok(file)
}

/// As WebP, without loss.
///
/// # Errors
/// `Unsupported` for pictures with more than 16384 rows or columns.
pub fn encode_webp(picture: &Picture) -> Result<Vec<u8>, PixelError> {
    let (pixels, colour) = match &picture.canvas {
        Canvas::Grey(pixels) => (pixels, image::ExtendedColorType::L8),
        Canvas::Rgb(pixels) => (pixels, image::ExtendedColorType::Rgb8),
    };
    let mut file = Vec::with_capacity(pixels.len() / 2);
    WebPEncoder::new_lossless(&mut file)
        .write_image(pixels, picture.width, picture.height, colour)
        .map_err(|error| PixelError::Unsupported(format!("a WebP of this picture: {error}")))?;
    Ok(file)
}
