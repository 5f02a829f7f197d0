//! Pulling a study from another archive: asked what it has of it, then series after series by C-MOVE to
//! ourselves or by C-GET, whichever is configured for it; in the end what is here is compared.

use std::time::Duration;

use pacs_core::uid::Uid;
use pacs_core::why::Why;
use storage::database::Database;
use storage::devices::RetrieveBy;
use storage::jobs::Job;
use storage::transfers::{self, Progress, Task, Trouble};

use super::fetch;
use super::listed::{self, Wanted};
use super::peer::{self, Peer};
use super::work::{Ended, answered};
use crate::listener::Shared;
use crate::scu;

/// How often what has come is counted while a series comes.
const COUNT_EVERY: Duration = Duration::from_secs(1);

/// Why a series, or a part of it, did not come.
pub struct Hindrance {
    /// What was in the way.
    pub why: Why,
    /// Whether another try may help.
    pub may_help: bool,
}

/// Pulls what of a study is not here.
pub async fn work(shared: &Shared, job: &Job, worker: &str) -> storage::Result<Ended> {
    let (database, task) = (shared.archive.database(), Task::of(job)?);
    let peer = match peer::find(shared, &task.device).await? {
        Ok(peer) => peer,
        Err(why) => return Ok(Ended::Never(why)),
    };
    let wanted = match listed::list(&peer, &task).await {
        Ok(Ok(wanted)) => wanted,
        Ok(Err(ended)) => return Ok(ended),
        Err(error) => return Ok(answered(Err(error))),
    };
    if wanted.iter().all(Wanted::is_empty) {
        return Ok(Ended::Never(Trouble::GoneThere.because("the other archive has no such images")));
    }
    let mut pull = Pull { progress: Progress::of(database, job, worker), wanted: Vec::new() };
    for series in wanted {
        let here = series.here(database).await?;
        pull.wanted.push((series, here));
    }
    pull.tell(&[], None).await?;
    let mut trouble: Option<Hindrance> = None;
    // Whether of a series whose images are not listed something is missing.
    let mut lacks = false;
    for at in 0..pull.wanted.len() {
        let Some((series, here)) = pull.wanted.get(at) else { break };
        if series.is_whole(*here) {
            continue;
        }
        if shared.stopping.is_cancelled() {
            return Ok(Ended::Stopped);
        }
        let fetched = tokio::select! {
            fetched = fetch(shared, &peer, &task.study, series) => fetched,
            error = pull.keep_counting(database, at) => return Err(error),
        };
        let met = match fetched {
            Ok(met) => met,
            Err(error @ scu::Error::Ended(_)) => {
                Some(Hindrance { why: peer::reason(&error), may_help: true })
            }
            Err(error) => return Ok(answered(Err(error))),
        };
        let come = series.here(database).await?;
        if series.instances.is_empty() {
            // Of one that is not counted either, all has come when something has, and nothing was in the way.
            let is_all = series.is_whole(come) || series.count.is_none() && come > 0 && met.is_none();
            lacks |= !is_all;
        }
        let before = trouble.as_ref().is_some_and(|trouble| trouble.may_help);
        trouble = met.map(|met| Hindrance { may_help: met.may_help || before, ..met }).or(trouble);
        pull.came(at, come);
    }
    let all: Vec<Uid> = pull.wanted.iter().flat_map(|(series, _)| series.instances.iter().cloned()).collect();
    let here = transfers::present(database, &all).await?;
    let Hindrance { why, may_help } = trouble.unwrap_or_else(|| Hindrance {
        why: Trouble::NotSent.because("the other archive did not send it"),
        may_help: false,
    });
    let missing = all.into_iter().filter(|instance| !here.contains(instance));
    let failed: Vec<(Uid, String)> = missing.map(|uid| (uid, why.to_string())).collect();
    pull.tell(&failed, None).await?;
    Ok(match (failed.is_empty() && !lacks, may_help) {
        (true, _) => Ended::Done,
        (false, true) => Ended::Later(why),
        (false, false) => Ended::Never(why),
    })
}

/// What is pulled, and how much of each series is here.
struct Pull {
    progress: Progress,
    wanted: Vec<(Wanted, i64)>,
}

impl Pull {
    /// So many of a series are here by now.
    fn came(&mut self, at: usize, come: i64) {
        if let Some((_, here)) = self.wanted.get_mut(at) {
            *here = come;
        }
    }

    /// Tells how far it is, and what has failed; while a series comes, so many of it are here.
    async fn tell(&self, failed: &[(Uid, String)], coming: Option<(usize, i64)>) -> storage::Result<()> {
        let (mut total, mut moved): (i64, i64) = (0, 0);
        for (at, (series, here)) in self.wanted.iter().enumerate() {
            let here = coming.filter(|(coming, _)| *coming == at).map_or(*here, |(_, come)| come);
            // What nobody has counted grows as it comes.
            total = series.total().max(here).saturating_add(total);
            moved = here.saturating_add(moved);
        }
        self.progress.pulled(total, moved, failed).await
    }

    /// Tells how far it is while a series comes; ends when that is no longer this worker's to tell.
    async fn keep_counting(&self, database: &Database, at: usize) -> storage::Error {
        loop {
            tokio::time::sleep(COUNT_EVERY).await;
            let told = async {
                let Some((series, _)) = self.wanted.get(at) else { return Ok(()) };
                let come = series.here(database).await?;
                self.tell(&[], Some((at, come))).await
            };
            if let Err(error) = told.await {
                return error;
            }
        }
    }
}

async fn fetch(
    shared: &Shared,
    peer: &Peer,
    study: &Uid,
    series: &Wanted,
) -> Result<Option<Hindrance>, scu::Error> {
    match peer.device.dealings.retrieve_by {
        RetrieveBy::Move => fetch::by_move(shared, peer, study, series).await,
        RetrieveBy::Get => fetch::by_get(shared, peer, study, series).await,
    }
}
