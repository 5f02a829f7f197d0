//! Where the files of an import come from: the disk, or inside a ZIP.

use std::cmp::Ordering as Order;
use std::ffi::OsString;
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::{Bytes, BytesMut};
use tokio::sync::mpsc;
use walkdir::WalkDir;

/// Bytes of one file, in order.
pub type Chunks = mpsc::Receiver<io::Result<Bytes>>;

/// Bytes read at once.
const CHUNK_BYTES: usize = 256 * 1024;
/// Chunks of a file that wait for the archive.
const CHUNKS_AHEAD: usize = 2;

/// Where a file stands in the order of a walk: which of the paths it is under, and its own path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    root: usize,
    path: PathBuf,
}

impl Place {
    /// Reads what [`Place::fmt`] writes; `None` for anything else.
    pub fn of(text: Option<&str>) -> Option<Self> {
        let (root, digits) = text?.split_once(':')?;
        let pairs = digits.as_bytes().chunks(2);
        let bytes: Option<Vec<u8>> =
            pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect();
        Some(Self { root: root.parse().ok()?, path: OsString::from_vec(bytes?).into() })
    }

    /// Whether everything under `path`, of the same root, has been walked before this place: names are walked in
    /// their order, folder by folder.
    fn is_behind(&self, path: &Path) -> bool {
        let mut own = self.path.components();
        for component in path.components() {
            match own.next().map(|own| component.as_os_str().cmp(own.as_os_str())) {
                Some(Order::Equal) => {}
                Some(Order::Less) => return true,
                Some(Order::Greater) | None => return false,
            }
        }
        // The place itself has been walked; of a folder above it only a part.
        own.next().is_none()
    }
}

/// Names need not be text: their bytes as hexadecimal digits.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.root)?;
        self.path.as_os_str().as_bytes().iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// A file on disk: one file to take, or a ZIP of many.
#[derive(Debug)]
pub struct Entry {
    /// Which of the walk, counted from 0.
    pub number: u64,
    place: Place,
    state: State,
}

#[derive(Debug)]
enum State {
    New,
    Zip(mpsc::Receiver<Opened>),
    Done,
}

/// One file, being read by a thread of its own.
#[derive(Debug)]
pub struct Opened {
    /// How the user would name it: a path, or `archive.zip: path inside`.
    pub name: String,
    /// Its length, as far as it is known before reading.
    pub length_bytes: Option<u64>,
    /// Its bytes, or why it cannot be read.
    pub opened: Result<Chunks, String>,
}

impl Entry {
    /// Where it stands.
    pub fn place(&self) -> Place {
        self.place.clone()
    }

    /// The next file of this entry.
    pub async fn next(&mut self) -> Option<Opened> {
        if matches!(self.state, State::New) {
            let path = self.place.path.clone();
            let is_zip = tokio::task::spawn_blocking(move || is_zip(&path)).await.unwrap_or(false);
            if !is_zip {
                self.state = State::Done;
                return Some(open_file(&self.place.path));
            }
            let (files, opened) = mpsc::channel(1);
            let path = self.place.path.clone();
            tokio::task::spawn_blocking(move || read_zip(&path, &files));
            self.state = State::Zip(opened);
        }
        match &mut self.state {
            State::Zip(opened) => opened.recv().await,
            State::New | State::Done => None,
        }
    }
}

/// How many entries [`walk`] will find.
pub fn count(paths: &[PathBuf], after: Option<&Place>) -> u64 {
    let roots = paths.iter().enumerate();
    roots.flat_map(|(root, path)| files_under(root, path, after)).filter(Result::is_ok).count() as u64
}

/// Sends every file under the paths that stands after a place; answers what could not be walked and why.
pub fn walk(
    paths: &[PathBuf],
    after: Option<&Place>,
    entries: &mpsc::Sender<Entry>,
) -> Vec<(String, String)> {
    let mut unreadable = Vec::new();
    let mut number = 0;
    for (root, path) in paths.iter().enumerate() {
        for file in files_under(root, path, after) {
            match file {
                Ok(file) => {
                    let entry = Entry { number, place: Place { root, path: file }, state: State::New };
                    number += 1;
                    if entries.blocking_send(entry).is_err() {
                        return unreadable;
                    }
                }
                Err(error) => {
                    let name = error.path().unwrap_or(path).display().to_string();
                    unreadable.push((name, error.to_string()));
                }
            }
        }
    }
    unreadable
}

/// All files of a folder that stand after a place, in a stable order; folders before it are not even listed. Old
/// archives reach over several disks by links, so these are followed. A DICOMDIR stands for the set around it (PS3.10 8.6):
/// everything it names lies beside or below it.
fn files_under(
    number: usize,
    path: &Path,
    after: Option<&Place>,
) -> impl Iterator<Item = Result<PathBuf, walkdir::Error>> + use<> {
    let is_done = after.is_some_and(|after| number < after.root);
    let after = after.filter(|after| number == after.root).cloned();
    let is_dicomdir = path.file_name().is_some_and(|name| name.eq_ignore_ascii_case("DICOMDIR"));
    let root = match path.parent() {
        Some(parent) if is_dicomdir && parent.as_os_str().is_empty() => PathBuf::from("."),
        Some(parent) if is_dicomdir => parent.to_path_buf(),
        _ => path.to_path_buf(),
    };
    WalkDir::new(root)
        .follow_links(true)
        .sort_by_file_name()
        .into_iter()
        .filter_entry(move |entry| {
            !is_done && after.as_ref().is_none_or(|after| !after.is_behind(entry.path()))
        })
        .filter(|entry| entry.as_ref().map_or(true, |entry| entry.file_type().is_file()))
        .map(|entry| entry.map(walkdir::DirEntry::into_path))
}

/// The same chunks, with their bytes counted as they pass.
pub fn counted(mut chunks: Chunks, read: Arc<AtomicU64>) -> Chunks {
    let (sender, counted) = mpsc::channel(1);
    tokio::spawn(async move {
        while let Some(chunk) = chunks.recv().await {
            if let Ok(chunk) = &chunk {
                read.fetch_add(chunk.len() as u64, Ordering::Relaxed);
            }
            if sender.send(chunk).await.is_err() {
                return;
            }
        }
    });
    counted
}

/// By content: a DICOM file may be called anything, and so may a ZIP.
fn is_zip(path: &Path) -> bool {
    let mut magic = [0; 4];
    File::open(path).and_then(|mut file| file.read_exact(&mut magic)).is_ok() && magic == *b"PK\x03\x04"
}

fn open_file(path: &Path) -> Opened {
    let length_bytes = std::fs::metadata(path).ok().map(|metadata| metadata.len());
    let (sender, chunks) = mpsc::channel(CHUNKS_AHEAD);
    let owned = path.to_path_buf();
    tokio::task::spawn_blocking(move || match File::open(owned) {
        Ok(mut file) => send_all(&mut file, &sender),
        Err(error) => drop(sender.blocking_send(Err(error))),
    });
    Opened { name: path.display().to_string(), length_bytes, opened: Ok(chunks) }
}

fn read_zip(path: &Path, files: &mpsc::Sender<Opened>) {
    let mut archive = match File::open(path).map_err(zip::result::ZipError::Io).and_then(zip::ZipArchive::new)
    {
        Ok(archive) => archive,
        Err(error) => {
            let opened = Err(format!("not a readable ZIP file: {error}"));
            drop(files.blocking_send(Opened {
                name: path.display().to_string(),
                length_bytes: None,
                opened,
            }));
            return;
        }
    };
    for index in 0..archive.len() {
        let mut file = match archive.by_index(index) {
            Ok(file) if file.is_dir() => continue,
            Ok(file) => file,
            Err(error) => {
                let name = format!("{}: entry {index}", path.display());
                if files
                    .blocking_send(Opened { name, length_bytes: None, opened: Err(error.to_string()) })
                    .is_err()
                {
                    return;
                }
                continue;
            }
        };
        let (sender, chunks) = mpsc::channel(CHUNKS_AHEAD);
        let name = format!("{}: {}", path.display(), file.name());
        // The length that a ZIP declares is only a claim, so it is not passed on.
        if files.blocking_send(Opened { name, length_bytes: None, opened: Ok(chunks) }).is_err() {
            return;
        }
        send_all(&mut file, &sender);
    }
}

/// Reads to the end, or until nobody listens any more.
fn send_all(source: &mut dyn Read, chunks: &mpsc::Sender<io::Result<Bytes>>) {
    loop {
        let mut chunk = BytesMut::zeroed(CHUNK_BYTES);
        let read = match source.read(&mut chunk) {
            Ok(0) => return,
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => {
                drop(chunks.blocking_send(Err(error)));
                return;
            }
        };
        chunk.truncate(read);
        if chunks.blocking_send(Ok(chunk.freeze())).is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_walk_goes_on_behind_a_place_and_lists_nothing_before_it() {
        let folder = tempfile::tempdir().unwrap();
        let names = ["a/1", "a/2", "b/1/x", "b/2", "b.dcm", "c/1", "c/2"];
        for name in names {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, name).unwrap();
        }
        let walked = |after: Option<&Place>| -> Vec<PathBuf> {
            files_under(0, folder.path(), after).map(|found| found.unwrap()).collect()
        };
        let all = walked(None);
        assert_eq!(all.len(), names.len());
        for (at, path) in all.iter().enumerate() {
            let place = Place { root: 0, path: path.clone() };
            let place = Place::of(Some(&place.to_string())).unwrap();
            assert_eq!(walked(Some(&place)), all[at + 1..], "after {}", path.display());
        }
        let elsewhere = Place { root: 1, path: "/x".into() };
        assert!(walked(Some(&elsewhere)).is_empty(), "roots before it are done with");
        assert_eq!(files_under(2, folder.path(), Some(&elsewhere)).count(), names.len());
    }
}
