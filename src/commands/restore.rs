//! `sen restore`: a backup into an empty place.

use anyhow::{Context as _, bail};
use clap::Args as ClapArgs;
use indicatif::HumanBytes;
use storage::ReindexReport;
use storage::backup::restore::{self, Place};

use crate::commands::backup::{no_backup, target};
use crate::commands::{self, Global};
use crate::lifecycle;

/// What `sen restore` takes.
#[derive(Debug, ClapArgs)]
#[command(after_help = "\
The place is the one that the configuration names: its database, object store and spool have to be empty, or this
command changes nothing and says what is there. Everything comes back: images, corrections and what was deleted,
orders, reports, accounts, devices, the audit log; nobody is signed in. Images and acts that are newer than the backup
and lie beside it are indexed; those of another archive, such as a trial restore of this one, are not, and the command
says how many there are and of which archive. A restore that was broken off is run again and goes on; until it has
ended, nothing else opens the archive. Exit status 1 when nothing was restored, or when a part of the backup was
damaged: the list says which.")]
pub struct Args {
    /// Where the backups are: a folder or s3://bucket/prefix [default: backup_url of the configuration]
    #[arg(long, value_name = "PLACE")]
    from: Option<String>,

    /// As it was then: what is newer and lies beside the backup is left out, deletions too, now and by later restores
    #[arg(long)]
    as_it_was: bool,

    /// Which one, as `sen backup --list` calls it; needed where two archives have taken them [default: the newest]
    #[arg(value_name = "NAME")]
    snapshot: Option<String>,
}

/// Restores and indexes.
pub async fn run(args: Args, global: &Global) -> anyhow::Result<()> {
    let config = global.load()?;
    let target = target(args.from.as_deref(), &config).await?;
    let place = Place::open(config.store.to_storage())
        .await
        .with_context(|| format!("cannot open the place ({})", config.store.describe()))?;
    let spinner = commands::spinner();
    let (snapshot, as_it_was) = (args.snapshot.as_deref(), args.as_it_was);
    let restored = restore::restore(&place, &target, snapshot, as_it_was, |so_far| {
        spinner.set_message(format!("{} objects, {}", so_far.objects, HumanBytes(so_far.copied_bytes)));
    })
    .await;
    let report = match restored {
        Ok(report) => report,
        Err(error) => {
            spinner.finish_and_clear();
            return Err(no_backup(error, args.snapshot.as_deref()));
        }
    };
    let archive = lifecycle::open_restored(&config).await?;
    let indexed = if as_it_was { Ok(ReindexReport::default()) } else { archive.index_newer(|_| {}).await };
    spinner.finish_and_clear();
    archive.close().await;
    let indexed = indexed?;
    place.finished().await?;
    for (key, why) in &report.named {
        commands::print(&format!("damaged: {key}: {why}"))?;
    }
    commands::print(&format!(
        "{} of {}: {} rows, {} segments of the spool, {} objects, {} copied; newer than that: {} objects, {} instances, {} acts",
        report.snapshot,
        report.taken_at,
        report.rows,
        report.segments,
        report.objects,
        HumanBytes(report.copied_bytes),
        report.newer,
        indexed.added,
        indexed.acts
    ))?;
    for (mark, count) in &report.of_others {
        let whose = match mark.as_str() {
            "" => "the original archive".to_owned(),
            mark => format!("the archive that was restored with the mark {mark}"),
        };
        commands::print(&format!("left out: {count} objects, which {whose} has written"))?;
    }
    if report.damaged > 0 || indexed.damaged > 0 {
        bail!(
            "{} parts of the backup were damaged and are restored as they are; `sen verify` names the images",
            report.damaged + indexed.damaged
        );
    }
    Ok(())
}
