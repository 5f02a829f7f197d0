//! Loss of power in the middle of a push: whatever was not synced is lost or garbled, in the spool,
//! among the objects and in the database.
//!
//! The real program runs under `shim.c`, which keeps an undo journal of all that no fsync has made
//! last. That each sync of the code is needed is shown by forgetting it.

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};
use storage::database::Database;

use crate::journal::{self, Loss};
use crate::push::Promises;
use crate::support::program::{Sen, Setup};
use crate::support::{PATIENCE, eventually, files_below};
use crate::two_at_a_time;

const SEEDS: u64 = 12;
const ACKNOWLEDGED: usize = 120;

/// How often the loss is tried that must show without a sync.
const ATTEMPTS: u64 = 8;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_was_acknowledged_is_whole_after_a_loss_of_power() {
    let Some(shim) = shim() else { return };
    let trials = two_at_a_time(0..SEEDS, |seed| {
        let shim = shim.clone();
        async move {
            let loss = [Loss::Everything, Loss::Anything, Loss::AllButRows][seed as usize % 3];
            let rehearsal = Rehearsal { shim: &shim, seed, loss, settle_first: seed % 4 >= 2, deaf_to: None };
            let outcome = rehearsal.run().await;
            assert!(outcome.broken.is_empty(), "seed {seed}, {loss:?}: {:#?}", outcome.broken);
            assert!(outcome.orphans.is_empty(), "seed {seed}, {loss:?}: {:#?}", outcome.orphans);
            (outcome.promised, outcome.lost)
        }
    });
    let (promised, lost) =
        trials.await.into_iter().fold((0, 0), |all, trial| (all.0 + trial.0, all.1 + trial.1));
    eprintln!("{promised} instances were acknowledged; {lost} writes and names were lost");
    assert!(promised > 400, "only {promised} instances were acknowledged in all");
    assert!(lost > 400, "only {lost} writes and names were there to be lost: is the shim at work?");
}

/// Every sync there is: what is synced, the files, and whether it takes a settled series to miss it. Without any one of
/// them something acknowledged is lost.
macro_rules! something_is_lost_without_the_sync_of {
    ($(($what:ident, $pattern:literal, $settle_first:literal)),* $(,)?) => {
        mod something_is_lost_without_the_sync_of {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $what() {
                super::assert_lost_without($pattern, $settle_first).await;
            })*
        }
    };
}
something_is_lost_without_the_sync_of![
    (an_entry_of_the_spool, "fast/disk/spool/*.tar", false),
    (the_name_of_a_new_segment, "fast/disk/spool", false),
    (the_name_of_the_folder_of_the_spool, "fast/disk", false),
    (the_name_of_the_folder_above_it, "fast", false),
    (the_name_of_the_folder_of_the_objects, "slow/disk", true),
    (the_content_of_an_object, "slow/disk/objects/*#*", true),
    (the_name_of_an_object_and_of_its_folders, "slow/disk/objects*[!#][0-9s]", true),
    (the_rows_of_a_pack, "sen.db-wal", true),
];

async fn assert_lost_without(pattern: &str, settle_first: bool) {
    let Some(shim) = shim() else { return };
    for seed in 100..100 + ATTEMPTS {
        let loss = Loss::Everything;
        let rehearsal = Rehearsal { shim: &shim, seed, loss, settle_first, deaf_to: Some(pattern) };
        if !rehearsal.run().await.broken.is_empty() {
            eprintln!("something is lost, seed {seed}");
            return;
        }
    }
    panic!("nothing was lost");
}

/// The start after a crash indexes entries that lie whole in the spool, though the process may have
/// died before it synced them. From then on their senders are told that they are there.
#[tokio::test(flavor = "multi_thread")]
async fn what_recovery_found_outlives_a_loss_of_power() {
    let tools = tempfile::tempdir().unwrap();
    let Some(shim) = shim() else { return };
    let journal = tools.path().join("journal");
    let spooled = ("SEN_SETTLE_AFTER_SECONDS", "3600");
    let (sen, root) = start(&shim, &journal, &[spooled, ("POWER_LOSS_DEAF_TO", "fast/disk/spool/*.tar")]);
    let unsynced = Promises::default();
    push_and_kill(&unsynced, &sen, 30).await;
    let setup = sen.kill().without("POWER_LOSS_DEAF_TO");
    // Without rows, as if none had been committed yet. Elsewhere the files keep their inodes, so
    // that the journal does not take others for them.
    for name in ["sen.db", "sen.db-wal", "sen.db-shm"] {
        std::fs::rename(root.join(name), tools.path().join(name)).unwrap();
    }

    let sen = setup.start();
    let promises = Promises::default();
    push_and_kill(&promises, &sen, 30).await;
    let setup = sen.kill().without("LD_PRELOAD");
    journal::lose_power(&journal, &root, Loss::Everything, &mut StdRng::seed_from_u64(0));
    let broken = promises.broken(&setup.start()).await;
    assert!(broken.is_empty(), "{broken:#?}");
}

async fn push_and_kill(promises: &Promises, sen: &Sen, after: usize) {
    tokio::join!(
        async {
            promises.wait_for(after).await;
            sen.signal("KILL");
        },
        async { promises.push(sen, 0).await }
    );
}

/// The last commit before a segment goes is the move of its rows. Nothing may be missed for an
/// instant, neither by a reader nor by whoever reads the log.
#[tokio::test(flavor = "multi_thread")]
async fn a_series_that_was_just_settled_is_missed_by_nobody() {
    let tools = tempfile::tempdir().unwrap();
    let Some(shim) = shim() else { return };
    let journal = tools.path().join("journal");
    let (sen, root) = start(&shim, &journal, &[("SEN_SETTLE_AFTER_SECONDS", "1")]);
    let promises = Promises::default();
    promises.push_series(&sen, 8).await;
    let mut seen = BTreeSet::new();
    eventually("the segment is freed", || {
        let freed = has_freed(&root, &mut seen);
        async move { freed.then_some(()) }
    })
    .await;
    sen.signal("KILL");
    let setup = sen.kill().without("LD_PRELOAD");
    journal::lose_power(&journal, &root, Loss::Everything, &mut StdRng::seed_from_u64(0));
    let sen = setup.start();
    let alarms: Vec<String> =
        sen.log().lines().filter(|line| line.contains("\"level\":\"ERROR\"")).map(str::to_owned).collect();
    assert!(alarms.is_empty(), "{alarms:#?}");
    let broken = promises.broken(&sen).await;
    assert!(broken.is_empty(), "{broken:#?}");
}

/// What a person did and saw confirmed is not done again by anybody when it is lost.
#[tokio::test(flavor = "multi_thread")]
async fn acts_of_people_outlive_a_loss_of_power() {
    let tools = tempfile::tempdir().unwrap();
    let Some(shim) = shim() else { return };
    for (acts, label) in [(&[][..], "scheduled"), (&["arrive"], "arrived"), (&["arrive", "call"], "called")] {
        let journal = tools.path().join(label);
        let (sen, root) = start(&shim, &journal, &[]);
        let confirmed = |answer: reqwest::Result<reqwest::Response>| async {
            answer.unwrap().error_for_status().unwrap().json::<Value>().await.unwrap()
        };
        let client = reqwest::Client::new();
        let order = client.post(sen.url("/api/v1/orders")).json(&json!({
            "patient": { "id": "P1", "name": "NGUYỄN^VĂN A", "birthDate": "1980-01-02", "sex": "M" },
            "procedure": { "code": "CT.BUNG", "name": "CT bụng", "modality": "CT" },
            "station": { "aeTitle": "CT1" },
            "scheduledAt": "2026-11-23T12:00",
        }));
        let exam = confirmed(order.send().await).await;
        for act in acts {
            let url = sen.url(&format!("/api/v1/exams/{}/acts", exam["examId"]));
            confirmed(client.post(url).json(&json!({ "act": act })).send().await).await;
        }
        let setup = sen.kill().without("LD_PRELOAD");
        journal::lose_power(&journal, &root, Loss::Everything, &mut StdRng::seed_from_u64(0));
        let sen = setup.start();
        let list = client.get(sen.url("/api/v1/worklist?date=2026-11-23"));
        let list = confirmed(list.send().await).await;
        assert_eq!(list["items"][0]["examId"], exam["examId"], "{list}");
        assert_eq!(list["items"][0]["label"], label, "{list}");
    }
}

/// A file system that is busy with something else may keep one association waiting for its sync. The rows of the
/// others, and whatever else is written, do not wait for that one.
#[tokio::test(flavor = "multi_thread")]
async fn a_sync_that_hangs_holds_up_nobody_else() {
    let tools = tempfile::tempdir().unwrap();
    let Some(shim) = shim() else { return };
    let (journal, stuck, taken) =
        (tools.path().join("journal"), tools.path().join("stuck"), tools.path().join("stuck.taken"));
    std::fs::write(&stuck, "").unwrap();
    let variables = [
        ("SEN_SETTLE_AFTER_SECONDS", "3600"),
        ("POWER_LOSS_SLOW", "fast/disk/spool/*.tar"),
        ("POWER_LOSS_STUCK", stuck.to_str().unwrap()),
    ];
    let (sen, _) = start(&shim, &journal, &variables);
    let (hangs, others) = (Promises::default(), Promises::default());
    let beside = async {
        eventually("a sync hangs", || async { taken.exists().then_some(()) }).await;
        for seed in 2..6 {
            tokio::time::timeout(PATIENCE, others.push_one(&sen, seed)).await.expect("the others wait");
        }
        assert_eq!((hangs.count(), others.count()), (0, 4), "acknowledged before it was synced");
        std::fs::remove_file(&taken).unwrap();
    };
    tokio::join!(hangs.push_one(&sen, 1), beside);
    assert_eq!(hangs.count(), 1);
    for promises in [hangs, others] {
        let broken = promises.broken(&sen).await;
        assert!(broken.is_empty(), "{broken:#?}");
    }
}

/// One push that a loss of power ends.
struct Rehearsal<'a> {
    shim: &'a Path,
    seed: u64,
    loss: Loss,
    /// Whether the power stays until a series has been settled and its segment is gone.
    settle_first: bool,
    /// The syncs that are forgotten.
    deaf_to: Option<&'a str>,
}

struct Outcome {
    /// How many instances were acknowledged.
    promised: usize,
    /// How many writes and names were not synced.
    lost: usize,
    /// What is wrong after the next start.
    broken: Vec<String>,
    /// Objects of packs that no row tells of: nobody would ever remove them.
    orphans: Vec<String>,
}

impl Rehearsal<'_> {
    async fn run(&self) -> Outcome {
        let mut random = StdRng::seed_from_u64(self.seed);
        let outside = tempfile::tempdir().unwrap();
        let journal = outside.path().join("journal");
        let mut variables: Vec<_> =
            self.deaf_to.map(|pattern| ("POWER_LOSS_DEAF_TO", pattern)).into_iter().collect();
        if matches!(self.loss, Loss::AllButRows) {
            // Rows that do not wait for the bytes are then ahead of them.
            variables.push(("POWER_LOSS_SLOW", "fast/disk/spool/*.tar"));
        }
        let (sen, root) = start(self.shim, &journal, &variables);
        let promises = Promises::default();
        let after = random.random_range(1..ACKNOWLEDGED);
        tokio::join!(
            async {
                promises.wait_for(after).await;
                if self.settle_first {
                    let mut seen = BTreeSet::new();
                    eventually("a segment is freed", || {
                        let freed = has_freed(&root, &mut seen);
                        async move { freed.then_some(()) }
                    })
                    .await;
                }
                sen.signal("KILL");
            },
            async { promises.push(&sen, self.seed).await }
        );
        let setup = sen.kill().without("LD_PRELOAD");
        let lost = journal::unsynced(&journal);
        journal::lose_power(&journal, &root, self.loss, &mut random);
        let promised = promises.count();
        let sen = match setup.try_start() {
            Ok(sen) => sen,
            // What keeps the archive from being opened at all loses everything.
            Err(log) => return Outcome { promised, lost, broken: vec![log], orphans: Vec::new() },
        };
        let mut broken = promises.broken(&sen).await;
        let setup = sen.kill();
        let orphans = orphans(&root).await;
        let verified = setup.run(&["verify"]);
        if !verified.status.success() {
            broken.push(format!("sen verify: {verified:?}"));
        }
        Outcome { promised, lost, broken, orphans }
    }
}

/// Starts the program with everything it keeps below one folder that the shim watches. Spool and
/// objects lie in folders of their own, new ones below new ones, so that their names must last too.
fn start(shim: &Path, journal: &Path, variables: &[(&str, &str)]) -> (Sen, PathBuf) {
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
    let set = |setup: Setup, (name, value): &(&str, &str)| setup.variable(name, value);
    (variables.iter().fold(setup, set).start(), root)
}

/// Objects of packs without a row.
async fn orphans(root: &Path) -> Vec<String> {
    let database = Database::open(&format!("sqlite://{}", root.join("sen.db").display())).await.unwrap();
    let rows = database.fetch("select object_key from pack", Vec::new()).await.unwrap();
    database.close().await;
    let keys: Vec<String> = rows.iter().map(|row| row.get("object_key").unwrap()).collect();
    let stems: Vec<&str> = keys.iter().map(|key| key.strip_suffix(".tar").unwrap()).collect();
    let objects = root.join("slow/disk/objects");
    let there = files_below(&objects.join("packs"))
        .into_iter()
        .map(|path| path.strip_prefix(&objects).unwrap().to_str().unwrap().to_owned());
    there.filter(|object| !stems.iter().any(|stem| object.starts_with(stem))).collect()
}

/// Whether a segment has gone: the last step of settling, after packs, companions and rows.
fn has_freed(root: &Path, seen: &mut BTreeSet<PathBuf>) -> bool {
    let spool = root.join("fast/disk/spool");
    let there: BTreeSet<PathBuf> =
        std::fs::read_dir(spool).unwrap().map(|entry| entry.unwrap().path()).collect();
    seen.extend(there.iter().cloned());
    seen.len() > there.len()
}

/// The shim, built with the system's C compiler by the first test that needs it.
fn shim() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let arguments = ["-std=gnu11", "-O1", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-o"];
    let libraries = ["-ldl", "-lpthread"];
    let mut hasher = DefaultHasher::new();
    (include_str!("shim.c"), arguments, libraries).hash(&mut hasher);
    let shim = folder.join(format!("shim-{:016x}.so", hasher.finish()));
    if shim.exists() {
        return Some(shim);
    }
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/durability/shim.c");
    // Whoever comes at the same time makes the same.
    let new = folder.join(format!("shim-{:016x}.new", rand::random::<u64>()));
    match Command::new("cc").args(arguments).arg(&new).arg(source).args(libraries).output() {
        Ok(built) => {
            assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
            std::fs::rename(new, &shim).unwrap();
            Some(shim)
        }
        Err(_) => {
            testdata::skipped("there is no C compiler `cc`");
            None
        }
    }
}
