//! The rules of who may depend on whom (docs/ARCHITECTURE.md), read from the workspace itself.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on should stop there"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// Our crates and the arrows that are allowed, with what only one crate may use.
const ALLOWED: &[(&str, &[&str])] = &[
    ("pacs-core", &[]),
    ("storage", &["pacs-core"]),
    ("dimse-scp", &["pacs-core", "storage"]),
    ("dicomweb", &["pacs-core", "storage"]),
    ("ris", &["pacs-core", "storage"]),
    ("viewer-web", &[]),
    ("testdata", &["pacs-core"]),
    ("sen", &["pacs-core", "storage", "dimse-scp", "dicomweb", "ris", "viewer-web", "testdata"]),
];

/// Libraries that belong to one floor of the house.
const ROOMS: &[(&str, &[&str])] = &[
    ("sqlx", &["storage"]),
    ("object_store", &["storage"]),
    ("axum", &["dicomweb", "ris", "viewer-web", "sen"]),
    ("anyhow", &["sen"]),
];

fn packages() -> Vec<Value> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--format-version", "1", "--locked"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo prints JSON");
    metadata["packages"].as_array().expect("packages").clone()
}

/// Normal and build dependencies by crate; those of tests are free.
fn dependencies() -> BTreeMap<String, BTreeSet<String>> {
    let of = |package: &Value| {
        let name = package["name"].as_str().expect("a name").to_owned();
        let used = package["dependencies"].as_array().expect("dependencies");
        let used = used.iter().filter(|d| d["kind"] != "dev");
        (name, used.filter_map(|d| d["name"].as_str()).map(str::to_owned).collect())
    };
    packages().iter().map(of).collect()
}

#[test]
fn no_crate_depends_on_what_it_should_not_know() {
    let dependencies = dependencies();
    let ours: BTreeSet<_> = ALLOWED.iter().map(|(name, _)| name.to_string()).collect();
    assert_eq!(dependencies.keys().cloned().collect::<BTreeSet<_>>(), ours, "a crate without a rule");
    for (name, allowed) in ALLOWED {
        let used: BTreeSet<_> = dependencies[*name].intersection(&ours).map(String::as_str).collect();
        let allowed: BTreeSet<_> = allowed.iter().copied().collect();
        assert!(used.is_subset(&allowed), "{name} depends on {:?}", used.difference(&allowed));
    }
}

#[test]
fn libraries_stay_on_their_floor() {
    let dependencies = dependencies();
    for (library, floors) in ROOMS {
        for (name, used) in &dependencies {
            let may = floors.contains(&name.as_str());
            assert!(may || !used.contains(*library), "{name} uses {library}; only {floors:?} may");
        }
    }
}

/// Asserts that lines of documentation hold no code; answers how many pictures they have. Code is what stands between
/// fences that do not say `text`, and what is indented behind an empty line (CommonMark 4.4, 4.5).
fn assert_no_code<'a>(path: &Path, lines: impl Iterator<Item = &'a str>) -> usize {
    let (mut pictures, mut open, mut was_empty) = (0, None, true);
    for line in lines {
        let text = line.trim_start();
        let fence = ["```", "~~~"].into_iter().find(|fence| text.starts_with(fence));
        match (open, fence) {
            (None, Some(fence)) => {
                assert_eq!(text.trim_start_matches(['`', '~']).trim(), "text", "{}: {line}", path.display());
                pictures += 1;
                open = Some(fence);
            }
            (Some(begun), Some(fence)) if begun == fence => open = None,
            // The space behind the slashes is one of the five.
            (None, None) => assert!(!was_empty || !line.starts_with("     "), "{}: {line}", path.display()),
            _ => {}
        }
        was_empty = text.is_empty();
    }
    assert_eq!(open, None, "{}: a picture has no end", path.display());
    pictures
}

/// Code in documentation comments would be run by nobody: examples are tests.
#[test]
fn documentation_comments_hold_no_code() {
    let folder = |name: &str| if name == "sen" { "src".to_owned() } else { format!("{name}/src") };
    let mut folders: Vec<_> = ALLOWED.iter().map(|(name, _)| folder(name)).collect();
    let (mut files, mut pictures) = (0, 0);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(&folder)).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path.display().to_string());
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files += 1;
                let text = fs::read_to_string(&path).expect("a source file");
                // What is not of a comment parts one from the next.
                let of_comments = text.lines().map(|line| {
                    let line = line.trim_start();
                    line.strip_prefix("//!").or_else(|| line.strip_prefix("///")).unwrap_or_default()
                });
                pictures += assert_no_code(&path, of_comments);
            }
        }
    }
    assert!(files > 300 && pictures > 3, "{files} files, {pictures} pictures");
}
