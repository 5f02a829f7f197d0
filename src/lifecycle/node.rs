//! The name under which this server holds the lease of an archive.

use std::fs::File;
use std::io::{ErrorKind, Write as _};
use std::path::Path;

use anyhow::Context as _;

const FILE_NAME: &str = "node";

/// The name that lies in the spool's folder; one is made by chance with the folder. A server that
/// comes back to its spool is the same node and takes its lease up at once; another server over the
/// same database, with a spool of its own, is another one, whatever they are called. Like the spool
/// itself the name outlives a loss of power. Blocks.
pub fn name(spool_dir: &Path) -> anyhow::Result<String> {
    let path = spool_dir.join(FILE_NAME);
    make(spool_dir, &path).with_context(|| format!("cannot write {}", path.display()))?;
    let name = std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    match name.trim() {
        "" => anyhow::bail!("{} is empty; remove it, and the next start makes another", path.display()),
        name => Ok(name.to_owned()),
    }
}

fn make(folder: &Path, path: &Path) -> std::io::Result<()> {
    if path.exists() {
        return Ok(());
    }
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    writeln!(file, "{:016x}", rand::random::<u64>())?;
    file.as_file().sync_all()?;
    match file.persist_noclobber(path) {
        // Another process of this server was faster.
        Err(failed) if failed.error.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(failed) => Err(failed.error),
        Ok(_) => File::open(folder)?.sync_all(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spool_keeps_its_name_and_no_two_have_the_same() {
        let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let first = name(one.path()).unwrap();
        assert_eq!(first.len(), 16);
        assert_eq!(name(one.path()).unwrap(), first);
        assert_ne!(name(two.path()).unwrap(), first);
    }
}
