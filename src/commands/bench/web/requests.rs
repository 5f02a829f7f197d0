//! What viewers ask for: made from what a service says that it has.

use std::sync::Arc;

use anyhow::bail;
use serde_json::Value;

use super::codec::Codec;
use super::service::{DICOM_JSON, Service};

/// Frames as they are stored (PS3.18 8.7.3.5.2).
pub const STORED_FRAMES: &str = "multipart/related; type=\"application/octet-stream\"; transfer-syntax=*";
/// Instances as they are stored.
const STORED_INSTANCES: &str = "multipart/related; type=\"application/dicom\"; transfer-syntax=*";
/// Frames as a viewer draws them while they load: HTJ2K, by resolution.
const HTJ2K_FRAMES: &str = "multipart/related; type=\"image/jphc\"; transfer-syntax=1.2.840.10008.1.2.4.202";
const JPEG: &str = "image/jpeg";
/// Pictures of which none was made before.
const ANEW: usize = 2000;
/// Frames of one request for several.
const SEVERAL: i64 = 20;

/// Frames of a series that are asked for as HTJ2K: each is made once, before it is measured.
const HTJ2K: usize = 100;

/// One kind of request.
#[derive(Debug, Clone)]
pub struct Kind {
    /// What it is called in the table.
    pub what: String,
    /// What its answers are.
    pub accept: &'static str,
    /// Where they are, below the root of the service.
    pub paths: Arc<Vec<String>>,
    /// How its answers come about.
    pub made: Made,
}

/// How answers come about.
#[derive(Debug, Clone)]
pub enum Made {
    /// They lie there, or are asked for again: a file can stand beside each.
    Ready,
    /// They are looked for, each in other words than before: an archive may remember what it was asked.
    Searched,
    /// By this archive alone: no other has such a resource.
    Here,
    /// Each for the first time, so that no file can stand beside it.
    Anew,
    /// By this program, without any archive: what those that are made anew cannot be faster than.
    Alone(Codec),
}

impl Kind {
    /// Answers that a file can stand beside.
    pub fn new(what: impl Into<String>, accept: &'static str, paths: Vec<String>) -> Self {
        Self { what: what.into(), accept, paths: Arc::new(paths), made: Made::Ready }
    }
}

/// Searches in other words: the same question, which no text of a request tells from others. Beyond so many they begin
/// anew.
const IN_OTHER_WORDS: usize = 20_000;
/// What every answer has. Said once more it changes nothing, and each of its letters may be written in two ways.
const OF_EVERY_ANSWER: &str = "includefield=00080005";

/// So many searches that ask for what these do.
pub fn in_other_words(paths: &[String]) -> Vec<String> {
    let said = |number: usize| -> String {
        let mut left = number;
        let letters = OF_EVERY_ANSWER.chars().map(|letter| {
            if letter == '=' {
                return letter.to_string();
            }
            let is_other = left & 1 == 1;
            left >>= 1;
            if is_other { format!("%{:02X}", u32::from(letter)) } else { letter.to_string() }
        });
        letters.collect()
    };
    let searches = paths.iter().cycle().take(IN_OTHER_WORDS).enumerate().map(|(at, path)| {
        let begins = if path.contains('?') { '&' } else { '?' };
        format!("{path}{begins}{}", said(at))
    });
    searches.collect()
}

/// What viewers ask for: of the largest series among the newest, or of a study, of the object of most frames, and of
/// the largest picture.
pub async fn images(service: &Service, study: Option<&str>) -> anyhow::Result<Vec<Kind>> {
    let instances = newest(service, study).await?;
    let Some(series) = largest_series(&instances) else { bail!("there are no images") };
    let of_series: Vec<&Image> = instances.iter().filter(|image| image.series == series).collect();
    let at = |image: &Image| format!("{}/instances/{}", image.series, image.uid);
    let count = of_series.len();
    let mut kinds = vec![
        Kind::new(format!("metadata of {count} instances"), DICOM_JSON, vec![format!("{series}/metadata")]),
        Kind::new("frame", STORED_FRAMES, of_series.iter().map(|image| at(image) + "/frames/1").collect()),
        Kind::new(
            "frame as HTJ2K",
            HTJ2K_FRAMES,
            of_series.iter().take(HTJ2K).map(|image| at(image) + "/frames/1").collect(),
        ),
        Kind::new("instance", STORED_INSTANCES, of_series.iter().map(|image| at(image)).collect()),
        Kind::new(format!("series of {count} instances"), STORED_INSTANCES, vec![series.clone()]),
        Kind::new("thumbnail of the series", JPEG, vec![format!("{series}/thumbnail")]),
    ];
    if let Some(cine) = instances.iter().filter(|image| image.frames > 1).max_by_key(|image| image.frames) {
        let frames = cine.frames;
        let one = (1..=frames).map(|frame| format!("{}/frames/{frame}", at(cine))).collect();
        kinds.push(Kind::new(format!("frame of {frames}"), STORED_FRAMES, one));
        let several = (0..frames / SEVERAL).map(|part| {
            let list: Vec<String> = (1..=SEVERAL).map(|frame| (part * SEVERAL + frame).to_string()).collect();
            format!("{}/frames/{}", at(cine), list.join(","))
        });
        let several: Vec<String> = several.collect();
        if !several.is_empty() {
            kinds.push(Kind::new(format!("{SEVERAL} frames of {frames}"), STORED_FRAMES, several));
        }
    }
    if let Some(picture) = instances.iter().max_by_key(|image| image.pixels) {
        let rendered = format!("{}/rendered", at(picture));
        let size = format!("{} megapixels", picture.pixels / 1_000_000);
        kinds.push(Kind::new(format!("rendered, {size}"), JPEG, vec![rendered.clone()]));
        let quality = super::codec::QUALITY;
        let anew = (0..ANEW)
            .map(|n| format!("{rendered}?window={},4096,linear&quality={quality}", 1000 + n))
            .collect();
        let anew = Kind::new(format!("rendered anew, {size}"), JPEG, anew);
        kinds.push(Kind { made: Made::Anew, ..anew });
        // A picture that does not come is a failure of those above, one in colour is no measure of them.
        let drawn = service.bytes(&rendered, JPEG).await.ok();
        if let Some(codec) = drawn.and_then(|jpeg| Codec::of(jpeg, picture.rows, picture.columns).ok()) {
            let alone = Kind::new(format!("its JPEG encoder alone, {size}"), JPEG, Vec::new());
            kinds.push(Kind { made: Made::Alone(codec), ..alone });
        }
    }
    Ok(kinds)
}

/// Where the frames of the object with most of them are.
pub async fn frames(service: &Service) -> anyhow::Result<Vec<String>> {
    let instances = newest(service, None).await?;
    let most = instances.iter().max_by_key(|image| image.frames);
    let Some(image) = most else { bail!("there are no images") };
    let frame = |number| format!("{}/instances/{}/frames/{number}", image.series, image.uid);
    Ok((1..=image.frames).map(frame).collect())
}

/// Images of a study, or else the newest of all.
async fn newest(service: &Service, study: Option<&str>) -> anyhow::Result<Vec<Image>> {
    let mut path = "/instances?limit=5000&includefield=00280010&includefield=00280011".to_owned();
    if let Some(study) = study {
        path.push_str("&StudyInstanceUID=");
        path.push_str(study);
    }
    Ok(service.list(&path).await?.iter().filter_map(Image::of).collect())
}

/// An instance that has pixels.
struct Image {
    /// Path of its series.
    series: String,
    uid: String,
    frames: i64,
    rows: i64,
    columns: i64,
    pixels: i64,
}

impl Image {
    fn of(instance: &Value) -> Option<Self> {
        let number = |tag: &str| value(instance, tag)?.as_i64();
        let (rows, columns) = (number("00280010")?, number("00280011")?);
        Some(Self {
            series: format!(
                "/studies/{}/series/{}",
                value(instance, "0020000D")?.as_str()?,
                value(instance, "0020000E")?.as_str()?
            ),
            uid: value(instance, "00080018")?.as_str()?.to_owned(),
            frames: number("00280008").unwrap_or(1),
            rows,
            columns,
            pixels: rows * columns,
        })
    }
}

fn largest_series(instances: &[Image]) -> Option<String> {
    let mut counts = std::collections::BTreeMap::<&str, usize>::new();
    for image in instances {
        *counts.entry(&image.series).or_default() += 1;
    }
    counts.into_iter().max_by_key(|(_, count)| *count).map(|(series, _)| series.to_owned())
}

/// The first value of an attribute.
pub fn value<'a>(object: &'a Value, tag: &str) -> Option<&'a Value> {
    object.get(tag)?.get("Value")?.get(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_search_is_in_the_words_of_another() {
        let searches = in_other_words(&["/studies?limit=50".to_owned()]);
        let texts: std::collections::BTreeSet<&String> = searches.iter().collect();
        assert_eq!(texts.len(), IN_OTHER_WORDS);
        assert_eq!(searches[0], "/studies?limit=50&includefield=00080005");
        assert_eq!(searches[4096], "/studies?limit=50&includefield=%300080005");
    }
}
