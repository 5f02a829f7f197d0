//! Lines on their way into a compressed object of a target, hashed as they go out.

use std::io::Write as _;
use std::sync::Arc;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use object_store::ObjectStore;
use object_store::buffered::BufWriter;
use object_store::path::Path;
use tokio::task::spawn_blocking;

use super::copy::{PART_BYTES, PARTS_AT_ONCE, end, give_up};
use super::manifest::Part;
use crate::error::{Error, Result};

/// Lines gathered before they are compressed, on a thread that may take its time.
const GATHERED_BYTES: usize = 1 << 20;
const CONTEXT: &str = "compress lines of a backup";

/// An object being written.
pub(super) struct Output {
    packer: Option<Packer>,
    gathered: Vec<u8>,
    upload: BufWriter,
}

struct Packer {
    encoder: GzEncoder<Vec<u8>>,
    hasher: blake3::Hasher,
    length_bytes: u64,
}

impl Packer {
    fn take(&mut self) -> Bytes {
        let packed = std::mem::take(self.encoder.get_mut());
        self.hasher.update(&packed);
        self.length_bytes += packed.len() as u64;
        packed.into()
    }
}

impl Output {
    /// Begins the object at `path`, which is there only once it is finished.
    pub fn begin(objects: &Arc<dyn ObjectStore>, path: Path) -> Self {
        let packer = Packer {
            encoder: GzEncoder::new(Vec::new(), Compression::new(3)),
            hasher: blake3::Hasher::new(),
            length_bytes: 0,
        };
        let upload = BufWriter::with_capacity(Arc::clone(objects), path, PART_BYTES)
            .with_max_concurrency(PARTS_AT_ONCE);
        Self { packer: Some(packer), gathered: Vec::with_capacity(GATHERED_BYTES), upload }
    }

    /// Where the next line is to be put together, with its line break.
    pub fn line(&mut self) -> &mut Vec<u8> {
        &mut self.gathered
    }

    /// To be called after each line: sends on what was gathered once it is much.
    pub async fn send(&mut self) -> Result<()> {
        if self.gathered.len() < GATHERED_BYTES { Ok(()) } else { self.pack().await }
    }

    async fn pack(&mut self) -> Result<()> {
        let gathered = std::mem::replace(&mut self.gathered, Vec::with_capacity(GATHERED_BYTES));
        let mut packer =
            self.packer.take().ok_or_else(|| Error::internal(CONTEXT, "it has failed before"))?;
        let packed = spawn_blocking(move || {
            packer.encoder.write_all(&gathered).map(|()| {
                let packed = packer.take();
                (packer, packed)
            })
        });
        let (packer, packed) =
            packed.await.map_err(Error::thread)?.map_err(|error| Error::internal(CONTEXT, error))?;
        self.packer = Some(packer);
        Ok(self.upload.put(packed).await?)
    }

    /// Writes the rest; the object is there when this returns.
    pub async fn finish(mut self) -> Result<Part> {
        match self.pack_rest().await {
            Ok(part) => {
                end(&mut self.upload).await?;
                Ok(part)
            }
            Err(error) => {
                give_up(&mut self.upload).await;
                Err(error)
            }
        }
    }

    async fn pack_rest(&mut self) -> Result<Part> {
        self.pack().await?;
        let mut packer =
            self.packer.take().ok_or_else(|| Error::internal(CONTEXT, "it has failed before"))?;
        packer.encoder.try_finish().map_err(|error| Error::internal(CONTEXT, error))?;
        let rest = packer.take();
        self.upload.put(rest).await?;
        Ok(Part { length_bytes: packer.length_bytes, blake3: packer.hasher.finalize().to_hex().to_string() })
    }

    /// Leaves nothing of it.
    pub async fn discard(mut self) {
        give_up(&mut self.upload).await;
    }
}
