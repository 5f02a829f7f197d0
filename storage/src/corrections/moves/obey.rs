//! Rows brought in line with the moves that stand.

use pacs_core::attributes::lift_series;
use pacs_core::tags;
use pacs_core::uid::Uid;

use super::home::{self, Standing};
use super::{MERGE, Said};
use crate::corrections::{series, standing, study};
use crate::database::{Transaction, params};
use crate::exams::{linking, matching};
use crate::index::deletions::Kind;
use crate::index::redirects::{self, Moved};
use crate::index::{InstanceId, SeriesId, StudyId, discrepancies, series as series_rows};
use crate::{Error, Result, acts};

/// A series that was just made for images of a study that people have merged into another.
pub(crate) async fn redirected(
    tx: &mut Transaction,
    id: SeriesId,
    sent_study: &str,
    at_ms: i64,
) -> Result<()> {
    let sql = "update series set sent_study_uid = $2, moved_ms = $3 where id = $1";
    tx.execute(sql, params![id, sent_study, at_ms]).await?;
    series::obey(tx, id).await
}

/// Files a series in the study that it belongs to. Without a row of either it stays as it is.
pub(super) async fn file_series(tx: &mut Transaction, uid: &str, now_ms: i64) -> Result<()> {
    let row = tx
        .fetch_optional(
            "select s.id, s.study_id, s.sent_study_uid, s.received_ms, t.uid as study_uid from series s
             join study t on t.id = s.study_id where s.uid = $1",
            params![uid],
        )
        .await?;
    let Some(row) = row else { return Ok(()) };
    let id = SeriesId(row.get("id")?);
    let filed: String = row.get("study_uid")?;
    let sent = row.get::<Option<String>>("sent_study_uid")?.unwrap_or_else(|| filed.clone());
    let standing = home::of(tx, uid, Kind::Series, None).await?;
    let (home, moved_ms) = match &standing {
        Some(standing) => {
            let home = target(tx, &standing.said, &standing.from_study, standing.at_ms).await?;
            (Some(home), standing.at_ms)
        }
        None => {
            let (_, study) = redirects::follow(tx, uid, &sent).await?;
            // What came for a merged study went on as it came.
            let moved_ms = if study == sent { 0 } else { row.get("received_ms")? };
            (find_study(tx, &study).await?, moved_ms)
        }
    };
    let Some(home) = home else { return Ok(()) };
    let sql = "update series set study_id = $2, moved_ms = $4,
             sent_study_uid = case when (select uid from study where id = $2) = $3 then null else $3 end
         where id = $1";
    tx.execute(sql, params![id, home, sent, moved_ms]).await?;
    if home.0 != row.get::<i64>("study_id")? {
        let sql = "update study set updated_ms = $2 where id = $1 and updated_ms < $2";
        tx.execute(sql, params![home, now_ms]).await?;
    }
    discrepancies::contents_left(tx, uid, &filed, home).await?;
    series::obey(tx, id).await
}

/// The study that a move means, made when it is a new one.
pub(super) async fn target(tx: &mut Transaction, said: &Said, from: &str, at_ms: i64) -> Result<StudyId> {
    if let Some(found) = find_study(tx, &said.to).await? {
        return Ok(found);
    }
    let Some(attributes) = &said.study_attributes else {
        return Err(Error::Conflict("the study that images were moved to is gone".into()));
    };
    let facility = match &said.facility {
        Some(facility) => facility.clone(),
        None => {
            tx.fetch_one("select facility from study where uid = $1", params![from]).await?.get("facility")?
        }
    };
    let made = study::make(tx, &said.to, &attributes.to_string(), &facility, at_ms).await?;
    if let Some(found) = linking::last_said(tx, &said.to).await? {
        // Made anew: what people have said of its exam stands.
        matching::fulfil(tx, (made, &said.to), found, at_ms).await?;
    }
    Ok(made)
}

/// Files instances in the series that they belong to.
pub(super) async fn file_instances(tx: &mut Transaction, said: &Said, now_ms: i64) -> Result<()> {
    for uid in &said.instances {
        // The study that the images name is the one that the series which they name was sent under.
        let sql = "select i.id, i.sent_series_uid, s.uid as series_uid,
                 coalesce(o.sent_study_uid, u.uid, s.sent_study_uid, t.uid) as sent_study_uid
             from instance i join series s on s.id = i.series_id join study t on t.id = s.study_id
             left join series o on o.uid = i.sent_series_uid left join study u on u.id = o.study_id
             where i.uid = $1";
        let Some(row) = tx.fetch_optional(sql, params![uid]).await? else { continue };
        let id = InstanceId(row.get("id")?);
        let filed: String = row.get("series_uid")?;
        let sent = row.get::<Option<String>>("sent_series_uid")?.unwrap_or_else(|| filed.clone());
        let sent_study: String = row.get("sent_study_uid")?;
        let home = match home::of(tx, uid, Kind::Instance, None).await? {
            Some(standing) => made_series(tx, &standing, (uid, &sent, &sent_study)).await?,
            None => match series_rows::find(tx, &sent).await? {
                Some(found) => Some(found.id),
                None => series_again(tx, said, (uid, &sent, &sent_study), now_ms).await?,
            },
        };
        let home = home.ok_or_else(|| Error::Conflict("the series that images came from is gone".into()))?;
        tx.execute(
            "update instance set series_id = $2,
                 sent_series_uid = case when (select uid from series where id = $2) = $3 then null else $3 end
             where id = $1",
            params![id, home, sent],
        )
        .await?;
        // What lies in the spool settles with its series.
        let sql = "update series set unsettled = 1 where id = $1
             and exists (select 1 from instance where id = $2 and segment_id is not null)";
        tx.execute(sql, params![home, id]).await?;
        discrepancies::contents_came(tx, home, &filed).await?;
    }
    for series in said.made() {
        file_series(tx, series, now_ms).await?;
    }
    Ok(())
}

/// The series that an instance becomes a part of, made when it is not there yet.
async fn made_series(
    tx: &mut Transaction,
    Standing { said, at_ms, from_study }: &Standing,
    (instance, sent_series, sent_study): (&str, &str, &str),
) -> Result<Option<SeriesId>> {
    let Some((uid, attributes)) = said.series_of(instance) else { return Ok(None) };
    if let Some(found) = series_rows::find(tx, uid).await? {
        return Ok(Some(found.id));
    }
    let study = target(tx, said, from_study, *at_ms).await?;
    let id = make_series(tx, (uid, attributes), study, *at_ms).await?;
    let sql = "update series set sent_series_uid = $2, moved_ms = $4,
             sent_study_uid = case when (select t.uid from study t where t.id = series.study_id) = $3 then null else $3 end
         where id = $1";
    tx.execute(sql, params![id, sent_series, sent_study, *at_ms]).await?;
    Ok(Some(id))
}

/// The series that instances go back to, made anew after it was emptied and tidied away; `None` when its study is
/// gone.
async fn series_again(
    tx: &mut Transaction,
    said: &Said,
    (instance, uid, study): (&str, &str, &str),
    now_ms: i64,
) -> Result<Option<SeriesId>> {
    let Some(study) = find_study(tx, study).await? else { return Ok(None) };
    let attributes = said.series_of(instance).and_then(|(_, attributes)| attributes);
    let id = make_series(tx, (uid, attributes), study, now_ms).await?;
    file_series(tx, uid, now_ms).await?;
    Ok(Some(id))
}

/// Makes a series with the attributes of the one that instances were taken out of.
async fn make_series(
    tx: &mut Transaction,
    (uid, attributes): (&str, Option<&serde_json::Value>),
    study: StudyId,
    at_ms: i64,
) -> Result<SeriesId> {
    let attributes = attributes.map(ToString::to_string).unwrap_or_default();
    let mut header = standing::parse(&attributes)?;
    let key = Uid::parse(uid).map_err(|why| Error::Corrupt(format!("a series' UID: {why}")))?;
    header.put_uid(tags::SERIES_INSTANCE_UID, &key);
    let made = series_rows::ensure(tx, uid, study, &lift_series(&header)?, &header, (None, at_ms)).await?;
    Ok(made.id)
}

/// Makes late images of a study follow it, if it was merged into another.
pub(super) async fn redirect(tx: &mut Transaction, from: &str) -> Result<()> {
    match acts::standing_of(tx, from, MERGE).await? {
        Some(act) => {
            let to = Said::of(&act)?.to;
            let odd = |why| Error::Corrupt(format!("a study's UID: {why}"));
            let (from, to) = (Uid::parse(from).map_err(odd)?, Uid::parse(&to).map_err(odd)?);
            redirects::set(tx, Moved::Study, &from, &to, act.id).await
        }
        None => redirects::forget(tx, Moved::Study, from).await,
    }
}

pub(super) async fn find_study(tx: &mut Transaction, uid: &str) -> Result<Option<StudyId>> {
    let row = tx.fetch_optional("select id from study where uid = $1", params![uid]).await?;
    row.map(|row| Ok(StudyId(row.get("id")?))).transpose()
}
