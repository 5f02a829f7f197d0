//! Normalized services as a user, and their reports as a provider (PS3.7 10.1).

use std::time::Duration;

use pacs_core::dataset::{self, DataSet};
use pacs_core::transfer_syntax;
use pacs_core::uid::Uid;

use super::{Association, Error, expect_response};
use crate::association::{End, Event};
use crate::dimse::{CommandField, CommandSet, Status, command::element};
use crate::pdu::encode;

impl Association {
    /// Tells that something happened to an instance (PS3.7 10.1.1).
    pub async fn event_report(
        &mut self,
        class: &Uid,
        instance: &Uid,
        event: u16,
        data: &DataSet,
    ) -> Result<Status, Error> {
        let complete = |command: CommandSet| {
            command
                .with_uid(element::AFFECTED_SOP_CLASS_UID, class)
                .with_uid(element::AFFECTED_SOP_INSTANCE_UID, instance)
                .with_number(element::EVENT_TYPE_ID, event)
        };
        let (response, _) = self.normalized(CommandField::NEventReport, class, complete, Some(data)).await?;
        Ok(response.status().unwrap_or(Status::PROCESSING_FAILURE))
    }

    /// The data set of an event that the peer reports within `limit`; `None` when none comes. The peer is told
    /// that it was heard.
    pub async fn event(&mut self, limit: Duration) -> Result<Option<DataSet>, Error> {
        let (context, command) = match self.inner.reader.event_within(limit).await {
            Ok(Event::Message(context, command)) => (context, command),
            Ok(Event::ReleaseRequested) => {
                self.inner.writer.raw(&encode::release_response()).await?;
                return Ok(None);
            }
            Ok(Event::ReleaseConfirmed) => {
                return Err(End::unexpected("a release that was not asked for").into());
            }
            Err(End::Idle) => return Ok(None),
            Err(end) => return Err(end.into()),
        };
        if command.operation() != Some(CommandField::NEventReport) || !command.has_data_set() {
            return Err(End::unexpected("a request that is no report").into());
        }
        let context = self.inner.contexts.get(context);
        let context = context.ok_or_else(|| End::unexpected("a context that was not accepted"))?.clone();
        let report = self.identifier(&context.transfer_syntax).await?;
        let response = CommandSet::response(&command, Status::SUCCESS);
        self.inner.writer.message(context.id, &response, None).await?;
        Ok(Some(report))
    }

    /// Sends a request in the context of a SOP class, with what `complete` adds to its command; answers
    /// the response and its data set.
    pub async fn normalized(
        &mut self,
        field: CommandField,
        class: &Uid,
        complete: impl FnOnce(CommandSet) -> CommandSet,
        data: Option<&DataSet>,
    ) -> Result<(CommandSet, Option<DataSet>), Error> {
        let (context, syntax) = self.context_of(class)?;
        let mut request = complete(CommandSet::request(field, self.next_message_id()));
        let mut encoded = Vec::new();
        if let Some(data) = data {
            dataset::write(data, &transfer_syntax::of(&syntax), &mut encoded)
                .map_err(|error| Error::Unreadable(error.to_string()))?;
            request = request.followed_by_data();
        }
        self.inner.writer.message(context, &request, data.map(|_| encoded.as_slice())).await?;
        let (_, response) = self.message().await?;
        expect_response(&response, request.message_id())?;
        let answer = match response.has_data_set() {
            true => Some(self.identifier(&syntax).await?),
            false => None,
        };
        Ok((response, answer))
    }
}
