//! `sen migrate`: everything out of another PACS.

use anyhow::bail;
use clap::Args as ClapArgs;
use indicatif::HumanBytes;
use pacs_core::clock::Clock;
use pacs_core::uid::AeTitle;
use storage::database::Database;
use storage::devices;
use storage::index::facilities;
use storage::intake::migration::{Day, Settings, Source};
use storage::intake::{self, Failure, Intake, Kind, NotTaken, State};

use crate::commands::intake::{Pacing, follow, is_served, write_list};
use crate::commands::{self, Global};
use crate::config::Config;
use crate::lifecycle;

/// The first day that is asked for by itself, unless somebody says another: from before there were PACS.
const OLDEST: &str = "19900101";
const DAY_MS: i64 = 24 * 3_600_000;

/// What `sen migrate` takes.
#[derive(Debug, ClapArgs)]
#[command(after_help = "\
The other PACS is a device with host and port (`sen device add`), and has to know this archive as a destination, by its
AE title, host and port. The running server asks it for its studies day by day, the newest first (C-FIND), and pulls what
is not all here (C-MOVE); at the end those without a date, those whose date is no day or lies outside of these days, and
those that it got after their day was asked for.
It waits while the other PACS is away and goes on after a restart, with the days that it was begun with; this command
only follows, and may be ended and run again. In the end the counts of both are compared, and what could not be taken is
listed with the reason; run it again to ask for that once more. Exit status 1 while anything is missing.")]
pub struct Args {
    /// AE title of the other PACS
    #[arg(value_name = "AE_TITLE", value_parser = ae_title)]
    from: AeTitle,

    /// Oldest study date; older ones are left there and listed [default: all]
    #[arg(long, value_name = "DATE", value_parser = day)]
    since: Option<Day>,

    /// Newest study date; newer ones are left there and listed [default: all]
    #[arg(long, value_name = "DATE", value_parser = day)]
    until: Option<Day>,

    #[command(flatten)]
    pacing: Pacing,
}

fn ae_title(text: &str) -> Result<AeTitle, String> {
    AeTitle::parse(text).map_err(|error| error.to_string())
}

fn day(text: &str) -> Result<Day, String> {
    Day::parse(text).ok_or_else(|| "must be a date such as 20261123".to_owned())
}

/// Has the server pull everything, and follows it.
pub async fn run(args: Args, global: &Global) -> anyhow::Result<()> {
    let config = global.load()?;
    let database = lifecycle::open_database(&config).await?;
    let done = migrate(&args, &config, &database).await;
    database.close().await;
    done
}

async fn migrate(args: &Args, config: &Config, database: &Database) -> anyhow::Result<()> {
    let source = Source { ae_title: args.from.clone() };
    let now_ms = Clock::system().now_ms();
    if args.pacing.stop {
        if !intake::stop(database, Kind::Migration, &source, now_ms).await? {
            bail!("nothing is being pulled from {}", args.from);
        }
        return commands::print("stopped");
    }
    match devices::by_ae(database, &args.from).await? {
        Some(device) if device.host.is_some() && device.port.is_some() => {}
        Some(_) => bail!("the device {} has no host and port", args.from),
        None => bail!("{} is not a configured device: add it with `sen device add {0} HOST PORT`", args.from),
    }
    if !is_served(config).await? {
        bail!(
            "the archive is not being served: images are pulled by the running server, so start `sen serve`"
        );
    }
    let settings = match intake::running(database, Kind::Migration, &source).await? {
        Some(begun) => begun_with(args, &begun)?,
        None => {
            let zone =
                facilities::zone(&facilities::time_zone(database, &config.store.default_facility).await?);
            // A study of a device whose clock is ahead is of tomorrow.
            let newest = || Day::of(now_ms.saturating_add(DAY_MS), &zone);
            let (from, until) = (args.since.or_else(|| Day::parse(OLDEST)), args.until.or_else(newest));
            let (Some(from), Some(until)) = (from, until) else { bail!("there is no such day") };
            let (takes_older, takes_newer) = (args.since.is_none(), args.until.is_none());
            Settings { from, until, takes_older, takes_newer, bytes_per_second: 0, hours: None }
        }
    };
    let (bytes_per_second, hours) = (args.pacing.bytes_per_second(), args.pacing.hours);
    let settings = Settings { bytes_per_second, hours, ..settings };
    let (begun, goes_on) = intake::begin(database, Kind::Migration, &source, &settings, true, now_ms).await?;
    if goes_on {
        commands::tell("going on with what was begun");
    }
    let Some(ended) = follow(database, begun.id, say).await? else {
        commands::tell(&format!("it goes on in the server; `sen migrate {} --stop` ends it", args.from));
        return Ok(());
    };
    report(args, database, &ended).await
}

/// The settings of one that goes on. Its days stay as they are: some of them lie behind it.
fn begun_with(args: &Args, begun: &Intake) -> anyhow::Result<Settings> {
    let Ok(settings) = Settings::of(begun) else {
        bail!("another version of the program has begun this; end it with --stop");
    };
    let since = args.since.is_none_or(|since| since == settings.from && !settings.takes_older);
    let until = args.until.is_none_or(|until| until == settings.until && !settings.takes_newer);
    if !since || !until {
        let days = match (settings.takes_older, settings.takes_newer) {
            (true, true) => "for all days".to_owned(),
            (true, false) => format!("for all days up to {}", settings.until),
            (false, true) => format!("for all days from {} on", settings.from),
            (false, false) => format!("for the days from {} to {}", settings.from, settings.until),
        };
        bail!("{} is being asked already, {days}; end that with --stop, or name no days", args.from);
    }
    Ok(settings)
}

fn say(now: &Intake) -> String {
    let at = now.position.as_deref().unwrap_or("the newest day");
    let counts = &now.counts;
    format!(
        "at {at}: {} taken, {} were here, {} missing, {}",
        counts.taken,
        counts.present,
        counts.failed,
        HumanBytes(counts.bytes)
    )
}

async fn report(args: &Args, database: &Database, ended: &Intake) -> anyhow::Result<()> {
    let compared = intake::compare(database, ended.id).await?;
    let (mut studies, mut without_uid, mut days, mut other_dates) = (0u64, 0u64, 0u64, 0u64);
    let of_days = [NotTaken::DayRefused, NotTaken::TooManyStudies].map(NotTaken::as_str);
    let count = |failure: Failure| match &*failure.reason.code {
        _ if failure.skipped => other_dates += 1,
        code if code == NotTaken::NoStudyUid.as_str() => without_uid += failure.count(),
        code if of_days.contains(&code) => days += 1,
        _ => studies += 1,
    };
    write_list(database, ended.id, &args.pacing.list, count).await?;
    commands::print(&format!(
        "studies                   {:>10}\ninstances there           {:>10}\ninstances here            {:>10}\ntaken                     {:>10}\nstudies that lack some    {:>10}",
        compared.studies, compared.expected, compared.arrived, ended.counts.taken, compared.incomplete
    ))?;
    if compared.uncounted > 0 {
        commands::print(&format!("studies without a count   {:>10}", compared.uncounted))?;
    }
    if other_dates > 0 {
        commands::print(&format!(
            "dates not asked for       {other_dates:>10}; {} says how many studies have each",
            args.pacing.list.display()
        ))?;
    }
    let missing = [
        (studies, "study not taken whole", "studies not taken whole"),
        (without_uid, "study without a valid UID", "studies without a valid UID"),
        (days, "day not told of", "days not told of"),
    ];
    let missing = missing.into_iter().filter(|(count, ..)| *count > 0);
    let missing =
        missing.map(|(count, one, more)| format!("{count} {}", if count == 1 { one } else { more }));
    let missing: Vec<String> = missing.collect();
    if !missing.is_empty() {
        bail!(
            "{}; {} says which and why. Run this again to ask for them once more",
            missing.join(", "),
            args.pacing.list.display()
        );
    }
    if ended.state == State::Stopped {
        bail!("it was stopped before its end");
    }
    Ok(())
}
