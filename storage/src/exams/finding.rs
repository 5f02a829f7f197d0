//! Any exam, whatever it is like: found by its order's number, or by its patient.

use pacs_core::access::Scope;

use super::{Exam, SELECT, search};
use crate::Result;
use crate::database::Database;
use crate::dialect;
use crate::index::instances::push_scope;
use crate::query::condition::Conditions;
use crate::query::names::{self, Table, Words};

/// Exams of the scope by what was typed or scanned: the beginning of an accession number or of a patient's number,
/// words of the patient's name, or both. The latest in the schedule first, at most 20; called-off ones take no images
/// and are left out.
pub async fn find(database: &Database, scope: &Scope, typed: &str) -> Result<Vec<Exam>> {
    let (words, numbers) = search::understand(typed);
    if words == Words::default() && numbers.iter().all(String::is_empty) {
        return Ok(Vec::new());
    }
    let mut conditions = Conditions::new(database.engine());
    if words != Words::default() {
        let lead = names::lead(database, Table::Patients, &words).await?;
        let (from, key) = names::narrow_patients(&mut conditions, &lead, &words);
        let patients = format!("select {key} from {from}{}", conditions.clause());
        conditions.text = vec![format!("o.patient_id in ({patients})")];
    }
    for number in &numbers {
        let bound = conditions.bind(number.as_str());
        let after = dialect::after_prefix(number).map(|after| conditions.bind(after));
        let begins = |column: &str| {
            let before = after.as_ref().map(|after| format!(" and {column} < {after}")).unwrap_or_default();
            format!("{column} >= {bound}{before}")
        };
        conditions.push(format!(
            "o.id in (select id from order_ where {} union select b.id from patient_identifier n
                 join order_ b on b.patient_id = n.patient_id where {})",
            begins("accession_number"),
            begins("n.identifier")
        ));
    }
    conditions.push("s.state <> 'cancelled'".into());
    let mut sql = format!("{SELECT}{}", conditions.clause());
    push_scope(&mut sql, &mut conditions.params, scope, "s.facility");
    sql.push_str(" order by s.scheduled_date desc, s.scheduled_time desc, s.id desc limit 20");
    database.fetch(sqlx::AssertSqlSafe(sql), conditions.params).await?.iter().map(super::read).collect()
}
