//! A SOP instance to be sent.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use pacs_core::part10::{self, HeadProgress};
use pacs_core::uid::Uid;

use super::Error;

/// A SOP instance to be sent: what its command announces, and where its data set is.
#[derive(Debug, Clone)]
pub struct Instance {
    /// SOP Class UID.
    pub class: Uid,
    /// SOP Instance UID.
    pub instance: Uid,
    /// The encoding of the data set.
    pub transfer_syntax: Uid,
    /// The data set.
    pub content: Content,
}

/// Where a data set is.
#[derive(Debug, Clone)]
pub enum Content {
    /// In memory.
    Memory(Bytes),
    /// In a file, from an offset to its end.
    File {
        /// The file.
        path: PathBuf,
        /// Where the data set begins.
        offset: u64,
    },
}

impl Instance {
    /// An instance from a whole Part 10 file in memory.
    pub fn from_part10(file: Bytes) -> Result<Self, Error> {
        let HeadProgress::Head(head) = part10::read_head(&file).map_err(unreadable)? else {
            return Err(Error::Unreadable("no file meta information".to_owned()));
        };
        let offset = usize::try_from(head.dataset_offset).unwrap_or(usize::MAX);
        if offset > file.len() {
            return Err(Error::Unreadable("the file ends inside its meta information".to_owned()));
        }
        Self::with_head(*head, Content::Memory(file.slice(offset..)))
    }

    /// An instance from a Part 10 file, of which only the head is read now. Blocks on the file.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let mut file = File::open(path).map_err(unreadable)?;
        let mut prefix = Vec::new();
        loop {
            let before = prefix.len();
            file.by_ref().take(4096).read_to_end(&mut prefix).map_err(unreadable)?;
            match part10::read_head(&prefix).map_err(unreadable)? {
                HeadProgress::Head(head) => {
                    let offset = head.dataset_offset;
                    return Self::with_head(*head, Content::File { path: path.to_owned(), offset });
                }
                HeadProgress::NeedMore if prefix.len() > before => {}
                _ => return Err(Error::Unreadable("no file meta information".to_owned())),
            }
        }
    }

    fn with_head(head: part10::Head, content: Content) -> Result<Self, Error> {
        let missing =
            || Error::Unreadable("the file meta information has no SOP class or instance".to_owned());
        Ok(Self {
            class: head.sop_class.ok_or_else(missing)?,
            instance: head.sop_instance.ok_or_else(missing)?,
            transfer_syntax: head.transfer_syntax,
            content,
        })
    }
}

fn unreadable(error: impl std::fmt::Display) -> Error {
    Error::Unreadable(error.to_string())
}
