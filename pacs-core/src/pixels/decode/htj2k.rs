//! High-Throughput JPEG 2000 (ITU-T T.814). Its codec is young: it is nine times as fast as OpenJPEG on grey images,
//! but reads packets only as the simplest encoder lays them out and leaves the transform of colours undone, without
//! noticing. Whatever is not of that kind goes to OpenJPEG.

use super::codestream;
use super::jpeg2000;
use super::samples::Samples;
use super::{Frame, within};
use crate::pixels::error::PixelError;
use crate::pixels::layout::Layout;
use openjph_core::codestream::Codestream;
use openjph_core::file::MemInfile;

/// 32-bit coefficients and lines.
fn coefficient_bytes(layout: &Layout) -> u64 {
    layout.pixels() * u64::from(layout.samples) * 8
}

/// What decoding an ordinary codestream takes beside its result.
pub(super) fn working_bytes(layout: &Layout) -> u64 {
    coefficient_bytes(layout) + codestream::ordinary_structure_bytes(layout)
}

pub(super) fn decode(encoded: &[u8], layout: &Layout, budget_bytes: u64) -> Result<Frame, PixelError> {
    let stream = codestream::inspect(encoded)?;
    stream.stated.agree(layout)?;
    if layout.samples > 1 || !stream.plain || !stream.high_throughput {
        return jpeg2000::decode_inspected(&stream, layout, budget_bytes);
    }
    let needed_bytes = layout.frame_bytes() + coefficient_bytes(layout);
    within(needed_bytes.saturating_add(stream.structure_bytes), budget_bytes)?;
    let joined = stream.joined();
    let broken = |error: openjph_core::error::OjphError| PixelError::malformed(format!("HTJ2K: {error}"));
    let mut input = MemInfile::new(&joined);
    let mut codec = Codestream::new();
    codec.read_headers(&mut input).map_err(broken)?;
    codec.create(&mut input).map_err(broken)?;
    let mut samples = Samples::new(stream.stated.precision, layout)?;
    for row in 0..usize::from(layout.rows) {
        let line = codec.pull(0).filter(|line| line.len() == usize::from(layout.columns));
        let line = line.ok_or_else(|| PixelError::malformed("HTJ2K: lines are missing"))?;
        samples.put_row(row, 0, line.into_iter());
    }
    Ok(samples.frame(layout.photometric))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pixels::layout::Photometric;
    use openjph_core::file::MemOutfile;
    use openjph_core::types::{Point, Size};

    #[test]
    fn grey_comes_back_from_both_decoders() {
        let layout = Layout {
            rows: 33,
            columns: 47,
            samples: 1,
            bits_allocated: 16,
            bits_stored: 12,
            high_bit: 11,
            signed: false,
            photometric: Photometric::Monochrome2,
            planar: false,
            frames: 1,
            float: false,
            words: true,
        };
        let samples: Vec<i32> = (0..33 * 47).map(|n| (n * 37 + (n / 47) * 411) % 4096).collect();
        let mut codestream = Codestream::new();
        codestream.access_siz_mut().set_image_extent(Point::new(47, 33));
        codestream.access_siz_mut().set_num_components(1);
        codestream.access_siz_mut().set_comp_info(0, Point::new(1, 1), 12, false);
        codestream.access_siz_mut().set_tile_size(Size::new(47, 33));
        codestream.access_cod_mut().set_num_decomposition(3);
        codestream.access_cod_mut().set_reversible(true);
        codestream.access_cod_mut().set_color_transform(false);
        codestream.set_planar(0);
        let mut out = MemOutfile::new();
        codestream.write_headers(&mut out, &[]).unwrap();
        for line in samples.chunks(47) {
            codestream.exchange(line, 0).unwrap();
        }
        codestream.flush(&mut out).unwrap();
        let native: Vec<u8> = samples.iter().flat_map(|sample| (*sample as u16).to_le_bytes()).collect();
        assert_eq!(decode(out.get_data(), &layout, 1 << 20).unwrap().bytes, native);
        assert_eq!(jpeg2000::decode(out.get_data(), &layout, 1 << 20).unwrap().bytes, native);
    }
}
