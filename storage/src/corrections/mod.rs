//! Corrections of what studies and series say of themselves, over bytes that stay as they were sent.
//!
//! A correction is an act ([`crate::acts`]); what stands of a subject follows from its acts that were not
//! taken back ([`standing`]), in their order. Rows are brought in line with them ([`study`], [`series`]):
//! they hold the values as corrected, so that whatever lists and searches finds these, and beside them what
//! was sent. Each series names the overlay of its instances' headers ([`overlays`]), which every door lays
//! over what it gives. The same is done once more when the index has been made anew ([`again`]).

mod again;
mod door;
mod edit;
mod listing;
mod moves;
pub(crate) mod overlays;
pub(crate) mod series;
mod standing;
pub(crate) mod study;
mod undo;

pub use door::right_to_undo;
pub(crate) use edit::lock;
pub use edit::{Change, Corrected, Correction};
pub use listing::{Attributes, Listed, Movement, changes_of, listed, movement_of};
pub(crate) use moves::{ACTS as MOVES, PART, Parting, away, part, redirected};
pub use moves::{Move, Moved, Target, What};
pub(crate) use standing::parse as parse_attributes;

/// The act that corrects attributes of a study, and of the patient as they stand in it.
const STUDY: &str = "study.correct";
/// The act that corrects attributes of a series.
const SERIES: &str = "series.correct";
/// The act that takes a correction back.
const UNDO: &str = "correction.undo";
/// The acts that change what a study says of itself.
pub(crate) const OF_STUDY: [&str; 2] = [STUDY, UNDO];
/// Where an act says what it changed, as DICOM JSON.
const ATTRIBUTES: &str = "attributes";
