//! The states of a unified procedure step and the moves allowed (PS3.4 CC.1.1).

/// Procedure Step State (0074,1000).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// Waits for somebody to claim it.
    Scheduled,
    /// Claimed; only who holds its transaction UID may change it.
    InProgress,
    /// Done: a final state.
    Completed,
    /// Stopped for good: a final state.
    Canceled,
}

impl State {
    /// Every state.
    pub const ALL: [Self; 4] = [Self::Scheduled, Self::InProgress, Self::Completed, Self::Canceled];

    /// The value of the attribute.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Scheduled => "SCHEDULED",
            Self::InProgress => "IN PROGRESS",
            Self::Completed => "COMPLETED",
            Self::Canceled => "CANCELED",
        }
    }

    /// The state of that value.
    pub fn parse(value: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == value)
    }

    /// Whether nothing changes any more.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Completed | Self::Canceled)
    }
}

/// The transaction UID that a request brings, beside the one that the step is locked with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    /// It is the one; or the step is not locked yet, and this one will be.
    Correct,
    /// It is another.
    Wrong,
    /// There is none.
    Missing,
}

impl Key {
    /// Compares. A step that waits takes any.
    pub fn of(state: State, lock: Option<&str>, brought: Option<&str>) -> Self {
        match brought {
            None => Self::Missing,
            Some(_) if state == State::Scheduled => Self::Correct,
            Some(brought) if lock == Some(brought) => Self::Correct,
            Some(_) => Self::Wrong,
        }
    }
}

/// Something that is asked of a step: the rows of table CC.1.1-2, without its creation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// Change its state.
    Change {
        /// To which.
        to: State,
        /// With which transaction UID.
        key: Key,
        /// Whether its attributes are what a step that ends so must have.
        is_ready: bool,
    },
    /// Stop it, asked by somebody who has not claimed it.
    RequestCancel,
}

/// What a request leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// The step begins, or goes on, in this state, which is reported.
    Become(State),
    /// It becomes IN PROGRESS, which is reported, and then CANCELED, which is reported.
    CancelThroughProgress,
    /// Nothing changes; that somebody asked is reported.
    TellOfRequest,
    /// It is so already (0xB304, 0xB306): a warning.
    Already(State),
}

/// Why a request is refused, with the status of PS3.4 that says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Failure {
    /// 0x0111
    #[error("there is a step with that UID already")]
    Exists,
    /// 0xC300
    #[error("the step has ended and can no longer be updated")]
    Ended,
    /// 0xC301
    #[error("the transaction UID is missing")]
    KeyMissing,
    /// 0xC301
    #[error("the transaction UID is not the one that the step is locked with")]
    KeyWrong,
    /// 0xC302
    #[error("the step is in progress already")]
    InProgress,
    /// 0xC303
    #[error("a step becomes SCHEDULED only by being created")]
    OnlyByCreation,
    /// 0xC304
    #[error("the step does not have what a step that ends so must have")]
    NotReady,
    /// 0xC307
    #[error("there is no such step")]
    Unknown,
    /// 0xC310
    #[error("the step is not in progress yet")]
    NotInProgress,
    /// 0xC311
    #[error("the step is completed already")]
    Completed,
    /// 0xC312
    #[error("whoever performs the step cannot be told: nobody has subscribed to it")]
    NobodyListens,
    /// There is nothing to take back: PS3.4 table CC.2.3-2 leaves everything as it is.
    #[error("there is no such subscription")]
    NotSubscribed,
    /// 0xC314
    #[error("only the subscriptions to all steps and by a filter are suspended")]
    NotSuspended,
    /// 0x0115
    #[error("a filtered subscription needs a filter")]
    NoFilter,
}

/// Decides on a request to a step that there is, as table CC.1.1-2 has it.
pub fn decide(state: State, event: Event) -> Result<Effect, Failure> {
    use State::*;
    let (to, key, is_ready) = match event {
        Event::RequestCancel => {
            return match state {
                Scheduled => Ok(Effect::CancelThroughProgress),
                InProgress => Ok(Effect::TellOfRequest),
                Completed => Err(Failure::Completed),
                Canceled => Ok(Effect::Already(Canceled)),
            };
        }
        Event::Change { to: Scheduled, .. } => return Err(Failure::OnlyByCreation),
        Event::Change { to, key, is_ready } => (to, key, is_ready),
    };
    match key {
        Key::Missing => return Err(Failure::KeyMissing),
        Key::Wrong => return Err(Failure::KeyWrong),
        Key::Correct => {}
    }
    match (state, to) {
        (Scheduled, InProgress) => Ok(Effect::Become(InProgress)),
        (Scheduled, _) => Err(Failure::NotInProgress),
        (InProgress, InProgress) => Err(Failure::InProgress),
        (InProgress, to) if is_ready => Ok(Effect::Become(to)),
        (InProgress, _) => Err(Failure::NotReady),
        (Completed, Completed) | (Canceled, Canceled) => Ok(Effect::Already(state)),
        (Completed | Canceled, _) => Err(Failure::Ended),
    }
}

/// Whether the attributes of a step may be changed (PS3.4 CC.2.6): those of one that waits without a
/// transaction UID, those of one in progress with its own.
pub fn may_update(state: State, key: Key) -> Result<(), Failure> {
    match (state, key) {
        (State::Scheduled, Key::Missing) | (State::InProgress, Key::Correct) => Ok(()),
        (State::Scheduled, _) => Err(Failure::NotInProgress),
        (State::InProgress, Key::Missing) => Err(Failure::KeyMissing),
        (State::InProgress, Key::Wrong) => Err(Failure::KeyWrong),
        (State::Completed | State::Canceled, _) => Err(Failure::Ended),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use State::*;

    fn change(to: State, key: Key) -> Event {
        Event::Change { to, key, is_ready: true }
    }

    /// Table CC.1.1-2, row by row; the columns are SCHEDULED, IN PROGRESS, COMPLETED and CANCELED.
    #[test]
    fn the_table_of_the_standard() {
        const KEYLESS: [Result<Effect, Failure>; 4] =
            [Err(Failure::KeyWrong), Err(Failure::KeyWrong), Err(Failure::KeyWrong), Err(Failure::KeyWrong)];
        const ONLY_BY_CREATION: [Result<Effect, Failure>; 4] = [
            Err(Failure::OnlyByCreation),
            Err(Failure::OnlyByCreation),
            Err(Failure::OnlyByCreation),
            Err(Failure::OnlyByCreation),
        ];
        let rows = [
            (
                change(InProgress, Key::Correct),
                [
                    Ok(Effect::Become(InProgress)),
                    Err(Failure::InProgress),
                    Err(Failure::Ended),
                    Err(Failure::Ended),
                ],
            ),
            (change(InProgress, Key::Wrong), KEYLESS),
            (change(Scheduled, Key::Correct), ONLY_BY_CREATION),
            (change(Scheduled, Key::Wrong), ONLY_BY_CREATION),
            (
                change(Completed, Key::Correct),
                [
                    Err(Failure::NotInProgress),
                    Ok(Effect::Become(Completed)),
                    Ok(Effect::Already(Completed)),
                    Err(Failure::Ended),
                ],
            ),
            (change(Completed, Key::Wrong), KEYLESS),
            (
                Event::RequestCancel,
                [
                    Ok(Effect::CancelThroughProgress),
                    Ok(Effect::TellOfRequest),
                    Err(Failure::Completed),
                    Ok(Effect::Already(Canceled)),
                ],
            ),
            (
                change(Canceled, Key::Correct),
                [
                    Err(Failure::NotInProgress),
                    Ok(Effect::Become(Canceled)),
                    Err(Failure::Ended),
                    Ok(Effect::Already(Canceled)),
                ],
            ),
            (change(Canceled, Key::Wrong), KEYLESS),
        ];
        for (event, wanted) in rows {
            for (state, want) in State::ALL.into_iter().zip(wanted) {
                assert_eq!(decide(state, event), want, "{event:?} of {state:?}");
            }
        }
    }

    #[test]
    fn a_step_ends_only_with_what_it_must_have() {
        for to in [Completed, Canceled] {
            let event = Event::Change { to, key: Key::Correct, is_ready: false };
            assert_eq!(decide(InProgress, event), Err(Failure::NotReady));
            assert_eq!(decide(Scheduled, event), Err(Failure::NotInProgress));
            assert_eq!(decide(to, event), Ok(Effect::Already(to)));
        }
    }

    #[test]
    fn a_missing_key_is_told_from_a_wrong_one() {
        for state in State::ALL {
            for to in [InProgress, Completed, Canceled] {
                assert_eq!(decide(state, change(to, Key::Missing)), Err(Failure::KeyMissing));
            }
        }
        assert_eq!(Key::of(Scheduled, None, Some("1.2")), Key::Correct);
        assert_eq!(Key::of(InProgress, Some("1.2"), Some("1.2")), Key::Correct);
        assert_eq!(Key::of(InProgress, Some("1.2"), Some("1.3")), Key::Wrong);
        // Cancelled by the archive: nobody holds its key.
        assert_eq!(Key::of(Canceled, None, Some("1.3")), Key::Wrong);
        assert_eq!(Key::of(InProgress, Some("1.2"), None), Key::Missing);
    }

    #[test]
    fn attributes_change_while_it_waits_and_by_its_performer() {
        for (state, key, want) in [
            (Scheduled, Key::Missing, Ok(())),
            (Scheduled, Key::Correct, Err(Failure::NotInProgress)),
            (InProgress, Key::Correct, Ok(())),
            (InProgress, Key::Missing, Err(Failure::KeyMissing)),
            (InProgress, Key::Wrong, Err(Failure::KeyWrong)),
            (Completed, Key::Correct, Err(Failure::Ended)),
            (Canceled, Key::Missing, Err(Failure::Ended)),
        ] {
            assert_eq!(may_update(state, key), want, "{state:?} {key:?}");
        }
    }

    #[test]
    fn states_read_back() {
        for state in State::ALL {
            assert_eq!(State::parse(state.as_str()), Some(state));
        }
        assert_eq!(State::parse("CANCELLED"), None);
    }
}
