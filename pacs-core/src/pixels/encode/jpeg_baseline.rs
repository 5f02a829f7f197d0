//! JPEG baseline (ITU-T T.81 process 1), eight bits.

use super::{Encoded, Stored, output};
use crate::pixels::error::PixelError;
use crate::pixels::layout::Photometric;
use jpeg_encoder::{ColorType, Encoder, SamplingFactor};

/// Little is lost, and a frame of ultrasound becomes a tenth.
const QUALITY: u8 = 90;

pub(super) fn encode(stored: &Stored<'_>) -> Result<Encoded, PixelError> {
    let layout = stored.layout();
    let (colour, photometric) = match layout.photometric {
        _ if layout.signed || stored.precision > 8 => {
            return Err(PixelError::Unencodable(
                "a frame of more than eight bits in JPEG baseline".to_owned(),
            ));
        }
        Photometric::PaletteColor => {
            return Err(PixelError::Unencodable("palette indices in JPEG baseline".to_owned()));
        }
        Photometric::Other => {
            return Err(PixelError::Unencodable("a colour space of its own in JPEG baseline".to_owned()));
        }
        grey if layout.samples == 1 => (ColorType::Luma, grey),
        Photometric::YbrFull | Photometric::YbrFull422 => (ColorType::Ycbcr, Photometric::YbrFull422),
        _ => (ColorType::Rgb, Photometric::YbrFull422),
    };
    let mut samples: Vec<u8> = Vec::with_capacity(usize::try_from(layout.frame_bytes()).unwrap_or(0));
    let mut row = Vec::new();
    for y in 0..usize::from(layout.rows) {
        stored.row(y, &mut row);
        samples.extend(row.iter().map(|sample| *sample as u8));
    }
    let mut bytes = output(layout);
    let mut encoder = Encoder::new(&mut bytes, QUALITY);
    encoder.set_sampling_factor(SamplingFactor::F_2_1);
    encoder
        .encode(&samples, layout.columns, layout.rows, colour)
        .map_err(|error| PixelError::Unencodable(format!("the frame in JPEG baseline ({error})")))?;
    Ok(Encoded { bytes, photometric })
}
