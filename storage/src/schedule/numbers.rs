//! Numbers that Sen gives: of orders, of patients without one, of procedures and steps.

use crate::database::{Transaction, params};
use crate::index::facilities::Facility;
use crate::{Error, Result};

/// A counter, kept in a setting. Concurrent transactions wait for each other.
pub(super) struct Counter {
    key: String,
    /// How far it goes ahead next.
    step: i64,
}

impl Counter {
    pub fn of(name: &str) -> Self {
        Self { key: format!("counter:{name}"), step: 0 }
    }

    /// The next number, from 1. Whoever asks again has found that one taken, and often many behind it, as where the
    /// rows of an index that was made anew have numbers that their counter does not know: it goes ahead twice as far
    /// each time.
    pub async fn next(&mut self, tx: &mut Transaction) -> Result<i64> {
        let ahead = self.step.max(1);
        let no_more = || Error::Conflict("there is no free number".into());
        self.step = if self.step == 0 { 1 } else { ahead.checked_mul(2).ok_or_else(no_more)? };
        let row = tx
            .fetch_one(
                "insert into setting (key, value) values ($1, $2) on conflict (key) do update
                 set value = cast(cast(setting.value as bigint) + cast($2 as bigint) as text) returning value",
                params![&self.key, ahead.to_string()],
            )
            .await?;
        let corrupt = || Error::Corrupt(format!("{} is no number", self.key));
        row.get::<String>("value")?.parse().map_err(|_| corrupt())
    }
}

/// The counter of a facility's order numbers of a day, and how they begin: two digits of the year, month and day. A
/// number of the day follows: 11 of 16 characters.
pub(super) fn of_orders(facility: &Facility, now_ms: i64) -> (Counter, String) {
    let (today, _) = facility.wall(now_ms);
    let day = today.get(2..).unwrap_or_default();
    (Counter::of(&format!("accession:{}:{day}", facility.code)), day.to_owned())
}

/// A number for a patient of a facility that nobody has had.
pub(super) async fn for_patient(tx: &mut Transaction, facility: &Facility) -> Result<String> {
    let mut counter = Counter::of(&format!("patient:{}", facility.code));
    loop {
        let identifier = format!("{}{:07}", facility.code, counter.next(tx).await?);
        // A patient keeps a row under a number that was taken away.
        let sql = "select 1 from patient_identifier where issuer_id = $1 and identifier = $2
             union all select 1 from patient where issuer_id = $1 and identifier = $2 limit 1";
        if tx.fetch_optional(sql, params![facility.issuer.id, &identifier]).await?.is_none() {
            return Ok(identifier);
        }
    }
}
