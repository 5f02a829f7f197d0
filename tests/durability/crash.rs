//! `kill -9` in the middle of a push.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::push::Promises;
use crate::support::program::Setup;
use crate::two_at_a_time;

const SEEDS: u64 = 20;
/// At the most so many instances are acknowledged before the program is killed.
const ACKNOWLEDGED: usize = 160;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_was_acknowledged_is_whole_after_kill_9() {
    let checked = two_at_a_time(0..SEEDS, |seed| async move {
        let mut random = StdRng::seed_from_u64(seed);
        // Settled at once, so that the program also dies while it writes packs.
        let sen = Setup::default().variable("SEN_SETTLE_AFTER_SECONDS", "0").start();
        let promises = Promises::default();
        let after = random.random_range(1..ACKNOWLEDGED);
        tokio::join!(
            async {
                promises.wait_for(after).await;
                tokio::time::sleep(std::time::Duration::from_micros(random.random_range(0..20_000))).await;
                sen.signal("KILL");
            },
            async { promises.push(&sen, seed).await }
        );
        let sen = sen.kill().start();
        let checked = promises.count();
        let broken = promises.broken(&sen).await;
        assert!(broken.is_empty(), "seed {seed}, killed after {after}: {broken:#?}");
        let setup = sen.kill();
        let verified = setup.run(&["verify"]);
        assert!(verified.status.success(), "seed {seed}: {verified:?}");
        checked
    });
    let checked: usize = checked.await.into_iter().sum();
    assert!(checked > 500, "only {checked} instances were acknowledged in all");
}
