//! Everything that looks random is a function of the seed and of what it is for, so that any patient, order
//! or voxel can be made alone and comes out the same every time.

use pacs_core::uid::Uid;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// A stream of random numbers for one purpose: the same seed, purpose and index give the same stream.
pub(crate) fn stream(seed: u64, purpose: &str, index: u64) -> ChaCha8Rng {
    ChaCha8Rng::from_seed(*digest(seed, purpose, index).as_bytes())
}

/// A UID under 2.25 (PS3.5 B.2) that belongs to one purpose and index of one seed.
pub(crate) fn uid(seed: u64, purpose: &str, index: u64) -> Uid {
    let mut entropy = [0u8; 16];
    for (to, from) in entropy.iter_mut().zip(digest(seed, purpose, index).as_bytes()) {
        *to = *from;
    }
    Uid::generate(entropy)
}

/// A UID below another one: the series of a study, the instances of a series.
pub(crate) fn uid_below(parent: &Uid, purpose: &str, index: u64) -> Uid {
    let mut hasher = blake3::Hasher::new();
    hasher.update(parent.as_str().as_bytes());
    hasher.update(purpose.as_bytes());
    hasher.update(&index.to_le_bytes());
    let mut entropy = [0u8; 16];
    for (to, from) in entropy.iter_mut().zip(hasher.finalize().as_bytes()) {
        *to = *from;
    }
    Uid::generate(entropy)
}

/// A number that identifies `text` within this crate: seeds the pixels of a study from its UID.
pub(crate) fn number_of(text: &str) -> u64 {
    let hash = blake3::hash(text.as_bytes());
    hash.as_bytes().iter().take(8).fold(0, |sum, byte| (sum << 8) | u64::from(*byte))
}

/// One of `items`. The lists of this crate are constants that are never empty.
pub(crate) fn pick<'a, T>(random: &mut ChaCha8Rng, items: &'a [T]) -> &'a T {
    &items[random.random_range(0..items.len())]
}

/// One of `items`, each as likely as the number beside it says.
pub(crate) fn pick_weighted<'a, T>(random: &mut ChaCha8Rng, items: &'a [(T, u32)]) -> &'a T {
    let total: u32 = items.iter().map(|(_, weight)| weight).sum();
    let mut left = random.random_range(0..total);
    for (item, weight) in items {
        if left < *weight {
            return item;
        }
        left -= weight;
    }
    &items[items.len() - 1].0
}

/// Decimal digits.
pub(crate) fn digits(random: &mut ChaCha8Rng, count: usize) -> String {
    (0..count).map(|_| char::from(b'0' + random.random_range(0..10u8))).collect()
}

fn digest(seed: u64, purpose: &str, index: u64) -> blake3::Hash {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&seed.to_le_bytes());
    hasher.update(purpose.as_bytes());
    hasher.update(&index.to_le_bytes());
    hasher.finalize()
}
