//! Conditional requests (RFC 9110 13): whether the client already holds what it asks for.

use http::HeaderMap;
use http::header::IF_NONE_MATCH;

/// Whether `If-None-Match` names `etag` (quoted, as it stands in the header) or `*`. The comparison is weak: a proxy
/// that compressed the answer may have put `W/` before the tag.
pub fn holds(headers: &HeaderMap, etag: &str) -> bool {
    let opaque = strong(etag);
    headers
        .get_all(IF_NONE_MATCH)
        .iter()
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(','))
        .map(str::trim)
        .any(|tag| tag == "*" || strong(tag) == opaque)
}

fn strong(tag: &str) -> &str {
    tag.strip_prefix("W/").unwrap_or(tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_found_in_lists() {
        for (line, expected) in [
            ("\"a\"", true),
            ("W/\"a\"", true),
            ("\"b\", \"a\"", true),
            ("*", true),
            ("\"b\"", false),
            ("a", false),
            ("", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(IF_NONE_MATCH, line.parse().unwrap());
            assert_eq!(holds(&headers, "\"a\""), expected, "{line}");
        }
        assert!(!holds(&HeaderMap::new(), "\"a\""));
    }
}
