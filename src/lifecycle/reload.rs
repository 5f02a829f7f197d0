//! What of the configuration can change while the process serves: facilities, devices, routes and certificates of DICOM
//! TLS.

use dimse_scp::tls::Tls;
use storage::{Archive, devices, routes};

use crate::config::{Config, Device};

/// Makes the facilities, devices and routes of the file what they are now.
pub async fn put(archive: &Archive, config: &Config) -> storage::Result<()> {
    archive.put_facilities(&config.facilities).await?;
    let rows: Vec<devices::Device> = config.devices.iter().map(row).collect();
    devices::from_file(archive.database(), &rows).await?;
    routes::from_file(archive.database(), &config.routes).await
}

fn row(device: &Device) -> devices::Device {
    devices::Device {
        host: Some(device.host.clone()),
        port: Some(device.port),
        facility: device.facility.clone(),
        description: device.description.clone().unwrap_or_default(),
        modality: device.modality.clone(),
        room: device.room.clone(),
        character_set: device.character_set,
        dealings: device.dealings,
        rules: device.rules.clone(),
        ..devices::Device::named(device.ae_title.clone())
    }
}

/// Reads the configuration anew. A file that is wrong changes nothing: the archive goes on as it is.
pub async fn apply(
    in_force: &mut Config,
    reread: &(dyn Fn() -> anyhow::Result<Config> + Send),
    archive: &Archive,
    tls: Option<&Tls>,
) {
    // The files may have changed though their names have not: certificates are renewed in place.
    match tls.map(Tls::reread) {
        None => {}
        Some(Ok(())) => tracing::info!("certificates of DICOM TLS reread"),
        Some(Err(error)) => tracing::error!("certificates of DICOM TLS were not reread: {error}"),
    }
    let wanted = match reread() {
        Ok(config) => config,
        Err(error) => {
            tracing::error!("the configuration was not reread: {error:#}");
            return;
        }
    };
    if wanted.needs_restart(in_force) {
        tracing::warn!(
            "of the configuration only facilities, devices, routes and certificates change while serving; restart for \
             the rest"
        );
    }
    match put(archive, &wanted).await {
        Ok(()) => {
            let (devices, facilities) = (wanted.devices.len(), wanted.facilities.len());
            tracing::info!(devices, facilities, routes = wanted.routes.len(), "configuration reread");
            in_force.devices = wanted.devices;
            in_force.routes = wanted.routes;
            in_force.facilities = wanted.facilities;
        }
        Err(error) => tracing::error!("facilities, devices and routes were not changed: {error}"),
    }
}
