//! What taking in an old archive has in common, whether of files or of another PACS: its rate and hours, being followed
//! while a server does it, and the list of what was not taken.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use clap::Args as ClapArgs;
use storage::database::Database;
use storage::intake::{self, Failure, Intake, IntakeId, State};
use storage::pace::Hours;

use crate::commands;
use crate::config::Config;

/// How often a server is asked how far it is.
const ASK_EVERY: Duration = Duration::from_millis(500);
/// Names of what was not taken that are read at once.
const PAGE: u32 = 1000;

/// How fast, and when.
#[derive(Debug, Clone, ClapArgs)]
pub struct Pacing {
    /// At most so many MiB a second [default: as fast as it goes]
    #[arg(long, value_name = "MIB")]
    pub rate: Option<u64>,

    /// Only at these hours of the default facility's clock, such as 18:00-06:00
    #[arg(long, value_name = "FROM-TO", value_parser = hours)]
    pub hours: Option<Hours>,

    /// Where the list of what was not taken goes: lines of name, reason, parted by a tab
    #[arg(long, value_name = "FILE", default_value = "not-taken.tsv")]
    pub list: PathBuf,

    /// End what was begun and not finished, instead of going on with it
    #[arg(long)]
    pub stop: bool,
}

impl Pacing {
    /// The rate in bytes; 0 is as fast as it goes.
    pub fn bytes_per_second(&self) -> u64 {
        self.rate.unwrap_or(0).saturating_mul(1 << 20)
    }
}

fn hours(text: &str) -> Result<Hours, String> {
    Hours::parse(text).ok_or_else(|| "must be two times of a day, such as 18:00-06:00".to_owned())
}

/// Waits until the server has come to the end of an intake; Ctrl-C ends only the waiting. `None` when it was left so.
pub async fn follow(
    database: &Database,
    id: IntakeId,
    say: impl Fn(&Intake) -> String,
) -> anyhow::Result<Option<Intake>> {
    let spinner = commands::spinner();
    let ended = loop {
        let now = intake::by_id(database, id).await?;
        if now.state != State::Running {
            break Some(now);
        }
        let note = now.note.as_ref().map(|note| format!(" ({})", note.detail)).unwrap_or_default();
        spinner.set_message(format!("{}{note}", say(&now)));
        tokio::select! {
            () = tokio::time::sleep(ASK_EVERY) => {}
            _ = tokio::signal::ctrl_c() => break None,
        }
    };
    spinner.finish_and_clear();
    Ok(ended)
}

/// Whether another process, a server most likely, has the archive open.
pub async fn is_served(config: &Config) -> anyhow::Result<bool> {
    let spool_dir = config.store.spool_dir.clone();
    Ok(tokio::task::spawn_blocking(move || storage::is_open(&spool_dir)).await??)
}

/// Writes what was not taken into a file, and hands each of it on; answers how many that are. No file is made for none.
pub async fn write_list(
    database: &Database,
    id: IntakeId,
    path: &Path,
    mut each: impl FnMut(Failure),
) -> anyhow::Result<u64> {
    let mut written = 0;
    let mut after = String::new();
    let mut file = None;
    loop {
        let page = intake::failures(database, id, &after, PAGE).await?;
        let Some(last) = page.last() else { break };
        after.clone_from(&last.name);
        let mut lines = String::new();
        for failure in page {
            let kind = if failure.skipped { "skipped" } else { "failed" };
            lines.push_str(&format!("{kind}\t{}\t{}\n", plain(&failure.name), plain(&failure.reason.detail)));
            written += 1;
            each(failure);
        }
        let said = || format!("cannot write {}", path.display());
        let file = match &mut file {
            Some(file) => file,
            None => file.insert(std::fs::File::create(path).with_context(said)?),
        };
        file.write_all(lines.as_bytes()).with_context(said)?;
    }
    Ok(written)
}

/// Without what would part a line or a column.
fn plain(text: &str) -> String {
    text.replace(['\t', '\n', '\r'], " ")
}
