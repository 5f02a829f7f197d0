//! One frame, from the bytes of its transfer syntax to native little endian samples.

mod codestream;
mod header;
mod htj2k;
mod jpeg;
mod jpeg2000;
mod jpeg_ls;
mod jpeg_xl;
mod native;
mod rle;
mod samples;

use super::error::PixelError;
use super::layout::Layout;
use crate::uid::Uid;
use crate::uids;
use bytes::Bytes;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// A decoded frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// How [`Frame::bytes`] lie. It differs from the object's own layout where decoding changes it: bits are
    /// unpacked to bytes, shared chroma is spread, compressed colour becomes interleaved and often RGB.
    pub layout: Layout,
    /// The samples, little endian, [`Layout::frame_bytes`] long, without padding.
    pub bytes: Vec<u8>,
}

/// The families of transfer syntaxes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Family {
    Native { big_endian: bool },
    DeflatedFrame,
    Rle,
    BaselineJpeg,
    Jpeg,
    LosslessJpeg,
    JpegLs,
    Jpeg2000,
    HighThroughput2000,
    JpegXl,
}

/// Whether frames in this transfer syntax can be decoded (video cannot).
pub fn can_decode(transfer_syntax: &Uid) -> bool {
    family(transfer_syntax).is_some()
}

/// Whether the coding keeps a frame in several sizes, so that [`decode_halved`] can leave the larger ones alone.
pub fn has_sizes(transfer_syntax: &Uid) -> bool {
    matches!(family(transfer_syntax), Some(Family::Jpeg2000 | Family::HighThroughput2000))
}

/// About as many bytes as decoding a frame of `encoded_bytes` takes beside these, its result included, as far as the
/// data set tells: [`decode_halved`] says when a compressed image asks for more than others of its kind. 0 where it
/// cannot be decoded.
pub fn decoding_bytes(transfer_syntax: &Uid, layout: &Layout, encoded_bytes: u64, halvings: u32) -> u64 {
    family(transfer_syntax).map_or(0, |family| working_bytes(family, layout, encoded_bytes, halvings))
}

/// Decodes one frame in its own size: [`decode_halved`] without halvings.
///
/// # Errors
/// As there.
pub fn decode(
    encoded: Bytes,
    transfer_syntax: &Uid,
    layout: &Layout,
    budget_bytes: u64,
) -> Result<Frame, PixelError> {
    decode_halved(encoded, transfer_syntax, layout, 0, budget_bytes)
}

/// Decodes one frame, its sides halved up to so many times where that saves work ([`has_sizes`]): the layout of the
/// result tells how large it came out.
///
/// `encoded` holds the frame's bytes: those of [`super::frames::native_frame`] or the joined fragments of
/// [`super::frames::encapsulated`]. At most about `budget_bytes` are allocated ([`decoding_bytes`]), by this function and the codec together; headers that ask for
/// more, be it of the data set or of the compressed image, are refused before anything is decoded. Native bytes that
/// nobody else holds become the result.
///
/// # Errors
/// `Unsupported` for transfer syntaxes and codings that are not decoded here, `TooLarge` over the budget with what
/// would do, `Malformed` for everything broken.
pub fn decode_halved(
    encoded: Bytes,
    transfer_syntax: &Uid,
    layout: &Layout,
    halvings: u32,
    budget_bytes: u64,
) -> Result<Frame, PixelError> {
    let family = family(transfer_syntax)
        .ok_or_else(|| PixelError::Unsupported(format!("transfer syntax {transfer_syntax}")))?;
    // What is said to be lossless and is not needs more: each of these looks for itself.
    within(working_bytes(family, layout, encoded.len() as u64, halvings), budget_bytes)?;
    if layout.bits_allocated == 1 && !matches!(family, Family::Native { .. } | Family::DeflatedFrame) {
        return Err(PixelError::Unsupported("compressed single bits".to_owned()));
    }
    let decoded = guarded(|| match family {
        Family::Native { big_endian } => native::decode(encoded, big_endian, layout),
        Family::DeflatedFrame => native::decode(native::inflate(&encoded, layout)?.into(), false, layout),
        Family::Rle => rle::decode(&encoded, layout),
        Family::BaselineJpeg | Family::Jpeg | Family::LosslessJpeg => {
            jpeg::decode(encoded, layout, budget_bytes)
        }
        Family::JpegLs => jpeg_ls::decode(&encoded, layout),
        Family::Jpeg2000 => jpeg2000::decode(&encoded, layout, halvings, budget_bytes),
        Family::HighThroughput2000 => htj2k::decode(&encoded, layout, halvings, budget_bytes),
        Family::JpegXl => jpeg_xl::decode(&encoded, layout),
    })?;
    if decoded.bytes.len() as u64 != decoded.layout.frame_bytes() {
        return Err(PixelError::malformed(format!(
            "a frame of {} bytes was decoded where {} are described",
            decoded.bytes.len(),
            decoded.layout.frame_bytes()
        )));
    }
    Ok(decoded)
}

/// Runs a codec. Codecs of others index and unwrap on what they read; a panic in one must cost its caller an
/// answer, not the thread that serves everybody. Nothing of theirs outlives the call, so no broken state remains.
pub(super) fn guarded<T>(codec: impl FnOnce() -> Result<T, PixelError>) -> Result<T, PixelError> {
    catch_unwind(AssertUnwindSafe(codec))
        .unwrap_or_else(|_| Err(PixelError::malformed("the codec gave up on it")))
}

/// Refuses what needs more than is granted.
pub(super) fn within(needed_bytes: u64, budget_bytes: u64) -> Result<(), PixelError> {
    if needed_bytes > budget_bytes {
        return Err(PixelError::TooLarge { needed_bytes, budget_bytes });
    }
    Ok(())
}

/// What decoding takes: the result and what the codec holds beside it.
fn working_bytes(family: Family, layout: &Layout, encoded_bytes: u64, halvings: u32) -> u64 {
    let beside = match family {
        Family::Jpeg2000 => return jpeg2000::working_bytes(layout, encoded_bytes, halvings),
        Family::HighThroughput2000 => return htj2k::working_bytes(layout, encoded_bytes, halvings),
        Family::Native { .. } | Family::DeflatedFrame => 0,
        // One plane of bytes.
        Family::Rle => layout.pixels(),
        Family::LosslessJpeg | Family::JpegLs => line_bytes(layout),
        Family::BaselineJpeg => jpeg::sequential_bytes(layout),
        Family::Jpeg => jpeg::progressive_bytes(layout),
        Family::JpegXl => jpeg_xl::working_bytes(layout),
    };
    layout.frame_bytes() + beside
}

/// What a codec holds that goes line by line: two lines of 32-bit samples, its tables and contexts.
fn line_bytes(layout: &Layout) -> u64 {
    const TABLES_BYTES: u64 = 64 << 10;
    u64::from(layout.columns) * u64::from(layout.samples) * 8 + TABLES_BYTES
}

fn family(transfer_syntax: &Uid) -> Option<Family> {
    Some(match transfer_syntax.as_str() {
        // The deflated data set (…1.2.1.99) is inflated by its reader: what is inside is native.
        uids::IMPLICIT_VR_LITTLE_ENDIAN
        | uids::EXPLICIT_VR_LITTLE_ENDIAN
        | uids::ENCAPSULATED_UNCOMPRESSED_EXPLICIT_VR_LITTLE_ENDIAN
        | uids::DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN => Family::Native { big_endian: false },
        EXPLICIT_VR_BIG_ENDIAN => Family::Native { big_endian: true },
        DEFLATED_IMAGE_FRAME_COMPRESSION => Family::DeflatedFrame,
        uids::RLE_LOSSLESS => Family::Rle,
        uids::JPEG_BASELINE8_BIT => Family::BaselineJpeg,
        uids::JPEG_EXTENDED12_BIT | JPEG_SPECTRAL_SELECTION | JPEG_FULL_PROGRESSION => Family::Jpeg,
        uids::JPEG_LOSSLESS | uids::JPEG_LOSSLESS_SV1 => Family::LosslessJpeg,
        uids::JPEGLS_LOSSLESS | uids::JPEGLS_NEAR_LOSSLESS => Family::JpegLs,
        uids::JPEG2000_LOSSLESS | uids::JPEG2000 | uids::JPEG2000MC_LOSSLESS | uids::JPEG2000MC => {
            Family::Jpeg2000
        }
        uids::HTJ2K_LOSSLESS | uids::HTJ2K_LOSSLESS_RPCL | uids::HTJ2K => Family::HighThroughput2000,
        uids::JPEGXL_LOSSLESS | uids::JPEGXLJPEG_RECOMPRESSION | uids::JPEGXL => Family::JpegXl,
        _ => return None,
    })
}

const EXPLICIT_VR_BIG_ENDIAN: &str = "1.2.840.10008.1.2.2";
const DEFLATED_IMAGE_FRAME_COMPRESSION: &str = "1.2.840.10008.1.2.8.1";
/// Retired: JPEG Spectral Selection, Non-Hierarchical (Process 6 & 8).
const JPEG_SPECTRAL_SELECTION: &str = "1.2.840.10008.1.2.4.53";
/// Retired: JPEG Full Progression, Non-Hierarchical (Process 10 & 12).
const JPEG_FULL_PROGRESSION: &str = "1.2.840.10008.1.2.4.55";
