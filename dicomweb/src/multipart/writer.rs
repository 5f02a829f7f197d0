//! The lines between the parts of an answer.

use bytes::Bytes;
use std::hash::{BuildHasher, RandomState};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// The boundary of one answer. 128 bits that nobody can guess: no content can hold it, by accident or by intent.
#[derive(Debug, Clone)]
pub struct Boundary(String);

impl Boundary {
    /// A boundary never used before.
    pub fn new() -> Self {
        // The standard library's hasher is keyed from the system's entropy; a counter keeps the values apart.
        static KEYS: LazyLock<(RandomState, RandomState)> = LazyLock::new(Default::default);
        static USED: AtomicU64 = AtomicU64::new(0);
        let count = USED.fetch_add(1, Ordering::Relaxed);
        Self(format!("{:016x}{:016x}", KEYS.0.hash_one(count), KEYS.1.hash_one(count)))
    }

    /// The Content-Type of the whole answer; `part_type` is the media type of its root part (RFC 2387 3.1).
    pub fn content_type(&self, part_type: &str) -> String {
        format!("multipart/related; type=\"{part_type}\"; boundary={}", self.0)
    }

    /// The delimiter and the header lines before a part's content.
    pub fn part_head(&self, content_type: &str, content_location: Option<&str>) -> Bytes {
        let location = content_location.map(|uri| format!("Content-Location: {uri}\r\n")).unwrap_or_default();
        Bytes::from(format!("\r\n--{}\r\nContent-Type: {content_type}\r\n{location}\r\n", self.0))
    }

    /// The closing delimiter.
    pub fn close(&self) -> Bytes {
        Bytes::from(format!("\r\n--{}--\r\n", self.0))
    }
}

impl Default for Boundary {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::MediaType;
    use crate::multipart::{Event, Parser};

    #[test]
    fn what_is_written_is_read_back() {
        let boundary = Boundary::new();
        let content_type = MediaType::parse(&boundary.content_type("application/dicom")).unwrap();
        let mut parser = Parser::for_content_type(&content_type).unwrap();
        parser.feed(boundary.part_head("application/dicom; transfer-syntax=1.2.840.10008.1.2.1", Some("/x")));
        parser.feed(Bytes::from_static(b"content"));
        parser.feed(boundary.close());
        let Event::Part(headers) = parser.next_event().unwrap() else { panic!("no part") };
        assert_eq!(headers.content_type.unwrap().parameter("transfer-syntax"), Some("1.2.840.10008.1.2.1"));
        assert_eq!(headers.content_location.as_deref(), Some("/x"));
        assert_eq!(parser.next_event().unwrap(), Event::Content(Bytes::from_static(b"content")));
        assert_eq!(parser.next_event().unwrap(), Event::EndOfPart);
        assert_eq!(parser.next_event().unwrap(), Event::End);
    }

    #[test]
    fn no_two_boundaries_are_equal() {
        assert_ne!(Boundary::new().0, Boundary::new().0);
    }
}
