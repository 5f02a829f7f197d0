//! Orders, the day's list, and the modality worklist made of them.

mod numbers;
pub mod orders;
pub mod worklist;

use pacs_core::access::Scope;

use crate::Result;
use crate::database::{Database, params};
use crate::exams::{self, Exam};
use crate::index::instances::push_scope;

pub use orders::{NewOrder, OrderPatient, create_order};
pub use worklist::{Asker, worklist};

/// Which of a day's exams are wanted.
#[derive(Debug, Clone, Default)]
pub struct Day {
    /// `yyyymmdd` on the facilities' walls.
    pub date: String,
    /// Only those of this modality.
    pub modality: Option<String>,
    /// Only those of the room with this code.
    pub room: Option<String>,
}

/// The exams of a day within the scope: emergencies first, then by time.
pub async fn day(database: &Database, scope: &Scope, day: &Day) -> Result<Vec<Exam>> {
    let mut params = params![&day.date];
    let mut sql = format!("{} where s.scheduled_date = $1", exams::SELECT);
    for (column, wanted) in [("s.modality", &day.modality), ("s.room", &day.room)] {
        if let Some(wanted) = wanted.as_deref().filter(|wanted| !wanted.is_empty()) {
            params.push(wanted.into());
            sql.push_str(&format!(" and {column} = ${}", params.len()));
        }
    }
    push_scope(&mut sql, &mut params, scope, "s.facility");
    sql.push_str(" order by o.emergency desc, s.scheduled_time, s.id limit 5000");
    database.fetch(sqlx::AssertSqlSafe(sql), params).await?.iter().map(exams::read).collect()
}
