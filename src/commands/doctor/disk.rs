//! Folders: writable, with room, and with syncs that come back in time.

use std::fs::File;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::time::Instant;

use super::Finding;

/// Below so much free space the archive will stop taking images soon.
const LITTLE_SPACE_BYTES: u64 = 10 << 30;
/// Files of the size of a CT slice, each synced.
const FILES: u32 = 20;
const FILE_BYTES: usize = 512 * 1024;
/// A disk that syncs fewer files a second than this cannot follow a single CT.
const SLOW_FILES_PER_SECOND: f64 = 50.0;

/// Checks one folder; where it is not there yet, the one that it will be made in.
pub fn check(what: &'static str, folder: &Path) -> Vec<Finding> {
    let (place, shown) = match place(folder) {
        Ok(place) if place == folder => (place, folder.display().to_string()),
        Ok(place) => {
            let shown =
                format!("{}: not there yet, `sen serve` makes it in {}", folder.display(), place.display());
            (place, shown)
        }
        Err(error) => {
            return vec![Finding::bad(what, format!("{} cannot be used: {error}", folder.display()))];
        }
    };
    let rate = match synced_files_per_second(&place) {
        Ok(rate) => rate,
        Err(error) => {
            return vec![Finding::bad(what, format!("{} cannot be written: {error}", place.display()))];
        }
    };
    let detail = format!("{shown}: writable, {rate:.0} synced files a second");
    let mut findings = vec![if rate < SLOW_FILES_PER_SECOND {
        Finding::doubtful(what, format!("{detail}; images will arrive slowly: use a faster local disk"))
    } else {
        Finding::good(what, detail)
    }];
    findings.push(match free_bytes(&place) {
        Ok(free) if free < LITTLE_SPACE_BYTES => {
            Finding::doubtful(what, format!("only {:.1} GB are free", free as f64 / 1e9))
        }
        Ok(free) => Finding::good(what, format!("{:.0} GB are free", free as f64 / 1e9)),
        Err(error) => Finding::doubtful(what, format!("free space cannot be told: {error}")),
    });
    findings
}

/// The folder itself, or the nearest one above it that is there.
fn place(folder: &Path) -> std::io::Result<PathBuf> {
    if folder.is_dir() {
        return Ok(folder.to_path_buf());
    }
    let full = std::path::absolute(folder)?;
    for place in full.ancestors() {
        match std::fs::metadata(place) {
            Ok(found) if found.is_dir() => return Ok(place.to_path_buf()),
            Ok(_) => return Err(std::io::Error::other(format!("{} is no folder", place.display()))),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Err(ErrorKind::NotFound.into())
}

fn synced_files_per_second(folder: &Path) -> std::io::Result<f64> {
    let own = tempfile::Builder::new().prefix(".sen-doctor-").tempdir_in(folder)?;
    let content = vec![0x5a; FILE_BYTES];
    let started = Instant::now();
    for number in 0..FILES {
        let mut file = File::create(own.path().join(number.to_string()))?;
        file.write_all(&content)?;
        file.sync_all()?;
    }
    Ok(f64::from(FILES) / started.elapsed().as_secs_f64().max(f64::EPSILON))
}

/// Bytes that this process may still write to the folder's file system.
fn free_bytes(folder: &Path) -> std::io::Result<u64> {
    let found = rustix::fs::statvfs(folder)?;
    Ok(found.f_bavail.saturating_mul(found.f_frsize))
}
