//! What every handler needs.

use crate::pixel_pool::PixelPool;
use crate::stow::Rooms;
use std::sync::Arc;
use storage::Archive;
use storage::audit_log::AuditLog;
use tokio::sync::Semaphore;

/// Event channels at once.
const MOST_CHANNELS: usize = 256;

/// The service's handles. Clones share them.
#[derive(Clone)]
pub struct State {
    /// Where the instances lie.
    pub archive: Archive,
    /// The configured absolute URL of the program, if there is one.
    pub public_url: Option<url::Url>,
    /// Where it is recorded who looked at what and who stored what.
    pub audit_log: AuditLog,
    /// The threads that decode and draw.
    pub pixels: PixelPool,
    /// What requests that bring values beside metadata share.
    pub(crate) rooms: Rooms,
    /// Places for event channels, each of which holds a connection for as long as its subscriber likes.
    pub channels: Arc<Semaphore>,
}

impl State {
    /// A service over `archive`, with a pixel thread for each processor.
    pub fn new(
        archive: Archive,
        public_url: Option<url::Url>,
        audit_log: AuditLog,
    ) -> Result<Self, rayon::ThreadPoolBuildError> {
        let threads = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
        let pixels = PixelPool::new(threads)?;
        let channels = Arc::new(Semaphore::new(MOST_CHANNELS));
        Ok(Self { archive, public_url, audit_log, pixels, rooms: Rooms::default(), channels })
    }
}
