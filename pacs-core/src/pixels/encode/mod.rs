//! One frame, from native samples to the bytes of a compressed transfer syntax.

mod htj2k;
mod jpeg2000;
mod jpeg_baseline;
mod jpeg_lossless;
mod jpeg_ls;
mod rle;
mod stored;

use super::decode::{Frame, guarded, within};
use super::error::PixelError;
use super::layout::{Layout, Photometric};
use crate::uid::Uid;
use crate::uids;
use stored::Stored;

/// What frames are encoded with. All but JPEG baseline lose nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Codec {
    /// RLE Lossless (…1.2.5), samples of any width.
    Rle,
    /// JPEG baseline (…4.50), samples of eight bits.
    JpegBaseline,
    /// JPEG lossless, process 14 with the left neighbour as predictor (…4.70).
    JpegLossless,
    /// JPEG-LS (…4.80).
    JpegLs,
    /// JPEG 2000 (…4.90).
    Jpeg2000,
    /// High-Throughput JPEG 2000 (…4.201).
    HighThroughput2000,
    /// High-Throughput JPEG 2000 with the lowest resolution first and its RPCL options (…4.202).
    HighThroughput2000Rpcl,
}

impl Codec {
    const ALL: [Codec; 7] = [
        Codec::Rle,
        Codec::JpegBaseline,
        Codec::JpegLossless,
        Codec::JpegLs,
        Codec::Jpeg2000,
        Codec::HighThroughput2000,
        Codec::HighThroughput2000Rpcl,
    ];

    /// The codec that writes a transfer syntax. `None` where none is written here.
    pub fn of(transfer_syntax: &Uid) -> Option<Codec> {
        Codec::ALL.into_iter().find(|codec| codec.transfer_syntax() == transfer_syntax.as_str())
    }

    /// UID of the transfer syntax that it writes.
    pub fn transfer_syntax(self) -> &'static str {
        match self {
            Codec::Rle => uids::RLE_LOSSLESS,
            Codec::JpegBaseline => uids::JPEG_BASELINE8_BIT,
            Codec::JpegLossless => uids::JPEG_LOSSLESS_SV1,
            Codec::JpegLs => uids::JPEGLS_LOSSLESS,
            Codec::Jpeg2000 => uids::JPEG2000_LOSSLESS,
            Codec::HighThroughput2000 => uids::HTJ2K_LOSSLESS,
            Codec::HighThroughput2000Rpcl => uids::HTJ2K_LOSSLESS_RPCL,
        }
    }

    /// Whether samples come back as they were.
    pub fn is_lossless(self) -> bool {
        self != Codec::JpegBaseline
    }

    /// Bytes that the codec holds for each sample beside the frame and its result.
    fn beside_bytes(self) -> u64 {
        match self {
            Codec::Rle | Codec::JpegLossless | Codec::JpegLs => 0,
            Codec::JpegBaseline => 1,
            // 32-bit samples of the image and of the tile, and the code-blocks.
            Codec::Jpeg2000 => 11,
            Codec::HighThroughput2000 | Codec::HighThroughput2000Rpcl => 12,
        }
    }
}

/// A compressed frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encoded {
    /// One whole compressed image, not padded to an even length.
    pub bytes: Vec<u8>,
    /// Photometric Interpretation (0028,0004) that the data set has to state from then on, its own where that is
    /// [`Photometric::Other`]; Planar Configuration
    /// (0028,0006) is 0.
    pub photometric: Photometric,
}

/// About as many bytes as encoding a frame takes at most, the frame and the result included.
pub fn encoding_bytes(codec: Codec, layout: &Layout) -> u64 {
    let samples = layout.pixels() * u64::from(layout.samples);
    layout.frame_bytes() + output_bytes(layout) + samples * codec.beside_bytes()
}

/// Compresses one frame. About `budget_bytes` are allocated at most ([`encoding_bytes`]), the frame counted in.
///
/// # Errors
/// `Unencodable` for samples that the codec cannot hold, `TooLarge` over the budget, `Malformed` when the frame is
/// not of the size that its layout describes.
pub fn encode(frame: &Frame, codec: Codec, budget_bytes: u64) -> Result<Encoded, PixelError> {
    let layout = &frame.layout;
    if frame.bytes.len() as u64 != layout.frame_bytes() {
        return Err(PixelError::malformed("the frame is not of the size that is described"));
    }
    if layout.float || layout.samples == 4 {
        return Err(PixelError::Unencodable("floats, or four samples a pixel,".to_owned()));
    }
    within(encoding_bytes(codec, layout), budget_bytes)?;
    guarded(|| match codec {
        Codec::Rle => rle::encode(frame),
        Codec::JpegBaseline => jpeg_baseline::encode(&Stored::of(frame)?),
        Codec::JpegLossless => jpeg_lossless::encode(&Stored::of(frame)?),
        Codec::JpegLs => jpeg_ls::encode(&Stored::of(frame)?),
        Codec::Jpeg2000 => jpeg2000::encode(&Stored::of(frame)?),
        Codec::HighThroughput2000 => htj2k::encode(&Stored::of(frame)?, false),
        Codec::HighThroughput2000Rpcl => htj2k::encode(&Stored::of(frame)?, true),
    })
}

/// What the result is at most: noise grows a little.
fn output_bytes(layout: &Layout) -> u64 {
    const HEADERS_BYTES: u64 = 64 << 10;
    layout.frame_bytes() + layout.frame_bytes() / 8 + HEADERS_BYTES
}

/// Room for the result, so that it never has to be moved to a larger place. What is not used takes no memory.
fn output(layout: &Layout) -> Vec<u8> {
    Vec::with_capacity(usize::try_from(output_bytes(layout)).unwrap_or(0))
}

#[cfg(test)]
mod tests;
