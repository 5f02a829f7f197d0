//! The walk over a data set: one loop over a stack of what is open, fed by windows of bytes.
//!
//! Every step either takes something whole or nothing, so a walk can pause wherever the bytes end
//! and go on when more have come.

use bytes::Bytes;

use super::arena::Arena;
use super::header::{Encoding, Header, ITEM, ITEM_END, SEQUENCE_END, can_begin};
use super::open::{Open, OpenFragments, OpenSequence, OpenSet};
use super::read::{PixelDataPlace, Reading};
use super::swap::{swap, unit_bytes};
use super::{DataSet, Element, Fragment, Limits, MAX_DEPTH, ReadError, Until, Value};
use crate::text::CharacterSet;
use crate::transfer_syntax::TransferSyntax;
use crate::{Tag, VR, tags};

/// Bytes of the encoded data set that are at hand.
#[derive(Debug, Clone, Copy)]
pub(super) struct Window<'a> {
    pub bytes: &'a [u8],
    /// Offset of the first of them.
    pub base: u64,
    /// The buffer that they are all of, when values may be slices of it.
    pub shared: Option<&'a Bytes>,
    /// Whether nothing follows.
    pub last: bool,
}

impl<'a> Window<'a> {
    fn from(&self, at: u64) -> &'a [u8] {
        at.checked_sub(self.base)
            .and_then(|start| usize::try_from(start).ok())
            .and_then(|start| self.bytes.get(start..))
            .unwrap_or_default()
    }

    fn end(&self) -> u64 {
        self.base + self.bytes.len() as u64
    }
}

/// Values up to this length are held whatever the budget says, so that the keys of a data set that
/// comes near it are still read.
const SMALL_BYTES: u64 = 64;

/// What came of a step.
enum Step {
    On,
    NeedMore,
    Done,
}

/// A walk that may pause.
#[derive(Debug)]
pub(super) struct Walker {
    position: u64,
    root: OpenSet,
    /// What is open inside the root, outermost first.
    open: Vec<Open>,
    limits: Limits,
    until: Until,
    retained: usize,
    depth: usize,
    /// The outermost open sequence went beyond the limits and is walked only to find its end.
    discarding: bool,
    arena: Arena,
    pixel_data: Option<PixelDataPlace>,
    fault: Option<ReadError>,
    done: bool,
}

impl Walker {
    /// `total` is the length of the encoded data set, where it is known.
    pub(super) fn new(syntax: &TransferSyntax, limits: &Limits, until: Until, total: Option<u64>) -> Self {
        let encoding = match (syntax.explicit, syntax.big_endian) {
            (false, _) => Encoding::ImplicitLittle,
            (true, false) => Encoding::ExplicitLittle,
            (true, true) => Encoding::ExplicitBig,
        };
        let bound = total.unwrap_or(u64::MAX);
        let mut root = OpenSet::new(encoding, CharacterSet::DEFAULT, false, None, bound);
        root.elements.reserve(64);
        Self {
            position: 0,
            root,
            open: Vec::new(),
            limits: *limits,
            until,
            retained: 0,
            depth: 0,
            discarding: false,
            arena: Arena::default(),
            pixel_data: None,
            fault: None,
            done: false,
        }
    }

    /// Where the next byte is wanted; those before have been taken or may be skipped.
    pub(super) fn position(&self) -> u64 {
        self.position
    }

    /// Whether no more bytes are wanted.
    pub(super) fn done(&self) -> bool {
        self.done
    }

    /// Goes as far as the window allows.
    pub(super) fn run(&mut self, window: &Window<'_>) -> Result<(), ReadError> {
        while !self.done {
            match self.step(window) {
                Ok(Step::On) => {}
                Ok(Step::NeedMore) if window.last => self.end_of_bytes(window)?,
                Ok(Step::NeedMore) => return Ok(()),
                Ok(Step::Done) => self.done = true,
                // Behind whole pixel data nothing is of use to anyone; damage there is reported
                // and not an error.
                Err(error) if self.behind_pixel_data() => {
                    self.fault = Some(error);
                    self.done = true;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// What was read, once done.
    pub(super) fn finish(self) -> Reading {
        Reading { data_set: self.root.close(), pixel_data: self.pixel_data, end: self.position, fault: self.fault }
    }

    fn step(&mut self, window: &Window<'_>) -> Result<Step, ReadError> {
        match self.open.last() {
            None => self.step_in_set(window),
            Some(Open::Set(set)) if set.end.is_some_and(|end| self.position >= end) => self.close_item(),
            Some(Open::Set(_)) => self.step_in_set(window),
            Some(Open::Sequence(sequence)) if sequence.end.is_some_and(|end| self.position >= end) => {
                self.close_sequence(self.position)
            }
            Some(Open::Sequence(_)) => self.step_in_sequence(window),
            Some(Open::Fragments(_)) => self.step_in_fragments(window),
        }
    }

    /// The innermost open data set or item.
    fn set(&mut self) -> &mut OpenSet {
        match self.open.last_mut() {
            Some(Open::Set(set)) => set,
            _ => &mut self.root,
        }
    }

    fn step_in_set(&mut self, window: &Window<'_>) -> Result<Step, ReadError> {
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
    fn delimiter_in_set(&mut self, header: &Header, at_root: bool) -> Result<Step, ReadError> {
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
    fn take_element(
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
        let held = length <= self.limits.held(header.vr) && (affordable || length <= SMALL_BYTES);
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
    fn with_known_vr(&mut self, window: &Window<'_>, header: &Header, start: u64, length: u64) -> Option<Header> {
        if header.vr != VR::UN || self.set().encoding == Encoding::ExplicitBig {
            return Some(*header);
        }
        let signed = self.set().signed;
        let vr = match super::dictionary::vr_in_context(header.tag, signed) {
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
    fn native_pixel_data(&mut self, header: &Header, at: u64, start: u64, length: u64) -> Result<Step, ReadError> {
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
    fn open_undefined(&mut self, header: &Header, at: u64, start: u64) -> Result<Step, ReadError> {
        let pixels = matches!(header.tag, tags::PIXEL_DATA | tags::FLOAT_PIXEL_DATA | tags::DOUBLE_FLOAT_PIXEL_DATA);
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
        self.open.push(Open::Fragments(OpenFragments { tag: header.tag, vr, at, bound, fragments: Vec::new() }));
        self.position = start;
        Ok(Step::On)
    }

    fn open_sequence(&mut self, header: &Header, at: u64, start: u64, end: Option<u64>) -> Result<Step, ReadError> {
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

    /// The next item of the innermost open sequence, or its end.
    fn step_in_sequence(&mut self, window: &Window<'_>) -> Result<Step, ReadError> {
        let Some(Open::Sequence(sequence)) = self.open.last() else { return Ok(Step::On) };
        let at = self.position;
        let bytes = window.from(at);
        if sequence.end.is_some_and(|end| end - at < 8) {
            // Too few bytes for an item: padding behind the last one.
            let end = sequence.end.unwrap_or(at);
            self.position = end;
            return self.close_sequence(end);
        }
        let room = sequence.bound.saturating_sub(at);
        let Some(header) = sequence.encoding.header(bytes, room, false) else { return Ok(Step::NeedMore) };
        let start = at + 8;
        match (header.tag, header.length) {
            (ITEM, length) => {
                let end = length.map(|length| start + u64::from(length));
                if end.is_some_and(|end| end > sequence.bound) {
                    return Err(self.beyond(sequence.tag, at));
                }
                let bound = end.unwrap_or(sequence.bound);
                let item = OpenSet::new(sequence.encoding, sequence.character_set, sequence.signed, end, bound);
                self.position = start;
                self.open.push(Open::Set(item));
                Ok(Step::On)
            }
            (SEQUENCE_END, _) => {
                self.position = start;
                // A sequence of defined length needs no delimiter; one that has it ends where it said.
                if sequence.end.is_some() { Ok(Step::On) } else { self.close_sequence(at) }
            }
            // A delimiter too many.
            (ITEM_END, _) => {
                self.position = start;
                Ok(Step::On)
            }
            _ => Err(ReadError::Malformed { what: "something that is no item in a sequence", at }),
        }
    }

    /// The next fragment of an encapsulated value, or its end.
    fn step_in_fragments(&mut self, window: &Window<'_>) -> Result<Step, ReadError> {
        let at = self.position;
        let at_root = self.open.len() == 1;
        let Some(Open::Fragments(open)) = self.open.last_mut() else { return Ok(Step::On) };
        let Some(header) = Encoding::ExplicitLittle.header(window.from(at), u64::MAX, false) else {
            return Ok(Step::NeedMore);
        };
        let offset = at + 8;
        match (header.tag, header.length) {
            (ITEM, Some(length)) => {
                let length = u64::from(length);
                if offset + length > open.bound {
                    let (tag, begins) = (open.tag, open.at);
                    if !at_root {
                        return Err(self.beyond(tag, begins));
                    }
                    let there = open.bound.saturating_sub(offset);
                    open.fragments.push(Fragment { offset, length: there });
                    return self.end_pixel_data_early(ReadError::Truncated { tag, at: begins }, offset + there);
                }
                self.position = offset + length;
                if self.discarding {
                    return Ok(Step::On);
                }
                open.fragments.push(Fragment { offset, length });
                self.charge(size_of::<Fragment>(), at)
            }
            (SEQUENCE_END, _) => {
                self.position = offset;
                self.close_fragments();
                self.charge(size_of::<Element>(), at)
            }
            _ if at_root => {
                let fault = ReadError::Malformed { what: "something that is no fragment in encapsulated data", at };
                self.end_pixel_data_early(fault, at)
            }
            _ => Err(ReadError::Malformed { what: "something that is no fragment in encapsulated data", at }),
        }
    }

    fn close_fragments(&mut self) {
        if let Some(Open::Fragments(open)) = self.open.pop()
            && !self.discarding
        {
            self.set().put(Element { tag: open.tag, vr: open.vr, value: Value::Fragments(open.fragments) });
        }
    }

    /// Ends the walk inside top-level encapsulated pixel data, keeping the fragments found.
    fn end_pixel_data_early(&mut self, fault: ReadError, end: u64) -> Result<Step, ReadError> {
        self.position = end;
        self.close_fragments();
        self.fault = Some(fault);
        Ok(Step::Done)
    }

    fn close_item(&mut self) -> Result<Step, ReadError> {
        let at = self.position;
        let Some(Open::Set(item)) = self.open.pop() else { return Ok(Step::On) };
        // Lengths inside an item are bounded by it, so this is where it ends as well.
        if let Some(end) = item.end {
            self.position = end;
        }
        if self.discarding {
            return Ok(Step::On);
        }
        if let Some(Open::Sequence(sequence)) = self.open.last_mut() {
            sequence.items.push(item.close());
        }
        self.charge(size_of::<DataSet>(), at)
    }

    /// Puts the innermost open sequence, whose last item ends at `end`, into what encloses it.
    fn close_sequence(&mut self, end: u64) -> Result<Step, ReadError> {
        let Some(Open::Sequence(sequence)) = self.open.pop() else { return Ok(Step::On) };
        self.depth = self.depth.saturating_sub(1);
        let value = if !self.discarding {
            Value::Items(sequence.items)
        } else if self.open.is_empty() {
            self.discarding = false;
            Value::Elsewhere { offset: sequence.start, length: end.saturating_sub(sequence.start) }
        } else {
            return Ok(Step::On);
        };
        self.set().put(Element { tag: sequence.tag, vr: VR::SQ, value });
        self.charge(size_of::<Element>(), sequence.at)
    }

    /// Counts what is retained. When the budget is used up inside a sequence, all that the outermost
    /// one holds is let go: it will be left where it lies. What is at the root cannot be let go, and
    /// is an error at twice the budget.
    fn charge(&mut self, cost: usize, at: u64) -> Result<Step, ReadError> {
        self.retained = self.retained.saturating_add(cost);
        if self.retained <= self.limits.retained_bytes || self.discarding {
            return Ok(Step::On);
        }
        if let Some(Open::Sequence(outermost)) = self.open.first() {
            self.retained = outermost.retained_before;
            self.discarding = true;
            for open in &mut self.open {
                match open {
                    Open::Set(set) => set.elements = Vec::new(),
                    Open::Sequence(sequence) => sequence.items = Vec::new(),
                    Open::Fragments(fragments) => fragments.fragments = Vec::new(),
                }
            }
            return Ok(Step::On);
        }
        if self.retained > self.limits.retained_bytes.saturating_mul(2) {
            return Err(ReadError::TooLarge { at });
        }
        Ok(Step::On)
    }

    /// A copy or a slice of the value, little endian.
    fn retain(&mut self, window: &Window<'_>, start: u64, bytes: &[u8], vr: VR) -> Bytes {
        if self.set().encoding == Encoding::ExplicitBig && unit_bytes(vr) > 1 {
            let mut swapped = bytes.to_vec();
            swap(vr, &mut swapped);
            return swapped.into();
        }
        if bytes.is_empty() {
            return Bytes::new();
        }
        match window.shared {
            Some(shared) => {
                let from = (start - window.base) as usize;
                shared.slice(from..from + bytes.len())
            }
            None => self.arena.copy(bytes),
        }
    }

    /// Remembers what later elements depend on.
    fn note(&mut self, tag: Tag, value: &Value) {
        let Value::Bytes(bytes) = value else { return };
        match tag {
            tags::SPECIFIC_CHARACTER_SET => {
                let character_set = CharacterSet::parse(&String::from_utf8_lossy(bytes));
                self.set().character_set = character_set;
            }
            tags::PIXEL_REPRESENTATION => self.set().signed = bytes.first() == Some(&1),
            _ => {}
        }
    }

    /// Something is longer than what encloses it: than the whole data set, or than its item.
    fn beyond(&self, tag: Tag, at: u64) -> ReadError {
        let inside_a_defined_length = self.open.iter().any(|open| match open {
            Open::Set(set) => set.end.is_some(),
            Open::Sequence(sequence) => sequence.end.is_some(),
            Open::Fragments(_) => false,
        });
        if inside_a_defined_length { ReadError::Overrun { tag, at } } else { ReadError::Truncated { tag, at } }
    }

    /// The last byte has come and the step wants more.
    fn end_of_bytes(&mut self, window: &Window<'_>) -> Result<(), ReadError> {
        let end = window.end();
        self.done = true;
        let truncated = match self.open.first() {
            Some(Open::Sequence(sequence)) => ReadError::Truncated { tag: sequence.tag, at: sequence.at },
            Some(Open::Fragments(open)) => {
                let fault = ReadError::Truncated { tag: open.tag, at: open.at };
                self.clip_last_fragment(end);
                self.end_pixel_data_early(fault, end)?;
                return Ok(());
            }
            Some(Open::Set(_)) | None if self.position == end => return Ok(()),
            Some(Open::Set(_)) | None if self.position > end => return self.value_cut_off(end),
            Some(Open::Set(_)) | None => {
                let tag = window.from(self.position).first_chunk::<4>();
                let tag = tag.map_or(Tag(0, 0), |[a, b, c, d]| match self.root.encoding {
                    Encoding::ExplicitBig => Tag(u16::from_be_bytes([*a, *b]), u16::from_be_bytes([*c, *d])),
                    _ => Tag(u16::from_le_bytes([*a, *b]), u16::from_le_bytes([*c, *d])),
                });
                ReadError::Truncated { tag, at: self.position }
            }
        };
        if self.behind_pixel_data() {
            self.fault = Some(truncated);
            return Ok(());
        }
        Err(truncated)
    }

    /// The bytes ended inside a value at the root that was being passed over.
    fn value_cut_off(&mut self, end: u64) -> Result<(), ReadError> {
        self.position = end;
        let Some(last) = self.root.elements.last_mut() else { return Ok(()) };
        let (tag, Value::Elsewhere { offset, length }) = (last.tag, &mut last.value) else { return Ok(()) };
        *length = end.saturating_sub(*offset);
        let fault = ReadError::Truncated { tag, at: *offset };
        if !is_pixel_data(tag) {
            return Err(fault);
        }
        self.fault = Some(fault);
        Ok(())
    }

    fn clip_last_fragment(&mut self, end: u64) {
        if let Some(Open::Fragments(open)) = self.open.first_mut()
            && let Some(last) = open.fragments.last_mut()
        {
            last.length = last.length.min(end.saturating_sub(last.offset));
        }
    }

    fn end_at(&mut self, end: u64) -> Step {
        self.position = end;
        Step::Done
    }

    /// Whether the top-level pixel data has been walked and left behind.
    fn behind_pixel_data(&self) -> bool {
        self.pixel_data.is_some() && !matches!(self.open.first(), Some(Open::Fragments(_)))
    }
}

/// Whether the tag holds an image's pixels: (7FE0,0008), (7FE0,0009), (7FE0,0010).
fn is_pixel_data(tag: Tag) -> bool {
    matches!(tag, tags::PIXEL_DATA | tags::FLOAT_PIXEL_DATA | tags::DOUBLE_FLOAT_PIXEL_DATA)
}

/// Fewer bytes than an element has, all of them zero: a file's own padding.
fn is_padding(bytes: &[u8]) -> bool {
    bytes.len() < 8 && bytes.iter().all(|&b| b == 0)
}
