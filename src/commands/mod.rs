//! The commands, one a file, and what they share: how they speak to a terminal.

mod backup;
mod bench;
mod demo;
mod device;
mod doctor;
pub mod import;
mod intake;
mod migrate;
mod pull;
mod query;
mod reindex;
mod restore;
mod serve;
mod token;
mod user;
mod verify;

use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};
use pacs_core::access::{Actor, Facilities, Role};
use pacs_core::audit::{AuditAct, AuditRecord};
use pacs_core::clock::Clock;
use storage::audit_log;
use storage::database::Database;

use crate::config::{Config, Overrides};
use crate::telemetry;

/// A PACS and RIS for the hospitals of a province
#[derive(Debug, Parser)]
#[command(name = "sen", version, propagate_version = true, max_term_width = 100, after_help = AFTER_HELP)]
pub struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

const AFTER_HELP: &str = "\
Configuration: sen.toml of the working directory (or SEN_CONFIG), then variables SEN_…; `sen doctor`
shows what is in force and what is wrong. SEN_LOG sets what is logged, such as SEN_LOG=debug.

Exit status: 0; 1 for a failure, with its reason on standard error; 2 for wrong usage.";

/// Options of every command.
#[derive(Debug, Clone, Args)]
pub struct Global {
    /// Configuration file [default: ./sen.toml if it is there]
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
}

impl Global {
    /// The configuration in force; its warnings go to the log.
    pub fn load(&self) -> anyhow::Result<Config> {
        self.load_with(&Overrides::default())
    }

    /// The configuration in force, with what a command changes.
    pub fn load_with(&self, overrides: &Overrides) -> anyhow::Result<Config> {
        let config = Config::load(self.config.as_deref(), overrides)?;
        for warning in &config.warnings {
            tracing::warn!("{warning}");
        }
        Ok(config)
    }
}

/// Records that somebody at the machine changed a device, an account or a token.
async fn administered(database: &Database, subject: String, what: &str) -> anyhow::Result<()> {
    let record = AuditRecord::done(&Actor::system(), AuditAct::Administer, subject, None).because(Some(what));
    Ok(audit_log::append(database, &[(record, Clock::system().now_ms())]).await?)
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the archive: DICOM, DICOMweb and the pages
    Serve(serve::Args),
    /// Run a demonstration with the synthetic images of an invented province
    Demo(demo::Args),
    /// Take files, folders, ZIP files or DICOMDIR sets into the archive
    Import(import::Args),
    /// Pull everything out of another PACS
    Migrate(migrate::Args),
    /// Accounts of people
    User(user::Args),
    /// Tokens of programs
    Token(token::Args),
    /// Devices that may push and query, and that images can be sent to
    Device(device::Args),
    /// Ask another archive which studies it has
    Query(query::Args),
    /// Have a study of another archive sent here
    Pull(pull::Args),
    /// Check configuration, folders, database, object store and ports
    Doctor(doctor::Args),
    /// Rebuild the index from the packs and the journal
    Reindex(reindex::Args),
    /// Read stored objects back and compare them with their hashes
    Verify(verify::Args),
    /// Copy everything that is kept into a folder or bucket, also while the archive is served
    Backup(backup::Args),
    /// Put a backup back into an empty place
    Restore(restore::Args),
    /// Measure this or any other PACS
    Bench(bench::Args),
}

/// Runs the command of the command line.
pub async fn run(cli: Cli) -> anyhow::Result<()> {
    let Cli { global, command } = cli;
    telemetry::start_logging(match command {
        Command::Serve(_) => "info",
        // These speak to a person through their own output.
        _ => "warn",
    });
    match command {
        Command::Serve(args) => serve::run(args, &global).await,
        Command::Demo(args) => demo::run(args, &global).await,
        Command::Import(args) => import::run(args, &global).await,
        Command::Migrate(args) => migrate::run(args, &global).await,
        Command::User(args) => user::run(args, &global).await,
        Command::Token(args) => token::run(args, &global).await,
        Command::Device(args) => device::run(args, &global).await,
        Command::Query(args) => query::run(args, &global).await,
        Command::Pull(args) => pull::run(args, &global).await,
        Command::Doctor(args) => doctor::run(args, &global).await,
        Command::Reindex(args) => reindex::run(args, &global).await,
        Command::Verify(args) => verify::run(args, &global).await,
        Command::Backup(args) => backup::run(args, &global).await,
        Command::Restore(args) => restore::run(args, &global).await,
        Command::Bench(args) => bench::run(args, &global).await,
    }
}

/// Writes what a command answers to standard output, ending with a line break.
pub fn print(text: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())?;
    if !text.ends_with('\n') {
        out.write_all(b"\n")?;
    }
    out.flush()?;
    Ok(())
}

/// Writes what a person should read beside a command's answer to standard error.
pub fn tell(text: &str) {
    // Nobody reads it when standard error is closed; that is no reason to stop.
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// Writes the reason of a failure to standard error.
pub fn complain(error: &anyhow::Error) {
    tell(&format!("sen: {error:#}"));
}

/// Reads a role from the command line, and tells help which there are.
pub fn role() -> impl TypedValueParser<Value = Role> {
    PossibleValuesParser::new(Role::ALL.map(Role::as_str))
        .try_map(|word| Role::parse(&word).ok_or("there is no such role"))
}

/// The facilities of a command line: none named means all.
pub fn facilities(codes: Vec<String>) -> Facilities {
    if codes.is_empty() { Facilities::All } else { Facilities::Only(codes) }
}

/// Whether a person reads standard output.
pub fn is_terminal() -> bool {
    std::io::stdout().is_terminal()
}

/// A bar of so many things on standard error; invisible when that is no terminal.
pub fn progress_bar(total: u64, unit: &str) -> ProgressBar {
    let bar = ProgressBar::new(total);
    let template = format!("{{msg}} {{wide_bar}} {{pos}}/{{len}} {unit}, {{per_sec}}, {{eta}} left");
    if let Ok(style) = ProgressStyle::with_template(&template) {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

/// Something that moves on standard error while nobody knows how much is left.
pub fn spinner() -> ProgressBar {
    let spinner = ProgressBar::new_spinner();
    spinner.enable_steady_tick(Duration::from_millis(200));
    spinner
}

/// Rows under headings, columns aligned.
pub fn table(headings: &[&str], rows: &[Vec<String>]) -> String {
    let mut widths: Vec<usize> = headings.iter().map(|heading| heading.chars().count()).collect();
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let line = |cells: &mut dyn Iterator<Item = &str>| {
        let padded: Vec<String> = cells
            .zip(&widths)
            .map(|(cell, width)| format!("{cell}{}", " ".repeat(width.saturating_sub(cell.chars().count()))))
            .collect();
        padded.join("  ").trim_end().to_owned() + "\n"
    };
    let mut text = line(&mut headings.iter().copied());
    for row in rows {
        text.push_str(&line(&mut row.iter().map(String::as_str)));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        use clap::CommandFactory as _;
        Cli::command().debug_assert();
    }

    #[test]
    fn tables_align_by_characters_not_bytes() {
        let text = table(
            &["name", "role"],
            &[vec!["Đặng".into(), "clerk".into()], vec!["A".into(), "device".into()]],
        );
        assert_eq!(text, "name  role\nĐặng  clerk\nA     device\n");
    }
}
