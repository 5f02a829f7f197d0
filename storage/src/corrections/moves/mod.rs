//! Moving images to another study: series, single instances, a whole study, or a part of one into a study
//! of its own.
//!
//! A series keeps its UID and its row, which names another study; instances that are taken out of a series
//! get one of their own. Where anything belongs follows from the moves that stand ([`home`]), so that one
//! that is taken back leaves the others in force. What leaves names the study and series that it is filed
//! in, and what its study says of the patient and itself (`pacs_core::correction::of_study`).

mod act;
mod again;
pub(crate) mod away;
mod home;
mod obey;
mod settle;
mod touched;
mod undo;

pub use act::{Move, Moved, Target, What};
pub(crate) use obey::redirected;

/// The act that moves series to another study.
pub(super) const SERIES: &str = "series.move";
/// The act that moves instances to another study, or to a series of their own.
pub(super) const INSTANCES: &str = "instance.move";
/// The act that moves all of a study to another, which late images follow.
pub(super) const MERGE: &str = "study.merge";
/// The act that makes a study of some series of another.
pub(super) const SPLIT: &str = "study.split";
/// All of them.
pub(super) const ACTS: [&str; 4] = [SERIES, INSTANCES, MERGE, SPLIT];
/// The act that takes one of them back.
pub(super) const UNDO: &str = "move.undo";

/// What a move says, so that it can be done once more to rows that were made anew.
#[derive(Debug, Clone, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Said {
    /// The study that it moves to.
    to: String,
    /// The series that it moves.
    #[serde(default)]
    series: Vec<String>,
    /// The instances that it moves, where these are not whole series.
    #[serde(default)]
    instances: Vec<String>,
    /// The series that they become.
    to_series: Option<String>,
    /// The attributes of that series, as DICOM JSON.
    series_attributes: Option<serde_json::Value>,
    /// The attributes of the study, as DICOM JSON, for when it has to be made.
    study_attributes: Option<serde_json::Value>,
    /// Code of its facility.
    facility: Option<String>,
    /// The exam of the one study that has become that of the other, by what outlives its row.
    exam: Option<serde_json::Value>,
    /// Everything that it is about besides its subject.
    about: Vec<String>,
}

impl Said {
    fn of(act: &crate::acts::Act) -> crate::Result<Self> {
        let after = act.after.clone().unwrap_or_default();
        serde_json::from_value(after).map_err(|error| {
            crate::Error::Corrupt(format!("act {} does not say what it moves: {error}", act.id))
        })
    }
}
