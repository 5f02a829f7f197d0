//! JPEG-LS (ITU-T T.87), lossless, default parameters, components interleaved by line.

mod bits;
mod scan;

use super::{Encoded, Stored, output};
use crate::pixels::error::PixelError;
use crate::pixels::jpeg_ls::Preset;

pub(super) fn encode(stored: &Stored<'_>) -> Result<Encoded, PixelError> {
    let layout = stored.layout();
    let components = layout.samples as u8;
    let precision = stored.unsigned_precision();
    let coding = Preset::default().coding(precision, 0)?;

    let mut bytes = output(layout);
    bytes.extend([0xFF, 0xD8, 0xFF, 0xF7]);
    bytes.extend_from_slice(&(8 + 3 * layout.samples).to_be_bytes());
    bytes.push(precision as u8);
    bytes.extend_from_slice(&layout.rows.to_be_bytes());
    bytes.extend_from_slice(&layout.columns.to_be_bytes());
    bytes.push(components);
    bytes.extend((1..=components).flat_map(|id| [id, 0x11, 0]));
    bytes.extend([0xFF, 0xDA]);
    bytes.extend_from_slice(&(6 + 2 * layout.samples).to_be_bytes());
    bytes.push(components);
    bytes.extend((1..=components).flat_map(|id| [id, 0]));
    // One component alone is not interleaved, several are line by line.
    bytes.extend([0, u8::from(components > 1), 0]);
    scan::encode(stored, coding, &mut bytes)?;
    bytes.extend([0xFF, 0xD9]);
    Ok(Encoded { bytes, photometric: layout.interleaved_as(layout.photometric).photometric })
}
