//! The samples of one scan (T.87 annex A), components interleaved by line.

use super::super::Stored;
use super::bits::Bits;
use crate::pixels::error::PixelError;
use crate::pixels::jpeg_ls::{Around, CONTEXTS, Coding, Context, Lines, RunContext, broken, run_order};

/// Appends the scan of all components.
pub(super) fn encode(stored: &Stored<'_>, coding: Coding, out: &mut Vec<u8>) -> Result<(), PixelError> {
    let (columns, components) = (usize::from(stored.layout().columns), usize::from(stored.layout().samples));
    let mut scan = Scan {
        bits: Bits::new(out),
        contexts: vec![coding.fresh(); CONTEXTS],
        runs: [coding.fresh_run(); 2],
        coding,
    };
    let mut lines: Vec<Lines> = (0..components).map(|_| Lines::new(columns)).collect();
    let (mut pixels, mut row) = (Vec::new(), Vec::with_capacity(columns));
    for y in 0..usize::from(stored.layout().rows) {
        stored.unsigned_row(y, &mut pixels);
        for (component, line) in lines.iter_mut().enumerate() {
            row.clear();
            row.extend(pixels.iter().skip(component).step_by(components));
            scan.line(&row, line)?;
            line.advance(columns);
        }
    }
    scan.bits.end();
    Ok(())
}

struct Scan<'a> {
    bits: Bits<'a>,
    coding: Coding,
    contexts: Vec<Context>,
    /// For neighbours that differ, and for equal ones.
    runs: [RunContext; 2],
}

impl Scan<'_> {
    /// One line of one component.
    fn line(&mut self, row: &[i32], lines: &mut Lines) -> Result<(), PixelError> {
        let mut done = 0;
        while let Some(sample) = row.get(done) {
            let around = lines.around(done + 1);
            if around.context_number(&self.coding) == 0 {
                done += self.run(row.get(done..).unwrap_or_default(), done + 1, lines)?;
            } else {
                self.regular(*sample, around)?;
                lines.put(done + 1, *sample);
                done += 1;
            }
        }
        Ok(())
    }

    /// A sample in regular mode (T.87 A.4 to A.6).
    fn regular(&mut self, sample: i32, around: Around) -> Result<(), PixelError> {
        let number = around.context_number(&self.coding);
        let sign = if number < 0 { -1 } else { 1 };
        let context =
            self.contexts.get_mut(number.unsigned_abs() as usize).ok_or_else(|| broken("context"))?;
        let predicted = self.coding.clamped(around.guess() + sign * context.correction);
        let error = self.coding.shortest(sign * (sample - predicted));
        let k = context.parameter()?;
        self.bits.golomb(context.code(error, k, &self.coding), k, self.coding.limit, &self.coding);
        context.learn(error, &self.coding);
        Ok(())
    }

    /// A run of samples like their left neighbour and the sample that ends it (T.87 A.7); how many there were.
    fn run(&mut self, row: &[i32], at: usize, lines: &mut Lines) -> Result<usize, PixelError> {
        let alike = lines.around(at).a;
        let length = row.iter().take_while(|sample| **sample == alike).count();
        if let Some(run) = lines.current.get_mut(at..at + length) {
            run.fill(alike);
        }
        let mut left = length;
        while left >= 1 << run_order(lines.run_index) {
            self.bits.put(1, 1);
            left -= 1 << run_order(lines.run_index);
            lines.run_index = (lines.run_index + 1).min(31);
        }
        let Some(sample) = row.get(length) else {
            // The line ended the run.
            if left > 0 {
                self.bits.put(1, 1);
            }
            return Ok(length);
        };
        let order = run_order(lines.run_index);
        self.bits.put(0, 1);
        self.bits.put(left as u32, order);
        self.end_of_run(*sample, lines.around(at + length), order)?;
        lines.put(at + length, *sample);
        lines.run_index = lines.run_index.saturating_sub(1);
        Ok(length + 1)
    }

    /// The sample that ends a run.
    fn end_of_run(&mut self, sample: i32, around: Around, order: u32) -> Result<(), PixelError> {
        let Around { a, b, .. } = around;
        let alike = a == b;
        let [differing, equal] = &mut self.runs;
        let context = if alike { equal } else { differing };
        let (predicted, sign) = if alike { (a, 1) } else { (b, if a > b { -1 } else { 1 }) };
        let error = self.coding.shortest(sign * (sample - predicted));
        let k = context.parameter(alike)?;
        let code = context.code(error, k, alike);
        let limit = self.coding.limit.saturating_sub(order + 1);
        self.bits.golomb(code, k, limit, &self.coding);
        context.learn(error, code, alike, &self.coding);
        Ok(())
    }
}
