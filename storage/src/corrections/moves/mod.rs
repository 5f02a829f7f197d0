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
mod left;
mod obey;
mod part;
mod settle;
mod touched;
mod undo;

use pacs_core::reconciliation::Kind;

use crate::index::discrepancies;

pub use act::{Move, Moved, Target, What};
pub(crate) use obey::redirected;
pub(crate) use part::{Parting, part};

/// The act that moves series to another study.
pub(super) const SERIES: &str = "series.move";
/// The act that moves instances to another study, or to a series of their own.
pub(super) const INSTANCES: &str = "instance.move";
/// The act that moves all of a study to another, which late images follow.
pub(super) const MERGE: &str = "study.merge";
/// The act that makes a study of some series of another.
pub(super) const SPLIT: &str = "study.split";
/// The act that makes a study of the images of another that name a second patient.
pub(crate) const PART: &str = "study.part";
/// All of them.
pub(crate) const ACTS: [&str; 5] = [SERIES, INSTANCES, MERGE, SPLIT, PART];
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
    /// The instances that it moves, where these are not whole series, of one series or as `taken` says.
    #[serde(default)]
    instances: Vec<String>,
    /// The series that they become.
    to_series: Option<String>,
    /// The attributes of that series, as DICOM JSON.
    series_attributes: Option<serde_json::Value>,
    /// The instances that it takes out of several series.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    taken: Vec<Taken>,
    /// The discrepancy that a parting answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    answers: Option<Answers>,
    /// The attributes of the study, as DICOM JSON, for when it has to be made.
    study_attributes: Option<serde_json::Value>,
    /// Code of its facility.
    facility: Option<String>,
    /// The exam of the one study that has become that of the other, by what outlives its row.
    exam: Option<serde_json::Value>,
    /// Everything that it is about besides its subject.
    about: Vec<String>,
}

/// Two patients in one study, as a parting knew them.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answers {
    /// What tells the discrepancy from others of the study.
    other: String,
    /// Whom the images name that have left.
    named: discrepancies::Said,
    /// What was at odds; two patients where it is not said.
    #[serde(default = "two_patients")]
    kind: Kind,
    /// What those say of patient and study that stay, as DICOM JSON.
    stay: serde_json::Value,
}

fn two_patients() -> Kind {
    Kind::TwoPatients
}

/// Instances that are taken out of one series and become another.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Taken {
    instances: Vec<String>,
    /// The series that they become.
    to_series: String,
    /// The attributes of that series, as DICOM JSON.
    series_attributes: serde_json::Value,
}

impl Said {
    /// The series that an instance becomes a part of, with its attributes.
    fn series_of(&self, instance: &str) -> Option<(&str, Option<&serde_json::Value>)> {
        let is_it = |taken: &&Taken| taken.instances.iter().any(|uid| uid == instance);
        match self.taken.iter().find(is_it) {
            Some(taken) => Some((&taken.to_series, Some(&taken.series_attributes))),
            None => Some((self.to_series.as_deref()?, self.series_attributes.as_ref())),
        }
    }

    /// All series that instances become.
    fn made(&self) -> impl Iterator<Item = &String> {
        self.to_series.iter().chain(self.taken.iter().map(|taken| &taken.to_series))
    }

    fn of(act: &crate::acts::Act) -> crate::Result<Self> {
        let after = act.after.clone().unwrap_or_default();
        serde_json::from_value(after).map_err(|error| {
            crate::Error::Corrupt(format!("act {} does not say what it moves: {error}", act.id))
        })
    }
}
