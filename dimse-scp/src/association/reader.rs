//! What the peer sends, as messages: command sets whole, data sets as a stream of pieces.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::io::AsyncReadExt;
use tokio::time::{Instant, timeout_at};

use super::End;
use super::stream::ReadHalf;
use crate::config::Timeouts;
use crate::dimse::command::{CommandError, MAX_COMMAND_BYTES};
use crate::dimse::{CommandField, CommandSet};
use crate::pdu::refusal::reason;
use crate::pdu::stream::{Decoder, Piece, Token};
use crate::pdu::{AbortSource, encode};

/// What must come within [`Timeouts::message`] for a message to count as moving. A peer that sends
/// a byte now and then is thus cut off, whatever the size of its PDUs and fragments.
pub const PROGRESS_BYTES: usize = 32 * 1024;

/// The receive buffer of an association that data sets come over.
const DATA_BUFFER_BYTES: usize = 128 * 1024;

/// The receive buffer of one that sends no more than commands.
const CONTROL_BUFFER_BYTES: usize = 4 * 1024;

/// How long a large buffer is kept for the next message. A sender in the middle of a series is back
/// within milliseconds, and its command and the beginning of its data set come in one read; an
/// association that waits longer holds no more than a few kilobytes.
const KEPT_BUFFER: Duration = Duration::from_secs(1);

/// What may come between two messages.
#[derive(Debug)]
pub enum Event {
    /// A message begins; when its command says so, a data set follows, which [`Reader::data`] gives
    /// and which must be read to its end before the next event.
    Message(u8, CommandSet),
    /// The peer wants to release the association.
    ReleaseRequested,
    /// The peer has answered our wish to release it.
    ReleaseConfirmed,
}

/// The reading half of an association.
#[derive(Debug)]
pub struct Reader {
    stream: ReadHalf,
    decoder: Decoder,
    timeouts: Timeouts,
    /// Fragments of the command set that is being read, and their context.
    command: Vec<u8>,
    command_context: Option<u8>,
    /// The context of the data set that is to be read.
    data_context: Option<u8>,
    deadline: Instant,
    /// Whether a message is under way, so that it has to move.
    moving: bool,
    since_deadline_bytes: usize,
    received_bytes: u64,
    /// The size of the receive buffer, as it is wanted now.
    buffer_bytes: usize,
}

impl Reader {
    /// Reads from `stream`, refusing P-DATA-TF PDUs longer than `max_pdu_bytes`.
    pub fn new(stream: ReadHalf, max_pdu_bytes: u32, timeouts: Timeouts) -> Self {
        Self {
            stream,
            decoder: Decoder::new(max_pdu_bytes),
            timeouts,
            command: Vec::new(),
            command_context: None,
            data_context: None,
            deadline: Instant::now(),
            moving: false,
            since_deadline_bytes: 0,
            received_bytes: 0,
            buffer_bytes: CONTROL_BUFFER_BYTES,
        }
    }

    /// All bytes read so far.
    pub fn received_bytes(&self) -> u64 {
        self.received_bytes
    }

    /// The first token of a connection, which has to be whole within `limit`, however it drips.
    pub(crate) async fn handshake(&mut self, limit: Duration) -> Result<Token, End> {
        self.deadline = Instant::now() + limit;
        loop {
            if let Some(token) = self.decoder.next_token()? {
                // From here on the first message may come with its data set.
                self.buffer_bytes = DATA_BUFFER_BYTES;
                return Ok(token);
            }
            self.receive().await?;
        }
    }

    /// The next message or wish to release, waiting as long as an association may be idle.
    /// Cancel safe: what has been read is kept.
    pub async fn event(&mut self) -> Result<Event, End> {
        let idle = self.timeouts.idle;
        self.event_within(idle).await
    }

    /// As [`Reader::event`], waiting for its beginning no longer than `limit`.
    pub async fn event_within(&mut self, limit: Duration) -> Result<Event, End> {
        if self.data_context.is_some() {
            return Err(End::unexpected("the data set of the last message was not read"));
        }
        if !self.moving {
            self.deadline = Instant::now() + limit;
        }
        loop {
            match self.token().await? {
                Token::Data(piece) if piece.is_command => {
                    if let Some(event) = self.command_piece(piece)? {
                        return Ok(event);
                    }
                }
                Token::Data(_) => return Err(End::unexpected("a data set without a command")),
                Token::ReleaseRq if self.command_context.is_none() => {
                    self.moving = false;
                    return Ok(Event::ReleaseRequested);
                }
                Token::ReleaseRp if self.command_context.is_none() => {
                    self.moving = false;
                    return Ok(Event::ReleaseConfirmed);
                }
                _ => return Err(End::unexpected("a PDU that is not allowed in an association")),
            }
        }
    }

    /// The next piece of the data set of the last message; `None` when it has ended.
    pub async fn data(&mut self) -> Result<Option<Bytes>, End> {
        let Some(context) = self.data_context else { return Ok(None) };
        match self.token().await? {
            Token::Data(piece) if !piece.is_command && piece.context == context => {
                if piece.is_last {
                    self.data_context = None;
                    self.moving = false;
                }
                Ok(Some(piece.bytes))
            }
            Token::Data(_) => Err(End::unexpected("a fragment of another message inside a data set")),
            _ => Err(End::unexpected("a PDU that is not allowed inside a data set")),
        }
    }

    /// Reads the rest of the data set and forgets it.
    pub async fn skip_data(&mut self) -> Result<(), End> {
        while self.data().await?.is_some() {}
        Ok(())
    }

    /// Waits for the peer to close its side, for as long as the ARTIM timer allows, and forgets what
    /// it still sends; an abort ends the waiting (PS3.8 9.2, state 13).
    pub(super) async fn wait_for_close(&mut self) {
        self.deadline = Instant::now() + self.timeouts.artim;
        self.moving = false;
        let mut is_legible = true;
        loop {
            while is_legible {
                match self.decoder.next_token() {
                    Ok(Some(Token::Abort(..))) => return,
                    Ok(Some(_)) => {}
                    Ok(None) => break,
                    // Closing now could take our abort from the peer before it is read.
                    Err(_) => is_legible = false,
                }
            }
            if !is_legible {
                *self.decoder.buffer() = BytesMut::new();
            }
            // Not `receive`, whose deadline moves on when bytes come.
            self.decoder.buffer().reserve(CONTROL_BUFFER_BYTES);
            match timeout_at(self.deadline, self.stream.read_buf(self.decoder.buffer())).await {
                Ok(Ok(1..)) => {}
                _ => return,
            }
        }
    }

    fn command_piece(&mut self, piece: Piece) -> Result<Option<Event>, End> {
        match self.command_context {
            Some(context) if context != piece.context => {
                return Err(End::unexpected("a command set in two presentation contexts"));
            }
            _ => self.command_context = Some(piece.context),
        }
        if self.command.len() + piece.bytes.len() > MAX_COMMAND_BYTES {
            return Err(CommandError::TooLong.into());
        }
        self.command.extend_from_slice(&piece.bytes);
        if !piece.is_last {
            return Ok(None);
        }
        let command = CommandSet::decode(&std::mem::take(&mut self.command))?;
        self.command_context = None;
        let follows = command.has_data_set() && command.operation() != Some(CommandField::Cancel);
        self.data_context = follows.then_some(piece.context);
        self.moving = follows;
        if follows {
            self.begin_moving();
        }
        Ok(Some(Event::Message(piece.context, command)))
    }

    fn begin_moving(&mut self) {
        self.moving = true;
        self.since_deadline_bytes = 0;
        self.deadline = Instant::now() + self.timeouts.message;
    }

    /// The next token that is not an abort.
    async fn token(&mut self) -> Result<Token, End> {
        loop {
            match self.decoder.next_token() {
                Ok(Some(Token::Abort(source_of_abort, reason))) => {
                    return Err(End::Aborted { source_of_abort, reason });
                }
                Ok(Some(token)) => return Ok(token),
                Ok(None) => {
                    let received = self.receive().await?;
                    if !self.moving {
                        self.begin_moving();
                    }
                    self.since_deadline_bytes += received;
                    if self.since_deadline_bytes >= PROGRESS_BYTES {
                        self.begin_moving();
                    }
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Reads once into the buffer. Cancel safe.
    async fn receive(&mut self) -> Result<usize, End> {
        if self.data_context.is_some() {
            self.buffer_bytes = DATA_BUFFER_BYTES;
        } else if self.buffer_bytes == DATA_BUFFER_BYTES && self.decoder.buffer().is_empty() {
            let kept_until = self.deadline.min(Instant::now() + KEPT_BUFFER);
            if let Ok(read) = timeout_at(kept_until, self.fill()).await {
                return self.received(read);
            }
            *self.decoder.buffer() = BytesMut::new();
            self.buffer_bytes = CONTROL_BUFFER_BYTES;
        }
        match timeout_at(self.deadline, self.fill()).await {
            Ok(read) => self.received(read),
            Err(_) if self.moving => Err(End::Stalled),
            Err(_) => Err(End::Idle),
        }
    }

    /// Reads once, without a limit. Cancel safe.
    async fn fill(&mut self) -> std::io::Result<usize> {
        let buffer = self.decoder.buffer();
        // Less room than this makes small reads, which cost more than moving what is left over to
        // the front; asking for the same size each time uses the same memory again.
        let least = self.buffer_bytes / 4;
        if buffer.capacity() - buffer.len() < least {
            buffer.reserve(self.buffer_bytes.saturating_sub(buffer.len()).max(least));
        }
        self.stream.read_buf(buffer).await
    }

    fn received(&mut self, read: std::io::Result<usize>) -> Result<usize, End> {
        match read {
            Ok(0) | Err(_) => Err(End::Lost),
            Ok(count) => {
                self.received_bytes += count as u64;
                Ok(count)
            }
        }
    }
}

/// The abort that answers a fault met before an association was established.
pub(super) fn provider_abort(reason: u8) -> [u8; 10] {
    encode::abort(AbortSource::Provider, reason)
}

/// The abort that answers a PDU that is not allowed yet.
pub(super) fn unexpected_abort() -> [u8; 10] {
    provider_abort(reason::UNEXPECTED_PDU)
}
