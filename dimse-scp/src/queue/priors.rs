//! Asking another archive for what a patient had before, and having what matters sent here.

use pacs_core::uid::AeTitle;
use storage::jobs::Job;
use storage::priors;
use storage::remote_queries::Keys;

use super::peer;
use super::work::{Ended, answered};
use crate::listener::Shared;
use crate::scu::listing;

/// Studies of one patient that an archive is asked for.
const MOST_MATCHES: usize = 200;

/// Asks by every number that the patient is known by.
pub async fn work(shared: &Shared, lane: &AeTitle, job: &Job) -> storage::Result<Ended> {
    let database = shared.archive.database();
    let Some(wanted) = priors::wanted(database, job).await? else { return Ok(Ended::Done) };
    let peer = match peer::find(shared, lane).await? {
        Ok(peer) => peer,
        Err(why) => return Ok(Ended::Never(why)),
    };
    let mut found = Vec::new();
    for identifier in &wanted.identifiers {
        let keys = Keys { patient_id: Some(identifier.clone()), ..Keys::default() };
        match listing::studies(&peer.target, &peer.options, &keys, peer.letters(), MOST_MATCHES).await {
            Ok((matches, _, status)) if !status.is_failure() => found.extend(matches),
            Ok((_, _, status)) => return Ok(answered(Ok(status))),
            Err(error) => return Ok(answered(Err(error))),
        }
    }
    let now_ms = shared.archive.config().clock.now_ms();
    let studies = priors::fetch(database, lane, &wanted, &wanted.choose(found), now_ms).await?;
    tracing::info!(archive = %lane, studies, "priors of an ordered exam are fetched");
    Ok(Ended::Done)
}
