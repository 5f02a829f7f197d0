//! The query component of a request URI as names and values.

use crate::error::Error;
use percent_encoding::percent_decode_str;

/// Longest query component that is looked at. Lists of a thousand UIDs fit.
const QUERY_MAX_BYTES: usize = 80 * 1024;

/// The parameters in their order, decoded; `+` is a space, as the libraries that clients use write it. A parameter
/// without a value has the empty one.
pub fn parameters(query: Option<&str>) -> Result<Vec<(String, String)>, Error> {
    let query = query.unwrap_or_default();
    if query.len() > QUERY_MAX_BYTES {
        return Err(Error::bad_request("the query component is too long"));
    }
    query
        .split('&')
        .filter(|piece| !piece.is_empty())
        .map(|piece| {
            let (name, value) = piece.split_once('=').unwrap_or((piece, ""));
            Ok((decode(name)?, decode(value)?))
        })
        .collect()
}

fn decode(text: &str) -> Result<String, Error> {
    let spaced = text.replace('+', " ");
    let decoded = percent_decode_str(&spaced).decode_utf8();
    let decoded = decoded.map_err(|_| Error::bad_request("a query parameter is not UTF-8"))?;
    // It belongs to no text but as padding (PS3.5 6.2), which nobody needs here, and a database may take none.
    if decoded.contains('\0') {
        return Err(Error::bad_request("a query parameter holds a NUL"));
    }
    Ok(decoded.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes_names_and_values() {
        let read = parameters(Some("includefield=00081030%2C00080060&PatientName=Nguy%E1%BB%85n+van*&&a&b="))
            .unwrap();
        let expected =
            [("includefield", "00081030,00080060"), ("PatientName", "Nguyễn van*"), ("a", ""), ("b", "")];
        assert_eq!(read, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
        assert!(parameters(None).unwrap().is_empty());
    }

    #[test]
    fn refuses_what_is_no_text_or_too_long() {
        assert!(parameters(Some("PatientName=%FF")).is_err());
        assert!(parameters(Some("PatientName=a%00b")).is_err());
        assert!(parameters(Some(&"a".repeat(QUERY_MAX_BYTES + 1))).is_err());
    }
}
