//! Answers at the patient level: persons with at least one study within the scope.

use futures::stream::{self, Stream};
use pacs_core::access::Scope;
use pacs_core::attributes::PATIENT_TAGS;
use pacs_core::dataset::DataSet;
use pacs_core::query::{Level, Matching, Query, Returns};
use pacs_core::{Tag, tags};

use super::columns::{Column, Kind};
use super::condition::Conditions;
use super::names::{self, Lead, Table};
use super::numbers::{self, Wanted};
use super::window;
use crate::Result;
use crate::corrections::parse_attributes;
use crate::database::{Database, Row};

/// Patients read at a time, and looked at by a statement whose filters no index leads.
const PATIENTS: i64 = 200;
const LOOKED_AT: i64 = 8000;

const fn column(tag: Tag, sql: &'static str, kind: Kind) -> Column {
    Column { tag, level: Level::Patient, sql, kind }
}

/// A patient without an identifier is kept under one that no device sent.
const IDENTIFIER: &str = "(case when substr(p.identifier, 1, 1) = '?' then '' else p.identifier end)";

const COLUMNS: [Column; 5] = [
    column(tags::PATIENT_NAME, "p.name", Kind::Name("p.folded_name")),
    column(tags::PATIENT_ID, IDENTIFIER, Kind::Text),
    column(tags::ISSUER_OF_PATIENT_ID, "i.code", Kind::Text),
    column(tags::PATIENT_BIRTH_DATE, "p.birth_date", Kind::Date),
    column(tags::PATIENT_SEX, "p.sex", Kind::Text),
];

/// Answers at the patient level, a page at a time.
pub(super) fn pages(
    database: Database,
    query: Query,
    scope: Scope,
) -> impl Stream<Item = Result<Vec<DataSet>>> + Send {
    let walk = Walk {
        left: query.limit.map_or(i64::MAX, i64::from),
        skip: i64::from(query.offset),
        database,
        query,
        scope,
        lead: None,
        is_frequent: None,
        before: None,
    };
    stream::try_unfold(walk, |mut walk| async move {
        let page = walk.next().await?;
        Ok((!page.is_empty()).then_some((page, walk)))
    })
}

struct Walk {
    database: Database,
    query: Query,
    scope: Scope,
    /// How the walk begins; chosen once.
    lead: Option<Lead>,
    /// Whether too many numbers begin as the one asked for; looked up once.
    is_frequent: Option<bool>,
    /// Rows before this one are still to be read; looked up when the walk begins.
    before: Option<i64>,
    skip: i64,
    left: i64,
}

impl Walk {
    /// The next page; empty when there is none.
    async fn next(&mut self) -> Result<Vec<DataSet>> {
        let mut before = match self.before {
            Some(before) => before,
            None => self.newest().await?.saturating_add(1),
        };
        while self.left > 0 && before > 0 {
            let (rows, looked_at) = self.page(before).await?;
            before = looked_at;
            self.before = Some(before);
            let skipped = usize::try_from(self.skip).unwrap_or(usize::MAX).min(rows.len());
            self.skip -= i64::try_from(skipped).unwrap_or(self.skip);
            let taken: Vec<&Row> = rows.iter().skip(skipped).collect();
            self.left -= i64::try_from(taken.len()).unwrap_or(self.left);
            if !taken.is_empty() {
                return taken.into_iter().map(|row| self.answer(row)).collect();
            }
        }
        Ok(Vec::new())
    }

    /// The newest patient.
    async fn newest(&self) -> Result<i64> {
        let row = self.database.fetch_optional("select max(id) from patient", Vec::new()).await?;
        Ok(row.map_or(Ok(None), |row| row.at::<Option<i64>>(0))?.unwrap_or(0))
    }

    /// Rows before this one, and the row down to which these are all.
    async fn page(&mut self, before: i64) -> Result<(Vec<Row>, i64)> {
        let (mut from, mut key) = ("patient p", "p.id");
        let mut conditions = Conditions::new(self.database.engine());
        let mut number = Wanted::default();
        // What is not told by an index has to be looked for in every patient.
        let (mut sifts, mut named, mut has_led) = (false, false, false);
        let nothing = Lead::Nothing;
        for filter in &self.query.filters {
            let Some(column) = COLUMNS.iter().find(|column| filter.path == [column.tag]) else { continue };
            if number.take(column.tag, &filter.matching) {
                continue;
            }
            if column.tag != tags::PATIENT_NAME {
                conditions.matching(column, &filter.matching);
                sifts = true;
                continue;
            }
            let Matching::Name(name) = &filter.matching else {
                conditions.matching(column, &filter.matching);
                sifts = true;
                continue;
            };
            let words = names::words(name, self.query.fuzzy);
            let lead = match &self.lead {
                _ if has_led => &nothing,
                Some(lead) => lead,
                None => self.lead.insert(names::lead(&self.database, Table::Patients, &words).await?),
            };
            // Of several names the first leads; the others are looked for among those that it leads to.
            let walk = names::narrow_patients(&mut conditions, lead, &words);
            if !has_led {
                (from, key) = walk;
                named = *lead != Lead::Nothing;
            }
            sifts |= (name.wildcard || has_led) && matches!(self.lead, Some(Lead::Word(_) | Lead::Pairs(_)));
            has_led = true;
            if name.wildcard {
                conditions.name("p.folded_name", name);
            }
        }
        let is_frequent = match self.is_frequent {
            Some(is_frequent) => is_frequent,
            None => number.is_frequent(&self.database).await?,
        };
        self.is_frequent = Some(is_frequent);
        number.push(&mut conditions, "p.id", is_frequent);
        sifts |= number.is_asked() || (!named && (self.scope != Scope::All || !conditions.text.is_empty()));
        sifts &= !number.leads(is_frequent);
        let bound = conditions.bind(before);
        conditions.push(format!("{key} < {bound}"));
        let mut lowest = 0;
        if sifts {
            lowest = before.saturating_sub(LOOKED_AT).max(0);
            let bound = conditions.bind(lowest);
            conditions.push(format!("{key} >= {bound}"));
        }
        let seen = self.seen(&mut conditions);
        conditions.push(format!("exists (select 1 from study t where t.patient_id = p.id{seen})"));
        let clause = conditions.clause();
        let most = PATIENTS.min(self.left.saturating_add(self.skip));
        let limit = conditions.bind(most);
        let others = match self.asks(tags::OTHER_PATIENT_I_DS_SEQUENCE) {
            true => format!(", {} as others", numbers::others("p.id")),
            false => String::new(),
        };
        let newest = |column: &str| {
            format!(
                "(select t.{column} from study t where t.patient_id = p.id{seen}
                  order by t.newest_key desc, t.id desc limit 1)"
            )
        };
        let told = match self.asks_newest() {
            true => {
                format!(", {} as told, {} as told_issuer", newest("attributes"), newest("patient_issuer"))
            }
            false => String::new(),
        };
        let sql = format!(
            "select p.id, p.name, {IDENTIFIER} as identifier, i.code as issuer, p.birth_date, p.sex,
                 (select count(*) from study t where t.patient_id = p.id{seen}) as studies,
                 (select cast(coalesce(sum(t.series_count), 0) as bigint) from study t
                  where t.patient_id = p.id{seen}) as series,
                 (select cast(coalesce(sum(t.instance_count), 0) as bigint) from study t
                  where t.patient_id = p.id{seen}) as instances{others}{told}
             from {from} join issuer i on i.id = p.issuer_id{clause} order by {key} desc limit {limit}"
        );
        let _turn = if sifts { window::turn().await } else { None };
        let rows = self.database.fetch(sqlx::AssertSqlSafe(sql), conditions.params).await?;
        let looked_at = match rows.last() {
            Some(last) if i64::try_from(rows.len()).is_ok_and(|count| count >= most) => last.get("id")?,
            _ => lowest,
        };
        Ok((rows, looked_at))
    }

    /// The condition that a study `t` is shown and within the scope; its values are bound once.
    fn seen(&self, conditions: &mut Conditions) -> String {
        let shown = " and t.instance_count > 0";
        match &self.scope {
            Scope::All => shown.into(),
            Scope::Facilities(codes) if codes.is_empty() => " and 1 = 0".into(),
            Scope::Facilities(codes) => {
                let list = conditions.bind_all(codes.iter());
                format!("{shown} and (t.facility in ({list}) or t.requested_by in ({list}))")
            }
        }
    }

    /// Whether answers are to carry an attribute.
    fn asks(&self, tag: Tag) -> bool {
        match &self.query.returns {
            Returns::All => true,
            Returns::Tags(paths) => paths.iter().any(|path| path.first() == Some(&tag)),
        }
    }

    /// Whether answers are to carry what only studies tell of a patient.
    fn asks_newest(&self) -> bool {
        PATIENT_TAGS.iter().any(|tag| self.asks(*tag))
    }

    /// Puts what the patient's newest study tells of them. Qualifiers are those of the issuer that it was sent with.
    fn put_told(&self, answer: &mut DataSet, row: &Row) -> Result<()> {
        let Some(told) = row.get::<Option<String>>("told")? else { return Ok(()) };
        let is_own_issuer =
            row.get::<Option<String>>("told_issuer")? == answer.text(tags::ISSUER_OF_PATIENT_ID);
        for element in &parse_attributes(&told)? {
            let is_told = PATIENT_TAGS.contains(&element.tag) && self.asks(element.tag);
            if is_told && (is_own_issuer || element.tag != tags::ISSUER_OF_PATIENT_ID_QUALIFIERS_SEQUENCE) {
                answer.put(element.clone());
            }
        }
        Ok(())
    }

    fn answer(&self, row: &Row) -> Result<DataSet> {
        let mut answer = DataSet::new();
        answer.put_text(tags::SPECIFIC_CHARACTER_SET, "ISO_IR 192");
        put_text(&mut answer, tags::PATIENT_NAME, Some(&row.get::<String>("name")?));
        put_text(&mut answer, tags::PATIENT_ID, Some(&row.get::<String>("identifier")?));
        put_text(&mut answer, tags::ISSUER_OF_PATIENT_ID, Some(&row.get::<String>("issuer")?));
        put_text(&mut answer, tags::PATIENT_BIRTH_DATE, row.get::<Option<String>>("birth_date")?.as_deref());
        put_text(&mut answer, tags::PATIENT_SEX, row.get::<Option<String>>("sex")?.as_deref());
        put_int(&mut answer, tags::NUMBER_OF_PATIENT_RELATED_STUDIES, row.get("studies")?);
        put_int(&mut answer, tags::NUMBER_OF_PATIENT_RELATED_SERIES, row.get("series")?);
        put_int(&mut answer, tags::NUMBER_OF_PATIENT_RELATED_INSTANCES, row.get("instances")?);
        if self.asks_newest() {
            self.put_told(&mut answer, row)?;
        }
        if self.asks(tags::OTHER_PATIENT_I_DS_SEQUENCE)
            && let Some(others) = row.get::<Option<String>>("others")?
        {
            numbers::put_others(&mut answer, &others);
        }
        let wanted = match &self.query.returns {
            Returns::All => None,
            Returns::Tags(paths) => {
                Some(paths.iter().filter_map(|path| path.first().copied()).collect::<Vec<_>>())
            }
        };
        if let Some(wanted) = &wanted {
            answer.retain(|element| {
                wanted.contains(&element.tag)
                    || [tags::PATIENT_ID, tags::SPECIFIC_CHARACTER_SET].contains(&element.tag)
            });
        }
        if wanted.as_ref().is_none_or(|tags| tags.contains(&tags::INSTANCE_AVAILABILITY)) {
            answer.put_text(tags::INSTANCE_AVAILABILITY, "ONLINE");
        }
        // What rows do not hold is answered without a value.
        for tag in wanted.into_iter().flatten() {
            if !answer.contains(tag) {
                answer.put_empty(tag);
            }
        }
        Ok(answer)
    }
}

fn put_text(answer: &mut DataSet, tag: Tag, text: Option<&str>) {
    match text.filter(|text| !text.is_empty()) {
        Some(text) => answer.put_text(tag, text),
        None => answer.put_empty(tag),
    }
}

fn put_int(answer: &mut DataSet, tag: Tag, number: Option<i64>) {
    match number {
        Some(number) => answer.put_int(tag, number),
        None => answer.put_empty(tag),
    }
}
