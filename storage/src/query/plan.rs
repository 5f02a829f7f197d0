//! What a query walks: which studies, led by which index.

use pacs_core::access::Scope;
use pacs_core::query::{Level, Matching, Query};
use pacs_core::tags;

use super::below;
use super::columns::{Column, Kind, matched_by};
use super::condition::Conditions;
use super::names::{self, Lead, Table, Words};
use super::numbers::Wanted;
use crate::Result;
use crate::database::{Database, Param, params, placeholders};
use crate::dialect;

/// The studies a query looks at, newest first.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    /// `study t`, or a word of the index joined with it.
    from: String,
    conditions: Conditions,
    order: &'static str,
    /// The pair of columns that the order walks.
    cursor: &'static str,
    /// The table whose index the order walks, and what that index tells of itself beside the span.
    along: (&'static str, Conditions),
    span: Span,
    /// Whether there is more to fulfil than that, so that studies are looked at in vain.
    sifts: bool,
}

/// The newest keys that a filter on the date leaves, from and to. They are said to the engine only where no place is
/// said on that side: of two bounds it takes one, and it may be the farther one.
#[derive(Debug, Clone, Copy, Default)]
struct Span {
    from: Option<i64>,
    to: Option<i64>,
}

/// A study's place in the order: its newest key and its row.
pub(crate) type Cursor = (i64, i64);

const NEWEST: (&str, &str) = ("t.newest_key desc, t.id desc", "(t.newest_key, t.id)");
/// The same order, said so that no engine walks all studies by it when a key leads to a few.
const SORTED: (&str, &str) = ("(t.newest_key + 0) desc, t.id desc", "(t.newest_key + 0, t.id)");
const BY_WORD: (&str, &str) = ("w.newest_key desc, w.study_id desc", "(w.newest_key, w.study_id)");

/// Identifiers and numbers shorter than this begin too many others to lead.
const LEADING_CHARS: usize = 3;

/// Chooses what leads, and says the rest as conditions. Filters below the study level that imply
/// something of the study narrow the studies too.
pub(super) async fn plan(database: &Database, query: &Query, scope: &Scope) -> Result<Plan> {
    let mut conditions = Conditions::new(database.engine());
    let mut along = Conditions::new(database.engine());
    let mut span = Span::default();
    let (mut led, mut sifts) = (false, false);
    let mut names = Vec::new();
    let mut number = Wanted::default();
    for filter in &query.filters {
        let Some(column) = matched_by(&filter.path, query.level) else { continue };
        match (column.level, &filter.matching) {
            (Level::Patient | Level::Study, Matching::Name(name)) if column.tag == tags::PATIENT_NAME => {
                names.push(name);
            }
            (Level::Patient | Level::Study, Matching::Name(name)) if query.fuzzy && !name.wildcard => {
                if let Kind::Name(folded) = column.kind {
                    name.words.iter().for_each(|word| conditions.word(folded, word, true));
                    sifts = true;
                }
            }
            (Level::Patient, matching) if number.take(column.tag, matching) => {}
            (Level::Patient | Level::Study, matching) if column.tag == tags::STUDY_DATE => {
                conditions.matching(column, matching);
                sifts |= !span.narrow(matching);
            }
            (Level::Patient | Level::Study, matching) if column.tag == tags::ACCESSION_NUMBER => {
                if leads_by(matching) && !is_frequent(database, ACCESSIONS, matching).await? {
                    conditions.matching(column, matching);
                    led = true;
                } else {
                    conditions.matching(&UNLED_ACCESSION, matching);
                    sifts = true;
                }
            }
            (Level::Patient | Level::Study, matching) => {
                conditions.matching(column, matching);
                match matching {
                    Matching::Uids(_) if column.tag == tags::STUDY_INSTANCE_UID => led = true,
                    _ => sifts = true,
                }
            }
            (Level::Series, matching) if column.tag == tags::MODALITY => {
                if let (Matching::Single(_) | Matching::AnyOf(_), Some(of_study)) =
                    (matching, matched_by(&[tags::MODALITIES_IN_STUDY], Level::Study))
                {
                    conditions.matching(of_study, matching);
                    sifts = true;
                }
            }
            (Level::Series, Matching::Uids(uids)) if column.kind == Kind::Uid => {
                let list = conditions.bind_all(uids.iter());
                conditions.push(format!("t.id in (select study_id from series where uid in ({list}))"));
                led = true;
            }
            (Level::Instance, Matching::Uids(uids)) if column.tag == tags::SOP_INSTANCE_UID => {
                let list = conditions.bind_all(uids.iter());
                conditions.push(format!(
                    "t.id in (select b.study_id from instance a join series b on b.id = a.series_id where a.uid in ({list}))"
                ));
                led = true;
            }
            _ => {}
        }
    }
    let is_frequent = number.is_frequent(database).await?;
    number.push(&mut conditions, "t.patient_id", is_frequent);
    led |= number.leads(is_frequent);
    sifts |= number.is_asked();
    if !led {
        sifts |= below::push(&mut conditions, query);
    }
    sifts |= push_scope(&mut conditions, &mut along, scope, requests(database, scope).await?);
    // Of a study of which all is rejected nothing is shown.
    conditions.push("t.instance_count > 0".into());
    let (order, cursor) = if led { SORTED } else { NEWEST };
    let along = ("study t", along);
    let mut plan = Plan { from: "study t".into(), conditions, order, cursor, along, span, sifts };
    for name in names {
        plan.narrow_to_words(database, names::words(name, query.fuzzy), &mut led).await?;
        if name.wildcard {
            plan.conditions.name("t.folded_name", name);
            plan.sifts = true;
        }
    }
    Ok(plan)
}

/// The studies of the pages' list: words of a name, or identifiers, and the other keys as filters.
pub(crate) async fn plan_list(
    database: &Database,
    query: &Query,
    scope: &Scope,
    words: Words,
    identifiers: &[String],
) -> Result<Plan> {
    let mut plan = plan(database, query, scope).await?;
    let mut led = !identifiers.is_empty();
    for identifier in identifiers {
        plan.narrow_to_identifier(identifier);
    }
    if words != Words::default() {
        plan.narrow_to_words(database, words, &mut led).await?;
    }
    Ok(plan)
}

impl Plan {
    /// Whether a page of it may look at any number of studies in vain. Where the few to look at are sorted it does not.
    pub fn sifts(&self) -> bool {
        self.sifts && self.order != SORTED.0
    }

    /// What somebody typed or scanned: the beginning of a patient's identifier, any whole number of
    /// the patient, or an accession number.
    fn narrow_to_identifier(&mut self, identifier: &str) {
        (self.order, self.cursor) = SORTED;
        let conditions = &mut self.conditions;
        let whole = conditions.bind(identifier);
        let mut alternatives = vec![
            format!("select id from study where accession_number = {whole}"),
            format!(
                "select o.id from patient_identifier n join study o on o.patient_id = n.patient_id
                 where n.identifier = {whole}"
            ),
        ];
        if let Some(after) =
            dialect::after_prefix(identifier).filter(|_| identifier.chars().count() >= LEADING_CHARS)
        {
            let after = conditions.bind(after);
            alternatives.push(format!(
                "select id from study where patient_identifier >= {whole} and patient_identifier < {after}"
            ));
        }
        conditions.push(format!("t.id in ({})", alternatives.join(" union all ")));
    }

    /// Words of a name; they lead when nothing else does.
    async fn narrow_to_words(&mut self, database: &Database, mut words: Words, led: &mut bool) -> Result<()> {
        let lead = if *led { Lead::Nothing } else { names::lead(database, Table::Studies, &words).await? };
        let conditions = &mut self.conditions;
        match lead {
            Lead::Word(word) => {
                let bound = conditions.bind(word.as_str());
                conditions.push(format!("w.word = {bound}"));
                words.whole.retain(|other| *other != word);
                words.whole.iter().for_each(|word| conditions.word("t.folded_name", word, false));
                self.walk_words("study_word w", |tells| {
                    let bound = tells.bind(word.as_str());
                    tells.push(format!("w.word = {bound}"));
                });
                *led = true;
            }
            Lead::Pairs(pairs) => {
                let rarest = names::rarest(conditions, Table::Studies, &pairs);
                conditions.push(format!("w.pair = {rarest}"));
                // A pair alone says all there is of its words.
                if pairs.len() > 1 || words.whole.len() > 2 {
                    // Given names come last, and are the rarer.
                    words.whole.iter().rev().for_each(|word| conditions.word("w.words", word, false));
                }
                self.walk_words("study_pair w", |tells| {
                    let rarest = names::rarest(tells, Table::Studies, &pairs);
                    tells.push(format!("w.pair = {rarest}"));
                });
                *led = true;
            }
            Lead::Beginning(beginning) => {
                if let Some(after) = dialect::after_prefix(&beginning) {
                    let (from, before) = (conditions.bind(beginning.as_str()), conditions.bind(after));
                    conditions.push(format!(
                        "t.id in (select study_id from study_word where word >= {from} and word < {before})"
                    ));
                }
                words.whole.iter().for_each(|word| conditions.word("t.folded_name", word, false));
                (self.order, self.cursor) = SORTED;
                *led = true;
            }
            Lead::AnyOf(any) if any.is_empty() => conditions.push("1 = 0".into()),
            Lead::AnyOf(any) => {
                let list = conditions.bind_all(any.iter());
                conditions.push(format!("t.id in (select study_id from study_word where word in ({list}))"));
                (self.order, self.cursor) = SORTED;
                *led = true;
            }
            Lead::Nothing => {
                words.whole.iter().for_each(|word| conditions.word("t.folded_name", word, false));
                self.sifts |= !words.whole.is_empty();
            }
        }
        self.sifts |= !words.beginnings.is_empty();
        words.beginnings.iter().for_each(|word| self.conditions.word("t.folded_name", word, true));
        Ok(())
    }

    /// Walks the studies of an index of words, newest first. What the index itself tells is asked before any
    /// study is read; both engines keep the order of a cross join written out, or choose a better one knowingly.
    fn walk_words(&mut self, along: &'static str, tell: impl FnOnce(&mut Conditions)) {
        self.from = format!("{along} cross join study t");
        self.conditions.push("t.id = w.study_id".into());
        (self.order, self.cursor) = BY_WORD;
        // The index of words knows no facilities: those of a scope are looked for along it.
        self.sifts |= !self.along.1.text.is_empty();
        let mut tells = Conditions::new(self.conditions.engine);
        tell(&mut tells);
        self.along = (along, tells);
    }

    /// A page of `limit` studies after a place in the order. `offset` leaves out the first ones.
    pub fn page(&self, select: &str, after: Option<Cursor>, limit: i64, offset: i64) -> (String, Conditions) {
        let mut page = self.conditions.clone();
        self.bound(&mut page, after, None);
        self.select(select, page, limit, offset)
    }

    /// The same of studies up to a place.
    pub fn window(
        &self,
        select: &str,
        after: Option<Cursor>,
        end: Option<Cursor>,
        limit: i64,
    ) -> (String, Conditions) {
        let mut window = self.conditions.clone();
        self.bound(&mut window, after, end);
        self.select(select, window, limit, 0)
    }

    fn select(&self, select: &str, mut page: Conditions, limit: i64, offset: i64) -> (String, Conditions) {
        let clause = page.clause();
        let limit = page.bind(limit);
        let offset = if offset > 0 { format!(" offset {}", page.bind(offset)) } else { String::new() };
        let sql = format!(
            "select {select} from {}{clause} order by {} limit {limit}{offset}",
            self.from, self.order
        );
        (sql, page)
    }

    /// The place of the last of so many rows of the index that the order walks, behind a place.
    pub fn ahead(&self, after: Option<Cursor>, rows: i64) -> (String, Conditions) {
        let (from, mut conditions) = self.along.clone();
        self.bound(&mut conditions, after, None);
        let clause = conditions.clause();
        let passed = conditions.bind(rows.saturating_sub(1));
        let place = self.cursor.trim_matches(['(', ')']);
        let sql =
            format!("select {place} from {from}{clause} order by {} limit 1 offset {passed}", self.order);
        (sql, conditions)
    }

    /// Leaves what lies behind a place and not behind the end of a window, within the span.
    fn bound(&self, conditions: &mut Conditions, after: Option<Cursor>, end: Option<Cursor>) {
        let key = self.cursor.trim_start_matches('(').split(',').next().unwrap_or_default();
        for (comparison, place, key_bound) in
            [("<", after, ("<=", self.span.to)), (">=", end, (">=", self.span.from))]
        {
            match (place, key_bound) {
                (Some((newest_key, id)), _) => {
                    let (newest_key, id) = (conditions.bind(newest_key), conditions.bind(id));
                    conditions.push(format!("{} {comparison} ({newest_key}, {id})", self.cursor));
                }
                (None, (comparison, Some(newest_key))) => {
                    let bound = conditions.bind(newest_key);
                    conditions.push(format!("{key} {comparison} {bound}"));
                }
                (None, (_, None)) => {}
            }
        }
    }

    /// How many rows there are of the studies and what is joined to them, counted up to `limit`, behind a place and up
    /// to another.
    pub fn counted(
        &self,
        joins: &str,
        (after, end): (Option<Cursor>, Option<Cursor>),
        limit: i64,
        filter: impl FnOnce(&mut Conditions),
    ) -> (String, Conditions) {
        let mut conditions = self.conditions.clone();
        self.bound(&mut conditions, after, end);
        filter(&mut conditions);
        let clause = conditions.clause();
        let limit = conditions.bind(limit);
        let sql = format!(
            "select count(*) from (select 1 as one from {}{joins}{clause} order by {} limit {limit}) as few",
            self.from, self.order
        );
        (sql, conditions)
    }
}

/// Whether a number is told well enough to lead.
pub(super) fn leads_by(matching: &Matching) -> bool {
    match matching {
        Matching::Single(_) => true,
        Matching::Wildcard(pattern) => {
            pattern.chars().take_while(|c| !matches!(c, '*' | '?')).count() >= LEADING_CHARS
        }
        _ => false,
    }
}

/// Where rows of a number are looked up, by table and column.
pub(super) type Numbers = (&'static str, &'static str);
const ACCESSIONS: Numbers = ("study", "accession_number");
/// The accession number, said so that no engine sorts all studies whose number begins so.
const UNLED_ACCESSION: Column = Column {
    tag: tags::ACCESSION_NUMBER,
    level: Level::Study,
    sql: "t.accession_number || ''",
    kind: Kind::Text,
};

/// Whether so many numbers begin as a pattern does that they lead nowhere: sorting their studies would be more work
/// than to walk along the newest.
pub(super) async fn is_frequent(
    database: &Database,
    (table, column): Numbers,
    matching: &Matching,
) -> Result<bool> {
    let Matching::Wildcard(pattern) = matching else { return Ok(false) };
    let beginning: String = pattern.chars().take_while(|c| !matches!(c, '*' | '?')).collect();
    let Some(after) = dialect::after_prefix(&beginning) else { return Ok(true) };
    let sql = format!(
        "select count(*) from (select 1 from {table} where {column} >= $1 and {column} < $2 limit $3) as few"
    );
    let row =
        database.fetch_optional(sqlx::AssertSqlSafe(sql), params![beginning, after, names::FEW]).await?;
    Ok(row.map_or(Ok(0), |row| row.at::<i64>(0))? >= names::FEW)
}

impl Span {
    /// Narrows it to what a filter on the study date leaves; answers whether that says all of it but for the hours at
    /// its ends. A study without a date of its own has an arrival date there, and the condition on the date itself
    /// leaves it out.
    fn narrow(&mut self, matching: &Matching) -> bool {
        let (from, to) = match matching {
            Matching::Single(date) => (Some(date), Some(date)),
            Matching::Range { from, to } => (from.as_ref(), to.as_ref()),
            Matching::Period { from, to } => (from.as_ref().map(|end| &end.0), to.as_ref().map(|end| &end.0)),
            _ => return false,
        };
        let key = |date: &String| date.parse::<i64>().ok().map(|date| date * 1_000_000);
        self.from = self.from.max(from.and_then(key));
        let to = to.and_then(key).map(|to| to + 999_999);
        self.to = self.to.into_iter().chain(to).min();
        true
    }
}

/// The studies a scope sees. One facility has an index of its own; several are sifted while walking, and so
/// are those that a facility has requested elsewhere, where there are any: few have, and then a page takes
/// as long as for several. Answers whether they are sifted.
fn push_scope(conditions: &mut Conditions, along: &mut Conditions, scope: &Scope, requests: bool) -> bool {
    let Scope::Facilities(codes) = scope else { return false };
    match codes.as_slice() {
        [] => conditions.push("1 = 0".into()),
        [code] if !requests => {
            for conditions in [conditions, along] {
                let bound = conditions.bind(code.as_str());
                conditions.push(format!("t.facility = {bound}"));
            }
        }
        several => {
            let list = conditions.bind_all(several.iter());
            conditions.push(match requests {
                false => format!("t.facility || '' in ({list})"),
                true => format!("(t.facility || '' in ({list}) or t.requested_by || '' in ({list}))"),
            });
            return true;
        }
    }
    false
}

/// Whether the facilities of a scope have requested studies that others made.
async fn requests(database: &Database, scope: &Scope) -> Result<bool> {
    match scope {
        Scope::Facilities(codes) if !codes.is_empty() => {
            let list = placeholders(1, codes.len());
            let sql = format!("select 1 from study where requested_by in ({list}) limit 1");
            let params = codes.iter().map(Param::from).collect();
            Ok(database.fetch_optional(sqlx::AssertSqlSafe(sql), params).await?.is_some())
        }
        _ => Ok(false),
    }
}
