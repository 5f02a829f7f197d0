//! Where the bytes end before, at or after the end of the data set.

use super::elements::is_pixel_data;
use super::{Step, Walker, Window};
use crate::Tag;
use crate::dataset::header::Encoding;
use crate::dataset::open::Open;
use crate::dataset::{ReadError, Value};

impl Walker {
    /// The last byte has come and the step wants more.
    pub(super) fn end_of_bytes(&mut self, window: &Window<'_>) -> Result<(), ReadError> {
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

    /// No more bytes can be had than those of the window, which is the last. Before the pixel data
    /// that is an error; within it and behind it, where nothing else is of use, it is reported.
    pub(in crate::dataset) fn end_early(
        &mut self,
        window: &Window<'_>,
        fault: ReadError,
    ) -> Result<(), ReadError> {
        if self.pixel_data.is_none() {
            return Err(fault);
        }
        self.run(window)?;
        self.fault = Some(fault);
        Ok(())
    }

    /// The bytes ended inside a value at the root that was being passed over.
    pub(super) fn value_cut_off(&mut self, end: u64) -> Result<(), ReadError> {
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

    pub(super) fn clip_last_fragment(&mut self, end: u64) {
        if let Some(Open::Fragments(open)) = self.open.first_mut()
            && let Some(last) = open.fragments.last_mut()
        {
            last.length = last.length.min(end.saturating_sub(last.offset));
        }
    }

    pub(super) fn end_at(&mut self, end: u64) -> Step {
        self.position = end;
        Step::Done
    }

    /// Whether the top-level pixel data has been walked and left behind.
    pub(super) fn behind_pixel_data(&self) -> bool {
        self.pixel_data.is_some() && !matches!(self.open.first(), Some(Open::Fragments(_)))
    }

    /// Something is longer than what encloses it: than the whole data set, or than its item.
    pub(super) fn beyond(&self, tag: Tag, at: u64) -> ReadError {
        let inside_a_defined_length = self.open.iter().any(|open| match open {
            Open::Set(set) => set.end.is_some(),
            Open::Sequence(sequence) => sequence.end.is_some(),
            Open::Fragments(_) => false,
        });
        if inside_a_defined_length {
            ReadError::Overrun { tag, at }
        } else {
            ReadError::Truncated { tag, at }
        }
    }
}
