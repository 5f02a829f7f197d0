//! What is searched for: values that studies of the archive have, so that every search finds something.

use std::collections::BTreeMap;

use anyhow::bail;
use serde_json::Value;
use url::form_urlencoded::Serializer;

use super::requests::{Kind, Made, value};
use super::service::{DICOM_JSON, JSON, PAGES, Service};

/// The newest studies, as a viewer's list asks for them.
const NEWEST: &str = "/studies?limit=50";
/// Studies that are looked at for what to ask.
const SAMPLE: usize = 2000;
/// Studies whose values are asked for, the newest of all.
const ASKED: usize = 50;
/// Studies whose series are looked up for what to ask.
const OPENED: usize = 20;
/// Pages that are turned, one after the other.
const PAGES_TURNED: usize = 20;
/// Answers that are left out where a page far behind is asked for.
const OFFSET: usize = 1000;
/// A description that at most one study in so many has is rare.
const RARE: usize = 200;

const PATIENT_NAME: &str = "00100010";
const STUDY_DATE: &str = "00080020";
const MODALITIES: &str = "00080061";
const DESCRIPTION: &str = "00081030";

/// Kinds of searches, and what this archive has not that would be one.
#[derive(Debug, Default)]
pub struct Queries {
    /// What is asked.
    pub kinds: Vec<Kind>,
    /// Why something is not.
    pub left_out: Vec<&'static str>,
}

impl Queries {
    fn add(&mut self, what: impl Into<String>, paths: Vec<String>) {
        if !paths.is_empty() {
            self.kinds.push(Kind { made: Made::Searched, ..Kind::new(what, DICOM_JSON, paths) });
        }
    }

    /// As all desks ask that show a list when something has happened.
    fn add_again(&mut self, what: impl Into<String>, paths: Vec<String>) {
        if !paths.is_empty() {
            self.kinds.push(Kind::new(what, DICOM_JSON, paths));
        }
    }
}

/// Every kind of search: of studies, of what lies below them, counts, pages, and the day's list of exams.
pub async fn queries(service: &Service) -> anyhow::Result<Queries> {
    let wanted = format!("/studies?limit={SAMPLE}&includefield={DESCRIPTION},{MODALITIES}");
    let sample = service.list(&wanted).await?;
    if sample.is_empty() {
        bail!("the archive has no studies to query for");
    }
    let mut queries = Queries::default();
    let newest = sample.get(..ASKED).unwrap_or(&sample);
    of_studies(&mut queries, newest);
    by_description(&mut queries, &sample);
    below(&mut queries, service, newest).await?;
    pages(&mut queries, service, sample.len()).await?;
    counts(&mut queries, service, newest).await;
    exams(&mut queries, service).await;
    Ok(queries)
}

/// Searches among studies.
fn of_studies(queries: &mut Queries, newest: &[Value]) {
    queries.add("newest 50", vec![NEWEST.to_owned()]);
    queries.add_again("newest 50, again", vec![NEWEST.to_owned()]);
    let by = |key: &str, tag: &str| -> Vec<String> {
        newest.iter().filter_map(|study| Some(search(&[(key, text(study, tag)?)]))).collect()
    };
    for (key, tag) in [
        ("PatientID", "00100020"),
        ("AccessionNumber", "00080050"),
        ("StudyDate", STUDY_DATE),
        ("PatientName", PATIENT_NAME),
    ] {
        queries.add(key, by(key, tag));
    }
    queries.add_again("PatientName, again", by("PatientName", PATIENT_NAME));
    let within = newest.iter().filter_map(|study| {
        let name = text(study, PATIENT_NAME)?;
        let word = name.rsplit(['^', '=', ' ']).find(|word| word.chars().count() > 1)?;
        Some(search(&[("PatientName", &format!("*{word}*"))]))
    });
    queries.add("PatientName=\\*x\\*", within.collect());
    let week = newest.iter().filter_map(|study| {
        let last = text(study, STUDY_DATE)?;
        let day = jiff::civil::Date::strptime("%Y%m%d", last).ok()?;
        let first = day.saturating_sub(jiff::Span::new().days(6)).strftime("%Y%m%d");
        Some(search(&[("StudyDate", &format!("{first}-{last}"))]))
    });
    queries.add("StudyDate, a week", week.collect());
    let of_modality = newest.iter().filter_map(|study| {
        let (modality, date) = (text(study, MODALITIES)?, text(study, STUDY_DATE)?);
        Some(search(&[("ModalitiesInStudy", modality), ("StudyDate", date)]))
    });
    queries.add("ModalitiesInStudy, StudyDate", of_modality.collect());
}

/// A description that many studies have, and one that few have: no index leads to either.
fn by_description(queries: &mut Queries, sample: &[Value]) {
    let mut counts = BTreeMap::<&str, usize>::new();
    for description in sample.iter().filter_map(|study| text(study, DESCRIPTION)) {
        *counts.entry(description).or_default() += 1;
    }
    let like = |description: &str| vec![search(&[("StudyDescription", &format!("*{description}*"))])];
    if let Some((frequent, _)) = counts.iter().max_by_key(|(_, count)| **count) {
        queries.add("StudyDescription=\\*x\\*, frequent", like(frequent));
    }
    let rare = counts.iter().min_by_key(|(_, count)| **count);
    match rare.filter(|(_, count)| **count * RARE <= sample.len()) {
        Some((rare, _)) => queries.add("StudyDescription=\\*x\\*, rare", like(rare)),
        None => queries.left_out.push("no description is rare among the newest studies"),
    }
}

/// Series of a study, instances of a series.
async fn below(queries: &mut Queries, service: &Service, newest: &[Value]) -> anyhow::Result<()> {
    let series: Vec<String> = newest
        .iter()
        .filter_map(|study| Some(format!("/studies/{}/series", text(study, "0020000D")?)))
        .collect();
    let mut instances = Vec::new();
    for path in series.iter().take(OPENED) {
        let found = service.list(path).await?;
        let uids = found.iter().filter_map(|series| text(series, "0020000E"));
        instances.extend(uids.map(|uid| format!("{path}/{uid}/instances")));
    }
    queries.add("series of a study", series);
    queries.add("instances of a series", instances);
    Ok(())
}

/// The pages behind the first one: by their links, and by a number of answers to leave out.
async fn pages(queries: &mut Queries, service: &Service, known: usize) -> anyhow::Result<()> {
    let mut links = Vec::new();
    let mut page = NEWEST.to_owned();
    while links.len() < PAGES_TURNED
        && let Some(next) = service.next(&page).await?
    {
        links.push(next.clone());
        page = next;
    }
    // The last has less, or nothing, where the archive ends.
    if links.len() > 1 {
        links.pop();
    }
    match links.is_empty() {
        true => queries.left_out.push("no answer has a link to a next page"),
        false => queries.add("next page", links),
    }
    if known > OFFSET {
        queries.add(format!("offset={OFFSET}"), vec![format!("{NEWEST}&offset={OFFSET}")]);
    }
    Ok(())
}

/// How many there are: of all studies, which counting does not follow to the end, and of a day.
async fn counts(queries: &mut Queries, service: &Service, newest: &[Value]) {
    const COUNT: &str = "/studies/count";
    if service.object(COUNT).await.is_err() {
        return queries.left_out.push("it does not count");
    }
    let of_day = newest.iter().filter_map(|study| text(study, STUDY_DATE));
    let of_day = of_day.map(|date| format!("{COUNT}?StudyDate={date}")).collect();
    for (what, paths) in [("count", vec![COUNT.to_owned()]), ("count of a StudyDate", of_day)] {
        if !paths.is_empty() {
            queries.kinds.push(Kind { made: Made::Here, ..Kind::new(what, JSON, paths) });
        }
    }
}

/// The list of the day's exams, as the page *Worklist* asks for it.
async fn exams(queries: &mut Queries, service: &Service) {
    let day = format!("{PAGES}worklist");
    let Ok(answer) = service.object(&day).await else {
        return queries.left_out.push("it has no list of the day's exams");
    };
    let exams = answer.get("items").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let of_modality: Vec<String> = exams
        .iter()
        .take(ASKED)
        .filter_map(|exam| Some(format!("{day}?modality={}", exam.get("modality")?.as_str()?)))
        .collect();
    if of_modality.is_empty() {
        return queries.left_out.push("no exam is scheduled today: `sen bench fill` makes some");
    }
    for (what, paths) in [("exams of the day", vec![day]), ("exams of the day, modality", of_modality)] {
        queries.kinds.push(Kind { made: Made::Here, ..Kind::new(what, JSON, paths) });
    }
}

/// A search among studies for 50 answers.
fn search(keys: &[(&str, &str)]) -> String {
    let pairs = Serializer::new(String::new()).extend_pairs(keys).finish();
    format!("{NEWEST}&{pairs}")
}

/// The first value of an attribute as text, if it has any.
fn text<'a>(object: &'a Value, tag: &str) -> Option<&'a str> {
    let value = value(object, tag)?;
    value.get("Alphabetic").unwrap_or(value).as_str().filter(|text| !text.is_empty())
}
