//! `sen bench web`: what pages and viewers ask for all day, beside a file server with the same bytes.

pub mod requests;
pub mod service;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use anyhow::bail;
use clap::{Args as ClapArgs, ValueEnum};
use url::Url;

use self::requests::Kind;
use self::service::{Service, turn};
use super::measure::{self, Measurement};
use crate::commands;

/// What `sen bench web` takes.
#[derive(Debug, ClapArgs)]
#[command(after_help = "\
With --files and --files-url every answer is also written to a file, and the file server that serves
that folder is asked for it in turns with the archive: the same bytes, the same clients, the same
minute.

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
    /// QIDO-RS: studies by patient, accession number, date and name, and the newest
    Queries,
    /// WADO-RS: metadata, frames, instances, pictures
    Images,
}

/// The heading of an archive that is measured beside.
const OTHER: &str = "other";

/// Asks every service in turns and prints a table.
pub async fn run(args: Args) -> anyhow::Result<()> {
    let archive = Service::new(&args.url, args.token.as_deref())?;
    let mut kinds = match args.of {
        Of::Queries => requests::queries(&archive).await?,
        Of::Images => requests::images(&archive, args.study.as_deref()).await?,
    };
    kinds.retain(|kind| kind.what.contains(&args.only));
    let mut services = vec![Asked { name: "archive", service: archive, files: None }];
    if let (Some(folder), Some(url)) = (&args.files, &args.files_url) {
        let files = Some(folder.clone());
        services.push(Asked { name: "files", service: Service::new(url, None)?, files });
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
                    let Some(paths) = paths else { continue };
                    let lasts = Duration::from_millis(args.turn_ms);
                    let (one, elapsed) =
                        turn(&asked.service, (paths, kind.accept), clients, lasts, next).await?;
                    sum.0.merge(one);
                    sum.1 += elapsed;
                }
            }
            // What another archive does not have is none of this measurement's failures.
            let must = services.iter().zip(&measured).filter(|(asked, _)| asked.name != OTHER);
            failures += must.map(|(_, (measured, _))| measured.failures()).sum::<u64>();
            rows.push(row(kind, clients, &mut measured));
        }
    }
    bar.finish_and_clear();
    let mut headings = vec!["work".to_owned(), "bytes".to_owned(), "clients".to_owned()];
    for asked in &services {
        headings.push(format!("{}/s", asked.name));
        headings.push("median".to_owned());
        headings.push("95 %".to_owned());
    }
    let headings: Vec<&str> = headings.iter().map(String::as_str).collect();
    measure::print_under(&headings, &rows, args.pid)?;
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
            return Ok(Some(Arc::clone(&kind.paths)));
        };
        if kind.anew {
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

/// What was asked, and for each service how many a second and how long one took.
fn row(kind: &Kind, clients: usize, measured: &mut [(Measurement, Duration)]) -> Vec<String> {
    let bytes = measured.first().map_or(0, |(measured, _)| measured.bytes_each());
    let mut row = vec![kind.what.clone(), bytes.to_string(), clients.to_string()];
    for (measured, elapsed) in measured {
        let seconds = elapsed.as_secs_f64().max(f64::EPSILON);
        row.push(match measured.count() {
            0 => "-".to_owned(),
            count => format!("{:.0}", count as f64 / seconds),
        });
        row.push(measured.at(0.5));
        row.push(measured.at(0.95));
    }
    row
}
