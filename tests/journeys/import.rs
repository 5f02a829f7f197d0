//! Old archives on disks and discs.

use std::io::Write as _;
use std::path::Path;
use std::process::{Child, Stdio};

use serde_json::Value;

use crate::support::images::{Study, dataset_bytes};
use crate::support::program::{Sen, Setup, signal};
use crate::support::{eventually, samples, tools};

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
    let set = samples("dicomdir").expect("a set of the project");
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
fn old_archive(folder: &Path, studies: u32) -> u64 {
    for number in 0..studies {
        let study = Study::of(&format!("P{number}"), "NGUYỄN^VĂN A");
        study.write(&folder.join(format!("{}/{number}", number % 7)));
    }
    u64::from(studies) * 3
}

/// Slices of a study in a ZIP.
fn zip_of(path: &Path, slices: u32) -> u64 {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let study = Study { slices, ..Study::of("PZ", "NGUYỄN^VĂN A") };
    let mut zip = zip::ZipWriter::new(std::fs::File::create(path).unwrap());
    let stored = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    for slice in 1..=slices {
        zip.start_file(format!("images/{slice}"), stored).unwrap();
        zip.write_all(&study.slice(slice)).unwrap();
    }
    zip.finish().unwrap();
    u64::from(slices)
}

/// Waits until the rows tell of files that were taken.
async fn some_are_taken(setup: &Setup) {
    more_are_taken(setup, 0).await;
}

/// Waits until the rows tell of more files that were taken, and answers how many there are.
async fn more_are_taken(setup: &Setup, than: i64) -> i64 {
    let url = format!("sqlite://{}", setup.folder().join("data/sen.db").display());
    let database = storage::database::Database::open(&url).await.unwrap();
    let row = eventually("more are taken", || async {
        let sql = "select taken from intake where taken > $1 and state = 'running'";
        database.fetch_optional(sql, vec![than.into()]).await.unwrap()
    })
    .await;
    database.close().await;
    row.at(0).unwrap()
}

/// The figure that the report has behind a word.
fn figure(report: &str, word: &str) -> u64 {
    let line =
        report.lines().find(|line| line.starts_with(word)).unwrap_or_else(|| panic!("no {word}: {report}"));
    line.trim_start_matches(word).trim().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_that_was_killed_goes_on_where_it_was() {
    let setup = Setup::default();
    let medium = setup.folder().join("medium");
    let files = old_archive(&medium, 200) + zip_of(&medium.join("0/0.zip"), 100);
    // What stands at the beginning is told at the end, however often it was interrupted.
    std::os::unix::fs::symlink("..", medium.join("0/-again")).unwrap();
    std::fs::write(medium.join("0/broken.dcm"), &Study::of("P", "A").slice(1)[..400]).unwrap();
    // To look at its rows they have to be there.
    tools::succeeded(&setup.run(&["device", "list"]));
    let mut taken = 0;
    for _ in 0..3 {
        let mut import = setup.command();
        import.args(["import", "medium", "--rate", "1"]).stdout(std::process::Stdio::null());
        let mut child = import.stderr(std::process::Stdio::null()).spawn().unwrap();
        taken = more_are_taken(&setup, taken).await;
        assert!(child.try_wait().unwrap().is_none(), "it was at its end with {taken}");
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let end = setup.run(&["import", "medium"]);
    assert_eq!(end.status.code(), Some(1), "two things are broken: {}", tools::said(&end));
    let said = tools::said(&end);
    assert!(said.contains("going on with the import"), "{said}");
    let counted = figure(&said, "taken") + figure(&said, "already there");
    assert_eq!((counted, figure(&said, "failed ")), (files, 2), "each file is counted once: {said}");
    let list = std::fs::read_to_string(setup.folder().join("not-taken.tsv")).unwrap();
    let names: Vec<&str> =
        list.lines().filter_map(|line| line.strip_prefix("failed\t")?.split('\t').next()).collect();
    assert!(names.len() == 2 && names[0].ends_with("0/-again") && names[1].ends_with("broken.dcm"), "{list}");
    // What has come to its end begins anew.
    let again = tools::said(&setup.run(&["import", "medium"]));
    assert!(!again.contains("going on"), "{again}");
    assert_eq!(figure(&again, "already there"), files, "{again}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_imports_while_it_serves() {
    let sen = Sen::start();
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
    let files = old_archive(&sen.folder().join("later"), 2);
    let mut following = begin(sen.setup(), &["import", "later", "--hours", &hours]);
    waits(&sen, "waits for its hours").await;
    // One that waits is in nobody's way, and does not wait once it is told not to.
    old_archive(&sen.folder().join("other"), 1);
    assert_eq!(figure(&tools::succeeded(&sen.run(&["import", "other"])), "taken"), 3);
    let said = tools::succeeded(&sen.run(&["import", "later"]));
    assert_eq!(figure(&said, "taken"), files, "{said}");
    assert!(following.wait().unwrap().success());

    old_archive(&sen.folder().join("never"), 2);
    let following = begin(sen.setup(), &["import", "never", "--hours", &hours]);
    waits(&sen, "waits for its hours").await;
    tools::succeeded(&sen.run(&["import", "never", "--stop"]));
    let ended = following.wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(1), "{}", tools::said(&ended));
    assert_eq!(figure(&tools::said(&ended), "taken"), 0, "{}", tools::said(&ended));
}

/// A command that is left running.
fn begin(setup: &Setup, arguments: &[&str]) -> Child {
    let mut command = setup.command();
    command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().unwrap()
}

/// Waits until an import waits for this reason.
async fn waits(sen: &Sen, why: &str) {
    let url = format!("sqlite://{}", sen.folder().join("data/sen.db").display());
    let database = storage::database::Database::open(&url).await.unwrap();
    eventually(why, || async {
        let sql = "select 1 from intake where state = 'running' and note like '%' || $1 || '%'";
        database.fetch_optional(sql, vec![why.into()]).await.unwrap()
    })
    .await;
    database.close().await;
}

#[test]
fn a_medium_that_cannot_be_read_is_a_failure() {
    let setup = Setup::default();
    let medium = setup.folder().join("medium");
    std::fs::create_dir(&medium).unwrap();
    std::os::unix::fs::symlink("/nowhere/at/all", medium.join("disk2")).unwrap();
    let import = setup.run(&["import", "medium"]);
    let said = tools::said(&import);
    assert_eq!(import.status.code(), Some(1), "{said}");
    assert_eq!(figure(&said, "failed "), 1, "{said}");
    assert!(said.contains("medium/disk2"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_medium_that_is_not_mounted_yet_is_waited_for() {
    let sen = Sen::start();
    let (medium, drive) = (sen.folder().join("medium"), sen.folder().join("drive"));
    let files = old_archive(&medium, 200);
    let mut following = begin(sen.setup(), &["import", "medium", "--rate", "1"]);
    some_are_taken(sen.setup()).await;
    let setup = sen.kill();
    following.kill().unwrap();
    following.wait().unwrap();
    // The place where it is mounted is there, and empty.
    std::fs::rename(&medium, &drive).unwrap();
    std::fs::create_dir(&medium).unwrap();
    let sen = setup.start();
    waits(&sen, "which it was at, is not there").await;
    let told: Value = reqwest::get(sen.url("/api/v1/intakes")).await.unwrap().json().await.unwrap();
    let note = &told["items"][0]["note"];
    assert_eq!((&note["code"], &note["values"]["cause"]), (&"missing".into(), &"notThere".into()), "{told}");
    assert!(note["values"]["path"].as_str().unwrap().starts_with(medium.to_str().unwrap()), "{told}");
    std::fs::remove_dir(&medium).unwrap();
    std::fs::rename(&drive, &medium).unwrap();
    let setup = sen.kill();
    let said = tools::succeeded(&setup.run(&["import", "medium"]));
    assert!(said.contains("going on with the import"), "{said}");
    assert_eq!(figure(&said, "taken") + figure(&said, "already there"), files, "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_uses_up_no_file() {
    // No disk leaves as much.
    let setup = Setup::default().variable("SEN_SPACE_RESERVE_MIB", "1000000000");
    let files = old_archive(&setup.folder().join("medium"), 3);
    let full = setup.run(&["import", "medium"]);
    assert_eq!(full.status.code(), Some(1), "{}", tools::said(&full));
    assert!(tools::said(&full).contains("the disk is nearly full"), "{}", tools::said(&full));
    let said = tools::succeeded(&setup.without("SEN_SPACE_RESERVE_MIB").run(&["import", "medium"]));
    assert!(said.contains("going on with the import"), "{said}");
    assert_eq!(figure(&said, "taken"), files, "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_is_interrupted_in_the_middle_of_a_zip() {
    let setup = Setup::default();
    let files = zip_of(&setup.folder().join("old.zip"), 600);
    // To look at its rows they have to be there.
    tools::succeeded(&setup.run(&["device", "list"]));
    let import = begin(&setup, &["import", "old.zip", "--rate", "1"]);
    some_are_taken(&setup).await;
    signal(import.id(), "INT");
    let ended = import.wait_with_output().unwrap();
    let said = tools::said(&ended);
    assert!(!ended.status.success() && said.contains("it was broken off"), "{said}");
    let said = tools::succeeded(&setup.run(&["import", "old.zip"]));
    assert!(said.contains("going on with the import"), "{said}");
    let counted = figure(&said, "taken") + figure(&said, "already there");
    assert_eq!(counted, files, "each is counted once: {said}");
}
