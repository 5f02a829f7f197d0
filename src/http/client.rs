//! Who is at the other end of a connection, when proxies may stand between.

use std::net::{IpAddr, SocketAddr};

use axum::extract::{ConnectInfo, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::header::HOST;
use http::{HeaderMap, HeaderValue, Uri};

/// The caller as far as it can be known; an extension of every request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    /// Address of the caller, behind trusted proxies.
    pub address: IpAddr,
    /// Whether the caller's own connection was TLS.
    pub is_https: bool,
    /// The host (and port) the caller typed, if it said one.
    pub host: Option<String>,
}

/// What [`identify`] needs to know of the listener.
#[derive(Debug, Clone)]
pub struct Proxies {
    /// Addresses whose X-Forwarded-* headers are believed.
    pub trusted: Vec<IpAddr>,
    /// Whether this listener speaks TLS itself.
    pub listener_is_tls: bool,
}

/// Puts a [`Client`] into the request. X-Forwarded-* of anybody but a trusted proxy is removed, so
/// that nothing further in can believe it by mistake.
pub async fn identify(State(proxies): State<Proxies>, mut request: Request, next: Next) -> Response {
    let peer = request
        .extensions()
        .get::<ConnectInfo<SocketAddr>>()
        .map_or(IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED), |info| info.0.ip().to_canonical());
    let client = proxies.client(peer, request.headers(), request.uri());
    if !proxies.trusted.contains(&peer) {
        for name in [
            "x-forwarded-for",
            "x-forwarded-proto",
            "x-forwarded-host",
            "x-forwarded-port",
            "x-forwarded-prefix",
            "forwarded",
        ] {
            request.headers_mut().remove(name);
        }
    }
    // The doors make their links and their audit records from these two.
    if client.is_https {
        request.headers_mut().insert("x-forwarded-proto", HeaderValue::from_static("https"));
    }
    let port = request.extensions().get::<ConnectInfo<SocketAddr>>().map_or(0, |info| info.0.port());
    request.extensions_mut().insert(ConnectInfo(SocketAddr::new(client.address, port)));
    request.extensions_mut().insert(client);
    next.run(request).await
}

impl Proxies {
    fn client(&self, peer: IpAddr, headers: &HeaderMap, uri: &Uri) -> Client {
        // HTTP/2 names the host in the request's target and leaves the header out (RFC 9113 8.3.1).
        let host = text(headers, HOST.as_str()).or_else(|| uri.authority().map(ToString::to_string));
        if !self.trusted.contains(&peer) {
            return Client { address: peer, is_https: self.listener_is_tls, host };
        }
        // Each proxy appends the address it saw, so the last one that is no proxy of ours is the
        // caller; anything further left was written by the caller itself.
        let forwarded: Vec<IpAddr> = headers
            .get_all("x-forwarded-for")
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .filter_map(|item| item.trim().parse().ok())
            .collect();
        let address = forwarded.iter().rev().find(|address| !self.trusted.contains(address)).copied();
        Client {
            address: address.or_else(|| forwarded.first().copied()).unwrap_or(peer),
            is_https: text(headers, "x-forwarded-proto")
                .map_or(self.listener_is_tls, |proto| proto == "https"),
            host: text(headers, "x-forwarded-host").or(host),
        }
    }
}

/// The last value of a header, if it is text: the one the nearest proxy wrote.
fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    let value = headers.get_all(name).iter().next_back()?.to_str().ok()?;
    let last = value.rsplit(',').next().unwrap_or(value).trim();
    (!last.is_empty()).then(|| last.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, value.parse().unwrap());
        }
        headers
    }

    #[test]
    fn forwarded_headers_count_from_trusted_proxies_only() {
        let proxies = Proxies { trusted: vec!["127.0.0.1".parse().unwrap()], listener_is_tls: false };
        let said = headers(&[
            ("host", "10.0.0.2:8080"),
            ("x-forwarded-for", "1.1.1.1, 203.0.113.7, 127.0.0.1"),
            ("x-forwarded-proto", "https"),
            ("x-forwarded-host", "pacs.example"),
        ]);

        let through_proxy = proxies.client("127.0.0.1".parse().unwrap(), &said, &Uri::from_static("/"));
        assert_eq!(
            through_proxy.address.to_string(),
            "203.0.113.7",
            "the caller's own 1.1.1.1 is not believed"
        );
        assert!(through_proxy.is_https);
        assert_eq!(through_proxy.host.as_deref(), Some("pacs.example"));

        let direct = proxies.client("203.0.113.9".parse().unwrap(), &said, &Uri::from_static("/"));
        assert_eq!(direct.address.to_string(), "203.0.113.9");
        assert!(!direct.is_https);
        assert_eq!(direct.host.as_deref(), Some("10.0.0.2:8080"));
    }

    #[test]
    fn a_trusted_peer_without_headers_is_the_caller_itself() {
        let proxies = Proxies { trusted: vec!["::1".parse().unwrap()], listener_is_tls: true };
        let client = proxies.client("::1".parse().unwrap(), &HeaderMap::new(), &Uri::from_static("/"));
        assert_eq!(client.address.to_string(), "::1");
        assert!(client.is_https);
        assert_eq!(client.host, None);
    }

    #[test]
    fn over_http_2_the_target_names_the_host() {
        let proxies = Proxies { trusted: Vec::new(), listener_is_tls: true };
        let target = Uri::from_static("https://pacs.example:8443/api/v1/session");
        let client = proxies.client("203.0.113.9".parse().unwrap(), &HeaderMap::new(), &target);
        assert_eq!(client.host.as_deref(), Some("pacs.example:8443"));
    }
}
