//! Where a search goes on that a limit has cut.

use crate::base_url::BaseUrl;
use http::HeaderValue;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use std::fmt::Display;

/// What may stand in a query as it is (RFC 3986 2.3), and what is easier to read so.
const ENCODED: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'*').remove(b',');

/// The resource that was asked, and how.
pub struct Here {
    /// The service.
    pub base: BaseUrl,
    /// The path below it.
    pub path: String,
    /// The parameters.
    pub parameters: Vec<(String, String)>,
}

impl Here {
    /// The link to the page behind a position (RFC 8288): the same search, which begins there. Whatever arrives
    /// meanwhile, no answer comes twice and none is left out.
    pub fn next(&self, behind: &impl Display) -> Option<HeaderValue> {
        let mut url = format!("<{}{}?", self.base, self.path);
        let paging = |name: &str| ["offset", "after"].iter().any(|word| name.eq_ignore_ascii_case(word));
        for (name, value) in self.parameters.iter().filter(|(name, _)| !paging(name)) {
            let (name, value) = (utf8_percent_encode(name, ENCODED), utf8_percent_encode(value, ENCODED));
            url.push_str(&format!("{name}={value}&"));
        }
        url.push_str(&format!("after={behind}>; rel=\"next\""));
        HeaderValue::try_from(url).ok()
    }
}
