//! Which steps a worklist query means.

use std::collections::HashMap;

use pacs_core::access::Scope;
use pacs_core::query::{Filter, Level, Matching, Query};
use pacs_core::{Tag, tags};

use super::Asker;
use crate::Result;
use crate::database::{Database, placeholders};
use crate::exams::{Exam, ExamId};
use crate::index::facilities;
use crate::query::columns::{Column, Kind};
use crate::query::condition::Conditions;

/// The sequence whose item is the step.
pub(super) const SPS: Tag = tags::SCHEDULED_PROCEDURE_STEP_SEQUENCE;

const fn column(tag: Tag, sql: &'static str, kind: Kind) -> Column {
    Column { tag, level: Level::Study, sql, name: "", kind }
}

/// Keys at the top of the identifier.
const TOP: [Column; 9] = [
    column(tags::PATIENT_NAME, "p.name", Kind::Name("p.folded_name")),
    column(tags::PATIENT_ID, "p.identifier", Kind::Text),
    column(tags::ISSUER_OF_PATIENT_ID, "i.code", Kind::Text),
    column(tags::PATIENT_BIRTH_DATE, "p.birth_date", Kind::Date),
    column(tags::PATIENT_SEX, "p.sex", Kind::Text),
    column(tags::ACCESSION_NUMBER, "o.accession_number", Kind::Text),
    column(tags::REQUESTED_PROCEDURE_ID, "r.procedure_id", Kind::Text),
    column(tags::REQUESTED_PROCEDURE_DESCRIPTION, "r.name", Kind::Text),
    column(tags::STUDY_INSTANCE_UID, "r.study_uid", Kind::Uid),
];

/// Keys within the Scheduled Procedure Step Sequence, without the station and the date, which have
/// rules of their own.
const STEP: [Column; 4] = [
    column(tags::SCHEDULED_PROCEDURE_STEP_START_TIME, "s.scheduled_time", Kind::Time),
    column(tags::MODALITY, "s.modality", Kind::Text),
    column(tags::SCHEDULED_PROCEDURE_STEP_ID, "s.step_id", Kind::Text),
    column(tags::SCHEDULED_PROCEDURE_STEP_LOCATION, "s.room", Kind::Text),
];

/// The station that has a step: the one that has begun it, else the one it was given to.
const STATION: Column = column(
    tags::SCHEDULED_STATION_AE_TITLE,
    "coalesce(case when s.state = 'started' then coalesce(
         (select m.calling_ae from performed_request q join performed_step m on m.id = q.performed_step_id
             where q.scheduled_step_id = s.id and m.state = 'IN PROGRESS' order by m.id limit 1),
         (select t.calling_ae from study t where t.step_id = s.id and t.instance_count > 0 order by t.id limit 1))
      end, s.station_ae)",
    Kind::Text,
);
const DEVICE: Column = column(tags::SCHEDULED_STATION_AE_TITLE, "d.ae_title", Kind::Text);

/// That a device could do a step which has no station: nothing that is known of it says otherwise.
const ELIGIBLE: &str = "coalesce(d.modality, s.modality) = s.modality
     and (d.room is null or s.room is null or d.room = s.room)
     and coalesce(d.facility, s.facility) = s.facility";

/// Whether a filter narrows the steps.
pub(super) fn is_matched(filter: &Filter) -> bool {
    match filter.path.as_slice() {
        [SPS, tags::SCHEDULED_STATION_AE_TITLE | tags::SCHEDULED_PROCEDURE_STEP_START_DATE] => true,
        [SPS, tag] => STEP.iter().any(|column| column.tag == *tag),
        [tag] => TOP.iter().any(|column| column.tag == *tag),
        _ => false,
    }
}

/// The one station that a query names.
pub(super) fn asked_station(query: &Query) -> Option<&str> {
    query.filters.iter().find_map(|filter| match (filter.path.as_slice(), &filter.matching) {
        ([SPS, tags::SCHEDULED_STATION_AE_TITLE], Matching::Single(title)) => Some(title.as_str()),
        _ => None,
    })
}

/// What a query asks of `s`, `r`, `o`, `p`, `i` and `f` of [`exams::SELECT`](crate::exams::SELECT).
pub(super) async fn conditions(database: &Database, query: &Query, asker: &Asker) -> Result<Conditions> {
    let mut conditions = Conditions::new(database.engine());
    conditions.push("s.state in ('requested', 'scheduled', 'arrived', 'ready', 'started')".into());
    let mut station = None;
    for Filter { path, matching } in &query.filters {
        match (path.as_slice(), matching) {
            ([SPS, tags::SCHEDULED_STATION_AE_TITLE], matching) => station = Some(matching),
            ([SPS, tags::SCHEDULED_PROCEDURE_STEP_START_DATE], matching) => {
                on_days(&mut conditions, matching, &walls(database, asker.now_ms).await?);
            }
            ([SPS, tag], matching) => {
                if let Some(column) = STEP.iter().find(|column| column.tag == *tag) {
                    conditions.matching(column, matching);
                }
            }
            ([tags::PATIENT_NAME], Matching::Name(name)) if query.fuzzy && !name.wildcard => {
                name.words.iter().for_each(|word| conditions.word("p.folded_name", word, true));
            }
            ([tag], matching) => {
                if let Some(column) = TOP.iter().find(|column| column.tag == *tag) {
                    conditions.matching(column, matching);
                }
            }
            _ => {}
        }
    }
    if let Scope::Facilities(codes) = &asker.scope {
        let list = if codes.is_empty() { "''".to_owned() } else { conditions.bind_all(codes.iter()) };
        conditions.push(format!("s.facility in ({list})"));
    }
    match (station, &asker.ae_title) {
        (Some(matching), _) => at_station(&mut conditions, matching),
        (None, Some(title)) => {
            let title = conditions.bind(title.as_str());
            conditions.push(format!("(s.state <> 'started' or {} = {title})", STATION.sql));
        }
        (None, None) => {}
    }
    Ok(conditions)
}

/// The steps of a station: those it has, and those that have none and that it could do. A title that
/// no device has is taken for one that could do anything.
fn at_station(conditions: &mut Conditions, matching: &Matching) {
    let has = conditions.one(&STATION, matching);
    let named = conditions.one(&DEVICE, matching);
    conditions.push(format!(
        "({has} or (s.station_ae is null and s.state <> 'started' and (
             exists (select 1 from device d where {named} and {ELIGIBLE})
             or not exists (select 1 from device d where {named}))))"
    ));
}

/// A zone, its today and its yesterday (`yyyymmdd`).
struct Wall {
    zone: String,
    today: String,
    yesterday: String,
}

async fn walls(database: &Database, now_ms: i64) -> Result<Vec<Wall>> {
    let mut walls: Vec<Wall> = Vec::new();
    for facility in facilities::all(database).await? {
        if walls.iter().all(|wall| wall.zone != facility.time_zone) {
            let (today, _) = facility.wall(now_ms);
            let yesterday = day_before(&today).unwrap_or_else(|| today.clone());
            walls.push(Wall { zone: facility.time_zone, today, yesterday });
        }
    }
    Ok(walls)
}

/// The days asked for, and with today what yesterday left undone: a step survives midnight.
fn on_days(conditions: &mut Conditions, matching: &Matching, walls: &[Wall]) {
    let (from, to) = match matching {
        Matching::Single(date) => (Some(date), Some(date)),
        Matching::Range { from, to } => (from.as_ref(), to.as_ref()),
        _ => return,
    };
    if let Some(from) = from {
        let bound = conditions.bind(from.as_str());
        let mut earliest = from;
        let mut days = format!("s.scheduled_date >= {bound}");
        let with_today =
            walls.iter().filter(|wall| *from <= wall.today && to.is_none_or(|to| wall.today <= *to));
        for Wall { zone, yesterday, .. } in with_today {
            earliest = earliest.min(yesterday);
            let (zone, day) = (conditions.bind(zone.as_str()), conditions.bind(yesterday.as_str()));
            days.push_str(&format!(" or (f.time_zone = {zone} and s.scheduled_date = {day})"));
        }
        // Said apart, for the index on the date.
        let earliest = conditions.bind(earliest.as_str());
        conditions.push(format!("s.scheduled_date >= {earliest} and ({days})"));
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

/// The devices that could do those of the steps that have no station, by title. One of which nobody
/// said what it makes is not offered: it may be no modality at all.
pub(super) async fn eligible_devices(
    database: &Database,
    exams: &[Exam],
) -> Result<HashMap<ExamId, Vec<String>>> {
    let open: Vec<ExamId> =
        exams.iter().filter(|exam| exam.station().is_none()).map(|exam| exam.id).collect();
    let mut eligible: HashMap<ExamId, Vec<String>> = HashMap::new();
    if open.is_empty() {
        return Ok(eligible);
    }
    let sql = format!(
        "select s.id, d.ae_title from scheduled_step s join device d on {ELIGIBLE}
         where s.id in ({}) and d.modality is not null order by s.id, d.ae_title",
        placeholders(1, open.len())
    );
    let params = open.into_iter().map(Into::into).collect();
    for row in database.fetch(sqlx::AssertSqlSafe(sql), params).await? {
        eligible.entry(ExamId(row.get("id")?)).or_default().push(row.get("ae_title")?);
    }
    Ok(eligible)
}
