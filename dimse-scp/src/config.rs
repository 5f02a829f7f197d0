//! What the listener needs to know, and the limits it keeps.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;

use pacs_core::uid::{AeTitle, Uid};

use crate::tls::Tls;

/// The configuration of [`crate::Server`].
#[derive(Debug, Clone)]
pub struct Config {
    /// Where to listen; port 0 lets the system choose.
    pub listen: SocketAddr,
    /// The AE titles that may be called, each with the code of the facility its images belong to
    /// when the calling device names none.
    pub ae_titles: Vec<(AeTitle, Option<String>)>,
    /// What becomes of calling AE titles that are not among the devices.
    pub unknown_ae: UnknownAe,
    /// The most associations open at a time.
    pub max_associations: usize,
    /// The most associations open at a time with one calling AE title.
    pub max_associations_per_ae: usize,
    /// The longest P-DATA-TF variable field that is taken and sent, in bytes.
    pub max_pdu_bytes: u32,
    /// How long peers may take.
    pub timeouts: Timeouts,
    /// Private storage SOP classes to accept beside the standard's.
    pub extra_storage_classes: Vec<Uid>,
    /// Certificates for associations that are encrypted, in both roles; `None`: there are none.
    pub tls: Option<Arc<Tls>>,
    /// Where to listen for associations over TLS.
    pub tls_listen: Option<SocketAddr>,
    /// Who knows the users that requestors name; `None`: there are no users.
    pub users: Option<Users>,
}

/// Asks about a user that a requestor names (PS3.7 D.3.3.7): who it says it is, and from where.
#[derive(Clone)]
pub struct Users(Arc<dyn Fn(NamedUser, IpAddr) -> BoxFuture<'static, UserVerdict> + Send + Sync>);

impl Users {
    /// Users that `ask` knows.
    pub fn new(
        ask: impl Fn(NamedUser, IpAddr) -> BoxFuture<'static, UserVerdict> + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(ask))
    }

    pub(crate) async fn ask(&self, user: NamedUser, peer: IpAddr) -> UserVerdict {
        (self.0)(user, peer).await
    }
}

impl std::fmt::Debug for Users {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Users(…)")
    }
}

/// A user as named. The passcode never leaves this value: `Debug` hides it.
#[derive(Clone, PartialEq, Eq)]
pub struct NamedUser {
    /// The account's name.
    pub name: String,
    /// Its password; `None` names the user without a proof.
    pub passcode: Option<String>,
}

impl std::fmt::Debug for NamedUser {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NamedUser").field("name", &self.name).finish_non_exhaustive()
    }
}

/// What is known of a named user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UserVerdict {
    /// There is such an account, and the passcode, where one was given, is its.
    Known,
    /// There is none, or the passcode is wrong.
    Unknown,
    /// Too many wrong passcodes came from there, or for this account.
    Wait,
    /// Nobody can say just now.
    Unavailable,
}

impl Config {
    /// The defaults: one AE title, devices only.
    pub fn new(listen: SocketAddr, ae_title: AeTitle) -> Self {
        Self {
            listen,
            ae_titles: vec![(ae_title, None)],
            unknown_ae: UnknownAe::Reject,
            max_associations: 200,
            max_associations_per_ae: 50,
            max_pdu_bytes: DEFAULT_MAX_PDU_BYTES,
            timeouts: Timeouts::default(),
            extra_storage_classes: Vec::new(),
            tls: None,
            tls_listen: None,
            users: None,
        }
    }
}

/// The longest P-DATA-TF variable field by default: large enough that its header does not count,
/// small enough that a hundred of them are little memory.
pub const DEFAULT_MAX_PDU_BYTES: u32 = 256 * 1024;

/// What becomes of calling AE titles that are not among the devices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnknownAe {
    /// They may push and query.
    Accept,
    /// Their association requests are rejected: calling AE title not recognized.
    Reject,
}

/// How long a peer may take.
#[derive(Debug, Clone, Copy)]
pub struct Timeouts {
    /// To open a connection.
    pub connect: Duration,
    /// To send a whole association request after connecting, and to close after a rejection or
    /// release (the ARTIM timer of PS3.8 9.1.5); for a requestor, to be answered.
    pub artim: Duration,
    /// Between two messages.
    pub idle: Duration,
    /// Within a message: for each further [`crate::association::PROGRESS_BYTES`].
    pub message: Duration,
    /// To take what is written.
    pub write: Duration,
    /// To answer a request, for a service class user.
    pub response: Duration,
    /// For running operations to finish when the server stops.
    pub stop: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            artim: Duration::from_secs(30),
            idle: Duration::from_secs(300),
            message: Duration::from_secs(60),
            write: Duration::from_secs(60),
            response: Duration::from_secs(120),
            stop: Duration::from_secs(20),
        }
    }
}
