//! Steps in a data set or an item: one element each.

use super::{SMALL_BYTES, Step, Walker, Window};
use crate::dataset::dictionary::vr_in_context;
use crate::dataset::header::{Encoding, Header, ITEM, ITEM_END, SEQUENCE_END, can_begin};
use crate::dataset::open::{Open, OpenFragments, OpenSequence};
use crate::dataset::swap::unit_bytes;
use crate::dataset::{Element, MAX_DEPTH, PixelDataPlace, ReadError, Until, Value};
use crate::{Tag, VR, tags};

impl Walker {
    pub(super) fn step_in_set(&mut self, window: &Window<'_>) -> Result<Step, ReadError> {
        let at = self.position;
        let at_root = self.open.is_empty();
        let bytes = window.from(at);
        let Some(first) = bytes.first_chunk::<8>() else {
            let padding = at_root && window.last && at <= window.end() && is_padding(bytes);
            return Ok(if padding { self.end_at(window.end()) } else { Step::NeedMore });
        };
        let set = self.set();
        let room = set.bound.saturating_sub(at);
        if set.fresh {
            set.fresh = false;
            set.encoding = set.encoding.of_first_element(first, room);
            if at_root && !can_begin(set.encoding, first, room) {
                return Err(ReadError::Malformed { what: "no element that a data set could begin with", at });
            }
        }
        let Some(header) = set.encoding.header(bytes, room, set.signed) else { return Ok(Step::NeedMore) };
        if header.tag.0 == 0xfffe {
            return self.delimiter_in_set(&header, at_root);
        }
        if header.tag == Tag(0, 0) && header.length == Some(0) && at_root && at > 0 {
            // Zeros that pad a file, read as elements.
            return Ok(self.end_at(at));
        }
        let start = at + header.bytes;
        match header.length {
            None => self.open_undefined(&header, at, start),
            Some(length) => self.take_element(window, &header, at, start, length.into()),
        }
    }

    /// A tag of group FFFE among elements: the end of this item, of the sequence around it, or a
    /// delimiter too many, which is passed over.
    pub(super) fn delimiter_in_set(&mut self, header: &Header, at_root: bool) -> Result<Step, ReadError> {
        let at = self.position;
        let undefined = !at_root && self.set().end.is_none();
        match header.tag {
            ITEM_END if undefined => {
                self.position += 8;
                self.close_item()
            }
            // The item's own delimiter was forgotten: what is here belongs to the sequence.
            SEQUENCE_END | ITEM if undefined => self.close_item(),
            ITEM_END | SEQUENCE_END if header.length == Some(0) => {
                self.position += 8;
                Ok(Step::On)
            }
            _ => Err(ReadError::Malformed { what: "an item outside a sequence", at }),
        }
    }

    /// An element of defined length.
    pub(super) fn take_element(
        &mut self,
        window: &Window<'_>,
        header: &Header,
        at: u64,
        start: u64,
        length: u64,
    ) -> Result<Step, ReadError> {
        let at_root = self.open.is_empty();
        if at_root && is_pixel_data(header.tag) {
            return self.native_pixel_data(header, at, start, length);
        }
        let bound = self.set().bound;
        if start.saturating_add(length) > bound {
            return Err(self.beyond(header.tag, at));
        }
        let header = match self.with_known_vr(window, header, start, length) {
            Some(header) => header,
            None => return Ok(Step::NeedMore),
        };
        if header.vr == VR::SQ {
            return self.open_sequence(&header, at, start, Some(start + length));
        }
        if self.discarding {
            self.position = start + length;
            return Ok(Step::On);
        }
        let cost = size_of::<Element>() + length as usize;
        let affordable = self.retained.saturating_add(cost) <= self.limits.retained_bytes;
        let held = length <= self.limits.held(header.tag, header.vr) && (affordable || length <= SMALL_BYTES);
        let value = if held {
            match window.from(start).get(..length as usize) {
                Some(bytes) => Value::Bytes(self.retain(window, start, bytes, header.vr)),
                None => return Ok(Step::NeedMore),
            }
        } else if !affordable && !at_root {
            return self.charge(cost, at);
        } else {
            Value::Elsewhere { offset: start, length }
        };
        self.note(header.tag, &value);
        self.set().put(Element { tag: header.tag, vr: header.vr, value });
        self.position = start + length;
        self.charge(if held { cost } else { size_of::<Element>() }, at)
    }

    /// An element of VR UN that the dictionary knows was implicit on its way here and is read as
    /// what it is (PS3.5 6.2.2). `None` when its first bytes are not at hand yet.
    pub(super) fn with_known_vr(
        &mut self,
        window: &Window<'_>,
        header: &Header,
        start: u64,
        length: u64,
    ) -> Option<Header> {
        if header.vr != VR::UN || self.set().encoding == Encoding::ExplicitBig {
            return Some(*header);
        }
        let signed = self.set().signed;
        let vr = match vr_in_context(header.tag, signed) {
            Some(VR::SQ) if length == 0 => VR::SQ,
            Some(VR::SQ) => {
                let begins = window.from(start).first_chunk::<4>();
                match begins {
                    None if length >= 8 => return None,
                    Some(&[0xfe, 0xff, 0x00, 0xe0]) => VR::SQ,
                    _ => VR::UN,
                }
            }
            Some(vr) if length.is_multiple_of(unit_bytes(vr) as u64) => vr,
            _ => VR::UN,
        };
        Some(Header { vr, ..*header })
    }

    /// Pixel data of defined length in the data set itself: never held, and the one element whose
    /// truncation is left to the caller to judge.
    pub(super) fn native_pixel_data(
        &mut self,
        header: &Header,
        at: u64,
        start: u64,
        length: u64,
    ) -> Result<Step, ReadError> {
        self.pixel_data.get_or_insert(PixelDataPlace {
            tag: header.tag,
            vr: header.vr,
            element_offset: at,
            value_offset: start,
            length: Some(length),
        });
        if self.until == Until::PixelData {
            return Ok(Step::Done);
        }
        let value = Value::Elsewhere { offset: start, length };
        self.root.put(Element { tag: header.tag, vr: header.vr, value });
        self.position = start.saturating_add(length);
        self.charge(size_of::<Element>(), at)
    }

    /// An element of undefined length: a sequence or an encapsulated value.
    pub(super) fn open_undefined(&mut self, header: &Header, at: u64, start: u64) -> Result<Step, ReadError> {
        let pixels =
            matches!(header.tag, tags::PIXEL_DATA | tags::FLOAT_PIXEL_DATA | tags::DOUBLE_FLOAT_PIXEL_DATA);
        let encapsulated = pixels || matches!(header.vr, VR::OB | VR::OW);
        if !encapsulated {
            return self.open_sequence(header, at, start, None);
        }
        if pixels && self.open.is_empty() {
            self.pixel_data.get_or_insert(PixelDataPlace {
                tag: header.tag,
                vr: header.vr,
                element_offset: at,
                value_offset: start,
                length: None,
            });
            if self.until == Until::PixelData {
                return Ok(Step::Done);
            }
        }
        let bound = self.set().bound;
        let vr = if header.vr == VR::UN { VR::OB } else { header.vr };
        self.open.push(Open::Fragments(OpenFragments {
            tag: header.tag,
            vr,
            at,
            bound,
            fragments: Vec::new(),
        }));
        self.position = start;
        Ok(Step::On)
    }

    pub(super) fn open_sequence(
        &mut self,
        header: &Header,
        at: u64,
        start: u64,
        end: Option<u64>,
    ) -> Result<Step, ReadError> {
        if self.depth >= MAX_DEPTH {
            return Err(ReadError::TooDeep { at });
        }
        self.depth += 1;
        let retained_before = self.retained;
        let encoding = if header.vr == VR::UN { Encoding::ImplicitLittle } else { header.inside };
        let set = self.set();
        let sequence = OpenSequence {
            tag: header.tag,
            at,
            start,
            end,
            bound: end.unwrap_or(set.bound),
            encoding,
            items: Vec::new(),
            character_set: set.character_set,
            signed: set.signed,
            retained_before,
        };
        self.open.push(Open::Sequence(sequence));
        self.position = start;
        Ok(Step::On)
    }
}

/// Whether the tag holds an image's pixels: (7FE0,0008), (7FE0,0009), (7FE0,0010).
pub(super) fn is_pixel_data(tag: Tag) -> bool {
    matches!(tag, tags::PIXEL_DATA | tags::FLOAT_PIXEL_DATA | tags::DOUBLE_FLOAT_PIXEL_DATA)
}

/// Fewer bytes than an element has, all of them zero: a file's own padding.
fn is_padding(bytes: &[u8]) -> bool {
    bytes.len() < 8 && bytes.iter().all(|&b| b == 0)
}
