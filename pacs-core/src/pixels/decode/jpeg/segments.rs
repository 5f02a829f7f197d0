//! The marker segments of a JPEG stream that a decoder of ours needs: frame, tables, scans (ITU-T T.81 B.2).

use super::bits::Huffman;
use super::broken;
use crate::pixels::error::PixelError;

/// One component of the frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Component {
    id: u8,
    /// Horizontal and vertical sampling factors, 1 to 4.
    pub(super) across: usize,
    pub(super) down: usize,
    /// Which quantisation table.
    pub(super) quantisation: usize,
}

/// What the segments before a scan have said.
pub(super) struct Tables {
    pub(super) precision: u8,
    pub(super) components: Vec<Component>,
    pub(super) quantisation: [[u16; 64]; 4],
    huffman: [Huffman; 8],
    pub(super) restart_interval: usize,
}

/// A scan's header.
pub(super) struct Scan {
    /// Index among the frame's components, with the DC and AC tables.
    pub(super) components: Vec<ScanComponent>,
    /// Start of spectral selection; in a lossless frame the predictor.
    pub(super) start: u8,
    /// End of spectral selection.
    pub(super) end: u8,
    /// Successive approximation: the bit that was there before, and the one that this scan brings; in a lossless frame
    /// the latter is the point transform.
    pub(super) high: u8,
    pub(super) low: u8,
}

/// A component as a scan codes it.
pub(super) struct ScanComponent {
    pub(super) index: usize,
    pub(super) dc: Huffman,
    pub(super) ac: Huffman,
}

impl Tables {
    pub(super) fn new() -> Tables {
        Tables {
            precision: 0,
            components: Vec::new(),
            quantisation: [[0; 64]; 4],
            huffman: Default::default(),
            restart_interval: 0,
        }
    }

    /// Reads segments up to the next scan; what follows its header is its entropy-coded data. `None` at the end of
    /// the image.
    pub(super) fn next_scan<'a>(
        &mut self,
        mut left: &'a [u8],
    ) -> Result<Option<(Scan, &'a [u8])>, PixelError> {
        loop {
            let [0xFF, marker, rest @ ..] = left else { return Ok(None) };
            match marker {
                0xFF => left = left.get(1..).unwrap_or_default(),
                0x01 | 0xD0..=0xD8 => left = rest,
                0xD9 => return Ok(None),
                _ => {
                    let (segment, after) = segment(rest)?;
                    match marker {
                        0xC4 => self.read_huffman(segment).ok_or_else(|| broken("a Huffman table"))?,
                        0xDB => {
                            self.read_quantisation(segment).ok_or_else(|| broken("a quantisation table"))?
                        }
                        0xDD => {
                            let [high, low] = segment else { return Err(broken("a restart interval")) };
                            self.restart_interval = usize::from(u16::from_be_bytes([*high, *low]));
                        }
                        0xC0..=0xC3 => self.read_frame(segment).ok_or_else(|| broken("a frame header"))?,
                        0xDA => {
                            let scan = self.read_scan(segment).ok_or_else(|| broken("a scan header"))?;
                            return Ok(Some((scan, after)));
                        }
                        _ => {}
                    }
                    left = after;
                }
            }
        }
    }

    fn read_frame(&mut self, segment: &[u8]) -> Option<()> {
        let [precision, _, _, _, _, count, components @ ..] = segment else { return None };
        self.precision = *precision;
        self.components = components
            .as_chunks::<3>()
            .0
            .iter()
            .take(usize::from(*count))
            .map(|[id, factors, table]| {
                let (across, down) = (usize::from(factors >> 4), usize::from(factors & 15));
                let sampled = (1..=4).contains(&across) && (1..=4).contains(&down);
                sampled.then_some(Component { id: *id, across, down, quantisation: usize::from(table & 3) })
            })
            .collect::<Option<_>>()?;
        (self.components.len() == usize::from(*count)).then_some(())
    }

    fn read_scan(&self, segment: &[u8]) -> Option<Scan> {
        let (count, rest) = segment.split_first()?;
        let (chosen, [start, end, approximation, ..]) = rest.split_at_checked(usize::from(*count) * 2)?
        else {
            return None;
        };
        let table = |place: usize| self.huffman.get(place).cloned();
        let components = chosen.as_chunks::<2>().0.iter().map(|[id, selector]| {
            let index = self.components.iter().position(|component| component.id == *id)?;
            let (dc, ac) = (usize::from(selector >> 4 & 3), usize::from(selector & 3));
            Some(ScanComponent { index, dc: table(dc)?, ac: table(4 + ac)? })
        });
        let components =
            components.collect::<Option<Vec<_>>>().filter(|found| (1..=4).contains(&found.len()))?;
        Some(Scan { components, start: *start, end: *end, high: approximation >> 4, low: approximation & 15 })
    }

    fn read_quantisation(&mut self, mut segment: &[u8]) -> Option<()> {
        while let [head, rest @ ..] = segment {
            let wide = head >> 4 != 0;
            let (values, after) = rest.split_at_checked(if wide { 128 } else { 64 })?;
            let table = self.quantisation.get_mut(usize::from(head & 3))?;
            if wide {
                let words = values.as_chunks::<2>().0.iter().map(|word| u16::from_be_bytes(*word));
                table.iter_mut().zip(words).for_each(|(to, word)| *to = word);
            } else {
                table.iter_mut().zip(values).for_each(|(to, byte)| *to = u16::from(*byte));
            }
            segment = after;
        }
        Some(())
    }

    fn read_huffman(&mut self, mut segment: &[u8]) -> Option<()> {
        while let [head, rest @ ..] = segment {
            let (counts, rest) = rest.split_first_chunk::<16>()?;
            let total: usize = counts.iter().map(|count| usize::from(*count)).sum();
            let (symbols, after) = rest.split_at_checked(total)?;
            let place = usize::from(head >> 4 & 1) * 4 + usize::from(head & 3);
            *self.huffman.get_mut(place)? = Huffman::new(*counts, symbols.to_vec());
            segment = after;
        }
        Some(())
    }
}

/// The content of a segment that begins with its length, and what follows it.
fn segment(bytes: &[u8]) -> Result<(&[u8], &[u8]), PixelError> {
    let cut = || broken("a segment is cut short");
    let [high, low, ..] = bytes else { return Err(cut()) };
    let length = usize::from(u16::from_be_bytes([*high, *low]));
    let (whole, rest) = bytes.split_at_checked(length).ok_or_else(cut)?;
    Ok((whole.get(2..).ok_or_else(cut)?, rest))
}
