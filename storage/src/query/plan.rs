//! What a query walks: which studies, led by which index.

use pacs_core::access::Scope;
use pacs_core::query::{Level, Matching, Query};
use pacs_core::tags;

use super::columns::{Column, Kind, matched_by};
use super::condition::Conditions;
use super::names::{self, Lead, Table, Words};
use super::numbers::Wanted;
use crate::Result;
use crate::database::{Database, Param, placeholders};
use crate::dialect;
use crate::index::study_words;

/// The studies a query looks at, newest first.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    /// `study t`, or a word of the index joined with it.
    from: String,
    conditions: Conditions,
    order: &'static str,
    /// The pair of columns that the order walks.
    cursor: &'static str,
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
    let mut led = false;
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
                }
            }
            (Level::Patient, matching) if number.take(column.tag, matching) => {}
            (Level::Patient | Level::Study, matching) => {
                conditions.matching(column, matching);
                if column.tag == tags::STUDY_DATE {
                    narrow_to_dates(&mut conditions, matching);
                }
                led |= leads(column, matching);
            }
            (Level::Series, matching) if column.tag == tags::MODALITY => {
                if let (Matching::Single(_) | Matching::AnyOf(_), Some(of_study)) =
                    (matching, matched_by(&[tags::MODALITIES_IN_STUDY], Level::Study))
                {
                    conditions.matching(of_study, matching);
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
    number.push(&mut conditions, "t.patient_id");
    led |= number.leads();
    push_scope(&mut conditions, scope, requests(database, scope).await?);
    // Of a study of which all is rejected nothing is shown.
    conditions.push("t.instance_count > 0".into());
    let mut plan = if led {
        Plan::over("study t", conditions, SORTED)
    } else {
        Plan::over("study t", conditions, NEWEST)
    };
    for name in names {
        plan.narrow_to_words(database, names::words(name, query.fuzzy), &mut led).await?;
        if name.wildcard {
            plan.conditions.name("t.folded_name", name);
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
    fn over(from: &str, conditions: Conditions, (order, cursor): (&'static str, &'static str)) -> Self {
        Self { from: from.into(), conditions, order, cursor }
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
                self.walk_words("study_word");
                *led = true;
            }
            Lead::Pair(one, other) => {
                let bound = conditions.bind(study_words::pair(&one, &other));
                conditions.push(format!("w.pair = {bound}"));
                words.whole.retain(|word| *word != one && *word != other);
                words.whole.iter().for_each(|word| conditions.word("w.words", word, false));
                self.walk_words("study_pair");
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
                words.whole.iter().for_each(|word| conditions.word("t.folded_name", word, false))
            }
        }
        words.beginnings.iter().for_each(|word| self.conditions.word("t.folded_name", word, true));
        Ok(())
    }

    /// Walks the studies of an index of words, newest first. What the index itself tells is asked before any
    /// study is read; both engines keep the order of a cross join written out, or choose a better one knowingly.
    fn walk_words(&mut self, index: &str) {
        self.from = format!("{index} w cross join study t");
        self.conditions.push("t.id = w.study_id".into());
        (self.order, self.cursor) = BY_WORD;
    }

    /// A page of `limit` studies after a place in the order. `offset` leaves out the first ones.
    pub fn page(&self, select: &str, after: Option<Cursor>, limit: i64, offset: i64) -> (String, Conditions) {
        let mut page = self.conditions.clone();
        if let Some((newest_key, id)) = after {
            let (newest_key, id) = (page.bind(newest_key), page.bind(id));
            page.push(format!("{} < ({newest_key}, {id})", self.cursor));
        }
        let clause = page.clause();
        let limit = page.bind(limit);
        let offset = if offset > 0 { format!(" offset {}", page.bind(offset)) } else { String::new() };
        let sql = format!(
            "select {select} from {}{clause} order by {} limit {limit}{offset}",
            self.from, self.order
        );
        (sql, page)
    }

    /// How many rows there are of the studies and what is joined to them, counted up to `limit`.
    pub fn counted(
        &self,
        joins: &str,
        limit: i64,
        filter: impl FnOnce(&mut Conditions),
    ) -> (String, Conditions) {
        let mut conditions = self.conditions.clone();
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

/// Whether a filter leads to a few studies by an index.
fn leads(column: &Column, matching: &Matching) -> bool {
    match matching {
        Matching::Uids(_) => column.tag == tags::STUDY_INSTANCE_UID,
        matching => column.tag == tags::ACCESSION_NUMBER && leads_by(matching),
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

/// Says a bound on the study date also of the newest key, which an index walks. A study without a
/// date of its own has an arrival date there, and the condition on the date itself leaves it out.
fn narrow_to_dates(conditions: &mut Conditions, matching: &Matching) {
    let (from, to) = match matching {
        Matching::Single(date) => (Some(date), Some(date)),
        Matching::Range { from, to } => (from.as_ref(), to.as_ref()),
        Matching::Period { from, to } => (from.as_ref().map(|end| &end.0), to.as_ref().map(|end| &end.0)),
        _ => return,
    };
    let key = |date: &String| date.parse::<i64>().ok().map(|date| date * 1_000_000);
    if let Some(from) = from.and_then(key) {
        let bound = conditions.bind(from);
        conditions.push(format!("t.newest_key >= {bound}"));
    }
    if let Some(to) = to.and_then(key) {
        let bound = conditions.bind(to + 999_999);
        conditions.push(format!("t.newest_key <= {bound}"));
    }
}

/// The studies a scope sees. One facility has an index of its own; several are sifted while walking, and so
/// are those that a facility has requested elsewhere, where there are any: few have, and then a page takes
/// as long as for several.
fn push_scope(conditions: &mut Conditions, scope: &Scope, requests: bool) {
    match scope {
        Scope::All => {}
        Scope::Facilities(codes) => match codes.as_slice() {
            [] => conditions.push("1 = 0".into()),
            [code] if !requests => {
                let bound = conditions.bind(code.as_str());
                conditions.push(format!("t.facility = {bound}"));
            }
            several => {
                let list = conditions.bind_all(several.iter());
                conditions.push(match requests {
                    false => format!("t.facility || '' in ({list})"),
                    true => format!("(t.facility || '' in ({list}) or t.requested_by || '' in ({list}))"),
                });
            }
        },
    }
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
