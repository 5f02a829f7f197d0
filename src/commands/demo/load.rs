//! The studies of a demonstration, through the same ingest as every other image.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use bytes::Bytes;
use futures::StreamExt as _;
use pacs_core::access::Scope;
use pacs_core::query::{Level, Query};
use storage::database::Database;
use storage::{Archive, Door, Envelope};
use testdata::{Instance, Province, Study};
use tokio::sync::{Mutex, mpsc};

use super::marker::Marker;
use crate::commands;

/// Instances made ahead of the archive; a full-size X-ray is about 10 MB.
const AHEAD: usize = 4;
/// Instances kept at the same time, which then share a sync.
const WORKERS: usize = 4;

/// Whether the archive of these rows holds any study.
pub async fn has_studies(database: &Database) -> anyhow::Result<bool> {
    let mut query = Query::new(Level::Study);
    query.limit = Some(1);
    let mut found = storage::query::find(database, &query, &Scope::All);
    Ok(found.next().await.transpose()?.is_some())
}

/// Makes the studies that are not in the archive yet, newest first, `most` of them in all; answers
/// how many were made now. What a run that was broken off left half is made again: the archive knows
/// the instances it has.
pub async fn studies(
    archive: &Archive,
    province: &Province,
    most: Option<usize>,
    marker: &mut Marker,
    data_dir: &Path,
) -> anyhow::Result<usize> {
    if marker.is_filled {
        return Ok(0);
    }
    let studies = province.studies();
    let wanted = most.unwrap_or(usize::MAX).min(studies.len());
    let bar = commands::progress_bar((wanted.saturating_sub(marker.studies)) as u64, "studies");
    bar.set_message("Đang tạo ảnh / making images");
    let mut made = 0;
    for study in studies.into_iter().take(wanted).skip(marker.studies) {
        keep(archive, study).await?;
        made += 1;
        marker.studies += 1;
        marker.write(data_dir)?;
        bar.inc(1);
    }
    marker.is_filled = true;
    marker.write(data_dir)?;
    bar.finish_and_clear();
    Ok(made)
}

/// Computes a study on a thread of its own while the archive takes what is ready.
async fn keep(archive: &Archive, study: Study) -> anyhow::Result<()> {
    let facility = study.order().hospital.code.to_owned();
    let device = study.order().device.ae_title.clone();
    let (ready, instances) = mpsc::channel::<Instance>(AHEAD);
    let making = tokio::task::spawn_blocking(move || {
        for instance in study.instances() {
            if ready.blocking_send(instance).is_err() {
                return;
            }
        }
    });
    let instances = Arc::new(Mutex::new(instances));
    let mut workers = tokio::task::JoinSet::new();
    for _ in 0..WORKERS {
        let (archive, instances) = (archive.clone(), Arc::clone(&instances));
        let (facility, device) = (facility.clone(), device.clone());
        workers.spawn(async move {
            loop {
                let instance = instances.lock().await.recv().await;
                let Some(instance) = instance else { return anyhow::Ok(()) };
                keep_instance(&archive, instance, &facility, &device).await?;
            }
        });
    }
    while let Some(worker) = workers.join_next().await {
        worker??;
    }
    making.await.context("a study could not be computed")
}

async fn keep_instance(
    archive: &Archive,
    instance: Instance,
    facility: &str,
    device: &pacs_core::uid::AeTitle,
) -> anyhow::Result<()> {
    let mut file = Bytes::from(instance.bytes);
    let head = file.split_to(instance.dataset_offset.min(file.len()));
    let mut incoming = archive
        .begin(Envelope {
            transfer_syntax: instance.transfer_syntax,
            declared_class: Some(instance.class),
            declared_instance: Some(instance.uid),
            declared_study: Some(instance.study),
            head: Some(head),
            calling_ae: Some(device.clone()),
            called_ae: None,
            peer: None,
            facility: Some(facility.to_owned()),
            received_by: Door::Import,
            expected_bytes: Some(file.len() as u64),
        })
        .await?;
    incoming.write(file).await?;
    incoming.finish().await?;
    Ok(())
}
