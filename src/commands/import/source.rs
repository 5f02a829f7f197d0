//! Where the files of an import come from: the disk, or inside a ZIP.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use bytes::{Bytes, BytesMut};
use tokio::sync::mpsc;
use walkdir::WalkDir;

/// Bytes of one file, in order.
pub type Chunks = mpsc::Receiver<io::Result<Bytes>>;

/// Bytes read at once.
const CHUNK_BYTES: usize = 256 * 1024;
/// Chunks of a file that wait for the archive.
const CHUNKS_AHEAD: usize = 2;

/// A file on disk: one file to take, or a ZIP of many.
#[derive(Debug)]
pub struct Entry {
    path: PathBuf,
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
    fn new(path: PathBuf) -> Self {
        Self { path, state: State::New }
    }

    /// The next file of this entry.
    pub async fn next(&mut self) -> Option<Opened> {
        if matches!(self.state, State::New) {
            let path = self.path.clone();
            let is_zip = tokio::task::spawn_blocking(move || is_zip(&path)).await.unwrap_or(false);
            if !is_zip {
                self.state = State::Done;
                return Some(open_file(&self.path));
            }
            let (files, opened) = mpsc::channel(1);
            let path = self.path.clone();
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
pub fn count(paths: &[PathBuf]) -> u64 {
    paths.iter().flat_map(|path| files_under(path)).filter(Result::is_ok).count() as u64
}

/// Sends every file under the paths; answers what could not be walked and why.
pub fn walk(paths: &[PathBuf], entries: &mpsc::Sender<Entry>) -> Vec<(String, String)> {
    let mut unreadable = Vec::new();
    for path in paths {
        for file in files_under(path) {
            match file {
                Ok(file) => {
                    if entries.blocking_send(Entry::new(file)).is_err() {
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

/// All files of a folder, in a stable order; old archives reach over several disks by links, so these
/// are followed. A DICOMDIR stands for the set around it (PS3.10 8.6):
/// everything it names lies beside or below it.
fn files_under(path: &Path) -> impl Iterator<Item = Result<PathBuf, walkdir::Error>> + use<> {
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
        .filter(|entry| entry.as_ref().map_or(true, |entry| entry.file_type().is_file()))
        .map(|entry| entry.map(walkdir::DirEntry::into_path))
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
