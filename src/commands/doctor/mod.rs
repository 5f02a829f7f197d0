//! `sen doctor`: what is in force, what is wrong, and what to do about it.

mod disk;
mod keeping;
mod ports;
mod stores;

use std::fmt;

use anyhow::bail;
use clap::Args as ClapArgs;

use crate::commands::{self, Global};
use crate::config::{Config, SignIn};

/// What `sen doctor` takes.
#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Prints a line for each finding: how it is (`ok`; `look` where somebody should; `BAD` where it would keep
the archive from working), what it is about, and what was found and what to do about it. Looked at are the
configuration, whether callers have to say who they are, whether what they say is encrypted, data and spool
folder with their free space and how many files a second they sync, the database and its schema, how old the last
backup is and whether stored images are known to be damaged, the object store, and both ports.

Nothing is changed, so that it may run beside a server and before the first start: files written to try a
folder or the object store are taken away again, the database is only read, and ports are only tried. Exit
status 1 when anything is BAD.")]
pub struct Args {}

/// How a check came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Health {
    Good,
    Doubtful,
    Bad,
}

/// One line of the answer.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Finding {
    health: Health,
    what: &'static str,
    detail: String,
}

impl Finding {
    fn good(what: &'static str, detail: impl Into<String>) -> Self {
        Self { health: Health::Good, what, detail: detail.into() }
    }

    fn doubtful(what: &'static str, detail: impl Into<String>) -> Self {
        Self { health: Health::Doubtful, what, detail: detail.into() }
    }

    fn bad(what: &'static str, detail: impl Into<String>) -> Self {
        Self { health: Health::Bad, what, detail: detail.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = match self.health {
            Health::Good => "ok  ",
            Health::Doubtful => "look",
            Health::Bad => "BAD ",
        };
        write!(f, "{mark}  {:<14} {}", self.what, self.detail)
    }
}

/// Checks everything and prints a line for each finding.
pub async fn run(_args: Args, global: &Global) -> anyhow::Result<()> {
    let config = match global.load() {
        Ok(config) => config,
        Err(error) => {
            commands::print(&Finding::bad("configuration", format!("{error:#}")).to_string())?;
            bail!("the configuration cannot be used");
        }
    };
    let mut findings = configuration(&config);
    let (data_dir, spool_dir) = (config.store.data_dir.clone(), config.store.spool_dir.clone());
    findings.extend(
        tokio::task::spawn_blocking(move || {
            let mut findings = disk::check("data folder", &data_dir);
            findings.extend(disk::check("spool folder", &spool_dir));
            findings
        })
        .await?,
    );
    findings.extend(stores::database(&config).await);
    findings.push(stores::objects(&config).await);
    findings.extend(ports::check(&config).await);
    for finding in &findings {
        commands::print(&finding.to_string())?;
    }
    let bad = findings.iter().filter(|finding| finding.health == Health::Bad).count();
    if bad > 0 {
        bail!("{bad} of {} checks failed", findings.len());
    }
    Ok(())
}

fn configuration(config: &Config) -> Vec<Finding> {
    let source = config.file.as_ref().map_or_else(
        || "no file; defaults and variables".to_owned(),
        |path| format!("{} and variables", path.display()),
    );
    let mut findings = vec![Finding::good("configuration", source)];
    findings.extend(config.warnings.iter().map(|warning| Finding::doubtful("configuration", warning)));
    findings.push(match config.sign_in {
        SignIn::Required => Finding::good("sign-in", "required"),
        SignIn::Off => Finding::doubtful("sign-in", "off: every caller on this machine is the administrator"),
    });
    findings.push(if config.dimse.accept_unknown_callers {
        Finding::doubtful("devices", "unknown AE titles may push and query (unknown_ae = accept)")
    } else {
        Finding::good(
            "devices",
            format!("{} in the file; unknown AE titles are turned away", config.devices.len()),
        )
    });
    let is_reachable = !config.http.listen.ip().is_loopback();
    if is_reachable && config.http.tls.is_none() {
        findings.push(Finding::doubtful(
            "encryption",
            "HTTP is reachable from the network without TLS: set tls_certificate and tls_key, or put a proxy before it",
        ));
    }
    findings
}
