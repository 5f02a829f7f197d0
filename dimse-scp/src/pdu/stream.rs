//! PDUs out of a stream of bytes.
//!
//! P-DATA-TF is not assembled: its fragments come out in pieces as their bytes arrive, as slices of
//! the receive buffer without a copy, so memory does not depend on what a peer calls a PDU.

use bytes::{Buf, Bytes, BytesMut};

use super::fields::Fields;
use super::{
    AbortSource, AssociateAc, AssociateRq, HEADER_BYTES, MAX_ASSOCIATE_BYTES, PDV_HEADER_BYTES, PduError,
    Rejection, control, kind,
};

/// A fragment is handed on when it is whole or this much of it is there. Smaller pieces would cost
/// more in handling than they save in waiting.
pub const PIECE_BYTES: usize = 64 * 1024;

/// Some senders count their own header into the length they were told; the data is streamed, so
/// taking these few bytes more costs nothing.
const LENGTH_SLACK_BYTES: u32 = 12;

/// What comes out of the stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Token {
    /// A-ASSOCIATE-RQ.
    AssociateRq(Box<AssociateRq>),
    /// A-ASSOCIATE-AC.
    AssociateAc(Box<AssociateAc>),
    /// A-ASSOCIATE-RJ.
    AssociateRj(Rejection),
    /// A piece of a fragment of a command set or data set.
    Data(Piece),
    /// A-RELEASE-RQ.
    ReleaseRq,
    /// A-RELEASE-RP.
    ReleaseRp,
    /// A-ABORT: who, and the provider's reason.
    Abort(AbortSource, u8),
}

/// A piece of a command set or data set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// The presentation context it belongs to.
    pub context: u8,
    /// Command set or data set.
    pub is_command: bool,
    /// Whether the command set or data set ends with it.
    pub is_last: bool,
    /// A slice of the receive buffer; may be empty.
    pub bytes: Bytes,
}

/// The state machine. Fill [`Decoder::buffer`], then take tokens until there is none.
#[derive(Debug)]
pub struct Decoder {
    buffer: BytesMut,
    max_pdu_bytes: u32,
    /// Bytes of the current P-DATA-TF PDU that have not been taken, without those of `value`.
    pdu_left: u32,
    value: Option<Value>,
}

/// The presentation data value that is being read.
#[derive(Debug)]
struct Value {
    context: u8,
    flags: u8,
    left: u32,
}

impl Decoder {
    /// A decoder that refuses P-DATA-TF PDUs longer than this side announced.
    pub fn new(max_pdu_bytes: u32) -> Self {
        Self { buffer: BytesMut::new(), max_pdu_bytes, pdu_left: 0, value: None }
    }

    /// Where received bytes go, at the end.
    pub fn buffer(&mut self) -> &mut BytesMut {
        &mut self.buffer
    }

    /// The next token; `None` when more bytes are needed.
    pub fn next_token(&mut self) -> Result<Option<Token>, PduError> {
        loop {
            if let Some(value) = self.value.take() {
                return Ok(self.piece(value).map(Token::Data));
            }
            if self.pdu_left > 0 {
                if !self.value_header()? {
                    return Ok(None);
                }
                continue;
            }
            let Some((&[kind, _, l0, l1, l2, l3], _)) = self.buffer.split_first_chunk::<HEADER_BYTES>()
            else {
                return Ok(None);
            };
            let length = u32::from_be_bytes([l0, l1, l2, l3]);
            let limit = self.limit(kind)?;
            if length > limit {
                return Err(PduError::TooLong { kind, length, limit });
            }
            if kind == kind::DATA {
                if length < 6 {
                    return Err(PduError::Invalid("a P-DATA-TF PDU holds no presentation data value"));
                }
                self.buffer.advance(HEADER_BYTES);
                self.pdu_left = length;
                continue;
            }
            // At most MAX_ASSOCIATE_BYTES: it fits a usize everywhere.
            let whole = HEADER_BYTES + usize::try_from(length).map_err(|_| PduError::Truncated)?;
            if self.buffer.len() < whole {
                return Ok(None);
            }
            let pdu = self.buffer.split_to(whole).freeze();
            let body = pdu.get(HEADER_BYTES..).unwrap_or_default();
            return decode(kind, body).map(Some);
        }
    }

    fn limit(&self, kind: u8) -> Result<u32, PduError> {
        match kind {
            kind::ASSOCIATE_RQ | kind::ASSOCIATE_AC => Ok(MAX_ASSOCIATE_BYTES),
            kind::DATA => Ok(self.max_pdu_bytes.saturating_add(LENGTH_SLACK_BYTES)),
            kind::ASSOCIATE_RJ | kind::RELEASE_RQ | kind::RELEASE_RP | kind::ABORT => Ok(4),
            other => Err(PduError::UnknownType(other)),
        }
    }

    /// Takes the header of the next presentation data value; `false` when it is not there yet.
    fn value_header(&mut self) -> Result<bool, PduError> {
        let header = self.buffer.split_first_chunk::<PDV_HEADER_BYTES>();
        let Some((&[l0, l1, l2, l3, context, flags], _)) = header else {
            return match self.pdu_left {
                0..6 => Err(PduError::Truncated),
                _ => Ok(false),
            };
        };
        let length = u32::from_be_bytes([l0, l1, l2, l3]);
        let Some(left) = length.checked_sub(2) else {
            return Err(PduError::Invalid("a presentation data value without its two header bytes"));
        };
        let Some(pdu_left) = self.pdu_left.checked_sub(4).and_then(|rest| rest.checked_sub(length)) else {
            return Err(PduError::Truncated);
        };
        self.buffer.advance(PDV_HEADER_BYTES);
        self.pdu_left = pdu_left;
        self.value = Some(Value { context, flags, left });
        Ok(true)
    }

    /// As much of the value as is there, when it is all of it or enough to be worth a piece.
    fn piece(&mut self, value: Value) -> Option<Piece> {
        let left = usize::try_from(value.left).unwrap_or(usize::MAX);
        let there = self.buffer.len().min(left);
        if there < left && there < PIECE_BYTES {
            self.value = Some(value);
            return None;
        }
        let bytes = self.buffer.split_to(there).freeze();
        let ends = there == left;
        let piece = Piece {
            context: value.context,
            is_command: value.flags & control::COMMAND != 0,
            is_last: ends && value.flags & control::LAST != 0,
            bytes,
        };
        if !ends {
            let taken = u32::try_from(there).unwrap_or(value.left);
            self.value = Some(Value { left: value.left.saturating_sub(taken), ..value });
        }
        Some(piece)
    }
}

fn decode(kind: u8, body: &[u8]) -> Result<Token, PduError> {
    let mut fields = Fields::new(body);
    Ok(match kind {
        kind::ASSOCIATE_RQ => Token::AssociateRq(Box::new(AssociateRq::decode(body)?)),
        kind::ASSOCIATE_AC => Token::AssociateAc(Box::new(AssociateAc::decode(body)?)),
        kind::ASSOCIATE_RJ => {
            fields.u8()?;
            Token::AssociateRj(Rejection::from_codes(fields.u8()?, fields.u8()?, fields.u8()?))
        }
        kind::RELEASE_RQ => Token::ReleaseRq,
        kind::RELEASE_RP => Token::ReleaseRp,
        kind::ABORT => {
            fields.take(2)?;
            let source = if fields.u8()? == 0 { AbortSource::User } else { AbortSource::Provider };
            Token::Abort(source, fields.u8()?)
        }
        other => return Err(PduError::UnknownType(other)),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::encode;
    use super::*;

    const MAX: u32 = 128 * 1024;

    fn drain(decoder: &mut Decoder, tokens: &mut Vec<Token>) -> Result<(), PduError> {
        while let Some(token) = decoder.next_token()? {
            tokens.push(token);
        }
        Ok(())
    }

    /// Everything a stream holds, fed in steps of `step` bytes.
    fn tokens(stream: &[u8], step: usize) -> Result<Vec<Token>, PduError> {
        let mut decoder = Decoder::new(MAX);
        let mut tokens = Vec::new();
        for chunk in stream.chunks(step.max(1)) {
            decoder.buffer().extend_from_slice(chunk);
            drain(&mut decoder, &mut tokens)?;
        }
        Ok(tokens)
    }

    /// The fragments of a stream put together: (context, is command, content) of each ended set.
    fn sets(tokens: &[Token]) -> Vec<(u8, bool, Vec<u8>)> {
        let mut sets = Vec::new();
        let mut content = Vec::new();
        for token in tokens {
            if let Token::Data(piece) = token {
                content.extend_from_slice(&piece.bytes);
                if piece.is_last {
                    sets.push((piece.context, piece.is_command, std::mem::take(&mut content)));
                }
            }
        }
        sets
    }

    fn stream_of(sets: &[(u8, bool, Vec<u8>)], fragment: usize) -> Vec<u8> {
        let mut stream = Vec::new();
        for (context, is_command, content) in sets {
            let mut chunks = content.chunks(fragment).peekable();
            if chunks.peek().is_none() {
                stream.extend(encode::data_header(*context, *is_command, true, 0));
            }
            while let Some(chunk) = chunks.next() {
                let last = chunks.peek().is_none();
                stream.extend(encode::data_header(*context, *is_command, last, chunk.len() as u32));
                stream.extend(chunk);
            }
        }
        stream
    }

    proptest! {
        #[test]
        fn fragments_come_out_whole_however_they_arrive(
            sets_in in prop::collection::vec(
                (any::<u8>(), any::<bool>(), prop::collection::vec(any::<u8>(), 0..5000)), 1..6),
            fragment in 1usize..4000,
            step in 1usize..3000,
        ) {
            let stream = stream_of(&sets_in, fragment);
            prop_assert_eq!(sets(&tokens(&stream, step).unwrap()), sets_in);
        }

        #[test]
        fn arbitrary_bytes_are_taken_or_refused(stream in prop::collection::vec(any::<u8>(), 0..2000), step in 1usize..64) {
            let _ = tokens(&stream, step);
        }

        #[test]
        fn a_changed_stream_is_taken_or_refused(
            content in prop::collection::vec(any::<u8>(), 0..3000),
            changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12),
            step in 1usize..500,
        ) {
            let mut stream = stream_of(&[(1, true, content.clone()), (1, false, content)], 700);
            for (at, value) in changes {
                let at = at.index(stream.len());
                stream[at] = value;
            }
            let _ = tokens(&stream, step);
        }
    }

    #[test]
    fn short_pdus_are_read() {
        let mut stream = Vec::new();
        stream.extend(encode::rejection(Rejection::CalledAe));
        stream.extend(encode::release_request());
        stream.extend(encode::release_response());
        stream.extend(encode::abort(AbortSource::Provider, 6));
        stream.extend(encode::abort(AbortSource::User, 6));
        let want = vec![
            Token::AssociateRj(Rejection::CalledAe),
            Token::ReleaseRq,
            Token::ReleaseRp,
            Token::Abort(AbortSource::Provider, 6),
            Token::Abort(AbortSource::User, 0),
        ];
        assert_eq!(tokens(&stream, 3).unwrap(), want);
    }

    #[test]
    fn lengths_over_the_limit_are_refused_from_the_header_alone() {
        for kind in [kind::ASSOCIATE_RQ, kind::DATA, kind::RELEASE_RQ, kind::ABORT] {
            let header = [kind, 0, 0xff, 0xff, 0xff, 0xff];
            assert!(matches!(tokens(&header, 6), Err(PduError::TooLong { .. })), "{kind}");
        }
        assert_eq!(tokens(&[9, 0, 0, 0, 0, 4], 6), Err(PduError::UnknownType(9)));
    }

    #[test]
    fn values_that_lie_about_their_length_are_refused() {
        // A value longer than its PDU, one too short for its own header, and a PDU with a torn value.
        for stream in [
            &[4, 0, 0, 0, 0, 8, 0, 0, 0, 9, 1, 3][..],
            &[4, 0, 0, 0, 0, 8, 0, 0, 0, 1, 1, 3],
            &[4, 0, 0, 0, 0, 9, 0, 0, 0, 2, 1, 3, 0, 0, 0, 2, 1, 3],
        ] {
            assert!(tokens(stream, 4).is_err(), "{stream:?}");
        }
    }

    #[test]
    fn a_large_fragment_comes_in_pieces() {
        let content = vec![7u8; MAX as usize - 6];
        let stream = stream_of(&[(1, false, content.clone())], content.len());
        let mut decoder = Decoder::new(MAX);
        let (early, late) = stream.split_at(PIECE_BYTES + 12);
        decoder.buffer().extend_from_slice(early);
        let Some(Token::Data(piece)) = decoder.next_token().unwrap() else { panic!("no piece") };
        assert_eq!((piece.bytes.len(), piece.is_last), (PIECE_BYTES, false));
        decoder.buffer().extend_from_slice(late);
        let Some(Token::Data(piece)) = decoder.next_token().unwrap() else { panic!("no piece") };
        assert_eq!((piece.bytes.len(), piece.is_last), (content.len() - PIECE_BYTES, true));
    }
}
