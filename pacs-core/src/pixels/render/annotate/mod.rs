//! What is written and drawn over a picture: shapes and text.

mod font;
mod pen;
mod text;

pub(super) use pen::{Ink, Pen, filled};
pub use text::{Corner, write_corner};
pub(super) use text::{Justified, write_in_box};
