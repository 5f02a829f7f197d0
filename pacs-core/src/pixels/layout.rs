//! How samples lie in pixel data: the Image Pixel module (PS3.3 C.7.6.3).

use super::error::PixelError;
use crate::dataset::DataSet;
use crate::{Tag, VR, tags};

/// Photometric Interpretation (0028,0004), as far as it changes what is done with samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Photometric {
    /// The lowest value is white.
    Monochrome1,
    /// The lowest value is black; also everything unknown with one sample a pixel.
    Monochrome2,
    /// Indices into a palette.
    PaletteColor,
    /// Red, green, blue.
    Rgb,
    /// Luma and two chroma samples of full range, one of each a pixel.
    YbrFull,
    /// As [`Photometric::YbrFull`] with chroma shared by two pixels of a row.
    YbrFull422,
    /// Retired: as [`Photometric::YbrFull422`] with luma from 16 to 235 and chroma from 16 to 240.
    YbrPartial422,
    /// JPEG 2000, reversible colour transform.
    YbrRct,
    /// JPEG 2000, irreversible colour transform.
    YbrIct,
    /// A term that is not listed here, with three samples a pixel.
    Other,
}

impl Photometric {
    /// The defined term of (0028,0004). `None` for [`Photometric::Other`], which keeps the one that the data set has.
    pub fn term(self) -> Option<&'static str> {
        Some(match self {
            Photometric::Monochrome1 => "MONOCHROME1",
            Photometric::Monochrome2 => "MONOCHROME2",
            Photometric::PaletteColor => "PALETTE COLOR",
            Photometric::Rgb => "RGB",
            Photometric::YbrFull => "YBR_FULL",
            Photometric::YbrFull422 => "YBR_FULL_422",
            Photometric::YbrPartial422 => "YBR_PARTIAL_422",
            Photometric::YbrRct => "YBR_RCT",
            Photometric::YbrIct => "YBR_ICT",
            Photometric::Other => return None,
        })
    }

    fn parse(text: &str, samples: u16) -> Photometric {
        match text {
            "MONOCHROME1" => Photometric::Monochrome1,
            "PALETTE COLOR" => Photometric::PaletteColor,
            "RGB" => Photometric::Rgb,
            "YBR_FULL" => Photometric::YbrFull,
            "YBR_FULL_422" => Photometric::YbrFull422,
            "YBR_PARTIAL_422" => Photometric::YbrPartial422,
            "YBR_RCT" => Photometric::YbrRct,
            "YBR_ICT" => Photometric::YbrIct,
            _ if samples == 1 => Photometric::Monochrome2,
            _ => Photometric::Other,
        }
    }
}

/// The Image Pixel module's description of the samples, checked for sense.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Layout {
    /// Rows (0028,0010), at least 1.
    pub rows: u16,
    /// Columns (0028,0011), at least 1.
    pub columns: u16,
    /// Samples per Pixel (0028,0002): 1, 3 or 4.
    pub samples: u16,
    /// Bits Allocated (0028,0100): 1 or 8 to 64, a multiple of eight.
    pub bits_allocated: u16,
    /// Bits Stored (0028,0101), at most [`Layout::bits_allocated`].
    pub bits_stored: u16,
    /// High Bit (0028,0102).
    pub high_bit: u16,
    /// Pixel Representation (0028,0103) is 1: two's complement.
    pub signed: bool,
    /// Photometric Interpretation (0028,0004).
    pub photometric: Photometric,
    /// Planar Configuration (0028,0006) is 1: all of one colour, then all of the next.
    pub planar: bool,
    /// Number of Frames (0028,0008), at least 1.
    pub frames: u32,
    /// Samples are IEEE floats: Float (7FE0,0008) or Double Float Pixel Data (7FE0,0009).
    pub float: bool,
    /// Pixel Data has VR OW: samples of eight bits lie in words, which matters in big endian.
    pub words: bool,
}

impl Layout {
    /// The same image with sides halved so often, odd ones rounded up.
    pub fn halved(&self, halvings: u32) -> Layout {
        let side =
            |side: u16| u32::from(side).div_ceil(1u32.checked_shl(halvings).unwrap_or(u32::MAX)) as u16;
        Layout { rows: side(self.rows), columns: side(self.columns), ..*self }
    }

    /// Reads the Image Pixel module of a data set with its pixel data, whose tag and VR count too.
    ///
    /// # Errors
    /// `Missing` when the data set is no image, `Malformed` when sizes make no sense.
    pub fn from(set: &DataSet) -> Result<Layout, PixelError> {
        let rows = size(set, tags::ROWS, "Rows")?;
        let columns = size(set, tags::COLUMNS, "Columns")?;
        let (single, double) =
            (set.contains(tags::FLOAT_PIXEL_DATA), set.contains(tags::DOUBLE_FLOAT_PIXEL_DATA));
        let float = single || double;
        let allocated =
            set.int(tags::BITS_ALLOCATED).or(if double { Some(64) } else { single.then_some(32) });
        let bits_allocated =
            narrow(allocated.ok_or(PixelError::Missing("Bits Allocated"))?, "Bits Allocated")?;
        if bits_allocated != 1 && (bits_allocated % 8 != 0 || !(8..=64).contains(&bits_allocated)) {
            return Err(PixelError::malformed(format!("Bits Allocated is {bits_allocated}")));
        }
        let samples = narrow(set.int(tags::SAMPLES_PER_PIXEL).unwrap_or(1), "Samples per Pixel")?;
        if !matches!(samples, 1 | 3 | 4) {
            return Err(PixelError::malformed(format!("Samples per Pixel is {samples}")));
        }
        let stored = set.int(tags::BITS_STORED).filter(|bits| (1..=i64::from(bits_allocated)).contains(bits));
        let bits_stored = stored.and_then(|bits| u16::try_from(bits).ok()).unwrap_or(bits_allocated);
        let high = set.int(tags::HIGH_BIT).and_then(|bit| u16::try_from(bit).ok());
        let high_bit =
            high.filter(|bit| (bits_stored - 1..bits_allocated).contains(bit)).unwrap_or(bits_stored - 1);
        let photometric = set.text(tags::PHOTOMETRIC_INTERPRETATION).unwrap_or_default();
        Ok(Layout {
            rows,
            columns,
            samples,
            bits_allocated,
            bits_stored,
            high_bit,
            signed: set.int(tags::PIXEL_REPRESENTATION) == Some(1),
            photometric: Photometric::parse(photometric.trim(), samples),
            planar: samples > 1 && set.int(tags::PLANAR_CONFIGURATION) == Some(1),
            frames: set.int(tags::NUMBER_OF_FRAMES).and_then(|n| u32::try_from(n).ok()).unwrap_or(1).max(1),
            float,
            words: set.get(tags::PIXEL_DATA).is_some_and(|element| element.vr == VR::OW),
        })
    }

    /// Pixels of a frame.
    pub fn pixels(&self) -> u64 {
        u64::from(self.rows) * u64::from(self.columns)
    }

    /// Bytes a sample takes once decoded (a bit is unpacked to a byte).
    pub fn sample_bytes(&self) -> u16 {
        self.bits_allocated.div_ceil(8)
    }

    /// Bytes of a frame once decoded: every sample of every pixel present.
    pub fn frame_bytes(&self) -> u64 {
        self.pixels() * u64::from(self.samples) * u64::from(self.sample_bytes())
    }

    /// Bits of a frame in native pixel data, where frames of single bits follow each other without padding and
    /// chroma may be shared (PS3.5 8.1.1, PS3.3 C.7.6.3.1.2).
    pub fn native_frame_bits(&self) -> u64 {
        let samples = if self.shares_chroma() { 2 } else { u64::from(self.samples) };
        self.pixels() * samples * u64::from(self.bits_allocated)
    }

    /// Whether two pixels of a row have one pair of chroma samples in native pixel data.
    pub(super) fn shares_chroma(&self) -> bool {
        self.samples == 3 && matches!(self.photometric, Photometric::YbrFull422 | Photometric::YbrPartial422)
    }

    /// The same layout with all samples of all pixels interleaved, in another photometric interpretation.
    pub(super) fn interleaved_as(self, photometric: Photometric) -> Layout {
        let photometric = match photometric {
            Photometric::YbrFull422 | Photometric::YbrPartial422 => Photometric::YbrFull,
            other => other,
        };
        Layout { photometric, planar: false, ..self }
    }
}

fn size(set: &DataSet, tag: Tag, name: &'static str) -> Result<u16, PixelError> {
    match narrow(set.int(tag).ok_or(PixelError::Missing(name))?, name)? {
        0 => Err(PixelError::malformed(format!("{name} is 0"))),
        size => Ok(size),
    }
}

fn narrow(value: i64, name: &str) -> Result<u16, PixelError> {
    u16::try_from(value).map_err(|_| PixelError::malformed(format!("{name} is {value}")))
}
