//! Archives that are pulled from and keep silent for long: who sends is waited for, who does not is given up.

use std::time::Duration;

use crate::support::pulled::{header, list, pull_from, study_of};
use crate::support::receiver::{Open, Receiver};
use crate::support::{Harness, ae, eventually, in_last_series, slices};
use dimse_scp::dimse::{CommandField, CommandSet, Status};
use dimse_scp::scu::Instance;
use pacs_core::access::{Actor, Scope};
use pacs_core::tags;
use storage::jobs::{JobId, JobState};
use storage::transfers::{self, Line, Selection, Task};

const ALL: Scope = Scope::All;

/// How long an archive may take to respond, where it is waited for in vain.
const RESPONSE: Duration = Duration::from_millis(500);

/// A server, an archive that it pulls a study from, and the request for its only series, which is not answered yet.
async fn asked_to_send(instances: &[Instance]) -> (Harness, Receiver, JobId, Open, (u8, CommandSet)) {
    let server = Harness::start_with(|config| config.timeouts.response = RESPONSE, |_| {}).await;
    let archive = Receiver::of(&server, "MUTE").await;
    let task = Task { device: ae("MUTE"), study: study_of(&instances[0]), selection: Selection::Study };
    let (database, now_ms) = (server.archive.database(), server.archive.config().clock.now_ms());
    let id = transfers::pull(database, &Actor::system(), &task, "SEN", now_ms).await.unwrap();
    let mut open = archive.association().await;
    let uids: Vec<&str> = instances.iter().map(|instance| instance.instance.as_str()).collect();
    let series = header(&instances[0]).text(tags::SERIES_INSTANCE_UID).unwrap();
    list(&mut open, &series, &uids).await;
    assert!(open.message().await.is_none(), "it says goodbye");
    open.let_go().await;
    let mut open = archive.association().await;
    let (context, command, _) = open.message().await.unwrap();
    assert_eq!(command.operation(), Some(CommandField::Move));
    (server, archive, id, open, (context, command))
}

/// Answers neither, nor sends anything, for twice as long as a response may take, and is waited for.
async fn says_nothing(open: &mut Open) {
    assert!(tokio::time::timeout(RESPONSE * 2, open.message()).await.is_err(), "it is not waited for");
}

/// Says that all is sent, which is the case.
async fn has_sent(server: &Harness, id: JobId, mut open: Open, (context, command): (u8, CommandSet)) -> Line {
    open.respond(context, &command, Status::SUCCESS).await;
    assert!(open.message().await.is_none(), "it says goodbye");
    open.let_go().await;
    let state = async || transfers::by_id(server.archive.database(), &ALL, id).await.unwrap().unwrap();
    eventually(async || state().await.state == JobState::Done).await;
    state().await
}

#[tokio::test]
async fn an_archive_that_says_nothing_until_all_is_sent_is_waited_for() {
    let instances = slices(3, 16, 22);
    let (server, archive, id, mut open, request) = asked_to_send(&instances).await;
    for instance in &instances {
        says_nothing(&mut open).await;
        server.fill(std::slice::from_ref(instance)).await;
    }
    let done = has_sent(&server, id, open, request).await;
    assert_eq!((done.moved, done.attempts), (3, 1));
    // One that neither answers nor sends is given up, and told so.
    let id = pull_from(&server, "MUTE").await;
    let mut open = archive.association().await;
    list(&mut open, "1.2.3.1", &["1.2.3.1.1"]).await;
    assert!(open.message().await.is_none(), "it says goodbye");
    open.let_go().await;
    let mut open = archive.association().await;
    open.message().await.unwrap();
    open.aborted().await;
    let state = async || transfers::by_id(server.archive.database(), &ALL, id).await.unwrap().unwrap();
    eventually(async || state().await.error.is_some()).await;
    assert_eq!(state().await.state, JobState::Waiting);
    server.stop().await;
}

#[tokio::test]
async fn an_archive_that_goes_on_answering_is_waited_for() {
    let instances = slices(1, 16, 24);
    let (server, _archive, id, mut open, (context, command)) = asked_to_send(&instances).await;
    for _ in 0..3 {
        says_nothing(&mut open).await;
        open.respond(context, &command, Status::PENDING).await;
    }
    server.fill(&instances).await;
    let done = has_sent(&server, id, open, (context, command)).await;
    assert_eq!((done.moved, done.attempts), (1, 1));
    server.stop().await;
}

#[tokio::test]
async fn an_archive_that_sends_once_more_what_is_here_is_waited_for() {
    let instances = slices(4, 16, 25);
    let (server, _archive, id, mut open, request) = asked_to_send(&instances).await;
    // An earlier try has brought most of it.
    for instance in instances[..3].iter().chain(&instances) {
        server.fill(std::slice::from_ref(instance)).await;
        says_nothing(&mut open).await;
    }
    let done = has_sent(&server, id, open, request).await;
    assert_eq!((done.moved, done.attempts), (4, 1));
    server.stop().await;
}

#[tokio::test]
async fn an_archive_that_is_silent_while_others_send_is_given_up() {
    let instances = slices(2, 16, 26);
    let (server, _archive, id, open, _) = asked_to_send(&instances).await;
    // A modality goes on with another series of the study.
    let others = async {
        for number in 1.. {
            server.fill(&[in_last_series(&instances[0], number)]).await;
        }
    };
    tokio::select! {
        () = open.aborted() => {}
        () = others => {}
    }
    let state = async || transfers::by_id(server.archive.database(), &ALL, id).await.unwrap().unwrap();
    eventually(async || state().await.error.is_some()).await;
    assert_eq!(state().await.state, JobState::Waiting);
    server.stop().await;
}
