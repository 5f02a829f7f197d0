//! Branching vessels and airways.

use super::shape::Tube;
use crate::random::stream;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use std::collections::VecDeque;

/// How a tree grows.
pub(crate) struct Growth {
    /// Radius below which nothing grows, millimetres.
    pub(crate) thinnest: f32,
    /// Length of a branch against its radius.
    pub(crate) length: f32,
    /// How far branches part.
    pub(crate) spread: f32,
}

/// Grows a tree from a root with a direction; a branch that would leave `inside` is not grown. `level` is how many
/// forks lie before a branch.
pub(crate) fn grow(
    seed: u64,
    number: u64,
    root: [f32; 4],
    direction: [f32; 3],
    growth: &Growth,
    inside: impl Fn([f32; 3]) -> bool,
) -> Vec<(u32, Tube)> {
    let mut random = stream(seed, "tree", number);
    let mut grown = Vec::new();
    // Thick branches first, so that the limit leaves out only twigs.
    let mut waiting = VecDeque::from([(root, direction, 0u32)]);
    while let Some((from, direction, level)) = waiting.pop_front() {
        if from[3] < growth.thinnest || grown.len() > 520 {
            continue;
        }
        let length = growth.length * from[3].powf(0.75) * random.random_range(0.75..1.3);
        // A branch that would leave turns until it fits.
        let turns: Vec<[f32; 3]> = (1..7).map(|n| turned(&mut random, direction, 0.35 * n as f32)).collect();
        let tries = std::iter::once(direction).chain(turns);
        let Some((direction, to)) = tries
            .map(|direction| (direction, std::array::from_fn(|axis| from[axis] + direction[axis] * length)))
            .find(|(_, to)| inside(*to))
        else {
            continue;
        };
        let end = [to[0], to[1], to[2], from[3] * 0.9];
        grown.push((level, Tube::straight(from, end)));
        let share: f32 = random.random_range(0.45..0.62);
        for (share, turn) in [(share, 1.0 - share), (1.0 - share, share)] {
            // Murray: the cubes of the radii add up.
            let radius = from[3] * share.cbrt() * 0.97;
            let bend = growth.spread * (0.35 + turn);
            waiting.push_back((
                [to[0], to[1], to[2], radius],
                turned(&mut random, direction, bend),
                level + 1,
            ));
        }
    }
    grown
}

fn turned(random: &mut ChaCha8Rng, direction: [f32; 3], by: f32) -> [f32; 3] {
    let bent: [f32; 3] = std::array::from_fn(|axis| direction[axis] + random.random_range(-by..by));
    let length = bent.iter().map(|part| part * part).sum::<f32>().sqrt().max(1e-3);
    bent.map(|part| part / length)
}
