//! High-Throughput JPEG 2000 (ITU-T T.814), reversible, one tile. The codec writes packets by resolution, which is
//! every progression order that begins with it.

mod packets;

use super::{Encoded, Stored};
use crate::pixels::error::PixelError;
use crate::pixels::layout::Photometric;
use openjph_core::codestream::Codestream;
use openjph_core::error::OjphError;
use openjph_core::file::MemOutfile;
use openjph_core::types::{Point, Size};

/// The base resolution of the RPCL syntax is at most so wide or high (PS3.5 10.18).
const THUMBNAIL_PIXELS: u32 = 64;
const MOST_LEVELS: u32 = 5;

/// `rpcl`: with what PS3.5 10.18 asks of …4.202 beside the order of packets.
pub(super) fn encode(stored: &Stored<'_>, rpcl: bool) -> Result<Encoded, PixelError> {
    let layout = stored.layout();
    let refuse = |error: OjphError| {
        PixelError::Unencodable(format!("the frame in High-Throughput JPEG 2000 ({error})"))
    };
    let (columns, rows) = (u32::from(layout.columns), u32::from(layout.rows));
    let components = u32::from(layout.samples);
    let colours = stored.is_decorrelated();
    let mut codec = Codestream::new();
    let size = codec.access_siz_mut();
    size.set_image_extent(Point::new(columns, rows));
    size.set_tile_size(Size::new(columns, rows));
    size.set_num_components(components);
    for component in 0..components {
        size.set_comp_info(component, Point::new(1, 1), stored.precision, layout.signed);
    }
    let style = codec.access_cod_mut();
    style.set_reversible(true);
    style.set_color_transform(colours);
    let levels = levels(columns, rows, rpcl);
    style.set_num_decomposition(levels);
    style.set_block_dims(packets::BLOCK_SIDE, packets::BLOCK_SIDE);
    style.set_progression_order("RPCL").map_err(refuse)?;
    codec.set_planar(0);
    let mut out = MemOutfile::new();
    codec.write_headers(&mut out, &[]).map_err(refuse)?;
    let mut row = Vec::new();
    for y in 0..usize::from(layout.rows) {
        stored.row(y, &mut row);
        if colours {
            decorrelate(&mut row, stored.precision);
        }
        for component in 0..components {
            let samples = row.iter().skip(component as usize).step_by(usize::from(layout.samples));
            let line: Vec<i32> = samples.copied().collect();
            codec.exchange(&line, component).map_err(refuse)?;
        }
    }
    codec.flush(&mut out).map_err(refuse)?;
    let bytes = in_tile_parts(out.get_data(), [columns, rows], levels, components, rpcl)
        .ok_or_else(|| PixelError::malformed("High-Throughput JPEG 2000: packets of another kind"))?;
    let photometric =
        if colours { Photometric::YbrRct } else { layout.interleaved_as(layout.photometric).photometric };
    Ok(Encoded { bytes, photometric })
}

/// How often the resolution is halved.
fn levels(columns: u32, rows: u32, rpcl: bool) -> u32 {
    let shorter = columns.min(rows);
    let usual = shorter.ilog2().min(MOST_LEVELS);
    if !rpcl {
        return usual;
    }
    (usual..=16).find(|levels| shorter.div_ceil(1 << levels) <= THUMBNAIL_PIXELS).unwrap_or(usual)
}

/// The reversible component transform (T.800 G.2), which the codec announces and leaves to its caller. Chroma is raised
/// by what the codec takes off every sample.
fn decorrelate(row: &mut [i32], precision: u32) {
    let raised = 1 << (precision - 1);
    for pixel in row.as_chunks_mut::<3>().0 {
        let [r, g, b] = *pixel;
        *pixel = [(r + 2 * g + b) >> 2, b - g + raised, r - g + raised];
    }
}

/// Puts the packets of the only tile in order, and where wished cuts it into a tile-part for each resolution and lists
/// their lengths in a TLM segment (T.800 A.4.2, A.7.1), so that a reader finds where a resolution ends.
fn in_tile_parts(
    codestream: &[u8],
    size: [u32; 2],
    levels: u32,
    components: u32,
    rpcl: bool,
) -> Option<Vec<u8>> {
    const SOT: [u8; 4] = [0xFF, 0x90, 0x00, 0x0A];
    const SOD: [u8; 2] = [0xFF, 0x93];
    const EOC: [u8; 2] = [0xFF, 0xD9];
    const HEADER_BYTES: usize = 14;
    let start = codestream.windows(SOT.len()).position(|window| window == SOT)?;
    let (head, tile) = codestream.split_at_checked(start)?;
    let packets = tile.get(HEADER_BYTES..)?.strip_suffix(&EOC)?;
    let resolutions = packets::by_resolution(packets, size, levels, components)?;
    let parts = if rpcl { resolutions } else { vec![resolutions.concat()] };
    let part_bytes = |part: &Vec<u8>| u32::try_from(part.len() + HEADER_BYTES).ok().map(u32::to_be_bytes);

    let mut bytes = Vec::with_capacity(codestream.len() + parts.len() * (HEADER_BYTES + 4) + 6);
    bytes.extend_from_slice(head);
    if rpcl {
        bytes.extend([0xFF, 0x55]);
        bytes.extend_from_slice(&u16::try_from(4 + 4 * parts.len()).ok()?.to_be_bytes());
        // Segment 0; tile-parts in order, so without numbers; lengths of 32 bits.
        bytes.extend([0x00, 0x40]);
        for part in &parts {
            bytes.extend_from_slice(&part_bytes(part)?);
        }
    }
    for (number, part) in (0..).zip(&parts) {
        bytes.extend_from_slice(&SOT);
        bytes.extend([0x00, 0x00]);
        bytes.extend_from_slice(&part_bytes(part)?);
        bytes.extend([number, u8::try_from(parts.len()).ok()?]);
        bytes.extend_from_slice(&SOD);
        bytes.extend_from_slice(part);
    }
    bytes.extend_from_slice(&EOC);
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pixels::decode::Frame;
    use crate::pixels::layout::Layout;

    #[test]
    fn resolutions_can_be_found_and_the_first_is_a_thumbnail() {
        for (columns, rows, samples) in [(700u16, 530u16, 1u16), (200, 300, 3), (5000, 70, 1), (1, 1, 1)] {
            let layout = Layout {
                rows,
                columns,
                samples,
                bits_allocated: 8,
                bits_stored: 8,
                high_bit: 7,
                signed: false,
                photometric: if samples == 3 { Photometric::Rgb } else { Photometric::Monochrome2 },
                planar: false,
                frames: 1,
                float: false,
                words: false,
            };
            let bytes = (0..layout.frame_bytes()).map(|n| (n * n / 97) as u8).collect();
            let frame = Frame { layout, bytes };
            let encoded = encode(&Stored::of(&frame).unwrap(), true).unwrap().bytes;
            let marker = |code: u8| encoded.windows(2).position(|window| window == [0xFF, code]).unwrap();
            let (table, style) = (marker(0x55), marker(0x52));
            assert_eq!(encoded[style + 5], 2, "RPCL");
            let levels = encoded[style + 9];
            assert!(columns.min(rows).div_ceil(1 << levels) <= 64);
            // Every length leads to the next tile-part, the last one to the end.
            let parts = (usize::from(encoded[table + 3]) - 4) / 4;
            assert_eq!(parts, usize::from(levels) + 1);
            let mut at = marker(0x90);
            for part in 0..parts {
                assert_eq!(encoded[at..at + 2], [0xFF, 0x90]);
                assert_eq!(usize::from(encoded[at + 10]), part);
                let length = &encoded[table + 6 + 4 * part..table + 10 + 4 * part];
                assert_eq!(length, &encoded[at + 6..at + 10]);
                at += u32::from_be_bytes(length.try_into().unwrap()) as usize;
            }
            assert_eq!(encoded[at..], [0xFF, 0xD9]);
        }
    }
}
