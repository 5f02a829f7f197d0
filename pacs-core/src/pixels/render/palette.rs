//! Palettes (PS3.3 C.7.6.3.1.5), with their segmented form (C.7.9.2).

use super::lut::{Descriptor, Lut};
use crate::dataset::DataSet;
use crate::{Tag, tags};

/// Three tables of eight-bit colours over the same indices.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Palette {
    first: i64,
    colours: Vec<[u8; 3]>,
}

impl Palette {
    pub(super) fn of(set: &DataSet) -> Option<Palette> {
        let (descriptor, red) = channel(
            set,
            tags::RED_PALETTE_COLOR_LOOKUP_TABLE_DESCRIPTOR,
            tags::RED_PALETTE_COLOR_LOOKUP_TABLE_DATA,
            tags::SEGMENTED_RED_PALETTE_COLOR_LOOKUP_TABLE_DATA,
        )?;
        let (_, green) = channel(
            set,
            tags::GREEN_PALETTE_COLOR_LOOKUP_TABLE_DESCRIPTOR,
            tags::GREEN_PALETTE_COLOR_LOOKUP_TABLE_DATA,
            tags::SEGMENTED_GREEN_PALETTE_COLOR_LOOKUP_TABLE_DATA,
        )?;
        let (_, blue) = channel(
            set,
            tags::BLUE_PALETTE_COLOR_LOOKUP_TABLE_DESCRIPTOR,
            tags::BLUE_PALETTE_COLOR_LOOKUP_TABLE_DATA,
            tags::SEGMENTED_BLUE_PALETTE_COLOR_LOOKUP_TABLE_DATA,
        )?;
        // Sixteen bits are stated, but some encoders fill only eight of them: all channels tell, since one of them may
        // be dark in a palette of sixteen.
        let wide = descriptor.bits > 8 && [&red, &green, &blue].iter().any(|entries| are_wide(entries));
        let eight = |entry: &u16| if wide { (entry >> 8) as u8 } else { *entry as u8 };
        let colours = red.iter().zip(&green).zip(&blue);
        let colours = colours.map(|((red, green), blue)| [red, green, blue].map(eight)).collect();
        Some(Palette { first: descriptor.first, colours })
    }

    pub(super) fn at(&self, index: f64) -> [u8; 3] {
        let last = self.colours.len().saturating_sub(1) as i64;
        let place = (index as i64).saturating_sub(self.first).clamp(0, last);
        usize::try_from(place).ok().and_then(|place| self.colours.get(place)).copied().unwrap_or_default()
    }
}

fn are_wide(entries: &[u16]) -> bool {
    entries.iter().any(|entry| *entry > 255)
}

/// One colour of a palette.
fn channel(set: &DataSet, descriptor: Tag, data: Tag, segmented: Tag) -> Option<(Descriptor, Vec<u16>)> {
    let descriptor = Descriptor::read(set, descriptor)?;
    let entries = match Lut::read(set, descriptor, data) {
        Some(lut) => lut.entries,
        None => expand(set.get(segmented)?.bytes()?, descriptor)?,
    };
    Some((descriptor, entries))
}

/// Expands segments: runs of given entries, lines from the entry before, and copies of segments met before. Kinds,
/// lengths and entries are as wide as the entries. `None` when they do not make as many entries as are stated.
fn expand(bytes: &[u8], descriptor: Descriptor) -> Option<Vec<u16>> {
    let wide = descriptor.bits > 8;
    let units: Vec<u16> = if wide {
        bytes.as_chunks::<2>().0.iter().map(|word| u16::from_le_bytes(*word)).collect()
    } else {
        bytes.iter().map(|byte| u16::from(*byte)).collect()
    };
    let mut entries: Vec<u16> = Vec::with_capacity(descriptor.count);
    let mut left = units.as_slice();
    while entries.len() < descriptor.count {
        let [kind, length, rest @ ..] = left else { return None };
        if *kind != INDIRECT {
            left = segment(left, &mut entries)?;
            continue;
        }
        // Where the first copied segment begins, in bytes, the least significant unit first.
        let (place, after) = rest.split_at_checked(if wide { 2 } else { 4 })?;
        let bits = if wide { 16 } else { 8 };
        let offset = place.iter().rev().fold(0usize, |sum, unit| sum << bits | usize::from(*unit));
        let mut copied = units.get(if wide { offset / 2 } else { offset }..)?;
        for _ in 0..*length {
            if entries.len() >= descriptor.count {
                break;
            }
            copied = segment(copied, &mut entries)?;
        }
        left = after;
    }
    entries.truncate(descriptor.count);
    Some(entries)
}

const DISCRETE: u16 = 0;
const LINEAR: u16 = 1;
const INDIRECT: u16 = 2;

/// Appends the entries of one segment that is no copy and returns what follows it.
fn segment<'a>(units: &'a [u16], entries: &mut Vec<u16>) -> Option<&'a [u16]> {
    let [kind, length, rest @ ..] = units else { return None };
    let length = usize::from(*length);
    match *kind {
        DISCRETE => {
            let (given, after) = rest.split_at_checked(length)?;
            entries.extend_from_slice(given);
            Some(after)
        }
        LINEAR => {
            let (to, after) = rest.split_first()?;
            let (from, to) = (f64::from(*entries.last()?), f64::from(*to));
            let step = |n: usize| (from + (to - from) * n as f64 / length as f64).round() as u16;
            entries.extend((1..=length).map(step));
            Some(after)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn descriptor(count: usize, bits: u16) -> Descriptor {
        Descriptor { count, first: 0, bits }
    }

    #[test]
    fn segments_expand_to_runs_lines_and_copies() {
        // Two given entries, a line of four, then both segments again from byte 0.
        let units: [u16; 11] = [0, 2, 10, 20, 1, 4, 60, 2, 2, 0, 0];
        let words: Vec<u8> = units.iter().flat_map(|unit| unit.to_le_bytes()).collect();
        let once = [10, 20, 30, 40, 50, 60];
        assert_eq!(expand(&words, descriptor(6, 16)).unwrap(), once);
        assert_eq!(expand(&words, descriptor(12, 16)).unwrap(), [once, once].concat());
        assert_eq!(expand(&words, descriptor(13, 16)), None);
        let bytes: Vec<u8> = units.iter().map(|unit| *unit as u8).chain([0, 0]).collect();
        assert_eq!(expand(&bytes, descriptor(12, 8)).unwrap(), [once, once].concat());
    }

    #[test]
    fn hostile_segments_end() {
        // A line of nothing, a copy of itself, an offset past the end.
        for units in [&[1u16, 5, 9][..], &[2, 9, 0, 0], &[0, 1, 7, 2, 1, 0xFFFF, 0xFFFF], &[1, 0, 4, 1, 0, 4]]
        {
            let words: Vec<u8> = units.iter().flat_map(|unit| unit.to_le_bytes()).collect();
            assert_eq!(expand(&words, descriptor(65_536, 16)), None, "{units:?}");
        }
    }
}
