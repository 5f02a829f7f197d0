//! Whom a job is for.

use pacs_core::text::CharacterSet;
use pacs_core::uid::AeTitle;
use pacs_core::why::Why;
use storage::devices::{self, Device};
use storage::transfers::Trouble;

use crate::cause;
use crate::listener::Shared;
use crate::scu::{self, Options, Target};

/// A device that associations can be opened to.
pub struct Peer {
    /// Its entry.
    pub device: Device,
    /// Where it is, and as whom it is called.
    pub target: Target,
    /// How associations with it are used.
    pub options: Options,
}

impl Peer {
    /// What it can read of text.
    pub fn letters(&self) -> CharacterSet {
        self.device.character_set.unwrap_or(CharacterSet::UTF_8)
    }
}

/// The device of that title, or why it cannot be called.
pub async fn find(shared: &Shared, title: &AeTitle) -> storage::Result<Result<Peer, Why>> {
    let device = devices::by_ae(shared.archive.database(), title).await?;
    let Some(device) = device else {
        return Ok(Err(Trouble::NoDevice.because("it is not a configured device")));
    };
    let (Some(host), Some(port), Some((own, _))) =
        (&device.host, device.port, shared.config.ae_titles.first())
    else {
        return Ok(Err(Trouble::NoAddress.because("it has no address, or this archive no AE title")));
    };
    let target =
        Target { address: scu::address(host, port), calling_ae: own.clone(), called_ae: title.clone() };
    Ok(match shared.options_for(&device) {
        Ok(options) => Ok(Peer { device, target, options }),
        Err(why) => Err(Trouble::NoCertificate.because(why)),
    })
}

/// What an association that did not come about, or ended, means for a job.
pub fn reason(error: &scu::Error) -> Why {
    let word = match error {
        scu::Error::Unreachable(_) => Trouble::Unreachable,
        scu::Error::Handshake(_) => Trouble::Handshake,
        scu::Error::Rejected(_) => Trouble::Rejected,
        scu::Error::Ended(_) => Trouble::Broken,
        scu::Error::NoContext => Trouble::NoContext,
        scu::Error::Unreadable(_) | scu::Error::Withheld(_) => Trouble::Unreadable,
    };
    word.because(error).of(cause::of_error(error))
}
