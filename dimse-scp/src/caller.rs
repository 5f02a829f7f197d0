//! Who calls: the AE titles of a request and the address it comes from, against the devices.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use pacs_core::access::{self, Actor, Scope};
use pacs_core::text::CharacterSet;
use pacs_core::uid::AeTitle;
use storage::Archive;
use storage::devices::{self, Device};
use tokio::time::timeout;

use crate::association::accept::Admitted;
use crate::config::{Config, UnknownAe};
use crate::limits::{Limits, Seat};
use crate::pdu::{AssociateRq, Rejection};

/// The peer of an association.
#[derive(Debug)]
pub struct Caller {
    /// The address it calls from.
    pub peer: IpAddr,
    /// As whom it acts.
    pub actor: Actor,
    /// What it may see.
    pub scope: Scope,
    /// The facility of what it stores: its own, else the called AE title's, else the default.
    pub facility: Option<String>,
    /// What its console can read, where that is configured.
    pub character_set: Option<CharacterSet>,
    /// Held as long as the association lasts.
    _seat: Seat,
}

/// Admits a request or says why not.
pub async fn judge(
    request: &AssociateRq,
    peer: SocketAddr,
    config: &Config,
    archive: &Archive,
    limits: &std::sync::Arc<Limits>,
) -> Result<Admitted<Caller>, Rejection> {
    let called = AeTitle::parse(&request.called_ae).map_err(|_| Rejection::CalledAe)?;
    let calling = AeTitle::parse(&request.calling_ae).map_err(|_| Rejection::CallingAe)?;
    let Some((_, facility_of_called)) = config.ae_titles.iter().find(|(title, _)| *title == called) else {
        return Err(Rejection::CalledAe);
    };
    let device = device(archive, &calling, peer.ip(), config.timeouts.connect).await?;
    if device.is_none() && config.unknown_ae == UnknownAe::Reject {
        return Err(Rejection::CallingAe);
    }
    let seat = limits.seat(&calling).ok_or(Rejection::LimitExceeded)?;
    let facility_of_device = device.as_ref().and_then(|device| device.facility.clone());
    let actor = Actor::device(&calling, facility_of_device.as_deref());
    let caller = Caller {
        peer: peer.ip(),
        scope: access::scope(&actor),
        actor,
        facility: facility_of_device.or_else(|| facility_of_called.clone()),
        character_set: device.and_then(|device| device.character_set),
        _seat: seat,
    };
    Ok(Admitted { calling_ae: calling, called_ae: called, kept: caller })
}

/// The device with that AE title; `None` when none is configured. A title that belongs to a device is
/// nobody else's: a call from another address than the device's is rejected, whatever becomes of
/// unknown callers. A device without an address is known by its title alone.
async fn device(
    archive: &Archive,
    title: &AeTitle,
    peer: IpAddr,
    look_up: Duration,
) -> Result<Option<Device>, Rejection> {
    let found = devices::by_ae(archive.database(), title).await.map_err(|error| {
        tracing::error!(%error, calling = %title, "the devices cannot be asked");
        Rejection::Congestion
    })?;
    let Some(device) = found else { return Ok(None) };
    match &device.host {
        Some(host) if !is_at(host, peer, look_up).await? => {
            tracing::warn!(calling = %title, %peer, "the AE title of a device is used from another address");
            Err(Rejection::CallingAe)
        }
        _ => Ok(Some(device)),
    }
}

/// Whether a host name or address is that of the peer. A name that cannot be looked up in time may
/// be one that can be a minute later, so the caller is asked to try again.
async fn is_at(host: &str, peer: IpAddr, look_up: Duration) -> Result<bool, Rejection> {
    let peer = peer.to_canonical();
    if let Ok(address) = host.parse::<IpAddr>() {
        return Ok(address.to_canonical() == peer);
    }
    // The port has no part in the answer.
    let found = match timeout(look_up, tokio::net::lookup_host((host, 0))).await {
        Ok(found) => found,
        Err(late) => Err(late.into()),
    };
    match found {
        Ok(mut addresses) => Ok(addresses.any(|address| address.ip().to_canonical() == peer)),
        Err(error) => {
            tracing::warn!(host, %error, "the address of a device cannot be looked up");
            Err(Rejection::Congestion)
        }
    }
}
