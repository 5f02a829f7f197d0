//! A data set laid out anew in another encoding, as a list of pieces: bytes made here, ranges to copy from where large
//! values lie, and the place where the frames go. Nothing large is held.

use std::iter;
use std::ops::Range;

use bytes::Bytes;

pub use super::swap::unit_bytes as number_bytes;
use super::swap::{swap, swap_units};
use super::{DataSet, Element, Fragment, Value};
use crate::transfer_syntax::TransferSyntax;
use crate::{Tag, VR, tags};

/// The next part of the data set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// These bytes.
    Made(Bytes),
    /// A value copied from where it lies.
    Copied {
        /// Where it begins, in bytes from the start of the stored data set or of the file of large values.
        offset: u64,
        /// Its length in bytes.
        length: u64,
        /// Bytes of one number whose order is turned around; 1 leaves them.
        swapped: usize,
    },
    /// All frames, one after another: native ones in the byte order of the encoding, compressed ones as fragments.
    Frames,
}

/// The pixel data that frames become.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pixels {
    /// Bytes of all frames together, where they are native.
    pub length: Option<u64>,
    /// Bits Allocated (0028,0100).
    pub bits_allocated: u16,
    /// Photometric Interpretation (0028,0004) of what they became, where it is not the one that `set` has.
    pub photometric: Option<&'static str>,
    /// Whether decoding has put the samples of a pixel together (Planar Configuration 0).
    pub interleaved: bool,
}

/// The data set holds something that has no form in the other encoding: a value of 4 GiB, a structure that was too
/// large to be parsed, or samples that are no whole bytes in the other byte order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Impossible;

/// Lays out `set`, whose large values lie in the byte order of `source`, in Explicit VR Little Endian. With `pixels`,
/// Pixel Data is replaced by such frames.
pub fn lay_out(
    set: &DataSet,
    source: &TransferSyntax,
    pixels: Option<&Pixels>,
) -> Result<Vec<Piece>, Impossible> {
    lay_out_as(set, source, &TransferSyntax::EXPLICIT_LITTLE_ENDIAN, pixels)
}

/// The same in the encoding of `target`, before it is deflated; with implicit VR frames have to be native ones.
pub fn lay_out_as(
    set: &DataSet,
    source: &TransferSyntax,
    target: &TransferSyntax,
    pixels: Option<&Pixels>,
) -> Result<Vec<Piece>, Impossible> {
    let mut layout = Layout { source, target, encapsulated: false, pieces: Vec::new(), made: Vec::new() };
    let is_turned = source.big_endian != target.big_endian;
    for element in set {
        match (element.tag, pixels) {
            (tags::PIXEL_DATA, Some(pixels)) => layout.frames(pixels)?,
            (tags::PIXEL_DATA, None) if is_turned => {
                layout.turned_pixels(element, set.int(tags::BITS_ALLOCATED))?;
            }
            // They index fragments that are no more.
            (tags::EXTENDED_OFFSET_TABLE | tags::EXTENDED_OFFSET_TABLE_LENGTHS, Some(_)) => {}
            (tags::PHOTOMETRIC_INTERPRETATION, Some(Pixels { photometric: Some(photometric), .. })) => {
                layout.text(element.tag, VR::CS, photometric)?;
            }
            (tags::PLANAR_CONFIGURATION, Some(pixels)) if pixels.interleaved => {
                layout.header(element.tag, VR::US, 2)?;
                layout.two(0);
            }
            _ => layout.element(element)?,
        }
    }
    layout.cut();
    Ok(layout.pieces)
}

/// Lays out `set` with encapsulated Pixel Data (PS3.5 A.4): one fragment for each of the ranges, and an empty offset
/// table. Fragments of pictures within `set` are of the same transfer syntax.
pub fn lay_out_encapsulated(set: &DataSet, frames: &[Range<u64>]) -> Result<Vec<Piece>, Impossible> {
    let source = &TransferSyntax::EXPLICIT_LITTLE_ENDIAN;
    let mut layout =
        Layout { source, target: source, encapsulated: true, pieces: Vec::new(), made: Vec::new() };
    // Tables of offsets are of other fragments.
    let replaced = [tags::PIXEL_DATA, tags::EXTENDED_OFFSET_TABLE, tags::EXTENDED_OFFSET_TABLE_LENGTHS];
    let kept = set.iter().filter(|element| !replaced.contains(&element.tag));
    let (before, behind): (Vec<_>, Vec<_>) = kept.partition(|element| element.tag < tags::PIXEL_DATA);
    before.into_iter().try_for_each(|element| layout.element(element))?;
    let frames = frames.iter().map(|frame| (frame.start, frame.end.saturating_sub(frame.start)));
    layout.fragments(iter::once((0, 0)).chain(frames))?;
    behind.into_iter().try_for_each(|element| layout.element(element))?;
    layout.cut();
    Ok(layout.pieces)
}

/// Whether the items of a sequence are pictures that are compressed themselves, as icons in standard and private
/// sequences are.
fn are_compressed_pictures(items: &[DataSet]) -> bool {
    items.iter().any(|item| {
        item.get(tags::PIXEL_DATA).is_some_and(|pixels| matches!(pixels.value, Value::Fragments(_)))
    })
}

const UNDEFINED_LENGTH: u32 = u32::MAX;
const ITEM: Tag = Tag(0xFFFE, 0xE000);
const ITEM_END: Tag = Tag(0xFFFE, 0xE00D);
const SEQUENCE_END: Tag = Tag(0xFFFE, 0xE0DD);
const TRAILING_PADDING: Tag = Tag(0xFFFC, 0xFFFC);

struct Layout<'a> {
    source: &'a TransferSyntax,
    target: &'a TransferSyntax,
    /// Whether what is made is of a transfer syntax that has fragments.
    encapsulated: bool,
    pieces: Vec<Piece>,
    made: Vec<u8>,
}

impl Layout<'_> {
    fn element(&mut self, element: &Element) -> Result<(), Impossible> {
        // Group lengths would be wrong now, and padding is for files (PS3.5 7.2, PS3.10 7.2).
        if element.tag.1 == 0 || element.tag == TRAILING_PADDING {
            return Ok(());
        }
        match &element.value {
            Value::Bytes(bytes) => {
                let vr = self.header(element.tag, element.vr, even(bytes.len() as u64))?;
                self.value(vr, bytes);
            }
            // An icon is a convenience (type 3) that repeats the image: it is left out, not the instance.
            Value::Items(items) if !self.encapsulated && are_compressed_pictures(items) => {}
            Value::Items(items) => self.sequence(element.tag, items)?,
            Value::Elsewhere { .. } if element.vr == VR::SQ => return Err(Impossible),
            Value::Elsewhere { offset, length } => {
                let vr = self.header(element.tag, element.vr, even(*length))?;
                let is_turned = self.source.big_endian != self.target.big_endian;
                self.copied(*offset, *length, if is_turned { number_bytes(vr) } else { 1 });
                self.pad(vr, *length);
            }
            Value::Fragments(fragments) if self.encapsulated => {
                let places = fragments.iter().map(|Fragment { offset, length }| (*offset, *length));
                self.fragments(places)?;
            }
            Value::Fragments(_) => return Err(Impossible),
        }
        Ok(())
    }

    /// Native Pixel Data in the other byte order. Samples are turned around as wholes, whatever the words of its value
    /// representation; those of up to eight bits lie byte after byte in big endian (PS3.5 8.1.2, A.3).
    fn turned_pixels(&mut self, element: &Element, bits_allocated: Option<i64>) -> Result<(), Impossible> {
        let words = number_bytes(element.vr);
        let (vr, turned) = match (bits_allocated, self.target.big_endian) {
            (Some(1 | 8), true) => (VR::OB, 1),
            (Some(1 | 8), false) => (element.vr, words),
            (Some(16), _) => (VR::OW, 2),
            (Some(32), _) => (VR::OW, 4),
            (Some(64), _) => (VR::OW, 8),
            _ => return Err(Impossible),
        };
        match &element.value {
            Value::Bytes(bytes) => {
                self.header(element.tag, vr, even(bytes.len() as u64))?;
                let mut bytes = bytes.to_vec();
                if self.target.big_endian {
                    swap_units(turned, &mut bytes);
                }
                self.made.extend_from_slice(&bytes);
                self.pad(vr, bytes.len() as u64);
            }
            Value::Elsewhere { offset, length } => {
                self.header(element.tag, vr, even(*length))?;
                self.copied(*offset, *length, turned);
                self.pad(vr, *length);
            }
            Value::Items(_) | Value::Fragments(_) => return Err(Impossible),
        }
        Ok(())
    }

    /// A value that is held in little endian, with its padding.
    fn value(&mut self, vr: VR, bytes: &[u8]) {
        let start = self.made.len();
        self.made.extend_from_slice(bytes);
        if self.target.big_endian
            && let Some(written) = self.made.get_mut(start..)
        {
            swap(vr, written);
        }
        self.pad(vr, bytes.len() as u64);
    }

    fn copied(&mut self, offset: u64, length: u64, swapped: usize) {
        self.cut();
        self.pieces.push(Piece::Copied { offset, length, swapped });
    }

    /// With undefined lengths nothing has to be known of the items before they are laid out.
    fn sequence(&mut self, tag: Tag, items: &[DataSet]) -> Result<(), Impossible> {
        self.tag(tag);
        if self.target.explicit {
            self.made.extend_from_slice(b"SQ\0\0");
        }
        self.four(UNDEFINED_LENGTH);
        for item in items {
            self.tag(ITEM);
            self.four(UNDEFINED_LENGTH);
            for element in item {
                self.element(element)?;
            }
            self.tag(ITEM_END);
            self.four(0);
        }
        self.tag(SEQUENCE_END);
        self.four(0);
        Ok(())
    }

    fn frames(&mut self, pixels: &Pixels) -> Result<(), Impossible> {
        let Some(length) = pixels.length else {
            if !self.target.explicit {
                return Err(Impossible);
            }
            self.tag(tags::PIXEL_DATA);
            self.made.extend_from_slice(b"OB\0\0");
            self.four(UNDEFINED_LENGTH);
            // An empty offset table: where frames begin is not known before they are made.
            self.tag(ITEM);
            self.four(0);
            self.cut();
            self.pieces.push(Piece::Frames);
            self.tag(SEQUENCE_END);
            self.four(0);
            return Ok(());
        };
        let vr = if pixels.bits_allocated > 8 { VR::OW } else { VR::OB };
        self.header(tags::PIXEL_DATA, vr, even(length))?;
        self.cut();
        self.pieces.push(Piece::Frames);
        self.pad(vr, length);
        Ok(())
    }

    fn text(&mut self, tag: Tag, vr: VR, text: &str) -> Result<(), Impossible> {
        self.header(tag, vr, even(text.len() as u64))?;
        self.made.extend_from_slice(text.as_bytes());
        self.pad(vr, text.len() as u64);
        Ok(())
    }

    /// PS3.5 7.1.2. A value too long for the 16-bit length of its VR becomes UN (PS3.5 6.2.2 note 6), which is little
    /// endian everywhere: the VR in which the value has to follow is answered.
    fn header(&mut self, tag: Tag, vr: VR, length: u64) -> Result<VR, Impossible> {
        let length =
            u32::try_from(length).ok().filter(|length| *length != UNDEFINED_LENGTH).ok_or(Impossible)?;
        self.tag(tag);
        match (has_long_length(vr), u16::try_from(length)) {
            _ if !self.target.explicit => self.four(length),
            (false, Ok(short)) => {
                self.made.extend_from_slice(vr.to_string().as_bytes());
                self.two(short);
            }
            (long, _) => {
                let vr = if long { vr } else { VR::UN };
                self.made.extend_from_slice(vr.to_string().as_bytes());
                self.made.extend_from_slice(&[0, 0]);
                self.four(length);
                return Ok(vr);
            }
        }
        Ok(vr)
    }

    /// Offset and length of each, the offset table first.
    fn fragments(&mut self, fragments: impl Iterator<Item = (u64, u64)>) -> Result<(), Impossible> {
        self.tag(tags::PIXEL_DATA);
        self.made.extend_from_slice(b"OB\0\0");
        self.four(UNDEFINED_LENGTH);
        for (offset, length) in fragments {
            self.item(even(length))?;
            if length > 0 {
                self.copied(offset, length, 1);
                self.pad(VR::OB, length);
            }
        }
        self.tag(SEQUENCE_END);
        self.four(0);
        Ok(())
    }

    /// The head of an item of known length.
    fn item(&mut self, length: u64) -> Result<(), Impossible> {
        let length =
            u32::try_from(length).ok().filter(|length| *length != UNDEFINED_LENGTH).ok_or(Impossible)?;
        self.tag(ITEM);
        self.four(length);
        Ok(())
    }

    fn tag(&mut self, tag: Tag) {
        self.two(tag.0);
        self.two(tag.1);
    }

    fn two(&mut self, number: u16) {
        let bytes = if self.target.big_endian { number.to_be_bytes() } else { number.to_le_bytes() };
        self.made.extend_from_slice(&bytes);
    }

    fn four(&mut self, number: u32) {
        let bytes = if self.target.big_endian { number.to_be_bytes() } else { number.to_le_bytes() };
        self.made.extend_from_slice(&bytes);
    }

    fn pad(&mut self, vr: VR, length: u64) {
        if length % 2 == 1 {
            let text = !has_long_length(vr) && vr != VR::UI || matches!(vr, VR::UC | VR::UR | VR::UT);
            self.made.push(if text { b' ' } else { 0 });
        }
    }

    fn cut(&mut self) {
        if !self.made.is_empty() {
            self.pieces.push(Piece::Made(Bytes::from(std::mem::take(&mut self.made))));
        }
    }
}

fn even(length: u64) -> u64 {
    length.saturating_add(length % 2)
}

/// PS3.5 table 7.1-1.
fn has_long_length(vr: VR) -> bool {
    use VR::{OB, OD, OF, OL, OV, OW, SQ, SV, UC, UN, UR, UT, UV};
    matches!(vr, OB | OD | OF | OL | OV | OW | SQ | SV | UC | UN | UR | UT | UV)
}

#[cfg(test)]
mod tests {
    use super::super::{Limits, Until, read_slice};
    use super::*;

    fn joined(pieces: &[Piece], frames: &[u8]) -> Vec<u8> {
        pieces
            .iter()
            .flat_map(|piece| match piece {
                Piece::Made(bytes) => bytes.to_vec(),
                Piece::Copied { length, .. } => vec![7; usize::try_from(*length).unwrap()],
                Piece::Frames => frames.to_vec(),
            })
            .collect()
    }

    fn sample() -> DataSet {
        let mut item = DataSet::new();
        item.put_text(tags::SCHEDULED_PROCEDURE_STEP_ID, "S1x");
        let mut set = DataSet::new();
        set.put_text(tags::PATIENT_NAME, "Nguyễn^Văn A");
        set.put_text(tags::PHOTOMETRIC_INTERPRETATION, "YBR_FULL_422");
        set.put_int(tags::PLANAR_CONFIGURATION, 1);
        set.put_items(tags::REQUEST_ATTRIBUTES_SEQUENCE, vec![item]);
        set
    }

    #[test]
    fn what_is_laid_out_reads_back() {
        let mut set = sample();
        set.put(Element {
            tag: tags::ICC_PROFILE,
            vr: VR::OB,
            value: Value::Elsewhere { offset: 9, length: 3 },
        });
        let pieces = lay_out(&set, &TransferSyntax::IMPLICIT_LITTLE_ENDIAN, None).unwrap();
        let bytes = joined(&pieces, &[]);
        let explicit = TransferSyntax::EXPLICIT_LITTLE_ENDIAN;
        let read = read_slice(&bytes, &explicit, &Limits::default(), Until::End).unwrap().data_set;
        assert_eq!(read.text(tags::PATIENT_NAME).as_deref(), Some("Nguyễn^Văn A"));
        let items = read.items(tags::REQUEST_ATTRIBUTES_SEQUENCE);
        assert_eq!(items[0].text(tags::SCHEDULED_PROCEDURE_STEP_ID).as_deref(), Some("S1x"));
        assert_eq!(read.get(tags::ICC_PROFILE).unwrap().bytes().unwrap().as_ref(), [7, 7, 7, 0]);
    }

    #[test]
    fn implicit_representations_are_laid_out_too() {
        let pixels = Pixels { length: Some(4), bits_allocated: 8, photometric: None, interleaved: false };
        let mut set = sample();
        let value = Value::Fragments(vec![Fragment { offset: 0, length: 4 }]);
        set.put(Element { tag: tags::PIXEL_DATA, vr: VR::OB, value });
        let source = TransferSyntax::EXPLICIT_LITTLE_ENDIAN;
        let implicit = TransferSyntax::IMPLICIT_LITTLE_ENDIAN;
        let bytes = joined(&lay_out_as(&set, &source, &implicit, Some(&pixels)).unwrap(), &[1, 2, 3, 4]);
        let read = read_slice(&bytes, &implicit, &Limits::default(), Until::End).unwrap();
        assert_eq!(read.data_set.text(tags::PATIENT_NAME).as_deref(), Some("Nguyễn^Văn A"));
        let items = read.data_set.items(tags::REQUEST_ATTRIBUTES_SEQUENCE);
        assert_eq!(items[0].text(tags::SCHEDULED_PROCEDURE_STEP_ID).as_deref(), Some("S1x"));
        assert!(bytes.ends_with(&[4, 0, 0, 0, 1, 2, 3, 4]));
        let compressed = Pixels { length: None, ..pixels };
        assert_eq!(lay_out_as(&set, &source, &implicit, Some(&compressed)), Err(Impossible));
    }

    #[test]
    fn decoded_frames_take_the_place_of_fragments() {
        let mut set = sample();
        let fragments = vec![Fragment { offset: 0, length: 4 }];
        set.put(Element { tag: tags::PIXEL_DATA, vr: VR::OB, value: Value::Fragments(fragments) });
        set.put_bytes(tags::EXTENDED_OFFSET_TABLE, VR::OV, vec![0; 8]);
        let syntax = TransferSyntax::EXPLICIT_LITTLE_ENDIAN;
        assert_eq!(lay_out(&set, &syntax, None), Err(Impossible));

        let mut icon = DataSet::new();
        let inner = vec![Fragment { offset: 0, length: 4 }];
        icon.put(Element { tag: tags::PIXEL_DATA, vr: VR::OB, value: Value::Fragments(inner) });
        set.put_items(tags::ICON_IMAGE_SEQUENCE, vec![icon]);
        let pixels =
            Pixels { length: Some(3), bits_allocated: 8, photometric: Some("RGB"), interleaved: true };
        let pieces = lay_out(&set, &syntax, Some(&pixels)).unwrap();
        let bytes = joined(&pieces, &[1, 2, 3]);
        let read = read_slice(&bytes, &syntax, &Limits::default(), Until::End).unwrap();
        assert!(bytes.ends_with(&[1, 2, 3, 0]));
        assert_eq!(read.pixel_data.unwrap().length, Some(4));
        let read = read.data_set;
        assert_eq!(read.text(tags::PHOTOMETRIC_INTERPRETATION).as_deref(), Some("RGB"));
        assert_eq!(read.int(tags::PLANAR_CONFIGURATION), Some(0));
        assert!(!read.contains(tags::EXTENDED_OFFSET_TABLE) && !read.contains(tags::ICON_IMAGE_SEQUENCE));
        // A colour space that nothing was done with keeps its name.
        set.put_text(tags::PHOTOMETRIC_INTERPRETATION, "HSV");
        let pieces = lay_out(&set, &syntax, Some(&Pixels { photometric: None, ..pixels })).unwrap();
        let read = read_slice(&joined(&pieces, &[1, 2, 3]), &syntax, &Limits::default(), Until::End).unwrap();
        assert_eq!(read.data_set.text(tags::PHOTOMETRIC_INTERPRETATION).as_deref(), Some("HSV"));
    }

    #[test]
    fn frames_become_fragments() {
        let mut set = sample();
        set.put_bytes(Tag(0xFFFA, 0xFFFA), VR::OB, vec![1, 2]);
        set.put_bytes(tags::EXTENDED_OFFSET_TABLE, VR::OV, vec![0; 8]);
        let pieces = lay_out_encapsulated(&set, &[10..14, 14..17]).unwrap();
        let bytes = joined(&pieces, &[]);
        let syntax = TransferSyntax { encapsulated: true, ..TransferSyntax::EXPLICIT_LITTLE_ENDIAN };
        let read = read_slice(&bytes, &syntax, &Limits::default(), Until::End).unwrap().data_set;
        let Value::Fragments(fragments) = &read.get(tags::PIXEL_DATA).unwrap().value else { panic!() };
        assert_eq!(fragments.iter().map(|fragment| fragment.length).collect::<Vec<_>>(), [0, 4, 4]);
        assert!(read.contains(Tag(0xFFFA, 0xFFFA)) && read.contains(tags::PATIENT_NAME));
        assert!(!read.contains(tags::EXTENDED_OFFSET_TABLE), "it would point at other fragments");
    }

    #[test]
    fn what_has_no_form_is_said() {
        let large = Pixels {
            length: Some(1 << 32),
            bits_allocated: 16,
            photometric: Some("MONOCHROME2"),
            interleaved: false,
        };
        let mut set = DataSet::new();
        set.put_bytes(tags::PIXEL_DATA, VR::OW, vec![]);
        assert_eq!(lay_out(&set, &TransferSyntax::EXPLICIT_LITTLE_ENDIAN, Some(&large)), Err(Impossible));
        let mut set = DataSet::new();
        let value = Value::Elsewhere { offset: 0, length: 10 };
        set.put(Element { tag: tags::REQUEST_ATTRIBUTES_SEQUENCE, vr: VR::SQ, value });
        assert_eq!(lay_out(&set, &TransferSyntax::IMPLICIT_LITTLE_ENDIAN, None), Err(Impossible));
    }

    #[test]
    fn big_endian_values_that_are_copied_are_turned() {
        let mut set = DataSet::new();
        set.put_int(tags::BITS_ALLOCATED, 16);
        set.put(Element {
            tag: tags::PIXEL_DATA,
            vr: VR::OW,
            value: Value::Elsewhere { offset: 4, length: 8 },
        });
        let pieces = lay_out(&set, &TransferSyntax::EXPLICIT_BIG_ENDIAN, None).unwrap();
        assert_eq!(pieces.last(), Some(&Piece::Copied { offset: 4, length: 8, swapped: 2 }));
    }

    /// Numbers, samples of every width, and a table that is too long for its representation, there and back.
    #[test]
    fn what_is_turned_to_big_endian_reads_back() {
        let (little, big) = (TransferSyntax::EXPLICIT_LITTLE_ENDIAN, TransferSyntax::EXPLICIT_BIG_ENDIAN);
        let stored: Vec<u8> = (0..48).collect();
        for (bits, vr, in_big) in [
            (8, VR::OW, [0, 1, 2, 3, 4, 5, 6, 7]),
            (8, VR::OB, [0, 1, 2, 3, 4, 5, 6, 7]),
            (16, VR::OW, [1, 0, 3, 2, 5, 4, 7, 6]),
            (32, VR::OW, [3, 2, 1, 0, 7, 6, 5, 4]),
            (64, VR::OW, [7, 6, 5, 4, 3, 2, 1, 0]),
        ] {
            let mut set = sample();
            set.put_int(tags::BITS_ALLOCATED, bits);
            set.put_bytes(tags::LUT_DATA, VR::US, [1, 2].repeat(40_000));
            set.put_bytes(tags::PIXEL_DATA, vr, stored.clone());
            let bytes = joined(&lay_out_as(&set, &little, &big, None).unwrap(), &[]);
            assert_eq!(bytes[bytes.len() - 48..bytes.len() - 40], in_big);
            let limits = Limits { value_bytes: 1 << 20, ..Limits::default() };
            let read = read_slice(&bytes, &big, &limits, Until::End).unwrap().data_set;
            assert_eq!(read.int(tags::BITS_ALLOCATED), Some(bits));
            assert_eq!(read.get(tags::LUT_DATA).unwrap().bytes(), set.get(tags::LUT_DATA).unwrap().bytes());
            let back = lay_out(&read, &big, None).unwrap();
            let Some(Piece::Copied { offset, length: 48, swapped }) = back.last() else { panic!("{back:?}") };
            let mut pixels = bytes[usize::try_from(*offset).unwrap()..].to_vec();
            swap_units(*swapped, &mut pixels);
            assert!(pixels == stored, "{bits} bits in {vr}");
            let copied = Value::Elsewhere { offset: 2, length: 48 };
            set.put(Element { tag: tags::PIXEL_DATA, vr, value: copied });
            let swapped = usize::try_from(bits).unwrap() / 8;
            let pieces = lay_out_as(&set, &little, &big, None).unwrap();
            assert_eq!(pieces.last(), Some(&Piece::Copied { offset: 2, length: 48, swapped }));
        }
        let mut set = sample();
        set.put_int(tags::BITS_ALLOCATED, 12);
        set.put_bytes(tags::PIXEL_DATA, VR::OW, stored);
        assert_eq!(lay_out_as(&set, &little, &big, None), Err(Impossible), "samples across bytes");
    }
}
