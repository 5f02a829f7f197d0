//! Steps in an encapsulated value: its fragments and its end (PS3.5 A.4).

use super::{Step, Walker, Window};
use crate::dataset::header::{Encoding, ITEM, SEQUENCE_END};
use crate::dataset::open::Open;
use crate::dataset::{Element, Fragment, ReadError, Value};

impl Walker {
    /// The next fragment of an encapsulated value, or its end.
    pub(super) fn step_in_fragments(&mut self, window: &Window<'_>) -> Result<Step, ReadError> {
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
                    return self
                        .end_pixel_data_early(ReadError::Truncated { tag, at: begins }, offset + there);
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
                let fault =
                    ReadError::Malformed { what: "something that is no fragment in encapsulated data", at };
                self.end_pixel_data_early(fault, at)
            }
            _ => Err(ReadError::Malformed { what: "something that is no fragment in encapsulated data", at }),
        }
    }

    pub(super) fn close_fragments(&mut self) {
        if let Some(Open::Fragments(open)) = self.open.pop()
            && !self.discarding
        {
            self.set().put(Element { tag: open.tag, vr: open.vr, value: Value::Fragments(open.fragments) });
        }
    }

    /// Ends the walk inside top-level encapsulated pixel data, keeping the fragments found.
    pub(super) fn end_pixel_data_early(&mut self, fault: ReadError, end: u64) -> Result<Step, ReadError> {
        self.position = end;
        self.close_fragments();
        self.fault = Some(fault);
        Ok(Step::Done)
    }
}
