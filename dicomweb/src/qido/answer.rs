//! The answer to a search: DICOM JSON, written while the rows come.
//!
//! The status and the headers have to be right before the first row is sent, so the answer is held until it is either
//! complete, which most are, or larger than is held of one; from there on it streams.

use super::again::{Asked, Whole};
use super::held_back::HeldBack;
use super::narrow::narrow;
use super::next::Here;
use super::parameters::Search;
use crate::answer::BY_ACCEPT_AND_CODING;
use crate::base_url::BaseUrl;
use crate::coding::{self, Coding};
use crate::error::Error;
use crate::outgoing;
use crate::state::State;
use crate::validators::CACHE;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures::{Stream, StreamExt, TryStreamExt, stream};
use http::HeaderValue;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, LINK, VARY, WARNING};
use pacs_core::access::Scope;
use pacs_core::dataset::vr_of;
use pacs_core::json::{Head, Object};
use pacs_core::query::{Level, Query, Returns};
use pacs_core::{Tag, json, tags};
use std::ops::RangeInclusive;
use std::pin::Pin;
use storage::query::{Answer, Held, Position, find_after, find_after_with_headers};
use storage::{Archive, AsOf, Streaming};

/// Most answers to one search. A larger set is read page by page.
pub const ANSWERS_MAX: u32 = 50_000;
/// Bytes of one piece of an answer; fewer when many are being sent.
const PIECE_BYTES: RangeInclusive<u64> = 1 << 10..=64 << 10;

type Rows = Pin<Box<dyn Stream<Item = Result<Answer, storage::Error>> + Send>>;

/// Searches and answers. An empty result is 200 with an empty list: so the current edition has it (PS3.18 11.9.3 of
/// 2026a, where 204 was struck out), and a list is what every client can read.
pub async fn respond(state: &State, search: Search, here: Here, asked: Asked) -> Result<Response, Error> {
    let archive = &state.archive;
    let as_of = AsOf::now(archive.database());
    let Search { mut query, after, .. } = search;
    let limit = query.limit.map_or(ANSWERS_MAX, |limit| limit.min(ANSWERS_MAX));
    // One row more tells whether there are more, which costs nothing; a count of all would cost a scan.
    query.limit = Some(limit.saturating_add(1));
    let rows: Rows = Box::pin(find_after_with_headers(archive, &query, &asked.scope, after));
    let mut writer = Writer::new(rows, &query, here.base.clone(), limit);
    let mut held = HeldBack::default();
    let mut bytes = piece_bytes();
    while let Some(piece) = writer.piece(bytes).await?
        && held.push(&piece)
        && !writer.ended
    {
        bytes = piece_bytes();
        if !held.reserve(bytes) {
            break;
        }
    }
    if writer.ended {
        let next = writer.last.filter(|_| writer.cut).and_then(|last| here.next(&last));
        let (body, coding) = coding::whole(held.freeze(), asked.coding).await?;
        let whole = Whole { body, coding, is_cut: writer.cut, next };
        let response = of_whole(whole.clone(), &asked);
        state.answers.put(asked, &whole, as_of);
        return Ok(response);
    }
    // The headers go before the rows, so the row that will be the last is looked up, and kept to. What goes meanwhile
    // must not count: both walks begin behind what has been written, and no number ends this one.
    let end = end_of_page(archive, &query, &asked.scope, writer.last, writer.left).await?;
    let last = end.as_ref().map(|end| end.last);
    if end.is_some() {
        let rest = Query { offset: 0, limit: None, ..query.clone() };
        writer.rows = Box::pin(find_after_with_headers(archive, &rest, &asked.scope, writer.last));
        writer.end_at = end;
    }
    let begun = stream::iter([Ok(held.freeze())]);
    let rest = stream::try_unfold(writer, |mut writer| async move {
        Ok::<_, Error>(writer.piece(piece_bytes()).await?.map(|piece| (piece, writer)))
    });
    let coded = coding::packed(begun.chain(rest), asked.coding);
    let body = outgoing::body(Bytes::new(), move |out| async move { out.send_all(coded).await }).await?;
    Ok(with_head(body, asked.coding, &asked, last.is_some(), last.and_then(|last| here.next(&last))))
}

/// The response of an answer that is complete.
pub fn of_whole(whole: Whole, asked: &Asked) -> Response {
    with_head(Body::from(whole.body), whole.coding, asked, whole.is_cut, whole.next)
}

/// The response with this body.
fn with_head(body: Body, coding: Coding, asked: &Asked, is_cut: bool, next: Option<HeaderValue>) -> Response {
    let mut response = ([(CONTENT_TYPE, asked.name.content_type())], body).into_response();
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, CACHE);
    headers.insert(VARY, HeaderValue::from_static(BY_ACCEPT_AND_CODING));
    coding.put(headers);
    if is_cut {
        // PS3.18 8.3.4.4: warn-code, the base URI of the service, text.
        let text = format!("299 {} \"There are additional results that can be requested\"", asked.base);
        if let Ok(value) = HeaderValue::try_from(text) {
            headers.insert(WARNING, value);
        }
    }
    if let Some(link) = next {
        headers.insert(LINK, link);
    }
    response
}

/// Where a page ends that has rows behind it.
struct EndOfPage {
    /// The last row, which may go before it is written.
    last: Position,
    /// The row behind it, which begins the next page.
    following: Position,
}

impl EndOfPage {
    /// Whether the row at that position belongs to the next page, `before` being the one that was written last.
    fn is_passed(&self, before: Option<Position>, at: Position) -> bool {
        before == Some(self.last) || at == self.following || at.is_behind(&self.last)
    }
}

/// The end of a page of which `left` rows are still to be written behind the one that was written last.
async fn end_of_page(
    archive: &Archive,
    query: &Query,
    scope: &Scope,
    written: Option<Position>,
    left: u32,
) -> Result<Option<EndOfPage>, Error> {
    let ends = Query {
        offset: left.saturating_sub(1),
        limit: Some(2),
        returns: Returns::Tags(Vec::new()),
        ..query.clone()
    };
    let rows: Vec<_> = find_after(archive.database(), &ends, scope, written).try_collect().await?;
    Ok(match (left, written, rows.as_slice()) {
        (0, Some(last), [following, ..]) => Some(EndOfPage { last, following: following.position()? }),
        (1.., _, [last, following]) => {
            Some(EndOfPage { last: last.position()?, following: following.position()? })
        }
        _ => None,
    })
}

/// How long the next piece is to be.
fn piece_bytes() -> usize {
    usize::try_from(Streaming::chunk_bytes(PIECE_BYTES)).unwrap_or(usize::MAX)
}

/// Writes rows as a JSON array.
struct Writer {
    rows: Rows,
    level: Level,
    /// What of sequences was asked for; empty where all of it was.
    paths: Vec<Vec<Tag>>,
    base: BaseUrl,
    /// How the JSON of the Retrieve URL begins.
    retrieve_url: Head,
    left: u32,
    begun: bool,
    ended: bool,
    /// Whether rows were left out.
    cut: bool,
    /// The row written last.
    last: Option<Position>,
    /// Where the page ends, when that was said before its rows were written.
    end_at: Option<EndOfPage>,
    _streaming: Streaming,
}

impl Writer {
    fn new(rows: Rows, query: &Query, base: BaseUrl, limit: u32) -> Self {
        let paths = match &query.returns {
            Returns::Tags(paths) => paths.clone(),
            Returns::All => Vec::new(),
        };
        Self {
            rows,
            level: query.level,
            paths,
            base,
            retrieve_url: Head::of(tags::RETRIEVE_URL, vr_of(tags::RETRIEVE_URL)),
            left: limit,
            begun: false,
            ended: false,
            cut: false,
            last: None,
            end_at: None,
            _streaming: Streaming::begin(),
        }
    }

    /// The next piece of the array, of so many bytes, or `None` after its end.
    async fn piece(&mut self, bytes: usize) -> Result<Option<Bytes>, Error> {
        if self.ended {
            return Ok(None);
        }
        let mut piece = Vec::with_capacity(bytes);
        if !self.begun {
            piece.push(b'[');
        }
        while piece.len() < bytes {
            let Some(row) = self.rows.try_next().await? else {
                self.end(&mut piece, false);
                break;
            };
            let at = row.position()?;
            let is_next_page = match &self.end_at {
                Some(end) => end.is_passed(self.last, at),
                None => self.left == 0,
            };
            if is_next_page {
                self.end(&mut piece, true);
                break;
            }
            self.left = self.left.saturating_sub(1);
            if self.begun {
                piece.push(b',');
            }
            self.begun = true;
            self.last = Some(at);
            self.write(&row, &mut piece)?;
        }
        Ok(Some(piece.into()))
    }

    fn end(&mut self, piece: &mut Vec<u8>, cut: bool) {
        piece.push(b']');
        self.ended = true;
        self.cut = cut;
    }

    /// Writes one answer, most of them straight from their rows.
    fn write(&self, answer: &Answer, out: &mut Vec<u8>) -> Result<(), Error> {
        let mut url = self.retrieve_url(answer)?;
        let Some(fields) = answer.fields()? else {
            let mut row = answer.data_set()?;
            narrow(&mut row, &self.paths);
            if let Some(url) = url {
                row.put_text(tags::RETRIEVE_URL, &url);
            }
            // Neither rows nor what is read of headers hold large values, so there is no bulk data to point at.
            json::write(&row, out, &|_, _, _| None);
            return Ok(());
        };
        let mut object = Object::begin(out);
        for field in fields {
            let (field, held) = field?;
            if field.tag >= tags::RETRIEVE_URL
                && let Some(url) = url.take()
            {
                object.text(&self.retrieve_url, &url);
            }
            match held {
                Held::Text(text) => object.text(&field.head, &text),
                Held::Number(number) => object.number(&field.head, number),
                Held::Nothing => object.empty(&field.head),
            }
        }
        object.end();
        Ok(())
    }

    /// Where what the row describes is retrieved (PS3.18 10.6.3.3).
    fn retrieve_url(&self, answer: &Answer) -> Result<Option<String>, Error> {
        let Some(study) = answer.uid(tags::STUDY_INSTANCE_UID)? else { return Ok(None) };
        if self.level < Level::Series {
            return Ok(Some(self.base.study(&study)));
        }
        let Some(series) = answer.uid(tags::SERIES_INSTANCE_UID)? else { return Ok(None) };
        if self.level < Level::Instance {
            return Ok(Some(self.base.series(&study, &series)));
        }
        let instance = answer.uid(tags::SOP_INSTANCE_UID)?;
        Ok(instance.map(|instance| self.base.instance(&study, &series, &instance)))
    }
}
