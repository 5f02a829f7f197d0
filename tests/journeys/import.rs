//! Old archives on disks and discs.

use std::io::Write as _;

use serde_json::Value;

use crate::support::images::{Study, dataset_bytes};
use crate::support::program::Setup;
use crate::support::{samples, tools};

#[tokio::test]
async fn folders_zips_and_bare_data_sets_are_taken_and_the_rest_is_told() {
    let setup = Setup::default();
    let [in_folder, in_zip, bare, linked] = ["P1", "P2", "P3", "P4"].map(|id| Study::of(id, "A"));
    let medium = setup.folder().join("medium");
    in_folder.write(&medium.join("one/two"));
    let mut zip = zip::ZipWriter::new(std::fs::File::create(medium.join("old.zip")).unwrap());
    for slice in 1..=in_zip.slices {
        zip.start_file(format!("images/{slice}"), zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(&in_zip.slice(slice)).unwrap();
    }
    zip.finish().unwrap();
    std::fs::write(medium.join("bare"), dataset_bytes(&bare.slice(1))).unwrap();
    std::fs::write(medium.join("README.txt"), "burnt in 2009").unwrap();
    // An old archive that reached over to a second disk.
    linked.write(&setup.folder().join("disk2"));
    std::os::unix::fs::symlink(setup.folder().join("disk2"), medium.join("more")).unwrap();

    let said = tools::succeeded(&setup.run(&["import", "medium"]));
    assert!(said.contains("not a DICOM file") && said.contains("README.txt"), "{said}");

    let sen = setup.start();
    for (study, expected) in [(&in_folder, 3), (&in_zip, 3), (&bare, 1), (&linked, 3)] {
        let path = format!("/dicomweb/studies/{}/instances", study.uid);
        let found: Value = reqwest::get(sen.url(&path)).await.unwrap().json().await.unwrap();
        assert_eq!(found.as_array().unwrap().len(), expected, "{}", study.patient_id);
    }
}

#[test]
fn a_file_that_should_have_been_taken_and_was_not_is_a_failure() {
    let setup = Setup::default();
    let medium = setup.folder().join("medium");
    std::fs::create_dir(&medium).unwrap();
    let whole = Study::of("P1", "A").slice(1);
    // Cut before its UIDs: a DICOM file that nobody can index.
    std::fs::write(medium.join("cut.dcm"), &whole[..whole.len() - dataset_bytes(&whole).len() + 20]).unwrap();
    let import = setup.run(&["import", "medium"]);
    assert_eq!(import.status.code(), Some(1), "{}", tools::said(&import));
    assert!(tools::said(&import).contains("cut.dcm"), "{}", tools::said(&import));
}

#[test]
fn a_dicomdir_stands_for_its_set() {
    let Some(set) = samples("dicomdir") else { return };
    let setup = Setup::default();
    let directory = crate::support::files_below(&set)
        .into_iter()
        .find(|path| path.file_name().is_some_and(|name| name.eq_ignore_ascii_case("DICOMDIR")))
        .expect("a DICOMDIR");
    let said = tools::succeeded(&setup.run(&["import", &directory.display().to_string()]));
    let taken: u32 =
        said.lines().find_map(|line| line.strip_prefix("taken")?.trim().parse().ok()).expect("a count");
    assert_eq!(taken, 31, "{said}");
}

/// Many small files in folders.
fn old_archive(folder: &std::path::Path, studies: u32) -> u64 {
    for number in 0..studies {
        let study = Study::of(&format!("P{number}"), "NGUYỄN^VĂN A");
        study.write(&folder.join(format!("{}/{number}", number % 7)));
    }
    u64::from(studies) * 3
}

/// The figure that the report has behind a word.
fn figure(report: &str, word: &str) -> u64 {
    let line =
        report.lines().find(|line| line.starts_with(word)).unwrap_or_else(|| panic!("no {word}: {report}"));
    line.trim_start_matches(word).trim().parse().unwrap()
}

#[test]
fn an_import_that_was_killed_goes_on_where_it_was() {
    let setup = Setup::default();
    let medium = setup.folder().join("medium");
    let files = old_archive(&medium, 200);
    std::fs::write(medium.join("0/broken.dcm"), &Study::of("P", "A").slice(1)[..400]).unwrap();
    let mut killed = 0;
    for _ in 0..3 {
        let mut import = setup.command();
        import.args(["import", "medium", "--rate", "1"]).stdout(std::process::Stdio::null());
        let mut child = import.stderr(std::process::Stdio::null()).spawn().unwrap();
        std::thread::sleep(std::time::Duration::from_millis(900));
        killed += u32::from(child.try_wait().unwrap().is_none());
        let _ = child.kill();
        child.wait().unwrap();
    }
    assert!(killed > 0, "it was never under way");
    let end = setup.run(&["import", "medium"]);
    assert_eq!(end.status.code(), Some(1), "one file is broken: {}", tools::said(&end));
    let said = tools::said(&end);
    assert!(said.contains("going on with the import"), "{said}");
    let counted = figure(&said, "taken") + figure(&said, "already there");
    assert_eq!((counted, figure(&said, "failed ")), (files, 1), "each file is counted once: {said}");
    let list = std::fs::read_to_string(setup.folder().join("not-taken.tsv")).unwrap();
    assert!(
        list.starts_with("failed\t") && list.contains("broken.dcm") && list.lines().count() == 1,
        "{list}"
    );
    // What has come to its end begins anew.
    let again = tools::said(&setup.run(&["import", "medium"]));
    assert!(!again.contains("going on"), "{again}");
    assert_eq!(figure(&again, "already there"), files, "{again}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_imports_while_it_serves() {
    let sen = crate::support::program::Sen::start();
    let files = old_archive(&sen.folder().join("medium"), 5);
    let said = tools::succeeded(&sen.run(&["import", "medium", "--facility", "BVTW"]));
    assert_eq!(figure(&said, "taken"), files, "{said}");
    let found: Value = reqwest::get(sen.url("/dicomweb/studies")).await.unwrap().json().await.unwrap();
    assert_eq!(found.as_array().unwrap().len(), 5);
    // Not now, and not at all once it is stopped.
    let hour = |hours: i64| {
        let at = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::get("Asia/Ho_Chi_Minh").unwrap());
        (at + jiff::Span::new().hours(hours)).strftime("%H:%M").to_string()
    };
    let hours = format!("{}-{}", hour(3), hour(5));
    old_archive(&sen.folder().join("later"), 2);
    let mut later = sen.setup().command();
    let later = later.args(["import", "later", "--hours", &hours]).stdout(std::process::Stdio::piped());
    let later = later.stderr(std::process::Stdio::piped()).spawn().unwrap();
    crate::support::eventually("it is begun", || async {
        let stopped = sen.run(&["import", "later", "--stop"]);
        stopped.status.success().then_some(())
    })
    .await;
    let ended = later.wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(1), "{}", tools::said(&ended));
    assert_eq!(figure(&tools::said(&ended), "taken"), 0, "{}", tools::said(&ended));
}
