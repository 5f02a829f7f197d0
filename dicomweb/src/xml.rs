//! Searches, metadata and steps in XML (PS3.18 8.7.3.2, PS3.19 A.1), for who prefers it to JSON: the answer in JSON is
//! taken apart while it is made, and each of its data sets goes out as a document of its own.

use crate::accept::Accept;
use crate::error::Error;
use crate::multipart::Boundary;
use crate::outgoing;
use crate::query_string;
use axum::body::Body;
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use bytes::Bytes;
use futures::{Stream, TryStreamExt};
use http::header::{
    ACCEPT, ACCEPT_ENCODING, ACCEPT_RANGES, CONTENT_LENGTH, CONTENT_TYPE, ETAG, IF_MATCH, IF_MODIFIED_SINCE,
    IF_NONE_MATCH, IF_RANGE, IF_UNMODIFIED_SINCE, LAST_MODIFIED, RANGE,
};
use http::{HeaderValue, Method, StatusCode, Uri};
use pacs_core::native_model;
use tokio::task::spawn_blocking;

/// A data set alone.
pub const MEDIA_TYPE: &str = "application/dicom+xml";
/// A data set up to this size is written at once, a larger one where it holds up nobody.
const SMALL_BYTES: usize = 64 << 10;

/// Answers in XML where that is preferred; without any data sets there is nothing to answer with, and that is 204.
pub async fn offer(mut request: Request, next: Next) -> Result<Response, Error> {
    let parameters = query_string::parameters(request.uri().query())?;
    let accept = parameters.iter().find(|(name, _)| is_accept(name));
    let accept = Accept::read(request.headers(), accept.map(|(_, value)| value.as_str()))?;
    if !accept.prefers_xml() {
        return Ok(next.run(request).await);
    }
    let is_head = request.method() == Method::HEAD;
    if is_head {
        *request.method_mut() = Method::GET;
    }
    *request.uri_mut() = without_accept(request.uri());
    let headers = request.headers_mut();
    headers.insert(ACCEPT, HeaderValue::from_static("application/dicom+json"));
    // Tags, dates and ranges are of the JSON.
    for of_json in
        [ACCEPT_ENCODING, RANGE, IF_RANGE, IF_MATCH, IF_NONE_MATCH, IF_MODIFIED_SINCE, IF_UNMODIFIED_SINCE]
    {
        headers.remove(of_json);
    }
    let answer = next.run(request).await;
    if answer.status() != StatusCode::OK {
        return Ok(answer);
    }
    let (mut head, body) = answer.into_parts();
    for of_json in [CONTENT_TYPE, CONTENT_LENGTH, ETAG, LAST_MODIFIED, ACCEPT_RANGES] {
        head.headers.remove(of_json);
    }
    let mut objects = Objects::of(body.into_data_stream());
    let Some(first) = objects.next().await? else {
        head.status = StatusCode::NO_CONTENT;
        return Ok(Response::from_parts(head, Body::empty()));
    };
    let boundary = Boundary::new();
    let content_type = HeaderValue::try_from(boundary.content_type(MEDIA_TYPE));
    let content_type = content_type.map_err(|_| Error::Internal("a boundary is no header".into()))?;
    head.headers.insert(CONTENT_TYPE, content_type);
    if is_head {
        return Ok(Response::from_parts(head, Body::empty()));
    }
    let body = outgoing::body(Bytes::new(), move |out| async move {
        let mut left = Some(first);
        while let Some(object) = left {
            out.send(boundary.part_head(MEDIA_TYPE, None)).await?;
            out.send(document(object).await?).await?;
            left = objects.next().await?;
        }
        out.send(boundary.close()).await?;
        Ok(())
    });
    Ok(Response::from_parts(head, body.await?))
}

fn is_accept(name: &str) -> bool {
    name.eq_ignore_ascii_case("accept")
}

/// What follows is asked for JSON, in the header.
fn without_accept(uri: &Uri) -> Uri {
    let kept = uri.query().unwrap_or_default().split('&');
    let kept: Vec<&str> = kept.filter(|piece| !is_accept(piece.split('=').next().unwrap_or(piece))).collect();
    let target = format!("{}?{}", uri.path(), kept.join("&"));
    Uri::try_from(target).unwrap_or_else(|_| uri.clone())
}

/// The document of a data set in JSON.
pub async fn document(object: Vec<u8>) -> Result<Bytes, Error> {
    let is_small = object.len() <= SMALL_BYTES;
    let write = move || {
        let mut document = Vec::with_capacity(object.len() * 2);
        let written = native_model::write(&object, &mut document);
        written.map(|()| Bytes::from(document)).map_err(|error| {
            Error::Internal(format!("metadata is not what it should be at column {}", error.column()).into())
        })
    };
    if is_small {
        return write();
    }
    spawn_blocking(write).await.map_err(|_| Error::Internal("writing XML was interrupted".into()))?
}

/// The data sets of a JSON text, whether in an array or alone.
struct Objects<S> {
    pieces: S,
    /// What came and is not given yet, up to `read` of it looked at.
    buffer: Vec<u8>,
    read: usize,
    depth: u32,
    in_text: bool,
    escaped: bool,
}

impl<S> Objects<S>
where
    S: Stream<Item = Result<Bytes, axum::Error>> + Unpin,
{
    fn of(pieces: S) -> Self {
        Self { pieces, buffer: Vec::new(), read: 0, depth: 0, in_text: false, escaped: false }
    }

    /// The text of the next one.
    async fn next(&mut self) -> Result<Option<Vec<u8>>, Error> {
        loop {
            if let Some(object) = self.cut() {
                return Ok(Some(object));
            }
            let piece = self.pieces.try_next().await;
            let piece = piece.map_err(|_| Error::Internal("an answer broke off".into()))?;
            match piece {
                Some(piece) => self.buffer.extend_from_slice(&piece),
                None if self.depth == 0 => return Ok(None),
                None => return Err(Error::Internal("an answer ended early".into())),
            }
        }
    }

    fn cut(&mut self) -> Option<Vec<u8>> {
        while let Some(byte) = self.buffer.get(self.read) {
            self.read += 1;
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' if self.in_text => self.escaped = true,
                b'"' => self.in_text = !self.in_text,
                _ if self.in_text => {}
                b'{' => {
                    if self.depth == 0 {
                        // Brackets and commas between them.
                        self.buffer.drain(..self.read - 1);
                        self.read = 1;
                    }
                    self.depth += 1;
                }
                b'}' => {
                    self.depth = self.depth.saturating_sub(1);
                    if self.depth == 0 {
                        let rest = self.buffer.split_off(self.read);
                        self.read = 0;
                        return Some(std::mem::replace(&mut self.buffer, rest));
                    }
                }
                _ => {}
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::stream;
    use proptest::prelude::*;

    fn objects(text: &str, step: usize) -> Result<Vec<String>, Error> {
        let pieces: Vec<_> =
            text.as_bytes().chunks(step).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
        let mut objects = Objects::of(stream::iter(pieces));
        let mut found = Vec::new();
        futures::executor::block_on(async {
            while let Some(object) = objects.next().await? {
                found.push(String::from_utf8(object).unwrap());
            }
            Ok(found)
        })
    }

    #[test]
    fn data_sets_are_told_apart() {
        let one = r#"{"a":"}\\\"{","b":[{"c":{}}]}"#;
        for step in [1, 2, 7, 100] {
            assert_eq!(objects(&format!("[{one}, {{}},{one}]"), step).unwrap(), [one, "{}", one]);
            assert_eq!(objects(one, step).unwrap(), [one]);
            assert!(objects("[]", step).unwrap().is_empty());
            assert!(objects(r#"[{"a":"#, step).is_err());
        }
    }

    proptest! {
        #[test]
        fn any_text_may_be_inside(texts in proptest::collection::vec(any::<String>(), 0..5), step in 1usize..9) {
            let want: Vec<String> = texts.iter().map(|text| serde_json::json!({ "a": text }).to_string()).collect();
            prop_assert_eq!(objects(&format!("[{}]", want.join(",")), step).unwrap(), want);
        }
    }
}
