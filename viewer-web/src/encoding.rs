//! Which of the prepared encodings of a file a browser gets.

use http::HeaderMap;
use http::header::ACCEPT_ENCODING;

/// An encoding that the build prepares beside a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    /// Brotli, `.br`: smallest; browsers ask for it over TLS and on loopback.
    Brotli,
    /// Gzip, `.gz`: everywhere else.
    Gzip,
}

impl Encoding {
    /// What the build appends to the file's name.
    pub(crate) fn suffix(self) -> &'static str {
        match self {
            Self::Brotli => ".br",
            Self::Gzip => ".gz",
        }
    }

    /// The value of `Content-Encoding`.
    pub(crate) fn token(self) -> &'static str {
        match self {
            Self::Brotli => "br",
            Self::Gzip => "gzip",
        }
    }
}

/// The encodings a request accepts, best first (RFC 9110 12.5.3). `;q=0` refuses one; other weights are all one to
/// us: the smallest accepted form is sent.
pub(crate) fn accepted(headers: &HeaderMap) -> Vec<Encoding> {
    let wanted: Vec<&str> = headers
        .get_all(ACCEPT_ENCODING)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(named)
        .collect();
    [Encoding::Brotli, Encoding::Gzip]
        .into_iter()
        .filter(|encoding| wanted.iter().any(|name| name.eq_ignore_ascii_case(encoding.token())))
        .collect()
}

/// The name of a coding, unless its weight is zero.
fn named(item: &str) -> Option<&str> {
    let mut parts = item.split(';').map(str::trim);
    let name = parts.next()?;
    let refused = parts
        .filter_map(|part| part.strip_prefix("q="))
        .any(|weight| weight.parse::<f32>().is_ok_and(|weight| weight <= 0.0));
    (!refused).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::{Encoding, accepted};
    use http::header::ACCEPT_ENCODING;
    use http::{HeaderMap, HeaderValue};

    #[test]
    fn the_smallest_accepted_form_comes_first() {
        let cases: &[(&str, &[Encoding])] = &[
            ("gzip, deflate, br, zstd", &[Encoding::Brotli, Encoding::Gzip]),
            ("gzip", &[Encoding::Gzip]),
            ("GZIP;q=0.5", &[Encoding::Gzip]),
            ("br;q=0, gzip", &[Encoding::Gzip]),
            ("br;q=0.0", &[]),
            ("identity", &[]),
            ("", &[]),
        ];
        for (header, expected) in cases {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT_ENCODING, HeaderValue::from_static(header));
            assert_eq!(accepted(&headers), *expected, "{header}");
        }
        assert_eq!(accepted(&HeaderMap::new()), []);
    }
}
