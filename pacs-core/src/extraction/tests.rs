use super::*;

fn uid(text: &str) -> Uid {
    Uid::parse(text).unwrap()
}

fn longs(numbers: &[u32]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
}

fn asked(tag: Tag, vr: VR, bytes: Vec<u8>) -> Result<Selection, Refusal> {
    let mut identifier = DataSet::new();
    identifier.put_bytes(tag, vr, bytes);
    Selection::of(&identifier)
}

fn cine(frames: u32, step: &str) -> DataSet {
    let mut set = DataSet::new();
    set.put_uid(tags::SOP_INSTANCE_UID, &uid("1.2.3"));
    set.put_text(tags::NUMBER_OF_FRAMES, &frames.to_string());
    set.put_text(tags::FRAME_TIME, step);
    set.put_bytes(tags::FRAME_INCREMENT_POINTER, VR::AT, vec![0x18, 0, 0x63, 0x10]);
    set
}

fn made(source: &DataSet, frames: &[u32], count: u32) -> Result<DataSet, Refusal> {
    header(source, &Selection::Simple(frames.iter().map(|n| n + 1).collect()), frames, count, &uid("2.25.9"))
}

#[test]
fn frame_lists_rise() {
    let simple = |numbers: &[u32]| asked(tags::SIMPLE_FRAME_LIST, VR::UL, longs(numbers));
    assert_eq!(simple(&[1, 2, 9]), Ok(Selection::Simple(vec![1, 2, 9])));
    for wrong in [&[][..], &[0], &[2, 2], &[3, 2]] {
        assert!(matches!(simple(wrong), Err(Refusal::Invalid(_))), "{wrong:?}");
    }
    let calculated = |numbers: &[u32]| asked(tags::CALCULATED_FRAME_LIST, VR::UL, longs(numbers));
    assert_eq!(calculated(&[1, 5, 2, 6, 6, 1]), Ok(Selection::Calculated(vec![[1, 5, 2], [6, 6, 1]])));
    for wrong in [&[][..], &[1, 5], &[1, 5, 0], &[0, 5, 1], &[5, 1, 1], &[1, 5, 1, 5, 9, 1], &[1, 5, 1, 6]] {
        assert!(matches!(calculated(wrong), Err(Refusal::Invalid(_))), "{wrong:?}");
    }
    let times = |from: f64, to: f64| {
        asked(tags::TIME_RANGE, VR::FD, [from, to].iter().flat_map(|t| t.to_le_bytes()).collect())
    };
    assert_eq!(times(0.5, 1.0), Ok(Selection::Times([0.5, 1.0])));
    for (from, to) in [(1.0, 0.5), (f64::NAN, 1.0), (0.0, f64::INFINITY)] {
        assert!(matches!(times(from, to), Err(Refusal::Invalid(_))), "{from} {to}");
    }
    assert!(matches!(Selection::of(&DataSet::new()), Err(Refusal::Invalid(_))));
    let mut both = DataSet::new();
    both.put_bytes(tags::SIMPLE_FRAME_LIST, VR::UL, longs(&[1]));
    both.put_bytes(tags::CALCULATED_FRAME_LIST, VR::UL, longs(&[1, 1, 1]));
    assert!(matches!(Selection::of(&both), Err(Refusal::Invalid(_))), "one and only one");
}

#[test]
fn frames_are_those_that_there_are() {
    let source = cine(10, "40");
    let frames = |selection: Selection| selection.frames(&source, 10);
    assert_eq!(frames(Selection::Simple(vec![1, 10, 11])), Ok(vec![0, 9]));
    assert_eq!(frames(Selection::Simple(vec![11])), Err(Refusal::NoFrames));
    assert_eq!(frames(Selection::Calculated(vec![[2, 6, 2], [9, u32::MAX, 1]])), Ok(vec![1, 3, 5, 8, 9]));
    assert_eq!(frames(Selection::Calculated(vec![[11, 20, 1]])), Err(Refusal::NoFrames));
    assert_eq!(frames(Selection::Times([0.08, 0.16])), Ok(vec![2, 3, 4]));
    assert_eq!(frames(Selection::Times([9.0, 10.0])), Err(Refusal::NoFrames));
    let mut still = source.clone();
    still.remove(tags::FRAME_INCREMENT_POINTER);
    assert_eq!(Selection::Times([0.0, 1.0]).frames(&still, 10), Err(Refusal::NoTimes));
}

#[test]
fn an_even_selection_keeps_one_frame_time() {
    let mut source = cine(10, "40");
    source.put_text(tags::CINE_RATE, "25");
    let made = made(&source, &[2, 4, 6], 10).unwrap();
    assert_eq!(made.text(tags::FRAME_TIME).as_deref(), Some("80"));
    assert_eq!(made.text(tags::FRAME_DELAY).as_deref(), Some("80"));
    assert_eq!(made.text(tags::NUMBER_OF_FRAMES).as_deref(), Some("3"));
    assert!(!made.contains(tags::CINE_RATE) && !made.contains(tags::FRAME_TIME_VECTOR));
    assert_eq!(made.texts(tags::FRAME_INCREMENT_POINTER), ["00181063"]);
}

#[test]
fn an_uneven_one_gets_a_vector() {
    let made = made(&cine(10, "33.3"), &[0, 1, 5], 10).unwrap();
    assert_eq!(made.texts(tags::FRAME_TIME_VECTOR), ["0", "33.3", "133.2"]);
    assert!(!made.contains(tags::FRAME_TIME) && !made.contains(tags::FRAME_DELAY));
    assert_eq!(made.texts(tags::FRAME_INCREMENT_POINTER), ["00181065"]);
    // And of a vector comes a vector.
    let again = super::header(&made, &Selection::Simple(vec![2, 3]), &[1, 2], 3, &uid("2.25.10")).unwrap();
    assert_eq!(again.texts(tags::FRAME_TIME_VECTOR), ["0", "133.2"]);
    assert_eq!(again.text(tags::FRAME_DELAY).as_deref(), Some("33.3"));
    let sources: Vec<_> = again
        .items(tags::FRAME_EXTRACTION_SEQUENCE)
        .iter()
        .map(|item| item.text(tags::MULTI_FRAME_SOURCE_SOP_INSTANCE_UID).unwrap())
        .collect();
    assert_eq!(sources, ["1.2.3", "2.25.9"], "each extraction is told");
}

#[test]
fn what_is_said_of_each_frame_is_said_of_those_that_are_left() {
    let group = |number: i64| {
        let mut content = DataSet::new();
        content.put_text(tags::FRAME_ACQUISITION_NUMBER, &number.to_string());
        content.put_bytes(Tag(0x0009, 0x1001), VR::LO, b"private".to_vec());
        let mut group = DataSet::new();
        group.put_items(tags::FRAME_CONTENT_SEQUENCE, vec![content]);
        group
    };
    let mut source = DataSet::new();
    source.put_uid(tags::SOP_INSTANCE_UID, &uid("1.2.3"));
    source.put_text(tags::NUMBER_OF_FRAMES, "4");
    source.put_items(tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE, (0..4).map(group).collect());
    source.put_bytes(tags::REPRESENTATIVE_FRAME_NUMBER, VR::US, vec![4, 0]);
    source.put_bytes(tags::FRAME_NUMBERS_OF_INTEREST, VR::US, vec![1, 0, 2, 0, 4, 0]);
    source.put_texts(tags::FRAME_OF_INTEREST_DESCRIPTION, &["a", "b", "c"]);
    source.put_bytes(Tag(0x0009, 0x1001), VR::LO, b"private".to_vec());
    source.put_text(tags::CONCATENATION_UID, "1.2.9");
    let made = made(&source, &[1, 3], 4).unwrap();
    let groups = made.items(tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE);
    let content = |group: &DataSet| group.items(tags::FRAME_CONTENT_SEQUENCE)[0].clone();
    let numbers: Vec<_> = groups.iter().map(|g| content(g).int(tags::FRAME_ACQUISITION_NUMBER)).collect();
    assert_eq!(numbers, [Some(1), Some(3)]);
    assert!(!content(&groups[0]).contains(Tag(0x0009, 0x1001)) && !made.contains(Tag(0x0009, 0x1001)));
    assert_eq!(made.int(tags::REPRESENTATIVE_FRAME_NUMBER), Some(2));
    assert_eq!(made.ints(tags::FRAME_NUMBERS_OF_INTEREST), [1, 2]);
    assert_eq!(made.texts(tags::FRAME_OF_INTEREST_DESCRIPTION), ["b", "c"]);
    assert!(!made.contains(tags::CONCATENATION_UID));
    assert_eq!(made.text(tags::SOP_INSTANCE_UID).as_deref(), Some("2.25.9"));
    let equipment = &made.items(tags::CONTRIBUTING_EQUIPMENT_SEQUENCE)[0];
    let purpose = &equipment.items(tags::PURPOSE_OF_REFERENCE_CODE_SEQUENCE)[0];
    assert_eq!(purpose.text(tags::CODE_VALUE).as_deref(), Some("109105"));
}

#[test]
fn what_would_not_be_valid_is_not_made() {
    let still = || {
        let mut set = cine(4, "40");
        set.remove(tags::FRAME_INCREMENT_POINTER);
        set
    };
    let mut masked = still();
    masked.put_items(tags::MASK_SUBTRACTION_SEQUENCE, vec![DataSet::new()]);
    let mut tiled = still();
    tiled.put_text(tags::DIMENSION_ORGANIZATION_TYPE, "TILED_FULL");
    let mut overlaid = still();
    overlaid.put_bytes(Tag(0x6000, 0x0015), VR::IS, b"4 ".to_vec());
    let mut grid = still();
    grid.put_texts(tags::GRID_FRAME_OFFSET_VECTOR, &["0", "1", "2", "3"]);
    grid.put_bytes(tags::FRAME_INCREMENT_POINTER, VR::AT, vec![0x04, 0x30, 0x0c, 0]);
    let mut short = still();
    short.put_items(tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE, vec![DataSet::new(); 3]);
    let mut single = still();
    single.remove(tags::NUMBER_OF_FRAMES);
    for source in [masked, tiled, overlaid, grid, short, single] {
        assert!(matches!(made(&source, &[0, 2], 4), Err(Refusal::NotMade(_))), "{source:?}");
    }
    assert!(made(&still(), &[0, 2], 4).is_ok());
}
