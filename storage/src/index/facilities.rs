//! The hospitals: who made an image, whose identifiers it carries, in which zone its clocks run.

use jiff::tz::TimeZone;
use pacs_core::clock;

use super::issuers::{self, Issuer, IssuerKind};
use crate::database::{Database, Durability, Row, Transaction, params};
use crate::{Archive, Error, Result};

/// A facility.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facility {
    /// Its code, the key by which studies, devices and accounts name it.
    pub code: String,
    /// Its name for people.
    pub name: String,
    /// Who gives its patient identifiers and accession numbers.
    pub issuer: Issuer,
    /// The zone of its wall clocks, as an IANA name.
    pub time_zone: String,
}

/// What the configuration file says of a facility.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its code, of 1 to 16 characters.
    pub code: String,
    /// Its name for people.
    pub name: String,
    /// The zone of its wall clocks: an IANA name that [`known_zone`] has.
    pub time_zone: String,
}

/// The zone of a facility that was never given one.
pub const DEFAULT_ZONE: &str = "Asia/Ho_Chi_Minh";
const DEFAULT_OFFSET_HOURS: i8 = 7;

/// The zone of that IANA name; Vietnam's when the machine does not know the name.
pub fn zone(name: &str) -> TimeZone {
    TimeZone::get(name).unwrap_or_else(|_| TimeZone::fixed(jiff::tz::offset(DEFAULT_OFFSET_HOURS)))
}

/// The name of a zone as the zone database of this machine writes it; `None` for one that it does
/// not have.
pub fn known_zone(name: &str) -> Option<String> {
    let zone = TimeZone::get(name).ok().filter(|zone| !zone.is_unknown())?;
    zone.iana_name().map(str::to_owned)
}

impl Facility {
    /// The zone of its wall clocks.
    pub fn zone(&self) -> TimeZone {
        zone(&self.time_zone)
    }

    /// `yyyymmdd` and `hhmmss` on its wall at a system time.
    pub fn wall(&self, at_ms: i64) -> (String, String) {
        match clock::local_date_time(at_ms, &self.zone()) {
            Some(at) => (
                format!("{:04}{:02}{:02}", at.year(), at.month(), at.day()),
                format!("{:02}{:02}{:02}", at.hour(), at.minute(), at.second()),
            ),
            None => ("19700101".into(), "000000".into()),
        }
    }
}

const SELECT: &str = "select f.code, f.name, f.time_zone, i.id as issuer_id, i.code as issuer_code
     from facility f join issuer i on i.id = f.issuer_id";

/// The facility with that code, made (with an issuer of the same code) when it is not there.
pub async fn ensure(tx: &mut Transaction, code: &str) -> Result<Facility> {
    if let Some(facility) = by_code(tx, code).await? {
        return Ok(facility);
    }
    let issuer = issuers::ensure(tx, code, IssuerKind::Facility).await?;
    tx.execute(
        "insert into facility (code, name, issuer_id, time_zone) values ($1, $1, $2, $3)
         on conflict (code) do nothing",
        params![code, issuer.id, DEFAULT_ZONE],
    )
    .await?;
    by_code(tx, code).await?.ok_or(Error::NotFound)
}

/// Names a facility that nobody has named yet, making it when it is not there.
pub async fn name(database: &Database, code: &str, name: &str) -> Result<()> {
    let mut tx = database.begin(Durability::Synced).await?;
    ensure(&mut tx, code).await?;
    tx.execute("update facility set name = $2 where code = $1 and name = code", params![code, name]).await?;
    tx.commit().await
}

impl Archive {
    /// Makes facilities what the entries of the configuration file say; others stay as they are.
    /// What is told of times from here on goes by these zones.
    pub async fn put_facilities(&self, entries: &[Entry]) -> Result<()> {
        let mut tx = self.database().begin(Durability::Synced).await?;
        for Entry { code, name, time_zone } in entries {
            ensure(&mut tx, code).await?;
            tx.execute(
                "update facility set name = $2, time_zone = $3 where code = $1",
                params![code, name, time_zone],
            )
            .await?;
        }
        tx.commit().await?;
        // Arriving images would go on by what is remembered.
        self.0.arrivals.forget();
        Ok(())
    }
}

/// The zone of a facility's wall clocks, as an IANA name; the usual one while it has no row.
pub async fn time_zone(database: &Database, code: &str) -> Result<String> {
    let row =
        database.fetch_optional("select time_zone from facility where code = $1", params![code]).await?;
    row.map_or_else(|| Ok(DEFAULT_ZONE.to_owned()), |row| row.get("time_zone"))
}

/// Every facility, by code.
pub async fn all(database: &Database) -> Result<Vec<Facility>> {
    let rows = database.fetch(sqlx::AssertSqlSafe(format!("{SELECT} order by f.code")), params![]).await?;
    rows.iter().map(read).collect()
}

async fn by_code(tx: &mut Transaction, code: &str) -> Result<Option<Facility>> {
    let row =
        tx.fetch_optional(sqlx::AssertSqlSafe(format!("{SELECT} where f.code = $1")), params![code]).await?;
    row.as_ref().map(read).transpose()
}

fn read(row: &Row) -> Result<Facility> {
    Ok(Facility {
        code: row.get("code")?,
        name: row.get("name")?,
        issuer: Issuer { id: super::IssuerId(row.get("issuer_id")?), code: row.get("issuer_code")? },
        time_zone: row.get("time_zone")?,
    })
}
