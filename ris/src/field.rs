//! Checks of the fields of forms. Each notes what is wrong under the field's name, so that a form shows
//! all of it at once.

use crate::error::FieldErrors;
use crate::{Error, Result};

/// A person name's component group, a long string: 64 characters (PS3.5 6.2).
pub const LONG_CHARS: usize = 64;
/// A short string: 16 characters.
pub const SHORT_CHARS: usize = 16;
/// A reason is free text; lists show as much of it as fits.
pub const REASON_CHARS: usize = 1024;

/// The text on one line with single spaces, as most value representations want it, unless nothing is
/// left of it.
pub fn filled(text: Option<String>) -> Option<String> {
    let words: Vec<&str> = text.as_deref()?.split_whitespace().collect();
    Some(words.join(" ")).filter(|text| !text.is_empty())
}

/// An optional text that fits its value representation.
pub fn text(
    errors: &mut FieldErrors,
    field: &'static str,
    value: Option<String>,
    most_chars: usize,
) -> Option<String> {
    let value = filled(value)?;
    if value.chars().count() > most_chars {
        errors.insert(field, "tooLong");
    } else if value.chars().any(|c| c == '\\' || c.is_control()) {
        errors.insert(field, "invalid");
    }
    Some(value)
}

/// A text that has to be there.
pub fn required(errors: &mut FieldErrors, field: &'static str, value: String, most_chars: usize) -> String {
    text(errors, field, Some(value), most_chars).unwrap_or_else(|| {
        errors.insert(field, "required");
        String::new()
    })
}

/// An optional text of a certain form.
pub fn matching(
    errors: &mut FieldErrors,
    field: &'static str,
    value: Option<String>,
    fits: impl Fn(&str) -> bool,
) -> Option<String> {
    let value = filled(value)?;
    if !fits(&value) {
        errors.insert(field, "invalid");
    }
    Some(value)
}

/// The reason of an act.
pub fn reason(given: Option<String>, is_needed: bool) -> Result<Option<String>> {
    let mut errors = FieldErrors::new();
    let reason = text(&mut errors, "reason", given, REASON_CHARS);
    if is_needed && reason.is_none() {
        errors.insert("reason", "required");
    }
    if errors.is_empty() { Ok(reason) } else { Err(Error::Fields(errors)) }
}
