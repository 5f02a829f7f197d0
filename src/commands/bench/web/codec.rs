//! The encoder of pictures without an archive around it: what drawing one anew cannot be faster than.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::bail;
use bytes::Bytes;
use pacs_core::dataset::DataSet;
use pacs_core::pixels::{self, Canvas, Layout, Photometric, Picture};
use pacs_core::uid::Uid;
use pacs_core::{tags, uids};

use super::super::measure::Measurement;

/// The quality that pictures are drawn with when none is asked for.
pub const QUALITY: u8 = 90;
/// What decoding the picture may take.
const DECODING_BYTES: u64 = 1 << 30;

/// A picture to encode again and again.
#[derive(Debug, Clone)]
pub struct Codec(Arc<Picture>);

impl Codec {
    /// The grey picture of so many rows and columns that a JPEG shows.
    pub fn of(jpeg: Bytes, rows: i64, columns: i64) -> anyhow::Result<Self> {
        let mut header = DataSet::new();
        for (tag, value) in [
            (tags::ROWS, rows),
            (tags::COLUMNS, columns),
            (tags::SAMPLES_PER_PIXEL, 1),
            (tags::BITS_ALLOCATED, 8),
            (tags::BITS_STORED, 8),
            (tags::HIGH_BIT, 7),
            (tags::PIXEL_REPRESENTATION, 0),
        ] {
            header.put_int(tag, value);
        }
        header.put_text(tags::PHOTOMETRIC_INTERPRETATION, "MONOCHROME2");
        let baseline = Uid::parse(uids::JPEG_BASELINE8_BIT)?;
        let frame = pixels::decode(jpeg, &baseline, &Layout::from(&header)?, DECODING_BYTES)?;
        if frame.layout.photometric != Photometric::Monochrome2 {
            bail!("the picture is not grey");
        }
        Ok(Self(Arc::new(Picture {
            width: frame.layout.columns.into(),
            height: frame.layout.rows.into(),
            canvas: Canvas::Grey(frame.bytes),
        })))
    }

    /// Encodes in so many threads until the time is over, in each at least once.
    pub async fn turn(&self, threads: usize, lasts: Duration) -> anyhow::Result<(Measurement, Duration)> {
        let started = Instant::now();
        let mut workers = tokio::task::JoinSet::new();
        for _ in 0..threads.max(1) {
            let picture = Arc::clone(&self.0);
            workers.spawn_blocking(move || {
                let mut measured = Measurement::default();
                loop {
                    let began = Instant::now();
                    let file = pixels::encode_jpeg(&picture, QUALITY)?;
                    measured.done(began.elapsed(), file.len() as u64);
                    if started.elapsed() >= lasts {
                        return anyhow::Ok(measured);
                    }
                }
            });
        }
        let mut whole = Measurement::default();
        while let Some(measured) = workers.join_next().await {
            whole.merge(measured??);
        }
        Ok((whole, started.elapsed()))
    }
}
