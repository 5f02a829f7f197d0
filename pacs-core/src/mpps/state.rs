//! Where a performed step stands, and what that makes of its exam.

use crate::exam::StepAct;

/// Performed Procedure Step Status (0040,0252).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// The console works.
    InProgress,
    /// It has done what it wanted to.
    Completed,
    /// It has broken off.
    Discontinued,
}

impl State {
    /// Every state.
    pub const ALL: [Self; 3] = [Self::InProgress, Self::Completed, Self::Discontinued];

    /// The state's word, in data sets and rows.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InProgress => "IN PROGRESS",
            Self::Completed => "COMPLETED",
            Self::Discontinued => "DISCONTINUED",
        }
    }

    /// The state of that word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }

    /// Whether nothing of the step may change any more (PS3.4 F.7.1).
    pub fn is_final(self) -> bool {
        self != Self::InProgress
    }
}

/// What the performed steps of an exam mean for it: it is being done while one is in progress, has
/// ended when all have, and is broken off when all were. `None` without any.
pub fn exam_act(states: impl IntoIterator<Item = State>) -> Option<StepAct> {
    let rank = |state| match state {
        State::InProgress => (2, StepAct::Begin),
        State::Completed => (1, StepAct::End),
        State::Discontinued => (0, StepAct::Discontinue),
    };
    states.into_iter().map(rank).max_by_key(|(rank, _)| *rank).map(|(_, act)| act)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exam_goes_on_while_any_of_its_steps_does() {
        use State::*;
        for (states, want) in [
            (&[][..], None),
            (&[InProgress], Some(StepAct::Begin)),
            (&[Completed, InProgress, Discontinued], Some(StepAct::Begin)),
            (&[Discontinued, Completed], Some(StepAct::End)),
            (&[Discontinued, Discontinued], Some(StepAct::Discontinue)),
        ] {
            assert_eq!(exam_act(states.iter().copied()), want, "{states:?}");
        }
    }

    #[test]
    fn words_read_back() {
        for state in State::ALL {
            assert_eq!(State::parse(state.as_str()), Some(state));
            assert_eq!(state.is_final(), state != State::InProgress);
        }
        assert_eq!(State::parse("completed"), None);
    }
}
