//! Keeping studies right: what they say, where their images belong, and what was done to them.

pub mod attributes;
pub mod correct;
pub mod history;
pub mod move_images;
pub mod undo;
mod wire;

pub use attributes::attributes;
pub use correct::{correct, preview};
pub use history::history;
pub use move_images::move_images;
pub use undo::undo;
