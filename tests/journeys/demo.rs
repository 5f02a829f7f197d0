//! `sen demo`: what a stranger sees first.

use serde_json::Value;

use crate::support::images::Study;
use crate::support::program::{Sen, Setup};
use crate::support::{eventually, tools};

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
fn strangers_may_call_a_demonstration_and_nothing_else() {
    let Some(echoscu) = tools::program("echoscu") else { return };
    for (command, is_welcome) in [(&["demo", "--studies", "0"][..], true), (&["serve"], false)] {
        let sen = Setup::default().without("SEN_UNKNOWN_AE").arguments(command).start();
        let arguments = ["-aet", "STRANGER", "-aec", "SEN", "127.0.0.1", &sen.dimse_port()];
        let called = tools::run(&echoscu, sen.folder(), &arguments);
        assert_eq!(called.status.success(), is_welcome, "{command:?}: {}", tools::said(&called));
    }
}

#[test]
fn a_demonstration_does_not_touch_a_real_archive() {
    let with_images = Setup::default();
    Study::of("P1", "A").write(&with_images.folder().join("ct"));
    tools::succeeded(&with_images.run(&["import", "ct"]));
    // No image yet, but somebody works with it.
    let in_use = Setup::default().file("[[device]]\nae_title = 'CT1'\nhost = 'ct1'\nport = 104\n").start();
    for real in [&with_images, in_use.setup()] {
        let demo = real.run(&["demo"]);
        assert_eq!(demo.status.code(), Some(1), "{}", tools::said(&demo));
        assert!(tools::said(&demo).contains("--data-dir"), "{}", tools::said(&demo));
        assert!(!real.folder().join("data/demo.json").exists());
    }
    assert!(!tools::succeeded(&with_images.run(&["user", "list"])).contains("admin"));
    assert!(tools::succeeded(&in_use.run(&["device", "list"])).contains("CT1"));
}
