//! Every word that the server sends has its phrase on the pages, and no phrase waits for a word that is never sent.
//! That both languages have the same phrases is checked where they stand (`viewer-web/app/src/i18n`).

use std::collections::BTreeSet;

use dimse_scp::refused::Reason;
use pacs_core::correction::{Level, of_level};
use pacs_core::exam::{Disagreement, Label, StepAct, StepState};
use pacs_core::reconciliation::{Answer, Kind};
use pacs_core::rejection::Rejection;
use pacs_core::why::Cause;
use storage::identity::past;
use storage::intake::{NotTaken, Waiting};
use storage::jobs::JobState;
use storage::jobs::lanes::Priority;
use storage::transfers::Trouble;
use storage::verify::Wrong;
use storage::{acts, backup};

const CAUSES: &str = include_str!("../../viewer-web/app/src/i18n/words/causes.ts");
const CORRECTIONS: &str = include_str!("../../viewer-web/app/src/i18n/words/corrections.ts");
const DEVICES: &str = include_str!("../../viewer-web/app/src/i18n/words/devices.ts");
const EXAM: &str = include_str!("../../viewer-web/app/src/i18n/words/exam.ts");
const IDENTITY: &str = include_str!("../../viewer-web/app/src/i18n/words/identity.ts");
const INTAKES: &str = include_str!("../../viewer-web/app/src/i18n/words/intakes.ts");
const KEEPING: &str = include_str!("../../viewer-web/app/src/i18n/words/keeping.ts");
const TRANSFER: &str = include_str!("../../viewer-web/app/src/i18n/words/transfer.ts");
const WORK: &str = include_str!("../../viewer-web/app/src/i18n/words/work.ts");

/// The keys of a section of a language file, of its first language.
fn section(source: &str, path: &[&str]) -> BTreeSet<String> {
    let mut rest = source;
    for name in path {
        let found = rest.split_once(&format!(" {name}: {{"));
        rest = found.unwrap_or_else(|| panic!("no section {path:?}")).1;
    }
    let (mut depth, mut quote, mut word, mut keys) = (1, None, String::new(), BTreeSet::new());
    for letter in rest.chars() {
        match (quote, letter) {
            (Some(open), letter) if letter == open => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '"' | '`') => quote = Some(letter),
            (None, '{') => depth += 1,
            (None, '}') if depth == 1 => return keys,
            (None, '}') => depth -= 1,
            (None, ':') if depth == 1 => drop(keys.insert(std::mem::take(&mut word))),
            (None, letter) if letter.is_alphanumeric() => word.push(letter),
            (None, _) => word.clear(),
        }
    }
    panic!("section {path:?} has no end")
}

fn has(source: &str, path: &[&str], words: impl IntoIterator<Item = String>) {
    let known = section(source, path);
    for word in words {
        assert!(known.contains(&word), "{word} has no phrase in {path:?}: {known:?}");
    }
}

/// The section has these words and no others.
fn is(source: &str, path: &[&str], words: impl IntoIterator<Item = &'static str>) {
    let words: BTreeSet<String> = words.into_iter().map(str::to_owned).collect();
    assert_eq!(section(source, path), words, "{path:?}");
}

/// `study.correct` is `studyCorrect` there.
fn phrase_of(kind: &str) -> String {
    let (of, what) = kind.split_once('.').unwrap();
    format!("{of}{}{}", what[..1].to_uppercase(), &what[1..])
}

#[test]
fn every_word_of_the_server_has_a_phrase() {
    let labels = StepState::ALL.map(|state| serde_json::to_value(Label::of(state)).unwrap());
    has(EXAM, &["label"], labels.map(|label| label.as_str().unwrap().to_owned()));
    for part in ["act", "done"] {
        has(EXAM, &[part], StepAct::BY_PEOPLE.map(|act| act.as_str().to_owned()));
    }
    let flags = Kind::ALL.map(Kind::as_str).into_iter().chain(["emergency", "unmatched"]);
    has(EXAM, &["flag"], flags.map(str::to_owned));
}

#[test]
fn every_phrase_of_a_reason_has_a_word_of_the_server() {
    is(WORK, &["reason"], Disagreement::ALL.map(Disagreement::as_str));
    is(IDENTITY, &["reconciliation", "explain"], Kind::ALL.map(Kind::as_str));
    is(IDENTITY, &["reconciliation", "answer"], Answer::ALL.map(Answer::as_str));
    is(CAUSES, &["cause"], Cause::ALL.map(Cause::as_str));
    is(DEVICES, &["reason"], Reason::ALL.map(Reason::as_str));
    is(INTAKES, &["intakes", "waiting"], Waiting::ALL.map(Waiting::as_str));
    is(INTAKES, &["intakes", "reason"], NotTaken::ALL.map(NotTaken::as_str));
    is(KEEPING, &["storage", "trouble"], backup::Trouble::ALL.map(backup::Trouble::as_str));
    is(TRANSFER, &["queue", "reason"], Trouble::ALL.map(Trouble::as_str));
    is(TRANSFER, &["queue", "priority"], Priority::ALL.map(Priority::as_str));
    for direction in ["send", "pull"] {
        is(TRANSFER, &["queue", direction], JobState::ALL.map(JobState::as_str));
    }
    is(KEEPING, &["storage", "damage"], Wrong::ALL.map(Wrong::as_str));
    let mut kinds: BTreeSet<String> = acts::ON_STUDIES.into_iter().map(phrase_of).collect();
    // What a newer server has done.
    kinds.insert("other".to_owned());
    assert_eq!(section(CORRECTIONS, &["kind"]), kinds);
    for reason in Rejection::ALL {
        let phrases = CORRECTIONS.matches(&format!(" '{}': ", reason.code())).count();
        assert_eq!(phrases, 2, "{reason} has a phrase in both languages");
    }
    let of_patients = past::ON_PATIENTS.map(|kind| kind.trim_start_matches("patient."));
    is(IDENTITY, &["record", "kind"], of_patients.into_iter().chain(["other"]));
    let editable = [Level::Study, Level::Series].into_iter().flat_map(of_level);
    is(CORRECTIONS, &["field"], editable.map(|attribute| attribute.keyword()));
}
