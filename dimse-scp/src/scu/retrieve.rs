//! C-MOVE and C-GET as a user (PS3.7 9.1.3 and 9.1.4, PS3.4 C.4.2 and C.4.3).

use bytes::Bytes;
use pacs_core::dataset::DataSet;
use pacs_core::tags;
use pacs_core::uid::{AeTitle, Uid};

use super::{Association, Error, expect_response};
use crate::association::End;
use crate::dimse::{CommandError, CommandField, CommandSet, Status, command::element};

/// How a retrieval ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The final status.
    pub status: Status,
    /// Sub-operations not begun, after a C-CANCEL.
    pub remaining: u16,
    /// Sub-operations that succeeded.
    pub completed: u16,
    /// Sub-operations that failed.
    pub failed: u16,
    /// Sub-operations that ended with a warning.
    pub warning: u16,
    /// The instances that did not arrive, as the peer lists them.
    pub failed_instances: Vec<Uid>,
    /// What the peer says about a failure.
    pub comment: Option<String>,
}

/// What is heard of a C-MOVE that is under way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// It has ended so.
    Ended(Outcome),
    /// A pending response: it goes on.
    Pending,
    /// Nothing, for as long as a response may take. Pending ones are optional (PS3.4 C.4.2.3.1), so that it may go on
    /// all the same.
    Nothing,
}

/// An instance that arrives as a sub-operation of C-GET.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrival {
    /// SOP Class UID.
    pub class: Uid,
    /// SOP Instance UID.
    pub instance: Uid,
    /// The encoding of the data set.
    pub transfer_syntax: Uid,
}

/// A C-GET that is under way. For each arrival read [`Retrieval::data`] to its end, then
/// [`Retrieval::answer`].
#[derive(Debug)]
pub struct Retrieval<'a> {
    association: &'a mut Association,
    context: u8,
    syntax: Uid,
    message_id: u16,
    arriving: Option<(u8, CommandSet)>,
    outcome: Option<Outcome>,
}

/// A C-MOVE that is under way.
#[derive(Debug)]
pub struct Moving<'a> {
    association: &'a mut Association,
    syntax: Uid,
    message_id: u16,
}

impl Association {
    /// Asks the peer to send matching instances to `destination`, and waits for the end.
    pub async fn move_to(
        &mut self,
        class: &Uid,
        destination: &AeTitle,
        identifier: &DataSet,
    ) -> Result<Outcome, Error> {
        let mut moving = self.begin_move(class, destination, identifier).await?;
        loop {
            match moving.heard().await? {
                Heard::Ended(outcome) => return Ok(outcome),
                Heard::Pending => {}
                Heard::Nothing => return Err(End::Stalled.into()),
            }
        }
    }

    /// Asks the peer to send matching instances to `destination`.
    pub async fn begin_move(
        &mut self,
        class: &Uid,
        destination: &AeTitle,
        identifier: &DataSet,
    ) -> Result<Moving<'_>, Error> {
        let to = |request: CommandSet| request.with_ae(element::MOVE_DESTINATION, destination);
        let (_, syntax, message_id) = self.ask(CommandField::Move, class, identifier, to).await?;
        Ok(Moving { association: self, syntax, message_id })
    }

    /// Asks the peer to send matching instances over this association.
    pub async fn get(&mut self, class: &Uid, identifier: &DataSet) -> Result<Retrieval<'_>, Error> {
        let (context, syntax, message_id) = self.ask(CommandField::Get, class, identifier, |c| c).await?;
        Ok(Retrieval { association: self, context, syntax, message_id, arriving: None, outcome: None })
    }

    /// What a response says; `None` while it is pending.
    async fn outcome(
        &mut self,
        response: &CommandSet,
        message_id: u16,
        syntax: &Uid,
    ) -> Result<Option<Outcome>, Error> {
        expect_response(response, message_id)?;
        let status = response.status().unwrap_or(Status::CANNOT_UNDERSTAND);
        let list = match response.has_data_set() {
            true => self.identifier(syntax).await?.texts(tags::FAILED_SOP_INSTANCE_UID_LIST),
            false => Vec::new(),
        };
        if status.is_pending() {
            return Ok(None);
        }
        let count = |element| response.number(element).unwrap_or_default();
        Ok(Some(Outcome {
            status,
            remaining: count(element::NUMBER_OF_REMAINING_SUBOPERATIONS),
            completed: count(element::NUMBER_OF_COMPLETED_SUBOPERATIONS),
            failed: count(element::NUMBER_OF_FAILED_SUBOPERATIONS),
            warning: count(element::NUMBER_OF_WARNING_SUBOPERATIONS),
            failed_instances: list.iter().filter_map(|uid| Uid::parse(uid).ok()).collect(),
            comment: response.text(element::ERROR_COMMENT),
        }))
    }
}

impl Moving<'_> {
    /// Waits for the next response, as long as one may take.
    pub async fn heard(&mut self) -> Result<Heard, Error> {
        let (_, response) = match self.association.message().await {
            Err(Error::Ended(End::Stalled)) => return Ok(Heard::Nothing),
            message => message?,
        };
        let outcome = self.association.outcome(&response, self.message_id, &self.syntax).await?;
        Ok(outcome.map_or(Heard::Pending, Heard::Ended))
    }
}

impl Retrieval<'_> {
    /// The next instance; `None` when there are no more, and [`Retrieval::outcome`] tells how it
    /// ended.
    pub async fn next(&mut self) -> Result<Option<Arrival>, Error> {
        loop {
            if self.outcome.is_some() {
                return Ok(None);
            }
            let (context, message) = self.association.message().await?;
            if message.operation() == Some(CommandField::Store) {
                let arrival = self.arrival(context, &message)?;
                self.arriving = Some((context, message));
                return Ok(Some(arrival));
            }
            self.outcome = self.association.outcome(&message, self.message_id, &self.syntax).await?;
        }
    }

    /// The next piece of the arriving instance's data set; `None` at its end.
    pub async fn data(&mut self) -> Result<Option<Bytes>, Error> {
        Ok(self.association.inner.reader.data().await?)
    }

    /// Tells the peer what became of the arrived instance.
    pub async fn answer(&mut self, status: Status) -> Result<(), Error> {
        let Some((context, request)) = self.arriving.take() else { return Ok(()) };
        self.association.inner.reader.skip_data().await?;
        let response = CommandSet::response(&request, status);
        Ok(self.association.inner.writer.message(context, &response, None).await?)
    }

    /// Asks the peer to stop; what is under way still comes.
    pub async fn cancel(&mut self) -> Result<(), Error> {
        self.association.send_cancel(self.context, self.message_id).await
    }

    /// How it ended, once [`Retrieval::next`] has given `None`.
    pub fn outcome(&self) -> Option<&Outcome> {
        self.outcome.as_ref()
    }

    fn arrival(&self, context: u8, request: &CommandSet) -> Result<Arrival, Error> {
        let missing = |element| End::from(CommandError::Missing(element));
        let context = self.association.inner.contexts.get(context);
        let context = context.ok_or_else(|| End::unexpected("a context that was not accepted"))?;
        let instance = request
            .uid(element::AFFECTED_SOP_INSTANCE_UID)
            .ok_or_else(|| missing(element::AFFECTED_SOP_INSTANCE_UID))?;
        Ok(Arrival {
            class: request.uid(element::AFFECTED_SOP_CLASS_UID).unwrap_or(context.abstract_syntax.clone()),
            instance,
            transfer_syntax: context.transfer_syntax.clone(),
        })
    }
}
