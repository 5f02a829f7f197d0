//! JPEG with eight bits: baseline, extended and progressive Huffman coding, by a library that starts no threads.

use super::super::header::JpegHeader;
use super::broken;
use crate::pixels::error::PixelError;
use bytes::{Bytes, BytesMut};
use zune_core::bytestream::ZCursor;
use zune_core::colorspace::ColorSpace;
use zune_core::options::DecoderOptions;
use zune_jpeg::JpegDecoder;

/// Decodes the samples, interleaved by pixel, chroma spread to every pixel and its transform not undone.
pub(super) fn decode(encoded: Bytes, header: &JpegHeader) -> Result<Vec<u8>, PixelError> {
    let stated = header.stated;
    let options = DecoderOptions::default()
        .set_max_width(stated.columns as usize)
        .set_max_height(stated.rows as usize)
        .jpeg_set_out_colorspace(colours(header)?);
    let encoded = without_adobe(encoded, header);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(encoded.as_ref()), options);
    decoder.decode().map_err(|error| broken(&error.to_string()))
}

/// The colours that the library takes the samples for, so that it gives them back as they are.
fn colours(header: &JpegHeader) -> Result<ColorSpace, PixelError> {
    match header.stated.components {
        1 => Ok(ColorSpace::Luma),
        3 if header.named_rgb => Ok(ColorSpace::RGB),
        3 => Ok(ColorSpace::YCbCr),
        components => Err(PixelError::Unsupported(format!("JPEG with {components} components"))),
    }
}

/// The stream without the name of its Adobe segment, which the library would read as four components. Copied only when
/// somebody else holds it.
fn without_adobe(encoded: Bytes, header: &JpegHeader) -> Bytes {
    const NAME: &[u8] = b"Adobe";
    let place = encoded.windows(NAME.len()).position(|window| window == NAME);
    let (Some(_), Some(at)) = (header.adobe_transform, place) else { return encoded };
    let mut bytes = BytesMut::from(encoded);
    if let Some(name) = bytes.get_mut(at..at + NAME.len()) {
        name.fill(b'-');
    }
    bytes.freeze()
}
