//! Requests made from the description that the program gives of DICOMweb, by schemathesis: right ones of what is there,
//! and wrong ones. None is a fault, and each is answered as described.

use std::path::{Path, PathBuf};
use std::process::Command;

use reqwest::{Client, Method};
use serde_json::json;

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
async fn wrong_requests_are_answered_as_described() {
    requests_are_answered_as_described("negative", &[], |_| OF_WHAT_IS_WRONG.to_owned()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn right_requests_are_answered_as_described() {
    // What would remove the study is not asked of it.
    requests_are_answered_as_described("positive", &["--exclude-tag", "remove"], of_what_is_there).await;
}

/// Of a server with a study, and with a step that is under way.
async fn requests_are_answered_as_described(
    mode: &'static str,
    but: &'static [&'static str],
    configuration: impl FnOnce(&Study) -> String,
) {
    let Some(python) = tools::python() else { return };
    let program: PathBuf = python.with_file_name("schemathesis");
    let sen = Sen::start();
    let study = Study::of("P1", "NGUYỄN^VĂN A");
    stow::push_study(&sen, &study).await;
    begin_step(&sen).await;
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("schemathesis.toml"), configuration(&study)).unwrap();
    let description = sen.url("/api/v1/openapi.json");
    tokio::task::spawn_blocking(move || {
        // Sign-in is off here; journeys of their own see to it.
        let arguments = [&["--exclude-checks", "ignored_auth", "--mode", mode][..], but].concat();
        schemathesis(&program, folder.path(), &description, &arguments);
    })
    .await
    .unwrap();
    assert!(!sen.log().contains("panicked"), "{}", sen.log());
}

/// The step that right requests are of, and the UID with which it is claimed.
const STEP: &str = "2.25.20261127";
const CLAIM: &str = "2.25.1";

/// Creates the step and claims it.
async fn begin_step(sen: &Sen) {
    let element = |vr: &str, value: &str| json!({ "vr": vr, "Value": [value] });
    let step = json!([{
        "00741000": element("CS", "SCHEDULED"),
        "00741200": element("CS", "MEDIUM"),
        "00741204": element("LO", "Tìm nốt phổi"),
        "00404005": element("DT", "20261127080000"),
        "00404041": element("CS", "READY"),
    }]);
    let claim = json!([{ "00741000": element("CS", "IN PROGRESS"), "00081195": element("UI", CLAIM) }]);
    for (method, path, body) in [
        (Method::POST, format!("/dicomweb/workitems?workitem={STEP}"), step),
        (Method::PUT, format!("/dicomweb/workitems/{STEP}/state"), claim),
    ] {
        let request = Client::new().request(method, sen.url(&path));
        let answer = request.header("content-type", "application/dicom+json").body(body.to_string());
        let answer = answer.send().await.unwrap();
        assert!(answer.status().is_success(), "{path}: {}", answer.text().await.unwrap());
    }
}

/// Searches refuse what they do not know, since an answer that left a filter out would look like the answer. Parameters
/// of retrieval that are not known have no effect, and what is common and harmless in the data set of a step is
/// forgiven.
const OF_WHAT_IS_WRONG: &str = "\
    [[operations]]\ninclude-tag = \"retrieve\"\nchecks.negative_data_rejection.enabled = false\n\n\
    [[operations]]\ninclude-path-regex = \"/workitems$\"\ninclude-method = \"POST\"\n\
    checks.negative_data_rejection.enabled = false\n";

/// A random UID leads nowhere: these are of the study and of the step. Where a parameter is right only with another
/// one, or in one state of a step, or as the request of a WebSocket, which a description cannot say, it may be refused.
fn of_what_is_there(study: &Study) -> String {
    let (uid, series, instance) = (&study.uid, study.series(), study.instance(1));
    format!(
        "[parameters]\n\"path.study\" = \"{uid}\"\n\"path.series\" = \"{series}\"\n\"path.instance\" = \"{instance}\"\n\
         \"query.studyUID\" = \"{uid}\"\n\"query.seriesUID\" = \"{series}\"\n\"query.objectUID\" = \"{instance}\"\n\
         \"path.workitem\" = \"{STEP}\"\n\"query.transaction-uid\" = \"{CLAIM}\"\n\"path.subscriber\" = \"AI1\"\n\n\
         [[operations]]\ninclude-path-regex = \"/(wado|frames/{{frames}}|rendered|thumbnail|subscribers/{{subscriber}})$\"\n\
         checks.positive_data_acceptance.enabled = false\n\n\
         [[operations]]\ninclude-method = [\"POST\", \"PUT\"]\n\
         checks.positive_data_acceptance.enabled = false\n"
    )
}
