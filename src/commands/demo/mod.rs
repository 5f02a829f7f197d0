//! `sen demo`: an archive of an invented province, to look at and to push to.

mod load;
mod marker;
mod orders;
mod welcome;

use std::path::PathBuf;

use anyhow::bail;
use clap::Args as ClapArgs;
use pacs_core::clock::Clock;
use serde_json::json;
use storage::accounts;
use testdata::Province;

use self::marker::Marker;
use crate::commands::{self, Global};
use crate::config::{Config, Overrides};
use crate::lifecycle;

pub use load::has_studies;
pub use marker::today;

/// What `sen demo` takes.
#[derive(Debug, ClapArgs)]
#[command(after_help = "\
The first run makes hospitals, devices, patients, today's orders and studies with priors; pages and
DICOM answer at once while studies are still being made. Later runs start with what is there. Nothing
of it is real. To begin anew, delete the folder. Any AE title may push and query.")]
pub struct Args {
    /// Folder of the demonstration [default: ./sen-demo]
    #[arg(long, value_name = "FOLDER")]
    data_dir: Option<PathBuf>,

    /// Seed of the province: the same seed makes the same people and images
    #[arg(long, default_value_t = 1)]
    seed: u64,

    /// Make so many studies at most [default: all]
    #[arg(long, value_name = "COUNT")]
    studies: Option<usize>,

    /// Fill the folder and end, without serving
    #[arg(long)]
    no_serve: bool,
}

/// Serves the demonstration, filling it first where that is still to be done.
pub async fn run(args: Args, global: &Global) -> anyhow::Result<()> {
    let overrides = Overrides {
        ignore_working_directory: true,
        defaults: vec![("data_dir", "./sen-demo".to_owned()), ("unknown_ae", "accept".to_owned())],
        arguments: args.data_dir.iter().map(|folder| ("data_dir", folder.display().to_string())).collect(),
    };
    let mut config = global.load_with(&overrides)?;
    let is_default_facility = config.store.default_facility == crate::config::DEFAULT_FACILITY;
    let clock = Clock::system();
    let marker = Marker::read(&config.store.data_dir)?;
    let mut marker = match marker {
        Some(marker) => marker,
        None => Marker::new(args.seed, today(&clock)),
    };
    refuse_real_archive(&marker, &config).await?;
    marker.write(&config.store.data_dir)?;
    let province = Province::new(marker.seed, marker.made_on);
    if is_default_facility && let Some(hospital) = province.hospitals().first() {
        // What strangers push belongs to the hospital whose worklist they see.
        hospital.code.clone_into(&mut config.store.default_facility);
    }

    if args.no_serve {
        let archive = lifecycle::open_archive(&config).await?;
        orders::prepare(archive.database(), &province, today(&clock), &clock).await?;
        load::studies(&archive, &province, args.studies, &mut marker, &config.store.data_dir).await?;
        archive.close().await;
        return Ok(());
    }

    let data_dir = config.store.data_dir.clone();
    let (sign_in, ae_title) = (config.sign_in, config.dimse.ae_title.clone());
    let (reread, reread_overrides) = (global.clone(), overrides);
    let running = lifecycle::start(config, Box::new(move || reread.load_with(&reread_overrides))).await?;
    if let Some(administrator) = &running.first_administrator {
        marker.password = Some(administrator.password.clone());
        marker.write(&data_dir)?;
    }
    orders::prepare(running.archive.database(), &province, today(&clock), &clock).await?;
    if !commands::is_terminal() {
        commands::print(
            &json!({ "http": running.http.to_string(), "dimse": running.dimse.to_string() }).to_string(),
        )?;
    }
    commands::tell(&welcome::text(&running, &ae_title, sign_in, marker.password.as_deref()));

    let (archive, shutdown) = (running.archive.clone(), running.shutdown.clone());
    let loading = tokio::spawn(async move {
        let filling = load::studies(&archive, &province, args.studies, &mut marker, &data_dir);
        match shutdown.run_until_cancelled(filling).await {
            Some(Ok(0)) | None => {}
            Some(Ok(made)) => commands::tell(&format!("Đã nạp {made} ca chụp / {made} studies loaded.")),
            Some(Err(error)) => tracing::error!("the demonstration was not filled: {error:#}"),
        }
    });
    let stopped = running.until_stopped().await;
    loading.await?;
    stopped
}

/// A demonstration never mixes its people with real ones: asked before anything is opened for
/// writing, so that a real archive, also one that is being served, stays as it is.
async fn refuse_real_archive(marker: &Marker, config: &Config) -> anyhow::Result<()> {
    if !marker.is_new() {
        return Ok(());
    }
    let database = lifecycle::open_database(config).await?;
    let is_real = load::has_studies(&database).await? || !accounts::list(&database).await?.is_empty();
    database.close().await;
    if is_real {
        bail!(
            "{} holds an archive that no demonstration made; choose another folder with --data-dir",
            config.store.data_dir.display()
        );
    }
    Ok(())
}
