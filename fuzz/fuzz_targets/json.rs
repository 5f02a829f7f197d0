//! DICOM JSON: what is taken is written in a form that is taken again and stays the same.

#![no_main]

use libfuzzer_sys::fuzz_target;
use pacs_core::json::{JsonLimits, parse, to_string};

fuzz_target!(|data: &[u8]| {
    let Ok(sets) = parse(data, &JsonLimits::default()) else { return };
    for parsed in sets {
        let once = to_string(&parsed.data_set);
        let again = parse(once.as_bytes(), &JsonLimits::default()).expect("our own JSON");
        assert_eq!(once, to_string(&again[0].data_set));
    }
});
