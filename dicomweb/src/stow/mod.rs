//! STOW-RS (PS3.18 10.5): stores instances, each streaming into the archive as it arrives.

mod assembled;
mod bulk;
mod coding;
mod intake;
mod jpeg;
mod metadata;
mod opening;
mod outcome;
pub(crate) mod pace;
mod references;
mod room;

use crate::accept::{Accept, JsonName};
use crate::base_url::BaseUrl;
use crate::caller::Caller;
use crate::error::Error;
use crate::media::MediaType;
use crate::multipart::{Parser, PartReader, ReadError};
use crate::query_string;
use crate::resource::StudyPath;
use crate::state::State;
use crate::xml;
use axum::body::Body;
use axum::extract::{self, RawQuery};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures::{Stream, StreamExt, stream};
use http::HeaderMap;
use http::header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, EXPECT};
use intake::{Finishing, Intake};
use outcome::{Failure, Outcomes, Reason};
use pace::{PACE, paced};
use pacs_core::access::Act;
use pacs_core::json;
use pacs_core::uid::Uid;

pub use room::Rooms;

/// `POST /studies`
pub async fn any_study(request: Request) -> Result<Response, Error> {
    request.store(None).await
}

/// `POST /studies/{study}`: instances of other studies are not taken.
pub async fn one_study(path: StudyPath, request: Request) -> Result<Response, Error> {
    request.store(Some(path.study)).await
}

/// What storing needs of its request.
#[derive(axum::extract::FromRequest)]
#[from_request(state(State))]
pub struct Request {
    caller: Caller,
    base: BaseUrl,
    state: extract::State<State>,
    query: RawQuery,
    headers: HeaderMap,
    body: Body,
}

/// What the report is written in.
#[derive(Debug, Clone, Copy)]
enum Form {
    Json(JsonName),
    Xml,
}

impl Form {
    /// The accepted one; DICOM JSON when what is accepted cannot be read, or is nothing that is made here (RFC 9110
    /// 12.5.1 allows for it). A report that the sender does not read costs less than images that are not kept.
    fn accepted(headers: &HeaderMap, query: Option<&str>) -> Self {
        Self::named(headers, query).unwrap_or(Self::Json(JsonName::DicomJson))
    }

    fn named(headers: &HeaderMap, query: Option<&str>) -> Result<Self, Error> {
        let parameters = query_string::parameters(query)?;
        let accept = parameters.iter().find(|(name, _)| name.eq_ignore_ascii_case("accept"));
        let accept = Accept::read(headers, accept.map(|(_, value)| value.as_str()))?;
        if accept.prefers_xml() {
            return Ok(Self::Xml);
        }
        let offered = [
            ("application", "dicom+json", Self::Json(JsonName::DicomJson)),
            ("application", "json", Self::Json(JsonName::Json)),
            ("application", "dicom+xml", Self::Xml),
        ];
        Ok(accept.choose(&offered, "application/dicom+json, application/json and application/dicom+xml")?)
    }

    fn content_type(self) -> &'static str {
        match self {
            Self::Json(name) => name.content_type(),
            Self::Xml => xml::MEDIA_TYPE,
        }
    }
}

/// What the body is.
enum Payload {
    /// Part 10 files, one a part.
    Instances(Box<Parser>),
    /// One Part 10 file.
    OneInstance { transfer_syntax: Option<Uid> },
    /// DICOM JSON in one part, values in the others.
    Metadata(Box<Parser>),
    /// DICOM JSON that holds all values itself.
    MetadataAlone,
}

impl Request {
    async fn store(self, study: Option<Uid>) -> Result<Response, Error> {
        let body = self.body.into_data_stream();
        let allowed = self.caller.may(Act::StoreImages, "store images");
        let form = Form::accepted(&self.headers, self.query.0.as_deref());
        let payload = match allowed.and_then(|()| payload(&self.headers)) {
            Ok(understood) => understood,
            Err(refusal) => {
                // Who waits to be told to go on has sent nothing.
                if !self.headers.contains_key(EXPECT) {
                    discard(body).await;
                }
                return Err(refusal);
            }
        };
        let body = paced(body, PACE);
        let intake = Intake::new(&self.state, &self.caller, study);
        let mut finishing = Finishing::new(self.state.audit_log.clone(), self.caller);
        let (taken, rest) = match payload {
            Payload::Instances(parser) => {
                let mut parts = PartReader::new(body, *parser);
                (take_parts(&intake, &mut parts, &mut finishing).await, parts.into_body())
            }
            Payload::OneInstance { transfer_syntax } => {
                let mut content = body;
                (take_one(&intake, &mut content, transfer_syntax, &mut finishing).await, content)
            }
            Payload::Metadata(parser) => {
                let mut parts = PartReader::new(body, *parser);
                (metadata::take_parts(&intake, &mut parts, &mut finishing).await, parts.into_body())
            }
            Payload::MetadataAlone => {
                let mut content = body;
                (metadata::take_one(&intake, &mut content, &mut finishing).await, content)
            }
        };
        discard(rest).await;
        // What came whole is kept by the time that the sender is told, and it is told of it.
        let mut outcomes = finishing.outcomes().await;
        match taken {
            Err(error) if !outcomes.has_kept() => return Err(error),
            Err(error) => outcomes.add(Err(Failure::of_request(&error))),
            Ok(()) => {}
        }
        answer(&outcomes, &self.base, form).await
    }
}

async fn take_one<S>(
    intake: &Intake,
    content: S,
    transfer_syntax: Option<Uid>,
    finishing: &mut Finishing,
) -> Result<(), Error>
where
    S: Stream<Item = Result<Bytes, ReadError>> + Unpin + Send,
{
    let taken = intake.take(content, transfer_syntax).await?;
    finishing.push(taken).await;
    Ok(())
}

async fn take_parts<S>(
    intake: &Intake,
    parts: &mut PartReader<S>,
    finishing: &mut Finishing,
) -> Result<(), Error>
where
    S: Stream<Item = Result<Bytes, ReadError>> + Unpin + Send,
{
    while let Some(headers) = parts.next_part().await? {
        let media = headers.content_type;
        if media.as_ref().is_some_and(|media| !media.is("application", "dicom")) {
            let why = "a part is not of media type application/dicom";
            finishing.push(Err(Failure::new(Reason::CannotUnderstand, why))).await;
            continue;
        }
        let transfer_syntax = media.as_ref().and_then(named_syntax);
        let taken = intake.take(content_of(parts).boxed(), transfer_syntax).await?;
        finishing.push(taken).await;
    }
    Ok(())
}

/// The content of the part at hand.
fn content_of<S>(parts: &mut PartReader<S>) -> impl Stream<Item = Result<Bytes, ReadError>> + Send
where
    S: Stream<Item = Result<Bytes, ReadError>> + Unpin + Send,
{
    stream::try_unfold(parts, |parts| async move {
        Ok::<_, ReadError>(parts.chunk().await?.map(|chunk| (chunk, parts)))
    })
}

/// Reads on for a while after a refusal: a sender that is cut off while it writes never reads the answer.
async fn discard<E>(mut rest: impl Stream<Item = Result<Bytes, E>> + Unpin) {
    const DISCARDED_MAX_BYTES: usize = 16 << 20;
    let mut discarded = 0;
    while discarded < DISCARDED_MAX_BYTES
        && let Some(Ok(piece)) = rest.next().await
    {
        discarded += piece.len();
    }
}

/// Which of the payloads of PS3.18 10.5.1.4 the body is.
fn payload(headers: &HeaderMap) -> Result<Payload, Error> {
    const TAKEN: &str = "send multipart/related with a type of application/dicom or application/dicom+json, or one \
                         of these alone";
    let unsupported =
        |what: &str| Error::UnsupportedMediaType(format!("{what} is not taken; {TAKEN}").into());
    if headers
        .get(CONTENT_ENCODING)
        .is_some_and(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"identity"))
    {
        return Err(unsupported("a body with a Content-Encoding"));
    }
    let text = headers.get(CONTENT_TYPE).ok_or_else(|| unsupported("a body without a Content-Type"))?;
    let text = text.to_str().map_err(|_| Error::bad_request("the Content-Type is not ASCII text"))?;
    let media = MediaType::parse(text)
        .map_err(|error| Error::BadRequest(format!("the Content-Type: {error}").into()))?;
    if media.is("application", "dicom") {
        return Ok(Payload::OneInstance { transfer_syntax: named_syntax(&media) });
    }
    if metadata::is_json(&media) {
        return Ok(Payload::MetadataAlone);
    }
    if !media.is("multipart", "related") {
        return Err(unsupported(&media.to_string()));
    }
    let root = media.parameter("type").map(MediaType::parse).transpose();
    let root = root.map_err(|error| Error::BadRequest(format!("the type: {error}").into()))?;
    let parser = Parser::for_content_type(&media).map(Box::new);
    let parser = parser.map_err(|error| Error::BadRequest(error.to_string().into()));
    match root {
        Some(root) if metadata::is_json(&root) => Ok(Payload::Metadata(parser?)),
        Some(root) if !root.is("application", "dicom") => {
            Err(unsupported(&format!("multipart/related; type=\"{root}\"")))
        }
        _ => Ok(Payload::Instances(parser?)),
    }
}

fn named_syntax(media: &MediaType) -> Option<Uid> {
    media.parameter("transfer-syntax").and_then(|uid| Uid::parse(uid).ok())
}

async fn answer(outcomes: &Outcomes, base: &BaseUrl, form: Form) -> Result<Response, Error> {
    if outcomes.is_empty() {
        return Err(Error::bad_request("the body has no part"));
    }
    if outcomes.is_out_of_resources() {
        return Err(Error::Busy("the archive has no room for these instances now".into()));
    }
    let mut body = Vec::new();
    json::write(&outcomes.data_set(base), &mut body, &|_, _, _| None);
    let body = match form {
        Form::Json(_) => body.into(),
        Form::Xml => xml::document(body).await?,
    };
    let headers = [(CONTENT_TYPE, form.content_type()), (CACHE_CONTROL, "no-store")];
    Ok((outcomes.status(), headers, body).into_response())
}
