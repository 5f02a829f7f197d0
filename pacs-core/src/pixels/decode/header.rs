//! Sizes that compressed images state about themselves, read before a codec allocates what they ask for.

use crate::pixels::error::PixelError;
use crate::pixels::layout::Layout;

/// What a codestream says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stated {
    pub(super) rows: u32,
    pub(super) columns: u32,
    pub(super) components: u32,
    pub(super) precision: u32,
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
    /// The component identifiers are the letters R, G, B.
    pub(super) named_rgb: bool,
}

/// Walks the marker segments (ITU-T T.81 B.1.1) up to the first scan.
pub(super) fn jpeg(encoded: &[u8]) -> Result<JpegHeader, PixelError> {
    let cut = || PixelError::malformed("the JPEG stream ends before its first scan");
    let mut left =
        encoded.strip_prefix(&[0xFF, 0xD8]).ok_or_else(|| PixelError::malformed("no JPEG stream"))?;
    let (mut found, mut adobe_transform, mut jfif) = (None, None, false);
    loop {
        let [0xFF, marker, rest @ ..] = left else {
            return Err(PixelError::malformed("a JPEG marker is missing"));
        };
        match marker {
            // Fill bytes may precede a marker; TEM and restart markers have no segment.
            0xFF => {
                left = left.get(1..).ok_or_else(cut)?;
                continue;
            }
            0x01 | 0xD0..=0xD7 => {
                left = rest;
                continue;
            }
            _ => {}
        }
        let [high, low, ..] = rest else { return Err(cut()) };
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        let segment = rest.get(2..length).ok_or_else(cut)?;
        match marker {
            0xC0..=0xC3 | 0xC5..=0xC7 | 0xC9..=0xCB | 0xCD..=0xCF | 0xF7 => {
                found = Some(frame(*marker, segment).ok_or_else(cut)?);
            }
            0xE0 => jfif |= segment.starts_with(b"JFIF\0"),
            0xEE if segment.starts_with(b"Adobe") => adobe_transform = segment.get(11).copied(),
            0xDA => {
                let (process, stated, named_rgb) =
                    found.ok_or_else(|| PixelError::malformed("a JPEG scan without a frame"))?;
                return Ok(JpegHeader { stated, process, adobe_transform, jfif, named_rgb });
            }
            _ => {}
        }
        left = rest.get(length..).ok_or_else(cut)?;
    }
}

fn frame(marker: u8, segment: &[u8]) -> Option<(u8, Stated, bool)> {
    let [precision, y1, y0, x1, x0, components, ids @ ..] = segment else { return None };
    let stated = Stated {
        rows: u32::from(u16::from_be_bytes([*y1, *y0])),
        columns: u32::from(u16::from_be_bytes([*x1, *x0])),
        components: u32::from(*components),
        precision: u32::from(*precision),
    };
    Some((marker, stated, ids.iter().step_by(3).copied().take(3).eq(*b"RGB")))
}

/// Size, components and depth of a JPEG 2000 codestream (ITU-T T.800 A.5.1), bare or within a JP2 file.
pub(super) fn jpeg2000(encoded: &[u8]) -> Result<(Stated, usize), PixelError> {
    let malformed = || PixelError::malformed("no JPEG 2000 codestream");
    let start = encoded
        .get(..encoded.len().min(SEARCHED_BYTES))
        .and_then(|head| head.windows(4).position(|window| window == [0xFF, 0x4F, 0xFF, 0x51]))
        .ok_or_else(malformed)?;
    let size = encoded.get(start + 4..start + 4 + 39).ok_or_else(malformed)?;
    let word = |at: usize| -> Option<u32> {
        size.get(at..at + 4).and_then(|bytes| bytes.try_into().ok()).map(u32::from_be_bytes)
    };
    let extent = |end: usize, offset: usize| word(end)?.checked_sub(word(offset)?);
    let components = size.get(36..38).and_then(|bytes| bytes.try_into().ok()).map(u16::from_be_bytes);
    let stated = Stated {
        columns: extent(4, 12).ok_or_else(malformed)?,
        rows: extent(8, 16).ok_or_else(malformed)?,
        components: components.map(u32::from).ok_or_else(malformed)?,
        precision: size.get(38).map(|depth| u32::from(depth & 0x7F) + 1).ok_or_else(malformed)?,
    };
    Ok((stated, start))
}

/// Where the image begins on the reference grid of a codestream: XOsiz and YOsiz (ITU-T T.800 A.5.1).
pub(super) fn jpeg2000_origin(codestream: &[u8]) -> Result<(u32, u32), PixelError> {
    match codestream.get(16..24).and_then(|offsets| offsets.as_chunks::<4>().0.first_chunk::<2>()) {
        Some([across, down]) => Ok((u32::from_be_bytes(*across), u32::from_be_bytes(*down))),
        None => Err(PixelError::malformed("no JPEG 2000 codestream")),
    }
}

/// Boxes before the codestream of a JP2 file are small.
const SEARCHED_BYTES: usize = 64 * 1024;
