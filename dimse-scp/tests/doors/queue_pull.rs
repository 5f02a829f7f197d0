//! Other archives through real listeners: asked, and pulled from by C-MOVE and C-GET.

use crate::support::pulled::{header, list, listed, pull_from, queried, study_of};
use crate::support::receiver::Receiver;
use crate::support::{Harness, ae, dataset_of, eventually, samples, slices};
use dimse_scp::dimse::{CommandField, CommandSet, Status, command::element};
use dimse_scp::scu::Instance;
use pacs_core::access::{Actor, Scope};
use pacs_core::rejection::Rejection;
use pacs_core::tags;
use pacs_core::text::CharacterSet;
use pacs_core::uid::Uid;
use pacs_core::why::Why;
use storage::devices::{self, Device, RetrieveBy};
use storage::jobs::{JobId, JobState};
use storage::remote_queries::{self, Answer, Keys};
use storage::transfers::{self, Line, Selection, Task};
use storage::{Subject, jobs};

const ALL: Scope = Scope::All;

/// Two archives that know each other: ours, SEN, and another, OTHER.
struct Pair {
    ours: Harness,
    other: Harness,
}

impl Pair {
    async fn start(retrieve_by: RetrieveBy) -> Self {
        let other = Harness::start_with(|config| config.ae_titles = vec![(ae("OTHER"), None)], |_| {}).await;
        let ours = Harness::start().await;
        for (at, title, there) in [(&ours, "OTHER", &other), (&other, "SEN", &ours)] {
            let mut device = Device::named(ae(title));
            device.host = Some("127.0.0.1".into());
            device.port = Some(there.address.port());
            device.dealings.retrieve_by = retrieve_by;
            devices::upsert(at.archive.database(), &device).await.unwrap();
        }
        Self { ours, other }
    }

    /// Fills the other archive; answers what it has taken.
    async fn fill(&self, instances: &[Instance]) -> Vec<Instance> {
        let target = dimse_scp::scu::Target { called_ae: ae("OTHER"), ..self.other.target() };
        let proposals = crate::support::proposals_for(instances);
        let options = Default::default();
        let mut association =
            dimse_scp::scu::Association::connect(&target, &proposals, &options).await.unwrap();
        let mut taken = Vec::new();
        for instance in instances {
            if association.store(instance).await.unwrap().status == Status::SUCCESS {
                taken.push(instance.clone());
            }
        }
        association.release().await.unwrap();
        taken
    }

    fn now_ms(&self) -> i64 {
        self.ours.archive.config().clock.now_ms()
    }

    async fn ask(&self, keys: Keys) -> Answer {
        let (database, actor) = (self.ours.archive.database(), Actor::system());
        let id = remote_queries::ask(database, &actor, &ae("OTHER"), &keys, self.now_ms()).await.unwrap();
        let ended = [JobState::Done, JobState::Failed];
        eventually(async || ended.contains(&jobs::by_id(database, id).await.unwrap().unwrap().state)).await;
        remote_queries::by_id(database, &actor, id).await.unwrap().unwrap()
    }

    async fn pull(&self, study: &Uid, selection: Selection) -> JobId {
        let task = Task { device: ae("OTHER"), study: study.clone(), selection };
        let database = self.ours.archive.database();
        transfers::pull(database, &Actor::system(), &task, "SEN", self.now_ms()).await.unwrap()
    }

    async fn line(&self, id: JobId) -> Line {
        transfers::by_id(self.ours.archive.database(), &ALL, id).await.unwrap().unwrap()
    }

    async fn reaches(&self, id: JobId, state: JobState) -> Line {
        eventually(async || self.line(id).await.state == state).await;
        self.line(id).await
    }

    async fn stop(self) {
        self.ours.stop().await;
        self.other.stop().await;
    }
}

#[tokio::test]
async fn another_archive_says_what_it_has() {
    let pair = Pair::start(RetrieveBy::Move).await;
    let instances = slices(5, 16, 1);
    pair.fill(&instances).await;
    pair.fill(&slices(2, 16, 2)).await;
    let patient = header(&instances[0]).text(tags::PATIENT_ID).unwrap();
    let answer = pair.ask(Keys { patient_id: Some(patient.clone()), ..Keys::default() }).await;
    assert_eq!((answer.state, answer.more, answer.error), (JobState::Done, false, None));
    let found = &answer.matches[0];
    assert_eq!(answer.matches.len(), 1);
    assert_eq!((&found.study, &found.patient_id), (&study_of(&instances[0]), &patient));
    assert_eq!((found.instances, found.modalities.as_slice()), (Some(5), &["CT".to_owned()][..]));
    assert_eq!(answer.here.get(&found.study), None);
    let nobody = pair.ask(Keys { patient_id: Some("NOBODY".into()), ..Keys::default() }).await;
    assert!(nobody.matches.is_empty());
    // Another person does not see it.
    let (database, actor) = (pair.ours.archive.database(), Actor::system());
    let keys = Keys { patient_id: Some(patient), ..Keys::default() };
    let id = remote_queries::ask(database, &actor, &ae("OTHER"), &keys, pair.now_ms()).await.unwrap();
    let stranger = Actor { id: "user:x".into(), ..Actor::system() };
    assert_eq!(remote_queries::by_id(database, &stranger, id).await.unwrap(), None);
    pair.stop().await;
}

#[tokio::test]
async fn an_archive_that_does_not_answer_is_told() {
    let pair = Pair::start(RetrieveBy::Move).await;
    let Pair { ours, other } = pair;
    other.stop().await;
    let (database, actor) = (ours.archive.database(), Actor::system());
    let keys = Keys { patient_id: Some("P".into()), ..Keys::default() };
    let now_ms = ours.archive.config().clock.now_ms();
    let id = remote_queries::ask(database, &actor, &ae("OTHER"), &keys, now_ms).await.unwrap();
    eventually(async || jobs::by_id(database, id).await.unwrap().unwrap().state == JobState::Failed).await;
    let answer = remote_queries::by_id(database, &actor, id).await.unwrap().unwrap();
    let why = Why::read(&answer.error.unwrap());
    assert_eq!((why.code.as_ref(), &why.values["cause"]), ("unreachable", &"connectionRefused".into()));
    let nobody = remote_queries::ask(database, &actor, &ae("NOBODY"), &keys, now_ms).await;
    assert!(matches!(nobody, Err(storage::Error::Conflict(_))));
    remote_queries::prune(database, now_ms + 3_600_000).await.unwrap();
    assert_eq!(remote_queries::by_id(database, &actor, id).await.unwrap(), None, "it is forgotten");
    ours.stop().await;
}

#[tokio::test]
async fn an_archive_is_asked_in_the_letters_that_it_reads() {
    let server = Harness::start().await;
    let archive = Receiver::of(&server, "OLD").await;
    let (database, now_ms) = (server.archive.database(), server.archive.config().clock.now_ms());
    for (letters, name, term) in [
        (None, "NGUYỄN VĂN*", Some("ISO_IR 192")),
        (Some(CharacterSet::UTF_8), "NGUYỄN VĂN*", Some("ISO_IR 192")),
        (Some(CharacterSet::LATIN_1), "NGUYEN VAN*", Some("ISO_IR 100")),
        (Some(CharacterSet::DEFAULT), "NGUYEN VAN*", None),
    ] {
        let mut device = devices::by_ae(database, &ae("OLD")).await.unwrap().unwrap();
        device.character_set = letters;
        devices::upsert(database, &device).await.unwrap();
        let keys = Keys { patient_name: Some("NGUYỄN VĂN".into()), ..Keys::default() };
        remote_queries::ask(database, &Actor::system(), &ae("OLD"), &keys, now_ms).await.unwrap();
        let mut open = archive.association().await;
        let (context, command, asked) = open.message().await.unwrap();
        assert_eq!(asked.text(tags::PATIENT_NAME).as_deref(), Some(name), "{letters:?}");
        assert_eq!(asked.text(tags::SPECIFIC_CHARACTER_SET).as_deref(), term, "{letters:?}");
        assert_eq!(asked.text(tags::QUERY_RETRIEVE_LEVEL).as_deref(), Some("STUDY"));
        open.respond(context, &command, Status::SUCCESS).await;
        assert!(open.message().await.is_none(), "it says goodbye");
        open.let_go().await;
    }
    server.stop().await;
}

async fn pulls(retrieve_by: RetrieveBy) {
    let pair = Pair::start(retrieve_by).await;
    let instances = slices(9, 32, 3);
    pair.fill(&instances).await;
    let compressed: Vec<Instance> = samples("syntax").into_iter().map(|(_, instance)| instance).collect();
    let compressed = pair.fill(&compressed).await;
    assert!(compressed.len() > 5);
    let study = study_of(&instances[0]);
    // Some of it is here already.
    pair.ours.fill(&instances[..4]).await;
    let id = pair.pull(&study, Selection::Study).await;
    let done = pair.reaches(id, JobState::Done).await;
    assert_eq!((done.total, done.moved, done.failed), (Some(9), 9, 0));
    for instance in &instances {
        assert!(pair.ours.dataset(&instance.instance).await == dataset_of(instance), "changed on the way");
    }
    for instance in &compressed {
        let id = pair.pull(&study_of(instance), Selection::Study).await;
        pair.reaches(id, JobState::Done).await;
        // Some samples are one instance in several encodings, of which the first is served.
        let there = pair.other.place(&instance.instance).await.unwrap();
        let here = pair.ours.place(&instance.instance).await.unwrap();
        assert_eq!(here.transfer_syntax, there.transfer_syntax, "it is kept as it was there");
    }
    // All of it is here: nothing moves.
    let again = pair.pull(&study, Selection::Study).await;
    assert_eq!(pair.reaches(again, JobState::Done).await.moved, 9);
    let gone = pair.pull(&Uid::parse("1.2.3.4").unwrap(), Selection::Study).await;
    let failed = pair.reaches(gone, JobState::Failed).await;
    assert!(failed.error.unwrap().starts_with("goneThere: "));
    pair.stop().await;
}

#[tokio::test]
async fn a_study_is_pulled_by_move() {
    pulls(RetrieveBy::Move).await;
}

#[tokio::test]
async fn a_study_is_pulled_by_get() {
    pulls(RetrieveBy::Get).await;
}

#[tokio::test]
async fn an_archive_that_does_not_know_us_is_named_with_what_is_missing() {
    let pair = Pair::start(RetrieveBy::Move).await;
    let instances = slices(3, 16, 4);
    pair.fill(&instances).await;
    devices::remove(pair.other.archive.database(), &ae("SEN")).await.unwrap();
    let id = pair.pull(&study_of(&instances[0]), Selection::Study).await;
    let failed = pair.reaches(id, JobState::Failed).await;
    let why = Why::read(failed.error.as_deref().unwrap());
    assert_eq!(
        (why.code.as_ref(), &why.values["cause"]),
        ("peer", &"destinationUnknown".into()),
        "{failed:?}"
    );
    assert_eq!((failed.total, failed.moved, failed.failed), (Some(3), 0, 3));
    let missing = transfers::failures(pair.ours.archive.database(), &ALL, id, 10).await.unwrap();
    assert_eq!(missing.len(), 3);
    pair.stop().await;
}

#[tokio::test]
async fn what_was_rejected_here_is_not_pulled_again() {
    let pair = Pair::start(RetrieveBy::Get).await;
    let instances = slices(2, 16, 5);
    pair.fill(&instances).await;
    pair.ours.fill(&instances).await;
    let subject = Subject::Instance(instances[0].instance.clone());
    pair.ours.archive.reject(&ALL, &Actor::system(), &subject, Rejection::Quality).await.unwrap();
    let id = pair.pull(&study_of(&instances[0]), Selection::Study).await;
    assert_eq!(pair.reaches(id, JobState::Done).await.moved, 2);
    assert!(pair.ours.place(&instances[0].instance).await.is_none(), "it stays rejected");
    pair.stop().await;
}

#[tokio::test]
async fn a_part_of_a_list_is_not_taken_for_the_whole() {
    let server = Harness::start().await;
    let archive = Receiver::of(&server, "LISTS").await;
    let id = pull_from(&server, "LISTS").await;
    let state = async || transfers::by_id(server.archive.database(), &ALL, id).await.unwrap().unwrap();
    // The list breaks off in the middle: later there may be more of it.
    let mut open = archive.association().await;
    let (context, command) = queried(&mut open, "SERIES").await;
    let series = listed(&[(tags::SERIES_INSTANCE_UID, "1.2.3.1")]);
    open.respond_with(context, &command, Status::PENDING, &series).await;
    open.respond(context, &command, Status::OUT_OF_RESOURCES).await;
    eventually(async || state().await.error.is_some()).await;
    let waiting = state().await;
    assert_eq!((waiting.state, waiting.total), (JobState::Waiting, None), "{waiting:?}");
    let why = Why::read(&waiting.error.unwrap());
    assert_eq!((why.code.as_ref(), &why.values["status"]), ("peer", &"0xA700".into()));
    drop(open);
    // There is more than is taken: no part of it is said to be all.
    let mut open = archive.association().await;
    let (context, command) = queried(&mut open, "SERIES").await;
    for number in 0..2001 {
        let series = listed(&[(tags::SERIES_INSTANCE_UID, format!("1.2.3.{number}").as_str())]);
        open.respond_with(context, &command, Status::PENDING, &series).await;
    }
    open.respond(context, &command, Status::CANCEL).await;
    eventually(async || state().await.state == JobState::Failed).await;
    let error = state().await.error.unwrap();
    assert!(error.starts_with(r#"tooMany {"most":2000}: it has more series"#), "{error}");
    server.stop().await;
}

#[tokio::test]
async fn what_passes_is_pulled_again() {
    let server = Harness::start().await;
    let archive = Receiver::of(&server, "BUSY").await;
    let id = pull_from(&server, "BUSY").await;
    let state = async || transfers::by_id(server.archive.database(), &ALL, id).await.unwrap().unwrap();
    for (status, failed) in [(Status(0xa702), 2), (Status::SUBOPERATIONS_FAILED, 1)] {
        let mut open = archive.association().await;
        list(&mut open, "1.2.3.1", &["1.2.3.1.1", "1.2.3.1.2"]).await;
        assert!(open.message().await.is_none(), "it says goodbye");
        open.let_go().await;
        let mut open = archive.association().await;
        let (context, command, _) = open.message().await.unwrap();
        assert_eq!(command.operation(), Some(CommandField::Move));
        let response = CommandSet::response(&command, status)
            .with_number(element::NUMBER_OF_COMPLETED_SUBOPERATIONS, 0)
            .with_number(element::NUMBER_OF_FAILED_SUBOPERATIONS, failed);
        open.send(context, &response).await;
        assert!(open.message().await.is_none(), "it says goodbye");
        open.let_go().await;
        let want = status.to_string();
        let is_told =
            |error: String| Why::read(&error).values.get("status").is_some_and(|told| *told == want);
        eventually(async || state().await.error.is_some_and(is_told)).await;
        assert_eq!(state().await.state, JobState::Waiting);
    }
    server.stop().await;
}

/// Answers with one series, of so many instances, none of which is listed; and takes the request for it that may
/// follow.
async fn list_a_series(archive: &Receiver, series: &str, count: Option<&str>) {
    let mut open = archive.association().await;
    let (context, command) = queried(&mut open, "SERIES").await;
    let mut found = listed(&[(tags::SERIES_INSTANCE_UID, series)]);
    if let Some(count) = count {
        found.put_text(tags::NUMBER_OF_SERIES_RELATED_INSTANCES, count);
    }
    open.respond_with(context, &command, Status::PENDING, &found).await;
    open.respond(context, &command, Status::SUCCESS).await;
    let (context, command) = queried(&mut open, "IMAGE").await;
    open.respond(context, &command, Status::SUCCESS).await;
    assert!(open.message().await.is_none(), "it says goodbye");
    open.let_go().await;
}

/// Takes the request for a series, sends these of it, and says that all went well.
async fn move_series(archive: &Receiver, server: &Harness, series: &str, sent: &[Instance]) {
    let mut open = archive.association().await;
    let (context, command, wanted) = open.message().await.unwrap();
    assert_eq!(command.operation(), Some(CommandField::Move));
    assert_eq!(wanted.text(tags::QUERY_RETRIEVE_LEVEL).as_deref(), Some("SERIES"));
    assert_eq!(wanted.text(tags::SERIES_INSTANCE_UID).as_deref(), Some(series));
    server.fill(sent).await;
    open.respond(context, &command, Status::SUCCESS).await;
    assert!(open.message().await.is_none(), "it says goodbye");
    open.let_go().await;
}

#[tokio::test]
async fn a_series_whose_images_are_not_listed_is_pulled_all_the_same() {
    let server = Harness::start().await;
    let archive = Receiver::of(&server, "COARSE").await;
    let database = server.archive.database();
    let now_ms = || server.archive.config().clock.now_ms();
    let state = async |id| transfers::by_id(database, &ALL, id).await.unwrap().unwrap();
    let ends = async |id, want| {
        eventually(async || state(id).await.state == want).await;
        let line = state(id).await;
        (line.total, line.moved, line.error.map(|error| Why::read(&error).code.into_owned()))
    };
    let not_sent = Some("notSent".to_owned());
    for (seed, count, half) in [(20, Some("2"), 1), (21, None, 0)] {
        let instances = slices(2, 16, seed);
        let series = header(&instances[0]).text(tags::SERIES_INSTANCE_UID).unwrap();
        let id = pull_from(&server, "COARSE").await;
        list_a_series(&archive, &series, count).await;
        // It says that it has sent all, and has not.
        move_series(&archive, &server, &series, &instances[..half]).await;
        let total = if count.is_some() { 2 } else { 0 };
        let came = i64::try_from(half).unwrap();
        assert_eq!(ends(id, JobState::Failed).await, (Some(total), came, not_sent.clone()), "{count:?}");
        transfers::again(database, &ALL, id, now_ms()).await.unwrap();
        list_a_series(&archive, &series, count).await;
        move_series(&archive, &server, &series, &instances[half..]).await;
        assert_eq!(ends(id, JobState::Done).await, (Some(2), 2, None), "{count:?}");
    }
    // What is counted there, and all here, is not fetched again.
    let series = header(&slices(2, 16, 20)[0]).text(tags::SERIES_INSTANCE_UID).unwrap();
    let id = pull_from(&server, "COARSE").await;
    list_a_series(&archive, &series, Some("2")).await;
    assert_eq!(ends(id, JobState::Done).await, (Some(2), 2, None));
    server.stop().await;
}

#[tokio::test]
async fn a_series_that_is_empty_there_lacks_nothing() {
    let server = Harness::start().await;
    let archive = Receiver::of(&server, "COARSE").await;
    let state = async |id| transfers::by_id(server.archive.database(), &ALL, id).await.unwrap().unwrap();
    let instances = slices(2, 16, 23);
    let series = header(&instances[0]).text(tags::SERIES_INSTANCE_UID).unwrap();
    let id = pull_from(&server, "COARSE").await;
    let mut open = archive.association().await;
    let (context, command) = queried(&mut open, "SERIES").await;
    for (series, count) in [(series.as_str(), "2"), ("1.2.3.2", "0")] {
        let count = (tags::NUMBER_OF_SERIES_RELATED_INSTANCES, count);
        let found = listed(&[(tags::SERIES_INSTANCE_UID, series), count]);
        open.respond_with(context, &command, Status::PENDING, &found).await;
    }
    open.respond(context, &command, Status::SUCCESS).await;
    for _ in 0..2 {
        let (context, command) = queried(&mut open, "IMAGE").await;
        open.respond(context, &command, Status::SUCCESS).await;
    }
    assert!(open.message().await.is_none(), "it says goodbye");
    open.let_go().await;
    move_series(&archive, &server, &series, &instances).await;
    eventually(async || state(id).await.state == JobState::Done).await;
    assert_eq!((state(id).await.total, state(id).await.moved), (Some(2), 2));
    // Of a study of nothing else there is nothing to be had.
    let id = pull_from(&server, "COARSE").await;
    list_a_series(&archive, "1.2.3.2", Some("0")).await;
    eventually(async || state(id).await.state == JobState::Failed).await;
    assert!(state(id).await.error.unwrap().starts_with("goneThere: "));
    server.stop().await;
}
