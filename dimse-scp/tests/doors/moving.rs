//! C-MOVE and C-GET while something is in their way: an association that breaks for good, an instance that takes long
//! to open, matches that take long to find, a device that speaks meanwhile.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::support::receiver::{Open, Receiver};
use crate::support::wire::{self, Wire};
use crate::support::{Harness, PATIENCE, ae, eventually, in_last_series, report_on, slices, uid};
use dimse_scp::dimse::{CommandField, CommandSet, Status, command::element};
use dimse_scp::pdu::Rejection;
use dimse_scp::pdu::associate::RoleSelection;
use dimse_scp::scu::{Instance, Proposal};
use pacs_core::dataset::{self, DataSet};
use pacs_core::transfer_syntax::TransferSyntax;
use pacs_core::{VR, tags, uids};
use storage::database::Durability;
use tokio::time::timeout;

const MOVE: &str = uids::STUDY_ROOT_QUERY_RETRIEVE_INFORMATION_MODEL_MOVE;
const GET: &str = uids::STUDY_ROOT_QUERY_RETRIEVE_INFORMATION_MODEL_GET;
const FRAMES_MOVE: &str = uids::COMPOSITE_INSTANCE_ROOT_RETRIEVE_MOVE;
const FRAMES_GET: &str = uids::COMPOSITE_INSTANCE_ROOT_RETRIEVE_GET;
const WITHOUT_BULK: &str = uids::COMPOSITE_INSTANCE_RETRIEVE_WITHOUT_BULK_DATA_GET;
const COMMITMENT: &str = uids::STORAGE_COMMITMENT_PUSH_MODEL;
const EXPLICIT: &str = uids::EXPLICIT_VR_LITTLE_ENDIAN;

/// The study of an instance.
async fn asked(server: &Harness, instance: &Instance) -> DataSet {
    let mut set = DataSet::new();
    set.put_text(tags::QUERY_RETRIEVE_LEVEL, "STUDY");
    set.put_uid(tags::STUDY_INSTANCE_UID, &server.place(&instance.instance).await.unwrap().study_uid);
    set
}

fn encoded(set: &DataSet) -> Vec<u8> {
    let mut bytes = Vec::new();
    dataset::write(set, &TransferSyntax::EXPLICIT_LITTLE_ENDIAN, &mut bytes).unwrap();
    bytes
}

/// Asks for what an identifier names, over a context of a model.
async fn ask(wire: &mut Wire, (context, class, field): (u8, &str, CommandField), wanted: &DataSet) {
    let request = CommandSet::request(field, 1)
        .with_uid(element::AFFECTED_SOP_CLASS_UID, &uid(class))
        .with_number(element::PRIORITY, 0);
    let request = match field {
        CommandField::Move => request.with_ae(element::MOVE_DESTINATION, &ae("DEST")),
        _ => request,
    };
    wire.send_command(context, &request.followed_by_data()).await;
    wire.send_set(context, false, &encoded(wanted)).await;
}

/// Asks to have a study moved to DEST.
async fn ask_to_move(wire: &mut Wire, context: u8, study: &DataSet) {
    ask(wire, (context, MOVE, CommandField::Move), study).await;
}

/// Asks to get a study.
async fn ask_to_get(wire: &mut Wire, context: u8, study: &DataSet) {
    ask(wire, (context, GET, CommandField::Get), study).await;
}

/// The final response.
async fn ended(wire: &mut Wire) -> CommandSet {
    loop {
        let response = wire.command().await;
        if !response.status().unwrap().is_pending() {
            return response;
        }
    }
}

async fn take(open: &mut Open, count: &mut usize) {
    let instance = open.instance().await.unwrap();
    open.answer(instance, Status::SUCCESS).await;
    *count += 1;
}

#[tokio::test]
async fn one_association_that_is_given_up_spoils_nothing_for_the_others() {
    let server = Harness::start().await;
    let receiver = Receiver::of(&server, "DEST").await;
    let instances = slices(60, 16, 1);
    server.fill(&instances).await;
    let study = asked(&server, &instances[0]).await;
    let mut association = server.connect(&[Proposal::new(uid(MOVE), vec![uid(EXPLICIT)])]).await;
    let destination = async {
        let mut taken = 0;
        let mut first = receiver.association().await;
        take(&mut first, &mut taken).await;
        // Two more are opened. One of them breaks off at its first instance, and is not taken again.
        let (mut second, mut third) = (receiver.association().await, receiver.association().await);
        second.instance().await.unwrap();
        drop(second);
        receiver.hang_up().await;
        let rest = async |mut open: Open| {
            let mut taken = 0;
            while let Some(instance) = open.instance().await {
                open.answer(instance, Status::SUCCESS).await;
                taken += 1;
            }
            open.let_go().await;
            taken
        };
        take(&mut third, &mut taken).await;
        let (one, other) = tokio::join!(rest(first), rest(third));
        taken + one + other
    };
    let (class, title) = (uid(MOVE), ae("DEST"));
    let (outcome, taken) = tokio::join!(association.move_to(&class, &title, &study), destination);
    let outcome = outcome.unwrap();
    assert_eq!((outcome.completed, outcome.failed, taken), (59, 1, 59), "{outcome:?}");
    association.release().await.unwrap();
    server.stop().await;
}

#[tokio::test]
async fn a_kind_that_comes_meanwhile_and_is_rejected_keeps_nothing_of_the_rest_back() {
    a_late_kind_is_rejected(Rejection::Unspecified, 1).await;
}

#[tokio::test]
async fn one_that_is_rejected_for_the_moment_is_asked_for_a_few_times() {
    a_late_kind_is_rejected(Rejection::LimitExceeded, 3).await;
}

/// Four reports come while images are sent, and the destination rejects so many associations for them.
async fn a_late_kind_is_rejected(rejection: Rejection, times: usize) {
    let server = Harness::start().await;
    let receiver = Receiver::of(&server, "DEST").await;
    let instances = slices(6, 16, 6);
    // The last series is read when the first has been opened: then there are reports in it that nobody has counted.
    let last = in_last_series(&instances[0], 9);
    server.fill(&instances).await;
    server.fill(std::slice::from_ref(&last)).await;
    let study = asked(&server, &instances[0]).await;
    let mut association = server.connect(&[Proposal::new(uid(MOVE), vec![uid(EXPLICIT)])]).await;
    let destination = async {
        let mut open = receiver.association().await;
        let first = open.instance().await.unwrap();
        server.fill(&[1, 2, 3, 4].map(|number| report_on(&instances[0], number))).await;
        open.answer(first, Status::SUCCESS).await;
        assert_eq!(open.take_all().await.len(), 5);
        for _ in 0..times {
            receiver.reject(rejection).await;
        }
        assert_eq!(receiver.association().await.take_all().await, std::slice::from_ref(&last.instance));
    };
    let (class, title) = (uid(MOVE), ae("DEST"));
    let (outcome, ()) = tokio::join!(association.move_to(&class, &title, &study), destination);
    let outcome = outcome.unwrap();
    assert_eq!((outcome.completed, outcome.failed), (7, 4), "{outcome:?}");
    association.release().await.unwrap();
    server.stop().await;
}

/// Puts a pipe that nobody writes to in the place of what the server has stored: who opens it waits.
fn opened_by_nobody(server: &Harness) -> Option<PathBuf> {
    let segment = server.segment();
    std::fs::remove_file(&segment).unwrap();
    let made = std::process::Command::new("mkfifo").arg(&segment).status();
    if !made.is_ok_and(|status| status.success()) {
        testdata::skipped("there is no mkfifo");
        return None;
    }
    Some(segment)
}

/// Lets go whoever waits for it.
fn let_go(segment: &Path) {
    std::fs::File::options().read(true).write(true).open(segment).unwrap();
}

#[tokio::test]
async fn a_retrieval_is_cancelled_while_an_instance_is_opened() {
    let server = Harness::start().await;
    let _receiver = Receiver::of(&server, "DEST").await;
    let instances = slices(1, 16, 2);
    server.fill(&instances).await;
    let study = asked(&server, &instances[0]).await;
    let Some(segment) = opened_by_nobody(&server) else { return };
    let mut wire = Wire::associate(server.address, &[(MOVE, EXPLICIT), (GET, EXPLICIT)]).await;
    let mut heard = Vec::new();
    for context in [1, 3] {
        match context {
            1 => ask_to_move(&mut wire, context, &study).await,
            _ => ask_to_get(&mut wire, context, &study).await,
        }
        let told = timeout(PATIENCE, wire.command()).await;
        wire.send_command(context, &CommandSet::cancel(1)).await;
        heard.push((told, timeout(PATIENCE, ended(&mut wire)).await));
    }
    let_go(&segment);
    for (told, response) in heard {
        assert_eq!(told.expect("nothing is told").status(), Some(Status::PENDING));
        let response = response.expect("the C-CANCEL is not heard");
        assert_eq!(response.status(), Some(Status::CANCEL));
        assert_eq!(response.number(element::NUMBER_OF_REMAINING_SUBOPERATIONS), Some(1));
    }
    drop(wire);
    server.stop().await;
}

#[tokio::test]
async fn a_retrieval_is_cancelled_while_a_header_is_read() {
    let server = Harness::start().await;
    let _receiver = Receiver::of(&server, "DEST").await;
    let instances = slices(1, 16, 7);
    server.fill(&instances).await;
    let Some(segment) = opened_by_nobody(&server) else { return };
    let contexts = [FRAMES_MOVE, FRAMES_GET, WITHOUT_BULK, uids::CT_IMAGE_STORAGE];
    let mut request = wire::request(&contexts.map(|class| (class, EXPLICIT)));
    let sop_class = uids::CT_IMAGE_STORAGE.to_owned();
    request.user.roles.push(RoleSelection { sop_class, scu: false, scp: true });
    let mut wire = Wire::connect(server.address).await;
    wire.send(&request.encode().unwrap()).await;
    wire.token().await.expect("an association");
    // What frames are made of is read before the first response; what goes without its bulk when its turn comes.
    let mut frames = DataSet::new();
    frames.put_text(tags::QUERY_RETRIEVE_LEVEL, "FRAME");
    frames.put_uid(tags::SOP_INSTANCE_UID, &instances[0].instance);
    let mut whole = frames.clone();
    whole.put_text(tags::QUERY_RETRIEVE_LEVEL, "IMAGE");
    frames.put_bytes(tags::SIMPLE_FRAME_LIST, VR::UL, vec![1, 0, 0, 0]);
    let mut heard = Vec::new();
    for (asked, wanted) in [
        ((1, FRAMES_MOVE, CommandField::Move), &frames),
        ((3, FRAMES_GET, CommandField::Get), &frames),
        ((5, WITHOUT_BULK, CommandField::Get), &whole),
    ] {
        ask(&mut wire, asked, wanted).await;
        let told = timeout(PATIENCE, wire.command()).await;
        wire.send_command(asked.0, &CommandSet::cancel(1)).await;
        heard.push((asked, told, timeout(PATIENCE, ended(&mut wire)).await));
    }
    let_go(&segment);
    for (asked, told, response) in heard {
        assert_eq!(told.expect("nothing is told").status(), Some(Status::PENDING), "{asked:?}");
        let response = response.expect("the C-CANCEL is not heard");
        assert_eq!(response.status(), Some(Status::CANCEL), "{asked:?}");
        assert_eq!(response.number(element::NUMBER_OF_REMAINING_SUBOPERATIONS), Some(1), "{asked:?}");
    }
    drop(wire);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_requestor_hears_and_is_heard_while_matches_are_counted() {
    let server = Harness::start().await;
    let _receiver = Receiver::of(&server, "DEST").await;
    let instances = slices(1, 16, 5);
    server.fill(&instances).await;
    let study = asked(&server, &instances[0]).await;
    // From now on whoever looks for a series waits for longer than the test takes.
    for sql in [
        "alter table series rename to series_there_were",
        "create view series as
         with recursive long (n) as (select 1 union all select n + 1 from long where n < 100000000)
         select s.* from series_there_were s where (select count(*) from long) > 0",
    ] {
        server.archive.database().execute(sql, Vec::new()).await.unwrap();
    }
    let mut wire = Wire::associate(server.address, &[(MOVE, EXPLICIT), (GET, EXPLICIT)]).await;
    for context in [1, 3] {
        match context {
            1 => ask_to_move(&mut wire, context, &study).await,
            _ => ask_to_get(&mut wire, context, &study).await,
        }
        for _ in 0..2 {
            let response = wire.command().await;
            assert_eq!(response.status(), Some(Status::PENDING));
            assert_eq!(response.number(element::NUMBER_OF_REMAINING_SUBOPERATIONS), Some(0));
        }
        wire.send_command(context, &CommandSet::cancel(1)).await;
        assert_eq!(ended(&mut wire).await.status(), Some(Status::CANCEL));
    }
    // The database cannot be closed before that.
}

#[tokio::test]
async fn a_requestor_hears_while_one_instance_takes_long() {
    let server = Harness::start().await;
    let receiver = Receiver::of(&server, "DEST").await;
    let instances = slices(1, 16, 4);
    server.fill(&instances).await;
    let study = asked(&server, &instances[0]).await;
    let mut wire = Wire::associate(server.address, &[(MOVE, EXPLICIT)]).await;
    ask_to_move(&mut wire, 1, &study).await;
    let mut open = receiver.association().await;
    let under_way = open.instance().await.unwrap();
    // One response may still tell of the beginning.
    for _ in 0..3 {
        let response = wire.command().await;
        assert_eq!(response.status(), Some(Status::PENDING));
        assert_eq!(response.number(element::NUMBER_OF_REMAINING_SUBOPERATIONS), Some(1));
    }
    open.answer(under_way, Status::SUCCESS).await;
    assert!(open.take_all().await.is_empty());
    let response = ended(&mut wire).await;
    assert_eq!(response.number(element::NUMBER_OF_COMPLETED_SUBOPERATIONS), Some(1));
    drop(wire);
    server.stop().await;
}

#[tokio::test]
async fn a_report_that_is_answered_during_a_move_is_not_sent_again() {
    let server = Harness::start().await;
    let receiver = Receiver::of(&server, "DEST").await;
    let instances = slices(5, 16, 3);
    server.fill(&instances).await;
    let study = asked(&server, &instances[0]).await;
    let mut wire = Wire::associate(server.address, &[(COMMITMENT, EXPLICIT), (MOVE, EXPLICIT)]).await;
    let report = committed(&mut wire, &instances[0]).await;
    ask_to_move(&mut wire, 3, &study).await;
    let mut open = receiver.association().await;
    let mut under_way = open.instance().await.unwrap();
    // While it is noted that the report was answered, the database is busy, and instances go on.
    let busy = server.archive.database().begin(Durability::Batched).await.unwrap();
    wire.send_command(1, &CommandSet::response(&report, Status::SUCCESS)).await;
    for _ in 0..3 {
        open.answer(under_way, Status::SUCCESS).await;
        match timeout(Duration::from_millis(300), open.instance()).await {
            Ok(next) => under_way = next.unwrap(),
            // It waits for the database.
            Err(_) => break,
        }
    }
    drop(busy);
    eventually(async || {
        let sql = "select 1 from job where kind = 'commitment'";
        server.archive.database().fetch_optional(sql, Vec::new()).await.unwrap().is_none()
    })
    .await;
    drop((open, wire));
    server.stop().await;
}

/// Asks whether an instance is safe; answers the command of the report, which is not answered yet.
async fn committed(wire: &mut Wire, instance: &Instance) -> CommandSet {
    let mut item = DataSet::new();
    item.put_uid(tags::REFERENCED_SOP_CLASS_UID, &instance.class);
    item.put_uid(tags::REFERENCED_SOP_INSTANCE_UID, &instance.instance);
    let mut request = DataSet::new();
    request.put_text(tags::TRANSACTION_UID, "1.2.3.4");
    request.put_items(tags::REFERENCED_SOP_SEQUENCE, vec![item]);
    let action = CommandSet::request(CommandField::NAction, 7)
        .with_uid(element::REQUESTED_SOP_CLASS_UID, &uid(COMMITMENT))
        .with_uid(element::REQUESTED_SOP_INSTANCE_UID, &uid(uids::STORAGE_COMMITMENT_PUSH_MODEL_INSTANCE))
        .with_number(element::ACTION_TYPE_ID, 1)
        .followed_by_data();
    wire.send_command(1, &action).await;
    wire.send_set(1, false, &encoded(&request)).await;
    assert_eq!(wire.command().await.status(), Some(Status::SUCCESS));
    let report = wire.command().await;
    assert_eq!(report.operation(), Some(CommandField::NEventReport));
    wire.token().await.expect("a data set");
    report
}
