//! JPEG with eight bits: baseline, extended and progressive Huffman coding, by a library that starts no threads.

use super::super::header::{JpegHeader, next_adobe};
use super::broken;
use crate::pixels::error::PixelError;
use bytes::{Bytes, BytesMut};
use zune_core::bytestream::ZCursor;
use zune_core::colorspace::ColorSpace;
use zune_core::options::DecoderOptions;
use zune_jpeg::JpegDecoder;

/// Decodes the samples, interleaved by pixel, chroma spread to every pixel and its transform not undone. Of a stream
/// that ends early the library fills in the rest without a word, so [`super::dct::check`] has to come first.
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
        3 if header.is_named_rgb() => Ok(ColorSpace::RGB),
        3 => Ok(ColorSpace::YCbCr),
        components => Err(PixelError::Unsupported(format!("JPEG with {components} components"))),
    }
}

/// The stream without the name of its Adobe segment, which the library would read as four components. Copied only when
/// somebody else holds it.
fn without_adobe(encoded: Bytes, header: &JpegHeader) -> Bytes {
    if header.adobe_transform.is_none() {
        return encoded;
    }
    let mut bytes = BytesMut::from(encoded);
    // What stands for the name is found no more, so the walk goes on from there.
    let mut at = 2;
    while let Some(place) = next_adobe(&bytes, at) {
        at = place.start - 4;
        if let Some(name) = bytes.get_mut(place) {
            name.fill(b'-');
        }
    }
    bytes.freeze()
}

#[cfg(test)]
mod tests {
    use super::super::super::header;
    use super::*;

    #[test]
    fn only_the_segments_of_adobe_lose_their_name() {
        let adobe =
            |name: &str| [b"\xFF\xEE\x00\x0E", name.as_bytes(), b"\x00\x64\x00\x00\x00\x00\x01"].concat();
        let stream = |name: &str| {
            let comment = b"\xFF\xFE\x00\x0AAdobe \xFF\xEE";
            let frame = b"\xFF\xC0\x00\x11\x08\x00\x08\x00\x08\x03\x01\x11\x00\x02\x11\x00\x03\x11\x00";
            let scan = b"\xFF\xDA\x00\x0C\x03\x01\x00\x02\x00\x03\x00\x00\x3F\x00Adobe\xFF\xD9";
            // A fill byte stands before the second one.
            let parts = [b"\xFF\xD8", &comment[..], &adobe(name), b"\xFF", &adobe(name), frame, scan];
            Bytes::from(parts.concat())
        };
        let encoded = stream("Adobe");
        let header = header::jpeg(&encoded).unwrap();
        assert_eq!(header.adobe_transform, Some(1));
        assert_eq!(without_adobe(encoded, &header), stream("-----"));
    }
}
