//! `sen`: a PACS and RIS for the hospitals of a province, in one program.
//!
//! This crate is the wiring: commands, configuration, sign-in and the life of the process. What a
//! PACS *is* lies in the crates below it.

use std::process::ExitCode;

use clap::Parser;

mod commands;
mod config;
mod http;
mod lifecycle;
mod telemetry;

/// Images arrive on many threads and their buffers are freed on others; the system allocator keeps
/// such memory for itself, this one gives it back.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The exit status is 0, 1 for a failure with its reason on standard error, 2 for wrong usage (which
/// the argument parser answers itself).
fn main() -> ExitCode {
    let cli = commands::Cli::parse();
    match start(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            commands::complain(&error);
            ExitCode::FAILURE
        }
    }
}

fn start(cli: commands::Cli) -> anyhow::Result<()> {
    lifecycle::memory::be_sparing();
    // Two providers come in through dependencies, so rustls cannot choose by itself.
    rustls::crypto::ring::default_provider()
        .install_default()
        .map_err(|_| anyhow::anyhow!("a TLS provider was installed before the program began"))?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let done = runtime.block_on(commands::run(cli));
    // What had to finish was waited for. A thread that hangs, as in a file of a server that is away, would
    // otherwise keep the process from ending for ever, whatever asks it to.
    runtime.shutdown_background();
    done
}
