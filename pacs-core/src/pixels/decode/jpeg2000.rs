//! JPEG 2000 part 1 (ITU-T T.800), bare codestream or JP2 file.

use super::Frame;
use super::header;
use super::samples;
use crate::pixels::error::PixelError;
use crate::pixels::layout::{Layout, Photometric};
use jpeg2k::{DecodeParameters, Image};

pub(super) fn decode(encoded: &[u8], layout: &Layout) -> Result<Frame, PixelError> {
    let (stated, start) = header::jpeg2000(encoded)?;
    stated.agree(layout)?;
    // A JP2 file's boxes are against PS3.5 A.4.4 and say nothing the data set does not: only the codestream counts.
    let codestream = encoded.get(start..).unwrap_or_default();
    let image = Image::from_bytes_with(codestream, DecodeParameters::new().strict(false))
        .map_err(|error| PixelError::malformed(format!("JPEG 2000: {error}")))?;
    let pixels = usize::try_from(layout.pixels()).unwrap_or(usize::MAX);
    let planes: Vec<&[i32]> = image
        .components()
        .iter()
        .map(|component| component.data())
        .filter(|plane| plane.len() == pixels)
        .collect();
    if planes.len() != usize::from(layout.samples) {
        return Err(PixelError::Unsupported("JPEG 2000 with components of different size".to_owned()));
    }
    let interleaved = (0..pixels).flat_map(|n| planes.iter().filter_map(move |plane| plane.get(n).copied()));
    samples::write(interleaved, stated.precision, layout, after_transform(layout.photometric))
}

/// The codestream's own colour transform is undone by the decoder.
fn after_transform(photometric: Photometric) -> Photometric {
    match photometric {
        Photometric::YbrRct | Photometric::YbrIct => Photometric::Rgb,
        other => other,
    }
}
