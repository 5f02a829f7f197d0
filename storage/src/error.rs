//! What can go wrong in storage, by what the caller can do about it.

use std::borrow::Cow;
use std::fmt;

use pacs_core::ingest::Refusal;
use pacs_core::why::Cause;

/// The error of every operation of this crate.
///
/// Texts name identifiers at most, never patient data, so they may be logged.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// What was asked for is not there, or lies outside the caller's scope.
    #[error("not found")]
    NotFound,
    /// The act collides with something that exists or has changed meanwhile.
    #[error("{0}")]
    Conflict(String),
    /// The object is not one that an archive can keep; asking again will not help.
    #[error("refused: {}", .0.reason)]
    Refused(Refusal),
    /// More than a bound allows.
    #[error("{0}")]
    TooLarge(String),
    /// A resource is away or full; asking again later may help.
    #[error("{0}")]
    Unavailable(Outage),
    /// Stored bytes are not what was stored.
    #[error("damaged: {0}")]
    Corrupt(String),
    /// A fault of the program or of the machine under it.
    #[error("{context}: {source}")]
    Internal {
        /// What was being done.
        context: String,
        /// What failed underneath.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// What is away or full. Doors tell callers `what`; logs and `sen doctor` the cause as well, which may
/// name addresses, paths and tables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outage {
    /// For whoever asked: "the object store is away".
    pub what: Cow<'static, str>,
    /// For whoever runs the archive.
    pub cause: Option<String>,
    /// For the pages.
    pub word: Cause,
}

impl Outage {
    pub(crate) const OBJECT_STORE: Self = Self::of("the object store is away", Cause::StoreAway);
    pub(crate) const DATABASE: Self = Self::of("the database is busy or away", Cause::DatabaseAway);
    pub(crate) const SPOOL_FULL: Self = Self::of("the spool is full", Cause::SpoolFull);
    pub(crate) const DISK_FULL: Self = Self::of("the disk is full", Cause::DiskFull);
    pub(crate) const NEARLY_FULL: Self = Self::of("the disk is nearly full", Cause::NearlyFull);
    pub(crate) const STORE_NEARLY_FULL: Self =
        Self::of("the disk of the object store is nearly full", Cause::NearlyFull);
    pub(crate) const STOPPING: Self = Self::of("the archive is stopping", Cause::Stopping);

    const fn of(what: &'static str, word: Cause) -> Self {
        Self { what: Cow::Borrowed(what), cause: None, word }
    }

    /// With what lies underneath.
    pub(crate) fn because(self, cause: impl fmt::Display) -> Self {
        Self { cause: Some(cause.to_string()), ..self }
    }
}

impl<T: Into<Cow<'static, str>>> From<T> for Outage {
    fn from(what: T) -> Self {
        Self { what: what.into(), cause: None, word: Cause::Busy }
    }
}

impl fmt::Display for Outage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.cause {
            Some(cause) => write!(f, "{}: {cause}", self.what),
            None => f.write_str(&self.what),
        }
    }
}

impl Error {
    /// An internal fault met while doing `context`.
    pub fn internal(
        context: impl Into<String>,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self::Internal { context: context.into(), source: source.into() }
    }

    /// A file operation that failed: a full disk is something to wait for, the rest is not.
    pub(crate) fn io(context: impl Into<String>, error: std::io::Error) -> Self {
        use std::io::ErrorKind;
        match error.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
                Self::Unavailable(Outage::DISK_FULL.because(context.into()))
            }
            _ => Self::internal(context, error),
        }
    }

    /// What lies underneath, as a word for the pages; `None` for what is no outage, damage or fault.
    pub fn cause(&self) -> Option<Cause> {
        match self {
            Self::Unavailable(outage) => Some(outage.word),
            Self::Corrupt(_) => Some(Cause::Damaged),
            Self::Internal { source, .. } => Some(Cause::beneath(source.as_ref()).unwrap_or(Cause::Internal)),
            Self::NotFound | Self::Conflict(_) | Self::Refused(_) | Self::TooLarge(_) => None,
        }
    }

    /// What a disk or an object store said instead of giving bytes that lie there; `None` for all other errors. It is
    /// told of those bytes alone when others of the same place can be read.
    pub(crate) fn of_reading(&self) -> Option<String> {
        use std::io::ErrorKind::{Interrupted, OutOfMemory, WouldBlock};
        const TOO_MANY_OPEN: [i32; 2] =
            [rustix::io::Errno::MFILE.raw_os_error(), rustix::io::Errno::NFILE.raw_os_error()];
        match self {
            Self::Unavailable(outage) if outage.what == Outage::OBJECT_STORE.what => {
                Some(outage.cause.clone().unwrap_or_else(|| outage.what.clone().into_owned()))
            }
            Self::Internal { source, .. } => {
                let error = source.downcast_ref::<std::io::Error>()?;
                let is_ours = matches!(error.kind(), Interrupted | OutOfMemory | WouldBlock);
                let number = error.raw_os_error().filter(|number| !TOO_MANY_OPEN.contains(number))?;
                (number > 0 && !is_ours).then(|| error.to_string())
            }
            _ => None,
        }
    }

    /// A background thread that could not finish, because it panicked or the program is stopping.
    pub(crate) fn thread(error: tokio::task::JoinError) -> Self {
        Self::internal("a background thread did not finish", error)
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<object_store::Error> for Error {
    fn from(error: object_store::Error) -> Self {
        match error {
            object_store::Error::NotFound { .. } => Self::NotFound,
            object_store::Error::AlreadyExists { .. } => Self::Conflict("the object exists already".into()),
            other => {
                use Cause::{DiskFull, Input, PermissionDenied, ReadOnly};
                // Of a folder; how a service on the network is away is for the log.
                let of_folder = Cause::beneath(&other)
                    .filter(|word| matches!(word, DiskFull | Input | PermissionDenied | ReadOnly));
                let word = of_folder.unwrap_or(Cause::StoreAway);
                Self::Unavailable(Outage { word, ..Outage::OBJECT_STORE.because(other) })
            }
        }
    }
}

/// Shorthand for results of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;
