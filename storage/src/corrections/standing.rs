//! What people have said of a subject and not taken back.

use pacs_core::dataset::DataSet;
use pacs_core::json::{self, JsonLimits};
use pacs_core::tags;

use super::ATTRIBUTES;
use crate::database::{Transaction, params};
use crate::index::deletions::Kind;
use crate::{Error, Result};

/// Corrected attributes of one subject, the later over the earlier.
#[derive(Default)]
pub(super) struct Standing {
    pub attributes: DataSet,
    /// When the last of them was corrected.
    pub at_ms: i64,
    /// The act by which it was.
    pub act: i64,
    /// Time and number of the last act that changed whose number it is.
    pub renumbered: Option<(i64, i64)>,
}

/// What stands of the corrections of that kind; empty when nothing does. What was corrected before the
/// subject was deleted does not mean what came under its UID since.
pub(super) async fn of(tx: &mut Transaction, uid: &str, act: &str, kind: Kind) -> Result<Standing> {
    let rows = tx
        .fetch(
            "select a.id, a.after_json, a.at_ms from act a where a.subject_uid = $1 and a.kind = $2
                 and not exists (select 1 from act u where u.undoes_id = a.id)
                 and a.at_ms > coalesce((select d.until_ms from deletion d where d.uid = $1 and d.kind = $3), -1)
             order by a.at_ms, a.id",
            params![uid, act, kind.as_str()],
        )
        .await?;
    let mut standing = Standing::default();
    for row in &rows {
        (standing.at_ms, standing.act) = (row.get("at_ms")?, row.get("id")?);
        for element in attributes_of(row.get::<Option<String>>("after_json")?.as_deref())? {
            if matches!(element.tag, tags::PATIENT_ID | tags::ISSUER_OF_PATIENT_ID) {
                standing.renumbered = Some((standing.at_ms, standing.act));
            }
            standing.attributes.put(element);
        }
    }
    if standing.attributes.contains(tags::ISSUER_OF_PATIENT_ID) {
        // They would go on to name the other issuer.
        standing.attributes.put_empty(tags::ISSUER_OF_PATIENT_ID_QUALIFIERS_SEQUENCE);
    }
    Ok(standing)
}

/// The attributes that an act's JSON holds.
fn attributes_of(document: Option<&str>) -> Result<DataSet> {
    let odd = |error: serde_json::Error| Error::Corrupt(format!("what an act says: {error}"));
    let document: serde_json::Value = serde_json::from_str(document.unwrap_or("{}")).map_err(odd)?;
    let Some(attributes) = document.get(ATTRIBUTES) else { return Ok(DataSet::new()) };
    parse(&attributes.to_string())
}

/// Attributes that a row or an act keeps as DICOM JSON.
pub(crate) fn parse(attributes: &str) -> Result<DataSet> {
    let sets = json::parse(attributes.as_bytes(), &JsonLimits::default());
    let sets = sets.map_err(|error| Error::Corrupt(format!("a row's attributes: {error}")))?;
    Ok(sets.into_iter().next().unwrap_or_default())
}
