//! Every sample file through every resource: whatever is taken is served, whatever is not is refused with a reason,
//! and nothing is a fault of ours.

use crate::support::House;
use futures::{StreamExt, stream};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// Files that are tried at once: while one waits for the disk, another one is decoded.
const AT_ONCE: usize = 6;

/// The files beside the repository, where there are any: those in it are some of them. Of a long series three are
/// tried, whose slices are all alike, and the list of all the files is none of them.
fn samples() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let beside = root.join("../shared/dicom");
    let mut folders = vec![if beside.is_dir() { beside } else { root.join("testdata/files") }];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    files.retain(|file| file.file_stem().is_none_or(|stem| stem != "INDEX"));
    files.sort();
    let of_series = |one: &PathBuf, next: &PathBuf| {
        one.parent() == next.parent() && one.components().any(|folder| folder.as_os_str() == "series")
    };
    let files: Vec<PathBuf> = files.chunk_by(of_series).flat_map(first_middle_and_last).cloned().collect();
    assert!(files.len() > 60, "{} files", files.len());
    files
}

fn first_middle_and_last(files: &[PathBuf]) -> Vec<&PathBuf> {
    match files {
        [first, between @ .., last] if between.len() > 8 => vec![first, &between[between.len() / 2], last],
        few => few.iter().collect(),
    }
}

fn bulk_data_uris(json: &Value, uris: &mut Vec<String>) {
    match json {
        Value::Object(members) => {
            uris.extend(members.get("BulkDataURI").and_then(Value::as_str).map(str::to_owned));
            members.values().for_each(|value| bulk_data_uris(value, uris));
        }
        Value::Array(values) => values.iter().for_each(|value| bulk_data_uris(value, uris)),
        _ => {}
    }
}

/// What is wrong with the answers about an instance that is kept.
async fn faults(house: &House, path: &str, drawings: &[&str]) -> Vec<String> {
    const OCTETS: &str = "multipart/related; type=\"application/octet-stream\"";
    const STORED: &str = "multipart/related; type=\"application/octet-stream\"; transfer-syntax=*";
    let series = path.split("/instances").next().unwrap();
    let mut asked = vec![
        (path.to_owned(), "application/dicom; transfer-syntax=*"),
        (path.to_owned(), "multipart/related; type=\"application/dicom\""),
        (format!("{path}/frames/1"), STORED),
        (format!("{path}/frames/1"), OCTETS),
        (format!("{path}/thumbnail"), "image/jpeg"),
        (format!("{series}/metadata"), "application/dicom+json"),
        (format!("{series}/pixeldata"), STORED),
        (format!("{series}/pixeldata"), OCTETS),
        (format!("{series}/bulkdata"), STORED),
        (format!("{series}/bulkdata"), OCTETS),
    ];
    let mut faults = Vec::new();
    let metadata = house.get(&format!("{path}/metadata"), &[]).await;
    let mut uris = Vec::new();
    bulk_data_uris(&metadata.json(), &mut uris);
    for uri in uris {
        asked.push((uri.strip_prefix("http://pacs.test/dicomweb").unwrap().to_owned(), OCTETS));
    }
    for (path, accept) in asked {
        let answer = house.get(&path, &[("accept", accept)]).await;
        let is_bulk = path.contains("/bulkdata/");
        if answer.status.is_server_error()
            || answer.text() == "CUT"
            || (is_bulk && !answer.status.is_success())
        {
            faults.push(format!("{path} as {accept}: {} {:.300}", answer.status, answer.text()));
        }
    }
    if let Some(fault) = not_drawn(house, path, drawings).await {
        faults.push(fault);
    }
    faults
}

/// What can be decoded can be drawn.
async fn not_drawn(house: &House, path: &str, drawings: &[&str]) -> Option<String> {
    const DECODED: &str = "application/octet-stream; transfer-syntax=1.2.840.10008.1.2.1";
    let frame = house.get(&format!("{path}/frames/1"), &[("accept", DECODED)]).await;
    for resource in drawings {
        let picture = house.get(&format!("{path}/{resource}"), &[("accept", "image/jpeg")]).await;
        if frame.status.is_success() && !picture.status.is_success() {
            return Some(format!("{path}/{resource}: {} {:.300}", picture.status, picture.text()));
        }
    }
    None
}

/// What is wrong with a file in an archive of its own, before it settles and after.
async fn wrong_with(file: &Path) -> Vec<String> {
    let house = House::new().await;
    let answer = house.stow("/studies", &[std::fs::read(file).unwrap()]).await;
    let json = answer.json();
    let kept = &json["00081199"]["Value"][0];
    let Some(url) = kept["00081190"]["Value"][0].as_str() else {
        let failed = json.get("00081198").or(json.get("0008119A"));
        let reason = failed.and_then(|failed| failed["Value"][0]["00000902"]["Value"][0].as_str());
        if answer.status.is_server_error() || reason.is_none_or(str::is_empty) {
            return vec![format!("{}: {} {}", file.display(), answer.status, answer.text())];
        }
        return Vec::new();
    };
    let path = url.strip_prefix("http://pacs.test/dicomweb").unwrap().to_owned();
    let mut wrong = Vec::new();
    const DRAWINGS: [&str; 3] = ["rendered", "frames/1/rendered", "rendered?viewport=64,64"];
    // All three are drawn of the same frame; afterwards that one is read from elsewhere.
    for (settled, drawings) in [(false, &DRAWINGS[..]), (true, &DRAWINGS[..1])] {
        if settled {
            house.settle(&path).await;
        }
        for fault in faults(&house, &path, drawings).await {
            wrong.push(format!("{} (settled: {settled}): {fault}", file.display()));
        }
    }
    wrong
}

#[tokio::test(flavor = "multi_thread")]
async fn every_file_is_served_or_refused_with_a_reason() {
    let files = samples();
    let each = stream::iter(&files).map(|file| wrong_with(file));
    let wrong: Vec<Vec<String>> = each.buffer_unordered(AT_ONCE).collect().await;
    assert!(wrong.iter().all(Vec::is_empty), "{}", wrong.concat().join("\n"));
}
