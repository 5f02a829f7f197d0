//! Database and object store: reachable, and of use.

use storage::database::{Database, Engine};
use storage::devices;

use super::Finding;
use crate::config::Config;

/// Opens the database, bringing its schema up to date as a start would, and reads from it.
pub async fn database(config: &Config) -> Finding {
    const WHAT: &str = "database";
    let database = match Database::open(&config.store.database_url).await {
        Ok(database) => database,
        Err(error) => return Finding::bad(WHAT, format!("cannot be opened: {error} (database_url)")),
    };
    let engine = match database.engine() {
        Engine::Sqlite => "SQLite",
        Engine::Postgres => "PostgreSQL",
    };
    let read = devices::list(&database).await;
    database.close().await;
    match read {
        Ok(devices) => Finding::good(WHAT, format!("{engine} answers; {} devices in it", devices.len())),
        Err(error) => Finding::bad(WHAT, format!("{engine} cannot be read: {error}")),
    }
}

/// Writes, reads and removes a small object.
pub async fn objects(config: &Config) -> Finding {
    const WHAT: &str = "object store";
    let url = &config.store.storage_url;
    match storage::probe_objects(url).await {
        Ok(()) => Finding::good(WHAT, format!("{url}: an object was written, read and removed")),
        Err(error) => Finding::bad(WHAT, format!("{url}: {error} (storage_url, and AWS_* for S3)")),
    }
}
