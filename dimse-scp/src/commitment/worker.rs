//! Delivers the reports that no association could: over associations that are opened for them, with role
//! selection (PS3.4 J.3.3), as often as it takes.

use std::collections::HashMap;
use std::time::Duration;

use pacs_core::uid::{AeTitle, Uid};
use pacs_core::uids;
use pacs_core::why::{Cause, Why};
use storage::commitment::{self, Task};
use storage::devices;
use storage::transfers::Trouble;
use tokio::task::{Id, JoinError, JoinSet};

use super::{Report, instance, report};
use crate::listener::Shared;
use crate::queue::{failed, reason};
use crate::scu::{self, Association, Proposal, Target};

/// How often reports are looked for that are due again.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Devices that are told at a time, each of one request: one that is away takes its time to be away, and keeps nobody
/// else waiting with all that it has asked.
const AT_ONCE: usize = 16;
/// How long one report may take, settling a whole study and a slow device included.
const LEASE_MS: i64 = 15 * 60_000;

/// Delivers until the server stops.
pub(crate) async fn run(shared: Shared) {
    let (archive, worker) = (&shared.archive, shared.new_worker());
    match commitment::resume(archive.database(), archive.config().clock.now_ms()).await {
        Ok(0) => {}
        Ok(reports) => tracing::info!(reports, "storage commitment reports are taken up again"),
        Err(error) => tracing::warn!(%error, "storage commitment reports wait for their leases"),
    }
    let mut under_way = UnderWay::default();
    loop {
        tokio::select! {
            () = shared.stopping.cancelled() => break,
            () = shared.overdue.notified() => {}
            Some(ended) = under_way.tasks.join_next_with_id() => under_way.note(&ended),
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
        while let Some(ended) = under_way.tasks.try_join_next_with_id() {
            under_way.note(&ended);
        }
        while under_way.tasks.len() < AT_ONCE {
            let now_ms = archive.config().clock.now_ms();
            let busy: Vec<&AeTitle> = under_way.devices.values().collect();
            match commitment::claim(archive.database(), &busy, &worker, LEASE_MS, now_ms).await {
                Ok(Some(task)) => under_way.begin(&shared, &worker, task),
                Ok(None) => break,
                Err(error) => {
                    tracing::warn!(%error, "storage commitment reports cannot be looked for");
                    break;
                }
            }
        }
    }
    while under_way.tasks.join_next().await.is_some() {}
}

/// The deliveries under way, and whose they are.
#[derive(Default)]
struct UnderWay {
    tasks: JoinSet<()>,
    devices: HashMap<Id, AeTitle>,
}

impl UnderWay {
    fn begin(&mut self, shared: &Shared, worker: &str, task: Task) {
        let device = task.request.device.clone();
        let begun = self.tasks.spawn(deliver(shared.clone(), worker.to_owned(), task));
        self.devices.insert(begun.id(), device);
    }

    fn note(&mut self, ended: &Result<(Id, ()), JoinError>) {
        let id = match ended {
            Ok((id, ())) => *id,
            Err(error) => error.id(),
        };
        self.devices.remove(&id);
    }
}

async fn deliver(shared: Shared, worker: String, task: Task) {
    let database = shared.archive.database();
    let device = &task.request.device;
    let delivered = match report(&shared.archive, &task.request).await {
        Ok(report) => {
            tokio::select! {
                () = shared.stopping.cancelled() => None,
                sent = send(&shared, &task, &report) => Some(sent.map(|()| report)),
            }
        }
        Err(error) => Some(Err(here(&error))),
    };
    let now_ms = shared.archive.config().clock.now_ms();
    let noted = match delivered {
        Some(Ok(report)) => {
            report.log(device);
            shared.audit_log.record(report.record(None)).await;
            commitment::reported(database, &task, &worker).await
        }
        Some(Err(why)) => {
            tracing::warn!(%device, transaction = %task.request.transaction, why = why.detail, "a storage commitment report waits");
            commitment::put_off(database, &task, &worker, &why.to_string(), now_ms).await
        }
        // The next start takes it up.
        None => commitment::hand_over(database, &task, &worker, now_ms).await,
    };
    if let Err(error) = noted {
        tracing::warn!(%error, "what became of a storage commitment report was not noted");
    }
}

/// That this archive cannot tell just now what it keeps, or whom to tell.
fn here(error: &storage::Error) -> Why {
    Trouble::Internal.because(error).of(error.cause().filter(|cause| *cause != Cause::Internal))
}

/// Sends a report over an association of its own; fails with why the device did not take it.
async fn send(shared: &Shared, task: &Task, report: &Report) -> Result<(), Why> {
    let request = &task.request;
    let device = devices::by_ae(shared.archive.database(), &request.device).await;
    let unknown = || Trouble::NoDevice.because("it is not a configured device");
    let device = device.map_err(|error| here(&error))?.ok_or_else(unknown)?;
    let (Some(host), Some(port)) = (&device.host, device.port) else {
        return Err(Trouble::NoAddress.because("the device has no address"));
    };
    let target = Target {
        address: scu::address(host, port),
        calling_ae: request.called.clone(),
        called_ae: request.device.clone(),
    };
    let options = shared.options_for(&device).map_err(|why| Trouble::NoCertificate.because(why))?;
    let (class, instance, syntaxes) = terms().ok_or_else(|| Trouble::Internal.because("no UIDs"))?;
    let proposal = Proposal { as_provider: true, ..Proposal::new(class.clone(), syntaxes) };
    let association = Association::connect(&target, &[proposal], &options).await;
    let mut association = association.map_err(|error| {
        shared.failures.note_outgoing(&target, &error);
        reason(&error)
    })?;
    let answer = association.event_report(&class, &instance, report.event, &report.data).await;
    match answer {
        Ok(status) => {
            if let Err(error) = association.release().await {
                tracing::debug!(%error, "the device did not answer the release");
            }
            if status.is_failure() { Err(failed(status)) } else { Ok(()) }
        }
        Err(error) => {
            association.abort().await;
            Err(reason(&error))
        }
    }
}

fn terms() -> Option<(Uid, Uid, Vec<Uid>)> {
    let class = Uid::parse(uids::STORAGE_COMMITMENT_PUSH_MODEL).ok()?;
    let syntaxes = [uids::EXPLICIT_VR_LITTLE_ENDIAN, uids::IMPLICIT_VR_LITTLE_ENDIAN];
    Some((class, instance()?, syntaxes.iter().filter_map(|uid| Uid::parse(uid).ok()).collect()))
}
