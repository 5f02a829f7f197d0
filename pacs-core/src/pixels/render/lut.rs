//! Look-up tables of the data set: modality, VOI, presentation (PS3.3 C.11.1.1, C.11.2.1.1, C.11.4).

use crate::dataset::DataSet;
use crate::{Tag, tags};

/// A table over consecutive input values; values outside take the nearest entry.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Lut {
    pub(super) first: i64,
    pub(super) entries: Vec<u16>,
    /// The largest output: all the bits that are stated, or more where an entry has more.
    pub(super) most: f64,
}

/// LUT Descriptor (0028,3002) and its like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Descriptor {
    /// Number of entries.
    pub(super) count: usize,
    /// The input that the first entry is for.
    pub(super) first: i64,
    /// Bits of an entry.
    pub(super) bits: u16,
}

impl Descriptor {
    pub(super) fn read(set: &DataSet, tag: Tag) -> Option<Descriptor> {
        let numbers = set.ints(tag);
        let [count, first, bits, ..] = numbers.as_slice() else { return None };
        // With VR SS a count above 32767 comes as a negative number; 0 stands for 65536.
        let count = match (count & 0xFFFF) as usize {
            0 => 65_536,
            count => count,
        };
        let bits = u16::try_from(*bits).ok().filter(|bits| (1..=16).contains(bits)).unwrap_or(16);
        Some(Descriptor { count, first: *first, bits })
    }
}

impl Lut {
    /// A modality, VOI or presentation LUT item.
    pub(super) fn of(item: &DataSet) -> Option<Lut> {
        Lut::read(item, Descriptor::read(item, tags::LUT_DESCRIPTOR)?, tags::LUT_DATA)
    }

    pub(super) fn read(set: &DataSet, descriptor: Descriptor, data: Tag) -> Option<Lut> {
        let Descriptor { count, first, bits } = descriptor;
        let bytes = set.get(data)?.bytes()?;
        // Eight-bit entries may lie one a byte or one a word; the length tells which.
        let entries: Vec<u16> = if bits <= 8 && bytes.len() < count * 2 {
            bytes.iter().take(count).map(|byte| u16::from(*byte)).collect()
        } else {
            bytes.as_chunks::<2>().0.iter().take(count).map(|word| u16::from_le_bytes(*word)).collect()
        };
        (!entries.is_empty()).then(|| Lut::new(first, entries, bits))
    }

    /// Looks through the entries once, and not for every value.
    fn new(first: i64, entries: Vec<u16>, bits: u16) -> Lut {
        let stated = ((1u32 << bits) - 1) as u16;
        let most = entries.iter().copied().fold(stated, u16::max);
        Lut { first, entries, most: f64::from(most) }
    }

    /// The table where its input can be. The first of its inputs is in 16 bits, with a sign or without as the VR of the
    /// descriptor says, which goes by the pixels; what is rescaled may be negative where they are not (PS3.3
    /// C.11.2.1.1).
    pub(super) fn within(&self, (least, most): (f64, f64)) -> Lut {
        let meant = self.first - 0x1_0000;
        let is_meant = least < 0.0 && self.first as f64 > most && meant >= i64::from(i16::MIN);
        Lut { first: if is_meant { meant } else { self.first }, ..self.clone() }
    }

    pub(super) fn at(&self, input: f64) -> f64 {
        let last = self.entries.len().saturating_sub(1);
        let place = (input.round() - self.first as f64).clamp(0.0, last as f64) as usize;
        self.entries.get(place).copied().map_or(0.0, f64::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inputs_outside_a_table_take_the_nearest_entry() {
        let lut = Lut::new(-1, vec![5, 6, 7], 3);
        assert_eq!([-9.0, -1.0, 0.2, 1.0, 9.0].map(|input| lut.at(input)), [5.0, 5.0, 6.0, 7.0, 7.0]);
        assert_eq!(Lut::new(0, vec![5], 3).most, 7.0);
        assert_eq!(Lut::new(0, vec![7], 2).most, 7.0, "more than is stated is not cut off");
    }
}
