//! Text as data sets carry it, and as people look for it.
//!
//! * [`CharacterSet`]: from the bytes of a value to UTF-8 and back (PS3.3 C.12.1.1.2, PS3.5 6.1),
//! * [`fold`] and [`name_key`]: the one form under which names are compared,
//! * [`display_name`]: the form in which they are shown.

mod character_set;
mod display;
mod encode;
mod fold;
mod iso2022;
mod repair;
mod repertoire;

pub use character_set::{CharacterSet, normalise};
pub use display::display_name;
pub use fold::{fold, name_key};

pub(crate) use character_set::{has_many_values, uses_character_set};
