//! Any exam, whatever it is like: found by its order's number, or by its patient.
//!
//! A number or a word of which there are few leads to its exams. Where all that was typed is frequent, or is only the
//! beginning of a word, they are looked for along the schedule, window by window.

use pacs_core::access::Scope;

use super::{Exam, SELECT, search};
use crate::Result;
use crate::database::{Database, params};
use crate::dialect;
use crate::index::instances::push_scope;
use crate::query::condition::Conditions;
use crate::query::names::{self, FEW, Lead, Table, Words};
use crate::query::window;

/// Exams that are found, at most.
const MOST: usize = 20;
/// A number shorter than this begins too many others, and is meant whole.
const LEADING_CHARS: usize = 3;
/// Exams that one statement looks at in vain, at most.
const LOOKED_AT: i64 = 4000;

/// Exams of the scope by what was typed or scanned: the beginning of an accession number or of a patient's number,
/// which of one or two characters is meant whole, words of the patient's name, or both. The latest in the schedule
/// first, at most 20; called-off ones take no images and are left out.
pub async fn find(database: &Database, scope: &Scope, typed: &str) -> Result<Vec<Exam>> {
    let (words, numbers) = search::understand(typed);
    if words == Words::default() && numbers.iter().all(String::is_empty) {
        return Ok(Vec::new());
    }
    let mut conditions = Conditions::new(database.engine());
    let mut leads = false;
    if words != Words::default() {
        leads |= push_words(database, &mut conditions, &words).await?;
    }
    for number in &numbers {
        leads |= push_number(database, &mut conditions, number).await?;
    }
    conditions.push("s.state <> 'cancelled'".into());
    if leads {
        // Written as an expression, which hides the column from its index: no engine walks the whole schedule in order.
        let order = "(s.scheduled_date || '') desc, s.scheduled_time desc, s.id desc";
        return page(database, conditions, (scope, "s.facility"), order, MOST).await;
    }
    sifted(database, &conditions, scope).await
}

/// Asks for words of the patient's name; answers whether they lead to a few patients.
async fn push_words(database: &Database, conditions: &mut Conditions, words: &Words) -> Result<bool> {
    let lead = match names::lead(database, Table::Patients, words).await? {
        Lead::Word(word) => {
            has_few(database, ("patient_word", "word"), &word).await?.then_some(Lead::Word(word))
        }
        Lead::Pairs(pairs) => few_of(database, pairs).await?.map(|pair| Lead::Pairs(vec![pair])),
        Lead::Nothing => None,
        lead => Some(lead),
    };
    let Some(lead) = lead else {
        words.whole.iter().for_each(|word| conditions.word("p.folded_name", word, false));
        words.beginnings.iter().for_each(|word| conditions.word("p.folded_name", word, true));
        return Ok(false);
    };
    let before = conditions.text.len();
    let (from, key) = names::narrow_patients(conditions, &lead, words);
    let patients = conditions.text.split_off(before).join(" and ");
    conditions.push(format!("o.patient_id in (select {key} from {from} where {patients})"));
    Ok(true)
}

/// Asks for an order's or a patient's number, or its beginning; answers whether that leads to a few.
async fn push_number(database: &Database, conditions: &mut Conditions, number: &str) -> Result<bool> {
    const ORDERS: (&str, &str) = ("order_", "accession_number");
    const PATIENTS: (&str, &str) = ("patient_identifier", "identifier");
    let whole = conditions.bind(number);
    let after = dialect::after_prefix(number).filter(|_| number.chars().count() >= LEADING_CHARS);
    let leads = match &after {
        Some(after) => {
            are_few(database, ORDERS, (number, after)).await?
                && are_few(database, PATIENTS, (number, after)).await?
        }
        None => true,
    };
    let after = after.map(|after| conditions.bind(after));
    let range = |column: &str| match &after {
        Some(after) => format!("{column} >= {whole} and {column} < {after}"),
        None => format!("{column} = {whole}"),
    };
    conditions.push(if leads {
        format!(
            "o.id in (select id from order_ where {} union select b.id from patient_identifier n
                 join order_ b on b.patient_id = n.patient_id where {})",
            range("accession_number"),
            range("n.identifier")
        )
    } else {
        format!(
            "({} or exists (select 1 from patient_identifier n where n.patient_id = o.patient_id and {}))",
            range("o.accession_number"),
            range("n.identifier")
        )
    });
    Ok(leads)
}

/// The first of some pairs of words that has few patients.
async fn few_of(database: &Database, pairs: Vec<String>) -> Result<Option<String>> {
    for pair in pairs {
        if has_few(database, ("patient_pair", "pair"), &pair).await? {
            return Ok(Some(pair));
        }
    }
    Ok(None)
}

/// Whether a word or a pair has so few rows that what they lead to is read and sorted.
async fn has_few(database: &Database, of: (&str, &str), value: &str) -> Result<bool> {
    are_few(database, of, (value, &format!("{value}\u{1}"))).await
}

/// Whether so few rows lie in a range that what they lead to is read and sorted.
async fn are_few(
    database: &Database,
    (table, column): (&str, &str),
    (from, before): (&str, &str),
) -> Result<bool> {
    let sql = format!(
        "select count(*) from (select 1 from {table} where {column} >= $1 and {column} < $2 limit $3) as few"
    );
    let row = database.fetch_optional(sqlx::AssertSqlSafe(sql), params![from, before, FEW]).await?;
    Ok(row.map_or(Ok(0), |row| row.at::<i64>(0))? < FEW)
}

/// The first exams that fulfil conditions, in an order.
async fn page(
    database: &Database,
    mut conditions: Conditions,
    (scope, facility): (&Scope, &str),
    order: &str,
    most: usize,
) -> Result<Vec<Exam>> {
    let mut sql = format!("{SELECT}{}", conditions.clause());
    push_scope(&mut sql, &mut conditions.params, scope, facility);
    sql.push_str(&format!(" order by {order} limit {most}"));
    database.fetch(sqlx::AssertSqlSafe(sql), conditions.params).await?.iter().map(super::read).collect()
}

/// An exam's place in the schedule: date, time and row.
type Scheduled = (String, String, i64);
const PLACE: &str = "(s.scheduled_date, s.scheduled_time, s.id)";
const LATEST: &str = "s.scheduled_date desc, s.scheduled_time desc, s.id desc";

/// The same along the schedule. Nobody else waits for it, and whoever has gone is noticed after a window.
async fn sifted(database: &Database, conditions: &Conditions, scope: &Scope) -> Result<Vec<Exam>> {
    let mut found = Vec::new();
    let mut after: Option<Scheduled> = None;
    loop {
        let _turn = window::turn().await;
        let mut ahead = Conditions::new(database.engine());
        bound(&mut ahead, "<", after.as_ref());
        let clause = ahead.clause();
        let last = ahead.bind(LOOKED_AT - 1);
        let sql = format!(
            "select s.scheduled_date, s.scheduled_time, s.id from scheduled_step s{clause}
             order by {LATEST} limit 1 offset {last}"
        );
        let row = database.fetch_optional(sqlx::AssertSqlSafe(sql), ahead.params).await?;
        let end = row.map(|row| Ok::<_, crate::Error>((row.at(0)?, row.at(1)?, row.at(2)?))).transpose()?;
        let mut conditions = conditions.clone();
        bound(&mut conditions, "<", after.as_ref());
        bound(&mut conditions, ">=", end.as_ref());
        // As an expression too, or the index of the facility would lead, and all of its exams would be sorted.
        let scope = (scope, "s.facility || ''");
        found.extend(page(database, conditions, scope, LATEST, MOST - found.len()).await?);
        if found.len() >= MOST || end.is_none() {
            return Ok(found);
        }
        after = end;
    }
}

/// Leaves the exams on one side of a place.
fn bound(conditions: &mut Conditions, comparison: &str, place: Option<&Scheduled>) {
    if let Some((date, time, id)) = place {
        let (date, time, id) = (conditions.bind(date), conditions.bind(time), conditions.bind(*id));
        conditions.push(format!("{PLACE} {comparison} ({date}, {time}, {id})"));
    }
}
