//! Every hot query walks an index: the plan of each statement that the real functions send is read
//! on both engines, and one that reads a whole table fails.
//!
//! The statements are caught on their way: sqlx tells `tracing` of each one it runs.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "functions that tests share may fail a test, and say why they skip, as tests do"
)]

mod at_size;
mod facilities;
mod walks;

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, Mutex};

use futures::TryStreamExt;
use pacs_core::access::{Actor, Scope};
use pacs_core::clock::Clock;
use pacs_core::dataset::{DataSet, vr_of};
use pacs_core::query::{Level, Query};
use pacs_core::uid::{AeTitle, Uid};
use pacs_core::{Tag, VR, tags};
use sqlx::{AssertSqlSafe, Connection, Executor, Row};
use storage::database::{Database, Durability};
use storage::exams::search::{self, Search};
use storage::exams::{ExamId, finding, moves, unmatched};
use storage::identity::{merging, record};
use storage::index::arrivals::{Arrivals, NewInstance};
use storage::index::place::{Kept, Place};
use storage::index::{InstanceId, SegmentId, SeriesId, instances, packs, segments, series, spooled};
use storage::reconciliation::{self, List, State};
use storage::schedule::{self, Day};
use storage::{
    accounts, acts, backup, catalogue, commitment, devices, events, identity, intake, jobs, performed,
    priors, query, rejection, remote_queries, routes, transfers, ups,
};
use tracing::field::{Field, Visit};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

const NOW_MS: i64 = 1_790_000_000_000;

/// A database of its own on the server that the environment names, by its URL.
async fn postgres() -> Option<String> {
    let Ok(server) = std::env::var("SEN_TEST_POSTGRES_URL") else {
        testdata::skipped("SEN_TEST_POSTGRES_URL names no server (make test starts one)");
        return None;
    };
    let name = format!("sen_plans_{:016x}", rand::random::<u64>());
    let mut connection = sqlx::PgConnection::connect(&server).await.unwrap();
    connection.execute(AssertSqlSafe(format!("create database {name}"))).await.unwrap();
    let mut url = url::Url::parse(&server).unwrap();
    url.set_path(&name);
    Some(url.into())
}

/// Collects the text of every statement.
#[derive(Clone, Default)]
struct Statements(Arc<Mutex<BTreeSet<String>>>);

impl Statements {
    /// Collects what this process sends from now on.
    fn collect() -> Self {
        let statements = Self::default();
        let all = tracing_subscriber::registry().with(statements.clone());
        tracing::subscriber::set_global_default(all).unwrap();
        statements
    }

    /// What was sent since it was last asked.
    fn take(&self) -> BTreeSet<String> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

impl<S: tracing::Subscriber> Layer<S> for Statements {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        if event.metadata().target() == "sqlx::query" {
            let mut text = Text::default();
            event.record(&mut text);
            let text = if text.whole.is_empty() { text.summary } else { text.whole };
            self.0.lock().unwrap().insert(text.trim().to_owned());
        }
    }
}

#[derive(Default)]
struct Text {
    summary: String,
    whole: String,
}

impl Visit for Text {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "db.statement" => self.whole = value.to_owned(),
            "summary" => self.summary = value.to_owned(),
            _ => {}
        }
    }
    fn record_debug(&mut self, _: &Field, _: &dyn fmt::Debug) {}
}

#[tokio::test(flavor = "multi_thread")]
async fn no_hot_query_reads_a_whole_table() {
    let statements = Statements::collect();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("sen.db");
    let db = Database::open(&format!("sqlite://{}", path.display())).await.unwrap();
    let hot = hot_statements(&db, &statements).await;
    let mut scans = Vec::new();
    let mut reader = sqlx::SqliteConnection::connect(&format!("sqlite://{}", path.display())).await.unwrap();
    for statement in &hot {
        let plan = sqlx::query(AssertSqlSafe(format!("explain query plan {statement}")));
        let steps = plan.fetch_all(&mut reader).await.unwrap_or_else(|error| panic!("{statement}\n{error}"));
        for step in steps {
            let step: String = step.get("detail");
            // `SCAN t USING INDEX …` walks an index in its order until the limit; a few constant
            // rows, a subquery's rows and the device table are scanned on purpose.
            let whole = step.starts_with("SCAN") && !step.contains("USING") && !harmless(&step);
            if whole {
                scans.push(format!("{step}\n{statement}"));
            }
        }
    }
    assert!(hot.len() > 100, "{} statements were caught", hot.len());
    assert!(scans.is_empty(), "{}", scans.join("\n\n"));

    let Some(url) = postgres().await else { return };
    let db = Database::open(&url).await.unwrap();
    let hot = hot_statements(&db, &statements).await;
    let mut reader = sqlx::PgConnection::connect(&url).await.unwrap();
    // A table of a few rows is always read whole; told not to, the planner does it only when no
    // index leads to the rows.
    reader.execute("set enable_seqscan = off; set plan_cache_mode = force_generic_plan").await.unwrap();
    for statement in &hot {
        for step in postgres_plan(&mut reader, statement).await {
            if step.contains("Seq Scan") && !harmless(&step) {
                scans.push(format!("{step}\n{statement}"));
            }
        }
    }
    assert!(hot.len() > 100, "{} statements were caught", hot.len());
    assert!(scans.is_empty(), "{}", scans.join("\n\n"));
}

fn harmless(step: &str) -> bool {
    // The newest event is the end of the primary key.
    step == "SCAN event"
        // The page that was put together of rows.
        || step == "SCAN lines"
        // What was selected a moment ago.
        || ["(subquery", "CONSTANT ROW", "ROW VALUES", "few", "oldest", "placed", "device"].iter().any(|word| step.contains(word))
}

/// What backups, migrations and imports ask of many rows.
async fn keeping(db: &Database) {
    backup::runs::newest_done(db, None).await.unwrap();
    backup::runs::newest_done(db, Some("file:///backup")).await.unwrap();
    let study = Uid::parse("1.2.3").unwrap();
    let (begun, _) = intake::begin(db, intake::Kind::Import, &"a", &"b", true, NOW_MS).await.unwrap();
    intake::for_server(db, intake::Kind::Import).await.unwrap();
    intake::asked(db, begun.id, &study).await.unwrap();
    intake::failures(db, begun.id, "", 10).await.unwrap();
    intake::compare(db, begun.id).await.unwrap();
    intake::held(db, &study).await.unwrap();
    intake::line(db, begun.id).await.unwrap();
}

async fn postgres_plan(connection: &mut sqlx::PgConnection, statement: &str) -> Vec<String> {
    connection.execute("deallocate all").await.unwrap();
    let prepare = format!("prepare hot as {statement}");
    connection
        .execute(sqlx::raw_sql(AssertSqlSafe(prepare)))
        .await
        .unwrap_or_else(|error| panic!("{statement}\n{error}"));
    let parameters = (1..).take_while(|n| statement.contains(&format!("${n}"))).count();
    let nulls = vec!["null"; parameters].join(", ");
    let explain =
        if parameters == 0 { "explain execute hot".into() } else { format!("explain execute hot({nulls})") };
    let rows = sqlx::raw_sql(AssertSqlSafe(explain)).fetch_all(&mut *connection).await.unwrap();
    rows.iter().map(|row| row.get::<String, _>(0)).collect()
}

fn ask(level: Level, keys: &[(Tag, &str)]) -> Query {
    let mut query = Query { limit: Some(50), ..Query::new(level) };
    for (tag, value) in keys {
        query.add(&[*tag], vr_of(*tag), value).unwrap();
    }
    query
}

/// The statements that the doors' everyday work sends.
async fn hot_statements(db: &Database, statements: &Statements) -> Vec<String> {
    let clock = Clock::standing_at(NOW_MS);
    let arrivals = Arrivals::new(db.clone(), clock.clone());
    segments::ensure(db, "1", &[SegmentId(1)], NOW_MS).await.unwrap();
    arrivals.store_batch(&[instance("1.2.1", 1)]).await.unwrap();
    let exam = ordered(db).await;
    let caught = || statements.take();
    caught();

    // Images arrive, in a known series, a new one, again, and with other content.
    arrivals.store_batch(&[instance("1.2.1", 2)]).await.unwrap();
    arrivals.store_batch(&[instance("1.2.2", 1), instance("1.2.1", 2)]).await.unwrap();
    arrivals.store_batch(&[NewInstance { hash: [9; 32], ..instance("1.2.1", 2) }]).await.unwrap();
    clock.set_ms(NOW_MS + 5000);
    arrivals.announce().await.unwrap();

    let (one, many) =
        (Scope::Facilities(vec!["BVTW".into()]), Scope::Facilities(vec!["BVTW".into(), "BVH".into()]));
    for scope in [&Scope::All, &one, &many] {
        for (level, keys) in [
            (Level::Study, vec![]),
            (Level::Study, vec![(tags::PATIENT_ID, "BN001")]),
            (Level::Study, vec![(tags::PATIENT_ID, "BN00*")]),
            (Level::Study, vec![(tags::PATIENT_ID, "*1"), (tags::ISSUER_OF_PATIENT_ID, "BVTW")]),
            (Level::Study, vec![(tags::PATIENT_ID, "BN001"), (tags::OTHER_PATIENT_I_DS_SEQUENCE, "")]),
            (Level::Study, vec![(tags::ACCESSION_NUMBER, "A1")]),
            (Level::Study, vec![(tags::STUDY_DATE, "20260921")]),
            (Level::Study, vec![(tags::STUDY_DATE, "20260901-20260930"), (tags::MODALITIES_IN_STUDY, "CT")]),
            (Level::Study, vec![(tags::STUDY_INSTANCE_UID, "1.2.1\\1.2.2")]),
            (Level::Study, vec![(tags::PATIENT_NAME, "nguyen van a")]),
            (Level::Study, vec![(tags::PATIENT_NAME, "nguyen*")]),
            (Level::Study, vec![(tags::PATIENT_NAME, "*guye*")]),
            (Level::Series, vec![(tags::STUDY_INSTANCE_UID, "1.2.1")]),
            (Level::Series, vec![(tags::SERIES_INSTANCE_UID, "1.2.1.1")]),
            (
                Level::Instance,
                vec![(tags::STUDY_INSTANCE_UID, "1.2.1"), (tags::SERIES_INSTANCE_UID, "1.2.1.1")],
            ),
            (Level::Instance, vec![(tags::SOP_INSTANCE_UID, "1.2.1.1.1")]),
            (Level::Patient, vec![]),
            (Level::Patient, vec![(tags::PATIENT_ID, "BN001"), (tags::ISSUER_OF_PATIENT_ID, "BVTW")]),
            (Level::Patient, vec![(tags::PATIENT_NAME, "nguyen van a"), (tags::PATIENT_COMMENTS, "")]),
        ] {
            let query = ask(level, &keys);
            let _: Vec<DataSet> = query::find(db, &query, scope).try_collect().await.unwrap();
            let _: Vec<_> = query::find_places(db, &query, scope).try_collect().await.unwrap();
            if level != Level::Patient {
                query::count(db, &query, scope, 10_000).await.unwrap();
            }
        }
        for text in ["", "nguyen van a", "ngu", "BN001", "nguyen A1"] {
            search::search(db, scope, &Search { text: text.into(), limit: 50, ..Search::default() })
                .await
                .unwrap();
            let page = search::search(db, scope, &Search { limit: 1, ..Search::default() }).await.unwrap();
            let next = Search { text: text.into(), limit: 50, cursor: page.next, ..Search::default() };
            search::search(db, scope, &next).await.unwrap();
        }
        let (study, series) = (Uid::parse("1.2.1").unwrap(), Uid::parse("1.2.1.1").unwrap());
        let line = search::study(db, scope, &study).await.unwrap().unwrap();
        search::priors(db, scope, &line).await.unwrap();
        instances::of_series(db, scope, &study, &series).await.unwrap();
        instances::middle_of_each(db, scope, &study, Some(&series)).await.unwrap();
        instances::of_study(db, scope, &study).await.unwrap();
        instances::series_of_study(db, scope, &study).await.unwrap();
        instances::by_ids(db, &[InstanceId(1), InstanceId(2)]).await.unwrap();
        instances::by_uid(db, scope, Some(&study), None, &Uid::parse("1.2.1.1.1").unwrap()).await.unwrap();
        for typed in ["nguyen van a", "ngu", "BN001", "nguyen A1"] {
            finding::find(db, scope, typed).await.unwrap();
        }
        rejection::listing::studies(db, scope, None, 10).await.unwrap();
        let page = unmatched::list(db, scope, None, 1).await.unwrap();
        unmatched::list(db, scope, page.next.as_deref(), 50).await.unwrap();
        for state in [State::Open, State::Answered] {
            let wanted = List { state, limit: 1, ..List::default() };
            let page = reconciliation::list(db, scope, &wanted).await.unwrap();
            reconciliation::list(db, scope, &List { cursor: page.next, ..wanted }).await.unwrap();
        }
        record::of(db, scope, line.patient_id).await.unwrap();
        schedule::day(db, scope, &Day { date: "20260921".into(), ..Day::default() }).await.unwrap();
        let mut mwl = Query::new(Level::Study);
        let date = [tags::SCHEDULED_PROCEDURE_STEP_SEQUENCE, tags::SCHEDULED_PROCEDURE_STEP_START_DATE];
        mwl.add(&date, vr_of(date[1]), "20260921").unwrap();
        mwl.add(&[tags::OTHER_PATIENT_I_DS_SEQUENCE], VR::SQ, "").unwrap();
        let issuer = [tags::ISSUER_OF_ACCESSION_NUMBER_SEQUENCE, tags::LOCAL_NAMESPACE_ENTITY_ID];
        mwl.add(&issuer, VR::UT, "BVTW").unwrap();
        for ae_title in [None, Some(AeTitle::parse("CT1").unwrap())] {
            let asker = schedule::Asker { ae_title, ..schedule::Asker::new(scope.clone(), NOW_MS) };
            let _: Vec<DataSet> = schedule::worklist(db, &mwl, asker).try_collect().await.unwrap();
        }
    }
    series::stamp(db, &Scope::All, &Uid::parse("1.2.1").unwrap(), &Uid::parse("1.2.1.1").unwrap())
        .await
        .unwrap();
    // Settling, sweeping, recovery and the journal.
    series::unsettled_of(db, &Uid::parse("1.2.1").unwrap()).await.unwrap();
    let spooled = spooled::of_series(db, SeriesId(1), 10).await.unwrap();
    let mut tx = db.begin(Durability::Synced).await.unwrap();
    let pack = packs::begin(&mut tx, SeriesId(1), "packs/1", NOW_MS).await.unwrap();
    for (at, one) in spooled.iter().enumerate() {
        spooled::move_to_pack(&mut tx, one, pack, at as u64).await.unwrap();
    }
    packs::finish(&mut tx, pack, packs::Sizes { length_bytes: 1, companion_bytes: 1, instance_count: 1 })
        .await
        .unwrap();
    packs::is_unused(&mut tx, pack).await.unwrap();
    packs::mark_undone(&mut tx, pack, NOW_MS).await.unwrap();
    packs::belongs_to(&mut tx, pack, SeriesId(1)).await.unwrap();
    spooled::settled(&mut tx, SeriesId(1)).await.unwrap();
    tx.commit().await.unwrap();
    packs::by_key(db, "packs/1").await.unwrap();
    packs::by_id(db, pack).await.unwrap();
    packs::unfinished(db).await.unwrap();
    packs::deleted_before(db, NOW_MS, 10).await.unwrap();
    segments::is_unused(db, SegmentId(1)).await.unwrap();
    segments::offsets(db, SegmentId(1)).await.unwrap();
    let first = instances::after(db, InstanceId(0), 10).await.unwrap().remove(0);
    instances::place_again(db, &first).await.unwrap();
    instances::versions_of(db, &first).await.unwrap();
    instances::contents(db, std::slice::from_ref(&first.uid)).await.unwrap();
    acts::unjournaled(db, 10).await.unwrap();
    acts::of_subject(db, "1.2.1", 10).await.unwrap();
    acts::of_study(db, "1.2.1", 10).await.unwrap();
    // Timers, workers, followers and sign-in.
    moves::quiet(db, 600_000, NOW_MS).await.unwrap();
    events::prune(db, NOW_MS - 1).await.unwrap();
    accounts::sessions::prune(db, NOW_MS - 1).await.unwrap();
    series::resting(db, NOW_MS, 10).await.unwrap();
    events::since(db, 0, 100).await.unwrap();
    events::newest(db).await.unwrap();
    jobs::claim(db, "echo", "w", 1000, NOW_MS).await.unwrap();
    keeping(db).await;
    identity::search(db, "nguyen v").await.unwrap();
    identity::search(db, "BN0").await.unwrap();
    accounts::by_name(db, "binh").await.unwrap();
    accounts::sessions::account(db, "x", NOW_MS).await.unwrap();
    accounts::tokens::bearer(db, "x", NOW_MS).await.unwrap();
    who_is_who(db, &arrivals).await;
    transfer(db).await;
    followed(db).await;
    steps(db).await;
    performed_steps(db, exam).await;
    let begins = ["select", "insert", "update", "delete"];
    caught().into_iter().filter(|text| begins.iter().any(|word| text.starts_with(word))).collect()
}

/// Patients who are merged and parted.
async fn who_is_who(db: &Database, arrivals: &Arrivals) {
    let mut other = instance("1.2.3", 1);
    other.lifted.patient.id = "BN002".into();
    arrivals.store_batch(&[other]).await.unwrap();
    let of = async |study: &str| {
        let study = Uid::parse(study).unwrap();
        search::study(db, &Scope::All, &study).await.unwrap().unwrap().patient_id
    };
    let (from, into) = (of("1.2.3").await, of("1.2.1").await);
    let actor = Actor::system();
    merging::merge(db, &Scope::All, &actor, (from, into), None, NOW_MS).await.unwrap();
    merging::unmerge(db, &Scope::All, &actor, from, None, NOW_MS).await.unwrap();
}

/// What has settled is routed and told of, an archive is asked, and what is old is forgotten.
async fn followed(db: &Database) {
    let title = AeTitle::parse("PACS").unwrap();
    let mut device = devices::by_ae(db, &title).await.unwrap().unwrap();
    (device.dealings.takes_availability, device.dealings.is_archive) = (true, true);
    devices::upsert(db, &device).await.unwrap();
    let route = routes::Route {
        name: "all".into(),
        device: title.clone(),
        conditions: Default::default(),
        priority: jobs::lanes::Priority::Normal,
        after_corrections: true,
        is_enabled: true,
        source: devices::Source::Rows,
    };
    routes::upsert(db, &route).await.unwrap();
    routes::follow(db, NOW_MS).await.unwrap();
    priors::follow(db, NOW_MS).await.unwrap();
    let mut tx = db.begin(Durability::Batched).await.unwrap();
    let settled = events::NewEvent {
        series_uid: Some("1.2.1.1"),
        ..events::NewEvent::new(events::EventKind::SeriesSettled)
    };
    events::append(&mut tx, NOW_MS, &[settled]).await.unwrap();
    tx.commit().await.unwrap();
    while routes::follow(db, NOW_MS).await.unwrap() {}
    while priors::follow(db, NOW_MS).await.unwrap() {}
    let lane = |kind| (kind, "PACS");
    let routed = jobs::lanes::claim(db, lane(transfers::SEND), "w", 1000, NOW_MS).await.unwrap().unwrap();
    jobs::lanes::claim_in_order(db, lane("availability"), "w", 1000, NOW_MS).await.unwrap().unwrap();
    transfers::commitments::queue(db, &routed, &title, NOW_MS).await.unwrap();
    let asking =
        jobs::lanes::claim(db, lane("commitment-request"), "w", 1000, NOW_MS).await.unwrap().unwrap();
    let subject = transfers::commitments::subject(db, &asking).await.unwrap();
    let sent = transfers::places_sent(db, &subject.task, subject.after_id, subject.through_id);
    let _: Vec<_> = sent.try_collect().await.unwrap();
    let transaction = transfers::commitments::ask(db, &subject, NOW_MS).await.unwrap();
    transfers::commitments::wait(db, routed.id, &asking, "w", NOW_MS).await.unwrap();
    transfers::commitments::unheard(db, routed.id, NOW_MS).await.unwrap();
    let failed = [(Uid::parse("1.2.1.1.1").unwrap(), 0x0112)];
    let reported = transfers::commitments::reported(db, &title, &transaction, &failed, NOW_MS).await.unwrap();
    assert_eq!(reported, Some(routed.id));
    let keys = remote_queries::Keys { patient_id: Some("BN001".into()), ..Default::default() };
    let asked = remote_queries::ask(db, &Actor::system(), &title, &keys, NOW_MS).await.unwrap();
    remote_queries::by_id(db, &Actor::system(), asked).await.unwrap().unwrap();
    transfers::present(db, &[Uid::parse("1.2.1.1.1").unwrap()]).await.unwrap();
    transfers::present_of_series(db, &Uid::parse("1.2.1.1").unwrap()).await.unwrap();
    jobs::lanes::give_up(db, &routed, "w", "refused: no", NOW_MS).await.unwrap();
    remote_queries::prune(db, NOW_MS + 1).await.unwrap();
    transfers::prune(db, NOW_MS + 1).await.unwrap();
}

/// A study is sent, looked at in the queue, and tried again.
async fn transfer(db: &Database) {
    let title = AeTitle::parse("PACS").unwrap();
    let mut device = devices::Device::named(title.clone());
    (device.host, device.port) = (Some("10.0.0.9".into()), Some(104));
    devices::upsert(db, &device).await.unwrap();
    let uid = |text| Uid::parse(text).unwrap();
    let of = |selection| transfers::Task { device: title.clone(), study: uid("1.2.1"), selection };
    let arrived =
        transfers::Selection::Arrived { series: uid("1.2.1.1"), after_id: 0, after_ms: 0, through_id: 99 };
    let (actor, normal) = (Actor::system(), jobs::lanes::Priority::Normal);
    for selection in [
        transfers::Selection::Study,
        transfers::Selection::Series(vec![uid("1.2.1.1")]),
        transfers::Selection::Instances(vec![uid("1.2.1.1.1")]),
        arrived,
    ] {
        transfers::send(db, &Scope::All, &actor, &of(selection), normal, NOW_MS).await.unwrap();
        let lane = (transfers::SEND, "PACS");
        let job = jobs::lanes::claim(db, lane, "w", 1000, NOW_MS).await.unwrap().unwrap();
        let task = transfers::Task::of(&job).unwrap();
        let progress = transfers::Progress::of(db, &job, "w");
        let standing = progress.begin_send(&task).await.unwrap();
        let places: Vec<_> = transfers::places(db, &task, standing.after_id).try_collect().await.unwrap();
        progress.failed(&places[0], "refused: no", false).await.unwrap();
        let _: Vec<_> =
            transfers::places_that_failed(db, job.id, standing.after_id).try_collect().await.unwrap();
        progress.moved(&places[0], true).await.unwrap();
        jobs::is_held(db, job.id, "w").await.unwrap();
        jobs::fail(db, &job, "w", "refused: no", NOW_MS).await.unwrap();
        jobs::lanes::hold(db, lane, NOW_MS + 1).await.unwrap();
        jobs::lanes::is_held(db, lane).await.unwrap();
        jobs::lanes::free(db, lane, NOW_MS).await.unwrap();
        jobs::lanes::free_expired(db, transfers::SEND, NOW_MS).await.unwrap();
        jobs::lanes::waiting(db, transfers::SEND).await.unwrap();
        for show in [transfers::Show::Open, transfers::Show::Failed, transfers::Show::Ended] {
            transfers::list(db, &Scope::All, show, 10).await.unwrap();
        }
        transfers::counts(db, &Scope::All).await.unwrap();
        let theirs = Scope::Facilities(vec!["BVTL".into()]);
        transfers::list(db, &theirs, transfers::Show::Open, 10).await.unwrap();
        transfers::failures(db, &Scope::All, job.id, 10).await.unwrap();
        transfers::cancel(db, &Scope::All, job.id, NOW_MS).await.unwrap();
        transfers::again(db, &Scope::All, job.id, NOW_MS).await.unwrap();
        transfers::cancel(db, &Scope::All, job.id, NOW_MS).await.unwrap();
    }
}

/// Work that is created, found, changed and followed.
async fn steps(db: &Database) {
    let actor = Actor::system();
    let asker = ups::Asker { actor: &actor, default_facility: "BVTW", now_ms: NOW_MS };
    let mut step = DataSet::new();
    for (tag, value) in [
        (tags::PROCEDURE_STEP_STATE, "SCHEDULED"),
        (tags::SCHEDULED_PROCEDURE_STEP_PRIORITY, "LOW"),
        (tags::PROCEDURE_STEP_LABEL, "CAD"),
        (tags::SCHEDULED_PROCEDURE_STEP_START_DATE_TIME, "20260921"),
        (tags::INPUT_READINESS_STATE, "READY"),
    ] {
        step.put_text(tag, value);
    }
    let title = AeTitle::parse("AI1").unwrap();
    let all = ups::Subject::All;
    ups::subscribe(db, &asker, &all, &ups::Filter::default(), &title, true).await.unwrap();
    let uid = ups::create(db, &asker, step, None).await.unwrap().uid;
    for keys in [
        vec![],
        vec![(tags::PROCEDURE_STEP_STATE, "SCHEDULED")],
        vec![(tags::PATIENT_ID, "BN001")],
        vec![(tags::STUDY_INSTANCE_UID, "1.2.1")],
        vec![(tags::SOP_INSTANCE_UID, uid.as_str())],
        vec![(tags::SCHEDULED_PROCEDURE_STEP_START_DATE_TIME, "20260921")],
    ] {
        for after in [None, ups::Place::parse("9")] {
            let found = ups::search(db, &asker, ask(Level::Study, &keys), after).await.unwrap();
            let _: Vec<DataSet> = found.steps.try_collect().await.unwrap();
        }
    }
    ups::retrieve(db, &Scope::All, &uid).await.unwrap();
    ups::update(db, &asker, &uid, &DataSet::new(), None).await.unwrap();
    ups::request_cancel(db, &asker, &uid, &DataSet::new()).await.unwrap();
    let (mut follower, mut bookmark) = ups::Follower::open(db, &asker, title.clone()).await.unwrap();
    let at = follower.next().await.unwrap().unwrap().at;
    bookmark.passed(at).await.unwrap();
    ups::unsubscribe(db, &asker, &all, &title).await.unwrap();
    ups::prune(db, NOW_MS + 1).await.unwrap();
    assert!(matches!(ups::retrieve(db, &Scope::All, &uid).await, Err(ups::WorkError::Gone)));
}

/// An order for one scheduled step.
async fn ordered(db: &Database) -> ExamId {
    let order = schedule::NewOrder {
        facility: "BVTW".into(),
        patient: schedule::OrderPatient { name: "NGUYEN^VAN A".into(), ..Default::default() },
        accession_number: Some("A1".into()),
        procedure: catalogue::Procedure { code: "CT".into(), name: "CT".into(), modality: "CT".into() },
        station_ae: Some(AeTitle::parse("CT1").unwrap()),
        room: None,
        scheduled_date: "20260921".into(),
        scheduled_time: "090000".into(),
        referring_physician: None,
        reason: None,
        emergency: false,
    };
    schedule::create_order(db, &order, &Actor::system(), NOW_MS).await.unwrap().id
}

/// A console reports its work, on the wrong worklist entry in the end, and reports are looked for that are owed to it.
async fn performed_steps(db: &Database, exam: ExamId) {
    let (title, study) = (AeTitle::parse("CT1").unwrap(), Uid::parse("1.2.1").unwrap());
    let (actor, scope) = (Actor::device(&title, Some("BVTW")), Scope::Facilities(vec!["BVTW".into()]));
    let reporter = performed::Reporter {
        actor: &actor,
        scope: &scope,
        calling_ae: &title,
        facility: "BVTW",
        now_ms: NOW_MS,
    };
    let with = |values: &[(Tag, &str)]| {
        let mut set = DataSet::new();
        values.iter().for_each(|(tag, value)| set.put_text(*tag, value));
        set
    };
    let request = with(&[
        (tags::STUDY_INSTANCE_UID, study.as_str()),
        (tags::SCHEDULED_PROCEDURE_STEP_ID, "SPS1"),
        (tags::ACCESSION_NUMBER, "A1"),
    ]);
    let mut begun = with(&[
        (tags::PERFORMED_PROCEDURE_STEP_ID, "PPS1"),
        (tags::PERFORMED_STATION_AE_TITLE, "CT1"),
        (tags::PERFORMED_PROCEDURE_STEP_START_DATE, "20260921"),
        (tags::PERFORMED_PROCEDURE_STEP_START_TIME, "0815"),
        (tags::PERFORMED_PROCEDURE_STEP_STATUS, "IN PROGRESS"),
        (tags::MODALITY, "CT"),
    ]);
    begun.put_items(tags::SCHEDULED_STEP_ATTRIBUTES_SEQUENCE, vec![request]);
    let wrong = with(&[(tags::CODE_VALUE, "110514"), (tags::CODING_SCHEME_DESIGNATOR, "DCM")]);
    let mut ended = with(&[
        (tags::PERFORMED_PROCEDURE_STEP_STATUS, "DISCONTINUED"),
        (tags::PERFORMED_PROCEDURE_STEP_END_DATE, "20260921"),
        (tags::PERFORMED_PROCEDURE_STEP_END_TIME, "0830"),
    ]);
    ended.put_items(tags::PERFORMED_PROCEDURE_STEP_DISCONTINUATION_REASON_CODE_SEQUENCE, vec![wrong]);
    ended.put_items(tags::PERFORMED_SERIES_SEQUENCE, vec![with(&[(tags::SERIES_INSTANCE_UID, "1.2.1.1")])]);
    let step = performed::create(db, reporter, &begun, None).await.unwrap();
    assert_eq!(step.moved, [exam], "the console has begun it");
    performed::retrieve(db, &scope, &step.uid).await.unwrap();
    performed::of_exam(db, &scope, exam).await.unwrap();
    performed::of_study(db, &scope, &study).await.unwrap();
    let moved = performed::set(db, reporter, &step.uid, &ended).await.unwrap().moved;
    assert_eq!(moved, [exam], "it is back");
    commitment::claim(db, &[&AeTitle::parse("CT1").unwrap()], "w", 1000, NOW_MS).await.unwrap();
    commitment::resume(db, NOW_MS).await.unwrap();
}

fn instance(study: &str, number: i64) -> NewInstance {
    let mut set = DataSet::new();
    set.put_text(tags::SOP_CLASS_UID, "1.2.840.10008.5.1.4.1.1.2");
    set.put_text(tags::SOP_INSTANCE_UID, &format!("{study}.1.{number}"));
    set.put_text(tags::STUDY_DATE, "20260921");
    set.put_text(tags::ACCESSION_NUMBER, "A1");
    set.put_text(tags::MODALITY, "CT");
    set.put_text(tags::PATIENT_NAME, "NGUYEN^VAN A");
    set.put_text(tags::PATIENT_ID, "BN001");
    set.put_text(tags::STUDY_INSTANCE_UID, study);
    set.put_text(tags::SERIES_INSTANCE_UID, &format!("{study}.1"));
    NewInstance {
        lifted: pacs_core::attributes::lift(&set).unwrap(),
        header: Arc::new(set),
        place: Place { kept: Kept::Segment(SegmentId(1)), offset_bytes: 0, length_bytes: 1, head_bytes: 0 },
        hash: [1; 32],
        transfer_syntax: Uid::parse("1.2.840.10008.1.2.1").unwrap(),
        received_ms: NOW_MS,
        facility: "BVTW".into(),
        calling_ae: None,
    }
}
