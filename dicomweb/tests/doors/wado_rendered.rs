//! WADO-RS: metadata, rendered images, thumbnails.

use crate::support::{House, above, file, image_of, path_of, picture_size, read, rewritten, slices, value};
use http::StatusCode;
use pacs_core::access::{Actor, Scope};
use pacs_core::correction::{Edit, Level};
use pacs_core::uid::Uid;
use pacs_core::{dataset, part10, tags, transfer_syntax, uids};
use std::io::Read;
use storage::corrections::Correction;

#[tokio::test]
async fn metadata_of_every_level() {
    let (house, instance) = slices(3).await;
    for settled in [false, true] {
        if settled {
            house.settle(&instance).await;
        }
        for (path, count) in
            [(above(&instance, "/series"), 3), (above(&instance, "/instances"), 3), (instance.clone(), 1)]
        {
            let answer =
                house.get(&format!("{path}/metadata"), &[("accept", "application/dicom+json")]).await;
            assert_eq!(answer.header("content-type"), "application/dicom+json");
            assert_eq!(answer.header("cache-control"), "private, no-cache");
            assert!(answer.header("vary").contains("accept-encoding"));
            let json = answer.json();
            let list = json.as_array().unwrap();
            assert_eq!(list.len(), count, "{path}");
            for set in list {
                assert_eq!(value(set, "00280010"), 64);
                let uid = value(set, "00080018").as_str().unwrap();
                let series = above(&instance, "/instances");
                let uri = format!("http://pacs.test/dicomweb{series}/instances/{uid}/bulkdata/7FE00010");
                assert_eq!(set["7FE00010"]["BulkDataURI"], uri.as_str());
            }
            let plain = answer.text();
            let etag = answer.header("etag");
            let held = house.get(&format!("{path}/metadata"), &[("if-none-match", etag)]).await;
            assert_eq!((held.status, held.body.len()), (StatusCode::NOT_MODIFIED, 0));
            assert_eq!(held.header("etag"), etag);

            let packed = house.get(&format!("{path}/metadata"), &[("accept-encoding", "gzip, br")]).await;
            assert_eq!(packed.header("content-encoding"), "gzip", "{path}");
            assert_ne!(packed.header("etag"), etag, "another representation has another tag");
            let mut unpacked = String::new();
            flate2::read::GzDecoder::new(&packed.body[..]).read_to_string(&mut unpacked).unwrap();
            assert_eq!(unpacked, plain);
        }
    }
}

#[tokio::test]
async fn a_late_image_changes_the_tag() {
    let house = House::new().await;
    let mut slices = testdata::ct_slices(2).sized(8).map(|slice| slice.bytes);
    let (first, late) = (slices.next().unwrap(), slices.next().unwrap());
    house.keep(std::slice::from_ref(&first)).await;
    let series = format!("{}/metadata", above(&path_of(&first), "/instances"));
    let before = house.get(&series, &[]).await;
    house.keep(&[late]).await;
    let after = house.get(&series, &[("if-none-match", before.header("etag"))]).await;
    assert_eq!(after.status, StatusCode::OK);
    assert_eq!(after.json().as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn links_begin_with_what_the_proxy_saw() {
    let (house, instance) = slices(1).await;
    let proxied = [("x-forwarded-proto", "https"), ("x-forwarded-host", "pacs.example")];
    let json = house.get(&format!("{instance}/metadata"), &proxied).await.json();
    let uri = json[0]["7FE00010"]["BulkDataURI"].as_str().unwrap();
    assert!(uri.starts_with("https://pacs.example/dicomweb/studies/"), "{uri}");
    let json = house.get("/studies", &proxied).await.json();
    assert!(
        value(&json[0], "00081190").as_str().unwrap().starts_with("https://pacs.example/dicomweb/studies/")
    );
}

#[tokio::test]
async fn pictures_in_the_size_and_form_asked_for() {
    let (house, instance) = slices(1).await;
    let rendered = format!("{instance}/rendered");
    let jpeg = house.get(&rendered, &[("accept", "image/jpeg")]).await;
    assert_eq!(jpeg.status, StatusCode::OK, "{}", jpeg.text());
    assert_eq!((jpeg.header("content-type"), picture_size(&jpeg.body)), ("image/jpeg", (64, 64)));
    let png = house.get(&rendered, &[("accept", "image/png")]).await;
    assert_eq!((png.header("content-type"), picture_size(&png.body)), ("image/png", (64, 64)));
    let small = house.get(&format!("{rendered}?viewport=16,16&window=40,400&quality=50"), &[]).await;
    assert_eq!(picture_size(&small.body), (16, 16));
    let frame = house.get(&format!("{instance}/frames/1/rendered"), &[("accept", "image/png")]).await;
    assert_eq!(frame.body, png.body);
    let window = house.get(&format!("{rendered}?window=-600,1500"), &[("accept", "image/png")]).await;
    assert_ne!(window.body, png.body, "another window is another picture");

    let again = house.get(&rendered, &[("accept", "image/png")]).await;
    assert_eq!((&again.body, again.header("etag")), (&png.body, png.header("etag")));
    let held = house.get(&rendered, &[("accept", "image/png"), ("if-none-match", png.header("etag"))]).await;
    assert_eq!(held.status, StatusCode::NOT_MODIFIED);
}

#[tokio::test]
async fn absurd_wishes_are_refused() {
    let (house, instance) = slices(1).await;
    for (query, status) in [
        ("rendered?viewport=1000000,1000000", StatusCode::BAD_REQUEST),
        ("rendered?viewport=0,0", StatusCode::BAD_REQUEST),
        ("rendered?viewport=16,16,9000,0,16,16", StatusCode::BAD_REQUEST),
        ("rendered?window=40,0", StatusCode::BAD_REQUEST),
        ("rendered?quality=1000", StatusCode::BAD_REQUEST),
        ("frames/2/rendered", StatusCode::NOT_FOUND),
        ("frames/1,2/rendered", StatusCode::NOT_FOUND),
        ("frames/1,1/thumbnail", StatusCode::NOT_ACCEPTABLE),
        ("frames/1,x/rendered", StatusCode::BAD_REQUEST),
    ] {
        let answer = house.get(&format!("{instance}/{query}"), &[]).await;
        assert_eq!(answer.status, status, "{query}: {}", answer.text());
    }
    assert_eq!(
        house.get(&format!("{instance}/rendered"), &[("accept", "video/mp4")]).await.status,
        StatusCode::NOT_ACCEPTABLE
    );
}

#[tokio::test]
async fn thumbnails_of_every_level() {
    let (house, instance) = slices(5).await;
    for path in [
        above(&instance, "/series"),
        above(&instance, "/instances"),
        instance.clone(),
        format!("{instance}/frames/1"),
    ] {
        let answer = house.get(&format!("{path}/thumbnail"), &[]).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text());
        let (width, height) = picture_size(&answer.body);
        assert!(width <= 192 && height <= 192);
        let small = house.get(&format!("{path}/thumbnail?viewport=20,20"), &[("accept", "image/png")]).await;
        assert_eq!(picture_size(&small.body), (20, 20));
    }
}

/// A page of thumbnails, none of which was made before, asked for at once: a browser does not ask again.
#[tokio::test(flavor = "multi_thread")]
async fn thumbnails_wait_for_their_turn() {
    let house = House::new().await;
    let slice = testdata::ct_slices(1).next().unwrap().bytes;
    house.keep(std::slice::from_ref(&slice)).await;
    let path = path_of(&slice);
    let threads = std::thread::available_parallelism().unwrap().get();
    let many = (1..=threads * 8 * 4).map(|side| {
        let (house, path) = (&house, format!("{path}/thumbnail?viewport={side},{side}"));
        async move { house.get(&path, &[]).await.status }
    });
    let answers = futures::future::join_all(many).await;
    assert!(answers.iter().all(|status| *status == StatusCode::OK), "{answers:?}");
}

#[tokio::test]
async fn what_has_no_pixels_has_no_picture() {
    let house = House::new().await;
    let report = file("modality/sr-basic-text.dcm");
    house.keep(std::slice::from_ref(&report)).await;
    let path = path_of(&report);
    for (resource, status) in [
        (format!("{path}/rendered"), StatusCode::NOT_FOUND),
        (format!("{}/thumbnail", above(&path, "/instances")), StatusCode::NOT_FOUND),
        (format!("{}/thumbnail", above(&path, "/series")), StatusCode::NOT_FOUND),
    ] {
        assert_eq!(house.get(&resource, &[]).await.status, status, "{resource}");
    }
}

/// The delimiter was written over the size that the codestream states: nothing could be made of it.
#[tokio::test]
async fn what_cannot_be_decoded_is_said_with_its_reason() {
    let house = House::new().await;
    let damaged = file("malformed/JPEG2000-embedded-sequence-delimiter.dcm");
    house.keep(std::slice::from_ref(&damaged)).await;
    let refused = house.get(&format!("{}/rendered", path_of(&damaged)), &[]).await;
    assert_eq!(refused.status, StatusCode::NOT_ACCEPTABLE);
    let detail = refused.json()["detail"].as_str().unwrap().to_owned();
    assert!(detail.contains("3722445056 by 1024 pixels in more tiles"), "{detail}");
}

/// One series whose middle instance is no picture, and one without any.
#[tokio::test]
async fn a_thumbnail_shows_what_can_be_drawn() {
    let house = House::new().await;
    let damaged = file("malformed/JPEG2000-embedded-sequence-delimiter.dcm");
    house.keep(std::slice::from_ref(&damaged)).await;
    let study = above(&path_of(&damaged), "/series");
    let answer = house.get(&format!("{study}/thumbnail"), &[]).await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND, "{}", answer.text());

    let study_uid = study.rsplit('/').next().unwrap().to_owned();
    let series_uid = path_of(&damaged).split('/').nth(4).unwrap().to_owned();
    let mut slices = testdata::ct_slices(3).sized(16).map(|slice| slice.bytes);
    for (number, series) in [(2, series_uid.as_str()), (1, "1.2.3")] {
        let moved = moved(&slices.next().unwrap(), &study_uid, series, number);
        house.keep(&[moved]).await;
        let answer = house.get(&format!("{study}/thumbnail?accept=image/png"), &[]).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
        assert!(answer.body.starts_with(b"\x89PNG"));
    }
}

/// A slice of another study and series.
fn moved(file: &[u8], study: &str, series: &str, number: i64) -> Vec<u8> {
    rewritten(file, |set| {
        set.put_text(tags::STUDY_INSTANCE_UID, study);
        set.put_text(tags::SERIES_INSTANCE_UID, series);
        set.put_int(tags::INSTANCE_NUMBER, number);
    })
}

/// The Rendered Frames resource takes a list (PS3.18 10.4.1.1.3).
#[tokio::test]
async fn several_frames_are_drawn_as_parts() {
    let house = House::new().await;
    let cine = file("modality/us-multiframe-30.dcm");
    house.keep(std::slice::from_ref(&cine)).await;
    let path = path_of(&cine);
    for accept in ["multipart/related; type=\"image/png\"", "image/png"] {
        let several = format!("{path}/frames/3,1/rendered?viewport=32,32");
        let answer = house.get(&several, &[("accept", accept)]).await;
        let parts = answer.parts();
        assert!(answer.header("content-type").starts_with("multipart/related; type=\"image/png\""));
        assert_eq!(parts.len(), 2);
        for ((headers, picture), frame) in parts.iter().zip([3, 1]) {
            let location = format!("{path}/frames/{frame}/rendered");
            let alone = house.get(&format!("{location}?viewport=32,32"), &[("accept", "image/png")]).await;
            assert!(*picture == alone.body, "frame {frame}");
            assert_eq!(headers.content_type.as_ref().unwrap().to_string(), "image/png");
            let location = format!("http://pacs.test/dicomweb{location}");
            assert_eq!(headers.content_location.as_deref(), Some(location.as_str()));
        }
        let again = [("accept", accept), ("if-none-match", answer.header("etag"))];
        assert_eq!(house.get(&several, &again).await.status, StatusCode::NOT_MODIFIED);
        let others = several.replace("3,1", "1,3");
        assert_eq!(house.get(&others, &again).await.status, StatusCode::OK);
    }
    // A list of one comes alone where it may, and else as a list of several does.
    let one = format!("{path}/frames/2/rendered?viewport=32,32");
    let alone = house.get(&one, &[("accept", "image/png")]).await;
    let of_parts = house.get(&one, &[("accept", "multipart/related; type=\"image/png\"")]).await;
    assert_eq!(of_parts.status, StatusCode::OK, "{}", of_parts.text());
    let parts = of_parts.parts();
    assert!(parts.len() == 1 && parts[0].1 == alone.body);
    let location = format!("http://pacs.test/dicomweb{path}/frames/2/rendered");
    assert_eq!(parts[0].0.content_location.as_deref(), Some(&*location));
    for (frames, accept, status) in [
        ("31", "multipart/related; type=\"image/png\"", StatusCode::NOT_FOUND),
        ("1,31", "image/png", StatusCode::NOT_FOUND),
        ("1", "application/dicom", StatusCode::NOT_ACCEPTABLE),
        ("1,2", "application/dicom", StatusCode::NOT_ACCEPTABLE),
    ] {
        let answer = house.get(&format!("{path}/frames/{frames}/rendered"), &[("accept", accept)]).await;
        assert_eq!(answer.status, status, "{frames}: {}", answer.text());
    }
}

#[tokio::test]
async fn pictures_of_all_that_have_pixels_are_parts() {
    let (house, instance) = slices(3).await;
    let (study, series) = (above(&instance, "/series"), above(&instance, "/instances"));
    for path in [&study, &series] {
        for accept in ["multipart/related; type=\"image/png\"", "image/png"] {
            let answer = house.get(&format!("{path}/rendered?viewport=16,16"), &[("accept", accept)]).await;
            assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
            let parts = answer.parts();
            assert_eq!(parts.len(), 3);
            for (headers, picture) in &parts {
                assert_eq!(headers.content_type.as_ref().unwrap().to_string(), "image/png");
                assert_eq!(picture_size(picture), (16, 16));
            }
            let of_first = format!("http://pacs.test/dicomweb{instance}/rendered");
            assert!(parts.iter().any(|part| part.0.content_location.as_deref() == Some(&*of_first)));
            let again = [("accept", accept), ("if-none-match", answer.header("etag"))];
            assert_eq!(
                house.get(&format!("{path}/rendered?viewport=16,16"), &again).await.status,
                StatusCode::NOT_MODIFIED
            );
        }
        let refused = house.get(&format!("{path}/rendered"), &[("accept", "application/dicom")]).await;
        assert_eq!(refused.status, StatusCode::NOT_ACCEPTABLE);
    }
    let report = file("modality/sr-basic-text.dcm");
    house.keep(std::slice::from_ref(&report)).await;
    let none = house.get(&format!("{}/rendered", above(&path_of(&report), "/series")), &[]).await;
    assert_eq!(none.status, StatusCode::NOT_FOUND, "{}", none.text());
}

/// A picture with the name that stood there before is not the picture any more.
#[tokio::test]
async fn pictures_of_what_was_corrected_are_other_pictures() {
    let (house, instance) = slices(2).await;
    let (study, series) = (above(&instance, "/series"), above(&instance, "/instances"));
    let resources =
        [&study, &series].map(|path| format!("{path}/rendered?viewport=400,400&annotation=patient"));
    let mut before = Vec::new();
    for path in &resources {
        before.push(house.get(path, &[("accept", "image/png")]).await);
    }
    let edit = Edit::read(Level::Study, [("PatientName", Some("TRẦN^THỊ B"))]).unwrap();
    let uid = Uid::parse(study.rsplit('/').next().unwrap()).unwrap();
    let wanted = Correction { study: &uid, series: None, edit, reason: "another patient's" };
    house.archive.correct(&Scope::All, &Actor::system(), &wanted).await.unwrap();
    for (path, before) in resources.iter().zip(before) {
        let again = [("accept", "image/png"), ("if-none-match", before.header("etag"))];
        let after = house.get(path, &again).await;
        assert_eq!(after.status, StatusCode::OK, "{path}");
        assert_ne!(after.parts()[0].1, before.parts()[0].1);
    }
}

/// What was marked on an image is drawn on it, as a picture of the presentation state.
#[tokio::test]
async fn a_presentation_state_is_drawn_with_its_image() {
    let house = House::new().await;
    let state = file("modality/pr-grayscale.dcm");
    house.keep(std::slice::from_ref(&state)).await;
    let state_path = path_of(&state);
    let rendered = format!("{state_path}/rendered");
    let alone = house.get(&rendered, &[]).await;
    assert_eq!(alone.status, StatusCode::NOT_FOUND, "its image is not here: {}", alone.text());

    let image = image_of(&state);
    house.keep(std::slice::from_ref(&image)).await;
    let plain = house.get(&format!("{}/rendered", path_of(&image)), &[("accept", "image/png")]).await;
    let shown = house.get(&rendered, &[("accept", "image/png")]).await;
    assert_eq!(shown.status, StatusCode::OK, "{}", shown.text());
    assert_eq!(picture_size(&shown.body), (512, 512));
    assert_ne!(shown.body, plain.body);
    let held =
        house.get(&rendered, &[("accept", "image/png"), ("if-none-match", shown.header("etag"))]).await;
    assert_eq!(held.status, StatusCode::NOT_MODIFIED);

    // So it is beside others, and where it is all there is.
    let (study, series) = (above(&state_path, "/series"), above(&state_path, "/instances"));
    for (path, count) in [(&study, 2), (&series, 1)] {
        let parts = house.get(&format!("{path}/rendered"), &[("accept", "image/png")]).await.parts();
        assert_eq!(parts.len(), count, "{path}");
        let of_state = format!("http://pacs.test/dicomweb{state_path}/rendered");
        let part = parts.iter().find(|part| part.0.content_location.as_deref() == Some(&*of_state));
        assert!(part.unwrap().1 == shown.body, "{path}");
    }
    for path in [&state_path, &series] {
        let small = house.get(&format!("{path}/thumbnail?viewport=64,64"), &[("accept", "image/png")]).await;
        assert_eq!(small.status, StatusCode::OK, "{path}: {}", small.text());
        assert_eq!(picture_size(&small.body), (64, 64));
    }
    let of_image = house.get(&format!("{}/thumbnail", path_of(&image)), &[("accept", "image/png")]).await;
    let of_study = house.get(&format!("{study}/thumbnail"), &[("accept", "image/png")]).await;
    assert!(of_study.body == of_image.body, "a study is shown by an image of it");
}

/// The image that a series of presentation states is about came later.
#[tokio::test]
async fn pictures_by_a_presentation_state_change_with_its_image() {
    let house = House::new().await;
    let (state, other) = (file("modality/pr-grayscale.dcm"), file("modality/ct-small.dcm"));
    let image = image_of(&state);
    let path = path_of(&state);
    let (study, uid) = (path.split('/').nth(2).unwrap(), path.split('/').nth(4).unwrap());
    // An image in the series of the state, so that the series has a picture without it.
    house.keep(&[state, moved(&other, study, uid, 1)]).await;
    let rendered = format!("{}/rendered", above(&path, "/instances"));
    let before = house.get(&rendered, &[("accept", "image/png")]).await;
    assert_eq!(before.parts().len(), 1);
    house.keep(&[image]).await;
    let again = [("accept", "image/png"), ("if-none-match", before.header("etag"))];
    assert_eq!(house.get(&rendered, &again).await.parts().len(), 2);
}

/// Of the images that a state names the first that is here is shown by it, however many are not.
#[tokio::test]
async fn a_presentation_state_is_drawn_with_the_first_image_that_is_here() {
    let house = House::new().await;
    let state = file("modality/pr-grayscale.dcm");
    let image = image_of(&state);
    let mut set = read(&state);
    let mut series = set.items(tags::REFERENCED_SERIES_SEQUENCE).to_vec();
    let mut images = series[0].items(tags::REFERENCED_IMAGE_SEQUENCE).to_vec();
    for number in 0..600 {
        let mut absent = images[0].clone();
        let uid = Uid::parse(&format!("1.2.3.{number}")).unwrap();
        absent.put_uid(tags::REFERENCED_SOP_INSTANCE_UID, &uid);
        images.insert(0, absent);
    }
    series[0].put_items(tags::REFERENCED_IMAGE_SEQUENCE, images);
    set.put_items(tags::REFERENCED_SERIES_SEQUENCE, series);
    let uid = |tag| set.uid(tag).unwrap().unwrap();
    let syntax = Uid::parse(uids::EXPLICIT_VR_LITTLE_ENDIAN).unwrap();
    let mut state =
        part10::write_head(&uid(tags::SOP_CLASS_UID), &uid(tags::SOP_INSTANCE_UID), &syntax, None);
    dataset::write(&set, &transfer_syntax::of(&syntax), &mut state).unwrap();
    let rendered = format!("{}/rendered", path_of(&state));
    house.keep(std::slice::from_ref(&state)).await;
    assert_eq!(house.get(&rendered, &[]).await.status, StatusCode::NOT_FOUND);
    house.keep(std::slice::from_ref(&image)).await;
    let shown = house.get(&rendered, &[("accept", "image/png")]).await;
    assert_eq!(shown.status, StatusCode::OK, "{}", shown.text());
    let frame = house.get(&format!("{}/rendered", path_of(&image)), &[("accept", "image/png")]).await;
    assert!(shown.body != frame.body && picture_size(&shown.body) == picture_size(&frame.body));
}

#[tokio::test]
async fn captions_and_webp() {
    let (house, instance) = slices(1).await;
    let rendered = format!("{instance}/rendered?viewport=400,400");
    let plain = house.get(&rendered, &[("accept", "image/png")]).await;
    for annotation in ["patient", "technique", "patient,technique"] {
        let path = format!("{rendered}&annotation={annotation}");
        let written = house.get(&path, &[("accept", "image/png")]).await;
        assert_eq!(picture_size(&written.body), picture_size(&plain.body));
        assert_ne!(written.body, plain.body, "{annotation}");
    }
    let refused = house.get(&format!("{rendered}&annotation=name"), &[]).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    let webp = house.get(&rendered, &[("accept", "image/webp")]).await;
    assert_eq!(webp.header("content-type"), "image/webp");
    assert!(webp.body.starts_with(b"RIFF") && webp.body[8..12] == *b"WEBP");
}
