//! A series' row brought in line with what was corrected in it and in its study.

use pacs_core::attributes::lift_series;
use pacs_core::correction::{self, Overlay};
use pacs_core::dataset::DataSet;
use pacs_core::tags;
use pacs_core::uid::Uid;

use super::standing::{self, Standing};
use super::{SERIES, overlays};
use crate::database::{Row, Transaction, params};
use crate::index::deletions::Kind;
use crate::index::instances::uid;
use crate::index::{SeriesId, series};
use crate::{Error, Result};

/// Makes the row of a series, which is locked, say what was sent with what stands of its corrections over
/// it, and names what is laid over the headers of its instances. Its study's row obeys already.
pub(crate) async fn obey(tx: &mut Transaction, id: SeriesId) -> Result<()> {
    let row = tx
        .fetch_one(
            "select s.uid, s.attributes, s.sent_attributes, s.sent_study_uid, s.sent_series_uid, s.moved_ms, t.correction,
                 t.uid as study_uid, t.attributes as study_attributes
             from series s join study t on t.id = s.study_id where s.id = $1",
            params![id],
        )
        .await?;
    let own: String = row.get("uid")?;
    let standing = standing::of(tx, &own, SERIES, Kind::Series).await?;
    let was_corrected = row.get::<Option<String>>("sent_attributes")?;
    let corrected = !standing.attributes.is_empty();
    if corrected || was_corrected.is_some() {
        let sent = match was_corrected {
            Some(sent) => sent,
            None => row.get("attributes")?,
        };
        describe(tx, id, &own, &sent, &standing).await?;
        tx.execute(
            "update series set sent_attributes = $2 where id = $1",
            params![id, corrected.then_some(sent)],
        )
        .await?;
    }
    let key = match overlay(&row, standing)? {
        Some(overlay) => Some(overlays::put(tx, &overlay).await?),
        None => None,
    };
    tx.execute("update series set overlay = $2, revision = revision + 1 where id = $1", params![id, key])
        .await
        .map(drop)
}

async fn describe(
    tx: &mut Transaction,
    id: SeriesId,
    uid: &str,
    sent: &str,
    standing: &Standing,
) -> Result<()> {
    let mut stands = standing::parse(sent)?;
    for element in &standing.attributes {
        stands.put(element.clone());
    }
    let key = Uid::parse(uid).map_err(|why| Error::Corrupt(format!("a series' UID: {why}")))?;
    stands.put_uid(tags::SERIES_INSTANCE_UID, &key);
    let lifted = lift_series(&stands)?;
    series::describe(tx, id, &lifted, &stands).await
}

/// What is laid over the headers of the instances: what was corrected in the study, and in the series. Those
/// that were sent under another study say all that theirs says now.
fn overlay(row: &Row, of_series: Standing) -> Result<Option<Overlay>> {
    let of_study = row.get::<Option<String>>("correction")?;
    let of_study = of_study.as_deref().map(overlays::parse).transpose()?;
    let mut attributes = of_study.as_ref().map_or_else(DataSet::new, |overlay| overlay.attributes().clone());
    if row.get::<Option<String>>("sent_study_uid")?.is_some() {
        let study = standing::parse(&row.get::<String>("study_attributes")?)?;
        for tag in correction::of_study() {
            match study.get(tag) {
                Some(element) => attributes.put(element.clone()),
                None => attributes.put_empty(tag),
            }
        }
        attributes.put_uid(tags::STUDY_INSTANCE_UID, &uid(row, "study_uid")?);
    }
    if row.get::<Option<String>>("sent_series_uid")?.is_some() {
        attributes.put_uid(tags::SERIES_INSTANCE_UID, &uid(row, "uid")?);
    }
    for element in of_series.attributes {
        attributes.put(element);
    }
    let modified_ms =
        of_study.map_or(0, |overlay| overlay.modified_ms()).max(of_series.at_ms).max(row.get("moved_ms")?);
    Ok((!attributes.is_empty()).then(|| Overlay::new(attributes, modified_ms)))
}
