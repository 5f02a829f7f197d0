//! The walk over a data set: one loop over a stack of what is open, fed by windows of bytes.
//!
//! Every step either takes something whole or nothing, so a walk can pause wherever the bytes end
//! and go on when more have come.

mod elements;
mod ends;
mod fragments;
mod nesting;

use bytes::Bytes;

use super::arena::Arena;
use super::header::Encoding;
use super::open::{Open, OpenSet};
use super::read::{PixelDataPlace, Reading};
use super::swap::{swap, unit_bytes};
use super::{Limits, ReadError, Until, Value};
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
        Reading {
            data_set: self.root.close(),
            pixel_data: self.pixel_data,
            end: self.position,
            fault: self.fault,
        }
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
}
