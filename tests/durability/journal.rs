//! The undo journal that `shim.c` writes, and the loss of power that is made of it.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};

use rand::rngs::StdRng;
use rand::{Rng, RngExt};

const MAGIC: u32 = 0x4c57_5250;
const HEAD_BYTES: usize = 64;

/// What happened to the files, as far as it matters to a disk.
#[derive(Debug)]
enum Event {
    /// Bytes were written, or a file was cut (`cut`).
    Content { inode: u64, offset: u64, length: u64, old_size: u64, before: Vec<u8>, cut: bool },
    /// A file's content or a folder's names were made to last.
    Sync { inode: u64 },
    /// A name appeared: a new file, a link or a folder.
    Name { folder: u64, path: PathBuf },
    /// A file took another name; what had that name before lies in `stash`.
    Rename { folder: u64, from: PathBuf, to: PathBuf, stash: Option<PathBuf> },
    /// The last name of a file went.
    Gone { inode: u64 },
    /// A file was mapped to be written, which the shim cannot follow.
    Mapped,
}

/// What a loss of power does to that which was not synced.
#[derive(Debug, Clone, Copy)]
pub enum Loss {
    /// All of it is lost.
    Everything,
    /// Of each write and name one cannot say: kept, lost, or in its place something else.
    Anything,
    /// All of it is lost but what the database wrote, which happened to be on its way already.
    AllButRows,
}

/// Takes back from the files below `root` what was not synced.
pub fn lose_power(journal: &Path, root: &Path, loss: Loss, random: &mut StdRng) {
    let events = read(journal);
    assert!(
        !events.iter().any(|event| matches!(event, Event::Mapped)),
        "a file was written through a mapping"
    );
    let pending = pending(events);
    let mut paths = HashMap::new();
    inodes(root, &mut paths);
    for event in pending.iter().rev() {
        let fate = match loss {
            Loss::Anything => Fate::draw(random),
            Loss::AllButRows if is_of_rows(event, &paths) => Fate::Kept,
            Loss::Everything | Loss::AllButRows => Fate::Lost,
        };
        match event {
            Event::Content { inode, offset, length, old_size, before, cut } => {
                let Some(path) = paths.get(inode) else { continue };
                // A name that was lost took the file along.
                let Ok(file) = OpenOptions::new().read(true).write(true).open(path) else { continue };
                match (fate, cut) {
                    (Fate::Kept, _) => {}
                    (_, true) => {
                        file.write_all_at(before, *offset).unwrap();
                    }
                    (Fate::Lost, false) => undo_write(&file, *offset, *length, *old_size, before),
                    (Fate::Garbled, false) => garble(&file, *offset, *length, random),
                }
            }
            Event::Name { path, .. } if !matches!(fate, Fate::Kept) => {
                if path.is_dir() {
                    fs::remove_dir_all(path).unwrap();
                } else {
                    let _ = fs::remove_file(path);
                }
            }
            // The journal is ahead of the act by an instant: the rename may not have come about.
            Event::Rename { from, to, stash, .. }
                if !matches!(fate, Fate::Kept) && !from.exists() && to.exists() =>
            {
                let _ = fs::rename(to, from);
                if let Some(stash) = stash {
                    let _ = fs::rename(stash, to);
                }
                paths.clear();
                inodes(root, &mut paths);
            }
            _ => {}
        }
    }
    forget_shared_memory(root);
}

/// Whether it happened to one of the database's files.
fn is_of_rows(event: &Event, paths: &HashMap<u64, PathBuf>) -> bool {
    let path = match event {
        Event::Content { inode, .. } => paths.get(inode),
        Event::Name { path, .. } => Some(path),
        _ => None,
    };
    let name = path.and_then(|path| path.file_name()).map(|name| name.to_string_lossy());
    name.is_some_and(|name| name.starts_with("sen.db"))
}

/// How many writes and names would be lost now.
pub fn unsynced(journal: &Path) -> usize {
    pending(read(journal)).len()
}

#[derive(Debug, Clone, Copy)]
enum Fate {
    Kept,
    Lost,
    Garbled,
}

impl Fate {
    fn draw(random: &mut StdRng) -> Self {
        match random.random_range(0..3) {
            0 => Self::Kept,
            1 => Self::Lost,
            _ => Self::Garbled,
        }
    }
}

fn undo_write(file: &File, offset: u64, length: u64, old_size: u64, before: &[u8]) {
    file.write_all_at(before, offset).unwrap();
    let size = file.metadata().unwrap().len();
    let end = offset + length;
    if end >= size && old_size < size {
        file.set_len(old_size).unwrap();
    } else {
        // The size reached the disk with a later write; the blocks did not.
        let from = old_size.max(offset);
        let until = end.min(size);
        if from < until {
            file.write_all_at(&vec![0; (until - from) as usize], from).unwrap();
        }
    }
}

fn garble(file: &File, offset: u64, length: u64, random: &mut StdRng) {
    let until = (offset + length).min(file.metadata().unwrap().len());
    if offset < until {
        let mut noise = vec![0; (until - offset) as usize];
        random.fill_bytes(&mut noise);
        file.write_all_at(&noise, offset).unwrap();
    }
}

/// The events that no later sync covers.
fn pending(events: Vec<Event>) -> Vec<Event> {
    let mut settled: HashMap<u64, usize> = HashMap::new();
    for (at, event) in events.iter().enumerate() {
        if let Event::Sync { inode } | Event::Gone { inode } = event {
            settled.insert(*inode, at);
        }
    }
    let is_settled = |inode: u64, at: usize| settled.get(&inode).is_some_and(|last| *last > at);
    let left = events.into_iter().enumerate().filter(|(at, event)| match event {
        Event::Content { inode, .. } => !is_settled(*inode, *at),
        Event::Name { folder, .. } | Event::Rename { folder, .. } => !is_settled(*folder, *at),
        Event::Sync { .. } | Event::Gone { .. } | Event::Mapped => false,
    });
    left.map(|(_, event)| event).collect()
}

fn read(journal: &Path) -> Vec<Event> {
    let bytes = fs::read(journal).unwrap();
    let mut rest = bytes.as_slice();
    let mut events = Vec::new();
    while let Some((head, after)) = rest.split_at_checked(HEAD_BYTES) {
        let word = |at: usize| u32::from_le_bytes(head[at..at + 4].try_into().unwrap());
        let number = |at: usize| u64::from_le_bytes(head[at..at + 8].try_into().unwrap());
        assert_eq!(word(0), MAGIC, "the journal is not one");
        let (inode, folder, offset, length, old_size) =
            (number(8), number(16), number(24), number(32), number(40));
        let sizes = [word(48) as usize, word(52) as usize, number(56) as usize];
        if after.len() < sizes.iter().sum() {
            break;
        }
        let (path, after) = after.split_at(sizes[0]);
        let (second, after) = after.split_at(sizes[1]);
        let (before, after) = after.split_at(sizes[2]);
        rest = after;
        let text = |bytes: &[u8]| PathBuf::from(String::from_utf8(bytes.to_vec()).unwrap());
        let kind = word(4);
        events.push(match kind {
            1 | 2 => {
                Event::Content { inode, offset, length, old_size, before: before.to_vec(), cut: kind == 2 }
            }
            3 => Event::Sync { inode },
            4 | 6 | 7 => Event::Name { folder, path: text(path) },
            5 => {
                let stash = (offset > 0).then(|| PathBuf::from(format!("{}.{offset}", journal.display())));
                Event::Rename { folder, from: text(path), to: text(second), stash }
            }
            8 => Event::Gone { inode },
            9 => Event::Mapped,
            other => panic!("record of kind {other}"),
        });
    }
    events
}

fn inodes(folder: &Path, found: &mut HashMap<u64, PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let path = entry.path();
        if entry.file_type().unwrap().is_dir() {
            inodes(&path, found);
        } else {
            found.insert(entry.metadata().unwrap().ino(), path);
        }
    }
}

/// SQLite's shared memory does not outlive the machine.
fn forget_shared_memory(root: &Path) {
    let mut paths = HashMap::new();
    inodes(root, &mut paths);
    for path in paths.values().filter(|path| path.to_string_lossy().ends_with("-shm")) {
        fs::remove_file(path).unwrap();
    }
}
