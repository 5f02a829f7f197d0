//! A patient as an act names one: by what outlives its row.

use pacs_core::attributes::PatientAttributes;
use serde::{Deserialize, Serialize};

use crate::database::{Transaction, params};
use crate::index::issuers::{self, IssuerKind};
use crate::index::{PatientId, patients};
use crate::{Error, Result};

/// Identifier, issuer and what was known of the person, so that a row can be made anew.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Named {
    pub identifier: String,
    pub issuer: String,
    pub issuer_kind: String,
    pub name: String,
    pub birth_date: Option<String>,
    pub sex: Option<String>,
}

impl Named {
    /// The patient of a row. [`Error::NotFound`] when there is none.
    pub async fn of(tx: &mut Transaction, patient: PatientId) -> Result<Self> {
        let row = tx
            .fetch_one(
                "select p.identifier, i.code, i.kind, p.name, p.birth_date, p.sex from patient p
                 join issuer i on i.id = p.issuer_id where p.id = $1",
                params![patient],
            )
            .await?;
        Ok(Self {
            identifier: row.get("identifier")?,
            issuer: row.get("code")?,
            issuer_kind: row.get("kind")?,
            name: row.get("name")?,
            birth_date: row.get("birth_date")?,
            sex: row.get("sex")?,
        })
    }

    /// The key of the patient in acts, as HL7 writes an identifier with its assigning authority (CX).
    pub fn key(&self) -> String {
        format!("{}^^^{}", self.identifier, self.issuer)
    }

    /// The row of the patient itself, whomever it is merged into; made when there is none.
    pub async fn ensure(&self, tx: &mut Transaction, now_ms: i64) -> Result<PatientId> {
        let issuer = issuers::ensure(tx, &self.issuer, IssuerKind::parse(&self.issuer_kind)?).await?;
        let known = PatientAttributes {
            id: self.identifier.clone(),
            name: self.name.clone(),
            birth_date: self.birth_date.clone(),
            sex: self.sex.clone(),
            ..PatientAttributes::default()
        };
        let found = patients::ensure(tx, &self.identifier, &issuer, &known, now_ms).await?;
        let sql = "select id from patient where identifier = $1 and issuer_id = $2";
        let row = tx.fetch_optional(sql, params![&self.identifier, issuer.id]).await?;
        row.map_or(Ok(found.id), |row| Ok(PatientId(row.get("id")?)))
    }

    /// The one that an act holds under that key.
    pub fn in_act(act: &crate::acts::Act, key: &str) -> Result<Self> {
        let named = act.after.as_ref().and_then(|after| after.get(key)).cloned();
        named
            .and_then(|named| serde_json::from_value(named).ok())
            .ok_or_else(|| Error::Corrupt(format!("act {} does not say whom it is about", act.id)))
    }
}
