//! Sizes that compressed images state about themselves, read before a codec allocates what they ask for.

use crate::pixels::error::PixelError;
use crate::pixels::layout::Layout;
use std::ops::Range;

/// What a codestream says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stated {
    pub(super) rows: u32,
    pub(super) columns: u32,
    pub(super) components: u32,
    pub(super) precision: u32,
}

impl JpegHeader {
    /// Whether the component identifiers are the letters R, G, B.
    pub(super) fn is_named_rgb(&self) -> bool {
        self.ids.starts_with(b"RGB")
    }
}

impl Stated {
    /// The codestream must be the image that the data set describes, or the budget would mean nothing.
    pub(super) fn agree(&self, layout: &Layout) -> Result<(), PixelError> {
        let described = (u32::from(layout.rows), u32::from(layout.columns), u32::from(layout.samples));
        if (self.rows, self.columns, self.components) == described {
            return Ok(());
        }
        Err(PixelError::malformed(format!(
            "an image of {}x{} with {} samples where the data set describes {}x{} with {}",
            self.columns, self.rows, self.components, layout.columns, layout.rows, layout.samples
        )))
    }
}

/// What a JPEG or JPEG-LS stream says before its first scan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct JpegHeader {
    pub(super) stated: Stated,
    /// The frame marker: 0xC0 baseline, 0xC1 extended, 0xC2 progressive, 0xC3 lossless, 0xF7 JPEG-LS.
    pub(super) process: u8,
    /// Colour transform of an Adobe marker (APP14).
    pub(super) adobe_transform: Option<u8>,
    /// A JFIF marker (APP0) is there: three components are Y, Cb, Cr.
    pub(super) jfif: bool,
    /// The identifiers of the first components, as many as an image of ours can have; 0 where there are fewer.
    pub(super) ids: [u8; 4],
    /// The first scan has all components.
    pub(super) interleaved: bool,
}

/// Walks the marker segments (ITU-T T.81 B.1.1) up to the first scan.
pub(super) fn jpeg(encoded: &[u8]) -> Result<JpegHeader, PixelError> {
    let mut at = 2;
    if !encoded.starts_with(&[0xFF, 0xD8]) {
        return Err(PixelError::malformed("no JPEG stream"));
    }
    let (mut found, mut adobe_transform, mut jfif) = (None, None, false);
    loop {
        let Segment { marker, content } = segment_at(encoded, at)?;
        at = content.end;
        let segment = encoded.get(content).ok_or_else(cut)?;
        match marker {
            0xC0..=0xC3 | 0xC5..=0xC7 | 0xC9..=0xCB | 0xCD..=0xCF | 0xF7 => {
                found = Some(frame(marker, segment).ok_or_else(cut)?);
            }
            0xE0 => jfif |= segment.starts_with(b"JFIF\0"),
            ADOBE_MARKER if segment.starts_with(ADOBE) => adobe_transform = segment.get(11).copied(),
            FIRST_SCAN => {
                let (process, stated, ids) =
                    found.ok_or_else(|| PixelError::malformed("a JPEG scan without a frame"))?;
                let interleaved = segment.first().is_some_and(|count| u32::from(*count) == stated.components);
                return Ok(JpegHeader { stated, process, adobe_transform, jfif, ids, interleaved });
            }
            _ => {}
        }
    }
}

/// APP14, and what it begins with where it is Adobe's.
const ADOBE_MARKER: u8 = 0xEE;
const ADOBE: &[u8] = b"Adobe";
/// SOS.
const FIRST_SCAN: u8 = 0xDA;

/// A marker segment.
pub(super) struct Segment {
    pub(super) marker: u8,
    /// What follows its length.
    pub(super) content: Range<usize>,
}

fn cut() -> PixelError {
    PixelError::malformed("a JPEG segment is cut short")
}

/// The segment that begins at that place or, behind fill bytes and markers that have none, next.
pub(super) fn segment_at(encoded: &[u8], mut at: usize) -> Result<Segment, PixelError> {
    loop {
        let [0xFF, marker, rest @ ..] = encoded.get(at..).unwrap_or_default() else {
            return Err(PixelError::malformed("a JPEG marker is missing"));
        };
        match marker {
            // Fill bytes may precede a marker; TEM and restart markers have no segment.
            0xFF => at += 1,
            0x01 | 0xD0..=0xD7 => at += 2,
            _ => {
                let [high, low, ..] = rest else { return Err(cut()) };
                let length = usize::from(u16::from_be_bytes([*high, *low]));
                rest.get(2..length).ok_or_else(cut)?;
                return Ok(Segment { marker: *marker, content: at + 4..at + 2 + length });
            }
        }
    }
}

/// Where the next name of an Adobe segment before the first scan lies, from the segment at that place on.
pub(super) fn next_adobe(encoded: &[u8], mut at: usize) -> Option<Range<usize>> {
    loop {
        let Segment { marker, content } = segment_at(encoded, at).ok()?;
        match marker {
            FIRST_SCAN => return None,
            ADOBE_MARKER if encoded.get(content.clone())?.starts_with(ADOBE) => {
                return Some(content.start..content.start + ADOBE.len());
            }
            _ => at = content.end,
        }
    }
}

fn frame(marker: u8, segment: &[u8]) -> Option<(u8, Stated, [u8; 4])> {
    let [precision, y1, y0, x1, x0, components, described @ ..] = segment else { return None };
    let stated = Stated {
        rows: u32::from(u16::from_be_bytes([*y1, *y0])),
        columns: u32::from(u16::from_be_bytes([*x1, *x0])),
        components: u32::from(*components),
        precision: u32::from(*precision),
    };
    let mut ids = [0; 4];
    ids.iter_mut().zip(described.iter().step_by(3)).for_each(|(to, id)| *to = *id);
    Some((marker, stated, ids))
}
