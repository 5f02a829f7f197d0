//! Writing data sets: defined lengths, even padding, group lengths only where they are not retired.

use std::io::Write;
use std::ops::Range;

use bytes::Bytes;
use flate2::{Compression, write::DeflateEncoder};

use super::header::{Encoding, ITEM, SEQUENCE_END, has_long_length};
use super::swap::swap;
use super::{DataSet, Element, Fragment, Value};
use crate::transfer_syntax::TransferSyntax;
use crate::{Tag, VR};

/// Why a data set cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The value was left where it lies when the data set was read; only whoever has that source
    /// can copy it.
    #[error("the value of {0} is not held")]
    NotHeld(Tag),
    /// The value or the sequence has 4 GiB or more.
    #[error("the value of {0} is too long to be written")]
    TooLong(Tag),
    /// The deflated stream could not be made.
    #[error("the data set cannot be deflated: {0}")]
    Deflate(#[from] std::io::Error),
}

/// Appends the data set to `out` in this transfer syntax. Retired group lengths are left out, that
/// of a command set (0000,0000) is computed; odd values are padded. A value too long for its VR's
/// 16-bit length is written with VR UN (PS3.5 6.2.2).
pub fn write(set: &DataSet, syntax: &TransferSyntax, out: &mut Vec<u8>) -> Result<(), WriteError> {
    let encoding = encoding_of(syntax);
    if syntax.deflated {
        let mut plain = Vec::new();
        Writer::new(encoding, &mut plain).set(set)?;
        let mut deflate = DeflateEncoder::new(&mut *out, Compression::default());
        deflate.write_all(&plain)?;
        deflate.finish()?;
        // PS3.5 A.5: an odd stream is padded with one byte.
        if !out.len().is_multiple_of(2) {
            out.push(0);
        }
        return Ok(());
    }
    Writer::new(encoding, out).set(set)
}

/// A part of a data set that is written around values that are not held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// These bytes.
    Made(Bytes),
    /// Bytes of the data set that was read, from its start on.
    Kept(Range<u64>),
}

/// The data set in the encoding in which it was read: what is not held is copied from there. Of a
/// deflated one these are the pieces of the plain stream.
pub fn write_around(set: &DataSet, syntax: &TransferSyntax) -> Result<Vec<Piece>, WriteError> {
    let mut out = Vec::new();
    let mut writer = Writer { kept: Some(Vec::new()), ..Writer::new(encoding_of(syntax), &mut out) };
    writer.set(set)?;
    let kept = writer.kept.unwrap_or_default();
    let mut made = Bytes::from(out);
    let (mut pieces, mut at) = (Vec::new(), 0);
    for Kept { behind, range } in kept {
        let before = made.split_to(behind.saturating_sub(at).min(made.len()));
        at = behind;
        if !before.is_empty() {
            pieces.push(Piece::Made(before));
        }
        pieces.push(Piece::Kept(range));
    }
    if !made.is_empty() {
        pieces.push(Piece::Made(made));
    }
    Ok(pieces)
}

fn encoding_of(syntax: &TransferSyntax) -> Encoding {
    match (syntax.explicit, syntax.big_endian) {
        (false, _) => Encoding::ImplicitLittle,
        (true, false) => Encoding::ExplicitLittle,
        (true, true) => Encoding::ExplicitBig,
    }
}

/// A value that is copied in place of being written.
struct Kept {
    /// Behind how many bytes that are written.
    behind: usize,
    range: Range<u64>,
}

struct Writer<'a> {
    encoding: Encoding,
    out: &'a mut Vec<u8>,
    /// Values that are copied from where they lie; `None` when that cannot be done.
    kept: Option<Vec<Kept>>,
    /// Bytes of all of them.
    kept_bytes: usize,
}

impl<'a> Writer<'a> {
    fn new(encoding: Encoding, out: &'a mut Vec<u8>) -> Self {
        Self { encoding, out, kept: None, kept_bytes: 0 }
    }

    fn set(&mut self, set: &DataSet) -> Result<(), WriteError> {
        let start = self.out.len();
        let mut commands_end = None;
        for element in set {
            if element.tag.0 == 0 && commands_end.is_none() {
                // Filled in below, when the length of the group is known.
                self.element(&Element::new(Tag(0, 0), VR::UL, vec![0; 4]))?;
            }
            if element.tag.1 != 0 {
                self.element(element)?;
            }
            if element.tag.0 == 0 {
                commands_end = Some(self.out.len());
            }
        }
        if let Some(end) = commands_end {
            let header_and_value = start + 12;
            self.patch(start + 8, end - header_and_value, Tag(0, 0))?;
        }
        Ok(())
    }

    fn element(&mut self, element: &Element) -> Result<(), WriteError> {
        match &element.value {
            Value::Bytes(bytes) => self.bytes(element.tag, element.vr, bytes),
            Value::Items(items) => self.items(element.tag, items),
            Value::Elsewhere { offset, length } => {
                self.header(element.tag, element.vr, even(*length, element.tag)?);
                self.keep(*offset, *length, element.tag, padding(element.vr))
            }
            Value::Fragments(fragments) => self.fragments(element.tag, fragments),
        }
    }

    /// Leaves a value where it lies, to be copied.
    fn keep(&mut self, offset: u64, length: u64, tag: Tag, padding: u8) -> Result<(), WriteError> {
        let kept = self.kept.as_mut().ok_or(WriteError::NotHeld(tag))?;
        let bytes = usize::try_from(length).map_err(|_| WriteError::TooLong(tag))?;
        kept.push(Kept { behind: self.out.len(), range: offset..offset.saturating_add(length) });
        self.kept_bytes = self.kept_bytes.saturating_add(bytes);
        if !bytes.is_multiple_of(2) {
            self.out.push(padding);
        }
        Ok(())
    }

    /// An encapsulated value, such as the picture of an icon (PS3.5 A.4).
    fn fragments(&mut self, tag: Tag, fragments: &[Fragment]) -> Result<(), WriteError> {
        self.header(tag, VR::OB, u32::MAX);
        for fragment in fragments {
            self.tag(ITEM);
            self.u32(even(fragment.length, tag)?);
            self.keep(fragment.offset, fragment.length, tag, 0)?;
        }
        self.tag(SEQUENCE_END);
        self.u32(0);
        Ok(())
    }

    /// How far the data set is written, with what is copied.
    fn position(&self) -> usize {
        self.out.len().saturating_add(self.kept_bytes)
    }

    fn bytes(&mut self, tag: Tag, vr: VR, bytes: &[u8]) -> Result<(), WriteError> {
        let odd = !bytes.len().is_multiple_of(2);
        let length = u32::try_from(bytes.len() + usize::from(odd)).map_err(|_| WriteError::TooLong(tag))?;
        let vr = self.header(tag, vr, length);
        let start = self.out.len();
        self.out.extend_from_slice(bytes);
        if odd {
            self.out.push(padding(vr));
        }
        if self.encoding == Encoding::ExplicitBig
            && let Some(written) = self.out.get_mut(start..)
        {
            swap(vr, written);
        }
        Ok(())
    }

    fn items(&mut self, tag: Tag, items: &[DataSet]) -> Result<(), WriteError> {
        // Without a VR only an undefined length tells a reader that a private element is a sequence.
        let undefined = self.encoding == Encoding::ImplicitLittle && super::vr_of(tag) != VR::SQ;
        self.header(tag, VR::SQ, if undefined { u32::MAX } else { 0 });
        let (sequence_length, sequence_start) = (self.out.len() - 4, self.position());
        for item in items {
            self.tag(ITEM);
            self.u32(0);
            let (item_length, item_start) = (self.out.len() - 4, self.position());
            self.set(item)?;
            self.patch(item_length, self.position() - item_start, tag)?;
        }
        if undefined {
            self.tag(SEQUENCE_END);
            self.u32(0);
            return Ok(());
        }
        self.patch(sequence_length, self.position() - sequence_start, tag)
    }

    /// Writes a header and returns the VR in which the value has to follow: UN, whose value is little
    /// endian in every transfer syntax (PS3.5 6.2.2), for a value too long for its own.
    fn header(&mut self, tag: Tag, vr: VR, length: u32) -> VR {
        self.tag(tag);
        if self.encoding == Encoding::ImplicitLittle {
            self.u32(length);
            return vr;
        }
        match u16::try_from(length) {
            Ok(length) if !has_long_length(vr) => {
                self.out.extend_from_slice(&vr.to_bytes());
                self.u16(length);
                vr
            }
            _ => {
                let vr = if has_long_length(vr) { vr } else { VR::UN };
                self.out.extend_from_slice(&vr.to_bytes());
                self.u16(0);
                self.u32(length);
                vr
            }
        }
    }

    fn tag(&mut self, tag: Tag) {
        self.u16(tag.0);
        self.u16(tag.1);
    }

    fn u16(&mut self, number: u16) {
        self.out.extend_from_slice(&self.encoding.u16_bytes(number));
    }

    fn u32(&mut self, number: u32) {
        self.out.extend_from_slice(&self.encoding.u32_bytes(number));
    }

    /// Writes a length over its placeholder.
    fn patch(&mut self, at: usize, length: usize, tag: Tag) -> Result<(), WriteError> {
        let length = u32::try_from(length)
            .ok()
            .filter(|&length| length != u32::MAX)
            .ok_or(WriteError::TooLong(tag))?;
        let bytes = self.encoding.u32_bytes(length);
        if let Some(place) = self.out.get_mut(at..at + 4) {
            place.copy_from_slice(&bytes);
        }
        Ok(())
    }
}

impl Encoding {
    fn u16_bytes(self, number: u16) -> [u8; 2] {
        if self == Self::ExplicitBig { number.to_be_bytes() } else { number.to_le_bytes() }
    }

    fn u32_bytes(self, number: u32) -> [u8; 4] {
        if self == Self::ExplicitBig { number.to_be_bytes() } else { number.to_le_bytes() }
    }
}

/// The length of a value that is padded when it is odd.
fn even(length: u64, tag: Tag) -> Result<u32, WriteError> {
    let padded = length.saturating_add(length % 2);
    u32::try_from(padded).ok().filter(|length| *length != u32::MAX).ok_or(WriteError::TooLong(tag))
}

/// What fills an odd value up (PS3.5 6.2): NUL for UIDs and bytes, space for text.
fn padding(vr: VR) -> u8 {
    match vr {
        VR::UI | VR::OB | VR::UN => 0,
        _ if super::swap::unit_bytes(vr) > 1 => 0,
        _ => b' ',
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::{Limits, Until, read_slice};
    use crate::tags;

    /// A data set of which large values, at the top and within items, were left where they lie.
    #[test]
    fn what_is_not_held_is_copied_from_where_it_lies() {
        let mut icon = DataSet::new();
        icon.put_bytes(tags::PIXEL_DATA, VR::OB, vec![7; 4001]);
        icon.put_int(tags::ROWS, 3);
        let mut set = DataSet::new();
        set.put_text(tags::PATIENT_NAME, "Nguyễn^A");
        set.put_items(tags::ICON_IMAGE_SEQUENCE, vec![icon]);
        set.put_bytes(tags::ICC_PROFILE, VR::OB, vec![9; 3000]);
        set.put_bytes(Tag(0x6000, 0x3000), VR::OW, vec![1, 2]);
        let limits = Limits { value_bytes: 1000, ..Limits::default() };
        for syntax in [
            TransferSyntax::EXPLICIT_LITTLE_ENDIAN,
            TransferSyntax::IMPLICIT_LITTLE_ENDIAN,
            TransferSyntax::EXPLICIT_BIG_ENDIAN,
        ] {
            let mut stored = Vec::new();
            write(&set, &syntax, &mut stored).unwrap();
            let mut read = read_slice(&stored, &syntax, &limits, Until::End).unwrap().data_set;
            assert!(write(&read, &syntax, &mut Vec::new()).is_err(), "something is not held");
            let mut want = set.clone();
            for set in [&mut read, &mut want] {
                set.put_text(tags::PATIENT_NAME, "Trần^Thị Bình");
            }
            let pieces = write_around(&read, &syntax).unwrap();
            assert_eq!(pieces.iter().filter(|piece| matches!(piece, Piece::Kept(_))).count(), 2);
            let joined: Vec<u8> = pieces
                .iter()
                .flat_map(|piece| match piece {
                    Piece::Made(bytes) => bytes.to_vec(),
                    Piece::Kept(range) => stored[range.start as usize..range.end as usize].to_vec(),
                })
                .collect();
            let mut whole = Vec::new();
            write(&want, &syntax, &mut whole).unwrap();
            assert!(joined == whole, "{}", syntax.name);
        }
    }

    #[test]
    fn a_table_too_long_for_its_representation_is_little_endian_everywhere() {
        let table: Vec<u8> = (0..40_000u16).flat_map(u16::to_le_bytes).collect();
        let tag = crate::tags::LUT_DATA;
        let mut set = DataSet::new();
        set.put_bytes(tag, VR::US, table.clone());
        for syntax in [TransferSyntax::EXPLICIT_LITTLE_ENDIAN, TransferSyntax::EXPLICIT_BIG_ENDIAN] {
            let mut bytes = Vec::new();
            write(&set, &syntax, &mut bytes).unwrap();
            assert_eq!(&bytes[4..6], b"UN", "{}", syntax.name);
            let limits = Limits { value_bytes: 1 << 20, ..Limits::default() };
            let read = read_slice(&bytes, &syntax, &limits, Until::End).unwrap().data_set;
            assert_eq!(
                read.get(tag).and_then(Element::bytes).map(|bytes| bytes.to_vec()),
                Some(table.clone())
            );
        }
    }
}
