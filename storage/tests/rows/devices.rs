//! What devices may do, and the associations that failed.

use pacs_core::uid::AeTitle;
use pacs_core::why::Why;
use storage::Error;
use storage::association_failures::{self, AssociationFailure};
use storage::devices::{self, Binding, Device, Rules};

use crate::backends::{Fresh, on_every_engine};
use crate::samples::NOW_MS;

on_every_engine!(
    rules_are_kept,
    adding_is_no_changing,
    the_last_failure_of_each_peer_is_kept,
    failures_are_bounded
);

fn title(text: &str) -> AeTitle {
    AeTitle::parse(text).unwrap()
}

async fn rules_are_kept(fresh: Fresh) {
    let strict = Rules {
        called: vec![title("SEN"), title("SEN 2")],
        max_associations: Some(2),
        max_answers: Some(100),
        requires_tls: true,
        certificate: Binding::parse("CN=CT1"),
        requires_user: true,
        worklist_own: true,
        worklist_days: Some(0),
    };
    let of = |rules: &Rules| Device { rules: rules.clone(), ..Device::named(title("CT1")) };
    for rules in [strict, Rules::default()] {
        devices::upsert(&fresh.db, &of(&rules)).await.unwrap();
        assert_eq!(devices::by_ae(&fresh.db, &title("CT1")).await.unwrap(), Some(of(&rules)));
    }
}

async fn adding_is_no_changing(fresh: Fresh) {
    let mut device = Device::named(title("CT1"));
    let missing = devices::change(&fresh.db, &device).await;
    assert!(matches!(missing, Err(Error::NotFound)), "{missing:?}");
    devices::add(&fresh.db, &device).await.unwrap();
    device.description = "Phòng 1".into();
    let twice = devices::add(&fresh.db, &device).await;
    assert!(matches!(twice, Err(Error::Conflict(_))), "{twice:?}");
    let kept = devices::by_ae(&fresh.db, &device.ae_title).await.unwrap().unwrap();
    assert_eq!(kept.description, "", "whoever was first");
    devices::change(&fresh.db, &device).await.unwrap();
    assert_eq!(devices::by_ae(&fresh.db, &device.ae_title).await.unwrap(), Some(device));
}

fn failure(ae_title: &str, peer: &str, reason: &'static str) -> AssociationFailure {
    AssociationFailure {
        outgoing: false,
        ae_title: ae_title.into(),
        peer: peer.into(),
        called_ae: "SEN".into(),
        why: Why::new(reason, "x".repeat(1000)).with("status", "0xA700"),
    }
}

async fn the_last_failure_of_each_peer_is_kept(fresh: Fresh) {
    let db = &fresh.db;
    let here = |reason| failure("CT1", "10.0.0.5", reason);
    for (failure, at_ms) in [
        (here("callingUnknown"), 1),
        (here("callingUnknown"), 2),
        (failure("CT1", "10.0.0.6", "otherAddress"), 3),
        (failure("", "10.0.0.7", "notDicom"), 4),
        (AssociationFailure { outgoing: true, ..here("unreachable") }, 5),
    ] {
        association_failures::note(db, &failure, NOW_MS + at_ms).await.unwrap();
    }
    let seen = async || -> Vec<(String, String, i64, i64)> {
        let list = association_failures::list(db).await.unwrap();
        let row = |last: &association_failures::LastFailure| {
            let why = &last.failure.why;
            assert_eq!((why.detail.len(), &why.values["status"]), (300, &"0xA700".into()));
            (last.failure.peer.clone(), why.code.to_string(), last.at_ms - NOW_MS, last.times)
        };
        list.iter().map(row).collect()
    };
    let row = |peer: &str, reason: &str, at_ms, times| (peer.to_owned(), reason.to_owned(), at_ms, times);
    let all = [
        row("10.0.0.5", "unreachable", 5, 1),
        row("10.0.0.7", "notDicom", 4, 1),
        row("10.0.0.6", "otherAddress", 3, 1),
        row("10.0.0.5", "callingUnknown", 2, 2),
    ];
    assert_eq!(seen().await, all);
    association_failures::note(db, &here("aborted"), NOW_MS + 6).await.unwrap();
    assert_eq!(seen().await[0], row("10.0.0.5", "aborted", 6, 1), "another reason begins anew");
    association_failures::forget(db, "CT1").await.unwrap();
    assert_eq!(seen().await, [row("10.0.0.7", "notDicom", 4, 1)]);
}

async fn failures_are_bounded(fresh: Fresh) {
    for n in 0..520 {
        association_failures::note(&fresh.db, &failure(&format!("AE{n}"), "10.0.0.5", "x"), NOW_MS + n)
            .await
            .unwrap();
    }
    let list = association_failures::list(&fresh.db).await.unwrap();
    assert_eq!((list.len(), list[0].failure.ae_title.as_str()), (500, "AE519"));
    let later = NOW_MS + 100 * 24 * 3_600_000;
    association_failures::note(&fresh.db, &failure("NEW", "10.0.0.5", "x"), later).await.unwrap();
    assert_eq!(association_failures::list(&fresh.db).await.unwrap().len(), 1, "old ones are history");
}
