//! Whom a job is for.

use pacs_core::uid::AeTitle;
use storage::devices::{self, Device};

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

/// The device of that title, or why it cannot be called.
pub async fn find(shared: &Shared, title: &AeTitle) -> storage::Result<Result<Peer, String>> {
    let device = devices::by_ae(shared.archive.database(), title).await?;
    let Some(device) = device else {
        return Ok(Err("noDevice: it is not a configured device".to_owned()));
    };
    let (Some(host), Some(port), Some((own, _))) =
        (&device.host, device.port, shared.config.ae_titles.first())
    else {
        return Ok(Err("noDevice: it has no address".to_owned()));
    };
    let target =
        Target { address: scu::address(host, port), calling_ae: own.clone(), called_ae: title.clone() };
    Ok(match shared.options_for(&device) {
        Ok(options) => Ok(Peer { device, target, options }),
        Err(why) => Err(format!("noDevice: {why}")),
    })
}

/// What an association that did not come about, or ended, means for a job: a word, a colon, details.
pub fn reason(error: &scu::Error) -> String {
    let word = match error {
        scu::Error::Unreachable(_) => "unreachable",
        // The pages have no sentence of its own for it: it cannot be reached as it has to be.
        scu::Error::Handshake(_) => "unreachable",
        scu::Error::Rejected(_) => "rejected",
        scu::Error::Ended(_) => "broken",
        scu::Error::NoContext => "noContext",
        scu::Error::Unreadable(_) | scu::Error::Withheld(_) => "unreadable",
    };
    format!("{word}: {error}")
}
