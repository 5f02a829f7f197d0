//! A deflated data set (PS3.5 A.5) becomes Explicit VR Little Endian by inflating it: nothing else differs.

use crate::error::Error;
use crate::outgoing::{Outgoing, Stopped};
use bytes::{Bytes, BytesMut};
use flate2::{Decompress, FlushDecompress, Status};
use futures::{Stream, TryStreamExt, stream};
use pacs_core::dataset::Limits;
use pacs_core::part10;
use pacs_core::uid::Uid;
use pacs_core::uids;
use std::pin::pin;
use storage::{InstancePlace, InstanceReader};

/// Bytes inflated at a time.
const STEP_BYTES: usize = 64 << 10;

/// Sends the instance as a Part 10 file in Explicit VR Little Endian. Nothing is sent before something is inflated.
pub async fn send(reader: &InstanceReader, place: &InstancePlace, out: &Outgoing) -> Result<(), Stopped> {
    let head = part10_head(place, uids::EXPLICIT_VR_LITTLE_ENDIAN)?;
    let mut inflated = pin!(data_set(reader));
    let first = inflated.try_next().await?;
    out.send(head).await?;
    out.send(first.unwrap_or_default()).await?;
    out.send_all(inflated).await
}

/// The data set of a deflated instance, inflated a step at a time.
pub fn data_set(
    reader: &InstanceReader,
) -> impl Stream<Item = Result<Bytes, Error>> + Send + 'static + use<> {
    let stored = Box::pin(reader.stream(reader.dataset_range()));
    stream::try_unfold(
        (stored, Bytes::new(), Inflater::new()),
        |(mut stored, mut rest, mut inflater)| async move {
            while !inflater.ended {
                let more = if rest.is_empty() { stored.try_next().await? } else { None };
                let complete = rest.is_empty() && more.is_none();
                rest = more.unwrap_or(rest);
                let inflated = inflater.step(&mut rest)?;
                if !inflated.is_empty() {
                    return Ok(Some((inflated, (stored, rest, inflater))));
                }
                if complete && !inflater.ended {
                    return Err(damaged());
                }
            }
            Ok(None)
        },
    )
}

/// The head of a file of the instance in a transfer syntax of the standard.
pub fn part10_head(place: &InstancePlace, syntax: &'static str) -> Result<Bytes, Error> {
    let syntax = Uid::parse(syntax)
        .map_err(|_| Error::Internal("a transfer syntax of the standard is no UID".into()))?;
    Ok(part10::write_head(&place.class, &place.uid, &syntax, None).into())
}

fn damaged() -> Error {
    Error::Storage(storage::Error::Corrupt("a deflated data set cannot be inflated".into()))
}

struct Inflater {
    machine: Decompress,
    ended: bool,
}

impl Inflater {
    fn new() -> Self {
        Self { machine: Decompress::new(false), ended: false }
    }

    /// Takes from `rest` what fills one step.
    fn step(&mut self, rest: &mut Bytes) -> Result<Bytes, Error> {
        let mut inflated = BytesMut::zeroed(STEP_BYTES);
        let (read, made) = (self.machine.total_in(), self.machine.total_out());
        let status =
            self.machine.decompress(rest, &mut inflated, FlushDecompress::None).map_err(|_| damaged())?;
        let taken = usize::try_from(self.machine.total_in() - read).unwrap_or(usize::MAX);
        inflated.truncate(usize::try_from(self.machine.total_out() - made).unwrap_or(0));
        self.ended = status == Status::StreamEnd;
        if self.machine.total_out() > Limits::default().inflated_bytes
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
        let mut deflate = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
        deflate.write_all(&plain).unwrap();
        let mut rest = Bytes::from(deflate.finish().unwrap());
        let mut inflater = Inflater::new();
        let mut inflated = Vec::new();
        while !inflater.ended {
            inflated.extend_from_slice(&inflater.step(&mut rest).unwrap());
        }
        assert_eq!(inflated, plain);
    }

    #[test]
    fn rubbish_is_said() {
        assert!(Inflater::new().step(&mut Bytes::from_static(&[0xFF; 32])).is_err());
    }
}
