//! Corrections over immutable bytes: which attributes people may change, and how what they changed is
//! laid over the header of a stored instance.
//!
//! Stored bytes stay what was sent. A corrected instance leaves with an [`Overlay`] on its header: the
//! corrected values in UTF-8, and what they replace in an item of Original Attributes Sequence
//! (0400,0561), as PS3.3 C.12.1 wants of who changes an instance.

mod editable;
mod json;
mod overlay;

pub use editable::{Edit, Editable, Fault, Level, editable, of_level};
pub use overlay::Overlay;

use crate::Tag;
use crate::attributes::STUDY_TAGS;
use crate::tags;

/// The attributes that images take from the study they are moved to: all that it says of the patient and of
/// itself (PS3.3 C.7.1, C.7.2), or receivers would keep a study of two patients. Not what belongs to the image:
/// the zone of its times, and the patient's size and weight, which values are computed from.
pub fn of_study() -> impl Iterator<Item = Tag> {
    const OF_IMAGES: [Tag; 4] = [
        tags::SPECIFIC_CHARACTER_SET,
        tags::TIMEZONE_OFFSET_FROM_UTC,
        tags::PATIENT_SIZE,
        tags::PATIENT_WEIGHT,
    ];
    STUDY_TAGS.iter().copied().filter(|tag| !OF_IMAGES.contains(tag))
}
