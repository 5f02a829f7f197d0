//! The samples of one scan (T.87 annex A), one or more components.

use super::super::samples::Samples;
use super::Interleave;
use super::bits::Bits;
use crate::pixels::error::PixelError;
use crate::pixels::jpeg_ls::{Around, CONTEXTS, Coding, Context, Lines, RunContext, broken, run_order};
use crate::pixels::layout::Layout;

/// Decodes the components of a scan and returns what follows it.
pub(super) fn decode<'a>(
    bytes: &'a [u8],
    coding: Coding,
    interleave: Interleave,
    components: &[usize],
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
    let mut lines: Vec<Lines> = components.iter().map(|_| Lines::new(columns)).collect();
    for row in 0..usize::from(layout.rows) {
        match interleave {
            Interleave::Line => {
                for line in &mut lines {
                    scan.line(std::slice::from_mut(line), columns)?;
                }
            }
            Interleave::Sample => scan.line(&mut lines, columns)?,
        }
        for (component, line) in components.iter().zip(&mut lines) {
            samples.put_row(row, *component, line.current.iter().skip(1).copied());
            line.advance(columns);
        }
    }
    Ok(scan.bits.rest())
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
            let flat = lines.iter().all(|line| line.around(at).context_number(&self.coding) == 0);
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

    /// A sample in regular mode (T.87 A.4 to A.6).
    fn regular(&mut self, around: Around) -> Result<i32, PixelError> {
        let number = around.context_number(&self.coding);
        let sign = if number < 0 { -1 } else { 1 };
        let context =
            self.contexts.get_mut(number.unsigned_abs() as usize).ok_or_else(|| broken("context"))?;
        let predicted = self.coding.clamped(around.guess() + sign * context.correction);
        let k = context.parameter()?;
        let code = self.bits.golomb(k, self.coding.limit, &self.coding)?;
        let error = context.error(code, k, &self.coding);
        context.learn(error, &self.coding);
        Ok(self.coding.sample(predicted, sign * error))
    }

    /// A run of samples like their left neighbours and the sample that ends it (T.87 A.7); how many there were.
    fn run(&mut self, lines: &mut [Lines], at: usize, columns: usize) -> Result<usize, PixelError> {
        // Where components are interleaved by sample they share one index; it is kept with the first.
        let mut index = lines.first().map_or(0, |line| line.run_index);
        let room = columns + 1 - at;
        let mut length = 0;
        while length < room && self.bits.take(1)? == 1 {
            let whole = 1usize << run_order(index);
            if whole <= room - length {
                index = (index + 1).min(31);
            }
            length += whole.min(room - length);
        }
        let ended = length < room;
        if ended {
            length += self.bits.take(run_order(index))? as usize;
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
            let limit = self.coding.limit.saturating_sub(run_order(index) + 1);
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
        let k = context.parameter(alike)?;
        let code = self.bits.golomb(k, limit, &self.coding)?;
        let error = context.error(code, k, alike);
        context.learn(error, code, alike, &self.coding);
        if alike {
            return Ok(self.coding.sample(a, error));
        }
        Ok(self.coding.sample(b, if a > b { -error } else { error }))
    }
}
