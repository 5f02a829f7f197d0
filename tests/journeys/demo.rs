//! `sen demo`: what a stranger sees first.

use serde_json::Value;

use crate::support::eventually;
use crate::support::program::{Sen, Setup};

async fn studies(sen: &Sen) -> usize {
    let list: Value = reqwest::get(sen.url("/api/v1/studies?limit=50")).await.unwrap().json().await.unwrap();
    list["items"].as_array().map_or(0, Vec::len)
}

#[tokio::test]
async fn a_demonstration_fills_itself_and_starts_again_with_what_it_has() {
    let setup = Setup::default().arguments(&["demo", "--studies", "1"]);
    let sen = setup.start();
    eventually("a synthetic study is there", || async { (studies(&sen).await >= 1).then_some(()) }).await;
    eventually("orders for today are there", || async {
        let list: Value = reqwest::get(sen.url("/api/v1/worklist")).await.ok()?.json().await.ok()?;
        (!list["items"].as_array()?.is_empty()).then_some(())
    })
    .await;
    let sen = sen.restart();
    assert!(studies(&sen).await >= 1, "the second start has them at once");
}

#[test]
fn a_demonstration_does_not_touch_an_archive_of_real_images() {
    let setup = Setup::default();
    let study = crate::support::images::Study::of("P1", "A");
    study.write(&setup.folder().join("ct"));
    crate::support::tools::succeeded(&setup.run(&["import", "ct"]));
    let demo = setup.run(&["demo"]);
    assert_eq!(demo.status.code(), Some(1), "{}", crate::support::tools::said(&demo));
}
