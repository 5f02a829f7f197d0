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
use pacs_core::why::{Cause, Why};
use storage::intake::{NotTaken, Waiting};
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;
use walkdir::WalkDir;

/// Bytes of one file, in order.
pub type Chunks = mpsc::Receiver<io::Result<Bytes>>;

/// Bytes read at once.
const CHUNK_BYTES: usize = 256 * 1024;
/// Chunks of a file that wait for the archive.
const CHUNKS_AHEAD: usize = 2;

/// Where a file stands in the order of a walk: which of the paths it is under, its own path, and when it is a ZIP that
/// has not come to its end, how many of the files in it are done with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    root: usize,
    path: PathBuf,
    inside: Option<usize>,
}

impl Place {
    /// Reads what [`Place::fmt`] writes; `None` for anything else.
    pub fn of(text: Option<&str>) -> Option<Self> {
        let (root, rest) = text?.split_once(':')?;
        let (digits, inside) = match rest.split_once(':') {
            Some((digits, inside)) => (digits, Some(inside.parse().ok()?)),
            None => (rest, None),
        };
        let pairs = digits.as_bytes().chunks(2);
        let bytes: Option<Vec<u8>> =
            pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect();
        Some(Self { root: root.parse().ok()?, path: OsString::from_vec(bytes?).into(), inside })
    }

    /// Whether it is in a ZIP.
    pub fn is_inside(&self) -> bool {
        self.inside.is_some()
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
        // The place itself has been walked; of a folder above it, and of a ZIP, only a part.
        own.next().is_none() && self.inside.is_none()
    }
}

/// Names need not be text: their bytes as hexadecimal digits.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.root)?;
        self.path.as_os_str().as_bytes().iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
        self.inside.map_or(Ok(()), |number| write!(f, ":{number}"))
    }
}

/// What the walk has come to: a file on disk or in a ZIP, or something that cannot be read.
#[derive(Debug)]
pub struct Entry {
    /// Which of the walk, counted from 0.
    pub number: u64,
    /// Where the walk is once it is done with; `None` where that is no further than before.
    pub place: Option<Place>,
    /// How the user would name it: a path, or `archive.zip: path inside`.
    pub name: String,
    content: Content,
}

#[derive(Debug)]
enum Content {
    OnDisk(PathBuf),
    /// The thread that walks reads it.
    InZip(Chunks),
    Unreadable(Why),
}

impl Entry {
    /// Its bytes, and how many as far as that is known before reading; or why it cannot be read.
    pub async fn open(self) -> Result<(Chunks, Option<u64>), Why> {
        match self.content {
            Content::OnDisk(path) => {
                let opened = spawn_blocking(move || {
                    let file = File::open(path)?;
                    let length_bytes = file.metadata()?.len();
                    Ok::<_, io::Error>((file, length_bytes))
                });
                let opened = opened.await.map_err(io::Error::from).and_then(|opened| opened);
                let (mut file, length_bytes) = opened.map_err(|error| NotTaken::unreadable(&error))?;
                let (sender, chunks) = mpsc::channel(CHUNKS_AHEAD);
                spawn_blocking(move || send_all(&mut file, &sender));
                Ok((chunks, Some(length_bytes)))
            }
            // The length that a ZIP declares is only a claim.
            Content::InZip(chunks) => Ok((chunks, None)),
            Content::Unreadable(why) => Err(why),
        }
    }
}

/// Says what of it is not there, such as a medium that is not mounted yet: then it is no time to walk. Blocks.
pub fn missing(paths: &[PathBuf], after: Option<&Place>) -> Option<Why> {
    let why = |path: &Path, said: String, error: &io::Error| {
        let why = Waiting::Missing.because(format_args!("{said}: {error}"));
        why.with("path", path.display().to_string()).of(Cause::of_io(error))
    };
    let mut to_come = paths.iter().skip(after.map_or(0, |after| after.root));
    if let Some((path, error)) = to_come.find_map(|path| Some((path, std::fs::metadata(path).err()?))) {
        return Some(why(path, format!("{} is not there", path.display()), &error));
    }
    let place = after?;
    let error = std::fs::symlink_metadata(&place.path).err()?;
    let said = format!("{}, which it was at, is not there", place.path.display());
    Some(why(&place.path, said, &error))
}

/// How many files on disk [`walk`] will find.
pub fn count(paths: &[PathBuf], after: Option<&Place>) -> u64 {
    let roots = paths.iter().enumerate();
    roots.flat_map(|(root, path)| files_under(root, path, after)).filter(Result::is_ok).count() as u64
}

/// Sends everything under the paths that stands after a place, what cannot be walked too, until nobody takes it any
/// more. Blocks.
pub fn walk(paths: &[PathBuf], after: Option<&Place>, entries: mpsc::Sender<Entry>) {
    let mut walk = Walk { entries, number: 0 };
    for (root, path) in paths.iter().enumerate() {
        for file in files_under(root, path, after) {
            let goes_on = match file {
                Ok(file) => {
                    let begun = after.filter(|after| after.root == root && after.path == file);
                    let done = begun.and_then(|after| after.inside).unwrap_or(0);
                    walk.file(Place { root, path: file, inside: None }, done)
                }
                Err(error) => {
                    // A folder stands before what is in it, so none of that has been walked.
                    let place = error.path().map(|at| Place { root, path: at.to_owned(), inside: None });
                    let name = error.path().unwrap_or(path).display().to_string();
                    walk.send(place, name, Content::Unreadable(unwalkable(&error)))
                }
            };
            if !goes_on {
                return;
            }
        }
    }
}

/// Why a folder or file cannot be walked.
fn unwalkable(error: &walkdir::Error) -> Why {
    match error.loop_ancestor() {
        Some(_) => NotTaken::Loop.because(error),
        None => NotTaken::Unreadable.because(error).of(error.io_error().and_then(Cause::of_io)),
    }
}

/// A walk under way. Each step says whether anybody takes more.
struct Walk {
    entries: mpsc::Sender<Entry>,
    number: u64,
}

impl Walk {
    fn send(&mut self, place: Option<Place>, name: String, content: Content) -> bool {
        let entry = Entry { number: self.number, place, name, content };
        self.number += 1;
        self.entries.blocking_send(entry).is_ok()
    }

    /// A file, or those of a ZIP of which some are done with.
    fn file(&mut self, place: Place, done: usize) -> bool {
        let called = place.path.display().to_string();
        if !is_zip(&place.path) {
            let content = Content::OnDisk(place.path.clone());
            return self.send(Some(place), called, content);
        }
        let opened = File::open(&place.path).map_err(zip::result::ZipError::Io);
        let mut archive = match opened.and_then(zip::ZipArchive::new) {
            Ok(archive) => archive,
            Err(error) => {
                let why = NotTaken::BadZip.because(format_args!("not a readable ZIP file: {error}"));
                let why = why.of(Cause::beneath(&error));
                return self.send(Some(place), called, Content::Unreadable(why));
            }
        };
        for index in done..archive.len() {
            let place = Some(Place { inside: Some(index + 1), ..place.clone() });
            let goes_on = match archive.by_index(index) {
                Ok(file) if file.is_dir() => continue,
                Ok(mut file) => {
                    let (sender, chunks) = mpsc::channel(CHUNKS_AHEAD);
                    let name = format!("{called}: {}", file.name());
                    let goes_on = self.send(place, name, Content::InZip(chunks));
                    if goes_on {
                        send_all(&mut file, &sender);
                    }
                    goes_on
                }
                Err(error) => {
                    let name = format!("{called}: entry {index}");
                    let why = NotTaken::BadZipEntry.because(&error).of(Cause::beneath(&error));
                    self.send(place, name, Content::Unreadable(why))
                }
            };
            if !goes_on {
                return false;
            }
        }
        true
    }
}

/// All files of a folder that stand after a place, in a stable order; folders before it are not even listed. Old
/// archives reach over several disks by links, so these are followed. A DICOMDIR stands for the set around it (PS3.10
/// 8.6): everything it names lies beside or below it.
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
    let is_ahead = move |path: &Path| !is_done && after.as_ref().is_none_or(|after| !after.is_behind(path));
    let is_walked = is_ahead.clone();
    WalkDir::new(root)
        .follow_links(true)
        .sort_by_file_name()
        .into_iter()
        .filter_entry(move |entry| is_walked(entry.path()))
        // What cannot be walked was told when its place came.
        .filter(move |entry| match entry {
            Ok(entry) => entry.file_type().is_file(),
            Err(error) => error.path().is_none_or(&is_ahead),
        })
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
    use std::io::Write as _;

    use super::*;

    fn at(root: usize, path: &Path) -> Place {
        Place { root, path: path.to_owned(), inside: None }
    }

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
        for (number, path) in all.iter().enumerate() {
            let place = Place::of(Some(&at(0, path).to_string())).unwrap();
            assert_eq!(walked(Some(&place)), all[number + 1..], "after {}", path.display());
        }
        let elsewhere = at(1, Path::new("/x"));
        assert!(walked(Some(&elsewhere)).is_empty(), "roots before it are done with");
        assert_eq!(files_under(2, folder.path(), Some(&elsewhere)).count(), names.len());
    }

    #[test]
    fn a_walk_goes_on_inside_a_zip_and_behind_what_cannot_be_walked() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("a")).unwrap();
        std::os::unix::fs::symlink("..", folder.path().join("a/loop")).unwrap();
        let mut zip = zip::ZipWriter::new(File::create(folder.path().join("b.zip")).unwrap());
        for name in ["1", "2", "3"] {
            zip.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
            zip.write_all(name.as_bytes()).unwrap();
        }
        zip.finish().unwrap();
        std::fs::write(folder.path().join("c"), "c").unwrap();
        let walked = |after: Option<Place>| -> Vec<(String, Option<Place>)> {
            let (sender, mut entries) = mpsc::channel(16);
            walk(&[folder.path().to_owned()], after.as_ref(), sender);
            let next = || entries.blocking_recv().map(|entry| (entry.name, entry.place));
            std::iter::from_fn(next).collect()
        };
        let all = walked(None);
        let names: Vec<&str> = all.iter().map(|(name, _)| name.rsplit(['/', ' ']).next().unwrap()).collect();
        assert_eq!(names, ["loop", "1", "2", "3", "c"]);
        for (number, (name, place)) in all.iter().enumerate() {
            let place = Place::of(Some(&place.as_ref().unwrap().to_string()));
            assert_eq!(walked(place), all[number + 1..], "after {name}");
        }
    }
}
