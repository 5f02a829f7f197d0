//! `sen query`: what another archive has.

use anyhow::{Context as _, bail};
use clap::Args as ClapArgs;
use dimse_scp::scu::{self, Target, listing};
use pacs_core::text::{CharacterSet, display_name};
use pacs_core::uid::{AeTitle, Uid};
use storage::devices;
use storage::remote_queries::{Keys, Match};

use crate::commands::{self, Global};
use crate::lifecycle;

/// What `sen query` takes.
#[derive(Debug, ClapArgs)]
#[command(after_help = "\
At least one key is needed. `*` and `?` are wildcards; a name is its beginning as the archive writes it.")]
pub struct Args {
    /// AE title of the archive, a configured device
    #[arg(value_parser = AeTitle::parse)]
    archive: AeTitle,

    /// Patient ID
    #[arg(long, value_name = "ID")]
    patient_id: Option<String>,

    /// Beginning of the patient's name, such as NGUYEN^VAN
    #[arg(long)]
    name: Option<String>,

    /// Accession number
    #[arg(long, value_name = "NUMBER")]
    accession: Option<String>,

    /// Modality of at least one series
    #[arg(long)]
    modality: Option<String>,

    /// Study date, or the first of them when --to is given, as YYYYMMDD
    #[arg(long, value_name = "DATE")]
    from: Option<String>,

    /// Last study date, as YYYYMMDD
    #[arg(long, value_name = "DATE")]
    to: Option<String>,

    /// Study Instance UID
    #[arg(long, value_name = "UID", value_parser = Uid::parse)]
    study: Option<Uid>,

    /// At most so many studies
    #[arg(long, default_value_t = 50)]
    limit: usize,
}

/// Asks and prints what there is, or why there is no answer.
pub async fn run(args: Args, global: &Global) -> anyhow::Result<()> {
    let config = global.load()?;
    let keys = Keys {
        patient_id: args.patient_id,
        patient_name: args.name,
        accession_number: args.accession,
        modality: args.modality,
        to: args.to.or_else(|| args.from.clone()),
        from: args.from,
        study: args.study,
    };
    if keys.is_empty() {
        bail!("nothing is looked for; see --help");
    }
    let archive = &args.archive;
    let database = lifecycle::open_database(&config).await?;
    let device = devices::by_ae(&database, archive).await?;
    database.close().await;
    let device = device.with_context(|| format!("there is no device {archive}"))?;
    let options = commands::device::options_for(&config.dimse, &device)?;
    let (Some(host), Some(port)) = (device.host, device.port) else { bail!("{archive} has no address") };
    let target = Target {
        address: scu::address(&host, port),
        calling_ae: config.dimse.ae_title.clone(),
        called_ae: archive.clone(),
    };
    let letters = device.character_set.unwrap_or(CharacterSet::UTF_8);
    let answered = listing::studies(&target, &options, &keys, letters, args.limit).await;
    let (matches, more, status) = answered.with_context(|| format!("{archive} at {}", target.address))?;
    if status.is_failure() {
        bail!("{archive} answered {status}");
    }
    commands::print(&table(&matches))?;
    if more {
        commands::tell("There are more; ask more closely, or with a larger --limit.");
    }
    Ok(())
}

fn table(matches: &[Match]) -> String {
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let rows: Vec<Vec<String>> = matches
        .iter()
        .map(|found| {
            vec![
                text(&found.date),
                found.patient_id.clone(),
                display_name(&found.patient_name),
                found.modalities.join(","),
                text(&found.description),
                text(&found.accession_number),
                found.instances.map(|count| count.to_string()).unwrap_or_default(),
                found.study.to_string(),
            ]
        })
        .collect();
    commands::table(
        &["date", "patient", "name", "modalities", "description", "accession", "images", "study"],
        &rows,
    )
}
