//! `sen bench frames`: what a viewer does when somebody opens a series.

use anyhow::bail;
use clap::Args as ClapArgs;
use serde_json::Value;

use super::http_load::{DICOM_JSON, Service, fetch};
use super::measure;

/// Frames as they are stored (PS3.18 8.7.3.5.2).
const STORED_SYNTAX: &str = "multipart/related; type=\"application/octet-stream\"; transfer-syntax=\"*\"";

/// What `sen bench frames` takes.
#[derive(Debug, ClapArgs)]
pub struct Args {
    #[command(flatten)]
    service: Service,

    /// Frames to retrieve: the first of each instance, all over again when there are fewer
    #[arg(long, default_value_t = 1000)]
    frames: u64,

    /// Study to take them from; otherwise the first that a query tells of
    #[arg(long, value_name = "UID")]
    study: Option<String>,
}

/// Retrieves the metadata of series and the first frame of instances, in their order.
pub async fn run(args: Args) -> anyhow::Result<()> {
    let client = args.service.client()?;
    let list = async |path: String| -> anyhow::Result<Vec<Value>> {
        let answer =
            client.get(args.service.at(&path)).header(reqwest::header::ACCEPT, DICOM_JSON).send().await?;
        if answer.status() == reqwest::StatusCode::NO_CONTENT {
            return Ok(Vec::new());
        }
        Ok(answer.error_for_status()?.json().await?)
    };
    let study = match &args.study {
        Some(study) => study.clone(),
        None => {
            match list("/studies?limit=1".to_owned()).await?.first().and_then(|study| text(study, "0020000D"))
            {
                Some(study) => study,
                None => bail!("the archive has no studies"),
            }
        }
    };
    let instances = list(format!("/studies/{study}/instances?limit=5000&includefield=00280010")).await?;
    let has_pixels = |instance: &Value| value(instance, "00280010").is_some();
    let mut frames = Vec::new();
    let mut metadata = Vec::new();
    for instance in instances.iter().filter(|instance| has_pixels(instance)) {
        let (Some(series), Some(uid)) = (text(instance, "0020000E"), text(instance, "00080018")) else {
            continue;
        };
        frames.push(args.service.at(&format!("/studies/{study}/series/{series}/instances/{uid}/frames/1")));
        let of_series = args.service.at(&format!("/studies/{study}/series/{series}/metadata"));
        if !metadata.contains(&of_series) {
            metadata.push(of_series);
        }
    }
    if frames.is_empty() {
        bail!("study {study} has no images");
    }
    let (mut rows, mut failures) = (Vec::new(), 0);
    for (what, unit, urls, accept, count) in [
        ("series metadata", "answers", metadata, DICOM_JSON, args.frames.div_ceil(10)),
        ("frames", "frames", frames, STORED_SYNTAX, args.frames),
    ] {
        let (client, there) = (client.clone(), urls.len());
        let work = move |number: u64| {
            let index = usize::try_from(number).unwrap_or(0) % urls.len().max(1);
            let (client, url) = (client.clone(), urls.get(index).cloned().unwrap_or_default());
            async move { fetch(&client, &url, accept).await }
        };
        let (measured, elapsed) = args.service.measure(count, work).await?;
        failures += measured.failures();
        rows.push(measured.row(&format!("WADO {what}, of {there}"), unit, elapsed));
    }
    measure::print(&rows, args.service.pid)?;
    if failures > 0 {
        bail!("{failures} requests failed");
    }
    Ok(())
}

fn value<'a>(object: &'a Value, tag: &str) -> Option<&'a Value> {
    object.get(tag)?.get("Value")?.get(0)
}

fn text(object: &Value, tag: &str) -> Option<String> {
    value(object, tag)?.as_str().map(str::to_owned)
}
