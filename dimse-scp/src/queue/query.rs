//! Asking another archive what it has.

use pacs_core::uid::AeTitle;
use storage::jobs::Job;
use storage::remote_queries::{self, MOST_MATCHES};

use super::peer;
use super::work::{Ended, failed};
use crate::listener::Shared;
use crate::scu::listing;

/// Asks, and fills in the answer. Somebody waits for it: what fails is told, and not tried again.
pub async fn work(shared: &Shared, lane: &AeTitle, job: &Job, worker: &str) -> storage::Result<Ended> {
    let keys = remote_queries::keys(job)?;
    let peer = match peer::find(shared, lane).await? {
        Ok(peer) => peer,
        Err(why) => return Ok(Ended::Never(why)),
    };
    let letters = peer.letters();
    Ok(match listing::studies(&peer.target, &peer.options, &keys, letters, MOST_MATCHES).await {
        Ok((_, _, status)) if status.is_failure() => Ended::Never(failed(status)),
        Ok((matches, more, _)) => {
            remote_queries::answer(shared.archive.database(), job, worker, matches, more).await?;
            Ended::Done
        }
        Err(error) => Ended::Never(peer::reason(&error)),
    })
}
