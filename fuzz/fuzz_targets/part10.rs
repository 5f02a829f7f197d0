//! Files: the head, and the data set behind it.

#![no_main]

use libfuzzer_sys::fuzz_target;
use pacs_core::dataset::{Limits, Until, read_file};
use pacs_core::part10::{HeadProgress, guess_transfer_syntax, read_head};
use pacs_core::transfer_syntax;

fuzz_target!(|data: &[u8]| {
    let (syntax, offset) = match read_head(data) {
        Ok(HeadProgress::Head(head)) => {
            assert!(head.dataset_offset <= data.len() as u64);
            (head.transfer_syntax.clone(), head.dataset_offset)
        }
        _ => match guess_transfer_syntax(data) {
            Some(uid) => (uid, 0),
            None => return,
        },
    };
    let mut file = std::io::Cursor::new(data);
    file.set_position(offset);
    let _ = read_file(&mut file, &transfer_syntax::of(&syntax), &Limits::default(), Until::End);
});
