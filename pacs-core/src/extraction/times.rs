//! When each frame of an instance was taken, and how an instance with some of them says it (PS3.3 C.7.6.5).

use super::{Refusal, VECTORS};
use crate::dataset::{DataSet, tag_of};
use crate::{Tag, VR, tags};

/// In milliseconds after Content Time, where Frame Increment Pointer says how.
pub(super) fn of(header: &DataSet, count: u32) -> Option<Vec<f64>> {
    let delay = header.float(tags::FRAME_DELAY).unwrap_or(0.0);
    let pointers = pointers(header);
    if pointers.contains(&tags::FRAME_TIME) {
        let step = header.float(tags::FRAME_TIME)?;
        return Some((0..count).map(|frame| delay + step * f64::from(frame)).collect());
    }
    if pointers.contains(&tags::FRAME_TIME_VECTOR) {
        let steps = header.floats(tags::FRAME_TIME_VECTOR);
        let times = steps.iter().scan(delay, |at, step| {
            *at += step;
            Some(*at)
        });
        return (u32::try_from(steps.len()) == Ok(count)).then(|| times.collect());
    }
    None
}

fn pointers(header: &DataSet) -> Vec<Tag> {
    header.texts(tags::FRAME_INCREMENT_POINTER).iter().filter_map(|text| tag_of(text)).collect()
}

/// Says when the selected frames were taken.
pub(super) fn put(source: &DataSet, made: &mut DataSet, frames: &[u32], count: u32) -> Result<(), Refusal> {
    const FOLLOWED: [Tag; 2] = [tags::FRAME_TIME, tags::FRAME_TIME_VECTOR];
    let mut pointers = pointers(source);
    let is_known = |tag: &Tag| {
        FOLLOWED.contains(tag)
            || VECTORS.contains(tag) && u32::try_from(source.texts(*tag).len()) == Ok(count)
    };
    if !pointers.iter().all(is_known) {
        return Err(Refusal::NotMade("the order of its frames has a meaning that is not followed"));
    }
    if frames.windows(2).any(|pair| matches!(pair, [a, b] if *b != a + 1)) {
        made.remove(tags::CINE_RATE);
        made.remove(tags::RECOMMENDED_DISPLAY_FRAME_RATE);
    }
    let Some(times) = of(source, count) else {
        return match pointers.iter().any(|tag| FOLLOWED.contains(tag)) {
            true => Err(Refusal::NotMade("its frames have no times, though it says so")),
            false => {
                made.retain(|element| !FOLLOWED.contains(&element.tag));
                Ok(())
            }
        };
    };
    let time = |frame: &u32| times.get(usize::try_from(*frame).unwrap_or(usize::MAX)).copied();
    let times: Vec<f64> = frames.iter().filter_map(time).collect();
    let Some(first) = times.first() else { return Err(Refusal::NoFrames) };
    if *first != 0.0 || source.contains(tags::FRAME_DELAY) {
        made.put_text(tags::FRAME_DELAY, &decimal(*first));
    }
    let step = |pair: &[f64]| if let [before, after] = pair { after - before } else { 0.0 };
    let steps: Vec<f64> = times.windows(2).map(step).collect();
    let is_even = frames.windows(3).all(|three| matches!(three, [a, b, c] if b - a == c - b));
    made.retain(|element| !FOLLOWED.contains(&element.tag));
    let pointer = if pointers.contains(&tags::FRAME_TIME) && is_even {
        let step = steps.first().copied().or_else(|| source.float(tags::FRAME_TIME)).unwrap_or(0.0);
        made.put_text(tags::FRAME_TIME, &decimal(step));
        tags::FRAME_TIME
    } else {
        let steps: Vec<String> = std::iter::once(0.0).chain(steps).map(decimal).collect();
        made.put_texts(tags::FRAME_TIME_VECTOR, &steps);
        tags::FRAME_TIME_VECTOR
    };
    for tag in pointers.iter_mut().filter(|tag| FOLLOWED.contains(tag)) {
        *tag = pointer;
    }
    let bytes: Vec<u8> = pointers
        .iter()
        .flat_map(|Tag(group, number)| [group.to_le_bytes(), number.to_le_bytes()])
        .flatten()
        .collect();
    made.put_bytes(tags::FRAME_INCREMENT_POINTER, VR::AT, bytes);
    Ok(())
}

/// A DS of at most 16 characters: milliseconds to the nanosecond.
fn decimal(value: f64) -> String {
    let text = format!("{value:.6}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text.len() <= 16 { text.to_owned() } else { format!("{value:.8e}") }
}
