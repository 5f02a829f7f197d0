//! WADO-RS when the disk has lost what rows lead to: that is said before an answer begins, and not as if the object
//! had never been.

use crate::support::{Answer, House, above, file, path_of, until};
use http::StatusCode;
use std::path::PathBuf;
use tokio_util::sync::CancellationToken;

#[derive(Debug, Clone, Copy)]
enum Damage {
    /// The files are gone.
    Gone,
    /// The files end early.
    Cut,
}

/// The files in which instances lie, in the spool and in packs.
fn files_with_instances(house: &House) -> Vec<PathBuf> {
    let mut folders = vec![house.data_dir().join("spool"), house.data_dir().join("objects")];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => folders.push(path),
                false if path.extension().is_some_and(|extension| extension == "tar") => files.push(path),
                false => {}
            }
        }
    }
    assert!(!files.is_empty(), "nothing is kept");
    files
}

fn damage(house: &House, damage: Damage) {
    for path in files_with_instances(house) {
        match damage {
            Damage::Gone => std::fs::remove_file(path).unwrap(),
            Damage::Cut => std::fs::OpenOptions::new().write(true).open(path).unwrap().set_len(3000).unwrap(),
        }
    }
}

fn is_told_of_damage(answer: &Answer, of: &str) {
    assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR, "{of}: {}", answer.text());
    assert_eq!(answer.header("content-type"), "application/problem+json", "{of}");
    let problem = answer.json();
    assert_eq!(problem["code"], "corrupt", "{of}");
    assert!(problem["detail"].as_str().unwrap().contains("damaged or gone"), "{of}");
}

#[tokio::test]
async fn damage_is_said_before_the_answer_begins() {
    for (settled, kind) in
        [(false, Damage::Gone), (true, Damage::Gone), (false, Damage::Cut), (true, Damage::Cut)]
    {
        let house = House::new().await;
        let slices: Vec<Vec<u8>> = testdata::ct_slices(2).sized(128).map(|slice| slice.bytes).collect();
        // The one that is not remembered lies first: what is left of a cut file is the beginning of it.
        for slice in slices.iter().rev() {
            house.keep(std::slice::from_ref(slice)).await;
        }
        let instance = path_of(&slices[0]);
        if settled {
            house.settle(&instance).await;
        }
        // As in an archive at work: the header of one instance is remembered.
        assert_eq!(house.get(&format!("{instance}/frames/1"), &[]).await.status, StatusCode::OK);
        damage(&house, kind);
        let (study, series) = (above(&instance, "/series"), above(&instance, "/instances"));
        for path in [
            study.clone(),
            series.clone(),
            instance.clone(),
            path_of(&slices[1]),
            format!("{}/metadata", path_of(&slices[1])),
            format!("{instance}/frames/1"),
            format!("{instance}/frames/1,1"),
            format!("{instance}/bulkdata/7FE00010"),
            format!("{instance}/rendered"),
            format!("{instance}/thumbnail"),
            format!("{series}/thumbnail"),
        ] {
            for accept in ["*/*", "multipart/related; type=\"application/dicom\"; transfer-syntax=*, */*"] {
                let answer = house.get(&path, &[("accept", accept)]).await;
                is_told_of_damage(&answer, &format!("{path} {settled} {kind:?}"));
            }
        }
        // A pack is described beside it.
        if !settled {
            for path in [format!("{study}/metadata"), format!("{series}/metadata")] {
                is_told_of_damage(&house.get(&path, &[]).await, &format!("{path} {kind:?}"));
                let packed = house.get(&path, &[("accept-encoding", "gzip")]).await;
                is_told_of_damage(&packed, &format!("{path} {kind:?} gzip"));
            }
        }
    }
}

/// Each way of sending an instance: copied, inflated, decoded, turned, in one body and in parts.
#[tokio::test]
async fn no_way_of_sending_begins_without_the_bytes() {
    for name in [
        "syntax/MR_small_implicit.dcm",
        "syntax/MR_small_bigendian.dcm",
        "syntax/MR_small_RLE.dcm",
        "syntax/image_dfl.dcm",
    ] {
        for kind in [Damage::Gone, Damage::Cut] {
            let house = House::new().await;
            let stored = file(name);
            house.keep(std::slice::from_ref(&stored)).await;
            let path = path_of(&stored);
            let whole = house.get(&path, &[("accept", "application/dicom")]).await;
            assert_eq!(whole.status, StatusCode::OK, "{name}: {}", whole.text());
            damage(&house, kind);
            for (path, accept) in [
                (path.clone(), "application/dicom"),
                (path.clone(), "application/dicom; transfer-syntax=*"),
                (path.clone(), "multipart/related; type=\"application/dicom\""),
                (format!("{path}/bulkdata/7FE00010"), "application/octet-stream"),
            ] {
                let answer = house.get(&path, &[("accept", accept)]).await;
                is_told_of_damage(&answer, &format!("{name} {path} {accept} {kind:?}"));
            }
        }
    }
}

/// An instance and a frame that are too large to be held are read while they are sent; that they are there to the
/// last byte is known before.
#[tokio::test]
async fn a_large_instance_that_ends_early_is_no_answer() {
    const PIXELS: u32 = 2 * 2048 * 2560;
    let house = House::new().await;
    let small = testdata::ct_slices(1).sized(8).next().unwrap();
    let mut large = small.bytes[..small.bytes.len() - 8 * 8 * 2].to_vec();
    for (tag, value) in [([0x28, 0, 0x10, 0], 2048u16), ([0x28, 0, 0x11, 0], 2560)] {
        let at = large.windows(4).position(|window| window == tag).unwrap() + 8;
        large[at..at + 2].copy_from_slice(&value.to_le_bytes());
    }
    let at = large.len() - 4;
    large[at..].copy_from_slice(&PIXELS.to_le_bytes());
    large.resize(large.len() + PIXELS as usize, 1);
    house.keep(std::slice::from_ref(&large)).await;
    let path = path_of(&small.bytes);
    let frame = house.get(&format!("{path}/frames/1"), &[]).await;
    assert_eq!((frame.status, frame.parts()[0].1.len()), (StatusCode::OK, PIXELS as usize));
    for path in files_with_instances(&house) {
        let length = std::fs::metadata(&path).unwrap().len();
        std::fs::OpenOptions::new().write(true).open(path).unwrap().set_len(length - (4 << 20)).unwrap();
    }
    for (path, accept) in [
        (path.clone(), "application/dicom; transfer-syntax=*"),
        (path.clone(), "*/*"),
        (format!("{path}/frames/1"), "*/*"),
        (format!("{path}/bulkdata/7FE00010"), "*/*"),
    ] {
        is_told_of_damage(&house.get(&path, &[("accept", accept)]).await, &path);
    }
}

/// What is found damaged later cannot be said with a status any more: the answer is cut, and is no whole.
#[tokio::test]
async fn damage_further_on_cuts_the_answer() {
    let house = House::new().await;
    let mut slices = testdata::ct_slices(2).sized(64).map(|slice| slice.bytes);
    let (first, second) = (slices.next().unwrap(), slices.next().unwrap());
    house.keep(std::slice::from_ref(&first)).await;
    let path = path_of(&first);
    house.settle(&path).await;
    house.keep(std::slice::from_ref(&second)).await;
    for path in files_with_instances(&house) {
        if path.starts_with(house.data_dir().join("spool")) {
            std::fs::remove_file(path).unwrap();
        }
    }
    for accept in ["*/*", "application/zip"] {
        let accept = [("accept", accept)];
        let answer = house.get(&above(&path, "/series"), &accept).await;
        assert_eq!((answer.status, answer.text().as_str()), (StatusCode::OK, "CUT"), "{accept:?}");
        is_told_of_damage(&house.get(&path_of(&second), &accept).await, "the lost one");
    }
    assert_eq!(house.get(&path, &[]).await.parts()[0].1, first, "the other is not harmed");
}

/// What describes a pack lies beside it: lost, it is damage as well, and no frame that never was.
#[tokio::test]
async fn a_pack_that_lost_its_companion_is_served_all_the_same() {
    let stored = file("syntax/MR_small_RLE.dcm");
    for part in ["/frames/1", "/metadata", "/rendered"] {
        let house = House::new().await;
        house.keep(std::slice::from_ref(&stored)).await;
        let path = path_of(&stored);
        house.settle(&path).await;
        let objects = house.data_dir().join("objects");
        let pack = files_with_instances(&house).into_iter().find(|path| path.starts_with(&objects)).unwrap();
        let beside = std::fs::read_dir(pack.parent().unwrap()).unwrap().map(|entry| entry.unwrap().path());
        let companion = beside.into_iter().find(|path| *path != pack).unwrap();
        let whole = std::fs::read(&companion).unwrap();
        std::fs::remove_file(&companion).unwrap();
        assert_eq!(house.get(&format!("{path}{part}"), &[]).await.status, StatusCode::OK, "{part}");
        assert_eq!(std::fs::read(&companion).unwrap(), whole, "{part}");
    }
}

/// Files in the folder of renditions.
fn renditions(house: &House) -> usize {
    let folders =
        std::fs::read_dir(house.data_dir().join("renditions")).unwrap().map(|entry| entry.unwrap().path());
    let folders = folders.filter(|path| !path.ends_with("drafts"));
    folders.map(|folder| std::fs::read_dir(folder).unwrap().count()).sum()
}

/// The thumbnail of a settled series is there before anybody asks for it, so it is shown whatever becomes of the
/// images.
#[tokio::test]
async fn thumbnails_of_settled_series_are_files() {
    let house = House::new().await;
    let state = dicomweb::State::new(house.archive.clone(), None, house.audit_log.clone()).unwrap();
    let (image, report) = (file("modality/ct-small.dcm"), file("modality/sr-basic-text.dcm"));
    house.keep(&[report.clone(), image.clone()]).await;
    let ahead = dicomweb::Ahead::open(state).await.unwrap();
    assert_eq!(renditions(&house), 0);
    for stored in [&report, &image] {
        house.settle(&path_of(stored)).await;
    }
    let stop = CancellationToken::new();
    let running = tokio::spawn(ahead.run(stop.clone()));
    until(async || renditions(&house) == 1).await;
    stop.cancel();
    running.await.unwrap();

    damage(&house, Damage::Gone);
    let series = above(&path_of(&image), "/instances");
    for accept in [&[][..], &[("accept", "image/jpeg")], &[("accept", "*/*")]] {
        let thumbnail = house.get(&format!("{series}/thumbnail"), accept).await;
        assert_eq!(thumbnail.status, StatusCode::OK, "{accept:?}: {}", thumbnail.text());
        assert_eq!(thumbnail.header("content-type"), "image/jpeg");
    }
    let other = house.get(&format!("{series}/thumbnail?viewport=50,50"), &[]).await;
    is_told_of_damage(&other, "one that was not made");
}
