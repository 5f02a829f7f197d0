//! The absolute URL under which this service is reached: what RetrieveURL and BulkDataURI begin with. A wrong host
//! here leaves viewers without palettes and pixels, so the order is fixed: configuration, proxy, request.

use crate::error::Error;
use crate::state::State;
use axum::extract::{FromRequestParts, OriginalUri};
use http::header::HOST;
use http::request::Parts;
use http::uri::Authority;
use pacs_core::uid::Uid;
use std::fmt;

/// The base URI of the service, without a slash at the end.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct BaseUrl(String);

impl BaseUrl {
    /// The whole base.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The resource of a study.
    pub fn study(&self, study: &Uid) -> String {
        format!("{}/studies/{study}", self.0)
    }

    /// The resource of a series.
    pub fn series(&self, study: &Uid, series: &Uid) -> String {
        format!("{}/studies/{study}/series/{series}", self.0)
    }

    /// The resource of an instance.
    pub fn instance(&self, study: &Uid, series: &Uid, instance: &Uid) -> String {
        format!("{}/studies/{study}/series/{series}/instances/{instance}", self.0)
    }

    /// Derives the base. `mount` is the path at which the program placed this service.
    /// `X-Forwarded-*` are taken as they come: the program removes them from requests of untrusted peers.
    fn derive(public: Option<&url::Url>, parts: &Parts, mount: &str) -> Result<Self, Error> {
        if let Some(public) = public {
            return Ok(Self(format!("{}{mount}", public.as_str().trim_end_matches('/'))));
        }
        let header = |name: &str| {
            // Where several proxies have written, the last value is that of the nearest one, which is trusted.
            let value = parts.headers.get_all(name).iter().next_back()?.to_str().ok()?;
            value.rsplit(',').next().map(str::trim).filter(|value| !value.is_empty())
        };
        let scheme = match header("x-forwarded-proto") {
            Some(proto) if proto.eq_ignore_ascii_case("https") => "https",
            Some(_) => "http",
            None => parts.uri.scheme_str().unwrap_or("http"),
        };
        let host = header("x-forwarded-host")
            .or_else(|| header(HOST.as_str()))
            .or_else(|| parts.uri.authority().map(Authority::as_str))
            .ok_or_else(|| Error::bad_request("the request names no host"))?;
        let authority = host
            .parse::<Authority>()
            .ok()
            .filter(|authority| !authority.as_str().contains('@'))
            .ok_or_else(|| Error::bad_request("the Host header is not a host"))?;
        let prefix = header("x-forwarded-prefix").map(|prefix| prefix.trim_matches('/')).unwrap_or_default();
        let slash = if prefix.is_empty() { "" } else { "/" };
        Ok(Self(format!("{scheme}://{authority}{slash}{prefix}{mount}")))
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromRequestParts<State> for BaseUrl {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &State) -> Result<Self, Error> {
        // The router of the program strips the mount path; the original URI still has it.
        let original = parts.extensions.get::<OriginalUri>().map(|uri| uri.path().to_owned());
        let original = original.as_deref().unwrap_or_default();
        let inner = parts.uri.path();
        // The service itself is asked for without the slash that its own path is.
        let mount = original.strip_suffix(inner).unwrap_or(if inner == "/" { original } else { "" });
        Self::derive(state.public_url.as_ref(), parts, mount)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn derived(public: Option<&str>, headers: &[(&str, &str)]) -> Result<String, Error> {
        let mut request = http::Request::builder().uri("/studies");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let parts = request.body(()).unwrap().into_parts().0;
        let public = public.map(|url| url.parse().unwrap());
        BaseUrl::derive(public.as_ref(), &parts, "/dicomweb").map(|base| base.0)
    }

    #[test]
    fn configuration_then_proxy_then_host() {
        let host = ("host", "10.0.0.5:8080");
        for (public, headers, expected) in [
            (None, vec![host], "http://10.0.0.5:8080/dicomweb"),
            (None, vec![("host", "[::1]:8080")], "http://[::1]:8080/dicomweb"),
            (
                None,
                vec![
                    host,
                    ("x-forwarded-proto", "https"),
                    ("x-forwarded-host", "evil.example, pacs.example"),
                ],
                "https://pacs.example/dicomweb",
            ),
            (
                None,
                vec![host, ("x-forwarded-host", "evil.example"), ("x-forwarded-host", "pacs.example")],
                "http://pacs.example/dicomweb",
            ),
            (None, vec![host, ("x-forwarded-prefix", "/sen/")], "http://10.0.0.5:8080/sen/dicomweb"),
            (Some("https://pacs.example/sen/"), vec![host], "https://pacs.example/sen/dicomweb"),
            (Some("https://pacs.example"), vec![], "https://pacs.example/dicomweb"),
        ] {
            assert_eq!(derived(public, &headers).unwrap(), expected);
        }
    }

    #[test]
    fn a_host_that_is_none_is_refused() {
        for headers in [vec![], vec![("host", "a b")], vec![("host", "evil@host")], vec![("host", "a/b")]] {
            assert!(derived(None, &headers).is_err(), "{headers:?}");
        }
    }
}
