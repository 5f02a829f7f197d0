//! Colour images: palettes, RGB, YBR.

use super::{Rendering, values};
use crate::pixels::decode::Frame;
use crate::pixels::error::PixelError;
use crate::pixels::layout::Photometric;
use crate::pixels::ybr;

/// Three samples a pixel to RGB of eight bits.
pub(super) fn draw(frame: &Frame) -> Result<Vec<u8>, PixelError> {
    let layout = &frame.layout;
    let samples: Vec<u8> = match layout.bits_allocated {
        8 => frame.bytes.clone(),
        16 => {
            let shift = layout.bits_stored.saturating_sub(8);
            let (words, _) = frame.bytes.as_chunks::<2>();
            words.iter().map(|word| (u16::from_le_bytes(*word) >> shift).min(255) as u8).collect()
        }
        bits => return Err(PixelError::Unsupported(format!("colour samples of {bits} bits"))),
    };
    let mut samples = if layout.planar { interleave(&samples) } else { samples };
    match layout.photometric {
        Photometric::YbrFull => ybr::full_to_rgb(&mut samples),
        Photometric::YbrFull422 | Photometric::YbrPartial422 => {
            return Err(PixelError::malformed("chroma is still shared between pixels"));
        }
        _ => {}
    }
    Ok(samples)
}

/// Indices to RGB.
pub(super) fn from_palette(frame: &Frame, rendering: &Rendering) -> Result<Vec<u8>, PixelError> {
    let palette = rendering.palette.as_ref().ok_or(PixelError::Missing("Palette Color Lookup Table"))?;
    if frame.layout.sample_bytes() > 2 {
        return Err(PixelError::Unsupported(format!(
            "palette indices of {} bits",
            frame.layout.bits_allocated
        )));
    }
    Ok(values::mapped(frame, |index| palette.at(index))?.into_flattened())
}

fn interleave(planes: &[u8]) -> Vec<u8> {
    let pixels = planes.len() / 3;
    let (red, rest) = planes.split_at(pixels);
    let (green, blue) = rest.split_at(pixels);
    red.iter().zip(green).zip(blue).flat_map(|((red, green), blue)| [*red, *green, *blue]).collect()
}
