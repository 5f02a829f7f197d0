//! `sen device`: who may push and query, and where images can be sent.

mod rules;

use std::sync::Arc;

use anyhow::{Context as _, bail};
use clap::builder::PossibleValuesParser;
use clap::{Args as ClapArgs, Subcommand};
use dimse_scp::scu::{self, Association, Options, Proposal, Target};
use dimse_scp::tls::{Secured, Tls};
use pacs_core::clock;
use pacs_core::text::CharacterSet;
use pacs_core::uid::{AeTitle, Uid};
use pacs_core::uids;
use storage::database::Database;
use storage::devices::{self, Dealings, Device, RetrieveBy};

use crate::commands::{self, Global};
use crate::config::Dimse;
use crate::lifecycle;

/// What `sen device` takes.
#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Devices of the configuration file win over these and can only be changed there. Changes count at
once, also for a running server.")]
pub struct Args {
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, Subcommand)]
enum Act {
    /// Add a device, or change the one of this AE title
    Add(Box<Add>),
    /// List all devices
    List,
    /// Remove a device
    Remove {
        /// Its AE title
        #[arg(value_parser = AeTitle::parse)]
        ae_title: AeTitle,
    },
    /// Ask a device whether it answers (C-ECHO)
    Echo {
        /// Its AE title
        #[arg(value_parser = AeTitle::parse)]
        ae_title: AeTitle,
    },
}

#[derive(Debug, ClapArgs)]
struct Add {
    /// Its AE title
    #[arg(value_parser = AeTitle::parse)]
    ae_title: AeTitle,

    /// Host name or address
    host: String,

    /// Port it listens on
    #[arg(value_parser = clap::value_parser!(u16).range(1..))]
    port: u16,

    /// Facility of what it pushes
    #[arg(long, value_name = "CODE")]
    facility: Option<String>,

    /// What people call it
    #[arg(long, default_value = "")]
    description: String,

    /// Modality, when it is a station of the worklist
    #[arg(long)]
    modality: Option<String>,

    /// Room it stands in
    #[arg(long)]
    room: Option<String>,

    /// What its console can read, such as 'ISO_IR 100': what it asks for comes so written, without
    /// marks where there is no such letter
    #[arg(long, value_name = "TERMS", value_parser = character_set)]
    character_set: Option<CharacterSet>,

    /// Associations at a time by which queued images are sent to it
    #[arg(long, value_name = "NUMBER", default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=16))]
    send_limit: u8,

    /// How studies are pulled from it: sent to us, or over the association that asks
    #[arg(long, default_value = "move", value_parser = PossibleValuesParser::new(["move", "get"]))]
    retrieve_by: String,

    /// Ask it for a patient's earlier studies when an exam is ordered
    #[arg(long)]
    priors: bool,

    /// Ask it, after images were sent to it, whether it keeps them (storage commitment)
    #[arg(long)]
    commitment: bool,

    /// Forward to it what modalities report of their work (MPPS)
    #[arg(long)]
    performed_steps: bool,

    /// Tell it which images are available (IAN)
    #[arg(long)]
    availability: bool,

    #[command(flatten)]
    rules: rules::RuleArgs,
}

fn character_set(terms: &str) -> Result<CharacterSet, &'static str> {
    CharacterSet::named(terms).ok_or("not a defined term of Specific Character Set, such as 'ISO_IR 100'")
}

/// Adds, lists, removes or echoes.
pub async fn run(args: Args, global: &Global) -> anyhow::Result<()> {
    let config = global.load()?;
    let database = lifecycle::open_database(&config).await?;
    match args.act {
        Act::Add(add) => {
            let device = Device {
                host: Some(add.host),
                port: Some(add.port),
                facility: add.facility,
                description: add.description,
                modality: add.modality,
                room: add.room,
                character_set: add.character_set,
                dealings: Dealings {
                    send_limit: add.send_limit,
                    retrieve_by: RetrieveBy::parse(&add.retrieve_by).context("move or get")?,
                    is_archive: add.priors,
                    asks_commitment: add.commitment,
                    takes_performed_steps: add.performed_steps,
                    takes_availability: add.availability,
                },
                rules: add.rules.into(),
                ..Device::named(add.ae_title)
            };
            devices::upsert(&database, &device).await?;
            commands::administered(&database, format!("device:{}", device.ae_title), "add").await?;
        }
        Act::List => list(&database).await?,
        Act::Remove { ae_title } => match devices::remove(&database, &ae_title).await {
            Err(storage::Error::NotFound) => bail!("there is no device {ae_title}"),
            removed => {
                removed?;
                commands::administered(&database, format!("device:{ae_title}"), "remove").await?;
            }
        },
        Act::Echo { ae_title } => echo(&database, &config.dimse, &ae_title).await?,
    }
    database.close().await;
    Ok(())
}

async fn list(database: &Database) -> anyhow::Result<()> {
    let rows: Vec<Vec<String>> = devices::list(database)
        .await?
        .into_iter()
        .map(|device| {
            let address = match (device.host, device.port) {
                (Some(host), Some(port)) => scu::address(&host, port),
                (Some(host), None) => host,
                _ => String::new(),
            };
            vec![
                device.ae_title.to_string(),
                address,
                device.facility.unwrap_or_default(),
                device.modality.unwrap_or_default(),
                device.character_set.map(|set| set.to_string()).unwrap_or_default(),
                device.source.as_str().to_owned(),
                device.last_seen_ms.map(clock::rfc3339).unwrap_or_else(|| "never".to_owned()),
                device.description,
            ]
        })
        .collect();
    commands::print(&commands::table(
        &[
            "AE title",
            "address",
            "facility",
            "modality",
            "character set",
            "source",
            "last seen",
            "description",
        ],
        &rows,
    ))
}

/// How an association to a device is opened. Fails when it has to be encrypted and cannot be.
pub(super) fn options_for(own: &Dimse, device: &Device) -> anyhow::Result<Options> {
    let tls = match (device.rules.requires_tls, &own.tls) {
        (false, _) => None,
        (true, Some(files)) => Some(Secured::to(Arc::new(Tls::read(files.clone())?), device)),
        (true, None) => {
            let title = &device.ae_title;
            bail!("{title} requires TLS, and no certificate is configured (dimse_tls_certificate)")
        }
    };
    Ok(Options { tls, ..Options::default() })
}

async fn echo(database: &Database, own: &Dimse, ae_title: &AeTitle) -> anyhow::Result<()> {
    let Some(device) = devices::by_ae(database, ae_title).await? else {
        bail!("there is no device {ae_title}")
    };
    let (Some(host), Some(port)) = (&device.host, device.port) else { bail!("{ae_title} has no address") };
    let target = Target {
        address: scu::address(host, port),
        calling_ae: own.ae_title.clone(),
        called_ae: ae_title.clone(),
    };
    let options = options_for(own, &device)?;
    let syntaxes =
        vec![Uid::parse(uids::IMPLICIT_VR_LITTLE_ENDIAN)?, Uid::parse(uids::EXPLICIT_VR_LITTLE_ENDIAN)?];
    let proposals = [Proposal::new(Uid::parse(uids::VERIFICATION)?, syntaxes)];
    let mut association = Association::connect(&target, &proposals, &options)
        .await
        .with_context(|| format!("{ae_title} at {}", target.address))?;
    let status = association.echo().await.with_context(|| format!("{ae_title} at {}", target.address))?;
    association.release().await?;
    if status.is_failure() {
        bail!("{ae_title} answered with status {:#06x}", status.0);
    }
    commands::print(&format!("{ae_title} at {} answers", target.address))
}
