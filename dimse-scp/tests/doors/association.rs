//! Associations through a real listener: what is accepted, what is rejected, and what the server
//! makes of peers that are slow, silent, absurd or gone.

use std::time::Duration;

use crate::support::wire::{Wire, request};
use crate::support::{
    Harness, PATIENCE, ae, dataset_of, eventually, impatient, proposals_for, slices, uid, verification,
};
use dimse_scp::UnknownAe;
use dimse_scp::dimse::{CommandField, CommandSet, Status, command::element};
use dimse_scp::pdu::stream::Token;
use dimse_scp::pdu::{AbortSource, Rejection, encode};
use dimse_scp::scu::{Association, Error, Options, Proposal};
use pacs_core::uids;
use storage::database::Durability;
use storage::devices::{self, Device};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::Instant;

const VERIFICATION: (&str, &str) = (uids::VERIFICATION, uids::IMPLICIT_VR_LITTLE_ENDIAN);
const CT: (&str, &str) = (uids::CT_IMAGE_STORAGE, uids::EXPLICIT_VR_LITTLE_ENDIAN);

fn echo_request(message_id: u16) -> CommandSet {
    CommandSet::request(CommandField::Echo, message_id)
        .with_uid(element::AFFECTED_SOP_CLASS_UID, &uid(uids::VERIFICATION))
}

#[tokio::test]
async fn an_association_carries_128_contexts() {
    let server = Harness::start().await;
    let syntaxes = [uid(uids::EXPLICIT_VR_LITTLE_ENDIAN), uid(uids::JPEG2000_LOSSLESS)];
    let mut proposals = vec![verification()];
    for n in 0..127 {
        let class =
            uid([uids::CT_IMAGE_STORAGE, uids::MR_IMAGE_STORAGE, uids::ENHANCED_CT_IMAGE_STORAGE][n % 3]);
        proposals.push(Proposal::new(class, syntaxes.to_vec()));
    }
    let mut association = server.connect(&proposals).await;
    assert_eq!(association.contexts().iter().count(), 128);
    assert!(association.contexts().get(255).is_some());
    assert_eq!(association.echo().await.unwrap(), Status::SUCCESS);
    association.release().await.unwrap();
    server.stop().await;
}

#[tokio::test]
async fn requests_are_rejected_with_source_and_reason() {
    let server = Harness::start_with(|config| config.unknown_ae = UnknownAe::Reject, |_| {}).await;
    let good = request(&[VERIFICATION]);
    let with = |change: fn(&mut dimse_scp::pdu::AssociateRq)| {
        let mut request = good.clone();
        change(&mut request);
        request
    };
    for (request, rejection) in [
        (with(|request| request.called_ae = "OTHER".into()), Rejection::CalledAe),
        (with(|request| request.called_ae = String::new()), Rejection::CalledAe),
        (with(|_| {}), Rejection::CallingAe),
        (with(|request| request.application_context = "1.2.3".into()), Rejection::ApplicationContext),
        (with(|request| request.protocol_version = 2), Rejection::ProtocolVersion),
    ] {
        let mut wire = Wire::connect(server.address).await;
        wire.send(&request.encode().unwrap()).await;
        assert_eq!(wire.token().await, Some(Token::AssociateRj(rejection)));
    }
    server.stop().await;
}

#[tokio::test]
async fn associations_are_limited_overall_and_by_title() {
    let limit = |config: &mut dimse_scp::Config| {
        config.max_associations = 3;
        config.max_associations_per_ae = 2;
    };
    let server = Harness::start_with(limit, |_| {}).await;
    let connect = async |title: &str| {
        let target = dimse_scp::scu::Target { calling_ae: ae(title), ..server.target() };
        Association::connect(&target, &[verification()], &Options::default()).await
    };
    let first = connect("A").await.unwrap();
    let _second = connect("A").await.unwrap();
    let refused = |result: Result<Association, Error>| {
        assert!(matches!(result, Err(Error::Rejected(Rejection::LimitExceeded))), "{result:?}");
    };
    refused(connect("A").await);
    let _third = connect("B").await.unwrap();
    refused(connect("C").await);
    first.release().await.unwrap();
    // The seat is given back before the release is answered.
    connect("C").await.unwrap();
    server.stop().await;
}

#[tokio::test]
async fn connections_that_never_ask_are_closed() {
    let server = Harness::start_with(|config| config.timeouts = impatient(), |_| {}).await;
    let began = Instant::now();
    // One says nothing, one drips a request byte by byte: the whole request has one deadline.
    let mut silent = Wire::connect(server.address).await;
    let mut dripping = Wire::connect(server.address).await;
    let bytes = request(&[VERIFICATION]).encode().unwrap();
    let drip = async {
        let mut tick = tokio::time::interval(Duration::from_millis(20));
        for byte in bytes.iter().cycle() {
            tick.tick().await;
            if dripping.stream.write_all(&[*byte]).await.is_err() {
                return;
            }
        }
    };
    let (silent, ()) = tokio::join!(silent.token(), drip);
    assert_eq!(silent, None);
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    server.assert_alive().await;
    server.stop().await;
}

#[tokio::test]
async fn slow_peers_disturb_nobody() {
    let server = Harness::start().await;
    let mut held = Vec::new();
    for n in 0..300 {
        let mut wire = match n % 3 {
            0 => Wire::connect(server.address).await,
            1 => {
                let mut wire = Wire::connect(server.address).await;
                wire.send(&request(&[VERIFICATION]).encode().unwrap()[..40]).await;
                wire
            }
            _ if n < 120 => Wire::associate(server.address, &[VERIFICATION]).await,
            _ => Wire::connect(server.address).await,
        };
        wire.send(&[]).await;
        held.push(wire);
    }
    let began = Instant::now();
    let instances = slices(20, 128, 1);
    server.fill(&instances).await;
    server.assert_alive().await;
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    drop(held);
    server.stop().await;
}

#[tokio::test]
async fn connections_that_say_nothing_keep_nobody_out() {
    let server = Harness::start().await;
    let mut held = Vec::new();
    for _ in 0..300 {
        held.push(Wire::connect(server.address).await);
    }
    // More than may wait: whoever has waited longest is sent away, long before the ARTIM timer.
    server.assert_alive().await;
    assert_eq!(held[0].token().await, None);
    held.last_mut().unwrap().send(&request(&[VERIFICATION]).encode().unwrap()).await;
    assert!(matches!(held.last_mut().unwrap().token().await, Some(Token::AssociateAc(_))));
    drop(held);
    server.stop().await;
}

#[tokio::test]
async fn the_title_of_a_device_is_good_from_its_address_only() {
    // Unknown callers are admitted; a known title from elsewhere is not an unknown caller.
    let server = Harness::start().await;
    let connect =
        async || Association::connect(&server.target(), &[verification()], &Options::default()).await;
    for (host, rejection) in [
        (Some("192.0.2.1"), Some(Rejection::CallingAe)),
        (Some("no-such-host.invalid"), Some(Rejection::Congestion)),
        (Some("127.0.0.1"), None),
        (None, None),
    ] {
        let mut device = Device::named(ae("TEST"));
        device.host = host.map(str::to_owned);
        devices::upsert(server.archive.database(), &device).await.unwrap();
        match (connect().await, rejection) {
            (Ok(association), None) => association.release().await.unwrap(),
            (Err(Error::Rejected(got)), Some(want)) => assert_eq!(got, want, "{host:?}"),
            (other, _) => panic!("{host:?}: {other:?}"),
        }
    }
    server.stop().await;
}

#[tokio::test]
async fn idle_and_stalled_associations_are_aborted() {
    let server = Harness::start_with(|config| config.timeouts = impatient(), |_| {}).await;
    let abort = Some(Token::Abort(AbortSource::User, 0));

    let mut idle = Wire::associate(server.address, &[VERIFICATION]).await;
    assert_eq!(idle.token().await, abort, "idle");

    let mut stalled = Wire::associate(server.address, &[CT]).await;
    let store = CommandSet::request(CommandField::Store, 1)
        .with_uid(element::AFFECTED_SOP_CLASS_UID, &uid(uids::CT_IMAGE_STORAGE))
        .with_uid(element::AFFECTED_SOP_INSTANCE_UID, &uid("1.2.3"))
        .followed_by_data();
    stalled.send_command(1, &store).await;
    assert_eq!(stalled.token().await, abort, "inside a message");

    // A data set that comes in tiny fragments, each before the timer runs out, does not count as
    // moving either.
    let mut dripping = Wire::associate(server.address, &[CT]).await;
    dripping.send_command(1, &store).await;
    let (mut read, mut write) = dripping.stream.split();
    let began = Instant::now();
    let drip = async {
        let mut tick = tokio::time::interval(Duration::from_millis(20));
        let fragment = [&encode::data_header(1, false, false, 2)[..], &[0, 0]].concat();
        loop {
            tick.tick().await;
            if write.write_all(&fragment).await.is_err() {
                return;
            }
        }
    };
    let aborted = async {
        let mut answer = [0u8; 10];
        read.read_exact(&mut answer).await.unwrap();
        answer
    };
    let answer = tokio::select! {
        answer = aborted => answer,
        () = drip => panic!("cut off without an abort"),
    };
    assert_eq!(answer, encode::abort(AbortSource::User, 0));
    assert!(began.elapsed() < Duration::from_secs(5));
    server.assert_alive().await;
    server.stop().await;
}

#[tokio::test]
async fn a_peer_that_does_not_read_is_dropped() {
    let server = Harness::start_with(|config| config.timeouts = impatient(), |_| {}).await;
    let mut wire = Wire::associate(server.address, &[VERIFICATION]).await;
    let request = echo_request(1).encode();
    let mut pdu = encode::data_header(1, true, true, request.len() as u32).to_vec();
    pdu.extend(request);
    let burst = pdu.repeat(1000);
    let flood = async { while wire.stream.write_all(&burst).await.is_ok() {} };
    tokio::time::timeout(Duration::from_secs(30), flood).await.expect("the server never hung up");
    server.assert_alive().await;
    server.stop().await;
}

#[tokio::test]
async fn faults_are_answered_with_an_abort() {
    let server = Harness::start().await;
    let invalid = Some(Token::Abort(AbortSource::Provider, 6));
    let unexpected = Some(Token::Abort(AbortSource::Provider, 2));
    let unrecognized = Some(Token::Abort(AbortSource::Provider, 1));
    let echo = echo_request(1).encode();
    let echo_pdu =
        |context: u8| [&encode::data_header(context, true, true, echo.len() as u32)[..], &echo].concat();
    let store = CommandSet::request(CommandField::Store, 1).followed_by_data().encode();
    let begun_store = [&encode::data_header(3, true, true, store.len() as u32)[..], &store].concat();
    let no_status = CommandSet::response(&echo_request(1), Status::SUCCESS).encode();
    for (what, bytes, answer) in [
        ("4 GiB PDU", vec![4, 0, 0xff, 0xff, 0xff, 0xff], &invalid),
        ("4 GiB request", vec![1, 0, 0xff, 0xff, 0xff, 0xff], &invalid),
        ("unknown type", vec![0x42, 0, 0, 0, 0, 0], &unrecognized),
        ("value longer than its PDU", vec![4, 0, 0, 0, 0, 8, 0, 0, 0, 99, 1, 3], &invalid),
        ("value without header", vec![4, 0, 0, 0, 0, 6, 0, 0, 0, 0, 1, 3], &invalid),
        ("empty P-DATA", vec![4, 0, 0, 0, 0, 0], &invalid),
        ("second request", request(&[VERIFICATION]).encode().unwrap(), &unexpected),
        ("data without command", encode::data_header(1, false, true, 0).to_vec(), &unexpected),
        ("context that was not accepted", echo_pdu(77), &unexpected),
        ("command set of garbage", [&encode::data_header(1, true, true, 4)[..], b"abcd"].concat(), &invalid),
        ("empty command set", encode::data_header(1, true, true, 0).to_vec(), &invalid),
        (
            "endless command set",
            [&encode::data_header(1, true, false, 20_000)[..], &[0; 20_000]].concat(),
            &invalid,
        ),
        (
            "command in two contexts",
            [&encode::data_header(1, true, false, 0)[..], &encode::data_header(3, true, true, 0)].concat(),
            &unexpected,
        ),
        ("command inside a data set", [&begun_store[..], &echo_pdu(1)].concat(), &unexpected),
        (
            "data set in another context",
            [&begun_store[..], &encode::data_header(1, false, true, 0)].concat(),
            &unexpected,
        ),
        ("release inside a data set", [&begun_store[..], &encode::release_request()].concat(), &unexpected),
        (
            "response nobody asked for",
            [&encode::data_header(1, true, true, no_status.len() as u32)[..], &no_status].concat(),
            &unexpected,
        ),
        ("release response", encode::release_response().to_vec(), &unexpected),
    ] {
        let mut wire = Wire::associate(server.address, &[VERIFICATION, CT]).await;
        wire.send(&bytes).await;
        assert_eq!(&wire.token().await, answer, "{what}");
    }
    // Before an association only a request is in order.
    let mut early = Wire::connect(server.address).await;
    early.send(&echo_pdu(1)).await;
    assert_eq!(early.token().await, unexpected);
    server.assert_alive().await;
    server.stop().await;
}

#[tokio::test]
async fn operations_that_do_not_fit_are_refused_and_the_association_goes_on() {
    let server = Harness::start().await;
    let mut wire = Wire::associate(server.address, &[VERIFICATION, CT]).await;
    let find = CommandSet::request(CommandField::Find, 1).followed_by_data();
    wire.send_command(1, &find).await;
    wire.send_set(1, false, &[0; 64]).await;
    let response = wire.command().await;
    assert_eq!(response.status(), Some(Status::SOP_CLASS_NOT_SUPPORTED));
    assert_eq!(response.responds_to(), Some(1));
    wire.send_command(3, &CommandSet::request(CommandField::Other(0x0150), 2)).await;
    assert_eq!(wire.command().await.status(), Some(Status::UNRECOGNIZED_OPERATION));
    // A cancel that comes too late is nothing to answer.
    wire.send_command(1, &CommandSet::cancel(1)).await;
    wire.send_command(1, &echo_request(3)).await;
    let response = wire.command().await;
    assert_eq!((response.status(), response.responds_to()), (Some(Status::SUCCESS), Some(3)));
    wire.send(&encode::release_request()).await;
    assert_eq!(wire.token().await, Some(Token::ReleaseRp));
    server.stop().await;
}

#[tokio::test]
async fn a_command_in_many_fragments_is_one_command() {
    let server = Harness::start().await;
    let mut wire = Wire::associate(server.address, &[VERIFICATION]).await;
    let command = echo_request(5).encode();
    for (n, byte) in command.iter().enumerate() {
        wire.send(&encode::data_header(1, true, n + 1 == command.len(), 1)).await;
        wire.send(&[*byte]).await;
    }
    assert_eq!(wire.command().await.responds_to(), Some(5));
    server.stop().await;
}

#[tokio::test]
async fn stopping_finishes_the_running_message_and_aborts_the_rest() {
    let server = Harness::start().await;
    // Larger than what waits in memory: its bytes in the spool show that it is under way.
    let instance = slices(1, 1500, 3).remove(0);
    let mut storing = Wire::associate(server.address, &[CT]).await;
    let mut idle = Wire::associate(server.address, &[VERIFICATION]).await;
    let store = CommandSet::request(CommandField::Store, 1)
        .with_uid(element::AFFECTED_SOP_CLASS_UID, &instance.class)
        .with_uid(element::AFFECTED_SOP_INSTANCE_UID, &instance.instance)
        .followed_by_data();
    storing.send_command(1, &store).await;
    let dataset = dataset_of(&instance);
    let (early, late) = dataset.split_at(dataset.len() / 2);
    for chunk in early.chunks(100_000) {
        storing.send(&encode::data_header(1, false, false, chunk.len() as u32)).await;
        storing.send(chunk).await;
    }
    eventually(async || server.archive.spool_bytes() > 1 << 20).await;
    server.shutdown.cancel();
    let abort = Some(Token::Abort(AbortSource::User, 0));
    assert_eq!(idle.token().await, abort);
    for chunk in late.chunks(100_000) {
        storing.send(&encode::data_header(1, false, false, chunk.len() as u32)).await;
        storing.send(chunk).await;
    }
    storing.send(&encode::data_header(1, false, true, 0)).await;
    assert_eq!(storing.command().await.status(), Some(Status::SUCCESS));
    assert_eq!(storing.token().await, abort);
    drop((idle, storing));
    assert!(server.place(&instance.instance).await.is_some());
    server.stop().await;
}

#[tokio::test]
async fn a_peer_that_holds_on_does_not_hold_up_a_stop() {
    let server = Harness::start().await;
    let mut idle = Wire::associate(server.address, &[VERIFICATION]).await;
    let mut released = Wire::associate(server.address, &[VERIFICATION]).await;
    released.send(&encode::release_request()).await;
    assert_eq!(released.token().await, Some(Token::ReleaseRp));
    let began = Instant::now();
    server.stop().await;
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    assert_eq!(idle.token().await, Some(Token::Abort(AbortSource::User, 0)));
}

/// DCMTK's `getscu` aborts instead of closing when it meets what it had not read, and then waits for
/// us. The ARTIM timer of the harness is longer than the patience here.
#[tokio::test]
async fn an_abort_after_the_release_closes_the_connection_at_once() {
    let server = Harness::start().await;
    let mut wire = Wire::associate(server.address, &[VERIFICATION]).await;
    wire.send(&encode::release_request()).await;
    assert_eq!(wire.token().await, Some(Token::ReleaseRp));
    let began = Instant::now();
    wire.send(&encode::abort(AbortSource::User, 0)).await;
    assert_eq!(wire.token().await, None);
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    server.stop().await;
}

#[tokio::test]
async fn an_acceptance_says_who_answers() {
    let server = Harness::start().await;
    let mut asked = request(&[VERIFICATION]);
    asked.user.asynchronous_operations = Some((0, 0));
    asked.user.identity = Some(dimse_scp::pdu::associate::UserIdentity {
        kind: 1,
        wants_answer: true,
        primary: b"somebody".to_vec(),
        secondary: Vec::new(),
    });
    let mut wire = Wire::connect(server.address).await;
    wire.send(&asked.encode().unwrap()).await;
    let Some(Token::AssociateAc(answer)) = wire.token().await else { panic!("not accepted") };
    assert_eq!((answer.called_ae.as_str(), answer.calling_ae.as_str()), ("SEN", "WIRE"));
    assert_eq!(answer.user.asynchronous_operations, Some((1, 1)));
    assert_eq!(answer.user.identity_answer, None, "there are no users here");
    assert!(answer.user.implementation_class.starts_with("2.25."));
    assert!(answer.user.implementation_version.starts_with("SEN"));
    assert!(answer.user.max_pdu_bytes >= 16384);
    server.stop().await;
}

/// Recorded conversations with bytes changed, dropped and added: the server answers, aborts or
/// hangs up, and serves on.
#[tokio::test]
async fn mutated_conversations_do_no_harm() {
    let server = Harness::start_with(|config| config.timeouts = impatient(), |_| {}).await;
    let instance = slices(1, 64, 9).remove(0);
    server.fill(std::slice::from_ref(&instance)).await;
    let conversation = {
        let store = CommandSet::request(CommandField::Store, 1)
            .with_uid(element::AFFECTED_SOP_CLASS_UID, &instance.class)
            .with_uid(element::AFFECTED_SOP_INSTANCE_UID, &uid("1.2.3.4"))
            .followed_by_data()
            .encode();
        let mut bytes = request(&[CT, VERIFICATION]).encode().unwrap();
        bytes.extend(encode::data_header(1, true, true, store.len() as u32));
        bytes.extend(store);
        for chunk in dataset_of(&instance).chunks(4000) {
            bytes.extend(encode::data_header(1, false, false, chunk.len() as u32));
            bytes.extend(chunk);
        }
        bytes.extend(encode::data_header(1, false, true, 0));
        bytes.extend(encode::release_request());
        bytes
    };
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    let mut random = move |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % below as u64) as usize
    };
    let rounds: Vec<Vec<u8>> = (0..300)
        .map(|_| {
            let mut bytes = conversation.clone();
            for _ in 0..=random(6) {
                let at = random(bytes.len());
                match random(4) {
                    0 => bytes[at] = random(256) as u8,
                    1 => drop(bytes.drain(at..(at + random(50)).min(bytes.len()))),
                    2 => bytes.insert(at, random(256) as u8),
                    // Headers are where lengths lie.
                    _ => bytes[at.min(400)] ^= 1 << random(8),
                }
            }
            bytes
        })
        .collect();
    let exchanges = rounds.chunks(30).map(async |part: &[Vec<u8>]| {
        for bytes in part {
            let mut wire = Wire::connect(server.address).await;
            wire.send(bytes).await;
            wire.stream.shutdown().await.ok();
            let mut answer = Vec::new();
            let ended =
                tokio::time::timeout(Duration::from_secs(20), wire.stream.read_to_end(&mut answer)).await;
            assert!(ended.is_ok(), "the server holds on to a connection that has ended");
        }
    });
    futures::future::join_all(exchanges).await;
    server.assert_alive().await;
    assert_eq!(server.dataset(&instance.instance).await, dataset_of(&instance));
    let again = slices(3, 64, 10);
    assert_eq!(proposals_for(&again).len(), 1);
    server.fill(&again).await;
    server.stop().await;
}

/// An association begins and is served while something else is written.
#[tokio::test]
async fn a_database_that_is_busy_keeps_nobody_from_being_answered() {
    let server = Harness::start().await;
    let database = server.archive.database();
    devices::upsert(database, &Device::named(ae("TEST"))).await.unwrap();
    let busy = database.begin(Durability::Batched).await.unwrap();
    tokio::time::timeout(PATIENCE, server.assert_alive()).await.expect("it waits for the database");
    drop(busy);
    eventually(async || devices::by_ae(database, &ae("TEST")).await.unwrap().unwrap().last_seen_ms.is_some())
        .await;
    server.stop().await;
}
