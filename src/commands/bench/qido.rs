//! `sen bench qido`: the queries that pages and viewers make all day.

use anyhow::{Context as _, bail};
use clap::Args as ClapArgs;
use serde_json::Value;

use super::http_load::{DICOM_JSON, Service, fetch};
use super::measure;

/// What `sen bench qido` takes.
#[derive(Debug, ClapArgs)]
pub struct Args {
    #[command(flatten)]
    service: Service,

    /// Queries of each kind
    #[arg(long, default_value_t = 200)]
    queries: u64,
}

/// Queries the newest studies, and by patient, accession number, date and name of studies that are
/// there.
pub async fn run(args: Args) -> anyhow::Result<()> {
    let client = args.service.client()?;
    let newest = args.service.at("/studies?limit=50");
    let answer =
        client.get(&newest).header(reqwest::header::ACCEPT, DICOM_JSON).send().await?.error_for_status()?;
    let studies: Vec<Value> = answer.json().await.context("the answer to a QIDO query is no DICOM JSON")?;
    if studies.is_empty() {
        bail!("the archive has no studies to query for");
    }
    let values = |tag: &str, component: &str| -> Vec<String> {
        studies
            .iter()
            .filter_map(|study| {
                let value = study.get(tag)?.get("Value")?.get(0)?;
                Some(value.get(component).unwrap_or(value).as_str()?.to_owned())
            })
            .filter(|value| !value.is_empty())
            .collect()
    };
    let (mut rows, mut failures) = (Vec::new(), 0);
    let kinds = [
        ("newest 50", "", Vec::new()),
        ("PatientID", "PatientID", values("00100020", "")),
        ("AccessionNumber", "AccessionNumber", values("00080050", "")),
        ("StudyDate", "StudyDate", values("00080020", "")),
        ("PatientName", "PatientName", values("00100010", "Alphabetic")),
    ];
    for (what, key, values) in kinds {
        if !key.is_empty() && values.is_empty() {
            continue;
        }
        let urls: Vec<String> = values
            .iter()
            .map(|value| {
                let query: String =
                    url::form_urlencoded::Serializer::new(String::new()).append_pair(key, value).finish();
                args.service.at(&format!("/studies?limit=50&{query}"))
            })
            .collect();
        let (client, newest) = (client.clone(), newest.clone());
        let work = move |number: u64| {
            let index = usize::try_from(number).unwrap_or(0) % urls.len().max(1);
            let (client, url) = (client.clone(), urls.get(index).unwrap_or(&newest).clone());
            async move {
                // An empty array is what some answer instead of nothing.
                match fetch(&client, &url, DICOM_JSON).await? {
                    ..=2 => bail!("nothing was found"),
                    bytes => Ok(bytes),
                }
            }
        };
        let (measured, elapsed) = args.service.measure(args.queries, work).await?;
        failures += measured.failures();
        rows.push(measured.row(&format!("QIDO {what}"), "answers", elapsed));
    }
    measure::print(&rows, args.service.pid)?;
    if failures > 0 {
        bail!("{failures} queries failed or found nothing");
    }
    Ok(())
}
