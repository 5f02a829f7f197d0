//! JPEG with twelve bits: extended sequential (ITU-T T.81 process 4), what …1.2.4.51 is used for, and the retired
//! progressive ones (processes 8 and 12). Eight bits are left to [`super::baseline`] once they are known to be whole.

use super::super::samples::Samples;
use super::bits::Bits;
use super::segments::{Component, Scan, Tables};
use super::transform::{Transform, ZIGZAG};
use super::{broken, progressive};
use crate::pixels::error::PixelError;
use crate::pixels::layout::Layout;

/// Quantised coefficients of a block, row by row.
pub(super) type Block = [i16; 64];

/// More scans than refine every coefficient of every component bit by bit: beyond it a stream wants to keep busy.
const MOST_SCANS: usize = 256;

/// Decodes samples of `precision` bits.
pub(super) fn decode(
    encoded: &[u8],
    precision: u32,
    layout: &Layout,
    is_progressive: bool,
) -> Result<Samples, PixelError> {
    let (columns, rows) = (usize::from(layout.columns), usize::from(layout.rows));
    let planes = read(encoded, layout, is_progressive, true)?;
    let components: Vec<Component> = planes.iter().map(|plane| plane.component).collect();
    let most = Sampling::of(&components);
    let mut samples = Samples::new(precision, layout)?;
    for (index, plane) in planes.into_iter().enumerate() {
        let Component { across, down, .. } = plane.component;
        let stride = plane.blocks_across * 8;
        let decoded = plane.samples();
        for y in 0..rows {
            let start = y * down / most.down * stride;
            let line = decoded.get(start..start + stride).unwrap_or_default();
            let value = |x: usize| line.get(x * across / most.across).copied().unwrap_or(0);
            samples.put_row(y, index, (0..columns).map(|x| i32::from(value(x))));
        }
    }
    Ok(samples)
}

/// Reads all scans to their end as [`decode`] does, and decodes nothing: of what is missing or damaged a decoder that
/// draws what it can would say nothing.
pub(super) fn check(encoded: &[u8], layout: &Layout, is_progressive: bool) -> Result<(), PixelError> {
    // What a scan of progressive coding says depends on those before.
    read(encoded, layout, is_progressive, is_progressive).map(drop)
}

/// The components with the coefficients of their blocks, where these are kept.
fn read(
    encoded: &[u8],
    layout: &Layout,
    is_progressive: bool,
    is_kept: bool,
) -> Result<Vec<Plane>, PixelError> {
    let (columns, rows) = (usize::from(layout.columns), usize::from(layout.rows));
    let mut tables = Tables::new();
    let mut planes: Vec<Plane> = Vec::new();
    let mut left = encoded;
    let mut scans = 0;
    while let Some((scan, data)) = tables.next_scan(left)? {
        scans += 1;
        if scans > MOST_SCANS {
            return Err(broken("more scans than an image needs"));
        }
        if planes.is_empty() {
            planes = tables
                .components
                .iter()
                .map(|it| Plane::new(*it, &tables.components, columns, rows, is_kept))
                .collect();
        }
        if planes.len() != usize::from(layout.samples) || tables.components.len() != planes.len() {
            return Err(broken("a second frame header"));
        }
        left = decode_scan(&tables, &scan, data, &mut planes, is_progressive)?;
    }
    if planes.is_empty() || planes.iter().any(|plane| plane.quantisation.is_none()) {
        return Err(broken("a component is missing"));
    }
    Ok(planes)
}

/// The largest sampling factors of the frame.
#[derive(Clone, Copy)]
struct Sampling {
    across: usize,
    down: usize,
}

impl Sampling {
    fn of(components: &[Component]) -> Sampling {
        Sampling {
            across: components.iter().map(|component| component.across).max().unwrap_or(1),
            down: components.iter().map(|component| component.down).max().unwrap_or(1),
        }
    }

    fn units_across(&self, columns: usize) -> usize {
        columns.div_ceil(8 * self.across)
    }

    fn units_down(&self, rows: usize) -> usize {
        rows.div_ceil(8 * self.down)
    }
}

/// The coefficients of one component, filled up to whole units of the sampling factors.
struct Plane {
    component: Component,
    /// All of them, or the one that was read last.
    blocks: Vec<Block>,
    is_kept: bool,
    blocks_across: usize,
    /// Blocks that the component has by itself, across and down.
    own: [usize; 2],
    /// Units of all components, across and down.
    units: [usize; 2],
    /// The table as it was before the first scan about it.
    quantisation: Option<[u16; 64]>,
}

impl Plane {
    fn new(component: Component, all: &[Component], columns: usize, rows: usize, is_kept: bool) -> Plane {
        let most = Sampling::of(all);
        let units = [most.units_across(columns), most.units_down(rows)];
        let blocks_across = units[0] * component.across;
        let own = |side: usize, factor: usize, most: usize| (side * factor).div_ceil(most).div_ceil(8);
        Plane {
            component,
            blocks: vec![[0; 64]; if is_kept { blocks_across * units[1] * component.down } else { 1 }],
            is_kept,
            blocks_across,
            own: [own(columns, component.across, most.across), own(rows, component.down, most.down)],
            units,
            quantisation: None,
        }
    }

    fn block(&mut self, at: usize) -> Option<&mut Block> {
        self.blocks.get_mut(if self.is_kept { at } else { 0 })
    }

    fn samples(self) -> Vec<u16> {
        let stride = self.blocks_across * 8;
        let mut samples = vec![0; self.blocks.len() * 64];
        let transform = Transform::new(&self.quantisation.unwrap_or([0; 64]));
        for (n, block) in self.blocks.iter().enumerate() {
            let (column, row) = (n % self.blocks_across, n / self.blocks_across);
            for (line, values) in transform.inverse(block).as_chunks::<8>().0.iter().enumerate() {
                let at = (row * 8 + line) * stride + column * 8;
                if let Some(to) = samples.get_mut(at..at + 8) {
                    for (to, value) in to.iter_mut().zip(values) {
                        *to = (value + 2048.0).round().clamp(0.0, 4095.0) as u16;
                    }
                }
            }
        }
        samples
    }
}

fn decode_scan<'a>(
    tables: &Tables,
    scan: &Scan,
    data: &'a [u8],
    planes: &mut [Plane],
    is_progressive: bool,
) -> Result<&'a [u8], PixelError> {
    let together = scan.components.len() > 1;
    if is_progressive && together && scan.start > 0 {
        return Err(broken("a band of several components"));
    }
    let first = scan.components.first().and_then(|part| planes.get(part.index));
    // A component alone has its own blocks only; together they come in units of the sampling factors.
    let [across, down] = first
        .map(|plane| if together { plane.units } else { plane.own })
        .ok_or_else(|| broken("a scan header"))?;
    for part in &scan.components {
        if let Some(plane) = planes.get_mut(part.index) {
            let table = tables.quantisation.get(plane.component.quantisation).copied().unwrap_or([0; 64]);
            plane.quantisation.get_or_insert(table);
        }
    }
    let mut bits = Bits::new(data);
    let mut predictors = [0i32; 4];
    let mut run = 0u32;
    for unit in 0..across * down {
        if tables.restart_interval > 0 && unit > 0 && unit.is_multiple_of(tables.restart_interval) {
            bits.restart()?;
            (predictors, run) = ([0; 4], 0);
        }
        let (x, y) = (unit % across, unit / across);
        for (part, predictor) in scan.components.iter().zip(&mut predictors) {
            let Some(plane) = planes.get_mut(part.index) else { continue };
            let (wide, high) = if together { (plane.component.across, plane.component.down) } else { (1, 1) };
            for n in 0..wide * high {
                let at = (y * high + n / wide) * plane.blocks_across + x * wide + n % wide;
                let Some(block) = plane.block(at) else { continue };
                if is_progressive {
                    progressive::block(&mut bits, scan, part, block, predictor, &mut run)?;
                } else {
                    sequential(&mut bits, part, block, predictor)?;
                }
            }
        }
    }
    Ok(bits.rest())
}

/// One block: its DC difference, then runs of zeros and AC coefficients (T.81 F.2.2).
fn sequential(
    bits: &mut Bits<'_>,
    part: &super::segments::ScanComponent,
    block: &mut Block,
    predictor: &mut i32,
) -> Result<(), PixelError> {
    let size = bits.symbol(&part.dc)?;
    *predictor = predictor.wrapping_add(bits.signed(size)?);
    put(block, 0, *predictor);
    let mut at = 1;
    while at < 64 {
        let symbol = bits.symbol(&part.ac)?;
        match (symbol >> 4, symbol & 15) {
            (15, 0) => at += 16,
            (_, 0) => break,
            (zeros, size) => {
                at += usize::from(zeros);
                put(block, at, bits.signed(size)?);
                at += 1;
            }
        }
    }
    Ok(())
}

/// Puts the coefficient at that place of the stream's order.
pub(super) fn put(block: &mut Block, at: usize, value: i32) {
    if let Some(to) = ZIGZAG.get(at).and_then(|place| block.get_mut(usize::from(*place))) {
        *to = value as i16;
    }
}
