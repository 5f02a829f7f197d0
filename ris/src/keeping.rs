//! `GET /api/v1/storage`: how what is kept is kept. Room on the disks, backups, and what was read back.

use axum::Json;
use axum::extract::State as Has;
use jiff::tz::TimeZone;
use pacs_core::access::Act;
use pacs_core::clock;
use serde::Serialize;
use storage::backup::runs::{self, Run};
use storage::space::Disk as Watched;
use storage::verify::background::Standing;
use storage::verify::damage::{self, Damaged};
use utoipa::ToSchema;

use crate::Result;
use crate::caller::Caller;
use crate::reason::Reason;
use crate::state::State;

/// Backups and damaged instances that are told of.
const RUNS: u32 = 10;
const DAMAGED: u32 = 200;

/// How what is kept is kept. Times are RFC 3339, on the wall where the caller works.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Storage {
    /// Bytes that wait in the spool to be settled.
    spool_bytes: u64,
    /// The most that may.
    spool_limit_bytes: u64,
    /// Room on the disks of this machine.
    disks: Vec<Disk>,
    backup: Backups,
    verification: Verification,
    /// Stored instances that are not what was stored, newest first, 200 at most.
    damaged: Vec<DamagedInstance>,
}

/// A disk of this machine.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Disk {
    /// What lies on it: `spool`, `objects`, `rows` or `data`.
    #[serde(rename = "use")]
    used_for: &'static str,
    folder: String,
    free_bytes: u64,
    total_bytes: u64,
    /// `enough`, `low`, or `full`: then nothing new is taken in.
    level: &'static str,
}

/// Backups.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Backups {
    /// Whether the server takes them by the clock.
    is_planned: bool,
    /// When the newest good one was taken, to the planned place where there is one.
    last_good_at: Option<String>,
    /// The newest that were tried, newest first.
    runs: Vec<BackupRun>,
}

/// A backup that was tried.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BackupRun {
    /// Its name.
    snapshot: String,
    /// Where it lies.
    target: String,
    /// `running`, `done` or `failed`.
    state: &'static str,
    started_at: String,
    ended_at: Option<String>,
    /// Objects that it names, and bytes of them.
    objects: i64,
    object_bytes: i64,
    /// What was not there yet.
    copied_bytes: i64,
    /// What was damaged before it was copied.
    damaged: i64,
    /// Why it failed.
    error: Option<Reason>,
}

/// Reading back what is kept.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Verification {
    /// Within how many days everything is read back once; null: nothing is.
    every_days: Option<u64>,
    /// Instances read back so far, and bytes of them.
    instances: u64,
    bytes: u64,
    /// Since when.
    since: Option<String>,
    /// When the last pack was read.
    last_at: Option<String>,
    /// When the pack was read that was not for longest; null when one never was, or there is none.
    oldest_at: Option<String>,
    packs: u64,
    /// Packs that have not been read within that time.
    due_packs: u64,
    /// Instances that are not what was stored.
    damaged: u64,
}

/// A stored instance that is not what was stored.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DamagedInstance {
    study_uid: String,
    series_uid: String,
    instance_uid: String,
    /// What is wrong.
    why: Reason,
    /// Since when that is known.
    since: String,
}

/// Room, backups, verification, damage.
#[utoipa::path(get, path = "/api/v1/storage", tag = "system", responses((status = 200, body = Storage)))]
pub async fn show(Has(state): Has<State>, caller: Caller) -> Result<Json<Storage>> {
    caller.needs(Act::ManageDevices)?;
    let zone = state.home_zone(&caller).await?;
    let (archive, config) = (&state.archive, state.archive.config());
    let database = archive.database();
    let last_good = runs::newest_done(database, archive.backup_target()?.as_deref()).await?;
    let runs = runs::newest(database, RUNS).await?;
    let damaged = damage::list(database, &caller.scope(), DAMAGED).await?;
    let every_days = config.verification.map(|plan| plan.every.as_secs() / (24 * 3600));
    Ok(Json(Storage {
        spool_bytes: archive.spool_bytes(),
        spool_limit_bytes: config.spool_limit_bytes,
        disks: archive.disks().into_iter().map(disk).collect(),
        backup: Backups {
            is_planned: config.backup.as_ref().is_some_and(|plan| !plan.at.is_empty()),
            last_good_at: last_good.map(|run| clock::rfc3339_on(run.started_ms, &zone)),
            runs: runs.into_iter().map(|run| backup(run, &zone)).collect(),
        },
        verification: verification(archive.verification().await?, every_days, &zone),
        damaged: damaged.into_iter().map(|found| damaged_instance(found, &zone)).collect(),
    }))
}

fn disk(watched: Watched) -> Disk {
    Disk {
        used_for: watched.used_for.as_str(),
        folder: watched.folder.display().to_string(),
        free_bytes: watched.free_bytes,
        total_bytes: watched.total_bytes,
        level: watched.level.as_str(),
    }
}

fn backup(run: Run, zone: &TimeZone) -> BackupRun {
    BackupRun {
        snapshot: run.snapshot,
        target: run.target,
        state: run.state.as_str(),
        started_at: clock::rfc3339_on(run.started_ms, zone),
        ended_at: run.ended_ms.map(|ms| clock::rfc3339_on(ms, zone)),
        objects: run.objects,
        object_bytes: run.object_bytes,
        copied_bytes: run.copied_bytes,
        damaged: run.damaged,
        error: run.error.map(Reason::from),
    }
}

fn verification(standing: Standing, every_days: Option<u64>, zone: &TimeZone) -> Verification {
    let at = |ms: i64| (ms > 0).then(|| clock::rfc3339_on(ms, zone));
    let progress = standing.progress;
    Verification {
        every_days,
        instances: progress.instances,
        bytes: progress.bytes,
        since: at(progress.since_ms),
        last_at: at(progress.last_ms),
        oldest_at: standing.oldest_ms.and_then(at),
        packs: standing.packs,
        due_packs: standing.due_packs,
        damaged: standing.damaged,
    }
}

fn damaged_instance(found: Damaged, zone: &TimeZone) -> DamagedInstance {
    DamagedInstance {
        study_uid: found.study.to_string(),
        series_uid: found.series.to_string(),
        instance_uid: found.instance.to_string(),
        why: Reason::of(&found.why),
        since: clock::rfc3339_on(found.found_ms, zone),
    }
}
