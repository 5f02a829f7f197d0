//! Searching steps (PS3.18 11.9): `pacs_core::query` over their rows, the newest first.

use std::collections::VecDeque;
use std::fmt;

use futures::stream::{self, Stream};
use jiff::tz::TimeZone;
use pacs_core::dataset::DataSet;
use pacs_core::date_time;
use pacs_core::query::{Filter, Level, Matching, Query, Returns};
use pacs_core::{Tag, tags};

use super::{Asker, attributes};
use crate::Result;
use crate::database::{Database, Engine, Param, Row, params};
use crate::dialect;
use crate::index::facilities;
use crate::index::instances::push_scope;
use crate::query::columns::{Column, Kind};
use crate::query::condition::Conditions;

const fn column(tag: Tag, sql: &'static str, kind: Kind) -> Column {
    Column { tag, level: Level::Study, sql, kind }
}

/// Keys at the top.
const TOP: [Column; 14] = [
    column(tags::SOP_CLASS_UID, "'1.2.840.10008.5.1.4.34.6.1'", Kind::Uid),
    column(tags::SOP_INSTANCE_UID, "w.uid", Kind::Uid),
    column(tags::PATIENT_NAME, "w.folded_name", Kind::Name("w.folded_name")),
    column(tags::PATIENT_ID, "w.patient_id", Kind::Text),
    column(tags::ISSUER_OF_PATIENT_ID, "w.patient_issuer", Kind::Text),
    column(tags::PATIENT_BIRTH_DATE, "w.birth_date", Kind::Date),
    column(tags::PATIENT_SEX, "w.sex", Kind::Text),
    column(tags::STUDY_INSTANCE_UID, "w.study_uid", Kind::Uid),
    column(tags::ADMISSION_ID, "w.admission_id", Kind::Text),
    column(tags::INPUT_READINESS_STATE, "w.readiness", Kind::Text),
    column(tags::PROCEDURE_STEP_STATE, "w.state", Kind::Text),
    column(tags::SCHEDULED_PROCEDURE_STEP_PRIORITY, "w.priority", Kind::Text),
    column(tags::WORKLIST_LABEL, "w.worklist_label", Kind::Text),
    column(tags::PROCEDURE_STEP_LABEL, "w.label", Kind::Text),
];

/// Keys within the requests that a step answers.
const OF_REQUEST: [Column; 4] = [
    column(tags::ACCESSION_NUMBER, "w.accession_numbers", Kind::List),
    column(tags::REQUESTED_PROCEDURE_ID, "w.requested_procedures", Kind::List),
    column(tags::STUDY_INSTANCE_UID, "w.requested_studies", Kind::List),
    column(tags::REQUESTING_SERVICE, "w.requesting_services", Kind::List),
];

/// Times, each with the column of its first instant.
const TIMES: [(Tag, &str); 4] = [
    (tags::SCHEDULED_PROCEDURE_STEP_START_DATE_TIME, "w.start_ms"),
    (tags::EXPECTED_COMPLETION_DATE_TIME, "w.completion_ms"),
    (tags::SCHEDULED_PROCEDURE_STEP_EXPIRATION_DATE_TIME, "w.expiration_ms"),
    (tags::SCHEDULED_PROCEDURE_STEP_MODIFICATION_DATE_TIME, "w.modified_ms"),
];

/// A sequence of whose items two attributes are matched together: its path, these, and the column of
/// `\first^second\`.
struct Pairs {
    of: &'static [Tag],
    parts: [Tag; 2],
    sql: &'static str,
}

const fn codes(of: &'static [Tag], sql: &'static str) -> Pairs {
    Pairs { of, parts: [tags::CODE_VALUE, tags::CODING_SCHEME_DESIGNATOR], sql }
}

const fn issuers(of: &'static [Tag], sql: &'static str) -> Pairs {
    Pairs { of, parts: [tags::LOCAL_NAMESPACE_ENTITY_ID, tags::UNIVERSAL_ENTITY_ID], sql }
}

const PAIRS: [Pairs; 7] = [
    codes(&[tags::SCHEDULED_STATION_NAME_CODE_SEQUENCE], "w.station_names"),
    codes(&[tags::SCHEDULED_STATION_CLASS_CODE_SEQUENCE], "w.station_classes"),
    codes(&[tags::SCHEDULED_STATION_GEOGRAPHIC_LOCATION_CODE_SEQUENCE], "w.station_locations"),
    codes(&[tags::SCHEDULED_WORKITEM_CODE_SEQUENCE], "w.workitem_codes"),
    codes(&[tags::SCHEDULED_HUMAN_PERFORMERS_SEQUENCE, tags::HUMAN_PERFORMER_CODE_SEQUENCE], "w.performers"),
    issuers(&[tags::ISSUER_OF_ADMISSION_ID_SEQUENCE], "w.admission_issuers"),
    issuers(
        &[tags::REFERENCED_REQUEST_SEQUENCE, tags::ISSUER_OF_ACCESSION_NUMBER_SEQUENCE],
        "w.accession_issuers",
    ),
];

/// Steps read at a time.
const PAGE: i64 = 16;

/// What a filter is matched on.
enum Key {
    Column(&'static Column),
    Time(&'static str),
    /// The first part, or the second, of a pair in that column.
    Part(&'static str, usize),
}

fn key(path: &[Tag]) -> Option<Key> {
    match path {
        [tag] => {
            let time = TIMES.iter().find(|(known, _)| known == tag).map(|(_, sql)| Key::Time(sql));
            time.or_else(|| TOP.iter().find(|column| column.tag == *tag).map(Key::Column))
        }
        [tags::REFERENCED_REQUEST_SEQUENCE, tag] => {
            OF_REQUEST.iter().find(|column| column.tag == *tag).map(Key::Column)
        }
        [of @ .., tag] => {
            let pairs = PAIRS.iter().find(|pairs| pairs.of == of)?;
            let part = pairs.parts.iter().position(|part| part == tag)?;
            Some(Key::Part(pairs.sql, part))
        }
        [] => None,
    }
}

/// Whether a filter on this attribute is matched; a door refuses others, which would widen the answer
/// unseen.
pub fn is_matched(path: &[Tag]) -> bool {
    key(path).is_some()
}

/// The paths of all attributes that are matched, in their order.
pub fn matched() -> Vec<Vec<Tag>> {
    let mut paths: Vec<Vec<Tag>> = TOP.iter().map(|column| vec![column.tag]).collect();
    paths.extend(TIMES.iter().map(|(tag, _)| vec![*tag]));
    paths.extend(OF_REQUEST.iter().map(|column| vec![tags::REFERENCED_REQUEST_SEQUENCE, column.tag]));
    paths.extend(PAIRS.iter().flat_map(|pairs| pairs.parts.map(|part| [pairs.of, &[part]].concat())));
    paths.sort();
    paths
}

/// Whether a query restricts its answer by everything that it asks for.
pub fn supports(query: &Query) -> bool {
    query.filters.iter().all(|filter| is_matched(&filter.path))
}

/// What a query asks of `workitem w`. Times that name no offset are of `zone`.
pub(super) fn conditions(engine: Engine, query: &Query, zone: &TimeZone) -> Conditions {
    let mut conditions = Conditions::new(engine);
    let mut pairs: Vec<(&str, [Option<&Matching>; 2])> = Vec::new();
    for Filter { path, matching } in &query.filters {
        match (key(path), matching) {
            (Some(Key::Column(column)), Matching::Name(name)) if query.fuzzy && !name.wildcard => {
                name.words.iter().for_each(|word| conditions.word(column.sql, word, true));
            }
            (Some(Key::Column(column)), matching) => conditions.matching(column, matching),
            (Some(Key::Time(sql)), matching) => between(&mut conditions, sql, matching, zone),
            (Some(Key::Part(sql, part)), matching) => {
                // Both parts have to be those of one item.
                if !pairs.iter().any(|(known, _)| *known == sql) {
                    pairs.push((sql, [None, None]));
                }
                for (_, parts) in pairs.iter_mut().filter(|(known, _)| *known == sql) {
                    if let Some(place) = parts.get_mut(part) {
                        *place = Some(matching);
                    }
                }
            }
            (None, _) => {}
        }
    }
    for (sql, [first, second]) in pairs {
        paired(&mut conditions, sql, first, second);
    }
    conditions
}

/// A time within what is asked for; what names only a day is the whole of it.
fn between(conditions: &mut Conditions, sql: &str, matching: &Matching, zone: &TimeZone) {
    let span = |text: &String| date_time::span(text).map(|span| span.instants_ms(zone));
    let (from, to) = match matching {
        Matching::Empty => {
            conditions.push(format!("{sql} is null"));
            return;
        }
        Matching::Single(at) => (Some(at), Some(at)),
        Matching::Range { from, to } => (from.as_ref(), to.as_ref()),
        _ => (None, None),
    };
    let bounds = (from.map(span), to.map(span));
    if matches!(bounds, (None, None) | (Some(None), _) | (_, Some(None))) {
        conditions.push("1 = 0".into());
        return;
    }
    if let (Some(Some((first, _))), _) = bounds {
        let bound = conditions.bind(first);
        conditions.push(format!("{sql} >= {bound}"));
    }
    if let (_, Some(Some((_, after)))) = bounds {
        let bound = conditions.bind(after);
        conditions.push(format!("{sql} < {bound}"));
    }
}

/// One of the pairs `\first^second\` of a column, its two parts matched like any text.
fn paired(conditions: &mut Conditions, sql: &str, first: Option<&Matching>, second: Option<&Matching>) {
    let halves = dialect::halves(conditions.engine).map(|half| column(tags::CODE_VALUE, half, Kind::Text));
    let parts = halves.iter().zip([first, second]);
    let of_one: Vec<String> =
        parts.filter_map(|(half, matching)| Some(conditions.one(half, matching?))).collect();
    let values = dialect::values_of(conditions.engine, sql);
    let found = format!("exists (select 1 from {values} where {})", of_one.join(" and "));
    // Without pairs neither part has a value.
    let is_empty = [first, second].into_iter().flatten().all(|matching| *matching == Matching::Empty);
    conditions.push(if is_empty { format!("({sql} = '' or {found})") } else { found });
}

/// A step that a search goes on behind. Written as a number, to be handed out and taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place(i64);

impl Place {
    /// Reads a place that [`fmt::Display`] wrote.
    pub fn parse(text: &str) -> Option<Self> {
        let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
        if is_number { text.parse().ok().map(Self) } else { None }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What a search finds.
pub struct Found<S> {
    /// The steps, as far as they are asked for.
    pub steps: S,
    /// Whether the limit leaves some out.
    pub is_cut: bool,
    /// Of those that are not left out the last, where some are: behind it the search goes on.
    pub last: Option<Place>,
}

/// The steps that a query means and the asker sees, the newest first or from behind a place on, read in pages; each
/// with the attributes that are asked for.
pub async fn search(
    database: &Database,
    asker: &Asker<'_>,
    query: Query,
    after: Option<Place>,
) -> Result<Found<impl Stream<Item = Result<DataSet>> + Send + Unpin + use<>>> {
    let zone = facilities::zone(&facilities::time_zone(database, asker.home()).await?);
    let mut conditions = conditions(database.engine(), &query, &zone);
    let before = conditions.bind(after.map_or(i64::MAX, |place| place.0));
    conditions.push(format!("w.id < {before}"));
    let before_at = conditions.params.len().saturating_sub(1);
    let mut clause = conditions.clause();
    let mut params = conditions.params;
    push_scope(&mut clause, &mut params, &asker.scope(), "w.facility");
    let left = query.limit.map_or(i64::MAX, i64::from);
    let skip = i64::from(query.offset);
    // The headers of an answer go before its steps, so where it ends is looked up, and kept to.
    let (is_cut, last) = match query.limit {
        None => (false, None),
        Some(limit) => ends(database, &clause, &params, skip, limit).await?,
    };
    if let Some(Place(last)) = last {
        params.push(last.into());
        clause.push_str(&format!(" and w.id >= ${}", params.len()));
    }
    let walk = Walk {
        database: database.clone(),
        clause,
        params,
        before_at,
        returns: query.returns,
        skip,
        left,
        read: VecDeque::new(),
        ended: false,
    };
    let steps = Box::pin(stream::try_unfold(walk, |mut walk| async move {
        let step = walk.next().await?;
        Ok(step.map(|step| (step, walk)))
    }));
    Ok(Found { steps, is_cut, last })
}

/// Whether a limit leaves steps out, and the last that it leaves in.
async fn ends(
    database: &Database,
    clause: &str,
    params: &[Param],
    skip: i64,
    limit: u32,
) -> Result<(bool, Option<Place>)> {
    let at = params.len() + 1;
    let sql = format!("select w.id from workitem w{clause} order by w.id desc limit 2 offset ${at}");
    let before_last = i64::from(limit.saturating_sub(1));
    let mut params = params.to_vec();
    params.push(skip.saturating_add(before_last).into());
    let rows = database.fetch(sqlx::AssertSqlSafe(sql), params).await?;
    Ok(match (limit, rows.as_slice()) {
        (0, rows) => (!rows.is_empty(), None),
        (_, [last, _]) => (true, Some(Place(last.get("id")?))),
        _ => (false, None),
    })
}

struct Walk {
    database: Database,
    /// The condition, and its values.
    clause: String,
    params: Vec<Param>,
    /// Which of the values is the row that the next page lies before.
    before_at: usize,
    returns: Returns,
    skip: i64,
    left: i64,
    read: VecDeque<DataSet>,
    ended: bool,
}

impl Walk {
    async fn next(&mut self) -> Result<Option<DataSet>> {
        if self.read.is_empty() && !self.ended && self.left > 0 {
            self.page().await?;
        }
        Ok(self.read.pop_front())
    }

    async fn page(&mut self) -> Result<()> {
        let limit = PAGE.min(self.left);
        let mut params = self.params.clone();
        params.extend(params![limit, std::mem::take(&mut self.skip)]);
        let count = params.len();
        let sql = format!(
            "select w.id, w.attributes from workitem w{} order by w.id desc limit ${} offset ${count}",
            self.clause,
            count - 1
        );
        let rows = self.database.fetch(sqlx::AssertSqlSafe(sql), params).await?;
        let found = i64::try_from(rows.len()).unwrap_or(i64::MAX);
        self.left -= found;
        self.ended = found < limit;
        for row in &rows {
            if let Some(before) = self.params.get_mut(self.before_at) {
                *before = Param::from(row.get::<i64>("id")?);
            }
            self.read.push_back(self.shown(row)?);
        }
        Ok(())
    }

    /// What is asked for of a step. What it has not is there without a value.
    fn shown(&self, row: &Row) -> Result<DataSet> {
        let mut step = attributes(row)?;
        let Returns::Tags(paths) = &self.returns else { return Ok(step) };
        let wanted: Vec<Tag> = paths.iter().filter_map(|path| path.first().copied()).collect();
        step.retain(|element| wanted.contains(&element.tag) || element.tag == tags::SPECIFIC_CHARACTER_SET);
        for tag in wanted {
            if !step.contains(tag) {
                step.put_empty(tag);
            }
        }
        Ok(step)
    }
}
