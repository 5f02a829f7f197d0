//! Text: any bytes under any label, and what is made of them.

#![no_main]

use libfuzzer_sys::fuzz_target;
use pacs_core::VR;
use pacs_core::text::{CharacterSet, fold, name_key};

const LABELS: &[&str] = &[
    "",
    "ISO_IR 100",
    "ISO_IR 192",
    "GB18030",
    "GBK",
    "ISO_IR 13",
    "ISO_IR 166",
    "ISO_IR 144",
    "ISO 2022 IR 13\\ISO 2022 IR 87",
    "\\ISO 2022 IR 149",
    "\\ISO 2022 IR 58",
    "ISO 2022 IR 100\\ISO 2022 IR 87\\ISO 2022 IR 159",
    "ISO 2022 IR 100\\ISO 2022 IR 144\\ISO 2022 IR 126",
];

fuzz_target!(|data: &[u8]| {
    let Some((&choice, bytes)) = data.split_first() else { return };
    let label = LABELS[usize::from(choice) % LABELS.len()];
    let set = CharacterSet::parse(label);
    for vr in [VR::PN, VR::LO, VR::LT] {
        let text = set.decode(bytes, vr).into_owned();
        let again = set.decode(&set.encode(&text), vr).into_owned();
        assert!(text.contains('?') || !again.contains('?'));
        let folded = fold(&text);
        assert_eq!(fold(&folded), folded);
        assert_eq!(name_key(&folded), name_key(&text));
    }
    if let Ok(label) = std::str::from_utf8(bytes) {
        let set = CharacterSet::parse(label);
        assert_eq!(CharacterSet::parse(&set.to_string()).name(), set.name());
    }
});
