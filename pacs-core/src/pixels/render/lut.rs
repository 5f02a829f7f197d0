//! Look-up tables of the data set: modality, VOI (PS3.3 C.11.1.1, C.11.2.1.1) and palette (C.7.6.3.1.5).

use crate::dataset::DataSet;
use crate::{Tag, tags};

/// A table over consecutive input values; values outside take the nearest entry.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Lut {
    first: i64,
    entries: Vec<u16>,
}

impl Lut {
    /// A modality or VOI LUT item.
    pub(super) fn of(item: &DataSet) -> Option<Lut> {
        Lut::read(item, tags::LUT_DESCRIPTOR, tags::LUT_DATA)
    }

    fn read(set: &DataSet, descriptor: Tag, data: Tag) -> Option<Lut> {
        let (count, first, bits) = descriptor_of(set, descriptor)?;
        let bytes = set.get(data)?.bytes()?;
        // Eight-bit entries may lie one a byte or one a word; the length tells which.
        let entries: Vec<u16> = if bits <= 8 && bytes.len() < count * 2 {
            bytes.iter().take(count).map(|byte| u16::from(*byte)).collect()
        } else {
            bytes.as_chunks::<2>().0.iter().take(count).map(|word| u16::from_le_bytes(*word)).collect()
        };
        (!entries.is_empty()).then_some(Lut { first, entries })
    }

    pub(super) fn at(&self, input: f64) -> f64 {
        let last = self.entries.len().saturating_sub(1);
        let place = (input.round() - self.first as f64).clamp(0.0, last as f64) as usize;
        self.entries.get(place).copied().map_or(0.0, f64::from)
    }

    /// Smallest and largest entry.
    pub(super) fn range(&self) -> (f64, f64) {
        let (low, high) =
            self.entries.iter().fold((u16::MAX, 0), |(low, high), n| (low.min(*n), high.max(*n)));
        (f64::from(low), f64::from(high))
    }
}

/// Three tables of eight-bit colours over the same indices.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Palette {
    first: i64,
    colours: Vec<[u8; 3]>,
}

impl Palette {
    pub(super) fn of(set: &DataSet) -> Option<Palette> {
        let red = channel(
            set,
            tags::RED_PALETTE_COLOR_LOOKUP_TABLE_DESCRIPTOR,
            tags::RED_PALETTE_COLOR_LOOKUP_TABLE_DATA,
            tags::SEGMENTED_RED_PALETTE_COLOR_LOOKUP_TABLE_DATA,
        )?;
        let green = channel(
            set,
            tags::GREEN_PALETTE_COLOR_LOOKUP_TABLE_DESCRIPTOR,
            tags::GREEN_PALETTE_COLOR_LOOKUP_TABLE_DATA,
            tags::SEGMENTED_GREEN_PALETTE_COLOR_LOOKUP_TABLE_DATA,
        )?;
        let blue = channel(
            set,
            tags::BLUE_PALETTE_COLOR_LOOKUP_TABLE_DESCRIPTOR,
            tags::BLUE_PALETTE_COLOR_LOOKUP_TABLE_DATA,
            tags::SEGMENTED_BLUE_PALETTE_COLOR_LOOKUP_TABLE_DATA,
        )?;
        let (_, first, _) = descriptor_of(set, tags::RED_PALETTE_COLOR_LOOKUP_TABLE_DESCRIPTOR)?;
        let colours =
            red.iter().zip(&green).zip(&blue).map(|((red, green), blue)| [*red, *green, *blue]).collect();
        Some(Palette { first, colours })
    }

    pub(super) fn at(&self, index: i64) -> [u8; 3] {
        let last = self.colours.len().saturating_sub(1) as i64;
        let place = index.saturating_sub(self.first).clamp(0, last);
        usize::try_from(place).ok().and_then(|place| self.colours.get(place)).copied().unwrap_or_default()
    }
}

/// One colour of a palette as eight bits an entry.
fn channel(set: &DataSet, descriptor: Tag, data: Tag, segmented: Tag) -> Option<Vec<u8>> {
    let (count, first, bits) = descriptor_of(set, descriptor)?;
    let lut = match Lut::read(set, descriptor, data) {
        Some(lut) => lut,
        None => Lut { first, entries: expand_segments(set.get(segmented)?.bytes()?, count)? },
    };
    // Sixteen bits are stated, but some encoders fill only eight of them.
    let wide = bits > 8 && lut.range().1 > 255.0;
    let entries = lut.entries.into_iter().map(|entry| if wide { (entry >> 8) as u8 } else { entry as u8 });
    Some(entries.collect())
}

/// Segments of a palette (PS3.3 C.7.9.2): runs of given entries, and lines from the entry before.
fn expand_segments(bytes: &[u8], count: usize) -> Option<Vec<u16>> {
    let mut words = bytes.as_chunks::<2>().0.iter().map(|word| u16::from_le_bytes(*word));
    let mut entries: Vec<u16> = Vec::with_capacity(count);
    while entries.len() < count {
        let (kind, length) = (words.next()?, usize::from(words.next()?));
        match kind {
            0 => {
                for _ in 0..length {
                    entries.push(words.next()?);
                }
            }
            1 => {
                let (from, to) = (f64::from(*entries.last()?), f64::from(words.next()?));
                let steps = 1..=length;
                entries.extend(
                    steps.map(|step| (from + (to - from) * step as f64 / length as f64).round() as u16),
                );
            }
            // Indirect segments copy others by byte offset; no encoder is known to write them.
            _ => return None,
        }
    }
    entries.truncate(count);
    Some(entries)
}

/// Number of entries (0 means 65536), first input value, bits of an entry.
fn descriptor_of(set: &DataSet, tag: Tag) -> Option<(usize, i64, u16)> {
    let numbers = set.ints(tag);
    let (Some(count), Some(first), Some(bits)) = (numbers.first(), numbers.get(1), numbers.get(2)) else {
        return None;
    };
    // With VR SS a count above 32767 comes as a negative number.
    let count = match (count & 0xFFFF) as usize {
        0 => 65_536,
        count => count,
    };
    Some((count, *first, u16::try_from(*bits).unwrap_or(16)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_expand_to_runs_and_lines() {
        let words: [u16; 9] = [0, 2, 10, 20, 1, 4, 60, 7, 7];
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        assert_eq!(expand_segments(&bytes, 6), Some(vec![10, 20, 30, 40, 50, 60]));
        assert_eq!(expand_segments(&bytes, 7), None);
    }

    #[test]
    fn inputs_outside_a_table_take_the_nearest_entry() {
        let lut = Lut { first: -1, entries: vec![5, 6, 7] };
        assert_eq!([-9.0, -1.0, 0.2, 1.0, 9.0].map(|input| lut.at(input)), [5.0, 5.0, 6.0, 7.0, 7.0]);
    }
}
