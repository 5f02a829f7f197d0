//! Other archives: what they have, and having it sent here.

pub mod answer;
pub mod ask;
pub mod pull;

pub use answer::answer;
pub use ask::ask;
pub use pull::pull;
