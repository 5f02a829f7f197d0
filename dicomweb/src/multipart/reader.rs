//! Reads the parts of a request body one after another, asking for bytes only when they are wanted: the sender feels
//! the back pressure of whatever the parts are written to.

use super::parser::{Event, Malformed, Parser, PartHeaders};
use bytes::Bytes;
use futures::{Stream, StreamExt};

/// Why the parts could not be read on.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The body is not well formed.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// The sender stopped sending.
    #[error("the request body came too slowly")]
    TooSlow,
    /// The connection failed, or the sender went away.
    #[error("the request body ended early")]
    Body(#[source] axum::Error),
}

/// The parts of a body.
#[derive(Debug)]
pub struct PartReader<S> {
    body: S,
    parser: Parser,
    /// Whether the content of the current part is still to be read.
    inside: bool,
}

impl<S> PartReader<S>
where
    S: Stream<Item = Result<Bytes, ReadError>> + Unpin,
{
    /// Reads `body` by `parser`.
    pub fn new(body: S, parser: Parser) -> Self {
        Self { body, parser, inside: false }
    }

    /// The next part, or `None` after the last. What is left of the current part is skipped.
    pub async fn next_part(&mut self) -> Result<Option<PartHeaders>, ReadError> {
        loop {
            match self.event().await? {
                Event::Part(headers) => {
                    self.inside = true;
                    return Ok(Some(headers));
                }
                Event::End => return Ok(None),
                Event::NeedMore | Event::Content(_) | Event::EndOfPart => {}
            }
        }
    }

    /// The next bytes of the current part, or `None` at its end.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, ReadError> {
        if !self.inside {
            return Ok(None);
        }
        match self.event().await? {
            Event::Content(bytes) => Ok(Some(bytes)),
            _ => {
                self.inside = false;
                Ok(None)
            }
        }
    }

    /// What has not been read of the body.
    pub fn into_body(self) -> S {
        self.body
    }

    /// The next event that is not a wish for more bytes.
    async fn event(&mut self) -> Result<Event, ReadError> {
        loop {
            match self.parser.next_event()? {
                Event::NeedMore => match self.body.next().await {
                    Some(piece) => self.parser.feed(piece?),
                    None => {
                        self.parser.finish()?;
                        return Ok(Event::End);
                    }
                },
                event => return Ok(event),
            }
        }
    }
}
