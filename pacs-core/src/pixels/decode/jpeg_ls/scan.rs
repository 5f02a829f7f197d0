//! The samples of one scan (T.87 annex A), one or more components.

use super::super::samples::Samples;
use super::bits::Bits;
use super::coding::{Coding, Context, RunContext};
use super::{Interleave, broken};
use crate::pixels::error::PixelError;
use crate::pixels::layout::Layout;
use std::ops::Range;

/// Order of run lengths (T.87 A.7.1.1).
const RUN_ORDER: [u32; 32] =
    [0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 9, 10, 11, 12, 13, 14, 15];
/// Contexts of three gradients without their sign.
const CONTEXTS: usize = 365;

/// Decodes the components of a scan and returns what follows it.
pub(super) fn decode<'a>(
    bytes: &'a [u8],
    coding: Coding,
    interleave: Interleave,
    components: Range<usize>,
    layout: &Layout,
    samples: &mut Samples,
) -> Result<&'a [u8], PixelError> {
    let columns = usize::from(layout.columns);
    let mut scan = Scan {
        bits: Bits::new(bytes),
        contexts: vec![coding.fresh(); CONTEXTS],
        runs: [coding.fresh_run(); 2],
        coding,
    };
    let mut lines: Vec<Lines> = components.clone().map(|_| Lines::new(columns)).collect();
    for row in 0..usize::from(layout.rows) {
        match interleave {
            Interleave::Line => {
                for line in &mut lines {
                    scan.line(std::slice::from_mut(line), columns)?;
                }
            }
            Interleave::Sample => scan.line(&mut lines, columns)?,
        }
        for (component, line) in components.clone().zip(&mut lines) {
            samples.put_row(row, component, line.current.iter().skip(1).copied());
            line.advance(columns);
        }
    }
    Ok(scan.bits.rest())
}

/// Two lines of a component with one sample of margin on either side.
struct Lines {
    previous: Vec<i32>,
    current: Vec<i32>,
    run_index: usize,
}

/// Samples around the one to come: left, above, above left, above right.
#[derive(Clone, Copy)]
struct Around {
    a: i32,
    b: i32,
    c: i32,
    d: i32,
}

impl Lines {
    fn new(columns: usize) -> Lines {
        Lines { previous: vec![0; columns + 2], current: vec![0; columns + 2], run_index: 0 }
    }

    /// The line above becomes the one just decoded; the margins repeat their neighbours (T.87 A.2.1).
    fn advance(&mut self, columns: usize) {
        std::mem::swap(&mut self.previous, &mut self.current);
        let last = self.previous.get(columns).copied().unwrap_or(0);
        if let Some(margin) = self.previous.get_mut(columns + 1) {
            *margin = last;
        }
        let first = self.previous.get(1).copied().unwrap_or(0);
        if let Some(margin) = self.current.first_mut() {
            *margin = first;
        }
    }

    /// What lies around the sample at `at`, which counts from 1.
    fn around(&self, at: usize) -> Around {
        let above = self.previous.get(at - 1..at + 2).unwrap_or_default();
        let [c, b, d] = *above else { return Around { a: 0, b: 0, c: 0, d: 0 } };
        Around { a: self.current.get(at - 1).copied().unwrap_or(0), b, c, d }
    }

    fn put(&mut self, at: usize, sample: i32) {
        if let Some(to) = self.current.get_mut(at) {
            *to = sample;
        }
    }
}

struct Scan<'a> {
    bits: Bits<'a>,
    coding: Coding,
    contexts: Vec<Context>,
    /// For neighbours that differ, and for equal ones.
    runs: [RunContext; 2],
}

impl Scan<'_> {
    /// One line of the components that are coded together: one, or all with their samples interleaved.
    fn line(&mut self, lines: &mut [Lines], columns: usize) -> Result<(), PixelError> {
        let mut at = 1;
        while at <= columns {
            let flat = lines.iter().all(|line| self.context_number(line.around(at)) == 0);
            if flat {
                at += self.run(lines, at, columns)?;
            } else {
                for line in &mut *lines {
                    let sample = self.regular(line.around(at))?;
                    line.put(at, sample);
                }
                at += 1;
            }
        }
        Ok(())
    }

    /// The three gradients as one number from -364 to 364.
    fn context_number(&self, Around { a, b, c, d }: Around) -> i32 {
        81 * self.coding.region(d - b) + 9 * self.coding.region(b - c) + self.coding.region(c - a)
    }

    /// A sample in regular mode (T.87 A.4 to A.6).
    fn regular(&mut self, around: Around) -> Result<i32, PixelError> {
        let number = self.context_number(around);
        let sign = if number < 0 { -1 } else { 1 };
        let context =
            self.contexts.get_mut(number.unsigned_abs() as usize).ok_or_else(|| broken("context"))?;
        let Around { a, b, c, .. } = around;
        let guess = if c >= a.max(b) {
            a.min(b)
        } else if c <= a.min(b) {
            a.max(b)
        } else {
            a + b - c
        };
        let predicted = self.coding.clamped(guess + sign * context.correction);
        let error = context.error(&mut self.bits, &self.coding)?;
        Ok(self.coding.sample(predicted, sign * error))
    }

    /// A run of samples like their left neighbours and the sample that ends it (T.87 A.7); how many there were.
    fn run(&mut self, lines: &mut [Lines], at: usize, columns: usize) -> Result<usize, PixelError> {
        // Where components are interleaved by sample they share one index; it is kept with the first.
        let mut index = lines.first().map_or(0, |line| line.run_index);
        let order = |index: usize| RUN_ORDER.get(index).copied().unwrap_or(15);
        let room = columns + 1 - at;
        let mut length = 0;
        while length < room && self.bits.take(1)? == 1 {
            let whole = 1usize << order(index);
            if whole <= room - length {
                index = (index + 1).min(31);
            }
            length += whole.min(room - length);
        }
        let ended = length < room;
        if ended {
            length += self.bits.take(order(index))? as usize;
            if length >= room {
                return Err(broken("a run is longer than its line"));
            }
        }
        for line in &mut *lines {
            let sample = line.current.get(at - 1).copied().unwrap_or(0);
            if let Some(run) = line.current.get_mut(at..at + length) {
                run.fill(sample);
            }
        }
        if ended {
            let limit = self.coding.limit.saturating_sub(order(index) + 1);
            let together = lines.len() > 1;
            for line in &mut *lines {
                let sample = self.end_of_run(line.around(at + length), together, limit)?;
                line.put(at + length, sample);
            }
            index = index.saturating_sub(1);
        }
        for line in lines {
            line.run_index = index;
        }
        Ok(length + usize::from(ended))
    }

    /// The sample that ends a run. Components coded together always count as neighbours that differ.
    fn end_of_run(&mut self, around: Around, together: bool, limit: u32) -> Result<i32, PixelError> {
        let Around { a, b, .. } = around;
        let alike = !together && (a - b).abs() <= self.coding.near;
        let [differing, equal] = &mut self.runs;
        let context = if alike { equal } else { differing };
        let error = context.error(&mut self.bits, &self.coding, alike, limit)?;
        if alike {
            return Ok(self.coding.sample(a, error));
        }
        Ok(self.coding.sample(b, if a > b { -error } else { error }))
    }
}
