//! What a data set must show before it is kept: that it is one, and whose instance it is.

use std::io::{Read, Seek};

use pacs_core::attributes::{self, Lifted};
use pacs_core::dataset::{self, DataSet, Limits, ReadError, Reading, Until};
use pacs_core::ingest::{self, Announced, Refusal, RefusalKind};
use pacs_core::transfer_syntax;
use pacs_core::uid::Uid;

use crate::error::{Error, Result};

/// A header that passed.
#[derive(Debug)]
pub(crate) struct Examined {
    /// The elements up to the pixel data; large values are left out.
    pub header: DataSet,
    /// What the rows hold of it.
    pub lifted: Lifted,
}

/// Examines a data set in memory.
pub(crate) fn examine_slice(dataset: &[u8], syntax: &Uid, announced: &Announced) -> Result<Examined> {
    let syntax = transfer_syntax::of(syntax);
    judge(dataset::read_slice(dataset, &syntax, &Limits::default(), Until::PixelData), announced)
}

/// Examines a data set in a file, without reading its large values.
pub(crate) fn examine_file<S: Read + Seek>(
    source: &mut S,
    syntax: &Uid,
    announced: &Announced,
) -> Result<Examined> {
    let syntax = transfer_syntax::of(syntax);
    judge(dataset::read_file(source, &syntax, &Limits::default(), Until::PixelData), announced)
}

fn judge(reading: Result<Reading, ReadError>, announced: &Announced) -> Result<Examined> {
    let header = match reading {
        Ok(reading) => reading.data_set,
        Err(ReadError::Source(error)) => return Err(Error::io("read back an instance", error)),
        Err(error) => {
            let kind = match error {
                ReadError::TooDeep { .. } | ReadError::TooLarge { .. } => RefusalKind::BeyondLimits,
                _ => RefusalKind::NotADataSet,
            };
            return Err(Refusal::new(kind, error.to_string()).into());
        }
    };
    let lifted = attributes::lift(&header)?;
    ingest::check(announced, &lifted)?;
    Ok(Examined { header, lifted })
}
