//! JPEG (ITU-T T.81): baseline, extended, progressive and lossless.

use super::Frame;
use super::header::{self, JpegHeader};
use super::{jpeg_extended, samples};
use crate::pixels::error::PixelError;
use crate::pixels::layout::{Layout, Photometric};
use jpeg_decoder::{ColorTransform, Decoder, PixelFormat};

const LOSSLESS: u8 = 0xC3;
const EXTENDED: u8 = 0xC1;

pub(super) fn decode(encoded: &[u8], layout: &Layout) -> Result<Frame, PixelError> {
    let header = header::jpeg(encoded)?;
    header.stated.agree(layout)?;
    let precision = header.stated.precision;
    if header.process == EXTENDED && precision == 12 {
        let decoded = jpeg_extended::decode(encoded, &header)?;
        return samples::write(decoded.into_iter().map(i32::from), precision, layout, layout.photometric);
    }
    let (transform, photometric) = colour(&header, layout);
    let mut decoder = Decoder::new(encoded);
    decoder.set_color_transform(transform);
    decoder.set_max_decoding_buffer_size(
        usize::try_from(layout.frame_bytes().max(1 << 16)).unwrap_or(usize::MAX),
    );
    let decoded = decoder.decode().map_err(refusal)?;
    let format = decoder.info().map(|info| info.pixel_format);
    match format {
        Some(PixelFormat::L16) => {
            let (words, _) = decoded.as_chunks::<2>();
            let words = words.iter().map(|word| i32::from(u16::from_ne_bytes(*word)));
            samples::write(words, precision, layout, photometric)
        }
        Some(PixelFormat::L8 | PixelFormat::RGB24) => {
            samples::write(decoded.into_iter().map(i32::from), precision, layout, photometric)
        }
        Some(PixelFormat::CMYK32) | None => {
            Err(PixelError::Unsupported("JPEG with four components".to_owned()))
        }
    }
}

/// Which colours the samples are, and so how they become RGB. The stream's own markers are believed first; without
/// them Photometric Interpretation decides. Lossless streams are returned as they are.
fn colour(header: &JpegHeader, layout: &Layout) -> (ColorTransform, Photometric) {
    if layout.samples != 3 {
        return (ColorTransform::Grayscale, layout.photometric);
    }
    if header.process == LOSSLESS {
        return (ColorTransform::None, layout.photometric);
    }
    let rgb = match header.adobe_transform {
        Some(transform) => transform == 0,
        None => header.named_rgb || (!header.jfif && layout.photometric == Photometric::Rgb),
    };
    (if rgb { ColorTransform::None } else { ColorTransform::YCbCr }, Photometric::Rgb)
}

fn refusal(error: jpeg_decoder::Error) -> PixelError {
    match error {
        jpeg_decoder::Error::Unsupported(feature) => {
            PixelError::Unsupported(format!("JPEG with {feature:?}"))
        }
        other => PixelError::malformed(format!("JPEG: {other}")),
    }
}
