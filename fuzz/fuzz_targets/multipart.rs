//! Multipart bodies and the headers around them: any bytes, cut anywhere.
//!
//! The first byte chooses how the rest is cut into pieces. What is found must not depend on the cut, and no content
//! may hold a delimiter.

#![no_main]

use bytes::Bytes;
use dicomweb::Accept;
use dicomweb::multipart::{Event, Malformed, Parser};
use libfuzzer_sys::fuzz_target;

const BOUNDARY: &str = "b-b";

fn parts(pieces: impl Iterator<Item = Bytes>) -> Result<Vec<Vec<u8>>, Malformed> {
    let mut parser = Parser::new(BOUNDARY)?;
    let mut parts: Vec<Vec<u8>> = Vec::new();
    for piece in pieces {
        parser.feed(piece);
        loop {
            match parser.next_event()? {
                Event::NeedMore | Event::End => break,
                Event::Part(_) => parts.push(Vec::new()),
                Event::Content(bytes) => parts.last_mut().expect("content lies in a part").extend_from_slice(&bytes),
                Event::EndOfPart => {}
            }
        }
    }
    parser.finish().map(|()| parts)
}

fuzz_target!(|data: &[u8]| {
    let Some((&cut, body)) = data.split_first() else { return };
    let whole = parts(std::iter::once(Bytes::copy_from_slice(body)));
    let size = usize::from(cut) + 1;
    let cut = parts(body.chunks(size).map(Bytes::copy_from_slice));
    match (&whole, &cut) {
        (Ok(whole), Ok(cut)) => assert_eq!(whole, cut),
        (Err(_), Err(_)) => {}
        _ => panic!("the cut decides: {whole:?} or {cut:?}"),
    }
    if let Ok(text) = std::str::from_utf8(body)
        && let Ok(accept) = Accept::parse(text)
    {
        let _ = (accept.instances(true), accept.bulk(), accept.json(), accept.image());
    }
});
