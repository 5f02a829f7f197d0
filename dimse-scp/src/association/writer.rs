//! What goes to the peer: whole messages in one write, large data sets as a stream.

use std::collections::VecDeque;
use std::io::IoSlice;
use std::time::Duration;

use bytes::{Buf, Bytes};
use tokio::io::AsyncWriteExt;
use tokio::time::timeout;

use super::End;
use super::stream::WriteHalf;
use crate::dimse::CommandSet;
use crate::pdu::encode::data_header;
use crate::pdu::{HEADER_BYTES, PDV_HEADER_BYTES};

/// How long a connection may take to close.
const FAREWELL: Duration = Duration::from_secs(1);

/// About how many pieces go out with one write at most. A peer that takes tiny PDUs makes very many of much content.
const MOST_PIECES: usize = 512;

/// The writing half of an association.
#[derive(Debug)]
pub struct Writer {
    stream: WriteHalf,
    /// The longest fragment that fits the peer's maximum length; even, as fragments are.
    fragment_bytes: usize,
    write_timeout: Duration,
    sent_bytes: u64,
}

impl Writer {
    /// Writes to `stream` in PDUs whose variable field has at most `max_pdu_bytes`.
    pub fn new(stream: WriteHalf, max_pdu_bytes: u32, write_timeout: Duration) -> Self {
        let max_pdu_bytes = usize::try_from(max_pdu_bytes).unwrap_or(usize::MAX);
        let fragment_bytes = max_pdu_bytes.saturating_sub(PDV_HEADER_BYTES).max(2) & !1;
        Self { stream, fragment_bytes, write_timeout, sent_bytes: 0 }
    }

    /// All bytes written so far.
    pub fn sent_bytes(&self) -> u64 {
        self.sent_bytes
    }

    /// Sets the longest PDU the peer takes, once it has said so.
    pub(crate) fn limit_pdu(&mut self, max_pdu_bytes: u32) {
        let max_pdu_bytes = usize::try_from(max_pdu_bytes).unwrap_or(usize::MAX);
        self.fragment_bytes = max_pdu_bytes.saturating_sub(PDV_HEADER_BYTES).max(2) & !1;
    }

    /// Writes a message whose data set is small enough to be at hand, in one write.
    pub async fn message(
        &mut self,
        context: u8,
        command: &CommandSet,
        data: Option<&[u8]>,
    ) -> Result<(), End> {
        let command = command.encode();
        let length = command.len() + data.map_or(0, <[u8]>::len) + 4 * (HEADER_BYTES + PDV_HEADER_BYTES);
        let mut out = Vec::with_capacity(length);
        self.put_set(&mut out, context, true, &command);
        if let Some(data) = data {
            self.put_set(&mut out, context, false, data);
        }
        self.raw(&out).await
    }

    /// Begins a message whose data set is streamed.
    pub fn begin(&mut self, context: u8, command: &CommandSet) -> DataWriter<'_> {
        let mut head = Vec::with_capacity(512);
        self.put_set(&mut head, context, true, &command.encode());
        DataWriter {
            writer: self,
            context,
            queue: Gather { bytes: head.len(), pieces: VecDeque::from([Bytes::from(head)]) },
            held: VecDeque::new(),
            held_bytes: 0,
        }
    }

    /// Writes bytes that are PDUs already.
    pub async fn raw(&mut self, pdus: &[u8]) -> Result<(), End> {
        let stream = &mut self.stream;
        let writing = async {
            stream.write_all(pdus).await?;
            stream.flush().await
        };
        let written = timeout(self.write_timeout, writing).await;
        self.settle(written, pdus.len())
    }

    /// Says that nothing more comes, which TLS wants said. A peer that does not take it has gone.
    pub(crate) async fn shut(&mut self) {
        let _ = timeout(FAREWELL, self.stream.shutdown()).await;
    }

    /// Appends a command set or data set as P-DATA-TF PDUs.
    fn put_set(&self, out: &mut Vec<u8>, context: u8, is_command: bool, content: &[u8]) {
        let mut rest = content;
        loop {
            let (fragment, after) = rest.split_at(rest.len().min(self.fragment_bytes));
            let length = u32::try_from(fragment.len()).unwrap_or(u32::MAX);
            out.extend(data_header(context, is_command, after.is_empty(), length));
            out.extend(fragment);
            if after.is_empty() {
                return;
            }
            rest = after;
        }
    }

    async fn gathered(&mut self, queue: &mut Gather) -> Result<(), End> {
        let length = queue.remaining();
        let stream = &mut self.stream;
        let writing = async {
            stream.write_all_buf(queue).await?;
            stream.flush().await
        };
        let written = timeout(self.write_timeout, writing).await;
        self.settle(written, length)
    }

    fn settle(
        &mut self,
        written: Result<std::io::Result<()>, tokio::time::error::Elapsed>,
        length: usize,
    ) -> Result<(), End> {
        match written {
            Ok(Ok(())) => {
                self.sent_bytes += length as u64;
                Ok(())
            }
            Ok(Err(_)) => Err(End::Lost),
            Err(_) => Err(End::WriteTimeout),
        }
    }
}

/// A message whose data set is being streamed. It must be finished; a message that is left
/// unfinished leaves the association unusable, so its owner has to abort.
#[derive(Debug)]
pub struct DataWriter<'a> {
    writer: &'a mut Writer,
    context: u8,
    /// What goes out with the next write.
    queue: Gather,
    /// Content that does not fill a fragment yet, or may turn out to be the last.
    held: VecDeque<Bytes>,
    held_bytes: usize,
}

impl DataWriter<'_> {
    /// Adds content, which goes out as soon as it fills a fragment.
    pub async fn write(&mut self, content: Bytes) -> Result<(), End> {
        if content.is_empty() {
            return Ok(());
        }
        self.held_bytes += content.len();
        self.held.push_back(content);
        let full = self.writer.fragment_bytes;
        while self.held_bytes > full {
            self.queue_fragment(full, false);
            if self.queue.pieces.len() >= MOST_PIECES {
                self.writer.gathered(&mut self.queue).await?;
            }
        }
        if self.queue.remaining() >= full {
            self.writer.gathered(&mut self.queue).await?;
        }
        Ok(())
    }

    /// Writes what is left and marks the end. A data set of odd length, which the standard does not
    /// know, leaves as it came: a padding byte would be a change of stored content.
    pub async fn finish(mut self) -> Result<(), End> {
        self.queue_fragment(self.held_bytes, true);
        self.writer.gathered(&mut self.queue).await
    }

    /// Moves the first `length` bytes of what is held into the queue, as one PDU.
    fn queue_fragment(&mut self, length: usize, is_last: bool) {
        let declared = u32::try_from(length).unwrap_or(u32::MAX);
        let header = data_header(self.context, false, is_last, declared);
        self.queue.push(Bytes::copy_from_slice(&header));
        let mut left = length;
        while left > 0 {
            let Some(mut piece) = self.held.pop_front() else { break };
            let part = piece.split_to(piece.len().min(left));
            left -= part.len();
            self.queue.push(part);
            if !piece.is_empty() {
                self.held.push_front(piece);
            }
        }
        self.held_bytes -= length - left;
    }
}

/// Pieces that go out together, without being copied into one.
#[derive(Debug)]
struct Gather {
    pieces: VecDeque<Bytes>,
    /// Of all of them.
    bytes: usize,
}

impl Gather {
    fn push(&mut self, piece: Bytes) {
        self.bytes += piece.len();
        self.pieces.push_back(piece);
    }
}

impl Buf for Gather {
    fn remaining(&self) -> usize {
        self.bytes
    }

    fn chunk(&self) -> &[u8] {
        self.pieces.front().map_or(&[], |piece| piece.as_ref())
    }

    fn advance(&mut self, mut count: usize) {
        while let Some(front) = self.pieces.front_mut() {
            if front.len() > count {
                front.advance(count);
                self.bytes -= count;
                return;
            }
            count -= front.len();
            self.bytes -= front.len();
            self.pieces.pop_front();
        }
    }

    fn chunks_vectored<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> usize {
        let mut filled = 0;
        for (slot, piece) in slices.iter_mut().zip(&self.pieces) {
            *slot = IoSlice::new(piece);
            filled += 1;
        }
        filled
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use futures::FutureExt;
    use tokio::io::AsyncReadExt;
    use tokio::net::{TcpListener, TcpStream};

    use super::*;
    use crate::association::stream::Stream;
    use crate::dimse::CommandField;

    #[tokio::test]
    async fn a_peer_that_takes_tiny_pdus_makes_no_heap_of_pieces() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let sent = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (mut peer, _) = listener.accept().await.unwrap();
        let (_read, write) = Stream::from(sent).into_split();
        let mut writer = Writer::new(write, 8, Duration::from_secs(60));
        let command = CommandSet::request(CommandField::Store, 1).followed_by_data();
        let content: Vec<u8> = (0..4_000_000).map(|at| (at % 251) as u8).collect();
        let mut data = writer.begin(1, &command);
        {
            // The peer reads nothing yet: it goes on until it would have to wait for the peer.
            let mut writing = pin!(data.write(Bytes::from(content)));
            assert!(writing.as_mut().now_or_never().is_none(), "all of it has gone");
        }
        assert!(data.queue.pieces.len() <= MOST_PIECES + 2, "{} pieces wait", data.queue.pieces.len());
        let mut first = [0; 1];
        peer.read_exact(&mut first).await.unwrap();
        assert_eq!(first, [4], "a P-DATA-TF PDU");
    }
}
