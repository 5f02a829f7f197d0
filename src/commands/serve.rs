//! `sen serve`: the archive and its doors.

use clap::Args as ClapArgs;

use crate::commands::{self, Global};
use crate::lifecycle;

/// What `sen serve` takes: everything else is configuration.
#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Logs go to standard error. Once everything answers, and when standard output is no terminal, one line
of JSON with the addresses goes there, for scripts and tests that let the system choose ports:

    {\"http\":\"127.0.0.1:8080\",\"dimse\":\"0.0.0.0:11112\"}

With dimse_tls_listen there is also \"dimseTls\".

The first start of an archive makes an administrator and prints its password once, on standard error.
SIGTERM and SIGINT stop in order; SIGHUP rereads facilities and devices of the configuration file, and certificates of DICOM TLS.")]
pub struct Args {}

/// Serves until told to stop.
pub async fn run(_args: Args, global: &Global) -> anyhow::Result<()> {
    let config = global.load()?;
    let reread = global.clone();
    let running = lifecycle::start(config, Box::new(move || reread.load())).await?;
    if let Some(administrator) = &running.first_administrator {
        commands::tell(&administrator.announcement());
    }
    if commands::is_terminal() {
        commands::print(&format!("Pages {}  DICOM {}", running.browser_url(), running.dimse))?;
    } else {
        let tls = running.dimse_tls.map(|address| ("dimseTls", address));
        let addresses = [("http", running.http), ("dimse", running.dimse)].into_iter().chain(tls);
        let addresses: serde_json::Map<_, _> =
            addresses.map(|(door, address)| (door.to_owned(), address.to_string().into())).collect();
        commands::print(&serde_json::Value::from(addresses).to_string())?;
    }
    running.until_stopped().await
}
