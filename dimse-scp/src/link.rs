//! From a connection to something that associations can be asked for on: TLS where it belongs.

use std::io;
use std::net::IpAddr;

use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::association::stream::Stream;
use crate::failures::Failed;
use crate::listener::Shared;
use crate::refused::Reason;
use crate::tls::{Certificate, Tls};

/// The first byte of a TLS record that begins a handshake (RFC 8446 5.1). An association request begins with 1.
pub(crate) const TLS_HANDSHAKE: u8 = 22;

/// Which listener a connection came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Port {
    /// The one without TLS.
    Plain,
    /// The one with it.
    Tls,
}

/// How a peer is connected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Link {
    /// Without TLS, where that is spoken.
    Plain,
    /// Without TLS where it has to be: its association request is read, so that the refusal can be told to it and of
    /// it.
    PlainAtTlsPort,
    /// With TLS, and with the certificate that it showed.
    Tls(Option<Certificate>),
}

impl Link {
    pub fn is_plain_at_tls_port(&self) -> bool {
        *self == Self::PlainAtTlsPort
    }

    pub fn is_encrypted(&self) -> bool {
        matches!(self, Self::Tls(_))
    }
}

/// Makes a link of a connection; `None` when there is none to be had, which has been noted.
pub(crate) async fn open(
    stream: TcpStream,
    port: Port,
    peer: IpAddr,
    shared: &Shared,
) -> Option<(Stream, Link)> {
    let (Port::Tls, Some(tls)) = (port, &shared.config.tls) else {
        return Some((Stream::Plain(stream), Link::Plain));
    };
    match timeout(shared.config.timeouts.artim, shake(stream, tls)).await {
        Ok(Ok(link)) => Some(link),
        // Port scans and health checks say nothing.
        Ok(Err(error)) if error.kind() == io::ErrorKind::UnexpectedEof => None,
        Ok(Err(error)) => {
            tracing::warn!(%peer, %error, "TLS handshake failed");
            shared.failures.note(Failed {
                calling: "",
                called: "",
                peer,
                why: Reason::Handshake.because(error),
            });
            None
        }
        Err(_) => {
            tracing::debug!(%peer, "TLS handshake took too long");
            None
        }
    }
}

/// Shakes hands, where the first byte asks for it.
async fn shake(stream: TcpStream, tls: &Tls) -> io::Result<(Stream, Link)> {
    let mut first = [0];
    match (stream.peek(&mut first).await?, first) {
        (0, _) => Err(io::ErrorKind::UnexpectedEof.into()),
        (_, [TLS_HANDSHAKE]) => {
            let (stream, shown) = tls.accept(stream).await?;
            Ok((Stream::Tls(Box::new(stream)), Link::Tls(shown)))
        }
        _ => Ok((Stream::Plain(stream), Link::PlainAtTlsPort)),
    }
}
