//! `sen bench web`: what pages and viewers ask for all day, beside a file server with the same bytes.

mod codec;
mod queries;
pub mod requests;
pub mod service;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use anyhow::bail;
use clap::{Args as ClapArgs, ValueEnum};
use url::Url;

use self::requests::{Kind, Made, in_other_words};
use self::service::{Service, turn};
use super::measure::{self, Measurement, grouped};
use crate::commands;

/// What `sen bench web` takes.
#[derive(Debug, ClapArgs)]
#[command(after_help = "\
With --files and --files-url every answer is also written to a file, and the file server that serves
that folder is asked for it in turns with the archive: the same bytes, the same clients, the same
minute. The table says how the archive's rate is to that of the files: 0.5 is half as many a second.

    sen bench web images --url http://127.0.0.1:8080/dicomweb --files ./www --files-url http://127.0.0.1:8081")]
pub struct Args {
    /// What to ask for
    #[arg(value_enum)]
    of: Of,

    /// Where the archive's DICOMweb begins, such as http://127.0.0.1:8080/dicomweb
    #[arg(long)]
    url: Url,

    /// Bearer token; better in the variable than on the command line
    #[arg(long, env = "SEN_BENCH_TOKEN", hide_env_values = true)]
    token: Option<String>,

    /// Folder that a file server serves
    #[arg(long, value_name = "FOLDER", requires = "files_url")]
    files: Option<PathBuf>,

    /// Where the file server serves it
    #[arg(long, value_name = "URL", requires = "files")]
    files_url: Option<Url>,

    /// DICOMweb of another archive that has the same studies
    #[arg(long, value_name = "URL")]
    other: Option<Url>,

    /// Ask only for work whose name has this in it
    #[arg(long, value_name = "TEXT", default_value = "")]
    only: String,

    /// Numbers of clients asking at the same time, one after the other
    #[arg(long, value_delimiter = ',', default_value = "1,8")]
    clients: Vec<usize>,

    /// How long a turn lasts
    #[arg(long, default_value_t = 700)]
    turn_ms: u64,

    /// Turns of each service
    #[arg(long, default_value_t = 3)]
    rounds: u32,

    /// Study whose images are asked for; otherwise those of the newest
    #[arg(long, value_name = "UID")]
    study: Option<String>,

    /// Process whose memory is shown, when the archive runs on this machine
    #[arg(long)]
    pid: Option<u32>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Of {
    /// QIDO-RS: every kind of search, and the day's list of exams
    Queries,
    /// WADO-RS: metadata, frames, instances, pictures
    Images,
}

/// The headings of what is measured beside the archive.
const FILES: &str = "files";
const OTHER: &str = "other";

/// Asks every service in turns and prints a table.
pub async fn run(args: Args) -> anyhow::Result<()> {
    let archive = Service::new(&args.url, args.token.as_deref())?;
    let (mut kinds, left_out) = match args.of {
        Of::Queries => {
            let queries = queries::queries(&archive).await?;
            (queries.kinds, queries.left_out)
        }
        Of::Images => (requests::images(&archive, args.study.as_deref()).await?, Vec::new()),
    };
    kinds.retain(|kind| kind.what.contains(&args.only));
    let mut services = vec![Asked { name: "archive", service: archive, files: None }];
    if let (Some(folder), Some(url)) = (&args.files, &args.files_url) {
        let files = Some(folder.clone());
        services.push(Asked { name: FILES, service: Service::new(url, None)?, files });
    }
    if let Some(url) = &args.other {
        services.push(Asked { name: OTHER, service: Service::new(url, None)?, files: None });
    }
    let mut rows = Vec::new();
    let mut failures = 0;
    let turns = kinds.len() * args.clients.len() * services.len() * args.rounds as usize;
    let bar = commands::progress_bar(turns as u64, "turns");
    for kind in &kinds {
        let mut paths = Vec::new();
        for asked in &services {
            paths.push(asked.paths(kind, &services).await?);
        }
        // It goes on through all turns, so that what is to be made anew is never what was made before.
        let next: Vec<Arc<AtomicUsize>> = services.iter().map(|_| Arc::default()).collect();
        for &clients in &args.clients {
            let mut measured: Vec<(Measurement, Duration)> = vec![Default::default(); services.len()];
            for _ in 0..args.rounds {
                for (((asked, paths), next), sum) in services.iter().zip(&paths).zip(&next).zip(&mut measured)
                {
                    bar.inc(1);
                    let lasts = Duration::from_millis(args.turn_ms);
                    let (one, elapsed) = match (paths, &kind.made) {
                        (None, _) => continue,
                        (Some(_), Made::Alone(codec)) => codec.turn(clients, lasts).await?,
                        (Some(paths), _) => {
                            turn(&asked.service, (paths, kind.accept), clients, lasts, next).await?
                        }
                    };
                    sum.0.merge(one);
                    sum.1 += elapsed;
                }
            }
            // What another archive does not have is none of this measurement's failures.
            let must = services.iter().zip(&measured).filter(|(asked, _)| asked.name != OTHER);
            failures += must.map(|(_, (measured, _))| measured.failures()).sum::<u64>();
            rows.push(row(kind, clients, &services, &mut measured));
        }
    }
    bar.finish_and_clear();
    let mut headings = vec!["work", "bytes", "clients"];
    for asked in &services {
        headings.push(asked.name);
        if asked.files.is_some() {
            headings.push("archive to files");
        }
    }
    measure::print_under(&headings, &rows, args.pid)?;
    for why in left_out {
        commands::print(&format!("left out: {why}"))?;
    }
    if failures > 0 {
        bail!("{failures} requests failed");
    }
    Ok(())
}

/// One that is asked.
struct Asked {
    name: &'static str,
    service: Service,
    /// Folder that answers of the first are written to, when this is a file server.
    files: Option<PathBuf>,
}

impl Asked {
    /// Where this service has the answers of a kind; `None` when it cannot have them.
    async fn paths(&self, kind: &Kind, services: &[Self]) -> anyhow::Result<Option<Arc<Vec<String>>>> {
        let (Some(folder), Some(archive)) = (&self.files, services.first()) else {
            let has = self.name != OTHER || matches!(kind.made, Made::Ready | Made::Anew | Made::Searched);
            return Ok(has.then(|| match kind.made {
                Made::Searched => Arc::new(in_other_words(&kind.paths)),
                _ => Arc::clone(&kind.paths),
            }));
        };
        if matches!(kind.made, Made::Anew | Made::Alone(_)) {
            return Ok(None);
        }
        let below = folder.join(name_of(&kind.what));
        tokio::fs::create_dir_all(&below).await?;
        let mut paths = Vec::new();
        for (number, path) in kind.paths.iter().enumerate() {
            let file = below.join(number.to_string());
            archive.service.copy(path, kind.accept, &file).await?;
            paths.push(format!("/{}/{number}", name_of(&kind.what)));
        }
        Ok(Some(Arc::new(paths)))
    }
}

/// A folder's name for a kind of request.
fn name_of(what: &str) -> String {
    what.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect()
}

/// What was asked, and for each service how many a second and how long one took; beside files, how the archive's rate
/// is to theirs.
fn row(
    kind: &Kind,
    clients: usize,
    services: &[Asked],
    measured: &mut [(Measurement, Duration)],
) -> Vec<String> {
    let archive = measured
        .first()
        .map_or((0, 0.0), |(archive, elapsed)| (archive.bytes_each(), archive.rate(*elapsed)));
    let mut row = vec![kind.what.clone(), grouped(archive.0), clients.to_string()];
    for (asked, (measured, elapsed)) in services.iter().zip(measured) {
        let rate = measured.rate(*elapsed);
        let is_there = measured.count() > 0;
        row.push(match is_there {
            true => format!("{}/s, {}", grouped(rate.round() as u64), measured.at(0.5)),
            false => String::new(),
        });
        if asked.files.is_some() {
            row.push(if is_there { format!("{:.2}", archive.1 / rate) } else { String::new() });
        }
    }
    row
}
