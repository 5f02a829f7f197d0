//! What people did to a patient's record, and to those that were merged into it.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use pacs_core::access::Scope;

use super::Named;
use super::identifiers::{IDENTIFY, NUMBER, PATIENT, UNIDENTIFY};
use super::merging::{FROM, MERGE, UNMERGE};
use crate::Result;
use crate::acts::{self, Act};
use crate::database::{Database, Row, params};
use crate::exams::Person;
use crate::index::PatientId;

/// The kinds of the acts on records. The pages have a phrase for each.
pub const ON_PATIENTS: [&str; 4] = [MERGE, UNMERGE, IDENTIFY, UNIDENTIFY];

/// An act on a record.
#[derive(Debug, Clone)]
pub struct PatientAct {
    /// The act, of one of these kinds.
    pub act: Act,
    /// Whether it was taken back.
    pub is_undone: bool,
    /// Who was merged into the record, or parted from it; of a number, whose it is. `None` too where that is a patient
    /// out of scope, who is not part of the record now.
    pub whom: Option<Person>,
    /// The number, with the code of who gave it.
    pub number: Option<(String, String)>,
}

/// The acts on a record, newest first, also those by which somebody was merged into it that were taken back since.
pub async fn of(database: &Database, scope: &Scope, patient: PatientId) -> Result<Vec<PatientAct>> {
    const MOST: u32 = 200;
    let rows = database
        .fetch(
            "with recursive of_it (id) as (select p.id from patient p where p.id = $1 union
                 select p.id from patient p join of_it on p.merged_into_id = of_it.id)
             select p.identifier, i.code from of_it join patient p on p.id = of_it.id
             join issuer i on i.id = p.issuer_id order by p.id limit 100",
            params![patient],
        )
        .await?;
    let key = |row: &Row| -> Result<String> {
        Ok(format!("{}^^^{}", row.get::<String>("identifier")?, row.get::<String>("code")?))
    };
    let keys = rows.iter().map(key).collect::<Result<Vec<_>>>()?;
    let acts = acts::of_any(database, &keys, &ON_PATIENTS, MOST).await?;
    let mut may_be_named: HashMap<String, bool> = keys.into_iter().map(|key| (key, true)).collect();
    let mut past = Vec::with_capacity(acts.len());
    for (act, is_undone) in acts {
        let key = if matches!(act.kind.as_str(), MERGE | UNMERGE) { FROM } else { PATIENT };
        let mut whom = Named::in_act(&act, key).ok();
        if let Some(named) = &whom {
            let is_known = match may_be_named.entry(named.key()) {
                Entry::Occupied(known) => *known.get(),
                Entry::Vacant(unknown) => *unknown.insert(is_in_scope(database, scope, named).await?),
            };
            whom = whom.filter(|_| is_known);
        }
        past.push(read(act, is_undone, whom));
    }
    Ok(past)
}

/// Whether the patient of an act belongs to the scope.
async fn is_in_scope(database: &Database, scope: &Scope, named: &Named) -> Result<bool> {
    if matches!(scope, Scope::All) {
        return Ok(true);
    }
    let sql = "select p.id from patient p join issuer i on i.id = p.issuer_id where p.identifier = $1 and i.code = $2";
    match database.fetch_optional(sql, params![&named.identifier, &named.issuer]).await? {
        Some(row) => super::is_in_scope(database, scope, PatientId(row.get("id")?)).await,
        None => Ok(false),
    }
}

fn read(act: Act, is_undone: bool, whom: Option<Named>) -> PatientAct {
    let whom = whom.map(|named| Person {
        // One of whom no identifier is known is kept under one that nobody gave.
        id: if named.identifier.starts_with('?') { String::new() } else { named.identifier },
        issuer: named.issuer,
        name: named.name,
        birth_date: named.birth_date,
        sex: named.sex,
    });
    let number = act.after.as_ref().and_then(|after| {
        let of = |key: &str| after.get(NUMBER)?.get(key)?.as_str().map(str::to_owned);
        Some((of("identifier")?, of("issuer")?))
    });
    PatientAct { act, is_undone, whom, number }
}
