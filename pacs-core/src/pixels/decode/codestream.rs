//! What a JPEG 2000 codestream says about itself (ITU-T T.800 annex A), read before a codec allocates what it asks
//! for: a few bytes can ask for a tile, a precinct or a layer for every pixel.

use super::header::Stated;
use crate::pixels::error::PixelError;
use crate::pixels::layout::Layout;
use std::borrow::Cow;
use std::ops::Range;

/// A codestream whose headers have been walked through to its last tile-part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Codestream<'a> {
    /// From its first marker on, without the boxes of a JP2 file: they are against PS3.5 A.4.4 and say nothing that
    /// the data set does not.
    pub(super) bytes: &'a [u8],
    pub(super) stated: Stated,
    /// Where the image begins on the reference grid, across and down.
    pub(super) origin: [u32; 2],
    /// How often its sides can be halved.
    pub(super) levels: u32,
    /// What a decoder allocates for tiles, precincts, code-blocks and layers, whatever the number of samples; an
    /// estimate from above.
    pub(super) structure_bytes: u64,
    /// One layer, one precinct a resolution, tiles and their parts in order, no coding style that differs by component
    /// or tile: the packets lie as the simplest encoder writes them.
    pub(super) plain: bool,
    /// There is one tile, which is the image.
    pub(super) one_tile: bool,
    /// Where the main header ends, and the packets of each tile-part.
    head_bytes: usize,
    parts: Vec<Range<usize>>,
    /// Block coding is that of T.814.
    pub(super) high_throughput: bool,
    /// A component transform is to be undone.
    pub(super) transformed: bool,
}

impl<'a> Codestream<'a> {
    /// The same with the parts of the only tile joined to one.
    pub(super) fn joined(&self) -> Cow<'a, [u8]> {
        if !self.one_tile || self.parts.len() == 1 {
            return Cow::Borrowed(self.bytes);
        }
        let packets: Vec<&[u8]> = self.parts.iter().filter_map(|part| self.bytes.get(part.clone())).collect();
        let length = packets.iter().map(|part| part.len()).sum::<usize>() + TILE_HEADER_BYTES;
        let mut bytes = self.bytes.get(..self.head_bytes).unwrap_or_default().to_vec();
        bytes.extend([0xFF, SOT, 0, 10, 0, 0]);
        bytes.extend_from_slice(&u32::try_from(length).unwrap_or(0).to_be_bytes());
        bytes.extend([0, 1, 0xFF, SOD]);
        packets.iter().for_each(|part| bytes.extend_from_slice(part));
        bytes.extend([0xFF, 0xD9]);
        Cow::Owned(bytes)
    }
}

/// SOT segment and SOD marker.
const TILE_HEADER_BYTES: usize = 14;

/// Boxes before the codestream of a JP2 file are small.
const SEARCHED_BYTES: usize = 64 * 1024;
const START: [u8; 4] = [0xFF, 0x4F, 0xFF, 0x51];

// About what OpenJPEG holds for each of them.
const TILE_BYTES: u64 = 8 << 10;
const TILE_COMPONENT_BYTES: u64 = 2 << 10;
const PRECINCT_BYTES: u64 = 512;
const CODE_BLOCK_BYTES: u64 = 320;

/// As much as [`Codestream::structure_bytes`] comes to with the code-blocks of 64 by 64 that most encoders make.
pub(super) fn ordinary_structure_bytes(layout: &Layout) -> u64 {
    layout.pixels() * u64::from(layout.samples) / 8 + (256 << 10)
}

/// Walks the headers of a codestream, bare or within a JP2 file.
pub(super) fn inspect(encoded: &[u8]) -> Result<Codestream<'_>, PixelError> {
    let head = encoded.get(..encoded.len().min(SEARCHED_BYTES)).unwrap_or_default();
    let start = head.windows(START.len()).position(|window| window == START);
    let bytes = start.and_then(|start| encoded.get(start..)).ok_or_else(|| broken("no codestream"))?;
    let mut left = bytes.get(2..).unwrap_or_default();
    let (_, size, after) = segment(left).ok_or_else(cut)?;
    let size = Size::read(size).ok_or_else(|| broken("its size is malformed"))?;
    if !size.is_uniform {
        return Err(PixelError::Unsupported(
            "JPEG 2000 with components of different depth or sign".to_owned(),
        ));
    }
    left = after;
    let mut walk = Walk { bytes, size, styles: Vec::new(), plain: true, head_bytes: 0, parts: Vec::new() };
    while let Some((marker, content, after)) = segment(left) {
        if marker == SOT {
            walk.tile_parts(left)?;
            break;
        }
        walk.note(marker, content)?;
        left = after;
    }
    walk.finish()
}

const SOT: u8 = 0x90;
const SOD: u8 = 0x93;
const SOD_BYTES: usize = 2;

/// The marker, content and rest of a segment that begins here; `None` where none does.
fn segment(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let [0xFF, marker, high, low, ..] = bytes else { return None };
    let length = usize::from(u16::from_be_bytes([*high, *low]));
    Some((*marker, bytes.get(4..2 + length)?, bytes.get(2 + length..)?))
}

/// The SIZ segment.
#[derive(Debug, Clone, Copy)]
struct Size {
    stated: Stated,
    origin: [u32; 2],
    tiles_across: u64,
    tiles_down: u64,
    tile_columns: u64,
    tile_rows: u64,
    /// All components have the depth and the sign of the first.
    is_uniform: bool,
    /// The grid begins with the image, and every component has every pixel.
    regular: bool,
}

impl Size {
    fn read(segment: &[u8]) -> Option<Size> {
        let word = |at: usize| -> Option<u64> {
            let bytes = segment.get(at..at + 4)?.try_into().ok()?;
            Some(u64::from(u32::from_be_bytes(bytes)))
        };
        let [right, bottom, left, top] = [word(2)?, word(6)?, word(10)?, word(14)?];
        let [tile_columns, tile_rows, tile_left, tile_top] = [word(18)?, word(22)?, word(26)?, word(30)?];
        let components = segment.get(34..36)?.try_into().ok().map(u16::from_be_bytes)?;
        let described = segment.get(36..)?.as_chunks::<3>().0;
        let depth = described.first()?.first()?;
        let tiles =
            |end: u64, start: u64, side: u64| (side > 0 && start < end).then(|| (end - start).div_ceil(side));
        Some(Size {
            stated: Stated {
                columns: u32::try_from(right.checked_sub(left)?).ok()?,
                rows: u32::try_from(bottom.checked_sub(top)?).ok()?,
                components: u32::from(components),
                precision: u32::from(depth & 0x7F) + 1,
            },
            origin: [u32::try_from(left).ok()?, u32::try_from(top).ok()?],
            tiles_across: tiles(right, tile_left, tile_columns)?,
            tiles_down: tiles(bottom, tile_top, tile_rows)?,
            tile_columns,
            tile_rows,
            is_uniform: described.iter().all(|[its, ..]| its == depth),
            regular: [left, top, tile_left, tile_top] == [0; 4]
                && described.iter().all(|[_, across, down]| [*across, *down] == [1, 1]),
        })
    }
}

impl Size {
    fn tiles(&self) -> u64 {
        self.tiles_across.saturating_mul(self.tiles_down)
    }
}

/// How one component is coded (COD and COC).
#[derive(Debug, Clone, Copy)]
struct Style {
    levels: u32,
    /// Logarithms of the sides of a code-block.
    block: [u32; 2],
    high_throughput: bool,
    /// Logarithms of the sides of the smallest precinct.
    precinct: [u32; 2],
    layers: u64,
    transformed: bool,
}

impl Style {
    /// Reads what follows the component index or the group of COD.
    fn read(precincts: bool, [levels, across, down, style, _]: &[u8; 5], rest: &[u8]) -> Style {
        let smallest = |shift: u32| {
            let stated = rest.iter().take(usize::from(*levels) + 1);
            let sides = stated.map(|size| u32::from(*size) >> shift & 15).min();
            sides.filter(|_| precincts).unwrap_or(15)
        };
        Style {
            levels: u32::from(*levels).min(32),
            block: [u32::from(across & 15) + 2, u32::from(down & 15) + 2],
            high_throughput: style & 0x40 != 0,
            precinct: [smallest(0), smallest(4)],
            layers: 1,
            transformed: false,
        }
    }
}

struct Walk<'a> {
    bytes: &'a [u8],
    size: Size,
    styles: Vec<Style>,
    plain: bool,
    head_bytes: usize,
    parts: Vec<Range<usize>>,
}

impl<'a> Walk<'a> {
    /// Looks at a segment of the main header or of a tile-part's.
    fn note(&mut self, marker: u8, content: &[u8]) -> Result<(), PixelError> {
        match marker {
            // COD: style, progression, layers, transform, then the style of all components.
            0x52 => {
                let malformed = || broken("a coding style is malformed");
                let [style, _, high, low, transform, rest @ ..] = content else { return Err(malformed()) };
                let (own, sizes) = rest.split_first_chunk::<5>().ok_or_else(malformed)?;
                self.styles.push(Style {
                    layers: u16::from_be_bytes([*high, *low]).into(),
                    transformed: *transform != 0,
                    ..Style::read(style & 1 != 0, own, sizes)
                });
            }
            // COC: component index, style.
            0x53 => {
                let malformed = || broken("a coding style is malformed");
                let index = if self.size.stated.components < 257 { 1 } else { 2 };
                let (style, rest) =
                    content.get(index..).and_then(<[u8]>::split_first).ok_or_else(malformed)?;
                let (own, sizes) = rest.split_first_chunk::<5>().ok_or_else(malformed)?;
                self.styles.push(Style::read(style & 1 != 0, own, sizes));
                self.plain = false;
            }
            // RGN, POC, PPM, PPT and quantisation of single components.
            0x5D..=0x61 => self.plain = false,
            _ => {}
        }
        Ok(())
    }

    /// Walks from one tile-part to the next, by the lengths that they state.
    fn tile_parts(&mut self, mut left: &[u8]) -> Result<(), PixelError> {
        self.head_bytes = self.bytes.len() - left.len();
        let one_tile = self.size.tiles() == 1;
        while let Some((SOT, content, mut inside)) = segment(left) {
            let [index1, index0, l3, l2, l1, l0, part, _] = content else {
                return Err(broken("a tile-part header is malformed"));
            };
            let (tile, before) = (usize::from(u16::from_be_bytes([*index1, *index0])), self.parts.len());
            let in_order = if one_tile { (0, before) } else { (before, 0) };
            self.plain &= (tile, usize::from(*part)) == in_order;
            while let Some((marker, content, after)) = segment(inside)
                && marker != SOD
            {
                // Coding style and quantisation of this tile alone.
                self.plain &= !matches!(marker, 0x52 | 0x5C);
                self.note(marker, content)?;
                inside = after;
            }
            self.plain &= inside.starts_with(&[0xFF, SOD]);
            let length = u32::from_be_bytes([*l3, *l2, *l1, *l0]) as usize;
            // 0 stands for the rest of the codestream.
            let Some(next) = left.get(length..).filter(|_| length >= TILE_HEADER_BYTES) else {
                self.plain = false;
                return Ok(());
            };
            let start = self.bytes.len() - inside.len() + SOD_BYTES;
            self.parts.push(start..self.bytes.len() - next.len());
            left = next;
        }
        Ok(())
    }

    fn finish(self) -> Result<Codestream<'a>, PixelError> {
        let Self { bytes, size, styles, plain, head_bytes, parts } = self;
        let first = styles.first().ok_or_else(|| broken("no coding style"))?;
        let tiles = size.tiles();
        if tiles > 65_535 {
            let Stated { columns, rows, .. } = size.stated;
            return Err(broken(&format!("{columns} by {rows} pixels in more tiles than can be numbered")));
        }
        let components = u64::from(size.stated.components);
        let layers = styles.iter().map(|style| style.layers).max().unwrap_or(1);
        let of_a_component = styles.iter().map(|style| structure(&size, style, layers)).max().unwrap_or(0);
        let whole = |side: u32, most: u64| u64::from(side).min(most).next_power_of_two();
        let one_precinct = whole(size.stated.columns, size.tile_columns) <= 1 << first.precinct[0]
            && whole(size.stated.rows, size.tile_rows) <= 1 << first.precinct[1];
        Ok(Codestream {
            bytes,
            stated: size.stated,
            origin: size.origin,
            levels: styles.iter().map(|style| style.levels).min().unwrap_or(0),
            structure_bytes: tiles
                .saturating_mul(TILE_BYTES.saturating_add(components.saturating_mul(TILE_COMPONENT_BYTES)))
                .saturating_add(components.saturating_mul(of_a_component)),
            plain: plain
                && size.regular
                && (tiles == 1 || parts.len() as u64 == tiles)
                && !parts.is_empty()
                && layers == 1
                && one_precinct,
            one_tile: tiles == 1,
            head_bytes,
            parts,
            high_throughput: styles.iter().all(|style| style.high_throughput),
            transformed: styles.iter().any(|style| style.transformed),
        })
    }
}

/// Bytes for the precincts, code-blocks and packets of one component coded so.
fn structure(size: &Size, style: &Style, layers: u64) -> u64 {
    let (mut precincts, mut blocks, mut most) = (0u64, 0u64, 0u64);
    let tile =
        [size.tile_columns.min(size.stated.columns.into()), size.tile_rows.min(size.stated.rows.into())];
    for level in 0..=style.levels {
        let [across, down] = tile.map(|side| side.div_ceil(1 << level));
        let count = |side: u64, log: u32| side.div_ceil(1 << log) + 1;
        let here = count(across, style.precinct[0]).saturating_mul(count(down, style.precinct[1]));
        most = most.max(here);
        precincts = precincts.saturating_add(here.saturating_mul(3));
        // A code-block is never larger than its precinct, which at a lower level covers half of one.
        let within = |block: u32, precinct: u32| block.min(precinct.saturating_sub(1));
        let [block_across, block_down] = style.block;
        let here = count(across, within(block_across, style.precinct[0]))
            .saturating_mul(count(down, within(block_down, style.precinct[1])));
        blocks = blocks.saturating_add(here);
    }
    let packets = (layers + 1).saturating_mul(u64::from(style.levels) + 1).saturating_mul(most);
    precincts
        .saturating_mul(PRECINCT_BYTES)
        .saturating_add(blocks.saturating_mul(CODE_BLOCK_BYTES))
        .saturating_add(packets.saturating_mul(2))
}

fn cut() -> PixelError {
    broken("its headers are cut short")
}

fn broken(what: &str) -> PixelError {
    PixelError::malformed(format!("JPEG 2000: {what}"))
}
