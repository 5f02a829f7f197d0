//! High-Throughput JPEG 2000 (ITU-T T.814). The only place that knows the codec, which is young.

use super::Frame;
use super::header;
use super::jpeg2000::after_transform;
use super::samples;
use crate::pixels::error::PixelError;
use crate::pixels::layout::Layout;
use openjph_core::codestream::Codestream;
use openjph_core::file::MemInfile;

pub(super) fn decode(encoded: &[u8], layout: &Layout) -> Result<Frame, PixelError> {
    let (stated, start) = header::jpeg2000(encoded)?;
    stated.agree(layout)?;
    let broken = |error: openjph_core::error::OjphError| PixelError::malformed(format!("HTJ2K: {error}"));
    let mut input = MemInfile::new(encoded.get(start..).unwrap_or_default());
    let mut codestream = Codestream::new();
    codestream.read_headers(&mut input).map_err(broken)?;
    codestream.create(&mut input).map_err(broken)?;
    let (columns, components) = (usize::from(layout.columns), usize::from(layout.samples));
    let mut lines: Vec<i32> = Vec::with_capacity(usize::try_from(layout.pixels()).unwrap_or(0) * components);
    for _ in 0..layout.rows {
        let row: Vec<Vec<i32>> = (0..u32::from(layout.samples))
            .map(|component| codestream.pull(component).filter(|line| line.len() == columns))
            .collect::<Option<_>>()
            .ok_or_else(|| PixelError::malformed("HTJ2K: lines are missing"))?;
        lines.extend((0..columns).flat_map(|x| row.iter().filter_map(move |line| line.get(x).copied())));
    }
    samples::write(lines.into_iter(), stated.precision, layout, after_transform(layout.photometric))
}
