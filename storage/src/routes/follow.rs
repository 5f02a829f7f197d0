//! Routes followed: what has settled goes where it belongs, each image once to each device.

use pacs_core::clock;
use pacs_core::routing::Arrived;
use pacs_core::uid::{AeTitle, Uid};

use super::{Route, list};
use crate::Result;
use crate::availability;
use crate::database::{Database, Row, Transaction, params};
use crate::events::EventKind;
use crate::followers;
use crate::index::facilities;
use crate::index::instances::uid;
use crate::transfers::{self, Direction, NewTransfer, Origin, Selection, Task};

/// A series that has settled, or a part of it.
struct Settled {
    series: Uid,
    study: Uid,
    facility: String,
    calling_ae: Option<String>,
    modality: Option<String>,
    body_part: Option<String>,
    minute: u16,
    /// Its last instance that is shown, and when the latest of them was received.
    through_id: i64,
    through_ms: i64,
}

/// Puts into the queue what has settled since the last time, by the routes as they are now, and for those who
/// are told what is available. Says whether
/// there may be more.
pub async fn follow(database: &Database, now_ms: i64) -> Result<bool> {
    let Some((mut tx, events)) = followers::next(database, "routes").await? else { return Ok(false) };
    let mut routes = list(database).await?;
    routes.retain(|route| route.is_enabled);
    // Whatever is most urgent first: a device that two routes name gets a series by the more urgent one.
    routes.sort_by_key(|route| std::cmp::Reverse(route.priority));
    let told = availability::told(database).await?;
    let settled = events.iter().filter(|event| event.kind == EventKind::SeriesSettled);
    for series_uid in settled.filter_map(|event| event.series_uid.as_deref()) {
        if routes.is_empty() && told.is_empty() {
            break;
        }
        if let Some(series) = look_up(&mut tx, series_uid, now_ms).await? {
            route(&mut tx, &routes, &series, now_ms).await?;
            for device in &told {
                if let Some(selection) = new_for(&mut tx, "availability", device, &series).await? {
                    let task = Task { device: device.clone(), study: series.study.clone(), selection };
                    availability::tell_in(&mut tx, &task, now_ms).await?;
                }
            }
        }
    }
    tx.commit().await?;
    Ok(true)
}

async fn look_up(tx: &mut Transaction, series_uid: &str, now_ms: i64) -> Result<Option<Settled>> {
    let row = tx
        .fetch_optional(
            "select s.uid as series_uid, s.modality, s.body_part, s.calling_ae, t.uid as study_uid, t.facility,
                 f.time_zone,
                 (select max(i.id) from instance i where i.series_id = s.id and i.rejection_id is null) as through_id,
                 (select max(i.received_ms) from instance i where i.series_id = s.id and i.rejection_id is null)
                     as through_ms
             from series s join study t on t.id = s.study_id left join facility f on f.code = t.facility
             where s.uid = $1",
            params![series_uid],
        )
        .await?;
    row.as_ref().map(|row| read(row, now_ms)).transpose().map(Option::flatten)
}

fn read(row: &Row, now_ms: i64) -> Result<Option<Settled>> {
    // Everything of it was rejected or deleted meanwhile.
    let Some(through_id) = row.get::<Option<i64>>("through_id")? else { return Ok(None) };
    let through_ms = row.get::<Option<i64>>("through_ms")?.unwrap_or(now_ms);
    let zone = facilities::zone(row.get::<Option<String>>("time_zone")?.as_deref().unwrap_or_default());
    let wall = clock::local_date_time(through_ms, &zone);
    let minute = wall.map_or(0, |at| i32::from(at.hour()) * 60 + i32::from(at.minute()));
    Ok(Some(Settled {
        series: uid(row, "series_uid")?,
        study: uid(row, "study_uid")?,
        facility: row.get("facility")?,
        calling_ae: row.get("calling_ae")?,
        modality: row.get("modality")?,
        body_part: row.get("body_part")?,
        minute: u16::try_from(minute).unwrap_or_default(),
        through_id,
        through_ms,
    }))
}

async fn route(tx: &mut Transaction, routes: &[Route], series: &Settled, now_ms: i64) -> Result<()> {
    let arrived = Arrived {
        calling_ae: series.calling_ae.as_deref(),
        modality: series.modality.as_deref(),
        body_part: series.body_part.as_deref(),
        facility: &series.facility,
        minute: series.minute,
    };
    for route in routes.iter().filter(|route| route.conditions.hold(&arrived)) {
        // Nothing goes back to where it came from, however two archives are told to feed each other.
        if series.calling_ae.as_deref() == Some(route.device.as_str()) {
            continue;
        }
        let Some(selection) = new_for(tx, "route", &route.device, series).await? else { continue };
        let task = Task { device: route.device.clone(), study: series.study.clone(), selection };
        let new = NewTransfer {
            direction: Direction::Send,
            task: &task,
            facility: &series.facility,
            sender: None,
            origin: &Origin::Route(route.name.clone()),
            created_by: "system",
            priority: route.priority,
        };
        transfers::enqueue_in(tx, &new, now_ms).await?;
    }
    Ok(())
}

/// What a device has not been given of a series yet, for that purpose; it counts as given from now on.
async fn new_for(
    tx: &mut Transaction,
    purpose: &str,
    device: &AeTitle,
    series: &Settled,
) -> Result<Option<Selection>> {
    let mark = tx
        .fetch_optional(
            "select through_id, through_ms from series_mark where purpose = $1 and device = $2 and series_uid = $3",
            params![purpose, device.as_str(), &series.series],
        )
        .await?;
    let (after_id, after_ms): (i64, i64) = match &mark {
        Some(row) => (row.get("through_id")?, row.get("through_ms")?),
        None => (0, i64::MAX),
    };
    let is_new = tx
        .fetch_optional(
            "select 1 from instance i join series s on s.id = i.series_id
             where s.uid = $1 and (i.id > $2 or i.received_ms > $3) and i.rejection_id is null limit 1",
            params![&series.series, after_id, after_ms],
        )
        .await?;
    if is_new.is_none() {
        return Ok(None);
    }
    tx.execute(
        "insert into series_mark (purpose, device, series_uid, through_id, through_ms) values ($1, $2, $3, $4, $5)
         on conflict (purpose, device, series_uid) do update set through_id = excluded.through_id,
             through_ms = excluded.through_ms",
        params![purpose, device.as_str(), &series.series, series.through_id, series.through_ms],
    )
    .await?;
    let (series, through_id) = (series.series.clone(), series.through_id);
    Ok(Some(Selection::Arrived { series, after_id, after_ms, through_id }))
}
