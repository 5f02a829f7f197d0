//! Who calls: the AE titles of a request, the address, certificate and user behind it, against the devices and their
//! rules.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use pacs_core::access::{self, Actor, Scope};
use pacs_core::text::CharacterSet;
use pacs_core::uid::AeTitle;
use storage::Archive;
use storage::devices::{self, Device, Rules};
use tokio::time::timeout;

use crate::association::accept::Admitted;
use crate::config::UnknownAe;
use crate::limits::{Seat, Taken};
use crate::link::Link;
use crate::listener::Shared;
use crate::pdu::{AssociateRq, Rejection};
use crate::refused::{Reason, Refused};
use crate::tls::NotBound;
use crate::user::{self, User};

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
    /// What it may do and has to show.
    pub rules: Rules,
    /// The account that it has named.
    pub user: Option<String>,
    /// Held as long as the association lasts.
    _seat: Seat,
}

/// Admits a request or says why not.
pub(crate) async fn judge(
    request: &AssociateRq,
    peer: SocketAddr,
    link: &Link,
    shared: &Shared,
) -> Result<Admitted<Caller>, Refused> {
    let config = &shared.config;
    let refused = Refused::new;
    if link.is_plain_at_tls_port() {
        return Err(refused(Rejection::Unspecified, Reason::PlainAtTlsPort));
    }
    let called = AeTitle::parse(&request.called_ae)
        .map_err(|_| refused(Rejection::CalledAe, Reason::CalledUnknown))?;
    let calling = AeTitle::parse(&request.calling_ae)
        .map_err(|_| refused(Rejection::CallingAe, Reason::CallingInvalid))?;
    let Some((_, facility_of_called)) = config.ae_titles.iter().find(|(title, _)| *title == called) else {
        return Err(refused(Rejection::CalledAe, Reason::CalledUnknown));
    };
    let device = device(&shared.archive, &calling, peer.ip(), config.timeouts.connect).await?;
    if device.is_none() && config.unknown_ae == UnknownAe::Reject {
        return Err(refused(Rejection::CallingAe, Reason::CallingUnknown));
    }
    // A device that may call from anywhere is known by its certificate alone, where it is bound to one.
    let by_certificate =
        device.as_ref().is_some_and(|device| device.host.is_none() && device.rules.certificate.is_some());
    let (facility_of_device, character_set, rules) = match device {
        Some(device) => (device.facility, device.character_set, device.rules),
        None => (None, None, Rules::default()),
    };
    let rules = Rules { requires_tls: rules.requires_tls || by_certificate, ..rules };
    keeps(&rules, &called, link)?;
    let seat = shared.limits.seat(&calling, rules.max_associations.and_then(|most| most.try_into().ok()));
    let seat = seat.map_err(|taken| {
        let reason = match taken {
            Taken::All => Reason::TooMany,
            Taken::AllOfTitle => Reason::TooManyOfTitle,
        };
        refused(Rejection::LimitExceeded, reason)
    })?;
    // Last: a password costs more than everything else.
    let named = user::named(request.user.identity.as_ref(), rules.requires_user, shared, peer.ip()).await?;
    let User { name: user, answer: identity_answer } = named;
    let actor = Actor::device(&calling, facility_of_device.as_deref());
    let caller = Caller {
        peer: peer.ip(),
        scope: access::scope(&actor),
        actor,
        facility: facility_of_device.or_else(|| facility_of_called.clone()),
        character_set,
        rules,
        user,
        _seat: seat,
    };
    Ok(Admitted { calling_ae: calling, called_ae: called, identity_answer, kept: caller })
}

/// Whether the request keeps what the rules of its device say of titles and connections.
fn keeps(rules: &Rules, called: &AeTitle, link: &Link) -> Result<(), Refused> {
    if !rules.called.is_empty() && !rules.called.contains(called) {
        return Err(Refused::new(Rejection::CalledAe, Reason::CalledNotAllowed));
    }
    let refused = |reason| Err(Refused::new(Rejection::CallingAe, reason));
    if rules.requires_tls && !link.is_encrypted() {
        return refused(Reason::TlsRequired);
    }
    // Without TLS there is no certificate to show; who is known by its address as well, and has not to use TLS, may
    // come without.
    match (&rules.certificate, link) {
        (Some(binding), Link::Tls(shown)) => match shown.as_ref().map(|shown| shown.is_bound(binding)) {
            Some(Ok(())) => Ok(()),
            Some(Err(NotBound::Other)) => refused(Reason::OtherCertificate),
            Some(Err(NotBound::Untrusted)) => refused(Reason::UntrustedCertificate),
            None => refused(Reason::NoCertificate),
        },
        _ => Ok(()),
    }
}

/// The device with that AE title; `None` when none is configured. A title that belongs to a device is
/// nobody else's: a call from another address than the device's is rejected, whatever becomes of
/// unknown callers. A device without an address is known by its title alone.
async fn device(
    archive: &Archive,
    title: &AeTitle,
    peer: IpAddr,
    look_up: Duration,
) -> Result<Option<Device>, Refused> {
    let found = devices::by_ae(archive.database(), title).await.map_err(|error| {
        tracing::error!(%error, calling = %title, "the devices cannot be asked");
        Refused::new(Rejection::Congestion, Reason::CannotLookUp)
    })?;
    let Some(device) = found else { return Ok(None) };
    match &device.host {
        Some(host) if !is_at(host, peer, look_up).await? => {
            Err(Refused::new(Rejection::CallingAe, Reason::OtherAddress))
        }
        _ => Ok(Some(device)),
    }
}

/// Whether a host name or address is that of the peer. A name that cannot be looked up in time may
/// be one that can be a minute later, so the caller is asked to try again.
async fn is_at(host: &str, peer: IpAddr, look_up: Duration) -> Result<bool, Refused> {
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
            Err(Refused::new(Rejection::Congestion, Reason::CannotLookUp))
        }
    }
}
