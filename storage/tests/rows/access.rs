//! Accounts, sessions, tokens and devices.

use pacs_core::access::{Facilities, Role};
use pacs_core::uid::AeTitle;
use storage::Error;
use storage::accounts::{self, NewAccount, Secret, sessions, tokens};
use storage::devices::{self, Device, Source};

use crate::backends::{Fresh, on_every_engine};
use crate::samples::*;

on_every_engine!(
    an_account_signs_in_until_its_session_ends,
    tokens_are_kept_as_hashes_and_can_be_taken_back,
    the_files_devices_win_over_rows,
    a_database_opens_again_as_it_was,
);

fn account(name: &str) -> NewAccount {
    NewAccount {
        name: name.into(),
        display_name: "BS. Lê Bình".into(),
        role: Role::Radiologist,
        facilities: Facilities::Only(vec!["BVTW".into(), "BVH".into()]),
        password_hash: Some("$argon2id$…".into()),
    }
}

async fn an_account_signs_in_until_its_session_ends(fresh: Fresh) {
    let db = &fresh.db;
    let id = accounts::create(db, &account("binh"), NOW_MS).await.unwrap();
    let taken = accounts::create(db, &account("binh"), NOW_MS).await;
    assert!(matches!(taken, Err(Error::Conflict(_))), "{taken:?}");
    let known = accounts::by_name(db, "binh").await.unwrap().unwrap();
    assert_eq!((known.id, known.role, known.disabled), (id, Role::Radiologist, false));
    assert_eq!(known.actor().id, "user:binh");
    assert_eq!(known.facilities, Facilities::Only(vec!["BVTW".into(), "BVH".into()]));
    assert!(accounts::by_name(db, "Binh").await.unwrap().is_none());

    let session = sessions::open(db, id, "10.0.0.1", NOW_MS, NOW_MS + 1000).await.unwrap();
    let who = |now_ms| {
        let text = session.text.clone();
        async move { sessions::account(db, &text, now_ms).await.unwrap().map(|account| account.name) }
    };
    assert_eq!(who(NOW_MS).await.as_deref(), Some("binh"));
    assert_eq!(who(NOW_MS + 1000).await, None, "expired");
    sessions::extend(db, &session.text, NOW_MS + 5000).await.unwrap();
    assert_eq!(who(NOW_MS + 1000).await.as_deref(), Some("binh"));
    assert!(sessions::account(db, &Secret::generate().text, NOW_MS).await.unwrap().is_none());
    accounts::set_password(db, "binh", "$argon2id$other").await.unwrap();
    assert_eq!(who(NOW_MS).await, None, "a new password ends the sessions");

    let again = sessions::open(db, id, "", NOW_MS, NOW_MS + 1000).await.unwrap();
    accounts::set_disabled(db, "binh", true).await.unwrap();
    assert!(sessions::account(db, &again.text, NOW_MS).await.unwrap().is_none());
    let nobody = accounts::set_password(db, "nobody", "x").await;
    assert!(matches!(nobody, Err(Error::NotFound)), "{nobody:?}");
    assert_eq!(sessions::prune(db, NOW_MS + 1000).await.unwrap(), 0, "disabling took it away");
}

async fn tokens_are_kept_as_hashes_and_can_be_taken_back(fresh: Fresh) {
    let db = &fresh.db;
    let rights = (Role::Device, &Facilities::All);
    let lasting = tokens::create(db, "OHIF", rights, &clerk(), NOW_MS, None).await.unwrap();
    let passing = tokens::create(db, "AI", rights, &clerk(), NOW_MS, Some(NOW_MS + 10)).await.unwrap();
    assert_eq!(lasting.text.len(), 64);
    let bearer = tokens::bearer(db, &lasting.text, NOW_MS + 20).await.unwrap().unwrap();
    assert_eq!((bearer.name.as_str(), bearer.actor().role), ("OHIF", Role::Device));
    assert!(tokens::bearer(db, &passing.text, NOW_MS + 20).await.unwrap().is_none(), "expired");
    assert!(tokens::bearer(db, &"0".repeat(64), NOW_MS).await.unwrap().is_none());
    let kept = db.fetch("select token_hash from token order by id", vec![]).await.unwrap();
    let hash: Vec<u8> = kept[0].at(0).unwrap();
    assert_eq!(hash, lasting.hash);
    assert_ne!(hash, lasting.text.as_bytes());
    tokens::revoke(db, bearer.id, NOW_MS).await.unwrap();
    assert!(tokens::bearer(db, &lasting.text, NOW_MS).await.unwrap().is_none());
    let twice = tokens::revoke(db, bearer.id, NOW_MS).await;
    assert!(matches!(twice, Err(Error::NotFound)), "{twice:?}");
    let list = tokens::list(db).await.unwrap();
    assert_eq!(list.iter().map(|token| token.name.as_str()).collect::<Vec<_>>(), ["AI", "OHIF"]);
    assert_eq!(list[1].last_used_ms, Some(NOW_MS + 20));
}

async fn the_files_devices_win_over_rows(fresh: Fresh) {
    let db = &fresh.db;
    let named = |title: &str, host: &str| Device {
        host: Some(host.into()),
        port: Some(104),
        facility: Some("BVTW".into()),
        ..Device::named(AeTitle::parse(title).unwrap())
    };
    devices::upsert(db, &named("CT1", "10.0.0.1")).await.unwrap();
    devices::upsert(db, &named("MR1", "10.0.0.2")).await.unwrap();
    devices::upsert(db, &named("MR1", "10.0.0.3")).await.unwrap();
    devices::from_file(db, &[named("CT1", "10.9.9.9"), named("US1", "10.0.0.4")]).await.unwrap();
    let list = devices::list(db).await.unwrap();
    let seen: Vec<_> =
        list.iter().map(|one| (one.ae_title.as_str(), one.host.as_deref().unwrap(), one.source)).collect();
    assert_eq!(
        seen,
        [
            ("CT1", "10.9.9.9", Source::File),
            ("MR1", "10.0.0.3", Source::Rows),
            ("US1", "10.0.0.4", Source::File)
        ]
    );
    for refused in [
        devices::upsert(db, &named("CT1", "x")).await,
        devices::remove(db, &AeTitle::parse("US1").unwrap()).await,
    ] {
        assert!(matches!(refused, Err(Error::Conflict(_))), "{refused:?}");
    }
    devices::from_file(db, &[named("CT1", "10.9.9.8")]).await.unwrap();
    devices::remove(db, &AeTitle::parse("MR1").unwrap()).await.unwrap();
    assert!(matches!(devices::remove(db, &AeTitle::parse("MR1").unwrap()).await, Err(Error::NotFound)));
    let title = AeTitle::parse("CT1").unwrap();
    devices::seen(db, &title, NOW_MS).await.unwrap();
    devices::seen(db, &title, NOW_MS + 5).await.unwrap();
    let only = devices::list(db).await.unwrap();
    assert_eq!(
        (only.len(), only[0].host.as_deref(), only[0].last_seen_ms),
        (1, Some("10.9.9.8"), Some(NOW_MS))
    );
}

async fn a_database_opens_again_as_it_was(fresh: Fresh) {
    accounts::create(&fresh.db, &account("binh"), NOW_MS).await.unwrap();
    fresh.db.close().await;
    let again = storage::database::Database::open(&fresh.url).await.unwrap();
    assert!(accounts::by_name(&again, "binh").await.unwrap().is_some());
    again.execute("insert into migration (version, name) values (9999, 'later')", vec![]).await.unwrap();
    let newer = storage::database::Database::open(&fresh.url).await;
    assert!(matches!(newer, Err(Error::Conflict(_))), "{newer:?}");
}

/// Where nobody listens it is tried for a while.
#[tokio::test]
async fn a_database_that_is_not_there_is_unavailable() {
    for wrong in ["mysql://x", "sqlite:///no/such/folder/sen.db", "postgres://127.0.0.1:1/x"] {
        let refused = storage::database::Database::open(wrong).await;
        assert!(matches!(refused, Err(Error::Unavailable(_))), "{wrong}: {refused:?}");
    }
}
