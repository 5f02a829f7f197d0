//! Brings a database's schema up to date, one transaction a migration; all that an empty one needs in one.

use super::{Database, Durability, Engine, Transaction, params};
use crate::{Error, Result, dialect};

/// Every migration there is, oldest first. A published one is never edited; the next one follows. A new one always has
/// the highest version: a database passes over whatever is below its newest, so numbers that were left out stay so.
const MIGRATIONS: &[Migration] = &[
    Migration { version: 1, name: "first", text: include_str!("../../migrations/0001_first.sql") },
    Migration { version: 2, name: "deletions", text: include_str!("../../migrations/0002_deletions.sql") },
    Migration { version: 3, name: "rejections", text: include_str!("../../migrations/0003_rejections.sql") },
    Migration { version: 4, name: "workitems", text: include_str!("../../migrations/0004_workitems.sql") },
    Migration {
        version: 5,
        name: "subscriber owners",
        text: include_str!("../../migrations/0005_subscriber_owners.sql"),
    },
    Migration { version: 6, name: "word_pairs", text: include_str!("../../migrations/0006_word_pairs.sql") },
    Migration {
        version: 7,
        name: "device character set",
        text: include_str!("../../migrations/0007_device_character_set.sql"),
    },
    Migration {
        version: 8,
        name: "performed steps",
        text: include_str!("../../migrations/0008_performed_steps.sql"),
    },
    Migration {
        version: 10,
        name: "corrections",
        text: include_str!("../../migrations/0010_corrections.sql"),
    },
    Migration { version: 11, name: "moves", text: include_str!("../../migrations/0011_moves.sql") },
    Migration { version: 12, name: "identity", text: include_str!("../../migrations/0012_identity.sql") },
    Migration {
        version: 13,
        name: "reconciliation",
        text: include_str!("../../migrations/0013_reconciliation.sql"),
    },
    Migration { version: 14, name: "transfers", text: include_str!("../../migrations/0014_transfers.sql") },
    Migration { version: 15, name: "routes", text: include_str!("../../migrations/0015_routes.sql") },
    Migration { version: 16, name: "keeping", text: include_str!("../../migrations/0016_keeping.sql") },
    Migration { version: 17, name: "intakes", text: include_str!("../../migrations/0017_intakes.sql") },
    Migration {
        version: 18,
        name: "device rules",
        text: include_str!("../../migrations/0018_device_rules.sql"),
    },
    Migration { version: 19, name: "handed", text: include_str!("../../migrations/0019_handed.sql") },
    Migration { version: 20, name: "pair names", text: include_str!("../../migrations/0020_pair_names.sql") },
    Migration { version: 21, name: "sent under", text: include_str!("../../migrations/0021_sent_under.sql") },
    Migration {
        version: 22,
        name: "transfer askers",
        text: include_str!("../../migrations/0022_transfer_askers.sql"),
    },
    Migration {
        version: 23,
        name: "non-patient objects",
        text: include_str!("../../migrations/0023_non_patient.sql"),
    },
    Migration {
        version: 24,
        name: "workitem keys",
        text: include_str!("../../migrations/0024_workitem_keys.sql"),
    },
    Migration {
        version: 26,
        name: "names others",
        text: include_str!("../../migrations/0026_names_others.sql"),
    },
    Migration {
        version: 28,
        name: "commitment parts",
        text: include_str!("../../migrations/0028_commitment_parts.sql"),
    },
    Migration {
        version: 29,
        name: "awaited rejections",
        text: include_str!("../../migrations/0029_awaited_rejections.sql"),
    },
    Migration { version: 30, name: "rejected", text: include_str!("../../migrations/0030_rejected.sql") },
    Migration {
        version: 31,
        name: "each awaited",
        text: include_str!("../../migrations/0031_each_awaited.sql"),
    },
    Migration { version: 32, name: "registered", text: include_str!("../../migrations/0032_registered.sql") },
    Migration {
        version: 33,
        name: "patient pairs",
        text: include_str!("../../migrations/0033_patient_pairs.sql"),
    },
];

/// The version of a database's schema; 0 while no migration has been applied.
pub(super) const NEWEST: &str = "select coalesce(max(version), 0) from migration";

/// The version of this program's schema.
pub(crate) fn known_version() -> i64 {
    MIGRATIONS.last().map_or(0, |migration| migration.version)
}

struct Migration {
    version: i64,
    name: &'static str,
    text: &'static str,
}

/// Applies what is missing, up to a version. Several programs may start at once: each migration takes the engine's
/// write lock first and looks again.
pub(super) async fn run(database: &Database, up_to: i64) -> Result<()> {
    let mut tx = lock(database).await?;
    tx.execute(
        "create table if not exists migration (version bigint not null primary key, name text not null)",
        params![],
    )
    .await?;
    let there = newest(&mut tx).await?;
    let missing = || MIGRATIONS.iter().filter(move |one| there < one.version && one.version <= up_to);
    if there == 0 {
        // Nobody has anything in it yet, and each commit waits for the disk.
        for migration in missing() {
            apply(&mut tx, migration).await?;
        }
        tx.commit().await?;
        tracing::info!(version = up_to, "schema made");
        return Ok(());
    }
    tx.commit().await?;
    for migration in missing() {
        let mut tx = lock(database).await?;
        let newest = newest(&mut tx).await?;
        if newest >= migration.version {
            continue;
        }
        apply(&mut tx, migration).await?;
        tx.commit().await?;
        tracing::info!(version = migration.version, name = migration.name, "schema migrated");
    }
    let newest = newest(&mut lock(database).await?).await?;
    let known = known_version();
    if newest > known {
        return Err(Error::Conflict(format!(
            "the database has schema {newest}, this program knows {known}: start a newer version of the program"
        )));
    }
    Ok(())
}

async fn apply(tx: &mut Transaction, migration: &Migration) -> Result<()> {
    tx.run_script(dialect::schema(migration.text, tx.engine())).await?;
    let sql = "insert into migration (version, name) values ($1, $2)";
    tx.execute(sql, params![migration.version, migration.name]).await?;
    Ok(())
}

async fn newest(tx: &mut Transaction) -> Result<i64> {
    tx.fetch_one(NEWEST, params![]).await?.at(0)
}

async fn lock(database: &Database) -> Result<Transaction> {
    let mut tx = database.begin(Durability::Synced).await?;
    if tx.engine() == Engine::Postgres {
        tx.fetch_one("select pg_advisory_xact_lock(7361)::text", params![]).await?;
    }
    Ok(tx)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_migration_that_there_is_follows_the_one_before() {
        let numbers: Vec<i64> = MIGRATIONS.iter().map(|migration| migration.version).collect();
        assert!(numbers.is_sorted_by(|one, next| one < next), "{numbers:?}");
        let folder = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/migrations")).unwrap();
        let mut files: Vec<i64> = folder
            .map(|entry| {
                entry.unwrap().file_name().to_string_lossy().split('_').next().unwrap().parse().unwrap()
            })
            .collect();
        files.sort_unstable();
        assert_eq!(files, numbers, "the files and the list");
    }

    #[tokio::test]
    async fn what_documents_await_is_kept_when_each_awaits_by_itself() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("sen.db").display());
        let database = Database::open_at(&url, 30).await.unwrap();
        for (uid, document) in [("1.2.1", Some("1.2.9")), ("1.2.2", None)] {
            let sql = "insert into awaited_rejection (uid, facility, code, noted_ms, document)
                 values ($1, 'A', '113001^DCM', 7, $2)";
            database.execute(sql, params![uid, document]).await.unwrap();
        }
        database.bring_up_to_date().await.unwrap();
        let sql = "insert into awaited_rejection (uid, facility, code, noted_ms, document)
             values ('1.2.1', 'A', '113001^DCM', 8, '1.2.8')";
        database.execute(sql, params![]).await.unwrap();
        let sql = "select uid, document, noted_ms from awaited_rejection order by uid, document";
        let rows = database.fetch(sql, params![]).await.unwrap();
        let rows = rows.iter().map(|row| (row.at(0).unwrap(), row.at(1).unwrap(), row.at(2).unwrap()));
        let rows: Vec<(String, String, i64)> = rows.collect();
        let of = |uid: &str, document: &str, noted_ms| (uid.to_owned(), document.to_owned(), noted_ms);
        assert_eq!(rows, [of("1.2.1", "1.2.8", 8), of("1.2.1", "1.2.9", 7), of("1.2.2", "", 7)]);
    }
}
