//! Texts as `pacs_core` reads them against what pydicom reads, written down in
//! `files/expected-texts.json` by `files/expect_texts.py`.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "functions that tests share may fail a test, as tests do"
)]

use std::collections::BTreeMap;
use std::path::Path;

use pacs_core::VR;
use pacs_core::dataset::{DataSet, Limits, Until, Value, read_slice};
use pacs_core::part10::{self, HeadProgress};
use pacs_core::text::CharacterSet;
use pacs_core::transfer_syntax;

type Texts = BTreeMap<String, String>;

fn read(file: &[u8]) -> DataSet {
    let (uid, offset) = match part10::read_head(file).unwrap() {
        HeadProgress::Head(head) => (head.transfer_syntax, head.dataset_offset as usize),
        _ => (part10::guess_transfer_syntax(file).unwrap(), 0),
    };
    read_slice(&file[offset..], &transfer_syntax::of(&uid), &Limits::default(), Until::End).unwrap().data_set
}

fn add_texts(set: &DataSet, path: &str, texts: &mut Texts) {
    for element in set {
        let place = format!("{path}{:04X}{:04X}", element.tag.0, element.tag.1);
        match (&element.value, element.vr) {
            (Value::Items(items), _) => {
                for (number, item) in items.iter().enumerate() {
                    add_texts(item, &format!("{place}/{number}/"), texts);
                }
            }
            (_, VR::LO | VR::LT | VR::PN | VR::SH | VR::ST | VR::UC | VR::UT) => {
                let text = element.text(set.character_set()).unwrap_or_default();
                let text = text.trim_end_matches([' ', '\0', '=']);
                if !text.is_empty() {
                    texts.insert(place, text.to_owned());
                }
            }
            _ => {}
        }
    }
}

fn texts(set: &DataSet) -> Texts {
    let mut texts = Texts::new();
    add_texts(set, "", &mut texts);
    texts
}

fn expected() -> Vec<(String, DataSet, Texts)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("files");
    let text = std::fs::read_to_string(folder.join("expected-texts.json")).unwrap();
    let expected: BTreeMap<String, Texts> = serde_json::from_str(&text).unwrap();
    assert!(expected.len() >= 23 && expected.values().map(Texts::len).sum::<usize>() > 200);
    expected
        .into_iter()
        .map(|(name, texts)| {
            let set = read(&std::fs::read(folder.join(&name)).unwrap());
            (name, set, texts)
        })
        .collect()
}

#[test]
fn texts_are_what_others_read() {
    for (name, set, expected) in expected() {
        assert_eq!(texts(&set), expected, "{name}");
    }
}

/// What is written anew, in its own set or a larger one, is the same when it is read by the name that
/// it then has.
#[test]
fn texts_are_written_as_they_were_read() {
    for (name, set, expected) in expected() {
        let mislabelled = ["labelled", "no-charset"].iter().any(|word| name.contains(word));
        let own = (!mislabelled).then(|| set.character_set());
        for to in own.into_iter().chain([CharacterSet::UTF_8, CharacterSet::parse("GB18030")]) {
            assert_eq!(texts(&set.encode_text_in(to)), expected, "{name} in {to}");
        }
    }
}
