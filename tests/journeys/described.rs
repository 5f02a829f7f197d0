//! Requests made from the description that the program gives of DICOMweb, by schemathesis: right ones of what is there,
//! and wrong ones. None is a fault, and each is answered as described.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::images::Study;
use crate::support::program::Sen;
use crate::support::{stow, tools};

/// Random requests for each operation, beside those at the edges of what is described.
const EXAMPLES: &str = "15";

fn schemathesis(program: &Path, folder: &Path, description: &str, arguments: &[&str]) {
    let usual = ["run", description, "--include-path-regex", "^/dicomweb", "--phases", "coverage,fuzzing"];
    let bounded =
        ["--max-examples", EXAMPLES, "--seed", "1", "--no-shrink", "--suppress-health-check", "all"];
    let output = Command::new(program)
        .args(usual)
        .args(bounded)
        .args(["--warnings", "off"])
        .args(arguments)
        .current_dir(folder)
        .output()
        .expect("schemathesis runs");
    tools::succeeded(&output);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_described_is_what_is_answered() {
    let Some(python) = tools::python() else { return };
    let program: PathBuf = python.with_file_name("schemathesis");
    let sen = Sen::start();
    let study = Study::of("P1", "NGUYỄN^VĂN A");
    for slice in 1..=study.slices {
        assert_eq!(stow::push(&sen, &study.slice(slice)).await.status(), 200);
    }
    let folder = tempfile::tempdir().unwrap();
    let (wrong, right) = (folder.path().join("wrong"), folder.path().join("right"));
    std::fs::create_dir(&wrong).unwrap();
    std::fs::create_dir(&right).unwrap();
    std::fs::write(wrong.join("schemathesis.toml"), OF_WHAT_IS_WRONG).unwrap();
    std::fs::write(right.join("schemathesis.toml"), of_what_is_there(&study)).unwrap();
    let description = sen.url("/api/v1/openapi.json");
    tokio::task::spawn_blocking(move || {
        // Sign-in is off here; journeys of their own see to it.
        let exclude = ["--exclude-checks", "ignored_auth", "--exclude-tag", "worklist"];
        let mode = |mode| [&exclude[..], &["--mode", mode]].concat();
        schemathesis(&program, &wrong, &description, &mode("negative"));
        // What would remove the study is not asked of it.
        let right_ones = [&mode("positive")[..], &["--exclude-tag", "remove"]].concat();
        schemathesis(&program, &right, &description, &right_ones);
    })
    .await
    .unwrap();
    assert!(!sen.log().contains("panicked"), "{}", sen.log());
}

/// Searches refuse what they do not know, since an answer that left a filter out would look like the answer. Parameters of
/// retrieval that are not known have no effect.
const OF_WHAT_IS_WRONG: &str =
    "[[operations]]\ninclude-tag = \"retrieve\"\nchecks.negative_data_rejection.enabled = false\n";

/// A random UID leads nowhere: these are of the study. Where a parameter is right only with another one, which a
/// description cannot say, it may be refused.
fn of_what_is_there(study: &Study) -> String {
    let (uid, series, instance) = (&study.uid, study.series(), study.instance(1));
    format!(
        "[parameters]\n\"path.study\" = \"{uid}\"\n\"path.series\" = \"{series}\"\n\"path.instance\" = \"{instance}\"\n\
         \"query.studyUID\" = \"{uid}\"\n\"query.seriesUID\" = \"{series}\"\n\"query.objectUID\" = \"{instance}\"\n\n\
         [[operations]]\ninclude-path-regex = \"/(wado|frames/{{frames}}|rendered|thumbnail)$\"\n\
         checks.positive_data_acceptance.enabled = false\n\n\
         [[operations]]\ninclude-method = \"POST\"\nchecks.positive_data_acceptance.enabled = false\n"
    )
}
