//! `sen reindex`: the rows again from what lies in the object store.

use anyhow::bail;
use clap::Args as ClapArgs;

use crate::commands::{self, Global};
use crate::lifecycle;

/// What `sen reindex` takes.
#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Adds the rows that are missing, from the journal of acts, the packs and the spool, and corrects those
that point into a part of the spool that has gone since; what else is there stays as it is, so it may be
run on an empty database, after a restored backup, and again. What was deleted stays deleted. Orders,
accounts and devices are not in the object store: they come back from a backup of the database. The
archive must not be served at the same time.")]
pub struct Args {}

/// Rebuilds what the index lacks.
pub async fn run(_args: Args, global: &Global) -> anyhow::Result<()> {
    let config = global.load()?;
    let archive = lifecycle::open_archive(&config).await?;
    let spinner = commands::spinner();
    let rebuilt = archive
        .reindex(|so_far| {
            spinner.set_message(format!("{} packs, {} instances added", so_far.packs, so_far.added))
        })
        .await;
    spinner.finish_and_clear();
    archive.close().await;
    let report = rebuilt?;
    commands::print(&format!(
        "{} packs read, {} instances added, {} were there, {} stay deleted, {} acts taken from the journal",
        report.packs, report.added, report.present, report.deleted, report.acts
    ))?;
    if report.made_anew > 0 {
        commands::print(&format!(
            "{} companions of packs were damaged or gone and were made anew",
            report.made_anew
        ))?;
    }
    if report.damaged > 0 {
        bail!(
            "{} packs, acts or other objects are damaged and were left out; the log names them",
            report.damaged
        );
    }
    Ok(())
}
