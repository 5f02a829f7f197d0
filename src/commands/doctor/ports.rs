//! Listeners: free, or taken by a server of ours.

use std::net::SocketAddr;

use tokio::net::{TcpListener, TcpStream};

use super::Finding;
use crate::config::Config;

/// Tries both listeners.
pub async fn check(config: &Config) -> Vec<Finding> {
    vec![
        try_listen("DICOM port", "dimse_listen", config.dimse.listen).await,
        try_listen("HTTP port", "http_listen", config.http.listen).await,
    ]
}

async fn try_listen(what: &'static str, key: &str, address: SocketAddr) -> Finding {
    match TcpListener::bind(address).await {
        Ok(_) => Finding::good(what, format!("{address} is free")),
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => {
            let answers = TcpStream::connect(reachable(address)).await.is_ok();
            if answers {
                Finding::doubtful(
                    what,
                    format!("{address} is in use; right if sen is running, else change {key}"),
                )
            } else {
                Finding::bad(what, format!("{address} is in use and does not answer: change {key}"))
            }
        }
        Err(error) => Finding::bad(what, format!("{address} cannot be listened on: {error} ({key})")),
    }
}

/// Where a listener on all addresses is reached from this machine.
fn reachable(address: SocketAddr) -> SocketAddr {
    match address {
        SocketAddr::V4(_) if address.ip().is_unspecified() => {
            (std::net::Ipv4Addr::LOCALHOST, address.port()).into()
        }
        SocketAddr::V6(_) if address.ip().is_unspecified() => {
            (std::net::Ipv6Addr::LOCALHOST, address.port()).into()
        }
        _ => address,
    }
}
