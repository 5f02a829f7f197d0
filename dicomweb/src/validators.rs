//! What tells one state of a representation from another, and what a client that holds one is answered (RFC 9110 13).

use crate::error::Error;
use axum::response::{IntoResponse, Response};
use http::header::{
    CACHE_CONTROL, ETAG, IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, IF_UNMODIFIED_SINCE,
    LAST_MODIFIED, VARY,
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use std::time::{Duration, SystemTime};

/// What is retrieved may be kept by the client alone, and only used after asking whether it still holds: rights and
/// corrections change.
pub const CACHE: HeaderValue = HeaderValue::from_static("private, no-cache");

/// The validators of one representation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Validators {
    /// The entity tag as it stands in a header.
    etag: String,
    /// When it came to be, in whole seconds; only of what never changes afterwards.
    since: Option<SystemTime>,
}

/// What the preconditions of a request come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Send,
    NotModified,
    Failed,
}

impl Validators {
    /// Of a representation that is the same bytes as long as the tag is the same. `opaque` is the tag with its quotes.
    pub fn strong(opaque: String) -> Self {
        Self { etag: opaque, since: None }
    }

    /// Of a multipart body: its boundary differs each time. `opaque` is the tag with its quotes.
    pub fn weak(opaque: &str) -> Self {
        Self { etag: format!("W/{opaque}"), since: None }
    }

    /// The same for bytes that have been what they are since then, in milliseconds since 1970, where that is known.
    pub fn since(self, ms: Option<i64>) -> Self {
        let since = |ms: i64| {
            let seconds = Duration::from_secs(u64::try_from(ms / 1000).unwrap_or(0));
            SystemTime::UNIX_EPOCH.checked_add(seconds)
        };
        Self { since: ms.and_then(since), ..self }
    }

    /// Writes them into the headers of an answer, with how it may be kept.
    pub fn put(&self, headers: &mut HeaderMap, vary: &'static str) {
        headers.insert(CACHE_CONTROL, CACHE);
        headers.insert(VARY, HeaderValue::from_static(vary));
        if let Ok(etag) = HeaderValue::try_from(&self.etag) {
            headers.insert(ETAG, etag);
        }
        if let Some(since) =
            self.since.and_then(|since| HeaderValue::try_from(httpdate::fmt_http_date(since)).ok())
        {
            headers.insert(LAST_MODIFIED, since);
        }
    }

    /// The answer to a client that needs no representation because it holds this one; an error when it asked for
    /// another one only. Rights are checked before.
    pub fn held(&self, headers: &HeaderMap, vary: &'static str) -> Result<Option<Response>, Error> {
        match self.verdict(headers) {
            Verdict::Send => Ok(None),
            Verdict::Failed => Err(Error::PreconditionFailed),
            Verdict::NotModified => {
                let mut response = StatusCode::NOT_MODIFIED.into_response();
                self.put(response.headers_mut(), vary);
                Ok(Some(response))
            }
        }
    }

    /// In the order of RFC 9110 13.2.2: dates count only where there are no tags.
    fn verdict(&self, headers: &HeaderMap) -> Verdict {
        if headers.contains_key(IF_MATCH) {
            if !tags(headers, IF_MATCH).any(|tag| tag == "*" || self.is_strongly(tag)) {
                return Verdict::Failed;
            }
        } else if let (Some(asked), Some(since)) = (date(headers, IF_UNMODIFIED_SINCE), self.since)
            && since > asked
        {
            return Verdict::Failed;
        }
        let holds = if headers.contains_key(IF_NONE_MATCH) {
            // The comparison is weak: a proxy that compressed the answer may have put `W/` before the tag.
            tags(headers, IF_NONE_MATCH).any(|tag| tag == "*" || opaque(tag) == opaque(&self.etag))
        } else {
            let asked = date(headers, IF_MODIFIED_SINCE);
            asked.zip(self.since).is_some_and(|(asked, since)| since <= asked)
        };
        if holds { Verdict::NotModified } else { Verdict::Send }
    }

    /// Whether a range of this representation is wanted, or the whole of whatever there is now (RFC 9110 13.1.5).
    pub fn range_applies(&self, headers: &HeaderMap) -> bool {
        let Some(condition) = headers.get(IF_RANGE) else { return true };
        let Some(condition) = condition.to_str().ok().map(str::trim) else { return false };
        self.is_strongly(condition)
            || self.since.is_some_and(|since| httpdate::parse_http_date(condition).ok() == Some(since))
    }

    fn is_strongly(&self, tag: &str) -> bool {
        !self.etag.starts_with("W/") && tag == self.etag
    }
}

fn tags(headers: &HeaderMap, name: HeaderName) -> impl Iterator<Item = &str> {
    let lines = headers.get_all(name).into_iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(',')).map(str::trim)
}

fn opaque(tag: &str) -> &str {
    tag.strip_prefix("W/").unwrap_or(tag)
}

/// A date that can be read; others are as good as none.
fn date(headers: &HeaderMap, name: HeaderName) -> Option<SystemTime> {
    httpdate::parse_http_date(headers.get(name)?.to_str().ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOVEMBER: &str = "Thu, 26 Nov 2026 12:00:00 GMT";
    const LATER: &str = "Thu, 26 Nov 2026 12:00:01 GMT";
    const EARLIER: &str = "Thu, 26 Nov 2026 11:59:59 GMT";

    fn headers(pairs: &[(HeaderName, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect()
    }

    fn strong() -> Validators {
        Validators::strong("\"a\"".into()).since(Some(1_795_694_400_999))
    }

    #[test]
    fn preconditions_in_their_order() {
        use Verdict::{Failed, NotModified, Send};
        for (pairs, expected) in [
            (vec![], Send),
            (vec![(IF_NONE_MATCH, "\"a\"")], NotModified),
            (vec![(IF_NONE_MATCH, "W/\"a\"")], NotModified),
            (vec![(IF_NONE_MATCH, "\"b\", \"a\"")], NotModified),
            (vec![(IF_NONE_MATCH, "*")], NotModified),
            (vec![(IF_NONE_MATCH, "\"b\"")], Send),
            (vec![(IF_NONE_MATCH, "a")], Send),
            (vec![(IF_NONE_MATCH, "")], Send),
            (vec![(IF_MODIFIED_SINCE, NOVEMBER)], NotModified),
            (vec![(IF_MODIFIED_SINCE, LATER)], NotModified),
            (vec![(IF_MODIFIED_SINCE, EARLIER)], Send),
            (vec![(IF_MODIFIED_SINCE, "yesterday")], Send),
            // A tag outranks a date.
            (vec![(IF_NONE_MATCH, "\"b\""), (IF_MODIFIED_SINCE, LATER)], Send),
            (vec![(IF_MATCH, "\"a\"")], Send),
            (vec![(IF_MATCH, "*")], Send),
            (vec![(IF_MATCH, "\"b\"")], Failed),
            (vec![(IF_MATCH, "W/\"a\"")], Failed),
            (vec![(IF_MATCH, "\"a\""), (IF_NONE_MATCH, "\"a\"")], NotModified),
            (vec![(IF_UNMODIFIED_SINCE, EARLIER)], Failed),
            (vec![(IF_UNMODIFIED_SINCE, NOVEMBER)], Send),
            (vec![(IF_MATCH, "\"a\""), (IF_UNMODIFIED_SINCE, EARLIER)], Send),
        ] {
            assert_eq!(strong().verdict(&headers(&pairs)), expected, "{pairs:?}");
        }
        let weak = Validators::weak("\"a\"");
        assert_eq!(weak.verdict(&headers(&[(IF_NONE_MATCH, "W/\"a\"")])), NotModified);
        assert_eq!(weak.verdict(&headers(&[(IF_MATCH, "W/\"a\"")])), Failed);
        assert_eq!(weak.verdict(&headers(&[(IF_MODIFIED_SINCE, LATER)])), Send);
    }

    #[test]
    fn a_range_is_of_the_same_bytes_only() {
        for (condition, applies) in [
            ("\"a\"", true),
            ("\"b\"", false),
            ("W/\"a\"", false),
            (NOVEMBER, true),
            (LATER, false),
            ("soon", false),
        ] {
            assert_eq!(strong().range_applies(&headers(&[(IF_RANGE, condition)])), applies, "{condition}");
        }
        assert!(strong().range_applies(&HeaderMap::new()));
        assert!(!Validators::weak("\"a\"").range_applies(&headers(&[(IF_RANGE, "W/\"a\"")])));
    }

    #[test]
    fn what_is_written() {
        let mut written = HeaderMap::new();
        strong().put(&mut written, "accept");
        assert_eq!(written[ETAG], "\"a\"");
        assert_eq!(written[LAST_MODIFIED], NOVEMBER);
        assert_eq!(written[VARY], "accept");
        assert_eq!(written[CACHE_CONTROL], "private, no-cache");
    }
}
