//! `application/zip`: the instances of a study, a series, or one, as files of one archive (PS3.18 8.6.1.3). What a browser
//! saves, and what people who work with files want.

use super::Request;
use super::plan::Plan;
use crate::answer::Head;
use crate::error::Error;
use crate::outgoing::{self, Outgoing, Stopped};
use crate::state::State;
use crate::validators::Validators;
use ::zip::write::SimpleFileOptions;
use ::zip::write::StreamWriter;
use ::zip::{CompressionMethod, ZipWriter};
use axum::response::Response;
use bytes::Bytes;
use futures::TryStreamExt;
use http::HeaderValue;
use http::header::CONTENT_DISPOSITION;
use pacs_core::uid::Uid;
use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

/// Answers with the instances in one archive, named after the study, series or instance `whole`.
pub async fn respond(request: &Request, whole: &Uid, plan: Plan) -> Result<Response, Error> {
    let validators = Validators::weak(&format!("{}-zip\"", plan.etag.trim_end_matches('"')));
    if let Some(held) = request.held(&validators)? {
        return Ok(held);
    }
    let state = request.state.0.clone();
    let body = outgoing::body(Bytes::new(), move |out| async move { send(&state, plan, &out).await });
    let mut response = Head::of_pixels("application/zip".to_owned(), validators).with(body.await?, None);
    // A UID tells nothing of the patient.
    if let Ok(name) = HeaderValue::try_from(format!("attachment; filename=\"{whole}.zip\"")) {
        response.headers_mut().insert(CONTENT_DISPOSITION, name);
    }
    Ok(response)
}

/// Sends one file after the other. Nothing is sent of an instance before it is known to be there.
async fn send(state: &State, mut plan: Plan, out: &Outgoing) -> Result<(), Stopped> {
    let mut archive = Archive::new();
    while let Some(planned) = plan.next(state).await? {
        let place = &planned.place;
        let mut pieces = planned.ready(state).await?.pieces(state, place);
        archive.begin(&format!("{}/{}.dcm", place.series_uid, place.uid), planned.stored_bytes())?;
        while let Some(piece) = pieces.try_next().await? {
            out.send(archive.write(&piece)?).await?;
        }
    }
    Ok(out.send(archive.finish()?).await?)
}

/// An archive whose bytes are taken away while it is written: lengths and checksums stand behind the files. Files are
/// not compressed, because images hardly become smaller and would wait for it.
struct Archive {
    writer: ZipWriter<StreamWriter<Sink>>,
    made: Sink,
}

/// Where the writer leaves what it makes.
#[derive(Clone, Default)]
struct Sink(Arc<Mutex<Vec<u8>>>);

impl Archive {
    fn new() -> Self {
        let made = Sink::default();
        Self { writer: ZipWriter::new_stream(made.clone()), made }
    }

    /// Begins a file; without a length it may be of any. Only what may be large is in the form for it, which not every
    /// program reads.
    fn begin(&mut self, name: &str, length_bytes: Option<u64>) -> Result<(), Error> {
        let is_large = length_bytes.is_none_or(|length_bytes| length_bytes >= u32::MAX.into());
        let options = SimpleFileOptions::default();
        let options = options.compression_method(CompressionMethod::Stored).large_file(is_large);
        self.writer.start_file(name, options).map_err(failed)
    }

    fn write(&mut self, piece: &[u8]) -> Result<Bytes, Error> {
        self.writer.write_all(piece).map_err(failed)?;
        Ok(self.made.take())
    }

    fn finish(self) -> Result<Bytes, Error> {
        self.writer.finish().map_err(failed)?;
        Ok(self.made.take())
    }
}

impl Sink {
    fn take(&self) -> Bytes {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner)).into()
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn failed(error: impl std::fmt::Display) -> Error {
    Error::Internal(format!("writing a ZIP failed: {error}").into())
}
