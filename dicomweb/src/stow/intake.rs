//! Brings instances into the archive, one after another as their bytes come, several at a time while they are synced.

use super::assembled::Assembled;
use super::bulk::Bulk;
use super::opening::{Opened, Opener, Opening};
use super::outcome::{Failure, Outcomes};
use super::room::{Room, Rooms};
use crate::caller::Caller;
use crate::error::Error;
use crate::multipart::ReadError;
use crate::state::State;
use bytes::Bytes;
use futures::{Stream, TryStreamExt};
use pacs_core::access::Facilities;
use pacs_core::audit::AuditAct;
use pacs_core::dataset::anew::Piece;
use pacs_core::uid::Uid;
use std::collections::{BTreeSet, VecDeque};
use std::net::IpAddr;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use storage::Archive;
use storage::audit_log::AuditLog;
use storage::{Door, Envelope, Incoming, Stored};
use tokio::sync::OwnedSemaphorePermit;
use tokio::task::JoinHandle;

/// Instances that may be synced while the next one arrives: enough for the archive to commit them together.
const FINISHING_MAX: usize = 8;

/// What is the same for all instances of a request.
#[derive(Clone)]
pub struct Intake {
    archive: Archive,
    rooms: Rooms,
    facility: Option<String>,
    peer: Option<IpAddr>,
    study: Option<Uid>,
}

/// An instance whose last byte has come.
pub struct Whole {
    incoming: Incoming,
    class: Option<Uid>,
    instance: Option<Uid>,
}

impl Intake {
    /// For a request of `caller`, limited to `study` when it names one.
    pub fn new(state: &State, caller: &Caller, study: Option<Uid>) -> Self {
        let facility = match &caller.actor.facilities {
            Facilities::Only(codes) => codes.first().cloned(),
            Facilities::All => None,
        };
        let (archive, rooms) = (state.archive.clone(), state.rooms.clone());
        Self { archive, rooms, facility, peer: caller.peer, study }
    }

    /// Room for values that come beside metadata.
    pub fn room(&self) -> Room {
        self.rooms.enter(&self.archive)
    }

    /// A place for metadata in memory, once there is one.
    pub async fn place_for_metadata(&self) -> Result<OwnedSemaphorePermit, Error> {
        self.rooms.place().await
    }

    /// Streams one instance in. The outer error is the request's, the inner one the instance's.
    pub async fn take<S>(
        &self,
        mut content: S,
        named: Option<Uid>,
    ) -> Result<Result<Whole, Failure>, ReadError>
    where
        S: Stream<Item = Result<Bytes, ReadError>> + Unpin + Send,
    {
        let mut opener = Opener::new(named);
        let opened = loop {
            match opener.push(content.try_next().await?) {
                Opening::NeedMore => {}
                Opening::Refused(failure) => return Ok(Err(failure)),
                Opening::Opened(opened) => break opened,
            }
        };
        let Opened { transfer_syntax, class, instance, head, data_set } = opened;
        let about = |error: storage::Error| Failure::of(&error).about(class.clone(), instance.clone());
        // What a head says of itself is not announced: files in the field contradict their own meta information.
        let declared = |uid: &Option<Uid>| if head.is_none() { uid.clone() } else { None };
        let envelope = Envelope {
            declared_class: declared(&class),
            declared_instance: declared(&instance),
            head,
            ..self.envelope(transfer_syntax)
        };
        let mut incoming = match self.archive.begin(envelope).await {
            Ok(incoming) => incoming,
            Err(error) => return Ok(Err(about(error))),
        };
        let mut next = Some(data_set);
        while let Some(piece) = next {
            if let Err(error) = incoming.write(piece).await {
                return Ok(Err(about(error)));
            }
            next = content.try_next().await?;
        }
        Ok(Ok(Whole { incoming, class, instance }))
    }

    /// Takes in an instance that was put together from its metadata and the values in `bulk`.
    pub async fn take_assembled(&self, assembled: Assembled, bulk: &Bulk) -> Result<Whole, Failure> {
        let length_bytes = assembled.length_bytes();
        let Assembled { transfer_syntax, class, instance, pieces } = assembled;
        let about = |failure: Failure| failure.about(class.clone(), instance.clone());
        let refused = |error: storage::Error| about(Failure::of(&error));
        let envelope = Envelope {
            declared_class: class.clone(),
            declared_instance: instance.clone(),
            expected_bytes: Some(length_bytes),
            ..self.envelope(transfer_syntax)
        };
        let mut incoming = self.archive.begin(envelope).await.map_err(refused)?;
        for piece in pieces {
            match piece {
                Piece::Made(bytes) => incoming.write(bytes).await.map_err(refused)?,
                Piece::Copied { offset, length, .. } => {
                    let mut value = pin!(bulk.stream(offset..offset.saturating_add(length)));
                    let lost = |error: Error| about(Failure::of_request(&error));
                    while let Some(bytes) = value.try_next().await.map_err(lost)? {
                        incoming.write(bytes).await.map_err(refused)?;
                    }
                }
                Piece::Frames => {}
            }
        }
        Ok(Whole { incoming, class, instance })
    }

    /// What is known of an instance by its request alone.
    fn envelope(&self, transfer_syntax: Uid) -> Envelope {
        Envelope {
            transfer_syntax,
            head: None,
            declared_class: None,
            declared_instance: None,
            declared_study: self.study.clone(),
            calling_ae: None,
            called_ae: None,
            peer: self.peer,
            facility: self.facility.clone(),
            received_by: Door::Stow,
            expected_bytes: None,
        }
    }
}

impl Whole {
    async fn finish(self) -> Result<Stored, Failure> {
        let Self { incoming, class, instance } = self;
        incoming.finish().await.map_err(|error| Failure::of(&error).about(class, instance))
    }
}

/// Instances that are being made durable, in the order in which they came.
pub struct Finishing {
    outcomes: Outcomes,
    running: VecDeque<JoinHandle<Result<Stored, Failure>>>,
    record: Arc<Record>,
}

/// Records once for each study that the caller stored something of it: with the instance and not with the answer,
/// because a request may break off after much of it is kept.
struct Record {
    audit_log: AuditLog,
    caller: Caller,
    told: Mutex<BTreeSet<Uid>>,
}

impl Record {
    async fn kept(&self, study: &Uid) {
        let first = self.told.lock().unwrap_or_else(PoisonError::into_inner).insert(study.clone());
        if first {
            self.audit_log.record(self.caller.did(AuditAct::Store, study)).await;
        }
    }
}

impl Finishing {
    /// For a request of `caller`.
    pub fn new(audit_log: AuditLog, caller: Caller) -> Self {
        let record = Record { audit_log, caller, told: Mutex::default() };
        Self { outcomes: Outcomes::default(), running: VecDeque::new(), record: Arc::new(record) }
    }

    /// Lets an instance finish beside the others; waits for the oldest when there are many.
    pub async fn push(&mut self, taken: Result<Whole, Failure>) {
        if self.running.len() >= FINISHING_MAX {
            self.settle_oldest().await;
        }
        let record = Arc::clone(&self.record);
        self.running.push_back(tokio::spawn(async move {
            let stored = taken?.finish().await?;
            record.kept(&stored.study).await;
            Ok(stored)
        }));
    }

    /// Waits for all.
    pub async fn outcomes(mut self) -> Outcomes {
        while !self.running.is_empty() {
            self.settle_oldest().await;
        }
        self.outcomes
    }

    async fn settle_oldest(&mut self) {
        if let Some(task) = self.running.pop_front() {
            let outcome = task.await.unwrap_or_else(|error| {
                Err(Failure::of(&storage::Error::internal("an instance could not be finished", error)))
            });
            self.outcomes.add(outcome);
        }
    }
}
