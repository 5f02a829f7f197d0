//! The numbers of a patient: every one that leads to them finds their studies, and answers tell the one that they
//! are registered by, with the others beside it.
//!
//! Images keep the number that they were sent with. Whose a study is now says its row of `patient`, which mergers,
//! links and people's acts move (`crate::identity`); so a survivor is found by the numbers of those who were merged
//! into them, and the other way round.

use pacs_core::dataset::DataSet;
use pacs_core::query::{Level, Matching};
use pacs_core::{Tag, tags};

use super::columns::{Column, Kind};
use super::condition::Conditions;
use super::plan::{self, leads_by};
use crate::Result;
use crate::database::Database;

/// Patient ID and issuer of a study `t` as they stand now. Who has no number keeps what the study came with: nothing,
/// or the number of somebody who was merged into them. `index::belongings` notes it in the study's own row.
pub(super) const IDENTIFIER: &str = "coalesce(t.registered_identifier, t.patient_identifier)";
pub(super) const ISSUER: &str = "coalesce(t.registered_issuer, t.patient_issuer)";

/// Other numbers that answers tell of a patient at most.
const MOST: u32 = 100;

const fn number(sql: &'static str, tag: Tag) -> Column {
    Column { tag, level: Level::Patient, sql, kind: Kind::Text }
}
const OF_NUMBER: Column = number("n.identifier", tags::PATIENT_ID);
const OF_ISSUER: Column = number("j.code", tags::ISSUER_OF_PATIENT_ID);

/// What a query says of a patient's number.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Wanted<'a> {
    /// Of Patient ID (0010,0020).
    pub identifier: Option<&'a Matching>,
    /// Of Issuer of Patient ID (0010,0021): of the same number.
    pub issuer: Option<&'a Matching>,
}

impl<'a> Wanted<'a> {
    /// Takes a filter that is about a number; says whether it is. Whose Patient ID has no value, has no number to be
    /// looked for.
    pub fn take(&mut self, tag: Tag, matching: &'a Matching) -> bool {
        let place = match (tag, matching) {
            (_, Matching::Empty) => return false,
            (tags::PATIENT_ID, _) => &mut self.identifier,
            (tags::ISSUER_OF_PATIENT_ID, _) => &mut self.issuer,
            _ => return false,
        };
        *place = Some(matching);
        true
    }

    /// Whether anything is said of a number.
    pub fn is_asked(&self) -> bool {
        self.identifier.is_some() || self.issuer.is_some()
    }

    /// Whether too many numbers begin as it does for leading to a few patients.
    pub async fn is_frequent(&self, database: &Database) -> Result<bool> {
        match self.identifier.filter(|matching| leads_by(matching)) {
            Some(matching) => {
                plan::is_frequent(database, ("patient_identifier", "identifier"), matching).await
            }
            None => Ok(false),
        }
    }

    /// Whether this leads to a few patients by the index of numbers.
    pub fn leads(&self, is_frequent: bool) -> bool {
        self.identifier.is_some_and(leads_by) && !is_frequent
    }

    /// Adds the condition that the patient whose row is `patient` has such a number.
    pub fn push(&self, conditions: &mut Conditions, patient: &str, is_frequent: bool) {
        if !self.is_asked() {
            return;
        }
        // A number that was made up for somebody without one is nobody's to ask for.
        let mut all = vec!["substr(n.identifier, 1, 1) <> '?'".to_owned()];
        all.extend(self.identifier.map(|matching| conditions.one(&OF_NUMBER, matching)));
        all.extend(self.issuer.map(|matching| conditions.one(&OF_ISSUER, matching)));
        let issuer = if self.issuer.is_some() { " join issuer j on j.id = n.issuer_id" } else { "" };
        let all = all.join(" and ");
        conditions.push(match self.leads(is_frequent) {
            true => {
                format!("{patient} in (select n.patient_id from patient_identifier n{issuer} where {all})")
            }
            false => format!(
                "exists (select 1 from patient_identifier n{issuer} where n.patient_id = {patient} and {all})"
            ),
        });
    }
}

/// The numbers of the patient whose row is `patient` besides the one they are registered by, as one text: number and
/// code of the issuer in turn, with backslashes between, which no number has.
pub(crate) fn others(patient: &str) -> String {
    format!(
        "(select string_agg(few.identifier || '\\' || few.code, '\\') from (
             select n.identifier, j.code from patient_identifier n join issuer j on j.id = n.issuer_id
             join patient p on p.id = n.patient_id
             where n.patient_id = {patient} and (n.identifier <> p.identifier or n.issuer_id <> p.issuer_id)
                 and substr(n.identifier, 1, 1) <> '?'
             order by j.code, n.identifier limit {MOST}) as few)"
    )
}

/// Puts other numbers into an answer, as [`others`] reads them. What the images themselves said of further ones stays.
pub(crate) fn put_others(answer: &mut DataSet, others: &str) {
    let values: Vec<&str> = others.split('\\').collect();
    let numbers: Vec<(&str, &str)> =
        values.chunks_exact(2).filter_map(|pair| Some((*pair.first()?, *pair.last()?))).collect();
    if numbers.is_empty() {
        return;
    }
    let registered = answer.text(tags::PATIENT_ID);
    let is_known =
        |id: &str| registered.as_deref() == Some(id) || numbers.iter().any(|(number, _)| *number == id);
    let sent = answer.items(tags::OTHER_PATIENT_I_DS_SEQUENCE).iter();
    let sent = sent.filter(|item| !item.text(tags::PATIENT_ID).is_some_and(|id| is_known(&id)));
    let mut items: Vec<DataSet> = sent.cloned().collect();
    items.extend(numbers.iter().map(|(identifier, issuer)| {
        let mut item = DataSet::like(answer);
        item.put_text(tags::PATIENT_ID, identifier);
        item.put_text(tags::ISSUER_OF_PATIENT_ID, issuer);
        item.put_text(tags::TYPE_OF_PATIENT_ID, "TEXT");
        item
    }));
    answer.put_items(tags::OTHER_PATIENT_I_DS_SEQUENCE, items);
}
