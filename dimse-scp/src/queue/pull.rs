//! Pulling a study from another archive: asked what it has of it, then series after series by C-MOVE to
//! ourselves or by C-GET, whichever is configured for it; in the end what is here is compared.

use std::collections::{BTreeSet, HashSet};
use std::time::Duration;

use pacs_core::dataset::DataSet;
use pacs_core::uid::Uid;
use pacs_core::why::Why;
use pacs_core::{tags, uids};
use storage::database::Database;
use storage::devices::RetrieveBy;
use storage::jobs::Job;
use storage::transfers::{self, Progress, Selection, Task, Trouble};

use super::fetch;
use super::peer::{self, Peer};
use super::work::{Ended, answered};
use crate::listener::Shared;
use crate::scu::listing::{self, Listed, identifier};
use crate::scu::{self, Association};

/// The most series of a study, and instances of a series, that are pulled.
const MOST_SERIES: usize = 2_000;
const MOST_INSTANCES: usize = 50_000;
/// How often what has come is counted while a series comes.
const COUNT_EVERY: Duration = Duration::from_secs(1);

/// A series as the other archive lists it.
pub struct Wanted {
    /// Series Instance UID.
    pub series: Uid,
    /// Its SOP classes.
    pub classes: BTreeSet<Uid>,
    /// Its instances.
    pub instances: Vec<Uid>,
}

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
    let wanted = match list(&peer, &task).await {
        Ok(Ok(wanted)) => wanted,
        Ok(Err(ended)) => return Ok(ended),
        Err(error) => return Ok(answered(Err(error))),
    };
    if wanted.is_empty() {
        return Ok(Ended::Never(Trouble::GoneThere.because("the other archive has no such images")));
    }
    let progress = Progress::of(database, job, worker);
    let all: Vec<Uid> = wanted.iter().flat_map(|series| series.instances.iter().cloned()).collect();
    let total = i64::try_from(all.len()).unwrap_or(i64::MAX);
    let mut here = transfers::present(database, &all).await?;
    progress.pulled(total, count(&here), &[]).await?;
    let mut trouble: Option<Hindrance> = None;
    for series in &wanted {
        if series.instances.iter().all(|instance| here.contains(instance)) {
            continue;
        }
        if shared.stopping.is_cancelled() {
            return Ok(Ended::Stopped);
        }
        let before = count(&here) - count(&transfers::present(database, &series.instances).await?);
        let fetched = tokio::select! {
            fetched = fetch(shared, &peer, &task.study, series) => fetched,
            error = keep_counting(database, &progress, series, total, before) => return Err(error),
        };
        let met = match fetched {
            Ok(met) => met,
            Err(error @ scu::Error::Ended(_)) => {
                Some(Hindrance { why: peer::reason(&error), may_help: true })
            }
            Err(error) => return Ok(answered(Err(error))),
        };
        let before = trouble.as_ref().is_some_and(|trouble| trouble.may_help);
        trouble = met.map(|met| Hindrance { may_help: met.may_help || before, ..met }).or(trouble);
        here.extend(transfers::present(database, &series.instances).await?);
    }
    let missing: Vec<&Uid> = all.iter().filter(|instance| !here.contains(*instance)).collect();
    let Hindrance { why, may_help } = trouble.unwrap_or_else(|| Hindrance {
        why: Trouble::NotSent.because("the other archive did not send it"),
        may_help: false,
    });
    let failed: Vec<(Uid, String)> = missing.into_iter().map(|uid| (uid.clone(), why.to_string())).collect();
    progress.pulled(total, count(&here), &failed).await?;
    Ok(match (failed.is_empty(), may_help) {
        (true, _) => Ended::Done,
        (false, true) => Ended::Later(why),
        (false, false) => Ended::Never(why),
    })
}

fn count(uids: &HashSet<Uid>) -> i64 {
    i64::try_from(uids.len()).unwrap_or(i64::MAX)
}

/// Tells how far it is while a series comes; ends when that is no longer this worker's to tell.
async fn keep_counting(
    database: &Database,
    progress: &Progress,
    series: &Wanted,
    total: i64,
    before: i64,
) -> storage::Error {
    loop {
        tokio::time::sleep(COUNT_EVERY).await;
        let told = async {
            let come = transfers::present(database, &series.instances).await?;
            progress.pulled(total, before + count(&come), &[]).await
        };
        if let Err(error) = told.await {
            return error;
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
        RetrieveBy::Move => fetch::by_move(peer, study, series).await,
        RetrieveBy::Get => fetch::by_get(shared, peer, study, series).await,
    }
}

/// The series and instances that the other archive has, or how the work ends because it does not say. A part of the
/// list is none: who takes it for the whole pulls a part of a study and says that it is all.
async fn list(peer: &Peer, task: &Task) -> Result<Result<Vec<Wanted>, Ended>, scu::Error> {
    let mut association =
        Association::connect(&peer.target, &[listing::study_root_find()?], &peer.options).await?;
    let study = (tags::STUDY_INSTANCE_UID, task.study.as_str());
    let of_study = identifier("SERIES", &[study], &[tags::SERIES_INSTANCE_UID, tags::MODALITY]);
    let answers = match whole(association.list(&of_study, MOST_SERIES).await?, "series", MOST_SERIES) {
        Ok(answers) => answers,
        Err(ended) => return Ok(Err(ended)),
    };
    let mut wanted = Vec::new();
    for series in answers.iter().filter_map(|answer| answer.uid(tags::SERIES_INSTANCE_UID)?.ok()) {
        if matches!(&task.selection, Selection::Series(meant) if !meant.contains(&series)) {
            continue;
        }
        let of_series = identifier(
            "IMAGE",
            &[study, (tags::SERIES_INSTANCE_UID, series.as_str())],
            &[tags::SOP_INSTANCE_UID, tags::SOP_CLASS_UID],
        );
        let listed = association.list(&of_series, MOST_INSTANCES).await?;
        let answers = match whole(listed, "instances", MOST_INSTANCES) {
            Ok(answers) => answers,
            Err(ended) => return Ok(Err(ended)),
        };
        let uids = |tag| answers.iter().filter_map(move |answer| answer.uid(tag)?.ok());
        let instances: BTreeSet<Uid> = uids(tags::SOP_INSTANCE_UID).collect();
        let mut classes: BTreeSet<Uid> = uids(tags::SOP_CLASS_UID).collect();
        if classes.is_empty() {
            // Some archives do not say; this is the class that they have most of.
            classes.extend(Uid::parse(uids::CT_IMAGE_STORAGE).ok());
        }
        wanted.push(Wanted { series, classes, instances: instances.into_iter().collect() });
    }
    association.release().await.ok();
    Ok(Ok(wanted))
}

/// The answers to a question, when they are all that there are.
fn whole(listed: Listed, of: &str, most: usize) -> Result<Vec<DataSet>, Ended> {
    if listed.more {
        let why = Trouble::TooMany.because(format_args!("it has more {of} than can be pulled at once"));
        return Err(Ended::Never(why.with("most", most)));
    }
    match answered(Ok(listed.status)) {
        Ended::Done => Ok(listed.answers),
        ended => Err(ended),
    }
}
