//! The attributes that every answer carries (PS3.18 tables 10.6.3-3 to 10.6.3-5), with those beside them that every
//! list of studies shows.

use pacs_core::attributes::{SERIES_TAGS, STUDY_TAGS};
use pacs_core::query::Level;
use pacs_core::{Tag, tags};

const STUDY: &[Tag] = &[
    tags::STUDY_DATE,
    tags::STUDY_TIME,
    tags::ACCESSION_NUMBER,
    tags::INSTANCE_AVAILABILITY,
    tags::MODALITIES_IN_STUDY,
    tags::REFERRING_PHYSICIAN_NAME,
    tags::TIMEZONE_OFFSET_FROM_UTC,
    tags::STUDY_DESCRIPTION,
    tags::PATIENT_NAME,
    tags::PATIENT_ID,
    tags::ISSUER_OF_PATIENT_ID,
    tags::PATIENT_BIRTH_DATE,
    tags::PATIENT_SEX,
    tags::STUDY_INSTANCE_UID,
    tags::STUDY_ID,
    tags::NUMBER_OF_STUDY_RELATED_SERIES,
    tags::NUMBER_OF_STUDY_RELATED_INSTANCES,
];

const SERIES: &[Tag] = &[
    tags::MODALITY,
    tags::TIMEZONE_OFFSET_FROM_UTC,
    tags::SERIES_DESCRIPTION,
    tags::SERIES_INSTANCE_UID,
    tags::SERIES_NUMBER,
    tags::SERIES_DATE,
    tags::SERIES_TIME,
    tags::BODY_PART_EXAMINED,
    tags::NUMBER_OF_SERIES_RELATED_INSTANCES,
    tags::PERFORMED_PROCEDURE_STEP_START_DATE,
    tags::PERFORMED_PROCEDURE_STEP_START_TIME,
];

/// Of the request of a series (PS3.18 table 10.6.3-4).
const OF_REQUEST: [Tag; 2] = [tags::SCHEDULED_PROCEDURE_STEP_ID, tags::REQUESTED_PROCEDURE_ID];

const INSTANCE: &[Tag] = &[
    tags::SOP_CLASS_UID,
    tags::SOP_INSTANCE_UID,
    tags::INSTANCE_AVAILABILITY,
    tags::TIMEZONE_OFFSET_FROM_UTC,
    tags::INSTANCE_NUMBER,
    tags::ROWS,
    tags::COLUMNS,
    tags::BITS_ALLOCATED,
    tags::NUMBER_OF_FRAMES,
];

/// What rows hold of a study beside its own attributes, for those who ask.
const OF_STUDY: &[Tag] = &[
    tags::SOP_CLASSES_IN_STUDY,
    tags::NUMBER_OF_PATIENT_RELATED_STUDIES,
    tags::NUMBER_OF_PATIENT_RELATED_SERIES,
    tags::NUMBER_OF_PATIENT_RELATED_INSTANCES,
];

const OF_INSTANCE: &[Tag] = &[tags::AVAILABLE_TRANSFER_SYNTAX_UID];

/// Whether answers at `level` can carry an attribute. One that is not kept for queries is left out of them rather than
/// shown without a value, which would say that the objects have none; so are those of a lower level (PS3.18 10.6.3.3).
/// Of instances everything can be answered that their headers say.
pub fn is_answered(tag: Tag, level: Level) -> bool {
    let lists: &[&[Tag]] = match level {
        Level::Patient | Level::Study => &[STUDY, OF_STUDY, STUDY_TAGS],
        Level::Series => &[STUDY, OF_STUDY, STUDY_TAGS, SERIES, SERIES_TAGS],
        Level::Instance => &[STUDY, OF_STUDY, STUDY_TAGS, SERIES, SERIES_TAGS, INSTANCE, OF_INSTANCE],
    };
    lists.iter().any(|list| list.contains(&tag)) || storage::query::is_of_header(tag, level)
}

/// The attributes of an answer at `level`. Those of a level above are left out where the path has already fixed it
/// (PS3.18 10.6.3.3), its UID excepted.
pub fn attributes(level: Level, study_fixed: bool, series_fixed: bool) -> Vec<Vec<Tag>> {
    let study_uid: &[Tag] = &[tags::STUDY_INSTANCE_UID];
    let series_uid: &[Tag] = &[tags::SERIES_INSTANCE_UID];
    let of_study = if study_fixed { study_uid } else { STUDY };
    let of_series = if series_fixed { series_uid } else { SERIES };
    let lists: [&[Tag]; 3] = match level {
        Level::Patient | Level::Study => [STUDY, &[], &[]],
        Level::Series => [of_study, SERIES, &[]],
        Level::Instance => [of_study, of_series, INSTANCE],
    };
    let mut paths: Vec<Vec<Tag>> = Vec::new();
    for tag in lists.into_iter().flatten() {
        if !paths.iter().any(|path| path == &[*tag]) {
            paths.push(vec![*tag]);
        }
    }
    if level >= Level::Series && !series_fixed {
        paths.extend(OF_REQUEST.map(|tag| vec![tags::REQUEST_ATTRIBUTES_SEQUENCE, tag]));
    }
    paths
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(paths: &[Vec<Tag>], tag: Tag) -> bool {
        paths.iter().filter(|path| **path == [tag]).count() == 1
    }

    #[test]
    fn attributes_of_lower_levels_and_those_nobody_keeps_are_not_answered() {
        assert!(is_answered(tags::PATIENT_AGE, Level::Study));
        assert!(!is_answered(tags::MODALITY, Level::Study) && is_answered(tags::MODALITY, Level::Series));
        assert!(
            !is_answered(tags::IMAGE_TYPE, Level::Series) && is_answered(tags::IMAGE_TYPE, Level::Instance)
        );
        assert!(!is_answered(tags::PIXEL_DATA, Level::Instance));
    }

    #[test]
    fn a_fixed_level_leaves_only_its_uid() {
        let all = attributes(Level::Instance, false, false);
        assert!(holds(&all, tags::PATIENT_NAME) && holds(&all, tags::MODALITY) && holds(&all, tags::ROWS));
        let of_series = attributes(Level::Instance, true, true);
        assert!(!holds(&of_series, tags::PATIENT_NAME) && !holds(&of_series, tags::MODALITY));
        assert!(holds(&of_series, tags::STUDY_INSTANCE_UID) && holds(&of_series, tags::SERIES_INSTANCE_UID));
        assert!(holds(&attributes(Level::Study, false, false), tags::MODALITIES_IN_STUDY));
    }
}
