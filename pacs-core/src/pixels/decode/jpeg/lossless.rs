//! Lossless JPEG (ITU-T T.81 annex H, process 14): every predictor, 2 to 16 bits, point transform, restarts.

use super::super::samples::Samples;
use super::bits::Bits;
use super::broken;
use super::segments::{Scan, ScanComponent, Tables};
use crate::pixels::error::PixelError;
use crate::pixels::layout::Layout;

/// Decodes samples of `precision` bits.
pub(super) fn decode(encoded: &[u8], precision: u32, layout: &Layout) -> Result<Samples, PixelError> {
    let components = usize::from(layout.samples);
    let mut samples = Samples::new(precision, layout)?;
    let mut decoded = [false; 4];
    let mut tables = Tables::new();
    let mut left = encoded;
    while decoded.iter().take(components).any(|done| !done) {
        let Some((scan, data)) = tables.next_scan(left)? else {
            return Err(broken("a component is missing"));
        };
        if tables.components.len() != components {
            return Err(broken("a second frame header"));
        }
        let first = tables.components.first();
        if tables.components.iter().any(|c| Some((c.across, c.down)) != first.map(|c| (c.across, c.down))) {
            return Err(PixelError::Unsupported("lossless JPEG with subsampled components".to_owned()));
        }
        // A component that comes again would keep us busy for as many scans as there are.
        for component in &scan.components {
            match decoded.get_mut(component.index) {
                Some(done) if !*done => *done = true,
                _ => return Err(broken("a component comes twice")),
            }
        }
        left = decode_scan(&tables, &scan, data, layout, &mut samples)?;
    }
    Ok(samples)
}

/// Decodes the components of a scan and returns what follows it.
fn decode_scan<'a>(
    tables: &Tables,
    scan: &Scan,
    data: &'a [u8],
    layout: &Layout,
    samples: &mut Samples,
) -> Result<&'a [u8], PixelError> {
    let Scan { start: predictor, low: shift, .. } = *scan;
    let precision = tables.precision;
    if !(2..=16).contains(&precision) || !(1..=7).contains(&predictor) || shift >= precision {
        return Err(broken("a scan of lossless coding"));
    }
    let middle = 1i32 << (precision - shift - 1);
    let mut bits = Bits::new(data);
    let columns = usize::from(layout.columns);
    // Of each component this line and the one above, not yet shifted by the point transform.
    let mut lines: Vec<[Vec<i32>; 2]> =
        scan.components.iter().map(|_| [vec![0; columns], vec![0; columns]]).collect();
    let mut until_restart = tables.restart_interval;
    // Without a line above that belongs to the same interval only the left neighbour predicts.
    let mut first_line = true;
    for row in 0..usize::from(layout.rows) {
        let mut first_sample = first_line;
        for x in 0..columns {
            if tables.restart_interval > 0 {
                if until_restart == 0 {
                    bits.restart()?;
                    until_restart = tables.restart_interval;
                    (first_line, first_sample) = (true, true);
                }
                until_restart -= 1;
            }
            for (component, [line, above]) in scan.components.iter().zip(&mut lines) {
                let value = |of: &[i32], at: usize| of.get(at).copied().unwrap_or(0);
                let predicted = match (first_sample, first_line, x) {
                    (true, _, _) => middle,
                    (_, true, _) => value(line, x.wrapping_sub(1)),
                    (_, _, 0) => value(above, 0),
                    _ => predict(predictor, value(line, x - 1), value(above, x), value(above, x - 1)),
                };
                let sample = (predicted + difference(&mut bits, component)?) & 0xFFFF;
                if let Some(to) = line.get_mut(x) {
                    *to = sample;
                }
            }
            first_sample = false;
        }
        first_line = false;
        for (component, [line, above]) in scan.components.iter().zip(&mut lines) {
            samples.put_row(row, component.index, line.iter().map(|sample| sample << shift));
            std::mem::swap(line, above);
        }
    }
    Ok(bits.rest())
}

/// T.81 table H.1: from the samples left, above and above left.
fn predict(selection: u8, a: i32, b: i32, c: i32) -> i32 {
    match selection {
        1 => a,
        2 => b,
        3 => c,
        4 => a + b - c,
        5 => a + ((b - c) >> 1),
        6 => b + ((a - c) >> 1),
        _ => (a + b) >> 1,
    }
}

/// A difference of 0 to 16 bits (T.81 H.1.2.2); the category 16 has no bits that follow.
fn difference(bits: &mut Bits<'_>, component: &ScanComponent) -> Result<i32, PixelError> {
    match bits.symbol(&component.dc)? {
        16 => Ok(32_768),
        size => bits.signed(size),
    }
}
