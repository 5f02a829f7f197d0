//! `sen bench retrieve`: a workstation fetching whole studies with C-GET.

use std::time::Instant;

use anyhow::bail;
use clap::Args as ClapArgs;
use dimse_scp::dimse::Status;
use dimse_scp::scu::{Association, Options, Proposal};
use pacs_core::dataset::DataSet;
use pacs_core::uid::Uid;
use pacs_core::{tags, uids};

use super::Peer;
use super::measure::{self, Measurement};
use crate::commands;

/// What `sen bench retrieve` takes.
#[derive(Debug, ClapArgs)]
pub struct Args {
    #[command(flatten)]
    peer: Peer,

    /// Study to fetch
    #[arg(long, value_name = "UID", value_parser = Uid::parse)]
    study: Uid,

    /// How often to fetch it
    #[arg(long, default_value_t = 3)]
    rounds: u32,
}

/// Fetches the study over one association and counts instances and bytes.
pub async fn run(args: Args) -> anyhow::Result<()> {
    let get = Uid::parse(uids::STUDY_ROOT_QUERY_RETRIEVE_INFORMATION_MODEL_GET)?;
    let proposals = proposals(&get)?;
    let mut identifier = DataSet::new();
    identifier.put_text(tags::QUERY_RETRIEVE_LEVEL, "STUDY");
    identifier.put_uid(tags::STUDY_INSTANCE_UID, &args.study);

    let mut association = Association::connect(&args.peer.target(), &proposals, &Options::default()).await?;
    let mut measured = Measurement::default();
    let spinner = commands::spinner();
    let started = Instant::now();
    for _ in 0..args.rounds {
        let mut retrieval = association.get(&get, &identifier).await?;
        let mut began = Instant::now();
        while retrieval.next().await?.is_some() {
            let mut bytes = 0;
            while let Some(piece) = retrieval.data().await? {
                bytes += piece.len() as u64;
            }
            retrieval.answer(Status::SUCCESS).await?;
            measured.done(began.elapsed(), bytes);
            spinner.set_message(format!("{} images", measured.count()));
            began = Instant::now();
        }
        let failed = retrieval.outcome().map_or(1, |outcome| u64::from(outcome.failed));
        for _ in 0..failed {
            measured.failed();
        }
    }
    let elapsed = started.elapsed();
    spinner.finish_and_clear();
    association.release().await?;
    let (done, failures) = (measured.count(), measured.failures());
    measure::print(&[measured.row("C-GET", "images", elapsed)], args.peer.pid)?;
    if done == 0 || failures > 0 {
        bail!("{done} instances came and {failures} failed");
    }
    Ok(())
}

/// The query itself, and to be provider of the SOP classes that studies are made of.
fn proposals(get: &Uid) -> anyhow::Result<Vec<Proposal>> {
    let native = [uids::EXPLICIT_VR_LITTLE_ENDIAN, uids::IMPLICIT_VR_LITTLE_ENDIAN];
    let compressed = [
        uids::JPEG_BASELINE8_BIT,
        uids::JPEG_LOSSLESS_SV1,
        uids::JPEGLS_LOSSLESS,
        uids::JPEG2000_LOSSLESS,
        uids::RLE_LOSSLESS,
    ];
    let parse = |syntaxes: &[&str]| syntaxes.iter().map(|uid| Uid::parse(uid)).collect::<Result<Vec<_>, _>>();
    let mut proposals = vec![Proposal::new(get.clone(), parse(&native)?)];
    for class in [
        uids::CT_IMAGE_STORAGE,
        uids::MR_IMAGE_STORAGE,
        uids::COMPUTED_RADIOGRAPHY_IMAGE_STORAGE,
        uids::DIGITAL_X_RAY_IMAGE_STORAGE_FOR_PRESENTATION,
        uids::ULTRASOUND_IMAGE_STORAGE,
        uids::ULTRASOUND_MULTI_FRAME_IMAGE_STORAGE,
        uids::SECONDARY_CAPTURE_IMAGE_STORAGE,
    ] {
        let class = Uid::parse(class)?;
        // One context a transfer syntax: with several in one, the provider may choose any, and would
        // have to transcode what is stored in another.
        for syntax in native.iter().chain(&compressed) {
            proposals.push(Proposal {
                class: class.clone(),
                transfer_syntaxes: vec![Uid::parse(syntax)?],
                as_provider: true,
            });
        }
    }
    Ok(proposals)
}
