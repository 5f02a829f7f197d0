//! `sen verify`: is everything that was kept still what was sent?

use anyhow::bail;
use clap::Args as ClapArgs;
use indicatif::HumanBytes;

use crate::commands::{self, Global};
use crate::lifecycle;

/// What `sen verify` takes.
#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Reads every stored instance and compares it with the hash taken when it arrived. The archive may be served
meanwhile, by this machine. Exit status 1 when anything is damaged or missing.")]
pub struct Args {}

/// Reads everything back and names what is damaged.
pub async fn run(_args: Args, global: &Global) -> anyhow::Result<()> {
    let config = global.load()?;
    let archive = lifecycle::open_to_read(&config).await?;
    let spinner = commands::spinner();
    let verified = archive
        .verify(|so_far| {
            spinner.set_message(format!("{} instances, {}", so_far.instances, HumanBytes(so_far.bytes)));
        })
        .await;
    spinner.finish_and_clear();
    archive.close().await;
    let report = verified?;
    for (uid, why) in &report.named {
        commands::print(&format!("damaged: {uid}: {why}"))?;
    }
    commands::print(&format!("{} instances read, {} damaged", report.instances, report.damaged))?;
    if report.damaged > 0 {
        bail!("{} instances are not what was stored; take them back from a backup", report.damaged);
    }
    Ok(())
}
