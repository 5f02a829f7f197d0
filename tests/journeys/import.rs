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
