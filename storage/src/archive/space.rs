//! Looking at the disks for as long as an archive is open.

use std::sync::Weak;
use std::time::Duration;

use tokio::task::spawn_blocking;

use super::Inner;

const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Looks every second, and has renditions give way on a disk that is low. A folder on another machine that does not
/// answer holds up the next look and nothing else.
pub(super) async fn watch(archive: Weak<Inner>) {
    loop {
        {
            let Some(inner) = archive.upgrade() else { return };
            if inner.closing.is_cancelled() {
                return;
            }
            let (space, used_bytes) = (inner.space.clone(), inner.spool.used_bytes());
            let lacking = spawn_blocking(move || {
                space.look(used_bytes);
                space.lacking_bytes()
            });
            match lacking.await {
                Ok(lacking_bytes) => inner.renditions.give_way(lacking_bytes).await,
                Err(error) => tracing::warn!(%error, "the disks were not looked at"),
            }
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}
