//! The packets of a tile, parted by resolution (ITU-T T.800 B.10).
//!
//! The codec that wrote them pads a packet header with a byte too many where a byte of ones stands near its end, and
//! whatever follows is then read wrongly by everybody. The byte is taken out here.

/// Sides of a code-block in samples.
pub(super) const BLOCK_SIDE: u32 = 64;

/// The packets of a tile, those of the components of each resolution together. `None` when they are not as the codec
/// writes them: one layer, one precinct a resolution, one coding pass a code-block.
pub(super) fn by_resolution(
    mut packets: &[u8],
    [columns, rows]: [u32; 2],
    levels: u32,
    components: u32,
) -> Option<Vec<Vec<u8>>> {
    let mut resolutions = Vec::new();
    for resolution in 0..=levels {
        let halved = |side: u32| side.div_ceil(1 << (levels - resolution));
        let bands = bands([halved(columns), halved(rows)], resolution == 0);
        let mut together = Vec::new();
        for _ in 0..components {
            let Packet { header, padded, body } = packet(packets, &bands)?;
            together.extend_from_slice(packets.get(..header)?);
            together.extend_from_slice(packets.get(padded..padded + body)?);
            packets = packets.get(padded + body..)?;
        }
        resolutions.push(together);
    }
    packets.is_empty().then_some(resolutions)
}

/// How many code-blocks lie across and down in each subband of a resolution.
fn bands([columns, rows]: [u32; 2], lowest: bool) -> Vec<[u32; 2]> {
    let (low, high) = (|side: u32| side.div_ceil(2), |side: u32| side / 2);
    let sizes = if lowest {
        vec![[columns, rows]]
    } else {
        vec![[high(columns), low(rows)], [low(columns), high(rows)], [high(columns), high(rows)]]
    };
    let blocks = sizes.into_iter().map(|size| size.map(|side| side.div_ceil(BLOCK_SIDE)));
    blocks.filter(|[across, down]| across * down > 0).collect()
}

/// How long the parts of a packet are.
struct Packet {
    header: usize,
    /// The header with what the codec padded it with.
    padded: usize,
    body: usize,
}

fn packet(data: &[u8], bands: &[[u32; 2]]) -> Option<Packet> {
    let mut bits = Bits { data, at: 0, byte: 0, left: 0, writer: Writer::default() };
    let mut body = 0usize;
    if bits.take(1)? == 1 {
        for [across, down] in bands {
            let mut included = TagTree::new(*across, *down);
            let mut missing_bits = TagTree::new(*across, *down);
            for y in 0..*down {
                for x in 0..*across {
                    if included.below(&mut bits, [x, y], 1)? {
                        body += block(&mut bits, &mut missing_bits, [x, y])?;
                    }
                }
            }
        }
    }
    let header = bits.end();
    Some(Packet { header, padded: bits.writer.end(data).max(header), body })
}

/// The length of one code-block's contribution.
fn block(bits: &mut Bits<'_>, missing_bits: &mut TagTree, place: [u32; 2]) -> Option<usize> {
    const MOST_BITS: u32 = 64;
    (1..=MOST_BITS).find_map(|most| missing_bits.below(bits, place, most).filter(|below| *below))?;
    // One coding pass is a zero.
    if bits.take(1)? != 0 {
        return None;
    }
    let mut width = 3;
    while bits.take(1)? == 1 {
        width += 1;
    }
    bits.take(width)
}

/// Bits of a packet header, one of them stuffed after a byte of ones.
struct Bits<'a> {
    data: &'a [u8],
    at: usize,
    byte: u8,
    left: u32,
    writer: Writer,
}

impl Bits<'_> {
    /// So many bits, which were written together.
    fn take(&mut self, count: u32) -> Option<usize> {
        let mut value = 0;
        for _ in 0..count.min(32) {
            if self.left == 0 {
                self.left = if self.byte == 0xFF { 7 } else { 8 };
                self.byte = *self.data.get(self.at)?;
                self.at += 1;
            }
            self.left -= 1;
            value = value << 1 | usize::from(self.byte >> self.left & 1);
        }
        self.writer.wrote(count, self.data);
        Some(value)
    }

    /// How many bytes the header takes.
    fn end(&self) -> usize {
        self.at + usize::from(self.byte == 0xFF)
    }
}

/// What the codec's writer does with its bits: it puts bytes out when it has 32 bits, and at the end pads all that are
/// left as if none of them were stuffed.
#[derive(Default)]
struct Writer {
    bits: u32,
    after_ones: bool,
    at: usize,
}

impl Writer {
    fn wrote(&mut self, count: u32, data: &[u8]) {
        self.bits += count;
        if self.bits >= 32 {
            self.put_out(data);
        }
    }

    fn put_out(&mut self, data: &[u8]) {
        loop {
            let width = if self.after_ones { 7 } else { 8 };
            if self.bits < width {
                return;
            }
            self.bits -= width;
            self.after_ones = !self.after_ones && data.get(self.at) == Some(&0xFF);
            self.at += 1;
        }
    }

    /// How many bytes it has put out at the end.
    fn end(mut self, data: &[u8]) -> usize {
        while self.bits > 0 || self.after_ones {
            if self.bits == 0 {
                self.at += 1;
                self.after_ones = false;
            } else {
                self.bits = self.bits.next_multiple_of(if self.after_ones { 7 } else { 8 });
                self.put_out(data);
            }
        }
        self.at
    }
}

/// A tag tree (T.800 B.10.2): every node tells the least value below it.
struct TagTree {
    /// Width and nodes of each level, leaves first; of a node what is known of its value, and whether it is exact.
    levels: Vec<(u32, Vec<(u32, bool)>)>,
}

impl TagTree {
    fn new(across: u32, down: u32) -> TagTree {
        let (mut across, mut down) = (across, down);
        let mut levels = Vec::new();
        loop {
            levels.push((across, vec![(0, false); (across * down) as usize]));
            if across * down <= 1 {
                return TagTree { levels };
            }
            (across, down) = (across.div_ceil(2), down.div_ceil(2));
        }
    }

    /// Whether the value of a leaf is below a threshold, reading as many bits as that takes.
    fn below(&mut self, bits: &mut Bits<'_>, [x, y]: [u32; 2], threshold: u32) -> Option<bool> {
        let mut least = 0;
        for (level, (width, nodes)) in self.levels.iter_mut().enumerate().rev() {
            let at = ((y >> level) * *width + (x >> level)) as usize;
            let (value, exact) = nodes.get_mut(at)?;
            *value = (*value).max(least);
            while !*exact && *value < threshold {
                if bits.take(1)? == 1 {
                    *exact = true;
                } else {
                    *value += 1;
                }
            }
            if !*exact {
                return Some(false);
            }
            least = *value;
        }
        Some(least < threshold)
    }
}
