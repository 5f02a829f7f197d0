//! A service over a fresh archive, asked through its own router.

pub mod steps;
pub mod wire;

use axum::Router;
use axum::body::Body;
use bytes::Bytes;
use dicomweb::multipart::{Event, Parser, PartHeaders};
use http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt;
use pacs_core::access::Actor;
use pacs_core::clock::Clock;
use pacs_core::dataset::{DataSet, Element, Limits, Until, Value, read_slice, write};
use pacs_core::part10::{HeadProgress, read_head, write_head};
use pacs_core::transfer_syntax::TransferSyntax;
use pacs_core::uid::Uid;
use pacs_core::{VR, tags, uids};
use std::io::Read;
use std::time::Duration;
use storage::audit_log::AuditLog;
use storage::{Archive, Config};
use tower::ServiceExt;

/// Reads a body to its end as a socket does: what has been read is let go, not held for the rest to come.
async fn drain(mut body: Body) -> Bytes {
    let mut whole = Vec::new();
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else { return Bytes::from_static(b"CUT") };
        whole.extend_from_slice(frame.data_ref().map(AsRef::as_ref).unwrap_or_default());
    }
    whole.into()
}

/// An archive in a folder of its own, and the service over it.
pub struct House {
    pub archive: Archive,
    pub audit_log: AuditLog,
    pub router: Router,
    dir: tempfile::TempDir,
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl House {
    pub async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let archive = Archive::open(Config::embedded(dir.path())).await.unwrap();
        let audit_log = AuditLog::start(archive.database().clone(), Clock::system());
        let state = dicomweb::State::new(archive.clone(), None, audit_log.clone()).unwrap();
        let router = dicomweb::router(state);
        Self { archive, audit_log, router: Router::new().nest("/dicomweb", router), dir }
    }

    /// Where everything lies that the archive keeps.
    pub fn data_dir(&self) -> &std::path::Path {
        self.dir.path()
    }

    /// Sends a request as the actor; `None` is somebody who has not signed in.
    pub async fn send_as(&self, actor: Option<Actor>, mut request: Request<Body>) -> Answer {
        request.headers_mut().entry("host").or_insert("pacs.test".parse().unwrap());
        if let Some(actor) = actor {
            request.extensions_mut().insert(actor);
        }
        let (parts, body) = self.router.clone().oneshot(request).await.unwrap().into_parts();
        Answer { status: parts.status, headers: parts.headers, body: drain(body).await }
    }

    pub async fn send(&self, request: Request<Body>) -> Answer {
        self.send_as(Some(Actor::system()), request).await
    }

    /// `GET /dicomweb{path}` with these headers.
    pub async fn get(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        let mut request = Request::builder().uri(format!("/dicomweb{path}"));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.body(Body::empty()).unwrap()).await
    }

    /// Stores files by one STOW-RS request.
    pub async fn stow(&self, path: &str, files: &[Vec<u8>]) -> Answer {
        self.send(stow_request(path, files)).await
    }

    /// Moves the study of a path into packs.
    pub async fn settle(&self, path: &str) {
        let study = Uid::parse(path.split('/').nth(2).unwrap()).unwrap();
        self.archive.settle_study(&study).await.unwrap();
    }

    /// Stores files that are all taken.
    pub async fn keep(&self, files: &[Vec<u8>]) {
        let answer = self.stow("/studies", files).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    }
}

/// A service with so many small CT slices of one series, and the path of the first.
pub async fn slices(count: usize) -> (House, String) {
    let house = House::new().await;
    let slices: Vec<Vec<u8>> = testdata::ct_slices(count).sized(64).map(|slice| slice.bytes).collect();
    house.keep(&slices).await;
    (house, path_of(&slices[0]))
}

/// The part of a path before that step.
pub fn above(path: &str, mark: &str) -> String {
    path.split(mark).next().unwrap().to_owned()
}

/// The path of an instance as WADO-URI writes it.
pub fn wado_uri(path: &str) -> String {
    let steps: Vec<&str> = path.split('/').collect();
    let (study, series, object) = (steps[2], steps[4], steps[6]);
    format!("/wado?requestType=WADO&studyUID={study}&seriesUID={series}&objectUID={object}")
}

/// A STOW-RS request, as dicomweb-client writes it.
pub fn stow_request(path: &str, files: &[Vec<u8>]) -> Request<Body> {
    let mut body = Vec::new();
    for file in files {
        body.extend_from_slice(
            b"\r\n--0f3cf5c0-70e0-41ef-baef-c6f9f65ec3e1\r\nContent-Type: application/dicom\r\n\r\n",
        );
        body.extend_from_slice(file);
    }
    body.extend_from_slice(b"\r\n--0f3cf5c0-70e0-41ef-baef-c6f9f65ec3e1--");
    // In small pieces, so that heads and delimiters are torn.
    let pieces: Vec<Result<Bytes, std::io::Error>> =
        body.chunks(997).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
    Request::post(format!("/dicomweb{path}"))
        .header(
            "content-type",
            "multipart/related; type=\"application/dicom\"; boundary=\"0f3cf5c0-70e0-41ef-baef-c6f9f65ec3e1\"",
        )
        .body(Body::from_stream(futures::stream::iter(pieces)))
        .unwrap()
}

impl Answer {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The parts of a multipart body.
    pub fn parts(&self) -> Vec<(PartHeaders, Vec<u8>)> {
        assert_eq!(self.status, StatusCode::OK, "{}", self.text());
        let boundary = self.header("content-type").split("boundary=").nth(1).unwrap();
        let mut parser = Parser::new(boundary).unwrap();
        parser.feed(self.body.clone());
        let mut parts: Vec<(PartHeaders, Vec<u8>)> = Vec::new();
        loop {
            match parser.next_event().unwrap() {
                Event::Part(headers) => parts.push((headers, Vec::new())),
                Event::Content(bytes) => parts.last_mut().unwrap().1.extend_from_slice(&bytes),
                Event::EndOfPart => {}
                Event::NeedMore => panic!("the body ends early"),
                Event::End => return parts,
            }
        }
    }
}

/// The first value of an attribute of DICOM JSON.
pub fn value<'a>(set: &'a serde_json::Value, tag: &str) -> &'a serde_json::Value {
    &set[tag]["Value"][0]
}

/// A licensed file of the repository.
pub fn file(name: &str) -> Vec<u8> {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/files").join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Study, series and instance of a file, as a path below `/dicomweb`.
pub fn path_of(file: &[u8]) -> String {
    let set = read(file);
    let uid = |tag| set.uid(tag).unwrap().unwrap();
    format!(
        "/studies/{}/series/{}/instances/{}",
        uid(tags::STUDY_INSTANCE_UID),
        uid(tags::SERIES_INSTANCE_UID),
        uid(tags::SOP_INSTANCE_UID)
    )
}

/// The file with other attributes, in Explicit VR Little Endian; its pixels are native.
pub fn rewritten(file: &[u8], change: impl FnOnce(&mut DataSet)) -> Vec<u8> {
    let mut set = read(file);
    set.put_bytes(tags::PIXEL_DATA, VR::OW, pixels(file));
    change(&mut set);
    let uid = |tag| set.uid(tag).unwrap().unwrap();
    let syntax = Uid::parse(uids::EXPLICIT_VR_LITTLE_ENDIAN).unwrap();
    let mut bytes = write_head(&uid(tags::SOP_CLASS_UID), &uid(tags::SOP_INSTANCE_UID), &syntax, None);
    write(&set, &TransferSyntax::EXPLICIT_LITTLE_ENDIAN, &mut bytes).unwrap();
    bytes
}

/// An image that a presentation state is about.
pub fn image_of(state: &[u8]) -> Vec<u8> {
    let state = read(state);
    let series = &state.items(tags::REFERENCED_SERIES_SEQUENCE)[0];
    let reference = &series.items(tags::REFERENCED_IMAGE_SEQUENCE)[0];
    let uid = |set: &DataSet, tag| set.uid(tag).unwrap().unwrap();
    rewritten(&testdata::ct_slices(1).next().unwrap().bytes, |set| {
        set.put_uid(tags::SOP_INSTANCE_UID, &uid(reference, tags::REFERENCED_SOP_INSTANCE_UID));
        set.put_uid(tags::SERIES_INSTANCE_UID, &uid(series, tags::SERIES_INSTANCE_UID));
        set.put_uid(tags::STUDY_INSTANCE_UID, &uid(&state, tags::STUDY_INSTANCE_UID));
    })
}

/// All elements of a Part 10 file.
pub fn read(file: &[u8]) -> DataSet {
    parse(file).1
}

/// The value of Pixel Data as it lies in a Part 10 file, inflated where the data set is deflated.
pub fn pixels(file: &[u8]) -> Vec<u8> {
    bytes_of(file, read(file).get(tags::PIXEL_DATA).unwrap())
}

/// The value of an element of a Part 10 file as it lies there.
pub fn bytes_of(file: &[u8], element: &Element) -> Vec<u8> {
    match &element.value {
        Value::Bytes(bytes) => bytes.to_vec(),
        Value::Elsewhere { offset, length } => {
            let (start, length) = (usize::try_from(*offset).unwrap(), usize::try_from(*length).unwrap());
            parse(file).0[start..start + length].to_vec()
        }
        other => panic!("{other:?}"),
    }
}

fn parse(file: &[u8]) -> (Vec<u8>, DataSet) {
    let HeadProgress::Head(head) = read_head(file).unwrap() else { panic!("no head") };
    let mut data_set = file[usize::try_from(head.dataset_offset).unwrap()..].to_vec();
    let mut syntax = pacs_core::transfer_syntax::of(&head.transfer_syntax);
    if syntax.deflated {
        let mut plain = Vec::new();
        flate2::read::DeflateDecoder::new(data_set.as_slice()).read_to_end(&mut plain).unwrap();
        data_set = plain;
        syntax = TransferSyntax::EXPLICIT_LITTLE_ENDIAN;
    }
    let read = read_slice(&data_set, &syntax, &Limits::default(), Until::End).unwrap().data_set;
    (data_set, read)
}

/// Columns and rows of a picture.
pub fn picture_size(picture: &[u8]) -> (u32, u32) {
    // PNG: IHDR. JPEG: the frame header.
    if picture.starts_with(b"\x89PNG") {
        let number = |at: usize| u32::from_be_bytes(picture[at..at + 4].try_into().unwrap());
        return (number(16), number(20));
    }
    assert!(picture.starts_with(&[0xFF, 0xD8]), "neither PNG nor JPEG");
    let mut at = 2;
    loop {
        let length = usize::from(u16::from_be_bytes([picture[at + 2], picture[at + 3]]));
        if matches!(picture[at + 1], 0xC0..=0xC2) {
            let number = |at: usize| u32::from(u16::from_be_bytes([picture[at], picture[at + 1]]));
            return (number(at + 7), number(at + 5));
        }
        at += 2 + length;
    }
}

/// Waits for what another task does, as long as a slow machine may take.
pub async fn until(holds: impl AsyncFn() -> bool) {
    let waited = tokio::time::timeout(Duration::from_secs(60), async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    waited.await.unwrap();
}
