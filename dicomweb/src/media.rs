//! Media types as HTTP and MIME write them (RFC 9110 8.3.1): `type/subtype; name=value; name="value"`.

use std::fmt;

/// A media type, or a media range when the type or subtype is `*`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MediaType {
    kind: String,
    subtype: String,
    parameters: Vec<(String, String)>,
}

/// Why a text is not a media type. The texts are for the caller of the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MediaTypeError {
    /// There is no `type/subtype`, or it holds characters that a token may not.
    #[error("a media type is written type/subtype")]
    Essence,
    /// A parameter has no name, no `=`, or a quoted value that does not end.
    #[error("a media type parameter is written name=value or name=\"value\"")]
    Parameter,
}

impl MediaType {
    /// Reads one media type.
    pub fn parse(text: &str) -> Result<Self, MediaTypeError> {
        let mut pieces = split_outside_quotes(text, ';');
        let essence = pieces.next().unwrap_or_default().trim();
        let (kind, subtype) = essence.split_once('/').ok_or(MediaTypeError::Essence)?;
        if !is_token(kind) || !is_token(subtype) {
            return Err(MediaTypeError::Essence);
        }
        let mut parameters = Vec::new();
        for piece in pieces {
            let piece = piece.trim();
            if piece.is_empty() {
                continue;
            }
            let (name, value) = piece.split_once('=').ok_or(MediaTypeError::Parameter)?;
            let name = name.trim();
            if !is_token(name) {
                return Err(MediaTypeError::Parameter);
            }
            parameters.push((name.to_ascii_lowercase(), unquote(value.trim())?));
        }
        Ok(Self { kind: kind.to_ascii_lowercase(), subtype: subtype.to_ascii_lowercase(), parameters })
    }

    /// Reads a comma-separated list, as `Accept` holds it; empty members are skipped (RFC 9110 5.6.1).
    pub fn parse_list(text: &str) -> Result<Vec<Self>, MediaTypeError> {
        split_outside_quotes(text, ',').filter(|member| !member.trim().is_empty()).map(Self::range).collect()
    }

    /// Reads a media range. Java's `HttpURLConnection` says `*` beside `*/*` unless it is told otherwise.
    fn range(text: &str) -> Result<Self, MediaTypeError> {
        match text.trim_start().strip_prefix('*') {
            Some(rest) if rest.is_empty() || rest.starts_with([';', ' ', '\t']) => {
                Self::parse(&format!("*/*{rest}"))
            }
            _ => Self::parse(text),
        }
    }

    /// Whether this is exactly `kind/subtype`, parameters aside.
    pub fn is(&self, kind: &str, subtype: &str) -> bool {
        self.kind == kind && self.subtype == subtype
    }

    /// The type before the slash.
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// How long its texts are together.
    pub fn text_bytes(&self) -> usize {
        let parameters = self.parameters.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>();
        self.kind.len() + self.subtype.len() + parameters
    }

    /// Whether this range takes in `kind/subtype`: equal, `kind/*` or `*/*`.
    pub fn covers(&self, kind: &str, subtype: &str) -> bool {
        (self.kind == "*" && self.subtype == "*")
            || (self.kind == kind && (self.subtype == "*" || self.subtype == subtype))
    }

    /// How specific a range is: `*/*`, then `kind/*`, then `kind/subtype`.
    pub fn specificity(&self) -> u8 {
        match (self.kind.as_str(), self.subtype.as_str()) {
            ("*", _) => 0,
            (_, "*") => 1,
            _ => 2,
        }
    }

    /// The first value of a parameter; `name` in lower case.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

impl fmt::Display for MediaType {
    /// The type and subtype alone: what a message to a person needs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind, self.subtype)
    }
}

fn is_token(text: &str) -> bool {
    !text.is_empty()
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

/// Takes the quotes and backslash escapes off a quoted-string. An unquoted value may hold any visible character:
/// clients write `type=application/dicom` without the quotes that its slash demands.
fn unquote(value: &str) -> Result<String, MediaTypeError> {
    let Some(rest) = value.strip_prefix('"') else {
        let visible = value.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"');
        return if visible && !value.is_empty() {
            Ok(value.to_owned())
        } else {
            Err(MediaTypeError::Parameter)
        };
    };
    let mut plain = String::with_capacity(rest.len());
    let mut characters = rest.chars();
    while let Some(character) = characters.next() {
        match character {
            '"' if characters.as_str().trim().is_empty() => return Ok(plain),
            '"' => return Err(MediaTypeError::Parameter),
            '\\' => plain.push(characters.next().ok_or(MediaTypeError::Parameter)?),
            other => plain.push(other),
        }
    }
    Err(MediaTypeError::Parameter)
}

/// Splits at `separator` where it does not stand inside a quoted-string.
fn split_outside_quotes(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    let mut escaped = false;
    text.split(move |character: char| {
        if escaped {
            escaped = false;
            return false;
        }
        match character {
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            other => return other == separator && !quoted,
        }
        false
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_what_clients_send() {
        let multipart =
            MediaType::parse(r#"multipart/related; type="application/dicom"; boundary="a;b,c""#).unwrap();
        assert!(multipart.is("multipart", "related"));
        assert_eq!(multipart.parameter("type"), Some("application/dicom"));
        assert_eq!(multipart.parameter("boundary"), Some("a;b,c"));

        let loose = MediaType::parse("Multipart/Related;TYPE=application/dicom; transfer-syntax=*").unwrap();
        assert_eq!(loose.parameter("type"), Some("application/dicom"));
        assert_eq!(loose.parameter("transfer-syntax"), Some("*"));

        let escaped = MediaType::parse(r#"a/b; c="d\"e\\f""#).unwrap();
        assert_eq!(escaped.parameter("c"), Some(r#"d"e\f"#));
    }

    #[test]
    fn refuses_what_is_none() {
        for text in
            ["", "dicom", "/", "a/", "a b/c", "a/b; c", "a/b; c=", "a/b; =d", "a/b; c=\"d", "a/b; c=\"d\"e"]
        {
            assert!(MediaType::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_list_splits_only_outside_quotes() {
        let list = MediaType::parse_list(r#"a/b; c="x,y", , d/e"#).unwrap();
        assert_eq!(list.len(), 2);
        assert_eq!(list[0].parameter("c"), Some("x,y"));
        assert!(list[1].is("d", "e"));
        let list = MediaType::parse_list("* , *;q=.2, text/html").unwrap();
        assert!(list[..2].iter().all(|range| range.is("*", "*")), "{list:?}");
        assert_eq!(list[1].parameter("q"), Some(".2"));
        assert!(MediaType::parse_list("*a").is_err());
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,80}") {
            let _ = MediaType::parse_list(&text);
        }

        #[test]
        fn a_quoted_value_comes_back(value in "[ -~]{0,40}") {
            let quoted = value.replace('\\', "\\\\").replace('"', "\\\"");
            let media = MediaType::parse(&format!("a/b; c=\"{quoted}\"; d=e")).unwrap();
            prop_assert_eq!(media.parameter("c"), Some(value.as_str()));
            prop_assert_eq!(media.parameter("d"), Some("e"));
        }
    }
}
