//! What of the configuration can change while the process serves: the devices.

use storage::database::Database;
use storage::devices;

use crate::config::{Config, Device};

/// Makes the devices of the file what they are now.
pub async fn put_devices(database: &Database, configured: &[Device]) -> anyhow::Result<()> {
    let rows: Vec<devices::Device> = configured
        .iter()
        .map(|device| devices::Device {
            host: Some(device.host.clone()),
            port: Some(device.port),
            facility: device.facility.clone(),
            description: device.description.clone().unwrap_or_default(),
            modality: device.modality.clone(),
            room: device.room.clone(),
            worklist_names: device.worklist_names,
            ..devices::Device::named(device.ae_title.clone())
        })
        .collect();
    devices::from_file(database, &rows).await?;
    Ok(())
}

/// Reads the configuration anew. A file that is wrong changes nothing: the archive goes on as it is.
pub async fn apply(
    in_force: &mut Config,
    reread: &(dyn Fn() -> anyhow::Result<Config> + Send),
    database: &Database,
) {
    let wanted = match reread() {
        Ok(config) => config,
        Err(error) => {
            tracing::error!("the configuration was not reread: {error:#}");
            return;
        }
    };
    if wanted.needs_restart(in_force) {
        tracing::warn!("of the configuration only devices change while serving; restart for the rest");
    }
    match put_devices(database, &wanted.devices).await {
        Ok(()) => {
            tracing::info!(devices = wanted.devices.len(), "configuration reread");
            in_force.devices = wanted.devices;
        }
        Err(error) => tracing::error!("the devices were not changed: {error:#}"),
    }
}
