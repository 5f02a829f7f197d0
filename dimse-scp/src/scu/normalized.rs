//! Normalized services as a user, and their reports as a provider (PS3.7 10.1).

use pacs_core::dataset::{self, DataSet};
use pacs_core::transfer_syntax;
use pacs_core::uid::Uid;

use super::{Association, Error, expect_response};
use crate::dimse::{CommandField, CommandSet, Status, command::element};

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
