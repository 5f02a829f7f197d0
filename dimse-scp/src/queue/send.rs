//! Sending what is queued for a device: instance after instance over one association, each written down
//! once the device has acknowledged it.

use futures::StreamExt;
use futures::stream::BoxStream;
use pacs_core::access::Actor;
use pacs_core::audit::{AuditAct, AuditRecord};
use pacs_core::why::{Cause, Why};
use storage::InstancePlace;
use storage::jobs::Job;
use storage::transfers::{self, Progress, Task, Trouble, commitments};

use super::peer;
use super::work::{Ended, is_passing};
use crate::listener::Shared;
use crate::scu;
use crate::services::sender::{Sender, Unsent};
use crate::services::stored::{Opened, Unsendable, opened};

/// Sends what a job is about, and has not been sent by an earlier try.
pub async fn work(shared: &Shared, job: &Job, worker: &str) -> storage::Result<Ended> {
    let (archive, task) = (&shared.archive, Task::of(job)?);
    let database = archive.database();
    let peer = match peer::find(shared, &task.device).await? {
        Ok(peer) => peer,
        Err(why) => return Ok(Ended::Never(why)),
    };
    let progress = Progress::of(database, job, worker);
    let standing = progress.begin_send(&task).await?;
    let kinds = transfers::kinds(database, &task).await?;
    if kinds.is_empty() && standing.moved == 0 {
        return Ok(Ended::Never(Trouble::Gone.because("the images are no longer here")));
    }
    let asks_commitment = peer.device.dealings.asks_commitment;
    // What it can read of instances that were corrected.
    let letters = peer.letters();
    let mut errand = Errand {
        shared,
        sender: Sender::new(shared, peer.target, peer.options, &kinds, None),
        progress,
        task: &task,
        created_by: job.created_by.as_deref(),
        recorded: standing.moved > 0,
        missed: Missed::default(),
    };
    // What has failed comes last: it may be what the device breaks off at.
    let untried = opened(archive, transfers::places(database, &task, standing.after_id), letters);
    let mut ended = errand.send_all(untried, false).await;
    if let Ok(None) = ended
        && standing.failed > 0
    {
        let failed = transfers::places_that_failed(database, job.id, standing.after_id);
        ended = errand.send_all(opened(archive, failed, letters), true).await;
    }
    errand.sender.release().await;
    let (ended, missed) = (ended?, errand.missed);
    if ended.is_none() && missed.last.is_none() && asks_commitment {
        let now_ms = archive.config().clock.now_ms();
        commitments::queue(database, job, &task.device, now_ms).await?;
    }
    Ok(match (ended, missed) {
        (Some(ended), _) => ended,
        (None, Missed { last: None, .. }) => Ended::Done,
        (None, Missed { last: Some(why), may_help: true }) => Ended::Later(why),
        (None, Missed { last: Some(why), may_help: false }) => Ended::Never(why),
    })
}

/// What did not arrive in this try.
#[derive(Default)]
struct Missed {
    /// Why the last one did not.
    last: Option<Why>,
    /// Whether another try may help any of them.
    may_help: bool,
}

struct Errand<'a> {
    shared: &'a Shared,
    sender: Sender,
    progress: Progress,
    task: &'a Task,
    created_by: Option<&'a str>,
    /// Whether the audit log knows that images of the study went out.
    recorded: bool,
    missed: Missed,
}

type Instances = BoxStream<'static, storage::Result<(InstancePlace, storage::Result<Opened>)>>;

impl Errand<'_> {
    /// Sends these; answers how it ended when it could not go on. `again`: they failed before.
    async fn send_all(&mut self, mut instances: Instances, again: bool) -> storage::Result<Option<Ended>> {
        while let Some(instance) = instances.next().await {
            if self.shared.stopping.is_cancelled() {
                return Ok(Some(Ended::Stopped));
            }
            let (place, opened) = instance?;
            let (why, may_help) = match self.sender.send(&place, opened).await {
                Ok(response) if !response.status.is_failure() => {
                    self.progress.moved(&place, again).await?;
                    self.record().await;
                    continue;
                }
                Ok(response) => {
                    let status = response.status;
                    let why = Trouble::Refused.because(format_args!("the receiver answered {status}"));
                    (why.answered(status.0), is_passing(status))
                }
                Err(Unsent::Unsendable(unsendable)) => {
                    let (word, cause, is_ours) = match &unsendable {
                        Unsendable::NoContext { .. } => (Trouble::NoContext, None, false),
                        Unsendable::Storage(error) => (Trouble::Unreadable, error.cause(), true),
                        Unsendable::NotRewritable(_) => (Trouble::Unreadable, None, false),
                    };
                    (word.because(unsendable.told()).of(cause), is_ours)
                }
                // The next one gets an association of its own; when that breaks as well, the device is given up.
                Err(Unsent::Failed(error @ (scu::Error::Ended(_) | scu::Error::Withheld(_)))) => {
                    (peer::reason(&error), true)
                }
                Err(Unsent::Failed(error)) => (peer::reason(&error), false),
                // With the next try its kind is proposed beside the others.
                Err(Unsent::LateKind(error)) => (peer::reason(&error), true),
                Err(Unsent::Unopened(error)) => return Ok(Some(Ended::Away(peer::reason(&error)))),
                // It takes associations, and breaks them off: that may be for these images, and others go on.
                Err(Unsent::GivenUp(why)) => {
                    return Ok(Some(Ended::Later(Trouble::Broken.because(why).of(Cause::GivenUp))));
                }
            };
            self.progress.failed(&place, &why.to_string(), again).await?;
            self.missed = Missed { last: Some(why), may_help: may_help || self.missed.may_help };
        }
        Ok(None)
    }

    /// Tells the audit log, once, that images of the study went out.
    async fn record(&mut self) {
        metrics::counter!("sen_queue_sent_total").increment(1);
        if !std::mem::replace(&mut self.recorded, true) {
            let subject = format!("study:{}", self.task.study);
            let record = AuditRecord::done(&Actor::system(), AuditAct::Send, subject, None);
            let actor = self.created_by.map_or(record.actor.clone(), str::to_owned);
            let record = AuditRecord { actor, ..record }.because(Some(self.task.device.as_str()));
            self.shared.audit_log.record(record).await;
        }
    }
}
