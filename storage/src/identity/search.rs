//! Finding a person at the desk: by any number, or by words of the name.

use pacs_core::identity::{INSURANCE_ISSUER, NATIONAL_ISSUER};
use pacs_core::text;

use crate::Result;
use crate::database::Database;
use crate::dialect;
use crate::exams::Person;
use crate::identity::record::person;
use crate::index::PatientId;
use crate::query::condition::Conditions;
use crate::query::names::{self, Table, Words};

/// A registered person with the numbers that a form shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registered {
    /// The row.
    pub id: PatientId,
    /// Identifier, issuer and demographics.
    pub person: Person,
    /// National personal identification number.
    pub national_id: Option<String>,
    /// Number of the health insurance card.
    pub insurance_id: Option<String>,
}

/// Persons by what was typed or scanned: a number of theirs or its beginning, or words of the name,
/// the last of which may be half typed. The newest first, at most 50.
pub async fn search(database: &Database, typed: &str) -> Result<Vec<Registered>> {
    const MOST_WORDS: usize = 8;
    let typed = typed.split('|').next().unwrap_or_default();
    if typed.trim().is_empty() {
        return Ok(Vec::new());
    }
    let mut conditions = Conditions::new(database.engine());
    let (from, key) = if typed.chars().any(|c| c.is_ascii_digit()) {
        let number = typed.trim();
        let mut range = format!("identifier >= {}", conditions.bind(number));
        if let Some(after) = dialect::after_prefix(number) {
            range.push_str(&format!(" and identifier < {}", conditions.bind(after)));
        }
        conditions.push(format!("p.id in (select patient_id from patient_identifier where {range})"));
        ("patient p", "p.id")
    } else {
        let folded = text::fold(typed);
        let mut words = Words {
            whole: folded
                .split(' ')
                .filter(|word| !word.is_empty())
                .take(MOST_WORDS)
                .map(str::to_owned)
                .collect(),
            ..Words::default()
        };
        if !typed.ends_with(char::is_whitespace) {
            words.beginnings.extend(words.whole.pop());
        }
        if words == Words::default() {
            return Ok(Vec::new());
        }
        let lead = names::lead(database, Table::Patients, &words).await?;
        names::narrow_patients(&mut conditions, &lead, &words)
    };
    conditions.push("p.merged_into_id is null".into());
    let clause = conditions.clause();
    let mut number = |issuer: &str| {
        let bound = conditions.bind(issuer);
        format!(
            "(select n.identifier from patient_identifier n join issuer j on j.id = n.issuer_id
              where n.patient_id = p.id and j.code = {bound} order by n.identifier limit 1)"
        )
    };
    let (national, insurance) = (number(NATIONAL_ISSUER), number(INSURANCE_ISSUER));
    let sql = format!(
        "select p.id, p.identifier, i.code as issuer, p.name, p.birth_date, p.sex, {national} as national_id,
             {insurance} as insurance_id
         from {from} join issuer i on i.id = p.issuer_id{clause} order by {key} desc limit 50"
    );
    let rows = database.fetch(sqlx::AssertSqlSafe(sql), conditions.params).await?;
    rows.iter()
        .map(|row| {
            Ok(Registered {
                id: PatientId(row.get("id")?),
                person: person(row)?,
                national_id: row.get("national_id")?,
                insurance_id: row.get("insurance_id")?,
            })
        })
        .collect()
}
