//! Who is let in, through a real listener: the rules of a device, the users that requestors name, and what is noted of
//! those that were refused.

use crate::support::wire::{Wire, request};
use crate::support::{Harness, ae, dataset_of, eventually, slices, verification};
use dimse_scp::dimse::{CommandField, CommandSet, Status, command::element};
use dimse_scp::pdu::associate::UserIdentity;
use dimse_scp::pdu::stream::Token;
use dimse_scp::pdu::{Rejection, encode};
use dimse_scp::scu::{Association, Error, Options, Target};
use dimse_scp::{Config, NamedUser, UnknownAe, UserVerdict, Users};
use futures::FutureExt;
use pacs_core::uids;
use storage::association_failures::{self, LastFailure};
use storage::devices::{self, Device, Rules};
use tokio::io::AsyncWriteExt;

const VERIFICATION: (&str, &str) = (uids::VERIFICATION, uids::IMPLICIT_VR_LITTLE_ENDIAN);

/// A server with two titles of its own, whose only user is `lan` with the passcode `secret`.
async fn strict() -> Harness {
    let configure = |config: &mut Config| {
        config.unknown_ae = UnknownAe::Reject;
        config.ae_titles.push((ae("SEN2"), None));
        config.users = Some(Users::new(|user: NamedUser, _| {
            let verdict = match (user.name.as_str(), user.passcode.as_deref()) {
                ("lan", None | Some("secret")) => UserVerdict::Known,
                ("eager", _) => UserVerdict::Wait,
                _ => UserVerdict::Unknown,
            };
            async move { verdict }.boxed()
        }));
    };
    Harness::start_with(configure, |_| {}).await
}

async fn device(server: &Harness, title: &str, rules: Rules) {
    let device = Device { rules, ..Device::named(ae(title)) };
    devices::upsert(server.archive.database(), &device).await.unwrap();
}

async fn connect(server: &Harness, calling: &str, called: &str) -> Result<Association, Error> {
    let target = Target { calling_ae: ae(calling), called_ae: ae(called), ..server.target() };
    Association::connect(&target, &[verification()], &Options::default()).await
}

fn rejected(result: Result<Association, Error>) -> Rejection {
    match result {
        Err(Error::Rejected(rejection)) => rejection,
        other => panic!("not rejected: {other:?}"),
    }
}

/// The last failure of a title, once it is noted.
async fn noted(server: &Harness, title: &str, reason: &str) -> LastFailure {
    let mut found = None;
    eventually(async || {
        let list = association_failures::list(server.archive.database()).await.unwrap();
        found =
            list.into_iter().find(|last| last.failure.ae_title == title && last.failure.why.code == reason);
        found.is_some()
    })
    .await;
    found.unwrap()
}

#[tokio::test]
async fn a_device_keeps_its_rules() {
    let server = strict().await;
    device(&server, "CT1", Rules { called: vec![ae("SEN2")], ..Rules::default() }).await;
    connect(&server, "CT1", "SEN2").await.unwrap().release().await.unwrap();
    assert_eq!(rejected(connect(&server, "CT1", "SEN").await), Rejection::CalledAe);
    let failure = noted(&server, "CT1", "calledNotAllowed").await.failure;
    assert_eq!((failure.called_ae.as_str(), failure.peer.as_str()), ("SEN", "127.0.0.1"));

    // Changes count at once.
    device(&server, "CT1", Rules { max_associations: Some(1), ..Rules::default() }).await;
    let open = connect(&server, "CT1", "SEN").await.unwrap();
    assert_eq!(rejected(connect(&server, "CT1", "SEN").await), Rejection::LimitExceeded);
    noted(&server, "CT1", "tooManyOfTitle").await;
    open.release().await.unwrap();

    device(&server, "CT1", Rules { requires_tls: true, ..Rules::default() }).await;
    assert_eq!(rejected(connect(&server, "CT1", "SEN").await), Rejection::CallingAe);
    noted(&server, "CT1", "tlsRequired").await;
    server.stop().await;
}

#[tokio::test]
async fn refusals_are_noted_also_of_strangers() {
    let server = strict().await;
    for _ in 0..2 {
        assert_eq!(rejected(connect(&server, "STRANGER", "SEN").await), Rejection::CallingAe);
    }
    assert_eq!(rejected(connect(&server, "STRANGER2", "OTHER").await), Rejection::CalledAe);
    noted(&server, "STRANGER", "callingUnknown").await;
    eventually(async || noted(&server, "STRANGER", "callingUnknown").await.times == 2).await;
    noted(&server, "STRANGER2", "calledUnknown").await;
    // TLS at the port without it, and what is nothing at all.
    for (bytes, reason) in [(&[0x16, 3, 1, 0, 5, 1][..], "tlsAtPlainPort"), (b"GET / HTTP/1.1", "notDicom")] {
        let mut wire = Wire::connect(server.address).await;
        wire.stream.write_all(bytes).await.unwrap();
        assert!(matches!(wire.token().await, Some(Token::Abort(..))));
        drop(wire);
        noted(&server, "", reason).await;
    }
    // An association on which nothing could be done, and one that ended well.
    device(&server, "CT1", Rules::default()).await;
    let mut asked = request(&[("1.2.3", uids::IMPLICIT_VR_LITTLE_ENDIAN)]);
    asked.calling_ae = "CT1".into();
    let mut wire = Wire::connect(server.address).await;
    wire.send(&asked.encode().unwrap()).await;
    assert!(matches!(wire.token().await, Some(Token::AssociateAc(_))));
    drop(wire);
    noted(&server, "CT1", "nothingServed").await;
    let before = association_failures::list(server.archive.database()).await.unwrap();
    connect(&server, "CT1", "SEN").await.unwrap().release().await.unwrap();
    // A later failure is noted after whatever the association would have been noted for.
    assert_eq!(rejected(connect(&server, "LAST", "SEN").await), Rejection::CallingAe);
    noted(&server, "LAST", "callingUnknown").await;
    let after = association_failures::list(server.archive.database()).await.unwrap();
    assert_eq!(after[1..], before);
    server.stop().await;
}

#[tokio::test]
async fn users_are_asked_about() {
    let server = strict().await;
    device(&server, "FREE", Rules::default()).await;
    device(&server, "BOUND", Rules { requires_user: true, ..Rules::default() }).await;
    let (known, silent) = (Ok(Some(Vec::new())), Ok(None));
    for (calling, identity, want) in [
        ("FREE", None, silent.clone()),
        ("FREE", Some((1, "lan", "")), known.clone()),
        ("FREE", Some((2, "lan", "secret")), known.clone()),
        // A name alone is passed over where it is nobody's, a passcode is not.
        ("FREE", Some((1, "nobody", "")), silent.clone()),
        ("FREE", Some((2, "lan", "wrong")), Err("userWrong")),
        ("FREE", Some((2, "eager", "wrong")), Err("userHasToWait")),
        ("FREE", Some((3, "ticket", "")), silent.clone()),
        ("FREE", Some((4, "<assertion/>", "")), silent.clone()),
        ("BOUND", None, Err("userRequired")),
        ("BOUND", Some((1, "lan", "")), Err("userRequired")),
        ("BOUND", Some((5, "token", "")), Err("userRequired")),
        ("BOUND", Some((2, "lan", "secret")), known),
    ] {
        let mut asked = request(&[VERIFICATION]);
        asked.calling_ae = calling.into();
        asked.user.identity = identity.map(|(kind, primary, secondary)| UserIdentity {
            kind,
            wants_answer: true,
            primary: primary.into(),
            secondary: secondary.into(),
        });
        let mut wire = Wire::connect(server.address).await;
        wire.send(&asked.encode().unwrap()).await;
        match (wire.token().await, want) {
            (Some(Token::AssociateAc(answer)), Ok(want)) => {
                assert_eq!(answer.user.identity_answer, want, "{calling} {identity:?}");
                // One that is torn off would be noted too, in the place of what is to be noted next.
                wire.send(&encode::release_request()).await;
                assert_eq!(wire.token().await, Some(Token::ReleaseRp));
            }
            (Some(Token::AssociateRj(Rejection::UserIdentity)), Err(reason)) => {
                drop(wire);
                noted(&server, calling, reason).await;
            }
            (got, want) => panic!("{calling} {identity:?}: {got:?}, not {want:?}"),
        }
    }
    server.stop().await;
}

#[tokio::test]
async fn the_audit_log_says_whom_a_device_has_named() {
    let server = strict().await;
    device(&server, "CT1", Rules { requires_user: true, ..Rules::default() }).await;
    let instance = slices(1, 16, 1).remove(0);
    let mut asked = request(&[(instance.class.as_str(), instance.transfer_syntax.as_str())]);
    asked.calling_ae = "CT1".into();
    asked.user.identity = Some(UserIdentity {
        kind: 2,
        wants_answer: false,
        primary: b"lan".to_vec(),
        secondary: b"secret".to_vec(),
    });
    let mut wire = Wire::connect(server.address).await;
    wire.send(&asked.encode().unwrap()).await;
    assert!(matches!(wire.token().await, Some(Token::AssociateAc(_))));
    let store = CommandSet::request(CommandField::Store, 1)
        .with_uid(element::AFFECTED_SOP_CLASS_UID, &instance.class)
        .with_uid(element::AFFECTED_SOP_INSTANCE_UID, &instance.instance)
        .with_number(element::PRIORITY, 0)
        .followed_by_data();
    wire.send_command(1, &store).await;
    wire.send_set(1, false, &dataset_of(&instance)).await;
    assert_eq!(wire.command().await.status(), Some(Status::SUCCESS));
    server.audit_log.flush().await;
    let lines = storage::audit_log::before(server.archive.database(), i64::MAX, 9).await.unwrap();
    let line = &lines[0].1;
    assert_eq!((line.actor.as_str(), line.act.as_str()), ("device:CT1", "store"));
    assert_eq!(line.detail.as_deref(), Some("user lan"));
    drop(wire);
    server.stop().await;
}
