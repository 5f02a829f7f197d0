//! What every handler needs.

use crate::pixel_pool::PixelPool;
use crate::qido::again::Answers;
use crate::stow::Rooms;
use crate::ups::Channels;
use std::ops::Deref;
use std::sync::Arc;
use storage::Archive;
use storage::audit_log::AuditLog;

/// The service's handles. Clones share them, and cost one count: each layer of the router makes some for a request.
#[derive(Clone)]
pub struct State(Arc<Handles>);

/// What a [`State`] leads to.
pub struct Handles {
    /// Where the instances lie.
    pub archive: Archive,
    /// The configured absolute URL of the program, if there is one.
    pub public_url: Option<url::Url>,
    /// Where it is recorded who looked at what and who stored what.
    pub audit_log: AuditLog,
    /// The threads that decode and draw.
    pub pixels: PixelPool,
    /// Answers to searches that are asked again.
    pub(crate) answers: Answers,
    /// What requests that bring values beside metadata share.
    pub(crate) rooms: Rooms,
    /// Places for event channels.
    pub(crate) channels: Channels,
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
        let (answers, rooms, channels) = (Answers::default(), Rooms::default(), Channels::default());
        Ok(Self(Arc::new(Handles { archive, public_url, audit_log, pixels, answers, rooms, channels })))
    }
}

impl Deref for State {
    type Target = Handles;

    fn deref(&self) -> &Handles {
        &self.0
    }
}
