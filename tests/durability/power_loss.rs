//! Loss of power in the middle of a push: whatever was not synced is lost or garbled, in the spool,
//! among the objects and in the database.
//!
//! The real program runs under `shim.c`, which keeps an undo journal of all that no fsync has made
//! last. Taking any one sync out of the code turns this red.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::journal::{self, Loss};
use crate::push::Promises;
use crate::support::eventually;
use crate::support::program::{Sen, Setup};

const SEEDS: u64 = 16;
const ACKNOWLEDGED: usize = 120;

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_is_whole_after_a_loss_of_power() {
    let tools = tempfile::tempdir().unwrap();
    let Some(shim) = compile(tools.path()) else { return };
    let (mut checked, mut lost) = (0, 0);
    for seed in 0..SEEDS {
        let mut random = StdRng::seed_from_u64(seed);
        let loss = if seed % 2 == 0 { Loss::Everything } else { Loss::Anything };
        let outside = tempfile::tempdir().unwrap();
        let journal = outside.path().join("journal");
        let (sen, root) = start_watched(&shim, &journal);
        let promises = Promises::default();
        let after = random.random_range(1..ACKNOWLEDGED);
        let settle_first = seed % 4 >= 2;
        tokio::join!(
            async {
                promises.wait_for(after).await;
                if settle_first {
                    // So that segments are gone whose packs and rows must last instead.
                    let mut seen = BTreeSet::new();
                    eventually("a segment is freed", || {
                        let freed = has_freed(&root, &mut seen);
                        async move { freed.then_some(()) }
                    })
                    .await;
                }
                sen.signal("KILL");
            },
            async { promises.push(&sen, seed).await }
        );
        let setup = sen.kill().without("LD_PRELOAD");
        lost += journal::unsynced(&journal);
        journal::lose_power(&journal, &root, loss, &mut random);
        let sen = setup.start();
        checked += promises.count();
        let broken = promises.broken(&sen).await;
        assert!(broken.is_empty(), "seed {seed}, {loss:?} after {after}: {broken:#?}");
        let setup = sen.kill();
        let verified = setup.run(&["verify"]);
        assert!(verified.status.success(), "seed {seed}: {verified:?}");
    }
    assert!(checked > 500, "only {checked} instances were acknowledged in all");
    assert!(lost > 500, "only {lost} writes and names were there to be lost: is the shim at work?");
}

/// Starts the program with everything it keeps below one folder that the shim watches. Spool and
/// objects lie in folders of their own, new ones below new ones, so that their names must last too.
fn start_watched(shim: &Path, journal: &Path) -> (Sen, PathBuf) {
    let setup = Setup::default();
    let root = setup.folder().canonicalize().unwrap().join("data");
    std::fs::create_dir(&root).unwrap();
    let text = |path: PathBuf| path.to_str().unwrap().to_owned();
    let setup = setup
        .variable("SEN_SETTLE_AFTER_SECONDS", "0")
        .variable("SEN_SPOOL_DIR", &text(root.join("fast/disk/spool")))
        .variable("SEN_STORAGE_URL", &format!("file://{}", text(root.join("slow/disk/objects"))))
        .variable("LD_PRELOAD", &text(shim.to_owned()))
        .variable("POWER_LOSS_ROOT", &text(root.clone()))
        .variable("POWER_LOSS_JOURNAL", &text(journal.to_owned()));
    (setup.start(), root)
}

/// Whether a segment has gone: the last step of settling, after packs, companions and rows.
fn has_freed(root: &Path, seen: &mut BTreeSet<PathBuf>) -> bool {
    let spool = root.join("fast/disk/spool");
    let there: BTreeSet<PathBuf> = std::fs::read_dir(spool).unwrap().map(|entry| entry.unwrap().path()).collect();
    seen.extend(there.iter().cloned());
    seen.len() > there.len()
}

/// Builds the shim with the system's C compiler.
fn compile(folder: &Path) -> Option<PathBuf> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/durability/shim.c");
    let shim = folder.join("shim.so");
    let arguments = ["-std=gnu11", "-O1", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-o"];
    match Command::new("cc").args(arguments).arg(&shim).arg(source).args(["-ldl", "-lpthread"]).output() {
        Ok(built) => {
            assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
            Some(shim)
        }
        Err(_) => {
            eprintln!("SKIPPED: there is no C compiler `cc`");
            None
        }
    }
}
