//! The object store that packs, companions and the journal lie in.

use std::io::ErrorKind;
use std::path::PathBuf;
use std::sync::Arc;

use object_store::ObjectStore;
use object_store::local::LocalFileSystem;
use object_store::prefix::PrefixStore;
use url::Url;

use super::credentials::{self, Credentials};
use crate::error::{Error, Result};
use crate::folders::make_folder;

/// Opens `file:///folder` (made if missing, every write synced) or `s3://bucket/prefix`, whose
/// credentials, region and endpoint come from the usual `AWS_*` variables. Blocks.
pub fn open(url: &str) -> Result<Arc<dyn ObjectStore>> {
    open_where(url, false, None)
}

/// The same for what comes and goes a folder at a time: a folder that is empty is removed. A bucket may have
/// credentials of its own.
pub fn open_tidy(url: &str, credentials: Option<&Credentials>) -> Result<Arc<dyn ObjectStore>> {
    open_where(url, true, credentials)
}

fn open_where(url: &str, is_tidy: bool, credentials: Option<&Credentials>) -> Result<Arc<dyn ObjectStore>> {
    let parsed = Url::parse(url).map_err(|error| wrong(error.to_string()))?;
    match parsed.scheme() {
        "file" => {
            let folder: PathBuf = parsed.to_file_path().map_err(|()| wrong("it names no folder"))?;
            make_folder(&folder).map_err(|error| Error::io("make the folder of objects", error))?;
            let store = LocalFileSystem::new_with_prefix(&folder)?;
            Ok(Arc::new(store.with_fsync(true).with_automatic_cleanup(is_tidy)))
        }
        "s3" => {
            let bucket = parsed.host_str().ok_or_else(|| wrong("it names no bucket"))?;
            let store = credentials::builder(credentials).with_bucket_name(bucket).build()?;
            match parsed.path().trim_matches('/') {
                "" => Ok(Arc::new(store)),
                prefix => Ok(Arc::new(PrefixStore::new(store, prefix))),
            }
        }
        other => Err(wrong(format!("{other} is neither file nor s3"))),
    }
}

/// The folder that a `file://` URL names.
pub fn local_folder(url: &str) -> Option<PathBuf> {
    Url::parse(url).ok().filter(|url| url.scheme() == "file").and_then(|url| url.to_file_path().ok())
}

/// Removes what an upload to a local folder left when the process died in it: parts lie beside the
/// object under its name and a number. Other stores clear such parts away by themselves. Blocks.
pub fn remove_leftovers(url: &str, key: &str) -> std::io::Result<()> {
    let Some(object) = local_folder(url).map(|folder| folder.join(key)) else { return Ok(()) };
    let (Some(parent), Some(name)) = (object.parent(), object.file_name().and_then(|name| name.to_str()))
    else {
        return Ok(());
    };
    let entries = match std::fs::read_dir(parent) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        if entry.file_name().to_str().and_then(left_of) == Some(name) {
            std::fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// Removes all that uploads to a local folder left in it and below, and the folders that are empty then. Blocks.
pub fn remove_leftovers_below(url: &str, prefix: &str) -> std::io::Result<()> {
    local_folder(url).map_or(Ok(()), |folder| clear(&folder.join(prefix)))
}

fn clear(folder: &std::path::Path) -> std::io::Result<()> {
    let entries = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            clear(&entry.path())?;
        } else if entry.file_name().to_str().and_then(left_of).is_some() {
            std::fs::remove_file(entry.path())?;
        }
    }
    match std::fs::remove_dir(folder) {
        Err(error) if !matches!(error.kind(), ErrorKind::DirectoryNotEmpty | ErrorKind::NotFound) => {
            Err(error)
        }
        _ => Ok(()),
    }
}

/// The name of the object whose upload has left a file of this name.
fn left_of(name: &str) -> Option<&str> {
    let (object, number) = name.rsplit_once('#')?;
    number.bytes().all(|digit| digit.is_ascii_digit()).then_some(object)
}

fn wrong(why: impl Into<String>) -> Error {
    Error::internal("read the URL of the object store", why.into())
}
