//! Content codings of JSON (RFC 9110 8.4): chosen by what is accepted, and made while the answer passes. Pixels are
//! never coded: they are compressed already, or would cost more time than they save.

use crate::accept::weight;
use crate::error::Error;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use futures::{Stream, StreamExt, TryStreamExt, stream};
use http::header::{ACCEPT_ENCODING, CONTENT_ENCODING};
use http::{HeaderMap, HeaderValue};
use std::io::Write;
use tokio::task::spawn_blocking;

/// What is shorter is sent as it is.
const SHORT_BYTES: usize = 2 << 10;
/// What a coding adds at most to a piece that it cannot make smaller.
const OVERHEAD_BYTES: usize = 1 << 10;
/// Fast, and yet a tenth of what JSON weighs.
const ZSTD_LEVEL: i32 = 1;

/// How an answer is coded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Coding {
    /// As it is.
    Identity,
    /// gzip.
    Gzip,
    /// Zstandard (RFC 8878).
    Zstd,
}

impl Coding {
    /// The coding that is accepted with the greatest weight; of several the first of those offered. Without any, and
    /// where the client says nothing, none.
    pub fn choose(headers: &HeaderMap, offered: &[Self]) -> Self {
        let mut chosen = (0, Self::Identity);
        for coding in offered {
            let weight = accepted(headers, coding.name());
            if weight > chosen.0 {
                chosen = (weight, *coding);
            }
        }
        chosen.1
    }

    fn name(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        }
    }

    /// The end of the entity tag of a representation in this coding.
    pub fn suffix(self) -> &'static str {
        match self {
            Self::Identity => "",
            Self::Gzip => "-gzip",
            Self::Zstd => "-zstd",
        }
    }

    /// Says in the headers how the answer is coded.
    pub fn put(self, headers: &mut HeaderMap) {
        if self != Self::Identity {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static(self.name()));
        }
    }
}

/// The weight with which a coding is accepted, in thousandths. A client that says nothing may not know any.
fn accepted(headers: &HeaderMap, name: &str) -> u16 {
    let lines = headers.get_all(ACCEPT_ENCODING).iter().filter_map(|line| line.to_str().ok());
    let mut any = 0;
    for coding in lines.flat_map(|line| line.split(',')) {
        let (known, weighted) = coding.split_once(';').unwrap_or((coding, ""));
        let (parameter, value) = weighted.trim().split_at_checked(2).unwrap_or_default();
        let weight = weight(parameter.eq_ignore_ascii_case("q=").then_some(value)).unwrap_or(0);
        // RFC 9110 8.4.1.3.
        let known = if known.trim().eq_ignore_ascii_case("x-gzip") { "gzip" } else { known.trim() };
        if known.eq_ignore_ascii_case(name) {
            return weight;
        }
        if known == "*" {
            any = weight;
        }
    }
    any
}

/// A short text as it is, a longer one coded.
pub async fn whole(text: Bytes, coding: Coding) -> Result<(Bytes, Coding), Error> {
    if text.len() < SHORT_BYTES {
        return Ok((text, Coding::Identity));
    }
    let Some(packer) = Packer::of(coding) else { return Ok((text, Coding::Identity)) };
    let mut packer = packer.map_err(|_| failed())?;
    packer.reserve(text.len() / 2);
    let packing = spawn_blocking(move || {
        let mut packed = packer.push(&text)?;
        packed.extend(packer.finish()?);
        Ok::<_, std::io::Error>(packed)
    });
    let packed = packing.await.map_err(|_| interrupted())?.map_err(|_| failed())?;
    Ok((packed.into(), coding))
}

/// The pieces coded, off the threads that serve sockets.
pub fn packed<E>(
    pieces: impl Stream<Item = Result<Bytes, E>>,
    coding: Coding,
) -> impl Stream<Item = Result<Bytes, Error>>
where
    Error: From<E>,
{
    let Some(packer) = Packer::of(coding) else { return pieces.map_err(Error::from).left_stream() };
    let packing = (Box::pin(pieces), Some(packer));
    let packed = stream::try_unfold(packing, |(mut pieces, mut packer)| async move {
        while let Some(taken) = packer.take() {
            let mut packing = taken.map_err(|_| failed())?;
            let piece = pieces.try_next().await?;
            packing.reserve(piece.as_ref().map_or(0, Bytes::len));
            let step = move || match piece {
                Some(piece) => Ok((packing.push(&piece)?, Some(Ok(packing)))),
                None => Ok((packing.finish()?, None)),
            };
            let stepped: std::io::Result<(Vec<u8>, _)> =
                spawn_blocking(step).await.map_err(|_| interrupted())?;
            let (made, rest) = stepped.map_err(|_| failed())?;
            packer = rest;
            if !made.is_empty() {
                return Ok(Some((Bytes::from(made), (pieces, packer))));
            }
        }
        Ok(None)
    });
    packed.right_stream()
}

fn interrupted() -> Error {
    Error::Internal("coding an answer was interrupted".into())
}

fn failed() -> Error {
    Error::Internal("coding an answer failed".into())
}

enum Packer {
    Gzip(GzEncoder<Vec<u8>>),
    Zstd(zstd::stream::write::Encoder<'static, Vec<u8>>),
}

impl Packer {
    /// The one for a coding, when there is something to do.
    fn of(coding: Coding) -> Option<std::io::Result<Self>> {
        match coding {
            Coding::Identity => None,
            Coding::Gzip => Some(Ok(Self::Gzip(GzEncoder::new(Vec::new(), Compression::fast())))),
            Coding::Zstd => Some(zstd::stream::write::Encoder::new(Vec::new(), ZSTD_LEVEL).map(Self::Zstd)),
        }
    }

    /// Makes room for what becomes of a piece of that length, on the thread that serves the socket: memory given out by
    /// a coding thread would stay with it while it waits for its next piece.
    fn reserve(&mut self, piece_bytes: usize) {
        let room = piece_bytes.saturating_add(OVERHEAD_BYTES);
        match self {
            Self::Gzip(encoder) => encoder.get_mut().reserve(room),
            Self::Zstd(encoder) => encoder.get_mut().reserve(room),
        }
    }

    /// Takes a piece and gives what is ready.
    fn push(&mut self, piece: &[u8]) -> std::io::Result<Vec<u8>> {
        match self {
            Self::Gzip(encoder) => {
                encoder.write_all(piece)?;
                Ok(std::mem::take(encoder.get_mut()))
            }
            Self::Zstd(encoder) => {
                encoder.write_all(piece)?;
                Ok(std::mem::take(encoder.get_mut()))
            }
        }
    }

    fn finish(self) -> std::io::Result<Vec<u8>> {
        match self {
            Self::Gzip(encoder) => encoder.finish(),
            Self::Zstd(encoder) => encoder.finish(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Coding; 2] = [Coding::Gzip, Coding::Zstd];

    #[test]
    fn the_greatest_weight_then_what_is_offered_first() {
        use Coding::{Gzip, Identity, Zstd};
        for (line, expected) in [
            ("gzip, deflate, br", Gzip),
            ("gzip, deflate, br, zstd", Gzip),
            ("zstd", Zstd),
            ("gzip;q=0.5, zstd", Zstd),
            ("br;q=1.0, GZIP;q=0.8", Gzip),
            ("x-gzip", Gzip),
            ("X-GZIP;Q=0.3, zstd;q=0.1", Gzip),
            ("gzip;Q=0", Identity),
            ("*", Gzip),
            ("*, gzip;q=0", Zstd),
            ("gzip;q=0", Identity),
            ("gzip;q=high", Identity),
            ("br", Identity),
            ("identity", Identity),
            ("", Identity),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT_ENCODING, line.parse().unwrap());
            assert_eq!(Coding::choose(&headers, &ALL), expected, "{line}");
        }
        assert_eq!(Coding::choose(&HeaderMap::new(), &ALL), Identity);
    }

    fn unpacked(packed: &[u8], coding: Coding) -> Vec<u8> {
        let mut plain = Vec::new();
        match coding {
            Coding::Gzip => {
                std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(packed), &mut plain).unwrap();
            }
            Coding::Zstd => plain = zstd::stream::decode_all(packed).unwrap(),
            Coding::Identity => plain = packed.to_vec(),
        }
        plain
    }

    #[tokio::test]
    async fn what_is_coded_is_undone() {
        let plain = b"dicom ".repeat(100_000);
        for coding in ALL {
            let pieces: Vec<Result<Bytes, Error>> =
                plain.chunks(7_000).map(|chunk| Ok(Bytes::copy_from_slice(chunk))).collect();
            let packed: Vec<Bytes> = packed(stream::iter(pieces), coding).try_collect().await.unwrap();
            let packed = packed.concat();
            assert!(packed.len() < plain.len() / 10);
            assert_eq!(unpacked(&packed, coding), plain);
            let (bytes, done) = whole(plain.clone().into(), coding).await.unwrap();
            assert_eq!((unpacked(&bytes, done), done), (plain.clone(), coding));
            let (short, done) = whole(Bytes::from_static(b"[]"), coding).await.unwrap();
            assert_eq!((&short[..], done), (&b"[]"[..], Coding::Identity));
        }
    }
}
