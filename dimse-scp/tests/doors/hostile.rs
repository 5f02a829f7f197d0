//! Every service with every kind of malformed data set and every operation that is not its own, over one association:
//! each is answered at once with its status, and the association goes on.

use crate::support::wire::Wire;
use crate::support::{Harness, ae, uid};
use dimse_scp::dimse::{CommandField, CommandSet, command::element};
use dimse_scp::pdu::encode;
use dimse_scp::pdu::stream::Token;
use dimse_scp::sop_class::{Root, SERVICES, Service, Steps};
use pacs_core::{tags, uids};
use tokio::time::{Duration, Instant};

const IMPLICIT: &str = uids::IMPLICIT_VR_LITTLE_ENDIAN;
/// No answer takes longer, whatever is asked on this machine.
const AT_ONCE: Duration = Duration::from_secs(5);

use CommandField::{Echo, Find, Get, Move, NAction, NCreate, NGet, NSet, Store};

/// An operation of a class that is tried, and the status of a data set that is missing, garbage, cut short, and empty.
struct Tried {
    class: &'static str,
    operation: CommandField,
    missing: u16,
    garbage: u16,
    empty: u16,
}

/// What is tried of everything that is served.
fn tried() -> Vec<Tried> {
    let stored = [uids::CT_IMAGE_STORAGE, uids::HANGING_PROTOCOL_STORAGE];
    let stored = stored.map(|class| (class, Service::Storage));
    let mut all = Vec::new();
    for (class, service) in SERVICES.iter().copied().chain(stored) {
        let operations: &[(CommandField, [u16; 3])] = match service {
            // Takes no data set.
            Service::Verification => &[],
            Service::Storage => &[(Store, [0xc000, 0xc000, 0xa900])],
            // An empty identifier asks for all protocols, and for the whole worklist.
            Service::Find(Root::NonPatient(_)) | Service::Worklist => &[(Find, [0xc000, 0xc000, 0x0000])],
            Service::Find(_) => &[(Find, [0xc000, 0xc000, 0xa900])],
            Service::Move(_) => &[(Move, [0xc000, 0xc000, 0xa900])],
            Service::Get(_) | Service::GetWithoutBulk => &[(Get, [0xc000, 0xc000, 0xa900])],
            Service::PerformedStep => &[(NCreate, [0x0115, 0x0110, 0x0120])],
            // Has no data set, so that none is read: there is no such step.
            Service::PerformedStepRetrieve => &[(NGet, [0x0112, 0x0112, 0x0112])],
            Service::StorageCommitment => &[(NAction, [0x0115, 0x0110, 0x0115])],
            Service::ProcedureStep(Steps::Push) => &[(NCreate, [0x0115, 0x0110, 0x0120])],
            Service::ProcedureStep(Steps::Pull) => &[
                (Find, [0xc000, 0xc000, 0x0000]),
                (NSet, [0x0115, 0x0110, 0xc307]),
                (NAction, [0x0115, 0x0110, 0x0115]),
            ],
            Service::ProcedureStep(Steps::Watch | Steps::Query) => &[(Find, [0xc000, 0xc000, 0x0000])],
        };
        all.extend(operations.iter().map(|(operation, [missing, garbage, empty])| Tried {
            class,
            operation: *operation,
            missing: *missing,
            garbage: *garbage,
            empty: *empty,
        }));
    }
    all
}

/// What a class has beside the operation that is tried.
fn further(class: &str) -> &'static [CommandField] {
    match class {
        uids::MODALITY_PERFORMED_PROCEDURE_STEP => &[NSet],
        uids::UNIFIED_PROCEDURE_STEP_PUSH | uids::UNIFIED_PROCEDURE_STEP_WATCH => &[NGet, NAction],
        uids::UNIFIED_PROCEDURE_STEP_PULL => &[Find, NSet, NGet, NAction],
        _ => &[],
    }
}

const OPERATIONS: [CommandField; 9] = [Echo, Store, Find, Move, Get, NCreate, NSet, NGet, NAction];

fn request_of(service: &Tried, operation: CommandField) -> CommandSet {
    let normalized = matches!(operation, NSet | NGet | NAction);
    let (class, instance) = match normalized {
        true => (element::REQUESTED_SOP_CLASS_UID, element::REQUESTED_SOP_INSTANCE_UID),
        false => (element::AFFECTED_SOP_CLASS_UID, element::AFFECTED_SOP_INSTANCE_UID),
    };
    let known = if operation == NAction { uids::STORAGE_COMMITMENT_PUSH_MODEL_INSTANCE } else { "1.2.3" };
    CommandSet::request(operation, 7)
        .with_uid(class, &uid(service.class))
        .with_uid(instance, &uid(known))
        .with_number(element::PRIORITY, 0)
        .with_number(element::ACTION_TYPE_ID, 1)
        .with_ae(element::MOVE_DESTINATION, &ae("NOBODY"))
}

/// Sends a request with these bytes for its data set, or without one; answers the last status.
async fn ask(wire: &mut Wire, context: u8, command: CommandSet, data: Option<&[u8]>) -> u16 {
    let began = Instant::now();
    match data {
        Some(data) => {
            wire.send_command(context, &command.followed_by_data()).await;
            wire.send_set(context, false, data).await;
        }
        None => wire.send_command(context, &command).await,
    }
    loop {
        let response = wire.command().await;
        assert_eq!(response.responds_to(), Some(7));
        assert!(began.elapsed() < AT_ONCE, "{:?}", began.elapsed());
        let status = response.status().unwrap();
        if response.has_data_set() {
            while !matches!(wire.token().await, Some(Token::Data(piece)) if piece.is_last) {}
        }
        if !status.is_pending() {
            return status.0;
        }
    }
}

#[tokio::test]
async fn nonsense_is_answered_at_once_by_every_service() {
    let server = Harness::start().await;
    let tried = tried();
    let contexts: Vec<(&str, &str)> = tried
        .iter()
        .map(|service| (service.class, IMPLICIT))
        .chain([(uids::VERIFICATION, IMPLICIT)])
        .collect();
    let mut wire = Wire::associate(server.address, &contexts).await;
    // A sequence nested deeper than anything, an element longer than all there is, and noise.
    let nested: Vec<u8> =
        [0x40, 0, 0x75, 0x02, 0xff, 0xff, 0xff, 0xff, 0xfe, 0xff, 0, 0xe0, 0xff, 0xff, 0xff, 0xff]
            .repeat(200);
    let lying = [0x08, 0, 0x52, 0, 0xf0, 0xff, 0xff, 0x7f, b'S', b'T'];
    let noise: Vec<u8> = (0..997u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 11) as u8).collect();
    for (service, context) in tried.iter().zip((1u8..).step_by(2)) {
        let class = service.class;
        let own = || request_of(service, service.operation);
        assert_eq!(ask(&mut wire, context, own(), None).await, service.missing, "{class}: none");
        for (what, data) in [("nested", &nested[..]), ("lying", &lying), ("noise", &noise)] {
            assert_eq!(ask(&mut wire, context, own(), Some(data)).await, service.garbage, "{class}: {what}");
        }
        assert_eq!(ask(&mut wire, context, own(), Some(&[])).await, service.empty, "{class}: empty");
        // Operations that are not the service's own.
        let belongs =
            |operation| operation == service.operation || further(service.class).contains(&operation);
        for operation in OPERATIONS.into_iter().filter(|operation| !belongs(*operation)) {
            let status = ask(&mut wire, context, request_of(service, operation), None).await;
            assert_eq!(status, 0x0122, "{class}: {operation:?}");
        }
        let unknown = request_of(service, CommandField::Other(0x0150));
        assert_eq!(ask(&mut wire, context, unknown, None).await, 0x0211, "{class}: no operation at all");
        // A C-CANCEL for nothing is no fault.
        wire.send_command(context, &CommandSet::cancel(99)).await;
    }
    let echo =
        CommandSet::request(Echo, 7).with_uid(element::AFFECTED_SOP_CLASS_UID, &uid(uids::VERIFICATION));
    let context = u8::try_from(tried.len() * 2 + 1).unwrap();
    assert_eq!(ask(&mut wire, context, echo, None).await, 0);
    wire.send(&encode::release_request()).await;
    assert_eq!(wire.token().await, Some(Token::ReleaseRp));
    server.assert_alive().await;
    server.stop().await;
}

/// A destination that is none is told before anything is looked for.
#[tokio::test]
async fn an_unknown_destination_is_told_apart_from_a_bad_identifier() {
    let server = Harness::start().await;
    let class = uids::STUDY_ROOT_QUERY_RETRIEVE_INFORMATION_MODEL_MOVE;
    let mut wire = Wire::associate(server.address, &[(class, IMPLICIT)]).await;
    let mut identifier = pacs_core::dataset::DataSet::new();
    identifier.put_text(tags::QUERY_RETRIEVE_LEVEL, "STUDY");
    identifier.put_text(tags::STUDY_INSTANCE_UID, "1.2");
    let mut encoded = Vec::new();
    let syntax = pacs_core::transfer_syntax::TransferSyntax::IMPLICIT_LITTLE_ENDIAN;
    pacs_core::dataset::write(&identifier, &syntax, &mut encoded).unwrap();
    let tried = tried();
    let service = tried.iter().find(|tried| tried.class == class).unwrap();
    assert_eq!(ask(&mut wire, 1, request_of(service, Move), Some(&encoded)).await, 0xa801);
    server.stop().await;
}
