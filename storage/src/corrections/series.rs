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
use crate::reconciliation::Alike;
use crate::{Error, Result};

/// Makes the row of a series, which is locked, say what was sent with what stands of its corrections over
/// it, and names what is laid over the headers of its instances. Its study's row obeys already.
pub(crate) async fn obey(tx: &mut Transaction, id: SeriesId) -> Result<()> {
    let row = tx
        .fetch_one(
            "select s.uid, s.attributes, s.sent_attributes, s.sent_study_uid, s.sent_series_uid, s.moved_ms,
                 s.names_others, s.received_ms, t.correction, t.uid as study_uid, t.attributes as study_attributes
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

/// Makes a series say what the contents say alike that are served of it now, with what stands of its corrections over
/// that; answers whether they say anything else than before.
pub(crate) async fn say_anew(tx: &mut Transaction, id: SeriesId, said: &Alike) -> Result<bool> {
    let sql = "select uid, attributes, sent_attributes from series where id = $1";
    let row = tx.fetch_one(sql, params![id]).await?;
    let own: String = row.get("uid")?;
    let was_corrected = row.get::<Option<String>>("sent_attributes")?;
    let sent = match &was_corrected {
        Some(sent) => sent.clone(),
        None => row.get("attributes")?,
    };
    let mut says = standing::parse(&sent)?;
    if !said.lay_over(&mut says) {
        return Ok(false);
    }
    let sent = pacs_core::json::to_string(&says);
    let standing = standing::of(tx, &own, SERIES, Kind::Series).await?;
    describe(tx, id, &own, &sent, &standing).await?;
    if was_corrected.is_some() {
        let sql = "update series set sent_attributes = $2 where id = $1";
        tx.execute(sql, params![id, sent]).await?;
    }
    Ok(true)
}

/// Notes whether any image of a series, which is locked, names another study or series than it is filed in; answers
/// whether that is new. Its overlay names them once the series obeys.
pub(crate) async fn names_others(tx: &mut Transaction, id: SeriesId, does: bool) -> Result<bool> {
    let sql = "update series set names_others = $2 where id = $1 and names_others <> $2";
    Ok(tx.execute(sql, params![id, i64::from(does)]).await? > 0)
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
/// that were sent under another study say all that theirs says now, and where some name other keys, all name those
/// that they are filed under.
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
    let names_others = row.flag("names_others")?;
    if names_others {
        // Receivers would keep such an image elsewhere than it is listed, and count one short.
        attributes.put_uid(tags::STUDY_INSTANCE_UID, &uid(row, "study_uid")?);
        attributes.put_uid(tags::SERIES_INSTANCE_UID, &uid(row, "uid")?);
    }
    for element in of_series.attributes {
        attributes.put(element);
    }
    let filed_ms = if names_others { row.get("received_ms")? } else { 0 };
    let corrected_ms = of_study.map_or(0, |overlay| overlay.modified_ms()).max(of_series.at_ms);
    let modified_ms = corrected_ms.max(row.get("moved_ms")?).max(filed_ms);
    Ok((!attributes.is_empty()).then(|| Overlay::new(attributes, modified_ms)))
}
