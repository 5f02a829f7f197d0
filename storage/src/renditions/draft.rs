//! A rendition being written.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::PathBuf;
use std::sync::Arc;

use super::shelf::Shelf;
use crate::error::{Error, Result};

/// A file that appears under its name whole or not at all. Every method blocks, and so does letting
/// it go.
pub(crate) struct Draft {
    shelf: Arc<Shelf>,
    file: BufWriter<File>,
    path: PathBuf,
    bytes: u64,
    published: bool,
}

impl Draft {
    pub(super) fn create(shelf: &Arc<Shelf>) -> Result<Self> {
        let path = shelf.new_draft();
        let file = File::create_new(&path).map_err(|error| Error::io("write a rendition", error))?;
        let file = BufWriter::with_capacity(64 << 10, file);
        Ok(Self { shelf: Arc::clone(shelf), file, path, bytes: 0, published: false })
    }

    /// Puts the rendition under its name.
    pub fn publish(mut self, name: &str) -> Result<()> {
        let context = "keep a rendition";
        self.file.flush().map_err(|error| Error::io(context, error))?;
        let path = self.shelf.path(name);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(|error| Error::io(context, error))?;
        }
        // One that was made twice at once takes the place of the first.
        let replaced_bytes = fs::metadata(&path).map_or(0, |replaced| replaced.len());
        fs::rename(&self.path, &path).map_err(|error| Error::io(context, error))?;
        self.published = true;
        self.shelf.count_on(self.bytes, replaced_bytes);
        self.shelf.make_room()
    }

    /// What was written, open to be read and without a name: it goes with the last who has it open.
    pub fn aside(mut self) -> Result<File> {
        self.file.flush().map_err(|error| Error::io("write a rendition", error))?;
        File::open(&self.path).map_err(|error| Error::io("open a rendition", error))
    }
}

impl Write for Draft {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.bytes = self.bytes.saturating_add(written as u64);
        Ok(written)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.file.flush()
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if !self.published
            && let Err(error) = fs::remove_file(&self.path)
        {
            tracing::warn!(%error, "an unfinished rendition was left behind");
        }
    }
}
