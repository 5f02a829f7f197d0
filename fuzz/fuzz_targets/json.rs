//! DICOM JSON: what is taken is written in a form that is taken again, and after that (numbers lose
//! their idle digits the first time) stays the same.

#![no_main]

use libfuzzer_sys::fuzz_target;
use pacs_core::dataset::DataSet;
use pacs_core::json::{JsonLimits, parse, to_string};

fn again(set: &DataSet) -> DataSet {
    parse(to_string(set).as_bytes(), &JsonLimits::default()).expect("our own JSON").remove(0)
}

fuzz_target!(|data: &[u8]| {
    let Ok(sets) = parse(data, &JsonLimits::default()) else { return };
    for set in sets {
        let twice = again(&set);
        assert_eq!(to_string(&twice), to_string(&again(&twice)));
    }
});
