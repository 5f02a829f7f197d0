//! From the keys of an identifier to a query: levels, unique keys and matching (PS3.4 C.4.1.1.3,
//! C.4.1.2, C.4.2.1.4).

use pacs_core::dataset::{DataSet, Element, Value, vr_of};
use pacs_core::query::{Level, Matching, NO_VALUE, Query};
use pacs_core::uid::Uid;
use pacs_core::{Tag, VR, tags};
use storage::ups::Filter;

use crate::association::QueryOptions;
use crate::dimse::Status;
use crate::error::Failure;
use crate::sop_class::Root;

/// More keys than any console asks for.
const MAX_KEYS: usize = 512;

/// Sequences inside sequences beyond this are not looked into.
const MAX_DEPTH: usize = 4;

/// Elements of an identifier that are not keys, or whose value is ours to give.
const NOT_KEYS: &[Tag] = &[
    tags::SPECIFIC_CHARACTER_SET,
    tags::QUERY_RETRIEVE_LEVEL,
    tags::QUERY_RETRIEVE_VIEW,
    tags::TIMEZONE_OFFSET_FROM_UTC,
    tags::RETRIEVE_AE_TITLE,
    tags::INSTANCE_AVAILABILITY,
];

/// The unique keys from the top of the information model down.
const UNIQUE_KEYS: [(Level, Tag, &str); 4] = [
    (Level::Patient, tags::PATIENT_ID, "Patient ID"),
    (Level::Study, tags::STUDY_INSTANCE_UID, "Study Instance UID"),
    (Level::Series, tags::SERIES_INSTANCE_UID, "Series Instance UID"),
    (Level::Instance, tags::SOP_INSTANCE_UID, "SOP Instance UID"),
];

/// The query of a C-FIND identifier.
pub fn of_find(identifier: &DataSet, root: Root, options: QueryOptions) -> Result<Query, Failure> {
    let level = level(identifier, root)?;
    let mut query = Query::new(level);
    query.fuzzy = options.fuzzy;
    add_keys(&mut query, identifier, options)?;
    if options.combined {
        query.combine_periods();
    }
    if !options.relational {
        for (above, tag, name) in unique_keys(root).take_while(|(above, ..)| *above < level) {
            require_single(&query, tag, above, name)?;
        }
    }
    Ok(query)
}

/// The query of a C-MOVE or C-GET identifier: unique keys only; a list of UIDs at its level, one
/// value above it.
pub fn of_retrieve(identifier: &DataSet, root: Root, options: QueryOptions) -> Result<Query, Failure> {
    let level = level(identifier, root)?;
    let mut query = Query::new(level);
    for (at, tag, name) in UNIQUE_KEYS.into_iter().take_while(|(at, ..)| *at <= level) {
        let text = key_text(identifier, tag);
        if !text.is_empty() {
            add(&mut query, &[tag], vr_of(tag), &text)?;
        }
        // What lies above the model's top is not needed to find something in it.
        let in_model = root.levels().contains(&at);
        if at == level && query.filter(tag).is_none_or(|matching| matches!(matching, Matching::Wildcard(_))) {
            return Err(mismatch(format!("{name} is needed to retrieve at this level")));
        }
        if at < level && in_model && !options.relational {
            require_single(&query, tag, at, name)?;
        }
    }
    Ok(query)
}

/// The keys of a worklist identifier, which knows no levels.
pub fn of_worklist(identifier: &DataSet, options: QueryOptions) -> Result<Query, Failure> {
    let mut query = Query::new(Level::Study);
    query.fuzzy = options.fuzzy;
    add_keys(&mut query, identifier, options)?;
    // Without negotiation: so the table of the standard has it.
    query.combine_periods();
    Ok(query)
}

/// Whether single frames are wanted, and not whole instances.
pub fn is_of_frames(identifier: &DataSet) -> bool {
    identifier.text(tags::QUERY_RETRIEVE_LEVEL).is_some_and(|word| word.trim() == "FRAME")
}

/// The one instance whose frames are wanted (PS3.4 Y.6.1.1).
pub fn of_frames(identifier: &DataSet) -> Result<Query, Failure> {
    let mut query = Query::new(Level::Instance);
    add(&mut query, &[tags::SOP_INSTANCE_UID], VR::UI, &key_text(identifier, tags::SOP_INSTANCE_UID))?;
    require_single(&query, tags::SOP_INSTANCE_UID, Level::Instance, "SOP Instance UID")?;
    Ok(query)
}

/// The keys of a query for objects that are of no patient, which knows no levels.
pub fn of_non_patient(identifier: &DataSet) -> Result<Query, Failure> {
    let mut query = Query::new(Level::Instance);
    add_keys(&mut query, identifier, QueryOptions::default())?;
    Ok(query)
}

/// The keys of an identifier for unified procedure steps, which knows no levels either.
pub fn of_steps(identifier: &DataSet, options: QueryOptions) -> Result<Query, Failure> {
    let mut query = Query::new(Level::Study);
    query.fuzzy = options.fuzzy;
    add_keys(&mut query, identifier, options)?;
    Ok(query)
}

/// The objects of no patient that a C-MOVE or C-GET identifier names (PS3.4 U.4.2).
pub fn uids_of_non_patient(identifier: &DataSet) -> Result<Vec<Uid>, Failure> {
    let mut query = Query::new(Level::Instance);
    add(&mut query, &[tags::SOP_INSTANCE_UID], VR::UI, &key_text(identifier, tags::SOP_INSTANCE_UID))?;
    match query.filter(tags::SOP_INSTANCE_UID) {
        Some(Matching::Uids(uids)) => Ok(uids.clone()),
        _ => Err(mismatch("SOP Instance UID is needed to retrieve".to_owned())),
    }
}

/// The keys with a value that the steps of a filtered subscription have to match (PS3.4 CC.2.3.3.1).
pub fn of_filter(information: &DataSet, options: QueryOptions) -> Result<Filter, Failure> {
    let mut filter = Filter { keys: Vec::new(), fuzzy: options.fuzzy };
    each_key(information, &mut |path, _, text| {
        let is_key = ![tags::RECEIVING_AE, tags::DELETION_LOCK].iter().any(|tag| path == [*tag]);
        if is_key && !text.is_empty() {
            filter.keys.push((path.to_vec(), text.to_owned()));
        }
        Ok(())
    })?;
    Ok(filter)
}

fn level(identifier: &DataSet, root: Root) -> Result<Level, Failure> {
    let word = identifier.text(tags::QUERY_RETRIEVE_LEVEL).unwrap_or_default();
    let level = Level::parse(word.trim())
        .ok_or_else(|| mismatch("Query/Retrieve Level is not PATIENT, STUDY, SERIES or IMAGE".to_owned()))?;
    if !root.levels().contains(&level) {
        return Err(mismatch(format!("the information model has no {} level", level.as_str())));
    }
    Ok(level)
}

fn unique_keys(root: Root) -> impl Iterator<Item = (Level, Tag, &'static str)> {
    UNIQUE_KEYS.into_iter().filter(move |(level, ..)| root.levels().contains(level))
}

/// Hierarchical queries name one entity at each level above theirs (PS3.4 C.4.1.2.2.1).
fn require_single(query: &Query, tag: Tag, level: Level, name: &str) -> Result<(), Failure> {
    let single = match query.filter(tag) {
        // A backslash parts values.
        Some(Matching::Single(value)) => !value.contains('\\'),
        Some(Matching::Uids(uids)) => uids.len() == 1,
        _ => false,
    };
    match single {
        true => Ok(()),
        false => Err(mismatch(format!("one {name} is needed below {} level", level.as_str()))),
    }
}

fn add_keys(query: &mut Query, identifier: &DataSet, options: QueryOptions) -> Result<(), Failure> {
    each_key(identifier, &mut |path, vr, text| {
        if options.empty_values && text == NO_VALUE {
            query.add_empty(path);
            return Ok(());
        }
        let add_key = if options.all_values { Query::add_all } else { Query::add };
        add_key(query, path, vr, text).map_err(|error| mismatch(error.to_string()))
    })
}

/// What is done with a key, given its path, representation and text.
type Take<'a> = dyn FnMut(&[Tag], VR, &str) -> Result<(), Failure> + 'a;

fn each_key(keys: &DataSet, take: &mut Take<'_>) -> Result<(), Failure> {
    each_of_level(keys, &mut Vec::new(), &mut 0, take)
}

fn each_of_level(
    keys: &DataSet,
    path: &mut Vec<Tag>,
    count: &mut usize,
    take: &mut Take<'_>,
) -> Result<(), Failure> {
    for element in keys.iter().filter(|element| is_key(element)) {
        *count += 1;
        if *count > MAX_KEYS {
            return Err(Failure::new(Status::OUT_OF_RESOURCES, "the identifier has too many keys"));
        }
        path.push(element.tag);
        match &element.value {
            Value::Items(items) => match items.first() {
                Some(item) if !item.is_empty() && path.len() < MAX_DEPTH => {
                    each_of_level(item, path, count, take)?
                }
                _ => take(path, VR::SQ, "")?,
            },
            _ => {
                let text = element.text(keys.character_set());
                let text = text.as_deref().unwrap_or_default().trim_matches(['\0', ' ']);
                take(path, representation(element), text)?;
            }
        }
        path.pop();
    }
    Ok(())
}

fn is_key(element: &Element) -> bool {
    // Group lengths are retired, and still sent.
    element.tag.1 != 0 && !NOT_KEYS.contains(&element.tag)
}

/// What the dictionary says; consoles send known keys as UN and unknown ones with their VR.
fn representation(element: &Element) -> VR {
    match vr_of(element.tag) {
        VR::UN => element.vr,
        vr => vr,
    }
}

fn key_text(identifier: &DataSet, tag: Tag) -> String {
    let text = identifier.get(tag).and_then(|element| element.text(identifier.character_set()));
    text.unwrap_or_default().trim_matches(['\0', ' ']).to_owned()
}

fn add(query: &mut Query, path: &[Tag], vr: VR, text: &str) -> Result<(), Failure> {
    query.add(path, vr, text).map_err(|error| mismatch(error.to_string()))
}

fn mismatch(why: String) -> Failure {
    Failure::new(Status::DATA_SET_MISMATCH, why)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HIERARCHICAL: QueryOptions = QueryOptions {
        relational: false,
        combined: false,
        fuzzy: false,
        empty_values: false,
        all_values: false,
    };
    const RELATIONAL: QueryOptions = QueryOptions { relational: true, fuzzy: true, ..HIERARCHICAL };

    fn identifier(level: &str, keys: &[(Tag, &str)]) -> DataSet {
        let mut identifier = DataSet::new();
        identifier.put_text(tags::QUERY_RETRIEVE_LEVEL, level);
        for (tag, text) in keys {
            identifier.put_text(*tag, text);
        }
        identifier
    }

    #[test]
    fn hierarchical_queries_name_what_is_above() {
        let patient = (tags::PATIENT_ID, "1");
        let study = (tags::STUDY_INSTANCE_UID, "1.2");
        let series = (tags::SERIES_INSTANCE_UID, "1.3");
        for (root, level, keys, good) in [
            (Root::Study, "PATIENT", vec![], false),
            (Root::Patient, "PATIENT", vec![], true),
            (Root::Study, "STUDY", vec![], true),
            (Root::Patient, "STUDY", vec![], false),
            (Root::Patient, "STUDY", vec![(tags::PATIENT_ID, "1*")], false),
            (Root::Patient, "STUDY", vec![(tags::PATIENT_ID, "1\\2")], false),
            (Root::Patient, "STUDY", vec![patient], true),
            (Root::Study, "SERIES", vec![], false),
            (Root::Study, "SERIES", vec![(tags::STUDY_INSTANCE_UID, "1.2\\1.3")], false),
            (Root::Study, "SERIES", vec![study], true),
            (Root::Patient, "SERIES", vec![study], false),
            (Root::Study, "IMAGE", vec![study], false),
            (Root::Study, "IMAGE", vec![study, series], true),
            (Root::Study, "", vec![], false),
            (Root::Study, "study", vec![], false),
            (Root::PatientStudyOnly, "PATIENT", vec![], true),
            (Root::PatientStudyOnly, "STUDY", vec![], false),
            (Root::PatientStudyOnly, "STUDY", vec![patient], true),
            (Root::PatientStudyOnly, "SERIES", vec![patient, study], false),
            (Root::PatientStudyOnly, "IMAGE", vec![patient, study, series], false),
        ] {
            let identifier = identifier(level, &keys);
            let got = of_find(&identifier, root, HIERARCHICAL);
            assert_eq!(got.is_ok(), good, "{root:?} {level} {keys:?}");
            if let Err(failure) = got {
                assert_eq!(failure.status, Status::DATA_SET_MISMATCH);
            }
        }
        let query = of_find(&identifier("SERIES", &[]), Root::Study, RELATIONAL).unwrap();
        assert!(query.fuzzy);
        let all_values = QueryOptions { all_values: true, ..HIERARCHICAL };
        let two = identifier("STUDY", &[(tags::PATIENT_ID, "1\\2")]);
        assert!(of_find(&two, Root::Patient, all_values).is_err());
    }

    #[test]
    fn retrievals_name_what_they_want() {
        let study = (tags::STUDY_INSTANCE_UID, "1.2");
        let series = (tags::SERIES_INSTANCE_UID, "1.3");
        let instances = (tags::SOP_INSTANCE_UID, "1.4\\1.5");
        for (root, level, keys, good) in [
            (Root::Study, "STUDY", vec![], false),
            (Root::Study, "STUDY", vec![study], true),
            (Root::Study, "STUDY", vec![(tags::STUDY_INSTANCE_UID, "1.2\\1.3")], true),
            (Root::Patient, "STUDY", vec![study], false),
            (Root::Patient, "STUDY", vec![(tags::PATIENT_ID, "1"), study], true),
            (Root::Patient, "PATIENT", vec![(tags::PATIENT_ID, "*")], false),
            (Root::Patient, "PATIENT", vec![(tags::PATIENT_ID, "1")], true),
            (Root::Study, "IMAGE", vec![study, instances], false),
            (Root::Study, "IMAGE", vec![study, series, instances], true),
            (Root::PatientStudyOnly, "STUDY", vec![(tags::PATIENT_ID, "1"), study], true),
            (Root::PatientStudyOnly, "STUDY", vec![study], false),
            (Root::PatientStudyOnly, "SERIES", vec![(tags::PATIENT_ID, "1"), study, series], false),
            (Root::Instance, "IMAGE", vec![instances], true),
            (Root::Instance, "IMAGE", vec![(tags::SOP_INSTANCE_UID, "*")], false),
            (Root::Instance, "IMAGE", vec![], false),
            (Root::Instance, "STUDY", vec![study], false),
            (Root::Instance, "SERIES", vec![study, series], false),
        ] {
            let identifier = identifier(level, &keys);
            assert_eq!(
                of_retrieve(&identifier, root, HIERARCHICAL).is_ok(),
                good,
                "{root:?} {level} {keys:?}"
            );
        }
        assert!(of_retrieve(&identifier("IMAGE", &[instances]), Root::Study, RELATIONAL).is_ok());
    }

    #[test]
    fn keys_inside_sequences_keep_their_path() {
        let mut step = DataSet::new();
        step.put_text(tags::MODALITY, "CT");
        step.put_text(tags::SCHEDULED_PROCEDURE_STEP_START_DATE, "20260101-");
        let mut identifier = DataSet::new();
        identifier.put_empty(tags::PATIENT_NAME);
        identifier.put_empty(tags::REFERENCED_STUDY_SEQUENCE);
        identifier.put_items(tags::SCHEDULED_PROCEDURE_STEP_SEQUENCE, vec![step]);
        let query = of_worklist(&identifier, HIERARCHICAL).unwrap();
        let paths: Vec<_> = query.filters.iter().map(|filter| filter.path.clone()).collect();
        assert_eq!(
            paths,
            [
                vec![tags::SCHEDULED_PROCEDURE_STEP_SEQUENCE, tags::MODALITY],
                vec![tags::SCHEDULED_PROCEDURE_STEP_SEQUENCE, tags::SCHEDULED_PROCEDURE_STEP_START_DATE],
            ]
        );
    }

    #[test]
    fn values_that_cannot_be_matched_are_refused() {
        let bad = identifier("STUDY", &[(tags::STUDY_DATE, "yesterday")]);
        assert_eq!(of_find(&bad, Root::Study, HIERARCHICAL).unwrap_err().status, Status::DATA_SET_MISMATCH);
    }
}
