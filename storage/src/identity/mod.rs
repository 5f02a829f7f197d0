//! Who is who: persons found by number or name, merged when two records turn out to be one person's,
//! and parted again.
//!
//! Nothing here changes what images say of their patient. A merge moves studies, orders and numbers to
//! the surviving patient's lists and imaging record; undoing it gives back what belongs to the other by
//! its own identifier, whenever it came.

pub mod assigning;
pub mod identifiers;
pub mod merging;
mod named;
pub mod past;
pub mod record;
mod search;

use pacs_core::access::Scope;

use crate::database::{Database, Param, Transaction, params, placeholders};
use crate::events::{self, EventKind, NewEvent};
use crate::index::PatientId;
use crate::{Error, Result};

pub(crate) use named::Named;
pub use search::{Registered, search};

/// [`Error::NotFound`] unless a patient belongs to the scope: by an identifier of one of its facilities,
/// or by a study or an order there. Persons are looked up throughout the province, but only those of
/// one's own hospitals are changed.
async fn check_scope(tx: &mut Transaction, scope: &Scope, patient: PatientId) -> Result<()> {
    let Scope::Facilities(codes) = scope else { return Ok(()) };
    let Some((sql, values)) = belonging(codes, patient) else { return Err(Error::NotFound) };
    match tx.fetch_optional(sqlx::AssertSqlSafe(sql), values).await? {
        Some(_) => Ok(()),
        None => Err(Error::NotFound),
    }
}

/// Whether a patient belongs to the scope, read beside whoever writes.
async fn is_in_scope(database: &Database, scope: &Scope, patient: PatientId) -> Result<bool> {
    let Scope::Facilities(codes) = scope else { return Ok(true) };
    let Some((sql, values)) = belonging(codes, patient) else { return Ok(false) };
    Ok(database.fetch_optional(sqlx::AssertSqlSafe(sql), values).await?.is_some())
}

/// What finds a row when a patient belongs to one of these facilities.
fn belonging(codes: &[String], patient: PatientId) -> Option<(String, Vec<Param>)> {
    if codes.is_empty() {
        return None;
    }
    let list = placeholders(2, codes.len());
    let sql = format!(
        "select 1 from facility f join patient_identifier n on n.issuer_id = f.issuer_id
             where n.patient_id = $1 and f.code in ({list})
         union all select 1 from study where patient_id = $1 and facility in ({list})
         union all select 1 from order_ where patient_id = $1 and facility in ({list}) limit 1"
    );
    let mut values = params![patient];
    values.extend(codes.iter().map(Param::from));
    Some((sql, values))
}

/// Tells the facilities with studies of a patient that something about the patient changed. Last in a
/// transaction, as all events.
pub(crate) async fn tell(tx: &mut Transaction, patient: PatientId, now_ms: i64) -> Result<()> {
    let sql = "select distinct facility from study where patient_id = $1 limit 100";
    let rows = tx.fetch(sql, params![patient]).await?;
    let facilities = rows.iter().map(|row| row.get::<String>("facility")).collect::<Result<Vec<_>>>()?;
    let changed: Vec<NewEvent<'_>> = facilities
        .iter()
        .map(|code| NewEvent { facility: Some(code), ..NewEvent::new(EventKind::PatientChanged) })
        .collect();
    events::append(tx, now_ms, &changed).await
}
