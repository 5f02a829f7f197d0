//! The query parameters of a search (PS3.18 8.3.4 and 10.6.1.2) become a [`Query`].

use super::attribute::{self, NameError};
use super::defaults;
use crate::error::Error;
use crate::resource::{SeriesPath, StudyPath};
use pacs_core::query::{Level, NO_VALUE, Query, QueryError, Returns};
use pacs_core::uid::Uid;
use pacs_core::{Tag, VR, tags};
use std::collections::BTreeSet;
use storage::query::Position;

/// What the path of the resource has already said.
#[derive(Debug, Clone, Default)]
pub struct Within {
    /// The study whose series or instances are asked for.
    pub study: Option<Uid>,
    /// The series whose instances are asked for.
    pub series: Option<Uid>,
}

impl Within {
    /// What lies below a study.
    pub fn study(path: StudyPath) -> Self {
        Self { study: Some(path.study), series: None }
    }

    /// What lies below a series.
    pub fn series(path: SeriesPath) -> Self {
        Self { study: Some(path.study), series: Some(path.series) }
    }
}

/// A search, read.
#[derive(Debug)]
pub struct Search {
    /// What to find.
    pub query: Query,
    /// The answer behind which it goes on: what the link to the next page says.
    pub after: Option<Position>,
    /// The `accept` parameter.
    pub accept: Option<String>,
}

/// Reads the parameters of a search at `level`. A parameter that is not understood is refused: an answer that left a
/// filter out would look like an answer to the question.
pub fn read(level: Level, within: &Within, parameters: &[(String, String)]) -> Result<Search, Error> {
    let mut query = Query::new(level);
    query.returns =
        Returns::Tags(defaults::attributes(level, within.study.is_some(), within.series.is_some()));
    let mut search = Search { query, after: None, accept: None };
    for (tag, uid) in [(tags::STUDY_INSTANCE_UID, &within.study), (tags::SERIES_INSTANCE_UID, &within.series)]
    {
        if let Some(uid) = uid {
            add(&mut search.query, Query::add, &[tag], VR::UI, uid.as_str())?;
        }
    }
    let empty_values = is_true(parameters, "emptyvaluematching")?;
    let all_values = is_true(parameters, "multiplevaluematching")?;
    let mut all = false;
    let mut given = BTreeSet::new();
    for (name, value) in parameters {
        let lower = name.to_ascii_lowercase();
        let key = match lower.as_str() {
            "includefield" => {
                for field in value.split(',').map(str::trim).filter(|field| !field.is_empty()) {
                    if field.eq_ignore_ascii_case("all") {
                        all = true;
                    } else {
                        include(&mut search.query, field)?;
                    }
                }
                continue;
            }
            "limit" => {
                search.query.limit = Some(number("limit", value)?);
                lower
            }
            "offset" => {
                search.query.offset = number("offset", value)?;
                lower
            }
            "after" => {
                let position = Position::parse(value);
                search.after = Some(position.ok_or(Error::bad_request("after is no place in a search"))?);
                lower
            }
            "fuzzymatching" => {
                search.query.fuzzy = truth("fuzzymatching", value)?;
                lower
            }
            "accept" => {
                search.accept = Some(value.clone());
                lower
            }
            // DICOM JSON is UTF-8 whatever is asked for (PS3.18 F.2.2).
            "charset" | "emptyvaluematching" | "multiplevaluematching" => lower,
            _ => {
                let attribute =
                    attribute::named(name).map_err(|error| refused_name("query parameter", name, error))?;
                if empty_values && value == NO_VALUE {
                    matched(&attribute.path, level)?;
                    search.query.add_empty(&attribute.path);
                } else {
                    let add_key: Add = if all_values { Query::add_all } else { Query::add };
                    add(&mut search.query, add_key, &attribute.path, attribute.vr, value)?;
                }
                written(&attribute.path)
            }
        };
        // Two values of one parameter leave open what is asked (PS3.18 8.3.4.1: attributes are unique).
        if !given.insert(key) {
            return Err(Error::BadRequest(format!("{} is given more than once", shown(name)).into()));
        }
    }
    match &mut search.query.returns {
        returns if all => *returns = Returns::All,
        Returns::Tags(paths) => {
            paths.retain(|path| path.first().is_some_and(|tag| defaults::is_answered(*tag, level)))
        }
        Returns::All => {}
    }
    Ok(search)
}

/// Whether a way of matching is asked for, wherever among the parameters.
pub(crate) fn is_true(parameters: &[(String, String)], name: &'static str) -> Result<bool, Error> {
    let wish = parameters.iter().find(|(given, _)| given.eq_ignore_ascii_case(name));
    wish.map_or(Ok(false), |(_, value)| truth(name, value))
}

/// How a key is added.
type Add = fn(&mut Query, &[Tag], VR, &str) -> Result<(), QueryError>;

fn add(query: &mut Query, add_key: Add, path: &[Tag], vr: VR, value: &str) -> Result<(), Error> {
    let filters = query.filters.len();
    add_key(query, path, vr, value).map_err(|error| Error::BadRequest(error.to_string().into()))?;
    if query.filters.len() > filters { matched(path, query.level) } else { Ok(()) }
}

/// Refuses a filter that the archive would pass over: it would widen the answer unseen.
fn matched(path: &[Tag], level: Level) -> Result<(), Error> {
    if storage::query::is_matched(path, level) {
        return Ok(());
    }
    let level = level.as_str().to_ascii_lowercase();
    let why = format!("{} is not matched in a search at the {level} level", written(path));
    Err(Error::BadRequest(why.into()))
}

pub(crate) fn written(path: &[Tag]) -> String {
    path.iter().map(ToString::to_string).collect::<Vec<_>>().join(".")
}

fn include(query: &mut Query, field: &str) -> Result<(), Error> {
    let attribute = attribute::named(field).map_err(|error| refused_name("includefield", field, error))?;
    if let Returns::Tags(paths) = &mut query.returns
        && !paths.contains(&attribute.path)
    {
        paths.push(attribute.path);
    }
    Ok(())
}

pub(crate) fn refused_name(place: &str, name: &str, error: NameError) -> Error {
    let name = shown(name);
    Error::BadRequest(match error {
        NameError::Unknown => {
            format!("{place} \"{name}\" is neither an attribute nor a parameter of a search").into()
        }
        NameError::Path => format!("{place} \"{name}\" does not lead through sequences").into(),
    })
}

/// A name of the request as it may stand in an answer.
pub(crate) fn shown(name: &str) -> String {
    name.chars().take(64).filter(|character| !character.is_control()).collect()
}

pub(crate) fn number(name: &'static str, value: &str) -> Result<u32, Error> {
    if value.is_empty() || !value.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Error::BadRequest(format!("{name} is not a number").into()));
    }
    value.parse().map_err(|_| Error::BadRequest(format!("{name} is too great").into()))
}

pub(crate) fn truth(name: &'static str, value: &str) -> Result<bool, Error> {
    match value.to_ascii_lowercase().as_str() {
        "true" => Ok(true),
        "false" | "" => Ok(false),
        _ => Err(Error::BadRequest(format!("{name} is true or false").into())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query_string;
    use pacs_core::query::Matching;

    fn search(level: Level, text: &str) -> Result<Search, Error> {
        read(level, &Within::default(), &query_string::parameters(Some(text)).unwrap())
    }

    #[test]
    fn what_viewers_send() {
        let ohif = "limit=101&offset=25&fuzzymatching=true&includefield=00081030%2C00080060&PatientName=nguyen*\
                    &StudyDate=20260101-20261231&StudyInstanceUID=1.2%5C1.3&00100020=*123*";
        let query = search(Level::Study, ohif).unwrap().query;
        assert_eq!((query.limit, query.offset, query.fuzzy), (Some(101), 25, true));
        assert!(matches!(query.filter(tags::PATIENT_NAME), Some(Matching::Name(_))));
        assert!(
            matches!(query.filter(tags::STUDY_INSTANCE_UID), Some(Matching::Uids(uids)) if uids.len() == 2)
        );
        assert!(matches!(query.filter(tags::PATIENT_ID), Some(Matching::Wildcard(_))));
        let Returns::Tags(paths) = query.returns else { panic!("all were asked for") };
        assert_eq!(paths.iter().filter(|path| **path == [tags::STUDY_DESCRIPTION]).count(), 1);
        assert!(!paths.contains(&vec![tags::MODALITY]), "it is no attribute of a study");
    }

    #[test]
    fn all_fields_outrank_named_ones() {
        let query =
            search(Level::Series, "includefield=all&includefield=PatientName&PatientID=1").unwrap().query;
        assert_eq!(query.returns, Returns::All);
        assert_eq!(query.filters.len(), 1);
    }

    #[test]
    fn the_path_is_a_filter() {
        let uid = Uid::parse("1.2.3").unwrap();
        let within = Within { study: Some(uid.clone()), series: None };
        let query = read(Level::Series, &within, &[]).unwrap().query;
        assert_eq!(query.filter(tags::STUDY_INSTANCE_UID), Some(&Matching::Uids(vec![uid])));
    }

    #[test]
    fn what_is_not_understood_is_refused_with_its_name() {
        for (text, named) in [
            ("PatientNam=x", "PatientNam"),
            ("limit=-1", "limit"),
            ("limit=ten", "limit"),
            ("limit=99999999999", "limit"),
            ("offset=", "offset"),
            ("fuzzymatching=maybe", "fuzzymatching"),
            ("includefield=Nothing", "Nothing"),
            ("StudyDate=yesterday", "0008,0020"),
            ("StudyInstanceUID=abc", "0020,000D"),
            ("PatientName.PatientID=1", "PatientName.PatientID"),
            ("PatientComments=x", "0010,4000"),
            ("SeriesDescription=x", "study level"),
            ("PatientID=1&00100020=2", "00100020"),
            ("limit=1&LIMIT=2", "LIMIT"),
            ("after=here", "after"),
        ] {
            let error = search(Level::Study, text).unwrap_err();
            assert!(
                matches!(error, Error::BadRequest(_)) && error.to_string().contains(named),
                "{text}: {error}"
            );
        }
    }

    #[test]
    fn two_quotation_marks_match_no_value_when_that_is_asked_for() {
        let text = "AccessionNumber=%22%22&StudyDate=%22%22&emptyvaluematching=true";
        let query = search(Level::Study, text).unwrap().query;
        assert_eq!(query.filter(tags::ACCESSION_NUMBER), Some(&Matching::Empty));
        assert_eq!(query.filter(tags::STUDY_DATE), Some(&Matching::Empty));
        let literal = search(Level::Study, "AccessionNumber=%22%22&emptyvaluematching=false").unwrap().query;
        assert_eq!(literal.filter(tags::ACCESSION_NUMBER), Some(&Matching::Single("\"\"".into())));
        assert!(search(Level::Study, "PatientComments=%22%22&emptyvaluematching=true").is_err());
    }

    #[test]
    fn all_values_of_a_key_are_wanted_when_that_is_asked_for() {
        let single = |text: &str| Matching::Single(text.into());
        let matchings = |text: &str| {
            let filters = search(Level::Study, text).unwrap().query.filters;
            filters.into_iter().map(|filter| filter.matching).collect::<Vec<_>>()
        };
        let key = "ModalitiesInStudy=CT%5CSR";
        assert_eq!(matchings(&format!("{key}&multiplevaluematching=true")), [single("CT"), single("SR")]);
        assert_eq!(
            matchings(&format!("multiplevaluematching=false&{key}")),
            [Matching::AnyOf(vec![single("CT"), single("SR")])]
        );
        let uids = matchings("multiplevaluematching=true&StudyInstanceUID=1.2%5C1.3");
        assert!(matches!(uids.as_slice(), [Matching::Uids(uids)] if uids.len() == 2));
    }
}
