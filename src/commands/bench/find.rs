//! `sen bench find`: workstations asking.

use std::time::Instant;

use anyhow::{Context as _, bail};
use clap::Args as ClapArgs;
use dimse_scp::scu::{Association, Options, Proposal};
use pacs_core::dataset::DataSet;
use pacs_core::uid::Uid;
use pacs_core::{Tag, tags, uids};

use super::Peer;
use super::measure::{self, Measurement, timed};
use crate::commands;

/// What every answer is to contain.
const RETURN_KEYS: [Tag; 8] = [
    tags::PATIENT_NAME,
    tags::PATIENT_ID,
    tags::ACCESSION_NUMBER,
    tags::STUDY_DATE,
    tags::STUDY_TIME,
    tags::STUDY_DESCRIPTION,
    tags::MODALITIES_IN_STUDY,
    tags::STUDY_INSTANCE_UID,
];

/// What `sen bench find` takes.
#[derive(Debug, ClapArgs)]
pub struct Args {
    #[command(flatten)]
    peer: Peer,

    /// Queries of each kind, one after the other over one association
    #[arg(long, default_value_t = 100)]
    queries: usize,

    /// Date of the studies to query for, YYYYMMDD; their values make the other queries
    #[arg(long, value_name = "DATE")]
    date: Option<String>,
}

/// Asks for studies by date, patient, accession number and name.
pub async fn run(args: Args) -> anyhow::Result<()> {
    let class = Uid::parse(uids::STUDY_ROOT_QUERY_RETRIEVE_INFORMATION_MODEL_FIND)?;
    let proposals = [Proposal::new(class.clone(), vec![Uid::parse(uids::EXPLICIT_VR_LITTLE_ENDIAN)?])];
    let mut association = Association::connect(&args.peer.target(), &proposals, &Options::default()).await?;

    // What is asked for has to be there, so the first query finds out what is.
    let mut sample = Vec::new();
    let mut answers =
        association.find(&class, &identifier(tags::STUDY_DATE, args.date.as_deref().unwrap_or(""))).await?;
    while let Some(answer) = answers.next().await? {
        if sample.len() < 1000 {
            sample.push(answer);
        }
    }
    if sample.is_empty() {
        bail!("the archive has no studies to query for");
    }
    let mut rows = Vec::new();
    let mut failures = 0;
    for (what, tag) in [
        ("StudyInstanceUID", tags::STUDY_INSTANCE_UID),
        ("PatientID", tags::PATIENT_ID),
        ("AccessionNumber", tags::ACCESSION_NUMBER),
        ("StudyDate", tags::STUDY_DATE),
        ("PatientName", tags::PATIENT_NAME),
    ] {
        let values: Vec<String> = sample.iter().filter_map(|answer| answer.text(tag)).collect();
        if values.is_empty() {
            continue;
        }
        let mut measured = Measurement::default();
        let bar = commands::progress_bar(args.queries as u64, "queries");
        let started = Instant::now();
        for value in values.iter().cycle().take(args.queries) {
            let before = association.bytes().1;
            let (found, took) =
                timed(async { association.find(&class, &identifier(tag, value)).await?.all().await }).await;
            let (matches, status) = found.context("the association ended")?;
            if status.is_failure() || matches.is_empty() {
                measured.failed();
            } else {
                measured.done(took, association.bytes().1 - before);
            }
            bar.inc(1);
        }
        let elapsed = started.elapsed();
        bar.finish_and_clear();
        failures += measured.failures();
        rows.push(measured.row(&format!("C-FIND {what}"), "queries", elapsed));
    }
    association.release().await?;
    measure::print(&rows, args.peer.pid)?;
    if failures > 0 {
        bail!("{failures} queries failed or found nothing");
    }
    Ok(())
}

fn identifier(tag: Tag, value: &str) -> DataSet {
    let mut identifier = DataSet::new();
    identifier.put_text(tags::SPECIFIC_CHARACTER_SET, "ISO_IR 192");
    identifier.put_text(tags::QUERY_RETRIEVE_LEVEL, "STUDY");
    for key in RETURN_KEYS {
        identifier.put_empty(key);
    }
    if !value.is_empty() {
        identifier.put_text(tag, value);
    }
    identifier
}
