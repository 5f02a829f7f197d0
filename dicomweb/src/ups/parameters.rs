//! The query parameters of a search for steps (PS3.18 11.9, 8.3.4) and of a filtered subscription (11.10).

use super::bad_uid;
use crate::error::Error;
use crate::qido::attribute::{self, Attribute};
use crate::qido::parameters::{is_true, number, refused_name, shown, truth, written};
use pacs_core::query::{Level, NO_VALUE, Query, Returns};
use pacs_core::uid::Uid;
use pacs_core::{Tag, tags};
use std::collections::BTreeSet;
use storage::ups::{Filter, Place};

/// What every answer has: the attributes of return key type 1 and 2 (PS3.4 table CC.2.5-3).
const ANSWERED: [Tag; 27] = [
    tags::SOP_CLASS_UID,
    tags::SOP_INSTANCE_UID,
    tags::ADMITTING_DIAGNOSES_DESCRIPTION,
    tags::ADMITTING_DIAGNOSES_CODE_SEQUENCE,
    tags::PATIENT_NAME,
    tags::PATIENT_ID,
    tags::ISSUER_OF_PATIENT_ID,
    tags::ISSUER_OF_PATIENT_ID_QUALIFIERS_SEQUENCE,
    tags::PATIENT_BIRTH_DATE,
    tags::PATIENT_SEX,
    tags::OTHER_PATIENT_I_DS_SEQUENCE,
    tags::STUDY_INSTANCE_UID,
    tags::ADMISSION_ID,
    tags::ISSUER_OF_ADMISSION_ID_SEQUENCE,
    tags::SCHEDULED_PROCEDURE_STEP_START_DATE_TIME,
    tags::SCHEDULED_WORKITEM_CODE_SEQUENCE,
    tags::INPUT_INFORMATION_SEQUENCE,
    tags::SCHEDULED_STATION_NAME_CODE_SEQUENCE,
    tags::SCHEDULED_STATION_CLASS_CODE_SEQUENCE,
    tags::SCHEDULED_STATION_GEOGRAPHIC_LOCATION_CODE_SEQUENCE,
    tags::INPUT_READINESS_STATE,
    tags::REFERENCED_REQUEST_SEQUENCE,
    tags::PROCEDURE_STEP_STATE,
    tags::PROCEDURE_STEP_PROGRESS_INFORMATION_SEQUENCE,
    tags::SCHEDULED_PROCEDURE_STEP_PRIORITY,
    tags::WORKLIST_LABEL,
    tags::PROCEDURE_STEP_LABEL,
];

/// The one UID of a query, which stands there alone, as PS3.18 11.4.1 and 11.6.1 have it, or under one of these names.
pub fn uid(
    parameters: &[(String, String)],
    names: &[&str],
    what: &'static str,
) -> Result<Option<Uid>, Error> {
    let mut uid = None;
    for (name, value) in parameters {
        let lower = name.to_ascii_lowercase();
        let text = match lower.as_str() {
            "accept" | "charset" => continue,
            _ if names.contains(&lower.as_str()) => value,
            _ if value.is_empty() => name,
            _ => {
                return Err(Error::BadRequest(
                    format!("the query of this request is the UID of {what}").into(),
                ));
            }
        };
        let read = Uid::parse(text).map_err(|error| bad_uid(what, &error))?;
        if uid.replace(read).is_some() {
            return Err(Error::BadRequest(format!("{what} is given more than once").into()));
        }
    }
    Ok(uid)
}

/// A search, read.
pub struct Search {
    /// What to find.
    pub query: Query,
    /// The step behind which it goes on: what the link to the next page says.
    pub after: Option<Place>,
    /// The `accept` parameter.
    pub accept: Option<String>,
}

/// Reads the parameters of a search. One that is not understood is refused: an answer that left a filter out would look
/// like an answer to the question. Specific Character Set says how a key is encoded, and is never matched (PS3.4
/// C.2.2.2).
pub fn search(parameters: &[(String, String)]) -> Result<Search, Error> {
    let mut query = Query::new(Level::Study);
    query.returns = Returns::Tags(ANSWERED.map(|tag| vec![tag]).to_vec());
    let empty_values = is_true(parameters, "emptyvaluematching")?;
    let (mut accept, mut after, mut all, mut given) = (None, None, false, BTreeSet::new());
    for (name, value) in parameters {
        let lower = name.to_ascii_lowercase();
        let key = match lower.as_str() {
            "includefield" => {
                for field in value.split(',').map(str::trim).filter(|field| !field.is_empty()) {
                    match field.eq_ignore_ascii_case("all") {
                        true => all = true,
                        false => include(&mut query, field)?,
                    }
                }
                continue;
            }
            "limit" => {
                query.limit = Some(number("limit", value)?);
                lower
            }
            "offset" => {
                query.offset = number("offset", value)?;
                lower
            }
            "after" => {
                after = Some(Place::parse(value).ok_or(Error::bad_request("after is no place in a search"))?);
                lower
            }
            "fuzzymatching" => {
                query.fuzzy = truth("fuzzymatching", value)?;
                lower
            }
            "accept" => {
                accept = Some(value.clone());
                lower
            }
            "charset" | "emptyvaluematching" | "specificcharacterset" | "00080005" => lower,
            _ => {
                let Attribute { path, vr } = key(name)?;
                match empty_values && value == NO_VALUE {
                    true => query.add_empty(&path),
                    false => query
                        .add(&path, vr, value)
                        .map_err(|error| Error::BadRequest(error.to_string().into()))?,
                }
                written(&path)
            }
        };
        if !given.insert(key) {
            return Err(Error::BadRequest(format!("{} is given more than once", shown(name)).into()));
        }
    }
    if all {
        query.returns = Returns::All;
    }
    Ok(Search { query, after, accept })
}

/// An attribute that is matched.
fn key(name: &str) -> Result<Attribute, Error> {
    let attribute = attribute::named(name).map_err(|error| refused_name("query parameter", name, error))?;
    if storage::ups::is_matched(&attribute.path) {
        return Ok(attribute);
    }
    let why = format!("{} is not matched in a search for workitems", written(&attribute.path));
    Err(Error::BadRequest(why.into()))
}

fn include(query: &mut Query, field: &str) -> Result<(), Error> {
    let attribute = attribute::named(field).map_err(|error| refused_name("includefield", field, error))?;
    // A transaction UID is its performer's alone.
    if let Returns::Tags(paths) = &mut query.returns
        && attribute.path != [tags::TRANSACTION_UID]
    {
        paths.push(attribute.path);
    }
    Ok(())
}

/// What a subscription says: a deletion lock, and of steps to come a filter.
pub struct Subscription {
    /// Whether steps are to be kept after their end.
    pub deletion_lock: bool,
    /// What steps have to be.
    pub filter: Filter,
}

impl Subscription {
    fn add(&mut self, name: &str, value: &str) -> Result<(), Error> {
        let path = key(name)?.path;
        if self.filter.keys.iter().any(|(known, _)| *known == path) {
            return Err(Error::BadRequest(format!("{} is given more than once", shown(name)).into()));
        }
        self.filter.keys.push((path, value.to_owned()));
        Ok(())
    }
}

/// Reads the parameters of a subscription. The keys of a filter stand in the `filter` parameter, parted by commas, or
/// as parameters of their own.
pub fn subscription(parameters: &[(String, String)]) -> Result<Subscription, Error> {
    let mut read = Subscription { deletion_lock: false, filter: Filter::default() };
    for (name, value) in parameters {
        match name.to_ascii_lowercase().as_str() {
            "accept" | "charset" | "specificcharacterset" | "00080005" => {}
            "deletionlock" => read.deletion_lock = truth("deletionlock", value)?,
            "fuzzymatching" => read.filter.fuzzy = truth("fuzzymatching", value)?,
            "filter" => {
                for pair in value.split(',').filter(|pair| !pair.trim().is_empty()) {
                    let (name, value) = pair
                        .split_once('=')
                        .ok_or(Error::bad_request("a filter is a list of attribute=value"))?;
                    read.add(name.trim(), value)?;
                }
            }
            _ => read.add(name, value)?,
        }
    }
    read.filter.query().map_err(|error| Error::BadRequest(error.to_string().into()))?;
    Ok(read)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query_string;
    use pacs_core::query::Matching;

    fn read(text: &str) -> Vec<(String, String)> {
        query_string::parameters(Some(text)).unwrap()
    }

    #[test]
    fn a_search_is_that_of_qido() {
        let text = "ProcedureStepState=SCHEDULED&00100010=nguyen*&limit=10&offset=5&includefield=00404011\
                    &ScheduledStationNameCodeSequence.CodeValue=AI1&ScheduledProcedureStepStartDateTime=20260101-";
        let query = search(&read(text)).unwrap().query;
        assert_eq!((query.limit, query.offset, query.filters.len()), (Some(10), 5, 4));
        assert!(matches!(query.filter(tags::PATIENT_NAME), Some(Matching::Name(_))));
        let Returns::Tags(paths) = query.returns else { panic!("all were asked for") };
        assert!(paths.contains(&vec![tags::EXPECTED_COMPLETION_DATE_TIME]));
        assert_eq!(search(&read("includefield=all")).unwrap().query.returns, Returns::All);
        for (text, named) in [
            ("TransactionUID=1.2", "0008,1195"),
            ("PatientNam=x", "PatientNam"),
            ("PatientID=1&00100020=2", "00100020"),
            ("limit=x", "limit"),
            ("after=here", "after"),
            ("StudyInstanceUID=x", "0020,000D"),
        ] {
            let error = search(&read(text)).err().unwrap();
            assert!(error.to_string().contains(named), "{text}: {error}");
        }
    }

    #[test]
    fn a_filter_is_one_parameter_or_several() {
        let one = subscription(&read("deletionlock=true&filter=WorklistLabel=CAD,00741200=HIGH")).unwrap();
        let several = subscription(&read("WorklistLabel=CAD&ScheduledProcedureStepPriority=HIGH")).unwrap();
        assert!(one.deletion_lock && !several.deletion_lock);
        assert_eq!(one.filter, several.filter);
        for text in [
            "filter=CAD",
            "filter=WorklistLabel=1,00741202=2",
            "filter=Nothing=1",
            "deletionlock=maybe",
            "PatientBirthDate=x",
        ] {
            assert!(subscription(&read(text)).is_err(), "{text}");
        }
    }
}
