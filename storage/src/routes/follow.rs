//! Routes followed: what has settled goes where it belongs, each image once to each device.

use pacs_core::clock;
use pacs_core::routing::Arrived;
use pacs_core::uid::{AeTitle, Uid};

use super::{Route, handed, list};
use crate::Result;
use crate::availability;
use crate::database::{Database, Row, Transaction, params};
use crate::events::{Event, EventKind};
use crate::followers;
use crate::index::facilities;
use crate::index::instances::uid;
use crate::transfers::{self, Direction, NewTransfer, Origin, Selection, Task};

/// Name of the follower.
pub(super) const FOLLOWER: &str = "routes";

/// A series that has settled, or a part of it.
struct Settled {
    series: Uid,
    /// The series that its images name, when they were taken out of it.
    sent_series: Option<String>,
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
    let Some((mut tx, events)) = followers::next(database, FOLLOWER).await? else { return Ok(false) };
    let mut routes = list(database).await?;
    routes.retain(|route| route.is_enabled);
    // Whatever is most urgent first: a device that two routes name gets a series by the more urgent one.
    routes.sort_by_key(|route| std::cmp::Reverse(route.priority));
    let told = availability::told(database).await?;
    for event in &events {
        match (event.kind, event.series_uid.as_deref()) {
            (EventKind::ImagesCorrected, _) => corrected(&mut tx, &routes, event, now_ms).await?,
            (EventKind::SeriesSettled, Some(series)) if !routes.is_empty() || !told.is_empty() => {
                if let Some(series) = look_up(&mut tx, series, now_ms).await? {
                    settled(&mut tx, (&routes, &told), &series, now_ms).await?;
                }
            }
            _ => {}
        }
    }
    tx.commit().await?;
    Ok(true)
}

async fn settled(
    tx: &mut Transaction,
    (routes, told): (&[Route], &[AeTitle]),
    series: &Settled,
    now_ms: i64,
) -> Result<()> {
    route(tx, routes, series, now_ms).await?;
    for device in told {
        if let Some((selection, _)) = new_for(tx, "availability", device, series, now_ms).await? {
            let task = Task { device: device.clone(), study: series.study.clone(), selection };
            availability::tell_in(tx, &task, now_ms).await?;
        }
    }
    Ok(())
}

/// What routes had sent and people have corrected since goes again, where a route says so.
async fn corrected(tx: &mut Transaction, routes: &[Route], event: &Event, now_ms: i64) -> Result<()> {
    let routes: Vec<&Route> = routes.iter().filter(|route| route.after_corrections).collect();
    let Some(study) = event.study_uid.as_deref().filter(|_| !routes.is_empty()) else { return Ok(()) };
    let only = event.series_uid.as_deref();
    let sql = "select s.uid from series s join study t on t.id = s.study_id
         where t.uid = $1 and s.instance_count > 0 and (cast($2 as text) is null or s.uid = $2) order by s.number, s.id";
    for row in tx.fetch(sql, params![study, only]).await? {
        let Some(series) = look_up(tx, &row.get::<String>("uid")?, now_ms).await? else { continue };
        for route in routes.iter().filter(|route| route.means(&series)) {
            let sql = "select 1 from series_mark where purpose = 'route' and device = $1 and series_uid in ($2, $3)";
            let sent_as = series.sent_series.as_deref().unwrap_or(series.series.as_str());
            let values = params![route.device.as_str(), &series.series, sent_as];
            if tx.fetch_optional(sql, values).await?.is_none() {
                continue;
            }
            let selection = Selection::Corrected { series: series.series.clone(), at_ms: event.at_ms };
            queue(tx, route, &series, (selection, None), now_ms).await?;
        }
    }
    Ok(())
}

impl Route {
    /// Whether a series fulfils its conditions. Nothing goes back to where it came from, however two archives are told
    /// to feed each other.
    fn means(&self, series: &Settled) -> bool {
        let arrived = Arrived {
            calling_ae: series.calling_ae.as_deref(),
            modality: series.modality.as_deref(),
            body_part: series.body_part.as_deref(),
            facility: &series.facility,
            minute: series.minute,
        };
        self.conditions.hold(&arrived) && series.calling_ae.as_deref() != Some(self.device.as_str())
    }
}

/// Queues a part of a series for the device of a route: with the time behind which it was received.
async fn queue(
    tx: &mut Transaction,
    route: &Route,
    series: &Settled,
    (selection, after_ms): (Selection, Option<i64>),
    now_ms: i64,
) -> Result<()> {
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
    if transfers::enqueue_in(tx, &new, now_ms).await?.is_some() {
        handed::queued(tx, &new, series.part(&route.device, after_ms), now_ms).await?;
    }
    Ok(())
}

impl Settled {
    fn part<'a>(&'a self, device: &'a AeTitle, after_ms: Option<i64>) -> handed::Part<'a> {
        handed::Part { device, series: &self.series, after_ms, through_ms: self.through_ms }
    }
}

async fn look_up(tx: &mut Transaction, series_uid: &str, now_ms: i64) -> Result<Option<Settled>> {
    let row = tx
        .fetch_optional(
            "select s.uid as series_uid, s.sent_series_uid, s.modality, s.body_part, s.calling_ae, t.uid as study_uid, t.facility,
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
        sent_series: row.get("sent_series_uid")?,
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
    for route in routes.iter().filter(|route| route.means(series)) {
        if let Some(part) = new_for(tx, "route", &route.device, series, now_ms).await? {
            queue(tx, route, series, part, now_ms).await?;
        }
    }
    Ok(())
}

/// What a device has not been given of a series yet, for that purpose, and the time behind which it was received; it
/// counts as given from now on.
async fn new_for(
    tx: &mut Transaction,
    purpose: &str,
    device: &AeTitle,
    series: &Settled,
    now_ms: i64,
) -> Result<Option<(Selection, Option<i64>)>> {
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
    let since_ms = mark.is_some().then_some(after_ms);
    handed::given(tx, purpose, series.part(device, since_ms), now_ms).await?;
    let (series, through_id) = (series.series.clone(), series.through_id);
    Ok(Some((Selection::Arrived { series, after_id, after_ms, through_id }, since_ms)))
}
