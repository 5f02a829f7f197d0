//! The scheduled procedure step, from the request to accepted images.

use serde::{Deserialize, Serialize};

/// Where a scheduled procedure step stands. The states before images follow Scheduled Procedure
/// Step Status (0040,0020); those after them follow the performed step and its images.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum StepState {
    /// Asked for; no room, device or time yet.
    Requested,
    /// Has a time and a room, device or modality (SCHEDULED).
    Scheduled,
    /// The patient is here (ARRIVED).
    Arrived,
    /// The patient was called in (READY).
    Ready,
    /// The first image or performed step came (STARTED).
    Started,
    /// The device fell quiet or ended its performed steps; somebody looks whether all is there.
    Ended,
    /// All images are there; it waits for a reader.
    Accepted,
    /// Cancelled before any image.
    Cancelled,
    /// Broken off after it began; its images stay readable.
    Discontinued,
}

/// What moves a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum StepAct {
    /// It gets a time and a place.
    Schedule,
    /// The patient registers at the desk.
    Arrive,
    /// The patient is called in.
    Call,
    /// The patient did not come, or left: back to the schedule.
    NoShow,
    /// A device reports that it has begun (MPPS IN PROGRESS).
    Begin,
    /// A matched image arrives.
    Image,
    /// All that devices reported to have begun has ended, some of it as it should (MPPS COMPLETED).
    End,
    /// The device has been quiet for the set time.
    Quiet,
    /// "Đủ ảnh": somebody says that all images are there.
    Accept,
    /// More images are to be made.
    Reopen,
    /// Called off before any image.
    Cancel,
    /// The cancellation is taken back.
    Restore,
    /// Broken off.
    Discontinue,
}

/// A move that the laws of the exam do not allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an exam that is {} cannot {}", state.as_str(), act.as_str())]
pub struct Illegal {
    /// Where the step stands.
    pub state: StepState,
    /// What was asked.
    pub act: StepAct,
}

/// An act that cannot be taken back: a person did not do it, or the exam has moved since.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{} is not the last thing that a person did to the exam", act.as_str())]
pub struct NotLast {
    /// What was to be taken back.
    pub act: StepAct,
}

impl StepState {
    /// Every state.
    pub const ALL: [Self; 9] = [
        Self::Requested,
        Self::Scheduled,
        Self::Arrived,
        Self::Ready,
        Self::Started,
        Self::Ended,
        Self::Accepted,
        Self::Cancelled,
        Self::Discontinued,
    ];

    /// The state's word in rows.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::Scheduled => "scheduled",
            Self::Arrived => "arrived",
            Self::Ready => "ready",
            Self::Started => "started",
            Self::Ended => "ended",
            Self::Accepted => "accepted",
            Self::Cancelled => "cancelled",
            Self::Discontinued => "discontinued",
        }
    }

    /// The state of that word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }

    /// Scheduled Procedure Step Status (0040,0020), for the states that a modality worklist shows.
    pub fn worklist_status(self) -> Option<&'static str> {
        match self {
            Self::Requested | Self::Scheduled => Some("SCHEDULED"),
            Self::Arrived => Some("ARRIVED"),
            Self::Ready => Some("READY"),
            Self::Started => Some("STARTED"),
            Self::Ended | Self::Accepted | Self::Cancelled | Self::Discontinued => None,
        }
    }

    /// Where a step waits that nobody is here for: with a room or device (`has_place`) it is
    /// scheduled, without one it has only been asked for.
    pub fn waiting(has_place: bool) -> Self {
        if has_place { Self::Scheduled } else { Self::Requested }
    }

    /// The state after an act, or why there is none. `has_place` is whether the step has a room or
    /// a device.
    ///
    /// An image never fails to be kept because of a state: it starts a waiting step, wakes one that
    /// had fallen quiet, and leaves an accepted, cancelled or discontinued one where it is. Nor is a
    /// console's report refused for one: what it cannot move stays, except that a step which was broken
    /// off goes on when a console begins it again.
    pub fn apply(self, act: StepAct, has_place: bool) -> Result<Self, Illegal> {
        use StepAct as A;
        use StepState as S;
        let next = match (self, act) {
            (S::Requested, A::Schedule) => S::Scheduled,
            (S::Requested | S::Scheduled, A::Arrive) => S::Arrived,
            (S::Arrived, A::Call) => S::Ready,
            (S::Arrived | S::Ready, A::NoShow) => S::waiting(has_place),
            (S::Requested | S::Scheduled | S::Arrived | S::Ready | S::Started | S::Ended, A::Image) => {
                S::Started
            }
            (S::Accepted | S::Cancelled | S::Discontinued, A::Image) => self,
            (
                S::Requested | S::Scheduled | S::Arrived | S::Ready | S::Started | S::Ended | S::Discontinued,
                A::Begin,
            ) => S::Started,
            (S::Accepted | S::Cancelled, A::Begin) => self,
            (S::Requested | S::Scheduled | S::Arrived | S::Ready | S::Started | S::Ended, A::End) => S::Ended,
            (S::Accepted | S::Cancelled | S::Discontinued, A::End) => self,
            (S::Started, A::Quiet) => S::Ended,
            (S::Started | S::Ended, A::Accept) => S::Accepted,
            (S::Ended | S::Accepted, A::Reopen) => S::Started,
            (S::Requested | S::Scheduled | S::Arrived | S::Ready, A::Cancel) => S::Cancelled,
            (S::Cancelled, A::Restore) => S::waiting(has_place),
            (S::Started | S::Ended, A::Discontinue) => S::Discontinued,
            _ => return Err(Illegal { state: self, act }),
        };
        Ok(next)
    }

    /// The state before a person's act, when that act is taken back right after it: `from` is the
    /// state it led here from. Whatever came between has moved the exam on, and stays.
    pub fn take_back(self, act: StepAct, from: Self, has_place: bool) -> Result<Self, NotLast> {
        let is_last = StepAct::BY_PEOPLE.contains(&act) && from.apply(act, has_place) == Ok(self);
        is_last.then_some(from).ok_or(NotLast { act })
    }

    /// The acts a person may do now, in the order in which a row offers them.
    pub fn offers(self) -> impl Iterator<Item = StepAct> {
        StepAct::BY_PEOPLE.into_iter().filter(move |act| self.apply(*act, true).is_ok())
    }
}

impl StepAct {
    /// The acts that people do; the others come from devices and timers.
    pub const BY_PEOPLE: [Self; 8] = [
        Self::Arrive,
        Self::Call,
        Self::NoShow,
        Self::Accept,
        Self::Reopen,
        Self::Cancel,
        Self::Restore,
        Self::Discontinue,
    ];

    /// The act's word in JSON and rows.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Schedule => "schedule",
            Self::Arrive => "arrive",
            Self::Call => "call",
            Self::NoShow => "noShow",
            Self::Begin => "begin",
            Self::Image => "image",
            Self::End => "end",
            Self::Quiet => "quiet",
            Self::Accept => "accept",
            Self::Reopen => "reopen",
            Self::Cancel => "cancel",
            Self::Restore => "restore",
            Self::Discontinue => "discontinue",
        }
    }

    /// The act of a person of that word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::BY_PEOPLE.into_iter().find(|act| act.as_str() == word)
    }

    /// Whether a reason has to be given: everything that goes back or ends an exam early.
    pub fn needs_reason(self) -> bool {
        matches!(self, Self::NoShow | Self::Reopen | Self::Cancel | Self::Discontinue)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn any_act() -> impl Strategy<Value = StepAct> {
        let devices = [StepAct::Schedule, StepAct::Begin, StepAct::Image, StepAct::End, StepAct::Quiet];
        prop::sample::select(StepAct::BY_PEOPLE.into_iter().chain(devices).collect::<Vec<_>>())
    }

    proptest! {
        /// Whatever is tried in whatever order: once there are images or a console's report the exam
        /// can no longer be cancelled or go back to waiting, and nothing but an act after that ends it.
        #[test]
        fn no_sequence_of_acts_loses_an_imaged_exam(
            acts in prop::collection::vec((any_act(), any::<bool>()), 0..40),
            has_place: bool,
        ) {
            let mut state = StepState::Requested;
            let mut worked_on = false;
            for (act, takes_back) in acts {
                let before = state;
                if let Ok(next) = state.apply(act, has_place) {
                    let by_device = matches!(act, StepAct::Begin | StepAct::Image | StepAct::End);
                    worked_on |= by_device && next != StepState::Cancelled;
                    state = next;
                    if takes_back && let Ok(earlier) = state.take_back(act, before, has_place) {
                        prop_assert_eq!(earlier, before);
                        state = earlier;
                    }
                }
                let begun = matches!(
                    state,
                    StepState::Started | StepState::Ended | StepState::Accepted | StepState::Discontinued
                );
                if matches!(act, StepAct::NoShow | StepAct::Restore) && state != before {
                    prop_assert_eq!(state, StepState::waiting(has_place));
                }
                prop_assert_eq!(begun, worked_on, "{:?} after {:?}", state, act);
            }
        }
    }

    #[test]
    fn only_the_last_act_of_a_person_is_taken_back() {
        use StepAct as A;
        use StepState as S;
        assert_eq!(S::Ready.take_back(A::Call, S::Arrived, true), Ok(S::Arrived));
        assert_eq!(S::Cancelled.take_back(A::Cancel, S::Arrived, true), Ok(S::Arrived));
        assert_eq!(S::Discontinued.take_back(A::Discontinue, S::Ended, true), Ok(S::Ended));
        assert_eq!(
            S::Started.take_back(A::Call, S::Arrived, true),
            Err(NotLast { act: A::Call }),
            "moved on since"
        );
        assert_eq!(S::Started.take_back(A::Image, S::Ready, true), Err(NotLast { act: A::Image }));
        assert_eq!(S::Ended.take_back(A::Quiet, S::Started, true), Err(NotLast { act: A::Quiet }));
    }

    #[test]
    fn words_read_back() {
        for state in StepState::ALL {
            assert_eq!(StepState::parse(state.as_str()), Some(state));
        }
        for act in StepAct::BY_PEOPLE {
            assert_eq!(StepAct::parse(act.as_str()), Some(act));
        }
        assert_eq!(StepAct::parse("image"), None, "a device's act is not for people");
    }

    #[test]
    fn a_row_offers_what_is_legal() {
        let offers = |state: StepState| state.offers().map(StepAct::as_str).collect::<Vec<_>>();
        assert_eq!(offers(StepState::Scheduled), ["arrive", "cancel"]);
        assert_eq!(offers(StepState::Arrived), ["call", "noShow", "cancel"]);
        assert_eq!(offers(StepState::Started), ["accept", "discontinue"]);
        assert_eq!(offers(StepState::Cancelled), ["restore"]);
    }

    #[test]
    fn whoever_did_not_come_waits_where_the_step_has_a_place() {
        use StepAct as A;
        use StepState as S;
        for (has_place, waits) in [(true, S::Scheduled), (false, S::Requested)] {
            assert_eq!(S::Arrived.apply(A::NoShow, has_place), Ok(waits));
            assert_eq!(S::Cancelled.apply(A::Restore, has_place), Ok(waits));
            assert_eq!(waits.take_back(A::NoShow, S::Ready, has_place), Ok(S::Ready));
        }
    }

    #[test]
    fn what_devices_send_is_welcome_in_every_state() {
        for state in StepState::ALL {
            for act in [StepAct::Begin, StepAct::Image, StepAct::End] {
                assert!(state.apply(act, false).is_ok(), "{state:?} {act:?}");
            }
        }
    }

    #[test]
    fn a_console_takes_up_again_what_was_broken_off() {
        use StepState as S;
        for (from, to) in [
            (S::Discontinued, S::Started),
            (S::Ended, S::Started),
            (S::Accepted, S::Accepted),
            (S::Cancelled, S::Cancelled),
        ] {
            assert_eq!(from.apply(StepAct::Begin, true), Ok(to));
        }
        assert_eq!(S::Discontinued.apply(StepAct::End, true), Ok(S::Discontinued));
    }
}
