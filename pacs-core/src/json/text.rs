//! Text as JSON: the values of a field, person names by their groups, escapes.

use super::number::push_decimal;
use crate::VR;
use crate::dataset::values;

/// Appends the values of a decoded field, parted by commas; nothing when none of them says anything.
pub(super) fn push_texts(out: &mut Vec<u8>, vr: VR, text: &str) {
    let start = out.len();
    let mut any = false;
    for (at, value) in values(text, vr).enumerate() {
        if at > 0 {
            out.push(b',');
        }
        any |= !value.is_empty();
        match vr {
            _ if value.is_empty() => out.extend_from_slice(b"null"),
            VR::DS | VR::IS if push_decimal(value, out) => {}
            VR::PN => push_person_name(out, value),
            _ => push_string(out, value),
        }
    }
    if !any {
        out.truncate(start);
    }
}

fn push_person_name(out: &mut Vec<u8>, value: &str) {
    out.push(b'{');
    let mut first = true;
    let names = [&b"\"Alphabetic\":"[..], b"\"Ideographic\":", b"\"Phonetic\":"];
    for (name, group) in names.into_iter().zip(value.split('=')) {
        if group.is_empty() {
            continue;
        }
        if !first {
            out.push(b',');
        }
        first = false;
        out.extend_from_slice(name);
        push_string(out, group);
    }
    out.push(b'}');
}

pub(super) fn push_string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    let mut rest = text.as_bytes();
    // Looked at without stopping, which takes many bytes at a time; few texts have any.
    if !rest.iter().fold(false, |any, &byte| any | is_special(byte)) {
        out.extend_from_slice(rest);
        out.push(b'"');
        return;
    }
    while let Some(at) = rest.iter().position(|&byte| is_special(byte)) {
        let (plain, special) = rest.split_at(at);
        out.extend_from_slice(plain);
        let Some((&byte, after)) = special.split_first() else { break };
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            other => {
                let digit = |number: u8| super::HEX.get(usize::from(number)).copied().unwrap_or(b'0');
                out.extend_from_slice(&[b'\\', b'u', b'0', b'0', digit(other >> 4), digit(other & 0xf)]);
            }
        }
        rest = after;
    }
    out.extend_from_slice(rest);
    out.push(b'"');
}

/// What JSON wants escaped.
fn is_special(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\'
}
