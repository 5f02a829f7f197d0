//! Backups and what was read back, as the rows tell of them.

use indicatif::HumanDuration;
use pacs_core::clock::Clock;
use std::time::Duration;
use storage::database::Keeping;

use super::Finding;
use crate::config::Config;

/// A backup that is older than this is no longer one of the last night.
const OLD_MS: i64 = 48 * 3_600_000;

/// What is to be said of the last backup and of damage.
pub fn findings(keeping: &Keeping, config: &Config) -> Vec<Finding> {
    vec![backup(keeping, config), bytes(keeping, config)]
}

fn backup(keeping: &Keeping, config: &Config) -> Finding {
    const WHAT: &str = "backup";
    let how = if config.keeping.backup_at.is_empty() {
        "; set backup_url and backup_at to have them taken"
    } else {
        ""
    };
    if keeping.backup_ms == 0 {
        let failed = if keeping.failed_backup_ms > 0 { " and one has failed: the log says why" } else { "" };
        return Finding::doubtful(WHAT, format!("none was ever taken{failed}{how}"));
    }
    let said = format!("the last good one is {} old", age(keeping.backup_ms));
    if keeping.failed_backup_ms > keeping.backup_ms {
        Finding::doubtful(WHAT, format!("{said}, and one has failed since: the log says why"))
    } else if Clock::system().now_ms().saturating_sub(keeping.backup_ms) > OLD_MS {
        Finding::doubtful(WHAT, format!("{said}{how}"))
    } else if keeping.backup_damaged > 0 {
        let damaged = keeping.backup_damaged;
        Finding::doubtful(
            WHAT,
            format!("{said}, and {damaged} things in it were damaged before they were copied"),
        )
    } else {
        Finding::good(WHAT, said)
    }
}

fn bytes(keeping: &Keeping, config: &Config) -> Finding {
    const WHAT: &str = "stored bytes";
    if keeping.damaged > 0 {
        let damaged = keeping.damaged;
        return Finding::doubtful(
            WHAT,
            format!(
                "{damaged} instances are not what was stored; `sen verify` names them: take them from a backup"
            ),
        );
    }
    let read = match (keeping.packs, keeping.verified_ms) {
        (0, _) => "none settled yet".to_owned(),
        (packs, 0) => format!("{packs} packs, some never read back yet"),
        (packs, oldest) => format!("{packs} packs, all read back within the last {}", age(oldest)),
    };
    let off = if config.keeping.verification.is_none() {
        "; verify_every_days is 0: nothing reads them back"
    } else {
        ""
    };
    Finding::good(WHAT, format!("no damage is known; {read}{off}"))
}

fn age(ms: i64) -> HumanDuration {
    let age_ms = Clock::system().now_ms().saturating_sub(ms);
    HumanDuration(Duration::from_millis(u64::try_from(age_ms).unwrap_or(0)))
}
