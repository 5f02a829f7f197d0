//! C-STORE as a user (PS3.7 9.1.1, PS3.4 B).

use bytes::{Bytes, BytesMut};
use futures::{Stream, StreamExt};
use pacs_core::uid::{AeTitle, Uid};
use tokio::io::{AsyncReadExt, AsyncSeekExt};

use super::{Association, Content, Error, Instance};
use crate::association::{End, Writer};
use crate::dimse::{CommandField, CommandSet, Status, command::element};

/// How much of a file is read at a time.
const CHUNK_BYTES: usize = 256 * 1024;

/// The answer to a C-STORE request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// Success, a warning or a failure.
    pub status: Status,
    /// What the peer says about it.
    pub comment: Option<String>,
}

impl Association {
    /// Sends an instance in its own transfer syntax and waits for the answer.
    pub async fn store(&mut self, instance: &Instance) -> Result<Response, Error> {
        let context =
            self.storage_context(&instance.class, &instance.transfer_syntax).ok_or(Error::NoContext)?;
        let request = self.store_request(&instance.class, &instance.instance, None);
        match &instance.content {
            Content::Memory(bytes) => {
                let content = futures::stream::once(std::future::ready(Ok::<_, Error>(bytes.clone())));
                self.store_stream(context, &request, content).await
            }
            Content::File { path, offset } => {
                let unreadable = |error: std::io::Error| Error::Unreadable(error.to_string());
                let mut file = tokio::fs::File::open(path).await.map_err(unreadable)?;
                file.seek(std::io::SeekFrom::Start(*offset)).await.map_err(unreadable)?;
                let chunks = futures::stream::try_unfold(file, |mut file| async move {
                    let mut chunk = BytesMut::with_capacity(CHUNK_BYTES);
                    let read =
                        file.read_buf(&mut chunk).await.map_err(|e| Error::Unreadable(e.to_string()))?;
                    Ok::<_, Error>((read > 0).then(|| (chunk.freeze(), file)))
                });
                self.store_stream(context, &request, std::pin::pin!(chunks)).await
            }
        }
    }

    /// The context for a SOP class in exactly this transfer syntax.
    pub(crate) fn storage_context(&self, class: &Uid, syntax: &Uid) -> Option<u8> {
        self.inner.contexts.of_class(class).find(|context| context.transfer_syntax == *syntax).map(|c| c.id)
    }

    /// A C-STORE request; `originator` is the C-MOVE request that it is a sub-operation of.
    pub(crate) fn store_request(
        &mut self,
        class: &Uid,
        instance: &Uid,
        originator: Option<(&AeTitle, u16)>,
    ) -> CommandSet {
        store_request(self.next_message_id(), class, instance, originator)
    }

    /// Sends a request with its data set and waits for the answer. When the content fails midway,
    /// the association is of no use any more: the peer waits for the rest.
    pub(crate) async fn store_stream<E>(
        &mut self,
        context: u8,
        request: &CommandSet,
        content: impl Stream<Item = Result<Bytes, E>> + Unpin,
    ) -> Result<Response, Error>
    where
        E: Into<Error>,
    {
        send(&mut self.inner.writer, context, request, content).await?;
        let response = self.response_to(request).await?;
        Ok(response_of(&response))
    }
}

/// A C-STORE request with these identifiers.
pub(crate) fn store_request(
    message_id: u16,
    class: &Uid,
    instance: &Uid,
    originator: Option<(&AeTitle, u16)>,
) -> CommandSet {
    let request = CommandSet::request(CommandField::Store, message_id)
        .with_uid(element::AFFECTED_SOP_CLASS_UID, class)
        .with_uid(element::AFFECTED_SOP_INSTANCE_UID, instance)
        .with_number(element::PRIORITY, 0)
        .followed_by_data();
    match originator {
        Some((title, message)) => request
            .with_ae(element::MOVE_ORIGINATOR_AE, title)
            .with_number(element::MOVE_ORIGINATOR_MESSAGE_ID, message),
        None => request,
    }
}

/// Writes a request and its data set.
pub(crate) async fn send<E: Into<Error>>(
    writer: &mut Writer,
    context: u8,
    request: &CommandSet,
    mut content: impl Stream<Item = Result<Bytes, E>> + Unpin,
) -> Result<(), Error> {
    let mut data = writer.begin(context, request);
    while let Some(piece) = content.next().await {
        data.write(piece.map_err(Into::into)?).await?;
    }
    data.finish().await?;
    Ok(())
}

/// Status and comment of a response.
pub(crate) fn response_of(response: &CommandSet) -> Response {
    Response {
        status: response.status().unwrap_or(Status::CANNOT_UNDERSTAND),
        comment: response.text(element::ERROR_COMMENT),
    }
}

impl From<std::convert::Infallible> for Error {
    fn from(never: std::convert::Infallible) -> Self {
        match never {}
    }
}

impl From<Error> for End {
    /// For callers that only want to know how it ended.
    fn from(error: Error) -> Self {
        match error {
            Error::Ended(end) => end,
            _ => Self::Cut("the operation failed"),
        }
    }
}
