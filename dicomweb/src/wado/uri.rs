//! `/wado`: one instance that parameters name (WADO-URI, PS3.18 9), as the object or as a picture. The parameters are
//! another way of writing what the resources of WADO-RS are asked for, and are answered as those are.

use super::rendered::{self, Subject};
use super::rendering::{Rendering, VIEWPORT_MAX_PIXELS};
use super::{Request, instances, presented, stored};
use crate::accept::Accept;
use crate::error::Error;
use crate::resource::InstancePath;
use crate::wish::{Form, InstanceWish, SyntaxWish};
use axum::response::Response;
use pacs_core::pixels::Layout;
use pacs_core::uid::Uid;
use storage::InstancePlace;

/// What an instance is sent as.
#[derive(Debug, Clone, Copy)]
enum ObjectForm {
    /// The object, `application/dicom`.
    Dicom,
    /// A picture.
    Picture,
}

/// `GET /wado?requestType=WADO&studyUID=…&seriesUID=…&objectUID=…`
pub async fn retrieve(request: Request) -> Result<Response, Error> {
    let asked = Asked(request.parameters()?);
    asked.is_understood()?;
    let path = InstancePath {
        study: asked.uid("studyUID")?,
        series: asked.uid("seriesUID")?,
        instance: asked.uid("objectUID")?,
    };
    let place = request.locate(&path).await?;
    let accept = asked.value("contentType").map(Accept::of_parameter).transpose()?;
    let form = match &accept {
        Some(accept) => {
            let offered = [
                ("application", "dicom", ObjectForm::Dicom),
                ("image", "jpeg", ObjectForm::Picture),
                ("image", "png", ObjectForm::Picture),
            ];
            accept.choose(&offered, "application/dicom, image/jpeg and image/png")?
        }
        // A state is there to be seen.
        None if asked.names_state() => ObjectForm::Picture,
        None => usual(&request, &place).await?,
    };
    let accept = accept.map_or_else(|| Accept::parse(""), Ok)?;
    match form {
        ObjectForm::Dicom => instances::one(&request, place, &[asked.object(&accept)?]).await,
        ObjectForm::Picture => {
            let rendering = Rendering::read(&asked.rendering(&request, &place).await?, &accept)?;
            let subject = asked.subject(&request, &path, place).await?;
            rendered::respond(&request, &subject, &rendering).await
        }
    }
}

/// What an instance is sent as when nothing is asked for: a single picture as such, anything else as the object.
async fn usual(request: &Request, place: &InstancePlace) -> Result<ObjectForm, Error> {
    let header = stored::header(&request.state.archive, place).await?;
    let is_single = Layout::from(&header).is_ok_and(|layout| layout.frames == 1);
    Ok(if is_single { ObjectForm::Picture } else { ObjectForm::Dicom })
}

/// What names a presentation state: its series and itself.
const STATE: [&str; 2] = ["presentationSeriesUID", "presentationUID"];

/// The parameters of a request.
struct Asked(Vec<(String, String)>);

impl Asked {
    fn value(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(given, _)| given.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.trim()).filter(|value| !value.is_empty())
    }

    /// Refuses what would be answered with something else than was asked for.
    fn is_understood(&self) -> Result<(), Error> {
        if !self.value("requestType").is_some_and(|kind| kind.eq_ignore_ascii_case("WADO")) {
            return Err(Error::bad_request("requestType is WADO"));
        }
        if self.value("anonymize").is_some_and(|wish| !wish.eq_ignore_ascii_case("no")) {
            return Err(Error::bad_request("instances are not anonymized here"));
        }
        if self.names_state() && (self.value("windowCenter").is_some() || self.value("windowWidth").is_some())
        {
            return Err(Error::bad_request("the window is that of the presentation state"));
        }
        Ok(())
    }

    fn names_state(&self) -> bool {
        STATE.into_iter().any(|name| self.value(name).is_some())
    }

    fn uid(&self, name: &'static str) -> Result<Uid, Error> {
        let text = self.value(name).ok_or_else(|| Error::BadRequest(format!("{name} is missing").into()))?;
        Uid::parse(text).map_err(|error| Error::BadRequest(format!("{name}: {error}").into()))
    }

    fn number(&self, name: &'static str) -> Result<Option<u32>, Error> {
        let wrong = || Error::BadRequest(format!("{name} is not a number from 1").into());
        let number = |text: &str| text.parse().ok().filter(|number| *number > 0).ok_or_else(wrong);
        self.value(name).map(number).transpose()
    }

    /// How the object is to leave.
    fn object(&self, accept: &Accept) -> Result<InstanceWish, Error> {
        let mut of_pictures = ["frameNumber", "annotation"].into_iter().chain(STATE);
        if let Some(name) = of_pictures.find(|name| self.value(name).is_some()) {
            return Err(Error::BadRequest(format!("{name} is of a picture, and this is the object").into()));
        }
        let named = accept.instances(true)?.into_iter().find(|wish| wish.form == Form::Single);
        let syntaxes = match (self.value("transferSyntax"), named) {
            (Some("*"), _) => vec![SyntaxWish::Stored],
            (Some(uid), _) => {
                let uid = Uid::parse(uid);
                vec![SyntaxWish::Exactly(uid.map_err(|_| Error::bad_request("transferSyntax is not a UID"))?)]
            }
            (None, Some(named)) => named.syntaxes,
            (None, None) => vec![SyntaxWish::Default],
        };
        Ok(InstanceWish { form: Form::Single, syntaxes })
    }

    /// The frame that is named, counted from 0.
    fn frame(&self, place: &InstancePlace) -> Result<Option<u32>, Error> {
        let Some(frame) = self.number("frameNumber")? else { return Ok(None) };
        if i64::from(frame) > place.frames.unwrap_or(1) {
            return Err(Error::bad_request("frameNumber is greater than the number of frames"));
        }
        Ok(Some(frame - 1))
    }

    /// What is drawn: the frame that is named, or the one that stands for the instance; by the presentation state that
    /// is named, which is one of the same study.
    async fn subject(
        &self,
        request: &Request,
        image: &InstancePath,
        place: InstancePlace,
    ) -> Result<Subject, Error> {
        let frame = self.frame(&place)?;
        if self.names_state() {
            let [series, state] = STATE;
            let (series, instance) = (self.uid(series)?, self.uid(state)?);
            let state = InstancePath { study: image.study.clone(), series, instance };
            let state = request.locate(&state).await.map_err(|error| match error {
                Error::NotFound(_) => Error::NotFound("the presentation state"),
                error => error,
            })?;
            return presented::of_image(request, place, frame, state).await;
        }
        let frame = match frame {
            Some(frame) => frame,
            None => rendered::representative(&request.state, &place).await?,
        };
        Ok(Subject::plain(place, frame))
    }

    /// The same parameters as WADO-RS names them (PS3.18 8.3.5).
    async fn rendering(
        &self,
        request: &Request,
        place: &InstancePlace,
    ) -> Result<Vec<(String, String)>, Error> {
        let mut named = Vec::new();
        match (self.value("windowCenter"), self.value("windowWidth")) {
            (Some(center), Some(width)) => named.push(("window".to_owned(), format!("{center},{width}"))),
            (None, None) => {}
            _ => return Err(Error::bad_request("windowCenter and windowWidth come together")),
        }
        for (ours, theirs) in [("imageQuality", "quality"), ("annotation", "annotation")] {
            if let Some(value) = self.value(ours) {
                named.push((theirs.to_owned(), value.to_owned()));
            }
        }
        let (rows, columns) = (self.number("rows")?, self.number("columns")?);
        let region = self.value("region");
        if rows.is_none() && columns.is_none() && region.is_none() {
            return Ok(named);
        }
        // One side alone leaves the other free: the picture keeps its proportions.
        let size = (columns.unwrap_or(VIEWPORT_MAX_PIXELS), rows.unwrap_or(VIEWPORT_MAX_PIXELS));
        let viewport = match region.map(region_of).transpose()? {
            None => format!("{},{}", size.0, size.1),
            Some([left, top, right, bottom]) => {
                let header = stored::header(&request.state.archive, place).await?;
                let layout = Layout::from(&header).map_err(|_| Error::NotFound("the frame"))?;
                let (across, down) = (f64::from(layout.columns), f64::from(layout.rows));
                let (width, height) = ((right - left) * across, (bottom - top) * down);
                let whole = |pixels: f64| (pixels.ceil() as u32).clamp(1, VIEWPORT_MAX_PIXELS);
                let is_sized = rows.is_some() || columns.is_some();
                let (wide, high) = if is_sized { size } else { (whole(width), whole(height)) };
                format!("{wide},{high},{},{},{width},{height}", left * across, top * down)
            }
        };
        named.push(("viewport".to_owned(), viewport));
        Ok(named)
    }
}

/// `left,top,right,bottom` as parts of the width and the height of the image.
fn region_of(text: &str) -> Result<[f64; 4], Error> {
    const FORM: Error = Error::BadRequest(std::borrow::Cow::Borrowed(
        "region is left,top,right,bottom from 0 to 1, with the left and the top before the others",
    ));
    let sides: Vec<f64> = text
        .split(',')
        .map(|side| side.trim().parse().ok().filter(|side| (0.0..=1.0).contains(side)))
        .collect::<Option<_>>()
        .ok_or(FORM)?;
    match sides.as_slice() {
        [left, top, right, bottom] if left < right && top < bottom => Ok([*left, *top, *right, *bottom]),
        _ => Err(FORM),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions() {
        assert_eq!(region_of("0,0.25, 0.5,1").unwrap(), [0.0, 0.25, 0.5, 1.0]);
        for text in ["", "0,0,1", "0,0,1,1,1", "0.5,0,0.5,1", "0,1,1,0", "-1,0,1,1", "0,0,2,1", "NaN,0,1,1"] {
            assert!(region_of(text).is_err(), "{text}");
        }
    }
}
