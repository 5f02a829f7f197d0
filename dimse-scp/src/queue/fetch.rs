//! A series from another archive: sent to us on its own association (C-MOVE), or over the one that asks
//! for it (C-GET).

use std::sync::atomic::Ordering;

use pacs_core::dataset::DataSet;
use pacs_core::uid::Uid;
use pacs_core::{tags, transfer_syntax, uids};
use storage::transfers::{self, Trouble};
use storage::{Door, Envelope};

use super::listed::Wanted;
use super::peer::Peer;
use super::pull::Hindrance;
use super::work::{self, is_passing};
use crate::association::End;
use crate::dimse::Status;
use crate::error::Failure;
use crate::listener::Shared;
use crate::scu::listing::identifier;
use crate::scu::{Arrival, Association, Error, Heard, MAX_CONTEXTS, Outcome, Proposal, Retrieval};

/// Images come as they are stored there: a context each, so that nothing is to be chosen. The common ones come first;
/// the others of the standard follow where an association has room for them.
const COMMON: &[&str] = &[
    "1.2.840.10008.1.2.4.50",  // JPEG baseline
    "1.2.840.10008.1.2.4.51",  // JPEG extended
    "1.2.840.10008.1.2.4.57",  // JPEG lossless
    "1.2.840.10008.1.2.4.70",  // JPEG lossless, first-order prediction
    "1.2.840.10008.1.2.4.80",  // JPEG-LS lossless
    "1.2.840.10008.1.2.4.81",  // JPEG-LS near-lossless
    "1.2.840.10008.1.2.4.90",  // JPEG 2000 lossless
    "1.2.840.10008.1.2.4.91",  // JPEG 2000
    "1.2.840.10008.1.2.4.201", // HTJ2K lossless
    "1.2.840.10008.1.2.4.202", // HTJ2K lossless RPCL
    "1.2.840.10008.1.2.4.203", // HTJ2K
    "1.2.840.10008.1.2.5",     // RLE
    "1.2.840.10008.1.2.4.100", // MPEG2
    "1.2.840.10008.1.2.4.102", // MPEG-4 AVC
    "1.2.840.10008.1.2.1.99",  // deflated
    "1.2.840.10008.1.2.2",     // explicit VR big endian
];

/// How often in a row an archive that sends by C-MOVE may neither have answered nor sent an image, each time that a
/// response is due: it may have to fetch from tape, or have one large object under way.
const MOST_SILENT: u32 = 5;

/// SOP classes whose contexts are proposed at a time: there are no more than 128 in an association.
const CLASSES_AT_ONCE: usize = (MAX_CONTEXTS - 1) / (COMMON.len() + 1);

fn uid(text: &str) -> Result<Uid, Error> {
    Uid::parse(text).map_err(|_| Error::NoContext)
}

fn meant(study: &Uid, series: &Uid) -> DataSet {
    let keys = [(tags::STUDY_INSTANCE_UID, study.as_str()), (tags::SERIES_INSTANCE_UID, series.as_str())];
    identifier("SERIES", &keys, &[])
}

fn judged(outcome: &Outcome) -> Option<Hindrance> {
    let Outcome { status, failed, .. } = *outcome;
    if status == Status::MOVE_DESTINATION_UNKNOWN {
        let why = format!("it answered {status}: it does not know our AE title as a destination");
        return Some(Hindrance { why: Trouble::Peer.because(why).answered(status.0), may_help: false });
    }
    if status.is_failure() {
        return Some(Hindrance { why: work::failed(status), may_help: is_passing(status) });
    }
    // Some of it came: what was in the way of the rest may be gone.
    (failed > 0 || status == Status::SUBOPERATIONS_FAILED).then(|| {
        let why = Trouble::Peer.because(format_args!("it answered {status}: {failed} did not arrive"));
        Hindrance { why: why.answered(status.0), may_help: true }
    })
}

/// Has a series sent to our listener; answers what the other archive says of it, if it did not go well. Many archives
/// say nothing until all of it is sent: as long as images come, it goes on.
pub async fn by_move(
    shared: &Shared,
    peer: &Peer,
    study: &Uid,
    series: &Wanted,
) -> Result<Option<Hindrance>, Error> {
    let class = uid(uids::STUDY_ROOT_QUERY_RETRIEVE_INFORMATION_MODEL_MOVE)?;
    let proposal = Proposal::for_messages(class.clone())?;
    let mut association = Association::connect(&peer.target, &[proposal], &peer.options).await?;
    // What is sent once more counts too; another server of this archive may be the one that it comes to.
    let arrived = shared.arrivals.of(&series.series);
    let here = async || transfers::present_of_series(shared.archive.database(), &series.series).await;
    let (mut known, mut silent) = ((0, here().await.unwrap_or(0)), 0);
    let (destination, meant) = (&peer.target.calling_ae, meant(study, &series.series));
    let mut moving = association.begin_move(&class, destination, &meant).await?;
    let outcome = loop {
        match moving.heard().await? {
            Heard::Ended(outcome) => break Some(outcome),
            Heard::Pending => silent = 0,
            Heard::Nothing => {
                let come = (arrived.load(Ordering::Relaxed), here().await.unwrap_or(known.1));
                silent = if std::mem::replace(&mut known, come) == come { silent + 1 } else { 0 };
            }
        }
        if silent == MOST_SILENT {
            break None;
        }
    };
    let Some(outcome) = outcome else {
        // Else it would go on sending beside the next try.
        association.abort().await;
        return Err(End::Stalled.into());
    };
    association.release().await.ok();
    Ok(judged(&outcome))
}

/// C-GET, and each SOP class that may come: in the two native encodings that everybody has, and in each of the others.
fn proposals(get: &Uid, classes: &[&Uid]) -> Result<Vec<Proposal>, Error> {
    let others = transfer_syntax::known().iter().filter(|syntax| syntax.encapsulated);
    let others = others.filter_map(|syntax| syntax.uid).filter(|uid| !COMMON.contains(uid));
    let syntaxes: Vec<&str> = COMMON.iter().copied().chain(others).collect();
    let for_each = (MAX_CONTEXTS - 1) / classes.len().max(1);
    let mut proposals = vec![Proposal::for_messages(get.clone())?];
    for stored in classes {
        proposals.push(Proposal { as_provider: true, ..Proposal::for_messages((*stored).clone())? });
        for syntax in syntaxes.iter().take(for_each.saturating_sub(1)) {
            let proposal = Proposal::new((*stored).clone(), vec![uid(syntax)?]);
            proposals.push(Proposal { as_provider: true, ..proposal });
        }
    }
    Ok(proposals)
}

/// Takes a series over the association that asks for it; answers what the other archive, or ours, says of it,
/// if it did not go well.
pub async fn by_get(
    shared: &Shared,
    peer: &Peer,
    study: &Uid,
    series: &Wanted,
) -> Result<Option<Hindrance>, Error> {
    let classes: Vec<&Uid> = series.classes.iter().collect();
    let mut trouble: Option<Hindrance> = None;
    // What is of other classes fails over one association and comes over the next; what is missing in the end is
    // found out by whoever asked.
    for some in classes.chunks(CLASSES_AT_ONCE) {
        trouble = get(shared, peer, &meant(study, &series.series), some).await?.or(trouble);
    }
    Ok(trouble)
}

async fn get(
    shared: &Shared,
    peer: &Peer,
    identifier: &DataSet,
    classes: &[&Uid],
) -> Result<Option<Hindrance>, Error> {
    let class = uid(uids::STUDY_ROOT_QUERY_RETRIEVE_INFORMATION_MODEL_GET)?;
    let proposals = proposals(&class, classes)?;
    let mut association = Association::connect(&peer.target, &proposals, &peer.options).await?;
    let mut retrieval = association.get(&class, identifier).await?;
    let mut refused: Option<Hindrance> = None;
    while let Some(arrival) = retrieval.next().await? {
        let status = match take(shared, peer, &mut retrieval, &arrival).await? {
            Ok(()) => Status::SUCCESS,
            Err(error) => {
                let failure = Failure::of_store(&error);
                let may_help = !matches!(error, storage::Error::Refused(_) | storage::Error::TooLarge(_));
                let before = refused.is_some_and(|refused| refused.may_help);
                let why = Trouble::NotKept.because(&failure.comment).of(error.cause());
                refused = Some(Hindrance { why, may_help: may_help || before });
                failure.status
            }
        };
        retrieval.answer(status).await?;
    }
    let judged = retrieval.outcome().and_then(judged);
    association.release().await.ok();
    // The other archive only counts what ours refused.
    Ok(refused.or(judged))
}

/// Keeps an instance that arrives. The inner error is of our archive, which has to be told to the other.
async fn take(
    shared: &Shared,
    peer: &Peer,
    retrieval: &mut Retrieval<'_>,
    arrival: &Arrival,
) -> Result<storage::Result<()>, Error> {
    let envelope = Envelope {
        transfer_syntax: arrival.transfer_syntax.clone(),
        head: None,
        declared_class: Some(arrival.class.clone()),
        declared_instance: Some(arrival.instance.clone()),
        declared_study: None,
        calling_ae: Some(peer.target.called_ae.clone()),
        called_ae: Some(peer.target.calling_ae.clone()),
        peer: None,
        facility: peer.device.facility.clone(),
        received_by: Door::Dimse,
        expected_bytes: None,
    };
    let mut incoming = match shared.archive.begin(envelope).await {
        Ok(incoming) => incoming,
        Err(error) => return Ok(Err(error)),
    };
    while let Some(piece) = retrieval.data().await? {
        if let Err(error) = incoming.write(piece).await {
            return Ok(Err(error));
        }
    }
    Ok(incoming.finish().await.map(drop))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_is_stored_is_proposed_as_far_as_there_is_room() {
        let get = uid(uids::STUDY_ROOT_QUERY_RETRIEVE_INFORMATION_MODEL_GET).unwrap();
        let classes: Vec<Uid> = (1..=CLASSES_AT_ONCE)
            .map(|number| uid(&format!("1.2.840.10008.5.1.4.1.1.{number}")).unwrap())
            .collect();
        let proposed = |proposals: &[Proposal], syntax: &str| {
            proposals.iter().any(|proposal| proposal.transfer_syntaxes == [uid(syntax).unwrap()])
        };
        let one = proposals(&get, &[&classes[0]]).unwrap();
        for syntax in transfer_syntax::known().iter().filter(|syntax| syntax.encapsulated) {
            assert!(proposed(&one, syntax.uid.unwrap()), "{}", syntax.name);
        }
        let all: Vec<&Uid> = classes.iter().collect();
        for count in 1..=CLASSES_AT_ONCE {
            let some = proposals(&get, &all[..count]).unwrap();
            assert!(some.len() <= MAX_CONTEXTS, "{count}: {}", some.len());
            assert!(COMMON.iter().all(|syntax| proposed(&some, syntax)), "{count}");
        }
    }
}
