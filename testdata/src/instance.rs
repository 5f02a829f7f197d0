//! One instance as a Part 10 file (PS3.10 7.1).

use pacs_core::dataset::{self, DataSet};
use pacs_core::part10;
use pacs_core::uid::{AeTitle, Uid};
use pacs_core::{transfer_syntax, uids};

/// One made instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instance {
    /// SOP Class UID (0008,0016).
    pub class: Uid,
    /// SOP Instance UID (0008,0018).
    pub uid: Uid,
    /// Series Instance UID (0020,000E).
    pub series: Uid,
    /// Study Instance UID (0020,000D).
    pub study: Uid,
    /// Transfer syntax of the data set.
    pub transfer_syntax: Uid,
    /// The whole Part 10 file.
    pub bytes: Vec<u8>,
    /// Where in [`Instance::bytes`] the data set begins.
    pub dataset_offset: usize,
}

impl Instance {
    /// The data set alone, as a C-STORE carries it.
    pub fn dataset(&self) -> &[u8] {
        &self.bytes[self.dataset_offset..]
    }
}

/// The pixels that end a data set.
pub(crate) enum PixelData {
    /// Native 16-bit words.
    Words(Vec<u16>),
    /// JPEG baseline, one stream a frame.
    Jpeg(Vec<Vec<u8>>),
}

/// UIDs that say which instance this is.
#[derive(Clone)]
pub(crate) struct Identity {
    pub(crate) class: Uid,
    pub(crate) uid: Uid,
    pub(crate) series: Uid,
    pub(crate) study: Uid,
}

/// Writes the file: head, every attribute of `set`, pixel data.
pub(crate) fn assemble(
    identity: Identity,
    set: &DataSet,
    pixels: PixelData,
    source: Option<&AeTitle>,
) -> Instance {
    let syntax = match pixels {
        PixelData::Words(_) => well_known(uids::EXPLICIT_VR_LITTLE_ENDIAN),
        PixelData::Jpeg(_) => well_known(uids::JPEG_BASELINE8_BIT),
    };
    let mut bytes = part10::write_head(&identity.class, &identity.uid, &syntax, source);
    let dataset_offset = bytes.len();
    write_set(set, &syntax, &mut bytes);
    match pixels {
        PixelData::Words(words) => put_words(&words, &mut bytes),
        PixelData::Jpeg(frames) => put_fragments(&frames, &mut bytes),
    }
    let Identity { class, uid, series, study } = identity;
    Instance { class, uid, series, study, transfer_syntax: syntax, bytes, dataset_offset }
}

/// The data set up to its pixels.
#[expect(clippy::expect_used, reason = "every value was put by this crate and is in memory")]
fn write_set(set: &DataSet, syntax: &Uid, bytes: &mut Vec<u8>) {
    dataset::write(set, &transfer_syntax::of(syntax), bytes).expect("a made data set can be written");
}

/// A UID of the standard.
#[expect(clippy::expect_used, reason = "the dictionary's constants are valid UIDs")]
pub(crate) fn well_known(uid: &'static str) -> Uid {
    Uid::parse(uid).expect("a UID of the dictionary")
}

/// Pixel Data as one OW value (PS3.5 8.1, A.2).
fn put_words(words: &[u16], bytes: &mut Vec<u8>) {
    put_pixel_data_tag(b"OW", (words.len() * 2) as u32, bytes);
    bytes.reserve(words.len() * 2);
    for word in words {
        bytes.extend_from_slice(&word.to_le_bytes());
    }
}

/// Pixel Data as items of OB with a basic offset table, one fragment a frame (PS3.5 A.4).
fn put_fragments(frames: &[Vec<u8>], bytes: &mut Vec<u8>) {
    put_pixel_data_tag(b"OB", u32::MAX, bytes);
    let padded = |frame: &Vec<u8>| (frame.len() + frame.len() % 2) as u32;
    put_item_tag(0xE000, 4 * frames.len() as u32, bytes);
    let mut offset = 0u32;
    for frame in frames {
        bytes.extend_from_slice(&offset.to_le_bytes());
        offset += 8 + padded(frame);
    }
    for frame in frames {
        put_item_tag(0xE000, padded(frame), bytes);
        bytes.extend_from_slice(frame);
        if frame.len() % 2 == 1 {
            bytes.push(0);
        }
    }
    put_item_tag(0xE0DD, 0, bytes);
}

fn put_pixel_data_tag(vr: &[u8; 2], length: u32, bytes: &mut Vec<u8>) {
    bytes.extend_from_slice(&[0xE0, 0x7F, 0x10, 0x00]);
    bytes.extend_from_slice(vr);
    bytes.extend_from_slice(&[0, 0]);
    bytes.extend_from_slice(&length.to_le_bytes());
}

fn put_item_tag(element: u16, length: u32, bytes: &mut Vec<u8>) {
    bytes.extend_from_slice(&0xFFFEu16.to_le_bytes());
    bytes.extend_from_slice(&element.to_le_bytes());
    bytes.extend_from_slice(&length.to_le_bytes());
}
