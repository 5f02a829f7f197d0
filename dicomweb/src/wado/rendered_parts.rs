//! Several pictures as parts of one body (PS3.18 10.4.1.1.3), drawn one after the other while they are sent.

use crate::answer::Head;
use crate::content::Content;
use crate::error::Error;
use crate::multipart::Boundary;
use crate::outgoing;
use crate::validators::Validators;
use axum::response::Response;
use bytes::Bytes;
use futures::{Stream, TryStreamExt};
use storage::Rendition;

/// Answers with these pictures, each with the URL of its resource; `none` is what there is none of.
pub async fn respond(
    media: &'static str,
    validators: Validators,
    pictures: impl Stream<Item = Result<(String, Rendition), Error>> + Send + 'static,
    none: &'static str,
) -> Result<Response, Error> {
    let mut pictures = Box::pin(pictures);
    // The first is drawn before the answer begins: what is wrong with it can still be said with a status.
    let Some((mut location, mut picture)) = pictures.try_next().await? else {
        return Err(Error::NotFound(none));
    };
    let boundary = Boundary::new();
    let content_type = boundary.content_type(media);
    let body = outgoing::body(Bytes::new(), move |out| async move {
        loop {
            out.send(boundary.part_head(media, Some(&location))).await?;
            out.send_all(Content::rendition(picture).all()).await?;
            let Some(next) = pictures.try_next().await? else { break };
            (location, picture) = next;
        }
        out.send(boundary.close()).await?;
        Ok(())
    });
    Ok(Head::of_pixels(content_type, validators).with(body.await?, None))
}
