//! Smooth random fields and the grain of detectors.

use rand::{Rng, RngExt};
use rand_chacha::ChaCha8Rng;

/// 0 below `from`, 1 above `to`, smooth between.
pub(crate) fn smoothstep(from: f32, to: f32, x: f32) -> f32 {
    let t = ((x - from) / (to - from)).clamp(0.0, 1.0);
    t * t * (3.0 - 2.0 * t)
}

/// Linear interpolation in a table of ascending (x, y) points; the ends hold beyond it.
pub(crate) fn interpolate(table: &[(f32, f32)], x: f32) -> f32 {
    let after = table.partition_point(|point| point.0 <= x);
    if after == 0 {
        return table[0].1;
    }
    if after == table.len() {
        return table[after - 1].1;
    }
    let ((x0, y0), (x1, y1)) = (table[after - 1], table[after]);
    y0 + (y1 - y0) * smoothstep(x0, x1, x)
}

/// Value noise over three dimensions: about -1 to 1, features as large as a unit of the coordinates.
pub(crate) fn value_noise(seed: u32, [x, y, z]: [f32; 3]) -> f32 {
    let (fx, fy, fz) = (x.floor(), y.floor(), z.floor());
    let fade = |t: f32| t * t * (3.0 - 2.0 * t);
    let (tx, ty, tz) = (fade(x - fx), fade(y - fy), fade(z - fz));
    let corner = |dx: i32, dy: i32, dz: i32| lattice(seed, fx as i32 + dx, fy as i32 + dy, fz as i32 + dz);
    let line = |dy, dz| corner(0, dy, dz) + (corner(1, dy, dz) - corner(0, dy, dz)) * tx;
    let plane = |dz| line(0, dz) + (line(1, dz) - line(0, dz)) * ty;
    plane(0) + (plane(1) - plane(0)) * tz
}

/// A number in -1 to 1 that belongs to a lattice point.
fn lattice(seed: u32, x: i32, y: i32, z: i32) -> f32 {
    let mut h = seed
        ^ (x as u32).wrapping_mul(0x8da6_b343)
        ^ (y as u32).wrapping_mul(0xd816_3841)
        ^ (z as u32).wrapping_mul(0xcb1a_b31f);
    h = (h ^ (h >> 15)).wrapping_mul(0x2c1b_3c6d);
    h = (h ^ (h >> 12)).wrapping_mul(0x297a_2d39);
    h ^= h >> 15;
    h as f32 / (u32::MAX as f32 / 2.0) - 1.0
}

/// Numbers of about normal distribution, variance 1: four bytes summed are near enough for grain.
pub(crate) fn grain(random: &mut ChaCha8Rng, count: usize) -> Vec<f32> {
    (0..count)
        .map(|_| {
            let sum: i32 = random.next_u32().to_le_bytes().into_iter().map(i32::from).sum();
            (sum - 510) as f32 / 147.8
        })
        .collect()
}

/// Blurs rows and columns of an image by a symmetric kernel given from its centre outwards; edges repeat.
pub(crate) fn blur(image: &mut [f32], width: usize, kernel: &[f32]) {
    let height = image.len() / width;
    let mut line = Vec::with_capacity(width.max(height));
    for row in image.chunks_exact_mut(width) {
        line.clear();
        line.extend_from_slice(row);
        convolve(&line, kernel, |at, value| row[at] = value);
    }
    for column in 0..width {
        line.clear();
        line.extend((0..height).map(|row| image[row * width + column]));
        convolve(&line, kernel, |at, value| image[at * width + column] = value);
    }
}

fn convolve(line: &[f32], kernel: &[f32], mut put: impl FnMut(usize, f32)) {
    let last = line.len() - 1;
    for at in 0..line.len() {
        let mut sum = line[at] * kernel[0];
        for (reach, weight) in kernel.iter().enumerate().skip(1) {
            sum += weight * (line[at.saturating_sub(reach)] + line[(at + reach).min(last)]);
        }
        put(at, sum);
    }
}

/// Noise of filtered back projection: fine correlated grain, and faint streaks along a few directions.
pub(crate) fn tomographic_noise(random: &mut ChaCha8Rng, side: usize) -> Vec<f32> {
    let mut noise = grain(random, side * side);
    blur(&mut noise, side, &[0.46, 0.24, 0.04, -0.01]);
    let scale = 1.0 / deviation(&noise);
    for value in &mut noise {
        *value *= scale;
    }
    const DIRECTIONS: usize = 18;
    for _ in 0..DIRECTIONS {
        let angle: f32 = random.random_range(0.0..std::f32::consts::PI);
        let (sin, cos) = angle.sin_cos();
        let profile = grain(random, side * 3);
        let middle = side as f32 / 2.0;
        for (n, value) in noise.iter_mut().enumerate() {
            let (x, y) = ((n % side) as f32 - middle, (n / side) as f32 - middle);
            let at = x * cos + y * sin + side as f32 * 1.5;
            let (whole, part) = (at as usize, at.fract());
            *value += 0.075 * (profile[whole] * (1.0 - part) + profile[whole + 1] * part);
        }
    }
    noise
}

fn deviation(values: &[f32]) -> f32 {
    (values.iter().map(|value| value * value).sum::<f32>() / values.len() as f32).sqrt().max(1e-6)
}
