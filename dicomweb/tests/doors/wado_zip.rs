//! WADO-RS: studies, series and instances as ZIP.

use crate::support::{Answer, House, above, file, path_of, pixels};
use http::StatusCode;
use std::collections::BTreeMap;
use std::io::{Cursor, Read};

/// The files of an archive by their names.
fn files(answer: &Answer) -> BTreeMap<String, Vec<u8>> {
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    assert_eq!(answer.header("content-type"), "application/zip");
    let mut archive = zip::ZipArchive::new(Cursor::new(answer.body.clone())).unwrap();
    (0..archive.len())
        .map(|at| {
            let mut file = archive.by_index(at).unwrap();
            let mut content = Vec::new();
            // The reader checks the checksum at the end.
            file.read_to_end(&mut content).unwrap();
            (file.name().to_owned(), content)
        })
        .collect()
}

fn name(path: &str) -> String {
    let mut steps = path.split('/');
    format!("{}/{}.dcm", steps.nth(4).unwrap(), steps.nth(1).unwrap())
}

#[tokio::test]
async fn a_study_a_series_and_an_instance_are_files_of_an_archive() {
    let slices: Vec<Vec<u8>> = testdata::ct_slices(5).sized(64).map(|slice| slice.bytes).collect();
    let (house, instance) = crate::support::slices(5).await;
    let (study, series) = (&*above(&instance, "/series"), &*above(&instance, "/instances"));
    for settled in [false, true] {
        if settled {
            house.settle(&instance).await;
        }
        for (path, count) in [(study, 5), (series, 5), (instance.as_str(), 1)] {
            // As a link on a page is written, and followed by a browser.
            let answer = house
                .get(&format!("{path}?accept=application/zip"), &[("accept", "text/html, */*;q=0.8")])
                .await;
            let uid = path.rsplit('/').next().unwrap();
            assert_eq!(answer.header("content-disposition"), format!("attachment; filename=\"{uid}.zip\""));
            let files = files(&answer);
            assert_eq!(files.len(), count, "{path}");
            for slice in &slices[..count] {
                assert!(files[&name(&path_of(slice))] == *slice, "byte for byte");
            }
            let again = [("accept", "application/zip"), ("if-none-match", answer.header("etag"))];
            assert_eq!(house.get(path, &again).await.status, StatusCode::NOT_MODIFIED);
        }
    }
    let missing = house.get("/studies/1.2.3?accept=application/zip", &[]).await;
    assert_eq!(missing.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_transfer_syntax_is_that_of_the_wish() {
    let house = House::new().await;
    let stored = file("syntax/MR_small_RLE.dcm");
    house.keep(std::slice::from_ref(&stored)).await;
    let path = path_of(&stored);
    let as_stored = house.get(&path, &[("accept", "application/zip; transfer-syntax=*")]).await;
    assert!(files(&as_stored)[&name(&path)] == stored);
    let explicit = house.get(&path, &[("accept", "application/zip")]).await;
    assert!(pixels(&files(&explicit)[&name(&path)]) == pixels(&file("modality/mr-small.dcm")));
    let refused =
        house.get(&path, &[("accept", "application/zip; transfer-syntax=1.2.840.10008.1.2.4.50")]).await;
    assert_eq!(refused.status, StatusCode::NOT_ACCEPTABLE);
    assert_eq!(
        house.get(&format!("{path}/frames/1"), &[("accept", "application/zip")]).await.status,
        StatusCode::NOT_ACCEPTABLE
    );
    for nobody_said_zip in ["*/*", "application/*"] {
        assert!(
            house
                .get(&path, &[("accept", nobody_said_zip)])
                .await
                .header("content-type")
                .starts_with("multipart")
        );
    }
}
