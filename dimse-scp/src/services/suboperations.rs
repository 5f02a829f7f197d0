//! The C-STORE sub-operations of a retrieval: their plan, their counts, and the responses that tell
//! of them (PS3.4 C.4.2.1.4 to C.4.2.1.8, C.4.3.1).

use std::collections::BTreeSet;
use std::pin::pin;
use std::time::Duration;

use futures::StreamExt;
use pacs_core::dataset::{self, DataSet};
use pacs_core::uid::Uid;
use pacs_core::{tags, transfer_syntax};
use tokio::time::Instant;

use super::answer;
use super::wanted::Wanted;
use crate::association::{Context, End};
use crate::dimse::{CommandSet, Status, command::element};
use crate::error::Failure;
use crate::session::Session;

/// The most UIDs that fit Failed SOP Instance UID List (0008,0058), whose VR has 16-bit lengths.
const MAX_LISTED: usize = 1000;

/// Pending responses are for people who watch and for timers that run out: this often is enough.
const PENDING_EVERY: Duration = Duration::from_millis(250);

/// A requestor is not left without one for longer than this: some give up after ten seconds.
const PENDING_WITHIN: Duration = Duration::from_secs(1);

/// What came of looking for what a retrieval is to send.
#[derive(Debug)]
pub enum Planned {
    /// SOP classes, each with the transfer syntaxes that instances of it are stored in.
    Kinds(BTreeSet<(Uid, Uid)>),
    /// The requestor has called it off.
    Cancelled,
    /// It is not known what there is.
    Failed(storage::Error),
}

/// What became of one sub-operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Suboperation {
    /// Stored by the receiver.
    Completed,
    /// Stored, with a warning.
    Warned,
    /// Not stored.
    Failed,
}

impl Suboperation {
    /// What a C-STORE response's status means.
    fn of(status: Status) -> Self {
        if status == Status::SUCCESS {
            Self::Completed
        } else if status.is_warning() {
            Self::Warned
        } else {
            Self::Failed
        }
    }
}

/// The counts of a retrieval.
#[derive(Debug)]
pub struct Progress {
    remaining: u64,
    completed: u64,
    failed: u64,
    warned: u64,
    failed_instances: Vec<Uid>,
    /// Why the last one failed, for the final Error Comment.
    reason: String,
    told: Instant,
}

impl Progress {
    /// Nothing is known to come yet.
    pub fn new() -> Self {
        Self {
            remaining: 0,
            completed: 0,
            failed: 0,
            warned: 0,
            failed_instances: Vec::new(),
            reason: String::new(),
            told: Instant::now(),
        }
    }

    /// Walks what matches without holding it, and counts it. That may take long: the requestor hears how many there are
    /// so far, and is heard.
    pub async fn plan(
        &mut self,
        session: &mut Session,
        context: &Context,
        request: &CommandSet,
        wanted: &Wanted,
    ) -> Result<Planned, End> {
        let mut places = wanted.places(session);
        let mut kinds = BTreeSet::new();
        loop {
            tokio::select! {
                // What has been read is counted first: the requestor is heard while the next page is being read.
                biased;
                place = places.next() => match place {
                    Some(Ok(place)) => {
                        self.remaining += 1;
                        let kind = (place.class, place.transfer_syntax);
                        if !kinds.contains(&kind) {
                            kinds.insert(kind);
                        }
                    }
                    Some(Err(error)) => return Ok(Planned::Failed(error)),
                    None => return Ok(Planned::Kinds(kinds)),
                },
                event = answer::meanwhile(session) => {
                    if answer::is_cancel(session, event?, request.message_id()).await? {
                        return Ok(Planned::Cancelled);
                    }
                }
                () = tokio::time::sleep_until(self.due()) => {}
            }
            self.tell(session, context, request).await?;
        }
    }

    /// Waits for what takes long: meanwhile the requestor hears how far it is, and is heard. `None`: it has called the
    /// retrieval off.
    pub async fn during<T>(
        &mut self,
        session: &mut Session,
        context: &Context,
        request: &CommandSet,
        work: impl Future<Output = T>,
    ) -> Result<Option<T>, End> {
        let mut work = pin!(work);
        loop {
            tokio::select! {
                biased;
                event = answer::meanwhile(session) => {
                    if answer::is_cancel(session, event?, request.message_id()).await? {
                        return Ok(None);
                    }
                }
                done = &mut work => return Ok(Some(done)),
                () = tokio::time::sleep_until(self.due()) => {}
            }
            self.tell(session, context, request).await?;
        }
    }

    /// How many are still to come.
    pub fn remaining(&self) -> u64 {
        self.remaining
    }

    /// How many were received with or without a warning.
    pub fn sent(&self) -> u64 {
        self.completed + self.warned
    }

    /// Counts an instance by what its receiver answered. What the receiver says beside the status
    /// goes no further: it may tell of a patient.
    pub fn answered(&mut self, instance: &Uid, status: Status) {
        match Suboperation::of(status) {
            Suboperation::Completed => self.completed += 1,
            Suboperation::Warned => self.warned += 1,
            Suboperation::Failed => {
                return self.failed(instance, format!("the receiver answered {status}"));
            }
        }
        self.remaining = self.remaining.saturating_sub(1);
    }

    /// Counts an instance that was not sent or not stored.
    pub fn failed(&mut self, instance: &Uid, why: String) {
        tracing::debug!(%instance, why, "an instance was not sent");
        self.remaining = self.remaining.saturating_sub(1);
        self.failed += 1;
        self.reason = why;
        if self.failed_instances.len() < MAX_LISTED {
            self.failed_instances.push(instance.clone());
        }
    }

    /// Counts everything that is still to come as failed: which instances those are cannot be told.
    pub fn broke_off(&mut self, error: &storage::Error) {
        self.reason = Failure::of_retrieve(error).comment;
        self.failed += std::mem::take(&mut self.remaining);
    }

    /// The status to end with when nothing was left out.
    pub fn status(&self) -> Status {
        match (self.sent(), self.failed, self.warned) {
            (_, 0, 0) => Status::SUCCESS,
            (0, 1.., _) => Status::CANNOT_PERFORM_SUBOPERATIONS,
            _ => Status::SUBOPERATIONS_FAILED,
        }
    }

    fn response(&self, request: &CommandSet, status: Status) -> CommandSet {
        let number = |count: u64| u16::try_from(count).unwrap_or(u16::MAX);
        let response = CommandSet::response(request, status)
            .with_number(element::NUMBER_OF_COMPLETED_SUBOPERATIONS, number(self.completed))
            .with_number(element::NUMBER_OF_FAILED_SUBOPERATIONS, number(self.failed))
            .with_number(element::NUMBER_OF_WARNING_SUBOPERATIONS, number(self.warned));
        // PS3.4 C.4.2.1.6: only while it goes on, and after a C-CANCEL.
        match status.is_pending() || status == Status::CANCEL {
            true => response.with_number(element::NUMBER_OF_REMAINING_SUBOPERATIONS, number(self.remaining)),
            false => response.with_comment(&self.reason),
        }
    }

    /// When the requestor has to be told again, whatever has happened.
    pub fn due(&self) -> Instant {
        self.told + PENDING_WITHIN
    }

    /// Tells the requestor how far it is, if it has not been told lately.
    pub async fn tell(
        &mut self,
        session: &mut Session,
        context: &Context,
        request: &CommandSet,
    ) -> Result<(), End> {
        if self.told.elapsed() < PENDING_EVERY {
            return Ok(());
        }
        self.told = Instant::now();
        let response = self.response(request, Status::PENDING);
        session.association.writer.message(context.id, &response, None).await
    }

    /// Ends the retrieval, with the list of what failed.
    pub async fn finish(
        &self,
        session: &mut Session,
        context: &Context,
        request: &CommandSet,
        status: Status,
    ) -> Result<(), End> {
        session.tally.sent(self.sent());
        let response = self.response(request, status);
        if self.failed_instances.is_empty() {
            return session.finish(context, request, response, &self.reason).await;
        }
        let mut list = DataSet::new();
        list.put_texts(tags::FAILED_SOP_INSTANCE_UID_LIST, &self.failed_instances);
        let mut encoded = Vec::new();
        let syntax = transfer_syntax::of(&context.transfer_syntax);
        if dataset::write(&list, &syntax, &mut encoded).is_err() {
            return session.finish(context, request, response, &self.reason).await;
        }
        session.finish_with(context, request, response.followed_by_data(), &encoded, &self.reason).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WARNED: Status = Status(0xb007);
    const FULL: Status = Status::OUT_OF_RESOURCES;

    fn progress(answers: &[Status]) -> Progress {
        let mut progress = Progress { remaining: answers.len() as u64 + 1, ..Progress::new() };
        for answer in answers {
            progress.answered(&Uid::parse("1.2").unwrap(), *answer);
        }
        progress
    }

    #[test]
    fn the_final_status_follows_from_the_counts() {
        for (answers, status) in [
            (&[][..], Status::SUCCESS),
            (&[Status::SUCCESS, Status::SUCCESS], Status::SUCCESS),
            (&[Status::SUCCESS, FULL], Status::SUBOPERATIONS_FAILED),
            (&[WARNED], Status::SUBOPERATIONS_FAILED),
            (&[WARNED, FULL], Status::SUBOPERATIONS_FAILED),
            (&[FULL, FULL], Status::CANNOT_PERFORM_SUBOPERATIONS),
        ] {
            assert_eq!(progress(answers).status(), status, "{answers:?}");
        }
    }

    #[test]
    fn what_breaks_off_has_failed() {
        let fault = || storage::Error::internal("read /secret", std::io::Error::other("secret"));
        let mut begun = progress(&[Status::SUCCESS, Status::SUCCESS]);
        begun.broke_off(&fault());
        assert_eq!((begun.remaining, begun.completed, begun.failed), (0, 2, 1));
        assert_eq!(begun.status(), Status::SUBOPERATIONS_FAILED);
        assert!(!begun.reason.is_empty() && !begun.reason.contains("secret"));
        let mut at_once = Progress { remaining: 3, ..Progress::new() };
        at_once.broke_off(&fault());
        assert_eq!(at_once.status(), Status::CANNOT_PERFORM_SUBOPERATIONS);
    }

    #[test]
    fn responses_carry_the_counts() {
        let progress = progress(&[Status::SUCCESS, FULL]);
        let request = CommandSet::request(crate::dimse::CommandField::Move, 9);
        let pending = progress.response(&request, Status::PENDING);
        assert_eq!(pending.number(element::NUMBER_OF_REMAINING_SUBOPERATIONS), Some(1));
        assert_eq!(pending.number(element::NUMBER_OF_COMPLETED_SUBOPERATIONS), Some(1));
        assert_eq!(pending.number(element::NUMBER_OF_FAILED_SUBOPERATIONS), Some(1));
        assert_eq!(pending.text(element::ERROR_COMMENT), None);
        let last = progress.response(&request, progress.status());
        assert_eq!(last.number(element::NUMBER_OF_REMAINING_SUBOPERATIONS), None);
        assert_eq!(last.text(element::ERROR_COMMENT).as_deref(), Some("the receiver answered 0xA700"));
    }
}
