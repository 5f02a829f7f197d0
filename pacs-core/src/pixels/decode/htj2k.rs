//! High-Throughput JPEG 2000 (ITU-T T.814). The only place that knows the codec, which is young: it is nine times as
//! fast as OpenJPEG on grey images, but leaves the colour transform of a codestream undone, so colour goes to
//! OpenJPEG.

use super::Frame;
use super::header;
use super::jpeg2000;
use super::samples;
use crate::pixels::error::PixelError;
use crate::pixels::layout::Layout;
use openjph_core::codestream::Codestream;
use openjph_core::file::MemInfile;

pub(super) fn decode(encoded: &[u8], layout: &Layout) -> Result<Frame, PixelError> {
    if layout.samples > 1 {
        return jpeg2000::at_once(encoded, layout);
    }
    let (stated, start) = header::jpeg2000(encoded)?;
    stated.agree(layout)?;
    let broken = |error: openjph_core::error::OjphError| PixelError::malformed(format!("HTJ2K: {error}"));
    let mut input = MemInfile::new(encoded.get(start..).unwrap_or_default());
    let mut codestream = Codestream::new();
    codestream.read_headers(&mut input).map_err(broken)?;
    codestream.create(&mut input).map_err(broken)?;
    let columns = usize::from(layout.columns);
    let mut samples: Vec<i32> = Vec::with_capacity(usize::try_from(layout.pixels()).unwrap_or(0));
    for _ in 0..layout.rows {
        let line = codestream.pull(0).filter(|line| line.len() == columns);
        samples.extend(line.ok_or_else(|| PixelError::malformed("HTJ2K: lines are missing"))?);
    }
    samples::write(samples.into_iter(), stated.precision, layout, layout.photometric)
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
        assert_eq!(decode(out.get_data(), &layout).unwrap().bytes, native);
        assert_eq!(jpeg2000::at_once(out.get_data(), &layout).unwrap().bytes, native);
    }
}
