//! The exam's life: the moves allowed, the words people see, and when an image belongs to an order.
//!
//! Every door moves an exam by the same acts: [`StepState::apply`] is the only way from one state
//! to another ([`StepState::take_back`] the only way back), and [`Label::of`] the only way from a state to a word.

mod label;
mod matching;
mod step;

pub use label::Label;
pub use matching::{Disagreement, ImageIdentity, OrderIdentity, agree};
pub use step::{Illegal, NotLast, StepAct, StepState};
