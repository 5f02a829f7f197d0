//! Every word that the server sends of an exam has its phrase on the pages: a flag without one would be
//! a warning that nobody sees.

use pacs_core::exam::{Disagreement, Label, StepAct, StepState};
use pacs_core::reconciliation::Kind;

/// The words of one section of a language file, of its first language.
fn section(source: &str, name: &str) -> Vec<String> {
    let (_, after) =
        source.split_once(&format!("{name}: {{\n")).unwrap_or_else(|| panic!("no section {name}"));
    let lines = after.lines().map(str::trim).take_while(|line| !line.starts_with('}'));
    lines.filter_map(|line| Some(line.split_once(": ")?.0.to_owned())).collect()
}

#[test]
fn every_word_of_the_server_has_a_phrase() {
    let exam = include_str!("../../viewer-web/app/src/i18n/words/exam.ts");
    let work = include_str!("../../viewer-web/app/src/i18n/words/work.ts");
    let labels = section(exam, "label");
    for state in StepState::ALL {
        let word = serde_json::to_value(Label::of(state)).unwrap();
        assert!(labels.iter().any(|known| word == known.as_str()), "{word} has no phrase in {labels:?}");
    }
    let (acts, done) = (section(exam, "act"), section(exam, "done"));
    for act in StepAct::BY_PEOPLE {
        for known in [&acts, &done] {
            assert!(known.iter().any(|known| known == act.as_str()), "{act:?} has no phrase in {known:?}");
        }
    }
    let flags = section(exam, "flag");
    for flag in Kind::ALL.map(Kind::as_str).into_iter().chain(["emergency", "unmatched"]) {
        assert!(flags.iter().any(|known| known == flag), "{flag} has no phrase in {flags:?}");
    }
    let reasons = section(work, "reason");
    for reason in Disagreement::ALL.map(Disagreement::as_str) {
        assert!(reasons.iter().any(|known| known == reason), "{reason} has no phrase in {reasons:?}");
    }
}
