//! `…/instances/{instance}/rendered`: an instance drawn for the eye as JPEG, PNG or WebP (PS3.18 10.4.1.1.3, 8.3.5).

use super::pixels::more_than;
use super::rendering::Rendering;
use super::{Request, presented, stored};
use crate::accept::ImageFormat;
use crate::answer::Head;
use crate::content::Content;
use crate::error::Error;
use crate::resource::InstancePath;
use crate::state::State;
use crate::validators::Validators;
use axum::response::Response;
use bytes::Bytes;
use pacs_core::dataset::DataSet;
use pacs_core::pixels::{self, Layout, PixelError, PresentationState};
use pacs_core::tags;
use pacs_core::uid::Uid;
use std::sync::Arc;
use storage::{FrameBytes, InstancePlace, Rendition, RenditionKey};

/// What is drawn.
pub struct Subject {
    /// The image.
    pub place: InstancePlace,
    /// Its frame, counted from 0.
    pub frame: u32,
    /// The presentation state that it is shown by, with its header.
    pub state: Option<(InstancePlace, Arc<DataSet>)>,
}

impl Subject {
    /// A frame, counted from 0, as its image wants it.
    pub fn plain(place: InstancePlace, frame: u32) -> Self {
        Self { place, frame, state: None }
    }

    /// Names the picture by all that it depends on.
    pub fn key(&self, rendering: &Rendering) -> RenditionKey {
        let mut variant = format!("frame {} {}", self.frame + 1, rendering.name());
        if let Some((state, _)) = &self.state {
            variant.push_str(" by ");
            variant.extend(state.hash.iter().map(|byte| format!("{byte:02x}")));
        }
        RenditionKey::of_instance(&self.place, &variant)
    }
}

/// `…/instances/{instance}/rendered`
pub async fn of_instance(path: InstancePath, request: Request) -> Result<Response, Error> {
    let place = request.locate(&path).await?;
    let rendering = Rendering::read(&request.parameters()?, &request.accept()?)?;
    let subject = presented::shown(&request.state, &request.scope()?, place).await?;
    respond(&request, &subject, &rendering).await
}

/// The frame, counted from 0, that stands for the instance: the one it names itself, else the middle of a cine.
pub async fn representative(state: &State, place: &InstancePlace) -> Result<u32, Error> {
    let frames = place.frames.and_then(|frames| u32::try_from(frames).ok()).unwrap_or(1).max(1);
    if frames == 1 {
        return Ok(0);
    }
    let header = stored::header(&state.archive, place).await?;
    let named = header.int(tags::REPRESENTATIVE_FRAME_NUMBER).and_then(|frame| u32::try_from(frame).ok());
    Ok(named.filter(|frame| (1..=frames).contains(frame)).map_or(frames / 2, |frame| frame - 1))
}

/// Answers with the picture, unless too many are being drawn.
pub async fn respond(request: &Request, subject: &Subject, rendering: &Rendering) -> Result<Response, Error> {
    respond_in(Turn::Refused, request, subject, rendering).await
}

/// Answers with the picture when it has its turn.
pub async fn respond_in(
    turn: Turn,
    request: &Request,
    subject: &Subject,
    rendering: &Rendering,
) -> Result<Response, Error> {
    let validators = Validators::strong(subject.key(rendering).etag());
    if let Some(held) = request.held(&validators)? {
        return Ok(held);
    }
    let picture = picture(&request.state, subject, rendering, turn).await?;
    let head = Head::of_pixels(rendering.format.media_type().to_owned(), validators);
    request.ranged(head, Content::rendition(picture)).await
}

/// What happens to a picture when too many are being drawn.
#[derive(Debug, Clone, Copy)]
pub enum Turn {
    /// It is refused: whoever asked may come again.
    Refused,
    /// It waits for some seconds: it is one of many that were asked for at once.
    Awaited,
    /// It waits: it is one of many in an answer that has begun.
    Waited,
}

/// The picture, from the renditions or drawn now.
pub async fn picture(
    state: &State,
    subject: &Subject,
    rendering: &Rendering,
    turn: Turn,
) -> Result<Rendition, Error> {
    state.archive.rendition(&subject.key(rendering), || draw(state, subject, rendering, turn)).await
}

async fn draw(state: &State, subject: &Subject, rendering: &Rendering, turn: Turn) -> Result<Bytes, Error> {
    let Subject { place, frame, state: presentation } = subject;
    let frame = *frame;
    let mut turn = match turn {
        Turn::Refused => state.pixels.place_or_refuse()?,
        Turn::Awaited => state.pixels.place_before_long().await?,
        Turn::Waited => state.pixels.place_in_turn().await?,
    };
    let header = stored::header(&state.archive, place).await?;
    // What is odd there is no frame to be found.
    let layout = Layout::from(&header).map_err(|_| Error::NotFound("the frame"))?;
    // What a presentation state draws has its place on the pixels.
    let halvings = if presentation.is_none() && pixels::has_sizes(&place.transfer_syntax) {
        pixels::spare_halvings(&header, frame, &rendering.options)
    } else {
        0
    };
    let drawing = pixels::drawing_bytes(&layout.halved(halvings), &rendering.options);
    let encoded_bytes = stored::frame_bytes(&state.archive, place, frame, &layout).await?;
    let mut decoding = pixels::decoding_bytes(&place.transfer_syntax, &layout, encoded_bytes, halvings);
    loop {
        // What was read goes when it has been decoded.
        turn = state.pixels.give(turn, encoded_bytes.saturating_add(decoding).max(drawing)).await?;
        let encoded = stored::frame(&state.archive, place, frame).await?;
        let job = Drawing {
            image: place.uid.clone(),
            header: header.clone(),
            presentation: presentation.as_ref().map(|(_, header)| header.clone()),
            frame,
            halvings,
            rendering: rendering.clone(),
            decoding_bytes: decoding,
        };
        match state.pixels.run(turn, move || job.draw(encoded)).await? {
            Ok(picture) => return Ok(picture),
            Err(error) => decoding = more_than(decoding, error)?,
        }
        turn = state.pixels.place_in_turn().await?;
    }
}

/// All that a picture is made from, beside the encoded frame.
struct Drawing {
    image: Uid,
    header: Arc<DataSet>,
    presentation: Option<Arc<DataSet>>,
    frame: u32,
    /// How often the sides may be halved.
    halvings: u32,
    rendering: Rendering,
    /// What decoding may take.
    decoding_bytes: u64,
}

impl Drawing {
    /// Decodes, draws and encodes.
    fn draw(self, encoded: FrameBytes) -> Result<Bytes, PixelError> {
        let FrameBytes { bytes, transfer_syntax, layout } = encoded;
        let budget_bytes = self.decoding_bytes;
        let decoded = pixels::decode_halved(bytes, &transfer_syntax, &layout, self.halvings, budget_bytes)?;
        let state = self.presentation.as_deref();
        let state = state.and_then(|state| PresentationState::of(state, &self.image, self.frame));
        let own = pixels::Rendering::of(&self.header, self.frame);
        let wanted = match state {
            Some(state) => own.presented(state),
            None => own,
        };
        let mut picture = pixels::render(decoded, &wanted, &self.rendering.options)?;
        self.rendering.captions.write(&self.header, self.frame, &mut picture);
        let bytes = match self.rendering.format {
            ImageFormat::Jpeg => pixels::encode_jpeg(&picture, self.rendering.quality)?,
            ImageFormat::Png => pixels::encode_png(&picture)?,
            ImageFormat::Webp => pixels::encode_webp(&picture)?,
        };
        Ok(bytes.into())
    }
}
