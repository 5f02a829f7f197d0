//! Four associations that push until the program dies, and what they were promised.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use dimse_scp::dimse::Status;
use dimse_scp::scu::{Association, Content, Instance, Options, Proposal, Target};
use pacs_core::uid::{AeTitle, Uid};
use reqwest::StatusCode;
use testdata::ct_slices;

use crate::support::images::dataset_bytes;
use crate::support::program::Sen;

/// Instances that make a series; then the next one begins, so that series rest and are settled.
const SERIES: usize = 12;
/// Edge of the slices of each association, in pixels: the last one's are too large for memory.
const EDGES: [u16; 4] = [64, 128, 512, 800];

/// An instance that was acknowledged.
pub struct Kept {
    pub study: Uid,
    pub series: Uid,
    pub instance: Uid,
    dataset: Bytes,
}

/// What has been acknowledged so far.
#[derive(Clone, Default)]
pub struct Promises(Arc<Mutex<Vec<Kept>>>);

impl Promises {
    /// Pushes over four associations until each of them ends: with the program, it is expected.
    pub async fn push(&self, sen: &Sen, seed: u64) {
        let target = target(sen);
        let pushing = EDGES.iter().zip(0..).map(|(edge, number)| {
            let (promises, target) = (self.clone(), target.clone());
            let seed = seed * 1000 + number * 100;
            let slices = (seed..).flat_map(|seed| ct_slices(SERIES).sized(*edge).seeded(seed));
            tokio::spawn(async move { promises.push_all(&target, slices).await })
        });
        for ended in futures::future::join_all(pushing.collect::<Vec<_>>()).await {
            ended.unwrap();
        }
    }

    /// Pushes one small series over one association, all of which is acknowledged.
    pub async fn push_series(&self, sen: &Sen, count: usize) {
        self.push_all(&target(sen), ct_slices(count).sized(EDGES[0])).await;
        assert_eq!(self.count(), count);
    }

    /// Pushes one small instance over an association of its own.
    pub async fn push_one(&self, sen: &Sen, seed: u64) {
        self.push_all(&target(sen), ct_slices(1).sized(EDGES[0]).seeded(seed)).await;
    }

    async fn push_all(&self, target: &Target, slices: impl Iterator<Item = testdata::Instance>) {
        let mut series = slices.peekable();
        let first = series.peek().unwrap();
        let proposal = Proposal::new(first.class.clone(), vec![first.transfer_syntax.clone()]);
        let Ok(mut association) = Association::connect(target, &[proposal], &Options::default()).await else {
            return;
        };
        for made in series {
            let dataset = Bytes::copy_from_slice(made.dataset());
            let instance = Instance {
                class: made.class,
                instance: made.uid.clone(),
                transfer_syntax: made.transfer_syntax,
                content: Content::Memory(dataset.clone()),
            };
            match association.store(&instance).await {
                Ok(response) => {
                    assert_eq!(response.status, Status::SUCCESS, "{response:?}");
                    let kept = Kept { study: made.study, series: made.series, instance: made.uid, dataset };
                    self.0.lock().unwrap().push(kept);
                }
                // The program has died.
                Err(_) => return,
            }
        }
    }

    /// How many instances were acknowledged.
    pub fn count(&self) -> usize {
        self.0.lock().unwrap().len()
    }

    /// Forgets all but the first so many.
    pub fn keep_first(&self, count: usize) {
        self.0.lock().unwrap().truncate(count);
    }

    /// Waits until so many are.
    pub async fn wait_for(&self, count: usize) {
        let begun = Instant::now();
        while self.count() < count {
            assert!(begun.elapsed() < Duration::from_secs(60), "{} of {count} acknowledged", self.count());
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// What is wrong with what was promised: instances that are missing or differ.
    pub async fn broken(&self, sen: &Sen) -> Vec<String> {
        let client = reqwest::Client::new();
        let kept = std::mem::take(&mut *self.0.lock().unwrap());
        let mut broken = Vec::new();
        for Kept { study, series, instance, dataset } in kept {
            let url = sen.url(&format!("/dicomweb/studies/{study}/series/{series}/instances/{instance}"));
            match fetch(&client, &url).await {
                Ok((StatusCode::OK, file)) if dataset_bytes(&file) == dataset => {}
                Ok((StatusCode::OK, _)) => broken.push(format!("{instance} is not what was sent")),
                Ok((status, _)) => broken.push(format!("{instance} answers {status}")),
                // An answer that could not be completed ends its connection, whether or not its
                // head has been read by then.
                Err(cut) => broken.push(format!("{instance} is not answered: {cut}")),
            }
        }
        broken
    }
}

fn target(sen: &Sen) -> Target {
    Target {
        address: sen.dimse.to_string(),
        calling_ae: AeTitle::parse("CT1").unwrap(),
        called_ae: AeTitle::parse("SEN").unwrap(),
    }
}

/// The instance as stored, and the status that came with it.
async fn fetch(client: &reqwest::Client, url: &str) -> reqwest::Result<(StatusCode, Bytes)> {
    let asked = client.get(url).header("accept", "application/dicom; transfer-syntax=*").send().await?;
    let status = asked.status();
    Ok((status, asked.bytes().await?))
}
