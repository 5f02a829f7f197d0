//! Luma and chroma to colour and back (PS3.3 C.7.6.3.1.2), in place, three samples of eight bits a pixel.

/// YBR_FULL to RGB, in 16-bit fixed point.
pub(super) fn full_to_rgb(samples: &mut [u8]) {
    for [first, second, third] in samples.as_chunks_mut::<3>().0 {
        let (y, cb, cr) = (i32::from(*first) << 16, i32::from(*second) - 128, i32::from(*third) - 128);
        let level = |value: i32| ((value + (1 << 15)) >> 16).clamp(0, 255) as u8;
        *first = level(y + 91_881 * cr);
        *second = level(y - 22_554 * cb - 46_802 * cr);
        *third = level(y + 116_130 * cb);
    }
}

/// YBR_PARTIAL (luma from 16 to 235, chroma from 16 to 240) to RGB, in 16-bit fixed point.
pub(super) fn partial_to_rgb(samples: &mut [u8]) {
    for [first, second, third] in samples.as_chunks_mut::<3>().0 {
        let (y, cb, cr) =
            ((i32::from(*first) - 16) * 76_309, i32::from(*second) - 128, i32::from(*third) - 128);
        let level = |value: i32| ((value + (1 << 15)) >> 16).clamp(0, 255) as u8;
        *first = level(y + 104_597 * cr);
        *second = level(y - 25_675 * cb - 53_279 * cr);
        *third = level(y + 132_201 * cb);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ends_of_both_ranges_are_black_and_white() {
        for (transform, ybr, rgb) in [
            (full_to_rgb as fn(&mut [u8]), [0, 128, 128], [0, 0, 0]),
            (full_to_rgb, [255, 128, 128], [255, 255, 255]),
            (full_to_rgb, [76, 85, 255], [254, 0, 0]),
            (partial_to_rgb, [16, 128, 128], [0, 0, 0]),
            (partial_to_rgb, [235, 128, 128], [255, 255, 255]),
            (partial_to_rgb, [81, 90, 240], [254, 0, 0]),
        ] {
            let mut samples = ybr;
            transform(&mut samples);
            assert_eq!(samples, rgb, "{ybr:?}");
        }
    }
}
