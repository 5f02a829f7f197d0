//! Looks for jobs that are due and has them done, as many at a time as their devices take.

use std::collections::HashMap;
use std::time::Duration;

use pacs_core::uid::AeTitle;
use storage::jobs::{self, Job, lanes};
use tokio::task::{Id, JoinSet};

use super::lease::{self, LEASE_MS};
use super::work::{Ended, Kind};
use crate::listener::Shared;

/// How often jobs are looked for that are due again, or that another process has made.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Jobs under way at a time: more than a hospital has devices that take images.
const MOST_AT_ONCE: usize = 64;
/// How long the instance that is under way may take to arrive when the server stops.
const FAREWELL: Duration = Duration::from_secs(5);

/// The jobs under way, each with its lane.
#[derive(Default)]
struct UnderWay {
    tasks: JoinSet<()>,
    lanes: HashMap<Id, (Kind, AeTitle)>,
}

impl UnderWay {
    fn of_lane(&self, kind: Kind, lane: &AeTitle) -> usize {
        self.lanes.values().filter(|(other, name)| *other == kind && name == lane).count()
    }
}

/// Works until the server stops, then lets what is under way come to a good place.
pub(crate) async fn run(shared: Shared) {
    let (database, clock) = (shared.archive.database(), shared.archive.config().clock.clone());
    for kind in Kind::ALL {
        match jobs::resume(database, kind.name(), clock.now_ms()).await {
            Ok(0) => {}
            Ok(jobs) => tracing::info!(kind = kind.name(), jobs, "queued jobs are taken up again"),
            Err(error) => tracing::warn!(%error, kind = kind.name(), "queued jobs wait for their leases"),
        }
    }
    let mut hints = database.job_hints();
    let mut under_way = UnderWay::default();
    let mut turn = 0usize;
    loop {
        turn = turn.wrapping_add(1);
        for kind in Kind::ALL {
            if let Err(error) = begin_due(&shared, &mut under_way, kind, turn).await {
                tracing::warn!(%error, kind = kind.name(), "queued jobs cannot be looked for");
            }
        }
        tokio::select! {
            () = shared.stopping.cancelled() => break,
            Some(ended) = under_way.tasks.join_next_with_id() => {
                let id = match &ended {
                    Ok((id, ())) => *id,
                    Err(error) => error.id(),
                };
                under_way.lanes.remove(&id);
            }
            _ = hints.changed() => {}
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
    }
    while under_way.tasks.join_next().await.is_some() {}
}

/// Begins the jobs of a kind that are due, as far as there is room, a lane after the other: another one
/// first each time, so that the last in the alphabet has its turn as well.
async fn begin_due(
    shared: &Shared,
    under_way: &mut UnderWay,
    kind: Kind,
    turn: usize,
) -> storage::Result<()> {
    let (database, clock) = (shared.archive.database(), &shared.archive.config().clock);
    lanes::free_expired(database, kind.name(), clock.now_ms()).await?;
    let mut waiting = lanes::waiting(database, kind.name()).await?;
    let first = turn.checked_rem(waiting.len()).unwrap_or_default();
    waiting.rotate_left(first);
    for lane in waiting.iter().filter_map(|lane| AeTitle::parse(lane).ok()) {
        let running = under_way.of_lane(kind, &lane);
        // One finds out whether a device is back that was away.
        let is_one = running == 0 || lanes::is_held(database, (kind.name(), lane.as_str())).await?;
        let limit = if is_one { 1 } else { kind.limit(&shared.archive, &lane).await? };
        for _ in running..limit {
            if under_way.tasks.len() >= MOST_AT_ONCE {
                return Ok(());
            }
            let worker = shared.new_worker();
            let place = (kind.name(), lane.as_str());
            let now_ms = clock.now_ms();
            let claimed = match kind.is_in_order() {
                true => lanes::claim_in_order(database, place, &worker, LEASE_MS, now_ms).await?,
                false => lanes::claim(database, place, &worker, LEASE_MS, now_ms).await?,
            };
            let Some(job) = claimed else { break };
            let task = under_way.tasks.spawn(work(shared.clone(), kind, lane.clone(), job, worker));
            under_way.lanes.insert(task.id(), (kind, lane.clone()));
        }
    }
    Ok(())
}

async fn work(shared: Shared, kind: Kind, lane: AeTitle, job: Job, worker: String) {
    let stopped = async {
        shared.stopping.cancelled().await;
        tokio::time::sleep(FAREWELL).await;
    };
    let ended = tokio::select! {
        biased;
        ended = kind.work(&shared, &lane, &job, &worker) => ended,
        () = lease::lost(&shared, job.id, &worker) => Ended::Lost,
        () = stopped => Ended::Stopped,
    };
    match &ended {
        Ended::Away(why) | Ended::Later(why) | Ended::Never(why) => {
            tracing::warn!(
                kind = kind.name(),
                job = job.id.0,
                device = %lane,
                why = why.detail,
                "a queued job is not done"
            );
        }
        Ended::Done => {
            tracing::info!(kind = kind.name(), job = job.id.0, device = %lane, "a queued job is done")
        }
        Ended::Lost | Ended::Stopped => {}
    }
    if let Err(error) = note(&shared, (kind.name(), lane.as_str()), &job, &worker, ended).await {
        // Cancelled in the last moment, or the database is away: the lease runs out.
        tracing::debug!(%error, job = job.id.0, "what became of a queued job was not noted");
    }
}

async fn note(
    shared: &Shared,
    lane: (&str, &str),
    job: &Job,
    worker: &str,
    ended: Ended,
) -> storage::Result<()> {
    let (database, now_ms) = (shared.archive.database(), shared.archive.config().clock.now_ms());
    if ended.gives_up(job) {
        metrics::counter!("sen_queue_given_up_total", "kind" => lane.0.to_owned()).increment(1);
    }
    match ended {
        Ended::Done => lanes::done(database, job.id, worker, now_ms).await?,
        Ended::Later(why) => jobs::fail(database, job, worker, &why.to_string(), now_ms).await?,
        Ended::Never(why) => lanes::give_up(database, job, worker, &why.to_string(), now_ms).await?,
        Ended::Away(why) => {
            jobs::fail(database, job, worker, &why.to_string(), now_ms).await?;
            return lanes::hold(database, lane, now_ms + jobs::wait_ms(job)).await.map(drop);
        }
        Ended::Stopped => return jobs::hand_over(database, job.id, worker, now_ms).await,
        Ended::Lost => return Ok(()),
    }
    // The device answered, whatever it said.
    lanes::free(database, lane, now_ms).await
}
