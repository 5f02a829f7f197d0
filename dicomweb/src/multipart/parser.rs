//! The multipart machine: bytes in, parts out, never holding more than a delimiter or a part's header lines.

use crate::media::MediaType;
use bytes::{Bytes, BytesMut};
use memchr::memmem::Finder;

/// Longest boundary taken. RFC 2046 allows 70 characters; some programs use more.
const BOUNDARY_MAX_BYTES: usize = 200;
/// Most bytes of the header lines of one part.
const PART_HEADERS_MAX_BYTES: usize = 16 * 1024;
/// Most blanks between a boundary and the end of its line.
const PADDING_MAX_BYTES: usize = 256;

/// Why a body is not what its Content-Type says. The texts are answered to the sender.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// The Content-Type names no boundary, or one that cannot be.
    #[error("the Content-Type must name a boundary of 1 to {BOUNDARY_MAX_BYTES} visible ASCII characters")]
    Boundary,
    /// The body ended without a single delimiter line.
    #[error("the body does not contain the boundary that the Content-Type names")]
    NoPart,
    /// The body ended inside a part, or before the closing delimiter.
    #[error("the body ends before the closing boundary")]
    Truncated,
    /// The header lines of a part do not end within the limit.
    #[error("the header lines of a part exceed {PART_HEADERS_MAX_BYTES} bytes")]
    HeadersTooLong,
    /// A header line of a part cannot be read.
    #[error("a part has a header line that cannot be read: {0}")]
    Header(&'static str),
}

/// What the header lines of a part say, as far as this service needs it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PartHeaders {
    /// Content-Type of the part.
    pub content_type: Option<MediaType>,
    /// Content-Location of the part: the name that a BulkDataURI refers to.
    pub content_location: Option<String>,
}

/// What the machine has to say next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Nothing until more bytes are fed.
    NeedMore,
    /// A part begins.
    Part(PartHeaders),
    /// The next bytes of the part's content; never empty.
    Content(Bytes),
    /// The part's content is complete.
    EndOfPart,
    /// The closing delimiter was read; whatever follows is ignored.
    End,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Preamble,
    Headers,
    Content,
    Closed,
}

/// What stands behind a delimiter.
enum LineEnd {
    Part(usize),
    Close,
    NotADelimiter,
    Unknown,
}

/// Finds the parts of a multipart body in whatever pieces it arrives.
#[derive(Debug)]
pub struct Parser {
    /// `CRLF "--" boundary`.
    finder: Finder<'static>,
    state: State,
    buffer: Bytes,
}

impl Parser {
    /// A machine for bodies with this boundary.
    pub fn new(boundary: &str) -> Result<Self, Malformed> {
        let usable = (1..=BOUNDARY_MAX_BYTES).contains(&boundary.len())
            && boundary.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic())
            && !boundary.ends_with(' ');
        if !usable {
            return Err(Malformed::Boundary);
        }
        let delimiter = format!("\r\n--{boundary}");
        Ok(Self {
            finder: Finder::new(delimiter.as_bytes()).into_owned(),
            state: State::Preamble,
            // The first delimiter may stand at the very beginning, without the line end that belongs to the others.
            buffer: Bytes::from_static(b"\r\n"),
        })
    }

    /// A machine for the boundary that a Content-Type names.
    pub fn for_content_type(content_type: &MediaType) -> Result<Self, Malformed> {
        Self::new(content_type.parameter("boundary").ok_or(Malformed::Boundary)?)
    }

    /// Takes the next piece of the body. What lies unread is at most a delimiter or a part's header lines, so the
    /// copy made here is small; a piece that meets an empty buffer is not copied at all.
    pub fn feed(&mut self, piece: Bytes) {
        if self.state == State::Closed || piece.is_empty() {
            return;
        }
        if self.buffer.is_empty() {
            self.buffer = piece;
            return;
        }
        let mut joined = BytesMut::with_capacity(self.buffer.len() + piece.len());
        joined.extend_from_slice(&self.buffer);
        joined.extend_from_slice(&piece);
        self.buffer = joined.freeze();
    }

    /// The next event in what was fed.
    pub fn next_event(&mut self) -> Result<Event, Malformed> {
        match self.state {
            State::Preamble => self.preamble(),
            State::Headers => self.headers(),
            State::Content => Ok(self.content()),
            State::Closed => Ok(Event::End),
        }
    }

    /// Says why the body may not end here, when it may not.
    pub fn finish(&self) -> Result<(), Malformed> {
        match self.state {
            State::Closed => Ok(()),
            State::Preamble => Err(Malformed::NoPart),
            State::Headers | State::Content => Err(Malformed::Truncated),
        }
    }

    fn preamble(&mut self) -> Result<Event, Malformed> {
        loop {
            let Some(at) = self.finder.find(&self.buffer) else {
                let keep = self.possible_start();
                self.buffer = self.buffer.split_off(keep);
                return Ok(Event::NeedMore);
            };
            let _ = self.buffer.split_to(at);
            match self.line_end() {
                LineEnd::Part(length) => {
                    let _ = self.buffer.split_to(length);
                    self.state = State::Headers;
                    return self.headers();
                }
                LineEnd::Close => return Ok(self.close()),
                LineEnd::NotADelimiter => {
                    let _ = self.buffer.split_to(2);
                }
                LineEnd::Unknown => return Ok(Event::NeedMore),
            }
        }
    }

    /// The buffer stands behind the line end of the delimiter. Without header lines the blank line comes at once.
    fn headers(&mut self) -> Result<Event, Malformed> {
        let (lines, length) = if self.buffer.starts_with(b"\r\n") {
            (0, 2)
        } else {
            match memchr::memmem::find(&self.buffer, b"\r\n\r\n") {
                Some(end) => (end, end + 4),
                // The blank line may still be on its way behind lines of just the greatest length.
                None if self.buffer.len() > PART_HEADERS_MAX_BYTES + 3 => {
                    return Err(Malformed::HeadersTooLong);
                }
                None => return Ok(Event::NeedMore),
            }
        };
        if lines > PART_HEADERS_MAX_BYTES {
            return Err(Malformed::HeadersTooLong);
        }
        let block = self.buffer.split_to(length);
        let headers = read_headers(block.get(..lines).unwrap_or_default())?;
        // Content may be empty: then the delimiter follows at once, and its line end is the one just consumed.
        self.state = State::Content;
        Ok(Event::Part(headers))
    }

    fn content(&mut self) -> Event {
        let Some(at) = self.finder.find(&self.buffer) else {
            let ready = self.possible_start();
            return match ready {
                0 => Event::NeedMore,
                _ => Event::Content(self.buffer.split_to(ready)),
            };
        };
        if at > 0 {
            return Event::Content(self.buffer.split_to(at));
        }
        match self.line_end() {
            LineEnd::Part(length) => {
                let _ = self.buffer.split_to(length);
                self.state = State::Headers;
                Event::EndOfPart
            }
            LineEnd::Close => {
                self.close();
                Event::EndOfPart
            }
            LineEnd::NotADelimiter => Event::Content(self.buffer.split_to(2)),
            LineEnd::Unknown => Event::NeedMore,
        }
    }

    fn close(&mut self) -> Event {
        self.state = State::Closed;
        self.buffer = Bytes::new();
        Event::End
    }

    /// Looks at what follows the delimiter at the front of the buffer. A longer word that only begins like the
    /// boundary is content.
    fn line_end(&self) -> LineEnd {
        let delimiter = self.finder.needle().len();
        let rest = self.buffer.get(delimiter..).unwrap_or_default();
        if rest.starts_with(b"--") {
            return LineEnd::Close;
        }
        let blanks = rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        if blanks > PADDING_MAX_BYTES {
            return LineEnd::NotADelimiter;
        }
        match (rest.get(blanks), rest.get(blanks + 1)) {
            (Some(b'\r'), Some(b'\n')) => LineEnd::Part(delimiter + blanks + 2),
            (None, _) | (Some(b'\r'), None) => LineEnd::Unknown,
            (Some(b'-'), None) if blanks == 0 => LineEnd::Unknown,
            _ => LineEnd::NotADelimiter,
        }
    }

    /// Where the tail of the buffer may be the beginning of a delimiter.
    fn possible_start(&self) -> usize {
        let needle = self.finder.needle();
        let from = self.buffer.len().saturating_sub(needle.len() - 1);
        let tail = self.buffer.get(from..).unwrap_or_default();
        memchr::memchr_iter(b'\r', tail)
            .find(|&at| tail.get(at..).is_some_and(|start| needle.starts_with(start)))
            .map_or(self.buffer.len(), |at| from + at)
    }
}

fn read_headers(block: &[u8]) -> Result<PartHeaders, Malformed> {
    let text = std::str::from_utf8(block).map_err(|_| Malformed::Header("it is not text"))?;
    let mut headers = PartHeaders::default();
    for line in text.split("\r\n").filter(|line| !line.is_empty()) {
        let (name, value) = line.split_once(':').ok_or(Malformed::Header("it has no colon"))?;
        let value = value.trim();
        if name.eq_ignore_ascii_case("content-type") {
            let media = MediaType::parse(value)
                .map_err(|_| Malformed::Header("the Content-Type is not a media type"))?;
            headers.content_type = Some(media);
        } else if name.eq_ignore_ascii_case("content-location") {
            headers.content_location = Some(value.to_owned());
        } else if name.eq_ignore_ascii_case("content-transfer-encoding")
            && !["binary", "8bit", "7bit"].iter().any(|plain| value.eq_ignore_ascii_case(plain))
        {
            // PS3.18 8.6.1.2.1: parts are binary. Taking base64 for binary would store nonsense.
            return Err(Malformed::Header("only the binary Content-Transfer-Encoding is taken"));
        }
    }
    Ok(headers)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Feeds `pieces` and collects the parts' contents.
    fn parts(boundary: &str, pieces: &[&[u8]]) -> Result<Vec<(PartHeaders, Vec<u8>)>, Malformed> {
        let mut parser = Parser::new(boundary)?;
        let mut parts: Vec<(PartHeaders, Vec<u8>)> = Vec::new();
        for piece in pieces {
            parser.feed(Bytes::copy_from_slice(piece));
            loop {
                match parser.next_event()? {
                    Event::NeedMore | Event::End => break,
                    Event::Part(headers) => parts.push((headers, Vec::new())),
                    Event::Content(bytes) => {
                        assert!(!bytes.is_empty());
                        parts.last_mut().unwrap().1.extend_from_slice(&bytes);
                    }
                    Event::EndOfPart => {}
                }
            }
        }
        parser.finish().map(|()| parts)
    }

    #[test]
    fn reads_the_shapes_that_clients_send() {
        let plain = b"--b\r\nContent-Type: application/dicom\r\n\r\none\r\n--b\r\ncontent-location: x\r\n\r\n\r\n--b--\r\n";
        let read = parts("b", &[plain]).unwrap();
        assert_eq!(read.len(), 2);
        assert!(read[0].0.content_type.as_ref().unwrap().is("application", "dicom"));
        assert_eq!(read[0].1, b"one");
        assert_eq!(read[1].0.content_location.as_deref(), Some("x"));
        assert!(read[1].1.is_empty());

        // A leading line end (dicomweb-client), a preamble, blanks after the boundary, no header lines, an epilogue.
        let odd = b"\r\npreamble\r\n--b \t\r\n\r\ntwo\r\n--b--trailing";
        assert_eq!(parts("b", &[odd]).unwrap()[0].1, b"two");
    }

    #[test]
    fn what_only_resembles_a_delimiter_is_content() {
        let body = b"--b\r\n\r\n\r\n--bb\r\n--b-\r\n-- b\r\r\n--\r\n--b--";
        assert_eq!(parts("b", &[body]).unwrap()[0].1, b"\r\n--bb\r\n--b-\r\n-- b\r\r\n--");
    }

    #[test]
    fn says_what_is_wrong() {
        assert_eq!(parts("", &[]).unwrap_err(), Malformed::Boundary);
        assert_eq!(parts("ü", &[]).unwrap_err(), Malformed::Boundary);
        assert_eq!(parts("b", &[b"no delimiter at all"]).unwrap_err(), Malformed::NoPart);
        assert_eq!(parts("b", &[b"--b\r\n\r\nabc"]).unwrap_err(), Malformed::Truncated);
        assert_eq!(parts("b", &[b"--b\r\nContent-Type: x"]).unwrap_err(), Malformed::Truncated);
        assert_eq!(
            parts("b", &[b"--b\r\nrubbish\r\n\r\n--b--"]).unwrap_err(),
            Malformed::Header("it has no colon")
        );
        let encoded = b"--b\r\nContent-Transfer-Encoding: base64\r\n\r\nAA==\r\n--b--";
        assert!(matches!(parts("b", &[encoded]).unwrap_err(), Malformed::Header(_)));
        let endless = [b"--b\r\n".as_slice(), &vec![b'x'; PART_HEADERS_MAX_BYTES + 4]].concat();
        assert_eq!(parts("b", &[&endless]).unwrap_err(), Malformed::HeadersTooLong);
    }

    proptest! {
        /// Whatever the contents and however the body is cut, the parts come back whole, and what is held back
        /// never exceeds a delimiter line.
        #[test]
        fn contents_survive_any_cut(
            contents in proptest::collection::vec(
                proptest::collection::vec(prop_oneof![Just(b'\r'), Just(b'\n'), Just(b'-'), Just(b'b'), any::<u8>()], 0..60),
                0..6,
            ),
            cuts in proptest::collection::vec(1usize..9, 1..40),
        ) {
            let mut body = Vec::new();
            for content in &contents {
                body.extend_from_slice(b"\r\n--bb-b\r\nContent-Type: a/b\r\n\r\n");
                body.extend_from_slice(content);
            }
            body.extend_from_slice(b"\r\n--bb-b--\r\n");
            prop_assume!(contents.iter().all(|c| memchr::memmem::find(c, b"\r\n--bb-b").is_none()));

            let mut pieces = Vec::new();
            let mut rest = body.as_slice();
            for cut in cuts.iter().cycle() {
                if rest.is_empty() { break; }
                let (piece, remaining) = rest.split_at((*cut).min(rest.len()));
                pieces.push(piece);
                rest = remaining;
            }
            let read = parts("bb-b", &pieces).unwrap();
            let read: Vec<Vec<u8>> = read.into_iter().map(|(_, content)| content).collect();
            prop_assert_eq!(read, contents);
        }

        #[test]
        fn any_bytes_are_read_or_refused(pieces in proptest::collection::vec(
            proptest::collection::vec(prop_oneof![Just(b'\r'), Just(b'\n'), Just(b'-'), Just(b'b'), any::<u8>()], 0..40), 0..20)
        ) {
            let pieces: Vec<&[u8]> = pieces.iter().map(Vec::as_slice).collect();
            let _ = parts("b", &pieces);
        }
    }
}
