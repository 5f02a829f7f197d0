//! JPEG-LS (ITU-T T.87), lossless and near-lossless: markers and scans here, the coding of samples in [`scan`].

mod bits;
mod scan;

use super::Frame;
use super::header::{self, Segment};
use super::samples::Samples;
use crate::pixels::error::PixelError;
use crate::pixels::jpeg_ls::{Preset, broken};
use crate::pixels::layout::Layout;

/// How components follow each other within a scan (T.87 C.2.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Interleave {
    /// A line of each component in turn.
    Line,
    /// A sample of each component in turn.
    Sample,
}

pub(super) fn decode(encoded: &[u8], layout: &Layout) -> Result<Frame, PixelError> {
    let header = header::jpeg(encoded)?;
    if header.process != 0xF7 {
        return Err(broken("no JPEG-LS frame"));
    }
    header.stated.agree(layout)?;
    let precision = header.stated.precision;
    if !(2..=16).contains(&precision) {
        return Err(broken("precision"));
    }
    let components = usize::from(layout.samples);
    let mut samples = Samples::new(precision, layout)?;
    // Whose scan is still to come, by identifier.
    let mut missing: Vec<Option<u8>> = header.ids.into_iter().take(components).map(Some).collect();
    let mut preset = Preset::default();
    let mut left = encoded.get(2..).unwrap_or_default();
    while missing.iter().any(Option::is_some) {
        let Segment { marker, content } = header::segment_at(left, 0)?;
        let (whole, rest) = left.split_at_checked(content.end).unwrap_or_default();
        let segment = whole.get(content.start..).unwrap_or_default();
        match marker {
            0xF8 => preset.read(segment)?,
            0xDD if segment.iter().any(|byte| *byte != 0) => {
                return Err(PixelError::Unsupported("JPEG-LS with restart intervals".to_owned()));
            }
            0xDA => {
                let (ids, near, interleave) = scan_header(segment)?;
                let found = ids.map(|id| {
                    let place = missing.iter().position(|of| *of == Some(id));
                    if let Some(of) = place.and_then(|place| missing.get_mut(place)) {
                        *of = None;
                    }
                    place
                });
                let chosen = found.collect::<Option<Vec<usize>>>().filter(|chosen| !chosen.is_empty());
                let chosen = chosen.ok_or_else(|| broken("scan header"))?;
                let coding = preset.coding(precision, near)?;
                left = scan::decode(rest, coding, interleave, &chosen, layout, &mut samples)?;
                continue;
            }
            _ => {}
        }
        left = rest;
    }
    Ok(samples.frame(layout.photometric))
}

/// Identifiers of the components, NEAR and interleaving of a scan (T.87 C.2.3).
fn scan_header(segment: &[u8]) -> Result<(impl Iterator<Item = u8>, i32, Interleave), PixelError> {
    let count = usize::from(segment.first().copied().unwrap_or(0));
    let [near, interleave, transform] = segment.get(1 + count * 2..1 + count * 2 + 3).unwrap_or_default()
    else {
        return Err(broken("scan header"));
    };
    let described = segment.get(1..1 + count * 2).unwrap_or_default().as_chunks::<2>().0;
    if described.iter().any(|[_, table]| *table != 0) || *transform != 0 {
        return Err(PixelError::Unsupported("JPEG-LS with mapping tables or point transform".to_owned()));
    }
    let interleave = match (interleave, count) {
        (0, 1) | (1, _) => Interleave::Line,
        (2, _) => Interleave::Sample,
        _ => return Err(broken("interleave mode")),
    };
    Ok((described.iter().map(|[id, _]| *id), i32::from(*near), interleave))
}
