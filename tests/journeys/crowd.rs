//! Everybody at once: memory stays bounded however many send and however slowly, and nothing is lost.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use dimse_scp::dimse::Status;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use crate::support::images::Study;
use crate::support::modality;
use crate::support::program::Sen;
use crate::support::tools;

/// As many as may be open, from as many titles as that takes.
const ASSOCIATIONS: usize = 200;
const TITLES: usize = 4;
/// A small image, and one a little larger than what waits in memory until it is complete.
const EDGES_PIXELS: [u16; 2] = [64, 740];
/// Where a line halts: the first image is through, and of the second nearly a mebibyte.
const HALT_BYTES: u64 = 1_045_000;
/// Many times what it takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(300);

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_associations_halt_in_the_middle_of_an_image_and_store_it_all_the_same() {
    let sen = Sen::start();
    let everyone = Arc::new(Barrier::new(ASSOCIATIONS));
    let mut modalities = JoinSet::new();
    for number in 0..ASSOCIATIONS {
        let line = halting_line(sen.dimse, Arc::clone(&everyone)).await;
        modalities.spawn(push(line, number));
    }
    // A line that fails before it halts would keep the others waiting for ever.
    let pushed = tokio::time::timeout(PATIENCE, modalities.join_all()).await.unwrap();
    let studies: Vec<Study> = pushed.into_iter().flatten().collect();

    sen.assert_bounded("storing");
    let kept: Value =
        reqwest::get(sen.url("/dicomweb/instances?limit=5000")).await.unwrap().json().await.unwrap();
    assert_eq!(kept.as_array().unwrap().len(), studies.len());
    // Every kept byte is what was sent.
    let setup = sen.kill();
    tools::succeeded(&setup.run(&["verify"]));
}

/// One modality: an image of each size, over one association. Answers what was acknowledged.
async fn push(line: SocketAddr, number: usize) -> Vec<Study> {
    let studies = EDGES_PIXELS
        .map(|edge_pixels| Study { edge_pixels, ..Study::of(&format!("P{number}"), "NGUYỄN^VĂN A") });
    let calling = format!("CT{}", number % TITLES);
    let mut association = modality::associate(line, &calling, &modality::slice(&studies[0], 1)).await;
    for study in &studies {
        let response = association.store(&modality::slice(study, 1)).await.unwrap();
        assert_eq!(response.status, Status::SUCCESS);
    }
    association.release().await.unwrap();
    studies.into()
}

/// A port whose one connection leads to the archive, and halts until every line has halted.
async fn halting_line(to: SocketAddr, everyone: Arc<Barrier>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (near, _) = listener.accept().await.unwrap();
        let far = TcpStream::connect(to).await.unwrap();
        let ((mut near_read, mut near_write), (mut far_read, mut far_write)) =
            (near.into_split(), far.into_split());
        tokio::spawn(async move { tokio::io::copy(&mut far_read, &mut near_write).await });
        let mut first = (&mut near_read).take(HALT_BYTES);
        tokio::io::copy(&mut first, &mut far_write).await.unwrap();
        everyone.wait().await;
        // The end of the association is the end of this line.
        let _ = tokio::io::copy(&mut near_read, &mut far_write).await;
        let _ = far_write.shutdown().await;
    });
    address
}
