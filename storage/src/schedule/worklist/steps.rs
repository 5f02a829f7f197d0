//! Which steps a worklist query means.

use std::collections::HashMap;

use pacs_core::access::Scope;
use pacs_core::query::{Filter, Level, Matching, Query};
use pacs_core::{Tag, tags};

use super::Asker;
use crate::Result;
use crate::database::{Database, placeholders};
use crate::exams::{ACCESSION_ISSUER, Exam, ExamId};
use crate::index::facilities;
use crate::query::columns::{Column, Kind};
use crate::query::condition::Conditions;
use crate::query::numbers::others;

/// The sequence whose item is the step.
pub(super) const SPS: Tag = tags::SCHEDULED_PROCEDURE_STEP_SEQUENCE;

const fn column(tag: Tag, sql: &'static str, kind: Kind) -> Column {
    Column { tag, level: Level::Study, sql, kind }
}

/// Keys at the top of the identifier.
const TOP: [Column; 12] = [
    column(tags::PATIENT_NAME, "p.name", Kind::Name("p.folded_name")),
    column(tags::PATIENT_ID, "p.identifier", Kind::Text),
    column(tags::ISSUER_OF_PATIENT_ID, "i.code", Kind::Text),
    column(tags::PATIENT_BIRTH_DATE, "p.birth_date", Kind::Date),
    column(tags::PATIENT_SEX, "p.sex", Kind::Text),
    column(tags::ACCESSION_NUMBER, "o.accession_number", Kind::Text),
    column(tags::REQUESTED_PROCEDURE_ID, "r.procedure_id", Kind::Text),
    column(tags::REQUESTED_PROCEDURE_DESCRIPTION, "r.name", Kind::Text),
    column(
        tags::REQUESTED_PROCEDURE_PRIORITY,
        "case when o.emergency = 1 then 'STAT' else 'ROUTINE' end",
        Kind::Text,
    ),
    column(tags::STUDY_INSTANCE_UID, "r.study_uid", Kind::Uid),
    column(tags::REASON_FOR_THE_REQUESTED_PROCEDURE, "o.reason", Kind::Text),
    column(tags::FILLER_ORDER_NUMBER_IMAGING_SERVICE_REQUEST, "o.accession_number", Kind::Text),
];

/// Who gave the accession number, of the item of its issuer.
const ISSUER: Column = column(tags::LOCAL_NAMESPACE_ENTITY_ID, ACCESSION_ISSUER, Kind::Text);

/// Keys within the Scheduled Procedure Step Sequence, without the station and the date, which have
/// rules of their own.
const STEP: [Column; 7] = [
    column(tags::SCHEDULED_PROCEDURE_STEP_START_TIME, "s.scheduled_time", Kind::Time),
    column(tags::MODALITY, "s.modality", Kind::Text),
    column(tags::SCHEDULED_PROCEDURE_STEP_ID, "s.step_id", Kind::Text),
    column(tags::SCHEDULED_PROCEDURE_STEP_LOCATION, "s.room", Kind::Text),
    column(tags::SCHEDULED_STATION_NAME, "s.room", Kind::Text),
    column(tags::SCHEDULED_PROCEDURE_STEP_DESCRIPTION, "r.name", Kind::Text),
    column(
        tags::SCHEDULED_PROCEDURE_STEP_STATUS,
        "case s.state when 'arrived' then 'ARRIVED' when 'ready' then 'READY' when 'started' then 'STARTED'
         else 'SCHEDULED' end",
        Kind::Text,
    ),
];

/// Keys within the items of the two code sequences, which both hold the procedure's code.
const CODE: [Column; 3] = [
    column(tags::CODE_VALUE, "r.code", Kind::Text),
    column(tags::CODING_SCHEME_DESIGNATOR, "'99SEN'", Kind::Text),
    column(tags::CODE_MEANING, "r.name", Kind::Text),
];

/// The column of a key, except those of the station and the date.
fn column_of(path: &[Tag]) -> Option<&'static Column> {
    let (table, tag): (&[Column], &Tag) = match path {
        [SPS, tag] => (&STEP, tag),
        [SPS, tags::SCHEDULED_PROTOCOL_CODE_SEQUENCE, tag]
        | [tags::REQUESTED_PROCEDURE_CODE_SEQUENCE, tag] => (&CODE, tag),
        [tags::ISSUER_OF_ACCESSION_NUMBER_SEQUENCE, tag] => (std::slice::from_ref(&ISSUER), tag),
        [tag] => (&TOP, tag),
        _ => return None,
    };
    table.iter().find(|column| column.tag == *tag)
}

/// The paths of all keys that are matched.
pub(super) fn matched() -> Vec<Vec<Tag>> {
    let of_station = [tags::SCHEDULED_STATION_AE_TITLE, tags::SCHEDULED_PROCEDURE_STEP_START_DATE];
    let of_step =
        of_station.into_iter().chain(STEP.iter().map(|column| column.tag)).map(|tag| vec![SPS, tag]);
    let within =
        |around: &[Tag]| CODE.iter().map(|column| [around, &[column.tag]].concat()).collect::<Vec<_>>();
    let codes = within(&[tags::REQUESTED_PROCEDURE_CODE_SEQUENCE])
        .into_iter()
        .chain(within(&[SPS, tags::SCHEDULED_PROTOCOL_CODE_SEQUENCE]));
    let issuer = vec![tags::ISSUER_OF_ACCESSION_NUMBER_SEQUENCE, ISSUER.tag];
    TOP.iter().map(|column| vec![column.tag]).chain([issuer]).chain(codes).chain(of_step).collect()
}

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
    let of_station = [tags::SCHEDULED_STATION_AE_TITLE, tags::SCHEDULED_PROCEDURE_STEP_START_DATE];
    matches!(filter.path.as_slice(), [SPS, tag] if of_station.contains(tag))
        || column_of(&filter.path).is_some()
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
            ([tags::PATIENT_NAME], Matching::Name(name)) if query.fuzzy && !name.wildcard => {
                name.words.iter().for_each(|word| conditions.word("p.folded_name", word, true));
            }
            (path, matching) => {
                if let Some(column) = column_of(path) {
                    conditions.matching(column, matching);
                }
            }
        }
    }
    if let Scope::Facilities(codes) = &asker.scope {
        let list = if codes.is_empty() { "''".to_owned() } else { conditions.bind_all(codes.iter()) };
        conditions.push(format!("s.facility in ({list})"));
    }
    if let Some(days) = asker.days_ahead {
        up_to(&mut conditions, days, &walls(database, asker.now_ms).await?);
    }
    if let Some(title) = asker.ae_title.as_ref().filter(|_| asker.own) {
        at_station(&mut conditions, &Matching::Single(title.as_str().to_owned()));
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

/// The days asked for, and with today what yesterday left undone: a step survives midnight. Of a period the times count
/// on its first day and on its last, as the table of the standard wants it of worklists.
fn on_days(conditions: &mut Conditions, matching: &Matching, walls: &[Wall]) {
    let (from, to) = match matching {
        Matching::Single(date) => (Some(date), Some(date)),
        Matching::Range { from, to } => (from.as_ref(), to.as_ref()),
        Matching::Period { from, to } => {
            for (end, comparison) in [(from, ">="), (to, "<=")] {
                let Some((day, clock)) = end.as_ref().filter(|(_, clock)| !clock.is_empty()) else {
                    continue;
                };
                let clock =
                    conditions.bind(if comparison == "<=" { format!("{clock}~") } else { clock.clone() });
                let day = conditions.bind(day.as_str());
                conditions
                    .push(format!("(s.scheduled_date <> {day} or s.scheduled_time {comparison} {clock})"));
            }
            (from.as_ref().map(|end| &end.0), to.as_ref().map(|end| &end.0))
        }
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

/// The steps of today and so many days after it, in the zone of each.
fn up_to(conditions: &mut Conditions, days: u32, walls: &[Wall]) {
    let reached: Vec<String> = walls
        .iter()
        .map(|wall| {
            let last = days_after(&wall.today, days).unwrap_or_else(|| "99991231".to_owned());
            let (zone, last) = (conditions.bind(wall.zone.as_str()), conditions.bind(last));
            format!("(f.time_zone = {zone} and s.scheduled_date <= {last})")
        })
        .collect();
    if !reached.is_empty() {
        conditions.push(format!("({})", reached.join(" or ")));
    }
}

fn days_after(date: &str, days: u32) -> Option<String> {
    let day = jiff::civil::Date::strptime("%Y%m%d", date).ok()?;
    let day = day.checked_add(jiff::Span::new().try_days(days).ok()?).ok()?;
    Some(day.strftime("%Y%m%d").to_string())
}

fn day_before(date: &str) -> Option<String> {
    let day = jiff::civil::Date::strptime("%Y%m%d", date).ok()?.yesterday().ok()?;
    Some(day.strftime("%Y%m%d").to_string())
}

/// Other numbers of the patients of these steps, as [`others`] reads them.
pub(super) async fn other_numbers(database: &Database, exams: &[Exam]) -> Result<HashMap<ExamId, String>> {
    if exams.is_empty() {
        return Ok(HashMap::new());
    }
    let sql = format!(
        "select s.id, {} as others from scheduled_step s
         join requested_procedure r on r.id = s.requested_procedure_id join order_ o on o.id = r.order_id
         where s.id in ({})",
        others("o.patient_id"),
        placeholders(1, exams.len())
    );
    let params = exams.iter().map(|exam| exam.id.into()).collect();
    let mut numbers = HashMap::new();
    for row in database.fetch(sqlx::AssertSqlSafe(sql), params).await? {
        if let Some(others) = row.get::<Option<String>>("others")? {
            numbers.insert(ExamId(row.get("id")?), others);
        }
    }
    Ok(numbers)
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
