//! The scans of progressive JPEG (ITU-T T.81 annex G): coefficients by band and bit by bit.

use super::bits::Bits;
use super::broken;
use super::dct::{Block, put};
use super::segments::{Scan, ScanComponent};
use super::transform::ZIGZAG;
use crate::pixels::error::PixelError;

/// What a scan says of one block. `run` counts the blocks that have no more of the band.
pub(super) fn block(
    bits: &mut Bits<'_>,
    scan: &Scan,
    part: &ScanComponent,
    block: &mut Block,
    predictor: &mut i32,
    run: &mut u32,
) -> Result<(), PixelError> {
    if scan.start > scan.end || scan.end > 63 || scan.low > 13 {
        return Err(broken("a scan header"));
    }
    match (scan.start, scan.high) {
        (0, 0) => {
            let size = bits.symbol(&part.dc)?;
            *predictor = predictor.wrapping_add(bits.signed(size)?);
            put(block, 0, *predictor << scan.low);
            Ok(())
        }
        (0, _) => {
            if bits.take(1)? == 1
                && let Some(dc) = block.first_mut()
            {
                *dc |= 1 << scan.low;
            }
            Ok(())
        }
        (_, 0) => first(bits, scan, part, block, run),
        _ => refine(bits, scan, part, block, run),
    }
}

/// The first bits of a band (T.81 G.1.2.2).
fn first(
    bits: &mut Bits<'_>,
    scan: &Scan,
    part: &ScanComponent,
    block: &mut Block,
    run: &mut u32,
) -> Result<(), PixelError> {
    if *run > 0 {
        *run -= 1;
        return Ok(());
    }
    let mut at = usize::from(scan.start);
    while at <= usize::from(scan.end) {
        let symbol = bits.symbol(&part.ac)?;
        match (symbol >> 4, symbol & 15) {
            (15, 0) => at += 16,
            (length, 0) => {
                *run = end_of_band(bits, length)? - 1;
                break;
            }
            (zeros, size) => {
                at += usize::from(zeros);
                put(block, at, bits.signed(size)? << scan.low);
                at += 1;
            }
        }
    }
    Ok(())
}

/// One more bit of a band (T.81 G.1.2.3): of every coefficient that is there, and those that appear with it.
fn refine(
    bits: &mut Bits<'_>,
    scan: &Scan,
    part: &ScanComponent,
    block: &mut Block,
    run: &mut u32,
) -> Result<(), PixelError> {
    let step = 1i16 << scan.low;
    let end = usize::from(scan.end);
    let mut at = usize::from(scan.start);
    while *run == 0 && at <= end {
        let symbol = bits.symbol(&part.ac)?;
        let (zeros, new) = match (symbol >> 4, symbol & 15) {
            (15, 0) => (15, None),
            (length, 0) => {
                *run = end_of_band(bits, length)?;
                break;
            }
            (zeros, 1) => (zeros, Some(if bits.take(1)? == 1 { step } else { -step })),
            _ => return Err(broken("a coefficient that grows by more than a bit")),
        };
        at = pass(bits, block, at, end, step, zeros.into())?;
        if let (Some(new), true) = (new, at <= end) {
            put(block, at, new.into());
        }
        at += 1;
    }
    if *run > 0 {
        pass(bits, block, at, end, step, u32::MAX)?;
        *run -= 1;
    }
    Ok(())
}

/// Refines coefficients until so many that are zero have been passed; the place of the next one that is.
fn pass(
    bits: &mut Bits<'_>,
    block: &mut Block,
    mut at: usize,
    end: usize,
    step: i16,
    mut zeros: u32,
) -> Result<usize, PixelError> {
    while at <= end {
        let Some(value) = ZIGZAG.get(at).and_then(|place| block.get_mut(usize::from(*place))) else { break };
        if *value != 0 {
            if bits.take(1)? == 1 && *value & step == 0 {
                *value = value.wrapping_add(if *value > 0 { step } else { -step });
            }
        } else if zeros == 0 {
            break;
        } else {
            zeros -= 1;
        }
        at += 1;
    }
    Ok(at)
}

/// How many blocks, this one included, have no more of the band.
fn end_of_band(bits: &mut Bits<'_>, length: u8) -> Result<u32, PixelError> {
    Ok((1 << length) + bits.take(length.into())?)
}
