//! JPEG 2000 (ITU-T T.800), reversible, a bare codestream (PS3.5 A.4.4).

use super::{Encoded, Stored};
use crate::pixels::error::PixelError;
use crate::pixels::layout::Photometric;
use crate::pixels::openjpeg::{self, Parameters};

pub(super) fn encode(stored: &Stored<'_>) -> Result<Encoded, PixelError> {
    let layout = stored.layout();
    let components = usize::from(layout.samples);
    let columns = usize::from(layout.columns);
    let colours = stored.is_decorrelated();
    let coding = Parameters {
        columns: layout.columns.into(),
        rows: layout.rows.into(),
        components,
        // Noise of fewer bits outgrows the room that the codec reckons with.
        precision: stored.precision.max(8),
        signed: layout.signed,
        colours,
    };
    let mut row = Vec::new();
    let fill = |planes: &mut [&mut [i32]]| {
        for y in 0..usize::from(layout.rows) {
            stored.row(y, &mut row);
            for (component, plane) in planes.iter_mut().enumerate() {
                let line = plane.get_mut(y * columns..(y + 1) * columns).unwrap_or_default();
                let samples = row.iter().skip(component).step_by(components);
                line.iter_mut().zip(samples).for_each(|(to, sample)| *to = *sample);
            }
        }
    };
    let bytes = openjpeg::encode(&coding, fill)
        .map_err(|why| PixelError::Unencodable(format!("the frame in JPEG 2000 ({why})")))?;
    let photometric =
        if colours { Photometric::YbrRct } else { layout.interleaved_as(layout.photometric).photometric };
    Ok(Encoded { bytes, photometric })
}
