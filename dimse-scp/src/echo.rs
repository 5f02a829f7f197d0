//! Echo tests that somebody asked for by a job: a device is called, and what came of it is the job's result.

use std::time::Duration;

use pacs_core::uid::{AeTitle, Uid};
use pacs_core::uids;
use pacs_core::why::Why;
use serde_json::{Value, json};
use storage::devices::{self, Device};
use storage::jobs::{self, Job};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::cause;
use crate::listener::Shared;
use crate::refused::Reason;
use crate::scu::{self, Association, Error, Proposal, Target};

/// How often tests are looked for; somebody waits.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// Tests at a time.
const AT_ONCE: usize = 4;
/// No test takes longer: connecting, TLS, the association and the echo each have their own limit.
const LEASE_MS: i64 = 3 * 60_000;

/// Tests until the server stops.
pub(crate) async fn run(shared: Shared) {
    let (archive, worker) = (&shared.archive, shared.new_worker());
    let mut under_way = JoinSet::new();
    loop {
        tokio::select! {
            () = shared.stopping.cancelled() => break,
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
        while under_way.try_join_next().is_some() {}
        while under_way.len() < AT_ONCE {
            let now_ms = archive.config().clock.now_ms();
            match jobs::claim(archive.database(), jobs::ECHO, &worker, LEASE_MS, now_ms).await {
                Ok(Some(job)) => drop(under_way.spawn(test(shared.clone(), worker.clone(), job))),
                Ok(None) => break,
                Err(error) => {
                    tracing::warn!(%error, "echo tests cannot be looked for");
                    break;
                }
            }
        }
    }
    // A test that is cut off here is not made again: it has failed once its lease has run out.
    under_way.abort_all();
}

async fn test(shared: Shared, worker: String, job: Job) {
    let database = shared.archive.database();
    let title =
        job.payload.get("aeTitle").and_then(Value::as_str).and_then(|title| AeTitle::parse(title).ok());
    let device = match title {
        Some(title) => devices::by_ae(database, &title).await.ok().flatten(),
        None => None,
    };
    let result = match device {
        Some(device) => outcome(&shared, &device).await,
        None => failed(&Reason::CannotLookUp.because("there is no such device")),
    };
    let now_ms = shared.archive.config().clock.now_ms();
    if let Err(error) = jobs::finish(database, job.id, &worker, &result, now_ms).await {
        tracing::warn!(%error, "what came of an echo test was not noted");
    }
}

async fn outcome(shared: &Shared, device: &Device) -> Value {
    let (Some(host), Some(port)) = (&device.host, device.port) else {
        return failed(&Reason::NoAddress.because("the device has no address and port"));
    };
    let Some((calling_ae, _)) = shared.config.ae_titles.first() else {
        return failed(&Reason::NoAddress.because("this archive has no AE title"));
    };
    let target = Target {
        address: scu::address(host, port),
        calling_ae: calling_ae.clone(),
        called_ae: device.ae_title.clone(),
    };
    let began = Instant::now();
    let echoed = match shared.options_for(device) {
        Ok(options) => echo(&target, &options).await,
        Err(why) => return failed(&Reason::NoCertificateHere.because(why)),
    };
    match echoed {
        Ok(status) if !status.is_failure() => {
            json!({ "ok": true, "tookMs": u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX) })
        }
        Ok(status) => {
            let why = Reason::Operation.because(format_args!("it answered {status}"));
            failed(&why.with("operation", "C-ECHO").answered(status.0))
        }
        Err(error) => {
            shared.failures.note_outgoing(&target, &error);
            failed(&cause::why(&error))
        }
    }
}

async fn echo(target: &Target, options: &scu::Options) -> Result<crate::dimse::Status, Error> {
    let syntaxes = [uids::IMPLICIT_VR_LITTLE_ENDIAN, uids::EXPLICIT_VR_LITTLE_ENDIAN];
    let syntaxes = syntaxes.iter().filter_map(|uid| Uid::parse(uid).ok()).collect();
    let class = Uid::parse(uids::VERIFICATION).map_err(|_| Error::NoContext)?;
    let mut association = Association::connect(target, &[Proposal::new(class, syntaxes)], options).await?;
    let status = association.echo().await?;
    // It has answered; how it says goodbye is another matter.
    if let Err(error) = association.release().await {
        tracing::debug!(%error, "the device did not answer the release");
    }
    Ok(status)
}

fn failed(why: &Why) -> Value {
    json!({ "ok": false, "reason": why.to_string() })
}
