//! Finding a person at the desk: by any number, or by words of the name.

use pacs_core::identity::{INSURANCE_ISSUER, NATIONAL_ISSUER};
use pacs_core::text;

use crate::Result;
use crate::database::{Database, Param, params};
use crate::dialect;
use crate::exams::Person;

/// A registered person with the numbers that a form shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registered {
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
    let typed = typed.split('|').next().unwrap_or_default().trim();
    if typed.is_empty() {
        return Ok(Vec::new());
    }
    let mut params: Vec<Param> = params![];
    let mut bind = |value: &str| {
        params.push(value.into());
        format!("${}", params.len())
    };
    let mut conditions = Vec::new();
    if typed.chars().any(|c| c.is_ascii_digit()) {
        let from = bind(typed);
        let range = dialect::after_prefix(typed).map(|after| format!(" and identifier < {}", bind(&after)));
        conditions.push(format!(
            "p.id in (select patient_id from patient_identifier where identifier >= {from}{})",
            range.unwrap_or_default()
        ));
    } else {
        let folded = text::fold(typed);
        let mut words: Vec<&str> = folded.split(' ').filter(|word| !word.is_empty()).take(MOST_WORDS).collect();
        let Some(last) = words.pop() else { return Ok(Vec::new()) };
        for word in words {
            let bound = bind(word);
            conditions
                .push(format!("exists (select 1 from patient_word w where w.word = {bound} and w.patient_id = p.id)"));
        }
        let from = bind(last);
        let range = dialect::after_prefix(last).map(|after| format!(" and w.word < {}", bind(&after)));
        conditions.push(format!(
            "exists (select 1 from patient_word w where w.patient_id = p.id and w.word >= {from}{})",
            range.unwrap_or_default()
        ));
    }
    let number = |issuer: &str, bind: &mut dyn FnMut(&str) -> String| {
        let bound = bind(issuer);
        format!(
            "(select n.identifier from patient_identifier n join issuer j on j.id = n.issuer_id
              where n.patient_id = p.id and j.code = {bound} order by n.identifier limit 1)"
        )
    };
    let (national, insurance) = (number(NATIONAL_ISSUER, &mut bind), number(INSURANCE_ISSUER, &mut bind));
    let sql = format!(
        "select p.identifier, i.code as issuer, p.name, p.birth_date, p.sex, {national} as national_id,
             {insurance} as insurance_id
         from patient p join issuer i on i.id = p.issuer_id
         where {} and p.merged_into_id is null order by p.id desc limit 50",
        conditions.join(" and ")
    );
    let rows = database.fetch(sqlx::AssertSqlSafe(sql), params).await?;
    rows.iter()
        .map(|row| {
            Ok(Registered {
                person: Person {
                    id: row.get("identifier")?,
                    issuer: row.get("issuer")?,
                    name: row.get("name")?,
                    birth_date: row.get("birth_date")?,
                    sex: row.get("sex")?,
                },
                national_id: row.get("national_id")?,
                insurance_id: row.get("insurance_id")?,
            })
        })
        .collect()
}
