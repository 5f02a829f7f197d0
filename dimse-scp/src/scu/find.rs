//! C-FIND as a user (PS3.7 9.1.2, PS3.4 C.4.1 and K.4).

use pacs_core::dataset::{self, DataSet, Limits, Until};
use pacs_core::transfer_syntax;
use pacs_core::uid::Uid;

use super::{Association, Error, expect_response};
use crate::dimse::{CommandField, CommandSet, Status, command::element};

/// The longest identifier that is taken from a peer.
const MAX_IDENTIFIER_BYTES: usize = 1024 * 1024;

/// The answers to a C-FIND request, as they come. Read to the end before the next operation.
#[derive(Debug)]
pub struct Answers<'a> {
    association: &'a mut Association,
    context: u8,
    syntax: Uid,
    message_id: u16,
    last: Option<Status>,
}

impl Association {
    /// Asks which entities match.
    pub async fn find(&mut self, class: &Uid, identifier: &DataSet) -> Result<Answers<'_>, Error> {
        let (context, syntax, message_id) = self.ask(CommandField::Find, class, identifier, |c| c).await?;
        Ok(Answers { association: self, context, syntax, message_id, last: None })
    }

    /// Sends a request that carries an identifier.
    pub(super) async fn ask(
        &mut self,
        field: CommandField,
        class: &Uid,
        identifier: &DataSet,
        complete: impl FnOnce(CommandSet) -> CommandSet,
    ) -> Result<(u8, Uid, u16), Error> {
        let (context, syntax) = self.context_of(class)?;
        let mut encoded = Vec::new();
        dataset::write(identifier, &transfer_syntax::of(&syntax), &mut encoded)
            .map_err(|error| Error::Unreadable(error.to_string()))?;
        let message_id = self.next_message_id();
        let request = CommandSet::request(field, message_id)
            .with_uid(element::AFFECTED_SOP_CLASS_UID, class)
            .with_number(element::PRIORITY, 0)
            .followed_by_data();
        self.inner.writer.message(context, &complete(request), Some(&encoded)).await?;
        Ok((context, syntax, message_id))
    }

    /// Tells the peer to stop an operation (PS3.7 9.3.2.3).
    pub(super) async fn send_cancel(&mut self, context: u8, message_id: u16) -> Result<(), Error> {
        Ok(self.inner.writer.message(context, &CommandSet::cancel(message_id), None).await?)
    }

    /// The data set of the message that has just begun, as an identifier.
    pub(super) async fn identifier(&mut self, syntax: &Uid) -> Result<DataSet, Error> {
        let mut encoded = Vec::new();
        while let Some(piece) = self.inner.reader.data().await? {
            if encoded.len() + piece.len() > MAX_IDENTIFIER_BYTES {
                return Err(Error::Unreadable("an identifier is too long".to_owned()));
            }
            encoded.extend_from_slice(&piece);
        }
        let syntax = transfer_syntax::of(syntax);
        let reading = dataset::read_slice(&encoded, &syntax, &Limits::default(), Until::End)
            .map_err(|error| Error::Unreadable(error.to_string()))?;
        Ok(reading.data_set)
    }
}

impl Answers<'_> {
    /// The next match; `None` when there are no more, and [`Answers::status`] tells why.
    pub async fn next(&mut self) -> Result<Option<DataSet>, Error> {
        while self.status().is_pending() {
            let (_, response) = self.association.message().await?;
            expect_response(&response, self.message_id)?;
            let status = response.status().unwrap_or(Status::CANNOT_UNDERSTAND);
            self.last = Some(status);
            if status.is_pending() && response.has_data_set() {
                return self.association.identifier(&self.syntax).await.map(Some);
            }
            self.association.inner.reader.skip_data().await?;
        }
        Ok(None)
    }

    /// All matches that are left.
    pub async fn all(mut self) -> Result<(Vec<DataSet>, Status), Error> {
        let mut matches = Vec::new();
        while let Some(found) = self.next().await? {
            matches.push(found);
        }
        Ok((matches, self.status()))
    }

    /// Asks the peer to stop; what is under way still comes.
    pub async fn cancel(&mut self) -> Result<(), Error> {
        self.association.send_cancel(self.context, self.message_id).await
    }

    /// The status of the last response.
    pub fn status(&self) -> Status {
        self.last.unwrap_or(Status::PENDING)
    }
}
