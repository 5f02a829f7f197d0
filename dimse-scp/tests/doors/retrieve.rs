//! C-GET and C-MOVE through real listeners: what comes back is what was stored, and what cannot be
//! sent is counted and named.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::support::retrieval::{content, counts, destination, get, receiving, second_archive};
use crate::support::wire::Wire;
use crate::support::{Harness, ae, dataset_of, samples, slices, uid};
use dimse_scp::dimse::{CommandSet, Status};
use dimse_scp::pdu::associate::{ContextAnswer, ContextResult, UserInformation};
use dimse_scp::pdu::stream::Token;
use dimse_scp::pdu::{AssociateAc, AssociateRq, encode};
use dimse_scp::scu::{Instance, Proposal};
use pacs_core::dataset::{self, DataSet, Limits, Until};
use pacs_core::uid::Uid;
use pacs_core::{Tag, tags, transfer_syntax, uids};
use storage::devices::{self, Device};

const GET: &str = uids::STUDY_ROOT_QUERY_RETRIEVE_INFORMATION_MODEL_GET;
const MOVE: &str = uids::STUDY_ROOT_QUERY_RETRIEVE_INFORMATION_MODEL_MOVE;
const EXPLICIT: &str = uids::EXPLICIT_VR_LITTLE_ENDIAN;
const IMPLICIT: &str = uids::IMPLICIT_VR_LITTLE_ENDIAN;

fn model(class: &str) -> Proposal {
    Proposal::new(uid(class), vec![uid(EXPLICIT)])
}

fn study_of(instance: &Instance) -> Uid {
    let syntax = transfer_syntax::of(&instance.transfer_syntax);
    let bytes = dataset_of(instance);
    let header = dataset::read_bytes(&bytes, &syntax, &Limits::default(), Until::PixelData).unwrap().data_set;
    header.uid(tags::STUDY_INSTANCE_UID).unwrap().unwrap()
}

fn study(study: &Uid) -> DataSet {
    let mut identifier = DataSet::new();
    identifier.put_text(tags::QUERY_RETRIEVE_LEVEL, "STUDY");
    identifier.put_uid(tags::STUDY_INSTANCE_UID, study);
    identifier
}

#[tokio::test]
async fn a_get_brings_back_what_was_stored() {
    let server = Harness::start().await;
    let instances = slices(12, 256, 1);
    server.fill(&instances).await;
    server.fill(&slices(3, 128, 2)).await;
    let class = &instances[0].class;
    let mut association = server.connect(&[model(GET), receiving(class, EXPLICIT)]).await;
    let (arrived, outcome) = get(&mut association, GET, &study(&study_of(&instances[0]))).await;
    assert_eq!(counts(&outcome), (Status::SUCCESS, 12, 0, 0));
    assert_eq!(arrived.len(), 12);
    for instance in &instances {
        let (syntax, bytes) = &arrived[&instance.instance];
        assert_eq!(*syntax, instance.transfer_syntax);
        assert!(*bytes == dataset_of(instance), "another data set came back");
    }
    // Nothing matches: a success without sub-operations.
    let (arrived, outcome) = get(&mut association, GET, &study(&uid("9.9.9"))).await;
    assert_eq!((arrived.len(), counts(&outcome)), (0, (Status::SUCCESS, 0, 0, 0)));
    association.release().await.unwrap();
    let came_and_went = audited(&server).await;
    let of = |act: &str, instance: &Instance| (act.to_owned(), format!("study:{}", study_of(instance)), None);
    let want = [of("store", &instances[0]), of("store", &slices(3, 128, 2)[0]), of("send", &instances[0])];
    assert_eq!(came_and_went, want, "once for each study");
    server.stop().await;
}

#[tokio::test]
async fn native_instances_are_written_in_the_other_native_encoding() {
    let server = Harness::start().await;
    let from = |name: &str| {
        samples("syntax").into_iter().chain(samples("modality")).find(|(n, _)| n == name).unwrap().1
    };
    for (instance, wanted) in
        [(from("MR_small_implicit.dcm"), EXPLICIT), (from("sr-comprehensive.dcm"), IMPLICIT)]
    {
        assert_ne!(instance.transfer_syntax, wanted);
        server.fill(std::slice::from_ref(&instance)).await;
        let mut association = server.connect(&[model(GET), receiving(&instance.class, wanted)]).await;
        let (arrived, outcome) = get(&mut association, GET, &study(&study_of(&instance))).await;
        association.release().await.unwrap();
        assert_eq!(counts(&outcome), (Status::SUCCESS, 1, 0, 0), "{:?}", outcome.comment);
        let (syntax, bytes) = &arrived[&instance.instance];
        assert_eq!(*syntax, wanted);
        let sent = content(&dataset_of(&instance), &instance.transfer_syntax);
        let got = content(bytes, syntax);
        let without_lengths = |elements: Vec<(Tag, Vec<u8>)>| {
            elements.into_iter().filter(|(tag, _)| tag.1 != 0).collect::<Vec<_>>()
        };
        assert!(without_lengths(got) == without_lengths(sent), "another content in {wanted}");
    }
    server.stop().await;
}

#[tokio::test]
async fn what_no_context_fits_is_counted_and_named() {
    let server = Harness::start().await;
    let compressed =
        samples("syntax").into_iter().find(|(name, _)| name == "MR_small_jp2klossless.dcm").unwrap().1;
    server.fill(std::slice::from_ref(&compressed)).await;
    // What would lose something is not made.
    let lossy = receiving(&compressed.class, uids::JPEG_BASELINE8_BIT);
    let mut association = server.connect(&[model(GET), lossy]).await;
    let (arrived, outcome) = get(&mut association, GET, &study(&study_of(&compressed))).await;
    assert!(arrived.is_empty());
    assert_eq!(counts(&outcome), (Status::CANNOT_PERFORM_SUBOPERATIONS, 0, 1, 0));
    assert_eq!(outcome.failed_instances, std::slice::from_ref(&compressed.instance));
    let why = format!("no presentation context for it in {}", compressed.transfer_syntax);
    assert_eq!(outcome.comment.as_deref(), Some(&*why), "whole in the 64 characters of a comment");
    association.release().await.unwrap();
    // A context without the provider role is none for C-GET.
    let plain = Proposal::new(compressed.class.clone(), vec![compressed.transfer_syntax.clone()]);
    let mut association = server.connect(&[model(GET), plain]).await;
    let (_, outcome) = get(&mut association, GET, &study(&study_of(&compressed))).await;
    assert_eq!(outcome.status, Status::CANNOT_PERFORM_SUBOPERATIONS);
    association.release().await.unwrap();
    server.stop().await;
}

#[tokio::test]
async fn a_receiver_that_refuses_is_reported() {
    let server = Harness::start().await;
    let instances = slices(3, 64, 3);
    server.fill(&instances).await;
    let mut association = server.connect(&[model(GET), receiving(&instances[0].class, EXPLICIT)]).await;
    let mut retrieval = association.get(&uid(GET), &study(&study_of(&instances[0]))).await.unwrap();
    let mut answers = [Status::OUT_OF_RESOURCES, Status(0xb007), Status::SUCCESS].into_iter();
    while retrieval.next().await.unwrap().is_some() {
        retrieval.answer(answers.next().unwrap()).await.unwrap();
    }
    let outcome = retrieval.outcome().unwrap();
    assert_eq!(counts(outcome), (Status::SUBOPERATIONS_FAILED, 1, 1, 1));
    assert_eq!(outcome.failed_instances.len(), 1);
    association.release().await.unwrap();
    server.stop().await;
}

#[tokio::test]
async fn a_cancelled_get_ends_with_what_remains() {
    let server = Harness::start().await;
    let instances = slices(30, 64, 4);
    server.fill(&instances).await;
    let mut association = server.connect(&[model(GET), receiving(&instances[0].class, EXPLICIT)]).await;
    let mut retrieval = association.get(&uid(GET), &study(&study_of(&instances[0]))).await.unwrap();
    let mut count = 0;
    while retrieval.next().await.unwrap().is_some() {
        count += 1;
        if count == 5 {
            retrieval.cancel().await.unwrap();
        }
        retrieval.answer(Status::SUCCESS).await.unwrap();
    }
    let outcome = retrieval.outcome().unwrap();
    assert_eq!(counts(outcome), (Status::CANCEL, 5, 0, 0));
    assert_eq!(outcome.remaining, 25);
    association.release().await.unwrap();
    server.stop().await;
}

/// What the audit log holds, oldest first.
async fn audited(server: &Harness) -> Vec<(String, String, Option<String>)> {
    server.audit_log.flush().await;
    let lines = storage::audit_log::before(server.archive.database(), i64::MAX, 100).await.unwrap();
    lines.into_iter().rev().map(|(_, line)| (line.act, line.subject, line.detail)).collect()
}

#[tokio::test]
async fn a_move_sends_to_a_configured_device() {
    let (server, receiver) = (Harness::start().await, second_archive().await);
    destination(&server, receiver.address).await;
    let mut instances = slices(10, 128, 5);
    server.fill(&instances).await;
    let compressed =
        samples("syntax").into_iter().find(|(name, _)| name == "MR_small_jp2klossless.dcm").unwrap().1;
    server.fill(std::slice::from_ref(&compressed)).await;
    instances.push(compressed.clone());
    let mut association = server.connect(&[model(MOVE)]).await;
    for (wanted, count) in [(&instances[0], 10), (&compressed, 1)] {
        let outcome = association.move_to(&uid(MOVE), &ae("DEST"), &study(&study_of(wanted))).await.unwrap();
        assert_eq!(counts(&outcome), (Status::SUCCESS, count, 0, 0), "{:?}", outcome.comment);
    }
    for instance in &instances {
        assert!(
            receiver.dataset(&instance.instance).await == dataset_of(instance),
            "another data set arrived"
        );
        assert_eq!(
            receiver.place(&instance.instance).await.unwrap().transfer_syntax,
            instance.transfer_syntax
        );
    }
    let one = {
        let mut identifier = study(&study_of(&instances[0]));
        identifier.put_text(tags::QUERY_RETRIEVE_LEVEL, "IMAGE");
        identifier.put_text(
            tags::SERIES_INSTANCE_UID,
            server.place(&instances[0].instance).await.unwrap().series_uid.as_str(),
        );
        identifier.put_texts(tags::SOP_INSTANCE_UID, &[&instances[0].instance, &instances[1].instance]);
        identifier
    };
    let outcome = association.move_to(&uid(MOVE), &ae("DEST"), &one).await.unwrap();
    assert_eq!(counts(&outcome), (Status::SUCCESS, 2, 0, 0));
    association.release().await.unwrap();
    let sent: Vec<_> = audited(&server).await.into_iter().filter(|(act, ..)| act == "send").collect();
    let to = |instance: &Instance| {
        ("send".to_owned(), format!("study:{}", study_of(instance)), Some("DEST".to_owned()))
    };
    assert_eq!(sent, [to(&instances[0]), to(&compressed)]);
    server.stop().await;
    receiver.stop().await;
}

#[tokio::test]
async fn destinations_that_are_unknown_or_away_are_told_apart() {
    let server = Harness::start().await;
    let instances = slices(3, 64, 6);
    server.fill(&instances).await;
    let identifier = study(&study_of(&instances[0]));
    let mut association = server.connect(&[model(MOVE)]).await;
    let outcome = association.move_to(&uid(MOVE), &ae("NOBODY"), &identifier).await.unwrap();
    assert_eq!(outcome.status, Status::MOVE_DESTINATION_UNKNOWN);
    // A device without an address cannot be sent to.
    devices::upsert(server.archive.database(), &Device::named(ae("DEST"))).await.unwrap();
    let outcome = association.move_to(&uid(MOVE), &ae("DEST"), &identifier).await.unwrap();
    assert_eq!(outcome.status, Status::MOVE_DESTINATION_UNKNOWN);
    // Nobody listens there any more.
    let away = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    destination(&server, away).await;
    let outcome = association.move_to(&uid(MOVE), &ae("DEST"), &identifier).await.unwrap();
    assert_eq!(counts(&outcome), (Status::CANNOT_PERFORM_SUBOPERATIONS, 0, 3, 0));
    assert_eq!(outcome.failed_instances.len(), 3);
    association.release().await.unwrap();
    server.stop().await;
}

/// A foreign destination that takes every association. It answers each C-STORE with `answer`, or
/// hangs up when one begins. Says where it listens and how many associations it has had.
async fn foreign_destination(
    answer: Option<(Status, &'static str)>,
) -> (std::net::SocketAddr, Arc<AtomicUsize>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let associations = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&associations);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let mut wire = Wire::over(stream);
            let Some(Token::AssociateRq(request)) = wire.token().await else { continue };
            count.fetch_add(1, Ordering::SeqCst);
            wire.send(&accepted(&request).encode().unwrap()).await;
            let mut command = None;
            while let Some(token) = wire.token().await {
                match (token, answer) {
                    (Token::Data(piece), Some(_)) if piece.is_command => {
                        command = Some((piece.context, CommandSet::decode(&piece.bytes).unwrap()));
                    }
                    (Token::Data(piece), Some((status, comment))) if piece.is_last => {
                        let (context, request) = command.take().unwrap();
                        let response = CommandSet::response(&request, status).with_comment(comment);
                        wire.send_command(context, &response).await;
                    }
                    (Token::Data(_), Some(_)) => {}
                    (Token::ReleaseRq, _) => wire.send(&encode::release_response()).await,
                    _ => break,
                }
            }
        }
    });
    (address, associations)
}

/// The acceptance of every context in its first transfer syntax.
fn accepted(request: &AssociateRq) -> AssociateAc {
    let contexts = request.contexts.iter().map(|context| ContextResult {
        id: context.id,
        answer: ContextAnswer::Accepted,
        transfer_syntax: context.transfer_syntaxes[0].clone(),
    });
    AssociateAc {
        protocol_version: 1,
        called_ae: request.called_ae.clone(),
        calling_ae: request.calling_ae.clone(),
        application_context: request.application_context.clone(),
        contexts: contexts.collect(),
        user: UserInformation { max_pdu_bytes: 1 << 16, ..UserInformation::default() },
    }
}

#[tokio::test]
async fn a_destination_that_breaks_everything_is_given_up() {
    let server = Harness::start().await;
    let (address, associations) = foreign_destination(None).await;
    destination(&server, address).await;
    let instances = slices(8, 64, 8);
    server.fill(&instances).await;
    let mut association = server.connect(&[model(MOVE)]).await;
    let outcome =
        association.move_to(&uid(MOVE), &ae("DEST"), &study(&study_of(&instances[0]))).await.unwrap();
    assert_eq!(counts(&outcome), (Status::CANNOT_PERFORM_SUBOPERATIONS, 0, 8, 0));
    assert_eq!(outcome.failed_instances.len(), 8);
    assert_eq!(associations.load(Ordering::SeqCst), 3, "an association for each instance");
    association.release().await.unwrap();
    server.stop().await;
}

#[tokio::test]
async fn what_a_destination_says_of_a_patient_goes_no_further() {
    let server = Harness::start().await;
    let answer = (Status::OUT_OF_RESOURCES, "NGUYEN VAN A is another patient");
    let (address, associations) = foreign_destination(Some(answer)).await;
    destination(&server, address).await;
    let instances = slices(3, 64, 9);
    server.fill(&instances).await;
    let mut association = server.connect(&[model(MOVE)]).await;
    let outcome =
        association.move_to(&uid(MOVE), &ae("DEST"), &study(&study_of(&instances[0]))).await.unwrap();
    assert_eq!(counts(&outcome), (Status::CANNOT_PERFORM_SUBOPERATIONS, 0, 3, 0));
    assert_eq!(outcome.comment.as_deref(), Some("the receiver answered 0xA700"));
    assert_eq!(associations.load(Ordering::SeqCst), 1, "a refusal is no broken association");
    association.release().await.unwrap();
    server.stop().await;
}

#[tokio::test]
async fn a_full_destination_is_reported() {
    let server = Harness::start().await;
    let receiver = Harness::start_with(
        |config| config.ae_titles = vec![(ae("DEST"), None)],
        |archive| archive.spool_limit_bytes = 200_000,
    )
    .await;
    destination(&server, receiver.address).await;
    let instances = slices(8, 256, 7);
    server.fill(&instances).await;
    let mut association = server.connect(&[model(MOVE)]).await;
    let outcome =
        association.move_to(&uid(MOVE), &ae("DEST"), &study(&study_of(&instances[0]))).await.unwrap();
    assert_eq!(outcome.status, Status::SUBOPERATIONS_FAILED);
    assert!(
        outcome.completed > 0 && outcome.failed > 0 && outcome.completed + outcome.failed == 8,
        "{outcome:?}"
    );
    for failed in &outcome.failed_instances {
        assert!(receiver.place(failed).await.is_none());
    }
    association.release().await.unwrap();
    server.stop().await;
    receiver.stop().await;
}
