//! The plain stream of a data set that is deflated (PS3.5 A.5).

use bytes::{Bytes, BytesMut};
use flate2::{Decompress, FlushDecompress, Status};
use futures::{Stream, TryStreamExt, stream};
use pacs_core::dataset::Limits;

use super::instance::InstanceReader;
use crate::error::{Error, Result};

/// Bytes inflated at a time.
const STEP_BYTES: usize = 64 << 10;

impl InstanceReader {
    /// The data set of a deflated instance, inflated a step at a time: Explicit VR Little Endian. Other tasks go on
    /// between two steps: whoever passes over most of it, which a small file may have two gigabytes of, would otherwise
    /// have a thread to himself. Nothing is inflated for somebody who does not ask on.
    pub fn stream_inflated(&self) -> impl Stream<Item = Result<Bytes>> + Send + 'static + use<> {
        let stored = Box::pin(self.stream(self.dataset_range()));
        let begun = (stored, Bytes::new(), Inflater::default());
        stream::try_unfold(begun, |(mut stored, mut rest, mut inflater)| async move {
            while !inflater.ended {
                let more = if rest.is_empty() { stored.try_next().await? } else { None };
                let complete = rest.is_empty() && more.is_none();
                rest = more.unwrap_or(rest);
                let inflated = inflater.step(&mut rest)?;
                tokio::task::yield_now().await;
                if !inflated.is_empty() {
                    return Ok(Some((inflated, (stored, rest, inflater))));
                }
                if complete && !inflater.ended {
                    return Err(damaged());
                }
            }
            Ok(None)
        })
    }
}

fn damaged() -> Error {
    Error::Corrupt("a deflated data set cannot be inflated".into())
}

#[derive(Default)]
struct Inflater {
    machine: Option<Decompress>,
    ended: bool,
}

impl Inflater {
    /// Takes from `rest` what fills one step.
    fn step(&mut self, rest: &mut Bytes) -> Result<Bytes> {
        // The standard wants a raw stream; some writers put the header of zlib in front.
        let machine = self
            .machine
            .get_or_insert_with(|| Decompress::new(matches!(**rest, [0x78, 0x01 | 0x5e | 0x9c | 0xda, ..])));
        let mut inflated = BytesMut::zeroed(STEP_BYTES);
        let (read, made) = (machine.total_in(), machine.total_out());
        let status = machine.decompress(rest, &mut inflated, FlushDecompress::None).map_err(|_| damaged())?;
        let taken = usize::try_from(machine.total_in() - read).unwrap_or(usize::MAX);
        inflated.truncate(usize::try_from(machine.total_out() - made).unwrap_or(0));
        self.ended = status == Status::StreamEnd;
        if machine.total_out() > Limits::default().inflated_bytes
            || (taken == 0 && inflated.is_empty() && !rest.is_empty() && !self.ended)
        {
            return Err(damaged());
        }
        let _ = rest.split_to(taken.min(rest.len()));
        Ok(inflated.freeze())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn what_was_deflated_comes_back() {
        let plain: Vec<u8> = (0..300_000u32).flat_map(|n| (n / 7).to_le_bytes()).collect();
        let fast = flate2::Compression::fast();
        let mut raw = flate2::write::DeflateEncoder::new(Vec::new(), fast);
        raw.write_all(&plain).unwrap();
        let mut headed = flate2::write::ZlibEncoder::new(Vec::new(), fast);
        headed.write_all(&plain).unwrap();
        for deflated in [raw.finish().unwrap(), headed.finish().unwrap()] {
            let mut rest = Bytes::from(deflated);
            let mut inflater = Inflater::default();
            let mut inflated = Vec::new();
            while !inflater.ended {
                inflated.extend_from_slice(&inflater.step(&mut rest).unwrap());
            }
            assert!(inflated == plain);
        }
    }

    #[test]
    fn rubbish_is_said() {
        assert!(Inflater::default().step(&mut Bytes::from_static(&[0xFF; 32])).is_err());
    }
}
