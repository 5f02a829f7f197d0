//! Numbers as JSON: decimal strings (VR DS and IS) and whole numbers.

/// Appends the number in the text of a DS or IS value, with the digits it was given; `false` and
/// nothing appended when it is no number. What DICOM allows and JSON does not (a plus sign, leading
/// zeros, a bare point) is put right.
pub(super) fn push_decimal(text: &str, out: &mut Vec<u8>) -> bool {
    let bytes = text.as_bytes();
    let (negative, bytes) = match bytes {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        rest => (false, rest),
    };
    let (mantissa, exponent) = match bytes.iter().position(|b| matches!(b, b'e' | b'E')) {
        Some(at) => (bytes.get(..at).unwrap_or_default(), bytes.get(at + 1..)),
        None => (bytes, None),
    };
    let (whole, fraction) = match mantissa.iter().position(|&b| b == b'.') {
        Some(at) => (mantissa.get(..at).unwrap_or_default(), mantissa.get(at + 1..).unwrap_or_default()),
        None => (mantissa, &[][..]),
    };
    let digits = |bytes: &[u8]| bytes.iter().all(u8::is_ascii_digit);
    let exponent_digits = exponent.map(|e| e.strip_prefix(b"+").or(e.strip_prefix(b"-")).unwrap_or(e));
    if !digits(whole)
        || !digits(fraction)
        || (whole.is_empty() && fraction.is_empty())
        // A longer exponent than any double has would be read as infinity.
        || exponent_digits.is_some_and(|e| e.is_empty() || e.len() > 3 || !digits(e))
        || text.parse::<f64>().is_ok_and(f64::is_infinite)
    {
        return false;
    }
    if negative {
        out.push(b'-');
    }
    let zeros = whole.iter().take_while(|&&b| b == b'0').count();
    match whole.get(zeros..) {
        Some(rest) if !rest.is_empty() => out.extend_from_slice(rest),
        _ => out.push(b'0'),
    }
    if !fraction.is_empty() {
        out.push(b'.');
        out.extend_from_slice(fraction);
    }
    if let Some(exponent) = exponent {
        out.push(b'e');
        out.extend_from_slice(exponent);
    }
    true
}

pub(super) fn push_number(out: &mut Vec<u8>, number: impl std::fmt::Display) {
    push_formatted(out, format_args!("{number}"));
}

/// A 64-bit number: as text where readers that hold numbers as doubles would round it (PS3.18 table
/// F.2.3-1 leaves the choice).
pub(super) fn push_long(out: &mut Vec<u8>, number: i128) {
    const EXACT: i128 = 1 << 53;
    if (-EXACT..=EXACT).contains(&number) {
        push_formatted(out, format_args!("{number}"));
    } else {
        push_formatted(out, format_args!("\"{number}\""));
    }
}

pub(super) fn push_formatted(out: &mut Vec<u8>, text: std::fmt::Arguments<'_>) {
    // Writing into a Vec cannot fail.
    let _ = std::io::Write::write_fmt(out, text);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn decimal_strings_become_json_numbers() {
        for (text, want) in [
            ("1", Some("1")),
            ("-1.50", Some("-1.50")),
            ("+12", Some("12")),
            ("007", Some("7")),
            ("0", Some("0")),
            ("00", Some("0")),
            (".5", Some("0.5")),
            ("5.", Some("5")),
            ("1.5E+3", Some("1.5e+3")),
            ("-0", Some("-0")),
            ("", None),
            (".", None),
            ("-", None),
            ("1A", None),
            ("1e", None),
            ("nan", None),
            ("inf", None),
            ("1e999", None),
            ("1 2", None),
        ] {
            let mut out = Vec::new();
            let pushed = push_decimal(text, &mut out);
            assert_eq!(pushed.then(|| String::from_utf8(out).unwrap()).as_deref(), want, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_the_same_number(text in "[+-]?[0-9]{0,6}(\\.[0-9]{0,6})?([eE][+-]?[0-9]{1,2})?") {
            let mut out = Vec::new();
            if push_decimal(&text, &mut out) {
                serde_json::from_slice::<f64>(&out).unwrap();
                let written = String::from_utf8(out).unwrap();
                prop_assert_eq!(written.parse::<f64>().unwrap(), text.parse::<f64>().unwrap());
            } else {
                prop_assert!(text.parse::<f64>().is_err());
            }
        }
    }
}
