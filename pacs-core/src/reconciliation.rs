//! What does not go together, and what a person may say of it.
//!
//! Nothing of this refuses an image: it is stored, flagged, and waits in one list until somebody has
//! said which of two things is true.

use serde::{Deserialize, Serialize};

/// What is at odds with what. The words are keys of the language files and flags of studies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Kind {
    /// Name, birth date or sex contradict what is known under the identifier: two persons under one
    /// number, or one written down wrongly.
    DemographicsDiffer,
    /// Instances of one study name two patients.
    TwoPatients,
    /// A series came under two study UIDs.
    TwoStudies,
    /// A SOP Instance UID came with two contents.
    Conflict,
    /// A number is two patients': of two hospitals, or one that images and a record both claim.
    SharedIdentifier,
    /// An accession number of one facility is two patients'.
    SharedAccession,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 6] = [
        Self::DemographicsDiffer,
        Self::TwoPatients,
        Self::TwoStudies,
        Self::Conflict,
        Self::SharedIdentifier,
        Self::SharedAccession,
    ];

    /// The kind's word in JSON, rows and flags.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::DemographicsDiffer => "demographicsDiffer",
            Self::TwoPatients => "twoPatients",
            Self::TwoStudies => "twoStudies",
            Self::Conflict => "conflict",
            Self::SharedIdentifier => "sharedIdentifier",
            Self::SharedAccession => "sharedAccession",
        }
    }

    /// The kind of that word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }

    /// Whether it casts doubt on whom the images of the study show.
    pub fn is_doubt(self) -> bool {
        matches!(self, Self::DemographicsDiffer | Self::TwoPatients | Self::TwoStudies)
    }

    /// What a person may say of it, the likeliest first. `is_within` is set when instances of one study
    /// contradict each other: then the study as a whole has nowhere else to go, but a part of it may.
    pub fn answers(self, is_within: bool) -> &'static [Answer] {
        match self {
            Self::DemographicsDiffer if is_within => &[Answer::SamePerson, Answer::Part, Answer::LeaveApart],
            Self::DemographicsDiffer => &[Answer::SamePerson, Answer::NewPatient, Answer::OtherPatient],
            Self::TwoPatients => &[Answer::SamePerson, Answer::Part, Answer::LeaveApart],
            Self::SharedIdentifier | Self::SharedAccession => &[Answer::SamePerson, Answer::LeaveApart],
            Self::TwoStudies => &[Answer::LeaveApart],
            Self::Conflict => &[Answer::ServeFirst, Answer::ServeNewest],
        }
    }
}

/// What a person says of a discrepancy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Answer {
    /// It is one person: two records are merged; of one record, what was sent is accepted.
    SamePerson,
    /// The study is somebody else's, of whom there is no record yet.
    NewPatient,
    /// The study is that other patient's.
    OtherPatient,
    /// The images that name the other patient become a study of their own, of that patient.
    Part,
    /// It is right as it is filed.
    LeaveApart,
    /// Of each instance the content that came first is served.
    ServeFirst,
    /// Of each instance the content that came last is served.
    ServeNewest,
}

impl Answer {
    /// Every answer.
    pub const ALL: [Self; 7] = [
        Self::SamePerson,
        Self::NewPatient,
        Self::OtherPatient,
        Self::Part,
        Self::LeaveApart,
        Self::ServeFirst,
        Self::ServeNewest,
    ];

    /// The answer's word in JSON and acts.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SamePerson => "samePerson",
            Self::NewPatient => "newPatient",
            Self::OtherPatient => "otherPatient",
            Self::Part => "part",
            Self::LeaveApart => "leaveApart",
            Self::ServeFirst => "serveFirst",
            Self::ServeNewest => "serveNewest",
        }
    }
}

/// Which of several contents that came under one SOP Instance UID is served. The others are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Serve {
    /// The one that was received first.
    #[default]
    First,
    /// The one that was received last.
    Newest,
}

impl Serve {
    /// Whether a content is to be served in place of another, by when they were received.
    pub fn prefers(self, new_ms: i64, served_ms: i64) -> bool {
        match self {
            Self::First => new_ms < served_ms,
            Self::Newest => new_ms >= served_ms,
        }
    }
}

/// What a person said about which content is served: of those that had been received by then. What came
/// later is never served in place of one of them, and among itself by the archive's own rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Choice {
    /// Which.
    pub serve: Serve,
    /// Up to when the contents were received that it was said of.
    pub received_until_ms: i64,
}

impl Choice {
    /// Whether a content is to be served in place of another, by when they were received. `rule` is the archive's.
    pub fn prefers(self, new_ms: i64, served_ms: i64, rule: Serve) -> bool {
        let is_meant = |received_ms| received_ms <= self.received_until_ms;
        match (is_meant(new_ms), is_meant(served_ms)) {
            (true, true) => self.serve.prefers(new_ms, served_ms),
            (false, false) => rule.prefers(new_ms, served_ms),
            (new_is_meant, _) => new_is_meant,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_have_words_that_read_back() {
        for kind in Kind::ALL {
            assert_eq!(Kind::parse(kind.as_str()), Some(kind));
            assert!(!kind.answers(false).is_empty());
        }
        assert_eq!(Kind::parse("other"), None);
    }

    #[test]
    fn whatever_the_order_of_arrival_the_same_content_is_served() {
        const RECEIVED: [i64; 3] = [10, 20, 30];
        type Rule<'a> = &'a dyn Fn(i64, i64) -> bool;
        let chosen = |serve, received_until_ms, rule| {
            move |new, served| Choice { serve, received_until_ms }.prefers(new, served, rule)
        };
        let rules: [(Rule<'_>, i64); 8] = [
            (&|new, served| Serve::First.prefers(new, served), 10),
            (&|new, served| Serve::Newest.prefers(new, served), 30),
            (&chosen(Serve::First, 20, Serve::Newest), 10),
            (&chosen(Serve::Newest, 20, Serve::First), 20),
            (&chosen(Serve::Newest, 30, Serve::First), 30),
            (&chosen(Serve::Newest, 10, Serve::Newest), 10),
            // Of what was meant nothing is left.
            (&chosen(Serve::First, 5, Serve::Newest), 30),
            (&chosen(Serve::Newest, 5, Serve::First), 10),
        ];
        for (at, (prefers, want)) in rules.into_iter().enumerate() {
            for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
                let arrivals = order.map(|at: usize| RECEIVED[at]);
                let served = arrivals
                    .into_iter()
                    .reduce(|served, new| if prefers(new, served) { new } else { served });
                assert_eq!(served, Some(want), "rule {at}, {arrivals:?}");
            }
        }
    }
}
