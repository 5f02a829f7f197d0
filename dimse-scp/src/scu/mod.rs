//! The requesting side: associations that this program opens, and the operations it invokes on them.
//!
//! C-MOVE sub-operations, reports of storage commitment, the echo test of a device, and the load generator
//! use it; so do the tests.

mod connect;
mod error;
mod find;
mod instance;
pub mod listing;
mod normalized;
pub mod push;
mod retrieve;
mod store;

pub(crate) use connect::MAX_CONTEXTS;
pub use connect::{Options, Proposal, Target, address};
pub use error::Error;
pub use find::Answers;
pub use instance::{Content, Instance};
pub use retrieve::{Arrival, Heard, Moving, Outcome, Retrieval};
pub use store::Response;
pub(crate) use store::{response_of, send, store_request};

use pacs_core::uid::Uid;
use pacs_core::uids;

use crate::association::{self, Contexts, End, Event};
use crate::config::Timeouts;
use crate::dimse::{CommandError, CommandField, CommandSet, Status, command::element};
use crate::pdu::encode;

/// An association that this side asked for.
#[derive(Debug)]
pub struct Association {
    inner: association::Association,
    timeouts: Timeouts,
    last_message_id: u16,
}

impl Association {
    /// The presentation contexts that the peer accepted.
    pub fn contexts(&self) -> &Contexts {
        &self.inner.contexts
    }

    /// C-ECHO (PS3.7 9.1.5).
    pub async fn echo(&mut self) -> Result<Status, Error> {
        let class = Uid::parse(uids::VERIFICATION).map_err(|_| Error::NoContext)?;
        let context = self.context_of(&class)?;
        let request = CommandSet::request(CommandField::Echo, self.next_message_id())
            .with_uid(element::AFFECTED_SOP_CLASS_UID, &class);
        self.inner.writer.message(context.0, &request, None).await?;
        let response = self.response_to(&request).await?;
        Ok(response.status().unwrap_or(Status::CANNOT_UNDERSTAND))
    }

    /// Releases the association and waits for the answer.
    pub async fn release(mut self) -> Result<(), Error> {
        let released = self.ask_release().await;
        self.inner.writer.shut().await;
        released
    }

    async fn ask_release(&mut self) -> Result<(), Error> {
        self.inner.writer.raw(&encode::release_request()).await?;
        loop {
            match self.inner.reader.event_within(self.timeouts.response).await {
                Ok(Event::ReleaseConfirmed) => return Ok(()),
                // A release collision (PS3.8 9.2.3): both asked at once.
                Ok(Event::ReleaseRequested) => self.inner.writer.raw(&encode::release_response()).await?,
                Ok(Event::Message(..)) => self.inner.reader.skip_data().await?,
                // Some peers close the connection instead of answering.
                Err(End::Lost) => return Ok(()),
                Err(end) => return Err(end.into()),
            }
        }
    }

    /// Aborts the association.
    pub async fn abort(self) {
        self.inner.close(&End::Cut("aborted by the user")).await;
    }

    /// Bytes sent and received so far.
    pub fn bytes(&self) -> (u64, u64) {
        (self.inner.writer.sent_bytes(), self.inner.reader.received_bytes())
    }

    fn next_message_id(&mut self) -> u16 {
        self.last_message_id = self.last_message_id.checked_add(1).unwrap_or(1);
        self.last_message_id
    }

    /// The first accepted context of a SOP class, with its transfer syntax.
    fn context_of(&self, class: &Uid) -> Result<(u8, Uid), Error> {
        let context = self.inner.contexts.of_class(class).next().ok_or(Error::NoContext)?;
        Ok((context.id, context.transfer_syntax.clone()))
    }

    /// The next message, within the time a response may take.
    async fn message(&mut self) -> Result<(u8, CommandSet), Error> {
        match self.inner.reader.event_within(self.timeouts.response).await {
            Ok(Event::Message(context, command)) => Ok((context, command)),
            Ok(Event::ReleaseRequested) => {
                self.inner.writer.raw(&encode::release_response()).await?;
                Err(End::Released.into())
            }
            Ok(Event::ReleaseConfirmed) => Err(End::unexpected("a release that was not asked for").into()),
            Err(End::Idle) => Err(End::Stalled.into()),
            Err(end) => Err(end.into()),
        }
    }

    /// The response to a request, without data set.
    async fn response_to(&mut self, request: &CommandSet) -> Result<CommandSet, Error> {
        let (_, response) = self.message().await?;
        self.inner.reader.skip_data().await?;
        expect_response(&response, request.message_id())?;
        Ok(response)
    }
}

/// Checks that a message is the response to our request.
fn expect_response(response: &CommandSet, message_id: u16) -> Result<(), Error> {
    if response.operation().is_some() || response.responds_to() != Some(message_id) {
        return Err(End::unexpected("a message that does not answer ours").into());
    }
    if response.status().is_none() {
        return Err(End::from(CommandError::Missing(element::STATUS)).into());
    }
    Ok(())
}
