//! Database and object store: reachable, and of use.

use std::path::PathBuf;

use storage::database::{self, Engine, Schema};
use url::Url;

use super::{Finding, keeping};
use crate::config::Config;

/// Reads from the database and leaves it as it is; also what it says of how things are kept.
pub async fn database(config: &Config) -> Vec<Finding> {
    const WHAT: &str = "database";
    let target = config.keeping.backup_url.as_deref();
    let (engine, schema) = match database::look(&config.store.database_url, target).await {
        Ok(found) => found,
        Err(error) => return vec![Finding::bad(WHAT, format!("cannot be read: {error} (database_url)"))],
    };
    let kept = match schema {
        Schema::Current { keeping, .. } => keeping::findings(&keeping, config),
        _ => Vec::new(),
    };
    let engine = match engine {
        Engine::Sqlite => "SQLite",
        Engine::Postgres => "PostgreSQL",
    };
    let finding = match schema {
        Schema::Missing => Finding::good(WHAT, format!("{engine}: empty; `sen serve` makes its tables")),
        Schema::Current { version, devices, .. } => {
            Finding::good(WHAT, format!("{engine} answers; schema {version}, {devices} devices in it"))
        }
        Schema::Older { version, known } => Finding::doubtful(
            WHAT,
            format!(
                "{engine} answers; its schema {version} is older than this program's, {known}: `sen serve` will bring \
                 it up to date, and the older program does not open it then; back up before"
            ),
        ),
        Schema::Newer { version, known } => Finding::bad(
            WHAT,
            format!(
                "{engine} has schema {version}, this program knows {known}: start a newer version of the program"
            ),
        ),
    };
    std::iter::once(finding).chain(kept).collect()
}

/// Writes, reads and removes a small object; a folder that is not there yet is not made for it.
pub async fn objects(config: &Config) -> Finding {
    const WHAT: &str = "object store";
    let url = &config.store.storage_url;
    if let Some(folder) = local_folder(url)
        && matches!(tokio::fs::try_exists(&folder).await, Ok(false))
    {
        return Finding::good(WHAT, format!("{url}: not there yet; `sen serve` makes it"));
    }
    match storage::probe_objects(url).await {
        Ok(()) => Finding::good(WHAT, format!("{url}: an object was written, read and removed")),
        Err(error) => Finding::bad(WHAT, format!("{url}: {error} (storage_url, and AWS_* for S3)")),
    }
}

fn local_folder(url: &str) -> Option<PathBuf> {
    Url::parse(url).ok().filter(|url| url.scheme() == "file")?.to_file_path().ok()
}
