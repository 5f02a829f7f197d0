//! Backups beside a server under load, and `kill -9` of a backup and of a restore.

use std::process::Stdio;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::push::Promises;
use crate::support::program::Setup;
use crate::support::tools;
use crate::two_at_a_time;

const SEEDS: u64 = 4;

/// Runs a command of the program on its archive and kills it after a while; says whether it had ended before.
fn run_and_kill(setup: &Setup, arguments: &[&str], after: Duration) -> bool {
    let mut child =
        setup.command().args(arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    std::thread::sleep(after);
    let had_ended = child.try_wait().unwrap().is_some();
    let _ = child.kill();
    child.wait().unwrap();
    had_ended
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_was_acknowledged_before_a_backup_is_in_it() {
    let trials = two_at_a_time(0..SEEDS, |seed| async move {
        let mut random = StdRng::seed_from_u64(seed);
        // Settled at once, so that segments come and go under the backup's hands.
        let sen = Setup::default().variable("SEN_SETTLE_AFTER_SECONDS", "0").start();
        let elsewhere = tempfile::tempdir().unwrap();
        let place = elsewhere.path().to_str().unwrap();
        let promises = Promises::default();
        let (acknowledged, ended_early) = tokio::join!(
            async {
                promises.wait_for(random.random_range(1..200)).await;
                // One that is killed first: it must neither be taken for a backup nor be in the way of the next.
                let after = Duration::from_millis(random.random_range(10..300));
                let ended_early = tokio::task::block_in_place(|| {
                    run_and_kill(sen.setup(), &["backup", "--to", place], after)
                });
                let acknowledged = promises.count();
                // The hold of the one that was killed ends by itself; nobody waits for that here.
                forget_runs(sen.setup());
                let taken = tokio::task::block_in_place(|| sen.run(&["backup", "--to", place]));
                let said = tools::succeeded(&taken);
                assert!(said.contains("objects"), "{said}");
                promises.wait_for(acknowledged + 20).await;
                sen.signal("KILL");
                (acknowledged, ended_early)
            },
            async { promises.push(&sen, seed).await }
        )
        .0;
        let setup = sen.kill();
        std::fs::remove_dir_all(setup.folder().join("data")).unwrap();

        // A restore that is killed goes on; nothing else opens what is half there.
        let after = Duration::from_millis(random.random_range(10..200));
        run_and_kill(&setup, &["restore", "--from", place], after);
        if setup.folder().join("data/restoring").exists() {
            let refused = setup.run(&["verify"]);
            assert_eq!(refused.status.code(), Some(1));
            assert!(tools::said(&refused).contains("sen restore"), "{}", tools::said(&refused));
        }
        let restored = setup.run(&["restore", "--from", place]);
        let is_whole = tools::said(&restored).contains("not empty");
        assert!(restored.status.success() || is_whole, "seed {seed}: {}", tools::said(&restored));
        tools::succeeded(&setup.run(&["verify"]));
        let sen = setup.start();
        promises.keep_first(acknowledged);
        let broken = promises.broken(&sen).await;
        assert!(broken.is_empty(), "seed {seed}: {broken:#?}");
        (acknowledged, usize::from(!ended_early))
    });
    let (checked, broken_off) =
        trials.await.into_iter().fold((0, 0), |all, trial| (all.0 + trial.0, all.1 + trial.1));
    assert!(checked > 50 && broken_off > 0, "{checked} instances, {broken_off} backups killed");
}

/// Lets the next backup begin at once.
fn forget_runs(setup: &Setup) {
    let url = format!("sqlite://{}", setup.folder().join("data/sen.db").display());
    tokio::task::block_in_place(|| {
        tokio::runtime::Handle::current().block_on(async {
            let database = storage::database::Database::open(&url).await.unwrap();
            let sql = "update backup set lease_until_ms = 0 where state = 'running'";
            database.execute(sql, Vec::new()).await.unwrap();
            database.close().await;
        });
    });
}
