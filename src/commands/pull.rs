//! `sen pull`: a study of another archive into the queue of the running server.

use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::Args as ClapArgs;
use pacs_core::access::{Actor, Scope};
use pacs_core::clock::Clock;
use pacs_core::uid::{AeTitle, Uid};
use pacs_core::why::Why;
use storage::jobs::JobState;
use storage::transfers::{self, Selection, Task};

use crate::commands::{self, Global};
use crate::lifecycle;

/// How often the queue is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// Failed instances that are named.
const MOST_NAMED: u32 = 20;

/// What `sen pull` takes.
#[derive(Debug, ClapArgs)]
#[command(after_help = "\
The running server does the work; the command only watches it, and may be ended at any time. Without a
server the study is pulled when one starts.")]
pub struct Args {
    /// AE title of the archive, a configured device
    #[arg(value_parser = AeTitle::parse)]
    archive: AeTitle,

    /// Study Instance UID
    #[arg(long, value_name = "UID", value_parser = Uid::parse)]
    study: Uid,

    /// Only these series; may be given more than once
    #[arg(long, value_name = "UID", value_parser = Uid::parse)]
    series: Vec<Uid>,

    /// Do not wait for it
    #[arg(long)]
    detach: bool,
}

/// Queues the study and waits until it is here, or until it is known that it will not be.
pub async fn run(args: Args, global: &Global) -> anyhow::Result<()> {
    let config = global.load()?;
    let database = lifecycle::open_database(&config).await?;
    let selection = if args.series.is_empty() { Selection::Study } else { Selection::Series(args.series) };
    let task = Task { device: args.archive, study: args.study, selection };
    let (actor, now_ms) = (Actor::system(), Clock::system().now_ms());
    let facility = &config.store.default_facility;
    let id = transfers::pull(&database, &actor, &task, facility, now_ms)
        .await
        .with_context(|| format!("cannot pull from {}", task.device))?;
    if args.detach {
        return commands::print(&format!("queued as {}", id.0));
    }
    let bar = commands::progress_bar(0, "images");
    let ended = loop {
        let line = transfers::by_id(&database, &Scope::All, id).await?.context("it was forgotten")?;
        bar.set_length(u64::try_from(line.total.unwrap_or_default()).unwrap_or_default());
        bar.set_position(u64::try_from(line.moved).unwrap_or_default());
        if let Some(error) = &line.error {
            bar.set_message(Why::read(error).detail);
        }
        match line.state {
            JobState::Waiting | JobState::Running => tokio::time::sleep(LOOK_EVERY).await,
            JobState::Done | JobState::Failed | JobState::Cancelled => break line,
        }
    };
    bar.finish_and_clear();
    let failures = transfers::failures(&database, &Scope::All, id, MOST_NAMED).await?;
    database.close().await;
    for failure in failures {
        commands::tell(&format!("{}: {}", failure.instance, Why::read(&failure.reason).detail));
    }
    match ended.state {
        JobState::Done => commands::print(&format!("{} images are here", ended.moved)),
        JobState::Cancelled => bail!("cancelled after {} images", ended.moved),
        _ => {
            bail!("{}", ended.error.map_or_else(|| "it failed".to_owned(), |error| Why::read(&error).detail))
        }
    }
}
