//! The modality worklist (PS3.4 K.6): waiting steps as response data sets.

use pacs_core::access::Scope;
use pacs_core::dataset::DataSet;
use pacs_core::query::{Matching, Query, Returns};
use pacs_core::text::CharacterSet;
use pacs_core::uid::AeTitle;
use pacs_core::{Tag, tags};

use crate::Result;
use crate::database::Database;
use crate::devices::{self, Device, WorklistNames};
use crate::exams::{self, Exam};
use crate::query::columns::{Column, Kind};
use crate::query::condition::Conditions;

/// Answers of one query at most; a worklist is a day's work of a room.
const MOST: i64 = 2000;
const SPS: Tag = tags::SCHEDULED_PROCEDURE_STEP_SEQUENCE;

const fn column(tag: Tag, sql: &'static str, kind: Kind) -> Column {
    Column { tag, level: pacs_core::query::Level::Study, sql, name: "", kind }
}

/// Keys at the top of the identifier.
const TOP: [Column; 10] = [
    column(tags::PATIENT_NAME, "p.name", Kind::Name("p.folded_name")),
    column(tags::PATIENT_ID, "p.identifier", Kind::Text),
    column(tags::ISSUER_OF_PATIENT_ID, "i.code", Kind::Text),
    column(tags::PATIENT_BIRTH_DATE, "p.birth_date", Kind::Date),
    column(tags::PATIENT_SEX, "p.sex", Kind::Text),
    column(tags::ACCESSION_NUMBER, "o.accession_number", Kind::Text),
    column(tags::REFERRING_PHYSICIAN_NAME, "o.referring_physician", Kind::Text),
    column(tags::REQUESTED_PROCEDURE_ID, "r.procedure_id", Kind::Text),
    column(tags::REQUESTED_PROCEDURE_DESCRIPTION, "r.name", Kind::Text),
    column(tags::STUDY_INSTANCE_UID, "r.study_uid", Kind::Uid),
];

/// Keys within the Scheduled Procedure Step Sequence. The station is looked at apart.
const STEP: [Column; 5] = [
    column(tags::SCHEDULED_PROCEDURE_STEP_START_DATE, "s.scheduled_date", Kind::Date),
    column(tags::SCHEDULED_PROCEDURE_STEP_START_TIME, "s.scheduled_time", Kind::Time),
    column(tags::MODALITY, "s.modality", Kind::Text),
    column(tags::SCHEDULED_PROCEDURE_STEP_ID, "s.step_id", Kind::Text),
    column(tags::SCHEDULED_PROCEDURE_STEP_LOCATION, "s.room", Kind::Text),
];

/// The steps that wait for a device, as answers. A step that names no device is on every device
/// that could do it. `asker` is the device that asks, for the way it wants names written.
pub async fn worklist(
    database: &Database,
    query: &Query,
    scope: &Scope,
    asker: Option<&AeTitle>,
) -> Result<Vec<DataSet>> {
    let devices = devices::list(database).await?;
    let mut conditions = Conditions::new(database.engine());
    conditions.push("s.state in ('requested', 'scheduled', 'arrived', 'ready')".into());
    let mut station = None;
    for filter in &query.filters {
        match (filter.path.as_slice(), &filter.matching) {
            ([SPS, tags::SCHEDULED_STATION_AE_TITLE], Matching::Single(title)) => {
                station = Some(title.as_str())
            }
            ([SPS, tags::SCHEDULED_PROCEDURE_STEP_START_DATE], matching) => {
                on_days(&mut conditions, matching)
            }
            ([SPS, tag], matching) => {
                if let Some(column) = STEP.iter().find(|column| column.tag == *tag) {
                    conditions.matching(column, matching);
                }
            }
            ([tag], matching) => {
                if let Some(column) = TOP.iter().find(|column| column.tag == *tag) {
                    conditions.matching(column, matching);
                }
            }
            _ => {}
        }
    }
    if let Scope::Facilities(codes) = scope {
        let list = if codes.is_empty() { "''".to_owned() } else { conditions.bind_all(codes.iter()) };
        conditions.push(format!("s.facility in ({list})"));
    }
    if let Some(title) = station {
        at_station(&mut conditions, title, devices.iter().find(|device| device.ae_title.as_str() == title));
    }
    let clause = conditions.clause();
    let limit = conditions.bind(query.limit.map_or(MOST, |limit| i64::from(limit).min(MOST)));
    let sql = format!(
        "{}{clause} order by o.emergency desc, s.scheduled_date, s.scheduled_time, s.id limit {limit}",
        exams::SELECT
    );
    let plain = asker
        .and_then(|title| devices.iter().find(|device| device.ae_title == *title))
        .is_some_and(|device| device.worklist_names == WorklistNames::Ascii);
    let rows = database.fetch(sqlx::AssertSqlSafe(sql), conditions.params).await?;
    rows.iter()
        .map(|row| {
            let mut set = answer(&exams::read(row)?, station, &devices);
            keep_asked(&mut set, &query.returns);
            Ok(if plain { set.encode_text_in(CharacterSet::DEFAULT) } else { set })
        })
        .collect()
}

/// A date, and for patients who are already here the day before it: an exam survives midnight.
fn on_days(conditions: &mut Conditions, matching: &Matching) {
    let (from, to) = match matching {
        Matching::Single(date) => (Some(date), Some(date)),
        Matching::Range { from, to } => (from.as_ref(), to.as_ref()),
        _ => return,
    };
    if let Some(from) = from {
        let bound = conditions.bind(from.as_str());
        let here = day_before(from).map(|day| {
            let day = conditions.bind(day);
            format!(" or (s.scheduled_date >= {day} and s.state in ('arrived', 'ready'))")
        });
        conditions.push(format!("(s.scheduled_date >= {bound}{})", here.unwrap_or_default()));
    }
    if let Some(to) = to {
        let bound = conditions.bind(to.as_str());
        conditions.push(format!("s.scheduled_date <= {bound}"));
    }
}

fn day_before(date: &str) -> Option<String> {
    let day = jiff::civil::Date::strptime("%Y%m%d", date).ok()?.yesterday().ok()?;
    Some(day.strftime("%Y%m%d").to_string())
}

/// The steps of a device: those that name it, and those that name none and that it could do by its
/// modality, room and facility. An unknown device sees all that name none.
fn at_station(conditions: &mut Conditions, title: &str, device: Option<&Device>) {
    let named = conditions.bind(title);
    let mut eligible = vec!["s.station_ae is null".to_owned()];
    if let Some(device) = device {
        let wants =
            [("s.modality", &device.modality), ("s.room", &device.room), ("s.facility", &device.facility)];
        for (column, has) in wants {
            if let Some(has) = has {
                let bound = conditions.bind(has.as_str());
                eligible.push(format!("({column} = {bound} or {column} is null)"));
            }
        }
    }
    conditions.push(format!("(s.station_ae = {named} or ({}))", eligible.join(" and ")));
}

/// The attributes of PS3.4 table K.6-1 that an exam has; the others are there without a value.
fn answer(exam: &Exam, station: Option<&str>, devices: &[Device]) -> DataSet {
    let mut set = DataSet::new();
    set.put_text(tags::SPECIFIC_CHARACTER_SET, "ISO_IR 192");
    put(&mut set, tags::ACCESSION_NUMBER, Some(&exam.accession_number), 16);
    put(&mut set, tags::REFERRING_PHYSICIAN_NAME, exam.referring_physician.as_deref(), 64);
    put(&mut set, tags::PATIENT_NAME, Some(&exam.patient.name), 64);
    put(&mut set, tags::PATIENT_ID, Some(&exam.patient.id), 64);
    put(&mut set, tags::ISSUER_OF_PATIENT_ID, Some(&exam.patient.issuer), 64);
    put(&mut set, tags::PATIENT_BIRTH_DATE, exam.patient.birth_date.as_deref(), 8);
    put(&mut set, tags::PATIENT_SEX, exam.patient.sex.as_deref(), 16);
    put(&mut set, tags::STUDY_INSTANCE_UID, Some(&exam.planned_study_uid), 64);
    put(&mut set, tags::REQUESTING_PHYSICIAN, exam.referring_physician.as_deref(), 64);
    put(&mut set, tags::REQUESTED_PROCEDURE_DESCRIPTION, Some(&exam.procedure_name), 64);
    put(&mut set, tags::REQUESTED_PROCEDURE_ID, Some(&exam.procedure_id), 16);
    put(&mut set, tags::REASON_FOR_THE_REQUESTED_PROCEDURE, exam.reason.as_deref(), 64);
    put(
        &mut set,
        tags::REQUESTED_PROCEDURE_PRIORITY,
        Some(if exam.emergency { "STAT" } else { "ROUTINE" }),
        16,
    );
    set.put_items(tags::REQUESTED_PROCEDURE_CODE_SEQUENCE, vec![code(exam)]);
    for tag in [
        tags::REFERENCED_STUDY_SEQUENCE,
        tags::REFERENCED_PATIENT_SEQUENCE,
        tags::PATIENT_WEIGHT,
        tags::MEDICAL_ALERTS,
        tags::ALLERGIES,
        tags::PREGNANCY_STATUS,
        tags::SPECIAL_NEEDS,
        tags::PATIENT_STATE,
        tags::PATIENT_TRANSPORT_ARRANGEMENTS,
        tags::CONFIDENTIALITY_CONSTRAINT_ON_PATIENT_DATA_DESCRIPTION,
        tags::ADMISSION_ID,
        tags::CURRENT_PATIENT_LOCATION,
    ] {
        set.put_empty(tag);
    }
    set.put_items(SPS, vec![step(exam, station, devices)]);
    set
}

fn step(exam: &Exam, station: Option<&str>, devices: &[Device]) -> DataSet {
    let mut item = DataSet::new();
    put(&mut item, tags::MODALITY, Some(&exam.modality), 16);
    match (exam.station_ae.as_deref(), station) {
        (Some(title), _) | (None, Some(title)) => item.put_text(tags::SCHEDULED_STATION_AE_TITLE, title),
        (None, None) => {
            let could = devices.iter().filter(|device| {
                device.modality.as_deref() == Some(exam.modality.as_str())
                    && device.facility.as_ref().is_none_or(|facility| *facility == exam.facility)
                    && (exam.room.is_none() || device.room.is_none() || device.room == exam.room)
            });
            let titles: Vec<&str> = could.map(|device| device.ae_title.as_str()).collect();
            item.put_texts(tags::SCHEDULED_STATION_AE_TITLE, &titles);
        }
    }
    put(&mut item, tags::SCHEDULED_PROCEDURE_STEP_START_DATE, Some(&exam.scheduled_date), 8);
    put(&mut item, tags::SCHEDULED_PROCEDURE_STEP_START_TIME, Some(&exam.scheduled_time), 16);
    put(&mut item, tags::SCHEDULED_PROCEDURE_STEP_DESCRIPTION, Some(&exam.procedure_name), 64);
    put(&mut item, tags::SCHEDULED_PROCEDURE_STEP_ID, Some(&exam.step_id), 16);
    put(&mut item, tags::SCHEDULED_PROCEDURE_STEP_LOCATION, exam.room.as_deref(), 16);
    put(&mut item, tags::SCHEDULED_STATION_NAME, exam.room.as_deref(), 16);
    put(&mut item, tags::SCHEDULED_PROCEDURE_STEP_STATUS, exam.state.worklist_status(), 16);
    item.put_items(tags::SCHEDULED_PROTOCOL_CODE_SEQUENCE, vec![code(exam)]);
    for tag in
        [tags::SCHEDULED_PERFORMING_PHYSICIAN_NAME, tags::PRE_MEDICATION, tags::REQUESTED_CONTRAST_AGENT]
    {
        item.put_empty(tag);
    }
    item
}

/// The procedure as a code of the house's own scheme (PS3.3 8.8).
fn code(exam: &Exam) -> DataSet {
    let mut item = DataSet::new();
    put(&mut item, tags::CODE_VALUE, Some(&exam.procedure_code), 16);
    item.put_text(tags::CODING_SCHEME_DESIGNATOR, "99SEN");
    put(&mut item, tags::CODE_MEANING, Some(&exam.procedure_name), 64);
    item
}

/// Puts a text cut to the length its VR allows, in characters.
fn put(set: &mut DataSet, tag: Tag, text: Option<&str>, most_chars: usize) {
    match text.filter(|text| !text.is_empty()) {
        Some(text) => set.put_text(tag, &text.chars().take(most_chars).collect::<String>()),
        None => set.put_empty(tag),
    }
}

/// Leaves out what was not asked for, and adds what was asked for and is not known as empty.
fn keep_asked(set: &mut DataSet, returns: &Returns) {
    let Returns::Tags(paths) = returns else { return };
    let asked = |tag: Tag| paths.iter().any(|path| path.first() == Some(&tag));
    let within: Vec<Tag> = paths
        .iter()
        .filter_map(|path| match path.as_slice() {
            [SPS, tag] => Some(*tag),
            _ => None,
        })
        .collect();
    set.retain(|element| asked(element.tag) || element.tag == tags::SPECIFIC_CHARACTER_SET);
    for tag in paths.iter().filter_map(|path| path.first().copied()) {
        if !set.contains(tag) {
            set.put_empty(tag);
        }
    }
    if within.is_empty() {
        return;
    }
    let mut items = set.items(SPS).to_vec();
    for item in &mut items {
        item.retain(|element| within.contains(&element.tag));
        for &tag in &within {
            if !item.contains(tag) {
                item.put_empty(tag);
            }
        }
    }
    set.put_items(SPS, items);
}
