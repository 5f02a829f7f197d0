//! The sample files of the project and those beside it, as far as journeys want to know them.

use std::path::{Path, PathBuf};

use pacs_core::dataset::{self, Limits, Until};
use pacs_core::part10::{self, HeadProgress};
use pacs_core::{attributes, tags, transfer_syntax};

use super::{files_below, samples};

/// Folders of files that an archive should take as they are, whatever their kind or syntax.
const STORABLE: [&str; 5] = ["modality", "syntax", "colour", "charset", BESIDE];
/// The one of them that is beside the project alone.
const BESIDE: &str = "series";

/// How many of something there have to be: with the samples beside the project, or with its own alone.
pub fn at_least(beside: usize, own: usize) -> usize {
    if samples(BESIDE).is_some() { beside } else { own }
}

/// A sample file with file meta information and a SOP instance.
pub struct Sample {
    /// The file.
    pub path: PathBuf,
    /// SOP Class UID.
    pub class: String,
    /// SOP Instance UID of its data set; its file meta information may name another.
    pub instance: String,
    /// SOP Instance UID of its file meta information.
    pub meta_instance: Option<String>,
    /// Transfer Syntax UID.
    pub transfer_syntax: String,
    /// Study and Series Instance UID. Some are pictures without a study: no archive could find them
    /// again.
    pub study_and_series: Option<(String, String)>,
}

impl Sample {
    /// All that are there.
    pub fn storable() -> Vec<Self> {
        let roots: Vec<PathBuf> = STORABLE.into_iter().filter_map(samples).collect();
        roots.iter().flat_map(|root| files_below(root)).filter_map(|path| Self::read(&path)).collect()
    }

    /// `None` for files that foreign tools do not send themselves: they have no file meta
    /// information, or no SOP instance in their data set.
    fn read(path: &Path) -> Option<Self> {
        let bytes = std::fs::read(path).expect("a file that is there");
        let Ok(HeadProgress::Head(head)) = part10::read_head(&bytes) else { return None };
        let syntax = transfer_syntax::of(&head.transfer_syntax);
        let set = &bytes[head.dataset_offset as usize..];
        let set = dataset::read_slice(set, &syntax, &Limits::default(), Until::PixelData).ok()?.data_set;
        let lifted = attributes::lift(&set).ok();
        let uid = |tag| Some(set.uid(tag)?.ok()?.to_string());
        Some(Self {
            path: path.to_owned(),
            class: uid(tags::SOP_CLASS_UID)?,
            instance: uid(tags::SOP_INSTANCE_UID)?,
            meta_instance: head.sop_instance.as_ref().map(ToString::to_string),
            transfer_syntax: head.transfer_syntax.to_string(),
            study_and_series: lifted
                .and_then(|_| Some((uid(tags::STUDY_INSTANCE_UID)?, uid(tags::SERIES_INSTANCE_UID)?))),
        })
    }

    /// Its file name, for messages.
    pub fn name(&self) -> String {
        self.path.file_name().expect("a name").to_string_lossy().into_owned()
    }

    /// Whether Debian's DCMTK knows its transfer syntax: HTJ2K, JPEG XL and deflated frames came
    /// after it.
    pub fn is_known_to_dcmtk(&self) -> bool {
        const UNKNOWN: [&str; 4] = [
            "1.2.840.10008.1.2.4.201",
            "1.2.840.10008.1.2.4.203",
            "1.2.840.10008.1.2.4.111",
            "1.2.840.10008.1.2.8.1",
        ];
        !UNKNOWN.contains(&self.transfer_syntax.as_str())
    }
}
