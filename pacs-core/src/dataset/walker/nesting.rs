//! Steps in a sequence: its items and its end.

use super::{Step, Walker, Window};
use crate::VR;
use crate::dataset::header::{ITEM, ITEM_END, SEQUENCE_END};
use crate::dataset::open::{Open, OpenSet};
use crate::dataset::{DataSet, Element, ReadError, Value};

impl Walker {
    /// The next item of the innermost open sequence, or its end.
    pub(super) fn step_in_sequence(&mut self, window: &Window<'_>) -> Result<Step, ReadError> {
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
                let item =
                    OpenSet::new(sequence.encoding, sequence.character_set, sequence.signed, end, bound);
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

    pub(super) fn close_item(&mut self) -> Result<Step, ReadError> {
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
    pub(super) fn close_sequence(&mut self, end: u64) -> Result<Step, ReadError> {
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
}
