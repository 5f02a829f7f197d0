//! Authorities that give out identifiers: a number means something only beside its issuer.

use pacs_core::identity::{INSURANCE_ISSUER, NATIONAL_ISSUER};

use super::IssuerId;
use crate::database::{Transaction, params};
use crate::{Error, Result};

/// An authority of identifiers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issuer {
    /// Its row.
    pub id: IssuerId,
    /// Its code within the house, also its Issuer of Patient ID (0010,0021).
    pub code: String,
}

/// What kind of authority an issuer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IssuerKind {
    /// A hospital.
    Facility,
    /// The state's registry of persons.
    National,
    /// The health insurance.
    Insurance,
}

impl IssuerKind {
    const ALL: [Self; 3] = [Self::Facility, Self::National, Self::Insurance];

    /// The kind of an issuer that is known by its code alone.
    fn of_code(code: &str) -> Option<Self> {
        match code {
            NATIONAL_ISSUER => Some(Self::National),
            INSURANCE_ISSUER => Some(Self::Insurance),
            _ => None,
        }
    }

    /// The kind of that word.
    pub(crate) fn parse(word: &str) -> Result<Self> {
        let known = Self::ALL.into_iter().find(|kind| kind.as_str() == word);
        known.ok_or_else(|| Error::Corrupt(format!("an issuer is of the unknown kind {word}")))
    }

    /// The kind's word in rows and acts.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Facility => "facility",
            Self::National => "national",
            Self::Insurance => "insurance",
        }
    }
}

/// The issuer with that code, made when it is not there. Safe to race.
pub async fn ensure(tx: &mut Transaction, code: &str, kind: IssuerKind) -> Result<Issuer> {
    if let Some(issuer) = by_code(tx, code).await? {
        return Ok(issuer);
    }
    tx.execute(
        "insert into issuer (code, kind) values ($1, $2) on conflict (code) do nothing",
        params![code, kind.as_str()],
    )
    .await?;
    by_code(tx, code).await?.ok_or(Error::NotFound)
}

/// The issuer that a sender names: by its Universal Entity ID, else by what stands in (0010,0021).
pub async fn of_sender(
    tx: &mut Transaction,
    name: Option<&str>,
    universal_id: Option<&str>,
) -> Result<Option<Issuer>> {
    for sent in [universal_id, name].into_iter().flatten() {
        if let Some(issuer) = named(tx, sent).await? {
            return Ok(Some(issuer));
        }
    }
    Ok(None)
}

/// The issuer that a sender names in (0010,0021) or an HL7 assigning authority: by code, assigning
/// authority or OID. Unknown names are nobody's; the registry of persons and the health insurance are
/// known everywhere.
pub async fn named(tx: &mut Transaction, sent: &str) -> Result<Option<Issuer>> {
    if let Some(issuer) = by_code(tx, sent).await? {
        return Ok(Some(issuer));
    }
    if let Some(kind) = IssuerKind::of_code(sent) {
        return ensure(tx, sent, kind).await.map(Some);
    }
    let row = tx
        .fetch_optional(
            "select id, code from issuer where assigning_authority = $1
             union all select id, code from issuer where oid = $1 limit 1",
            params![sent],
        )
        .await?;
    row.map(|row| Ok(Issuer { id: IssuerId(row.get("id")?), code: row.get("code")? })).transpose()
}

async fn by_code(tx: &mut Transaction, code: &str) -> Result<Option<Issuer>> {
    let row = tx.fetch_optional("select id from issuer where code = $1", params![code]).await?;
    row.map(|row| Ok(Issuer { id: IssuerId(row.get("id")?), code: code.to_owned() })).transpose()
}
