//! Streams of pieces, changed while they pass.

use bytes::{Bytes, BytesMut};
use futures::{Stream, StreamExt, TryStreamExt, future, stream};

/// Only the `length` bytes from `start` on. What lies behind them is not asked for.
pub fn slice<E>(
    pieces: impl Stream<Item = Result<Bytes, E>>,
    start: u64,
    length: u64,
) -> impl Stream<Item = Result<Bytes, E>> {
    stream::try_unfold((Box::pin(pieces), start, length), |(mut pieces, mut skip, mut take)| async move {
        while take > 0
            && let Some(mut piece) = pieces.try_next().await?
        {
            let skipped = usize::try_from(skip).unwrap_or(usize::MAX).min(piece.len());
            let mut piece = piece.split_off(skipped);
            piece.truncate(usize::try_from(take).unwrap_or(usize::MAX));
            skip -= skipped as u64;
            take -= piece.len() as u64;
            if !piece.is_empty() {
                return Ok(Some((piece, (pieces, skip, take))));
            }
        }
        Ok(None)
    })
}

/// The bytes of each number of `unit_bytes` in the opposite order. Bytes left at the end that make no number pass as
/// they are.
pub fn turned<E>(
    pieces: impl Stream<Item = Result<Bytes, E>>,
    unit_bytes: usize,
) -> impl Stream<Item = Result<Bytes, E>> {
    let mut carried = BytesMut::new();
    let unit_bytes = unit_bytes.max(1);
    pieces.map(Some).chain(stream::iter([None])).filter_map(move |piece| {
        let turned = match piece {
            Some(Ok(piece)) if unit_bytes == 1 => Some(Ok(piece)),
            Some(Ok(piece)) => {
                carried.extend_from_slice(&piece);
                let mut numbers = carried.split_to(carried.len() - carried.len() % unit_bytes);
                for number in numbers.chunks_exact_mut(unit_bytes) {
                    number.reverse();
                }
                Some(Ok(numbers.freeze()))
            }
            Some(Err(error)) => Some(Err(error)),
            None => (!carried.is_empty()).then(|| Ok(carried.split().freeze())),
        };
        future::ready(turned)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn stream(bytes: &[u8], piece: usize) -> impl Stream<Item = Result<Bytes, ()>> {
        let pieces: Vec<_> = bytes.chunks(piece).map(|chunk| Ok(Bytes::copy_from_slice(chunk))).collect();
        futures::stream::iter(pieces)
    }

    fn joined(pieces: impl Stream<Item = Result<Bytes, ()>>) -> Vec<u8> {
        futures::executor::block_on(pieces.try_collect::<Vec<Bytes>>()).unwrap().concat()
    }

    proptest! {
        #[test]
        fn a_slice_is_that_of_the_whole(bytes in proptest::collection::vec(any::<u8>(), 0..80), piece in 1usize..9, start in 0usize..90, length in 0usize..90) {
            let expected = bytes.iter().skip(start).take(length).copied().collect::<Vec<u8>>();
            prop_assert_eq!(joined(slice(stream(&bytes, piece), start as u64, length as u64)), expected);
        }

        #[test]
        fn numbers_are_turned_across_pieces(bytes in proptest::collection::vec(any::<u8>(), 0..80), piece in 1usize..9, unit in prop_oneof![Just(1usize), Just(2), Just(4), Just(8)]) {
            let mut expected = bytes.clone();
            expected.chunks_exact_mut(unit).for_each(<[u8]>::reverse);
            prop_assert_eq!(joined(turned(stream(&bytes, piece), unit)), expected);
        }
    }

    #[test]
    fn a_slice_ends_without_asking_on() {
        let endless = stream(&[1, 2, 3], 1).chain(futures::stream::pending());
        assert_eq!(joined(slice(endless, 1, 2)), [2, 3]);
    }
}
