//! What is pushed: synthetic CT slices, or somebody's own files.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use bytes::Bytes;
use dimse_scp::scu::{Instance, Proposal};
use walkdir::WalkDir;

/// Slices of 512 by 512, 16 bits: what a CT sends. They are made beforehand, so that only sending
/// them is measured; half a megabyte of memory each.
pub fn synthetic(count: usize, seed: u64) -> anyhow::Result<Vec<Instance>> {
    testdata::ct_slices(count)
        .seeded(seed)
        .map(|slice| {
            Instance::from_part10(Bytes::from(slice.bytes)).context("a synthetic slice cannot be sent")
        })
        .collect()
}

/// All DICOM files below a folder; others are left out.
pub fn of_folder(folder: &Path) -> anyhow::Result<Vec<Instance>> {
    let files: Vec<PathBuf> = WalkDir::new(folder)
        .sort_by_file_name()
        .into_iter()
        .collect::<Result<Vec<_>, _>>()?
        .into_iter()
        .filter(|entry| entry.file_type().is_file())
        .map(walkdir::DirEntry::into_path)
        .collect();
    let instances: Vec<Instance> = files.iter().filter_map(|path| Instance::open(path).ok()).collect();
    if instances.is_empty() {
        bail!("{} has no DICOM files with file meta information", folder.display());
    }
    Ok(instances)
}

/// One proposal for each SOP class and transfer syntax there is.
pub fn proposals(instances: &[Instance]) -> Vec<Proposal> {
    let mut proposals: Vec<Proposal> = Vec::new();
    for instance in instances {
        let proposal = Proposal::new(instance.class.clone(), vec![instance.transfer_syntax.clone()]);
        if !proposals.contains(&proposal) {
            proposals.push(proposal);
        }
    }
    proposals
}
