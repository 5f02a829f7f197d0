//! What no index leads to is looked for window by window, and everything else is led: which is which stands here.

use std::collections::BTreeSet;

use futures::TryStreamExt;
use pacs_core::access::Scope;
use pacs_core::dataset::{DataSet, vr_of};
use pacs_core::query::{Level, Query, Returns};
use pacs_core::{Tag, VR, tags};
use sqlx::{AssertSqlSafe, Connection, Executor, Row};
use storage::database::Database;
use storage::exams::finding;
use storage::exams::search::{self, Search};
use storage::query;

use super::{Statements, at_size, postgres, postgres_plan};

/// The attributes that lead when a whole value is given. All others may have to look at every study.
const LED: &[Tag] = &[
    tags::PATIENT_NAME,
    tags::PATIENT_ID,
    tags::STUDY_INSTANCE_UID,
    tags::STUDY_DATE,
    tags::ACCESSION_NUMBER,
    tags::SERIES_INSTANCE_UID,
    tags::SOP_INSTANCE_UID,
];

/// Studies, and as many patients: several windows of either.
const STUDIES: u32 = 20_000;

/// Values of keys that lead, and those that do not: because nobody knows where they begin, or because thousands
/// begin so.
const PATTERNS: &[(Tag, &str, bool)] = &[
    (tags::PATIENT_ID, "BN77*", true),
    (tags::PATIENT_ID, "*77", false),
    (tags::PATIENT_ID, "BN1*", false),
    (tags::ACCESSION_NUMBER, "A77*", true),
    (tags::ACCESSION_NUMBER, "*77", false),
    (tags::ACCESSION_NUMBER, "A10*", false),
    (tags::STUDY_DATE, "20260101-20260131", true),
];

/// Asks for what nothing fulfils, and how many there are; what was sent of it, and whether both went in windows.
async fn asked(db: &Database, statements: &Statements, query: &Query) -> (BTreeSet<String>, bool) {
    statements.take();
    let _: Vec<DataSet> = query::find(db, query, &Scope::All).try_collect().await.unwrap();
    let found = statements.take();
    query::count(db, query, &Scope::All, 10_000).await.unwrap();
    let counted = statements.take();
    let in_windows = goes_in_windows(&found);
    assert_eq!(goes_in_windows(&counted), in_windows, "{query:?}: {counted:?}");
    let sent = found.into_iter().chain(counted);
    (sent.filter(|text| text.contains("newest_key")).collect(), in_windows)
}

fn goes_in_windows(sent: &BTreeSet<String>) -> bool {
    let ends = |text: &String| text.contains("limit 1 offset $") && text.contains("newest_key, ");
    let in_windows = sent.iter().any(ends);
    // A window has two ends, which one index bounds; only the first and the last of all have one.
    let bounded = |text: &String| text.contains("t.id) < (") && text.contains("t.id) >= (");
    assert!(!in_windows || sent.iter().any(bounded), "{sent:?}");
    in_windows
}

/// A value that no study has, but that an index would lead to.
fn value_of(path: &[Tag]) -> &'static str {
    match path.last().map(|tag| vr_of(*tag)) {
        Some(VR::UI) => "9.9.9",
        Some(VR::DA) => "20360921",
        Some(VR::TM) => "0900",
        Some(VR::IS | VR::US) => "7",
        _ => "NOBODY",
    }
}

/// Every filter at every level, with what was sent and whether that may walk.
async fn all(db: &Database, statements: &Statements) -> Vec<(String, BTreeSet<String>, bool)> {
    let mut all = Vec::new();
    for level in [Level::Study, Level::Series, Level::Instance] {
        for path in query::matched(level) {
            let mut query = Query { limit: Some(50), ..Query::new(level) };
            query.add(&path, vr_of(*path.last().unwrap()), value_of(&path)).unwrap();
            let (sent, in_windows) = asked(db, statements, &query).await;
            let name = format!("{level:?} by {path:?}");
            let leads = path.len() == 1 && LED.contains(&path[0]);
            assert_eq!(in_windows, !leads, "{name}: {sent:?}");
            all.push((name, sent, in_windows));
        }
        for (tag, pattern, leads) in PATTERNS {
            let mut query = Query { limit: Some(50), ..Query::new(level) };
            query.add(&[*tag], vr_of(*tag), pattern).unwrap();
            // Nothing is found by it.
            query.add(&[tags::STUDY_DATE], VR::DA, "20360921").unwrap();
            let in_windows = {
                statements.take();
                let _: Vec<DataSet> = query::find(db, &query, &Scope::All).try_collect().await.unwrap();
                statements.take().iter().any(|text| text.contains("limit 1 offset $"))
            };
            assert_eq!(in_windows, !leads, "{level:?} by {pattern}");
        }
    }
    all
}

/// Whether a plan reads all of a table or of an index. PostgreSQL says of an index that it is led by the condition in
/// the next line; it reads tables of a few rows whole as it likes, which here are all but these two.
fn reads_all(steps: &[String], begins: bool) -> bool {
    let of_many = |step: &str| [" on study ", " on patient "].iter().any(|table| step.contains(table));
    let whole = |at: usize, step: &str| {
        let is_led = || steps.get(at + 1).is_some_and(|next| next.trim_start().starts_with("Index Cond"));
        let is_scan = step.contains("Index Scan") || step.contains("Index Only Scan");
        let unled = is_scan && of_many(step) && !is_led() && !begins;
        step.contains("Seq Scan") || step.starts_with("SCAN") || unled
    };
    let few = |step: &str| {
        ["few", "lines", "SUBQUERY", "CONSTANT", "(subquery"].iter().any(|word| step.contains(word))
    };
    steps.iter().enumerate().any(|(at, step)| whole(at, step) && !few(step))
}

/// The first window, and the first end of one, have nothing behind them.
fn begins(statement: &str, in_windows: bool) -> bool {
    in_windows && !statement.contains(" < ($")
}

#[tokio::test(flavor = "multi_thread")]
async fn only_these_filters_walk_and_they_walk_in_windows_on_sqlite() {
    let statements = Statements::collect();
    let dir = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", dir.path().join("sen.db").display());
    let db = Database::open(&url).await.unwrap();
    at_size::fill(&db, STUDIES, 1, 0).await;
    number(&db).await;
    let mut reader = sqlx::SqliteConnection::connect(&url).await.unwrap();
    let mut wrong = Vec::new();
    for (name, sent, in_windows) in all(&db, &statements).await {
        for statement in sent.iter().filter(|text| !begins(text, in_windows)) {
            let explain = AssertSqlSafe(format!("explain query plan {statement}"));
            let steps = sqlx::query(explain).fetch_all(&mut reader).await.unwrap();
            let steps: Vec<String> = steps.iter().map(|step| step.get("detail")).collect();
            let sorts = in_windows && steps.iter().any(|step| step.contains("TEMP B-TREE FOR ORDER BY"));
            if sorts || reads_all(&steps, false) {
                wrong.push(format!("{name}\n{statement}\n{}", steps.join("\n")));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    finds_all(&db).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_these_filters_walk_and_they_walk_in_windows_on_postgresql() {
    let statements = Statements::collect();
    let Some(url) = postgres().await else { return };
    let db = Database::open(&url).await.unwrap();
    at_size::fill(&db, STUDIES, 1, 0).await;
    number(&db).await;
    let mut reader = sqlx::PgConnection::connect(&url).await.unwrap();
    reader.execute("set enable_seqscan = off; set plan_cache_mode = force_generic_plan").await.unwrap();
    let mut wrong = Vec::new();
    for (name, sent, in_windows) in all(&db, &statements).await {
        for statement in &sent {
            let steps = postgres_plan(&mut reader, statement).await;
            if reads_all(&steps, begins(statement, in_windows)) {
                wrong.push(format!("{name}\n{statement}\n{}", steps.join("\n")));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    finds_all(&db).await;
}

/// Numbers of orders, and three studies far from each other that have what the others have not.
async fn number(db: &Database) {
    for sql in [
        "update study set accession_number = 'A' || (100000 + id)",
        "update study set description = 'PET' where id in (7, 10000, 19990)",
        "insert into series (uid, study_id, modality, station_name, instance_count, attributes, revision, unsettled,
             received_ms, updated_ms)
         select uid || '.1', id, 'CT', case when id in (7, 10000, 19990) then 'PET1' else 'CT1' end, 1, '{}', 1, 0, 0, 0
         from study where id % 10 = 0 or id = 7",
        "analyze",
    ] {
        db.execute(sql, vec![]).await.unwrap();
    }
}

/// Studies with a modality that is rare, and exams of which a few are another facility's.
async fn schedule(db: &Database) {
    for sql in [
        "update study set modalities = '\\PT\\' where id in (7, 10000, 19990)",
        "insert into facility (id, code, name, issuer_id, time_zone) values
             (1001, 'BVTW', 'a', 1001, 'Asia/Ho_Chi_Minh'), (1002, 'BVH', 'b', 1001, 'Asia/Ho_Chi_Minh')",
        "update patient set folded_name = ' nguyen an '",
        "insert into patient_word (word, patient_id) select 'nguyen', id from patient union all select 'an', id from patient",
        "insert into patient_pair (pair, patient_id) select 'an nguyen', id from patient",
        "insert into order_ (id, facility, patient_id, accession_number, emergency, state, created_by, created_ms, revision)
         select id, 'BVTW', id, 'A' || (100000 + id), 0, 'scheduled', 'a', 0, 1 from patient",
        "insert into requested_procedure (id, order_id, procedure_id, study_uid, code, name)
         select id, id, 'P' || id, '1.3.' || id, 'CT', 'CT' from patient",
        "insert into scheduled_step (id, requested_procedure_id, step_id, facility, modality, scheduled_date, scheduled_time,
             state, revision, updated_ms)
         select id, id, 'S' || id, case when id in (3, 9000, 19990) then 'BVH' else 'BVTW' end, 'CT',
             '' || (20260101 + id / 5000), '' || (100000 + id), 'scheduled', 1, 0 from patient",
        "analyze",
    ] {
        db.execute(sql, vec![]).await.unwrap();
    }
}

/// Looks as the pages do; answers what was sent to find exams along the schedule.
async fn pages(db: &Database, statements: &Statements) -> Vec<String> {
    let in_windows = || {
        let sent = statements.take();
        (sent.iter().any(|text| text.contains("limit 1 offset $")), sent)
    };
    in_windows();
    let list = async |cursor| {
        let modality = Some("PT".to_owned());
        let wanted = Search { modality, limit: 2, cursor, ..Search::default() };
        let page = search::search(db, &Scope::All, &wanted).await.unwrap();
        (page.items.iter().map(|study| study.uid.to_string()).collect::<Vec<_>>(), page.next)
    };
    let (first, next) = list(None).await;
    assert_eq!(first, ["1.2.19990", "1.2.10000"]);
    assert_eq!(list(next).await, (vec!["1.2.7".to_owned()], None));
    assert!(in_windows().0, "the list of studies");

    let elsewhere = Scope::Facilities(vec!["BVH".into()]);
    let mut sent = Vec::new();
    let asked: [(&str, &[i64], bool); 9] = [
        ("nguyen an ", &[19990, 9000, 3], true),
        ("ng", &[19990, 9000, 3], true),
        ("A10", &[9000, 3], true),
        ("ng A10", &[9000, 3], true),
        ("A119990", &[19990], false),
        ("ng A119990", &[19990], false),
        ("BN9000", &[9000], false),
        ("A1", &[], false),
        ("3", &[], false),
    ];
    for (typed, found, walks) in asked {
        let exams = finding::find(db, &elsewhere, typed).await.unwrap();
        assert_eq!(exams.iter().map(|exam| exam.id.0).collect::<Vec<_>>(), found, "{typed}");
        let (walked, all) = in_windows();
        assert_eq!(walked, walks, "{typed}: {all:?}");
        // The windows behind the first.
        let mut bounded: Vec<String> =
            all.iter().filter(|text| walks && text.contains("s.id) < (")).cloned().collect();
        assert_eq!(!bounded.is_empty(), walks, "{typed}: {all:?}");
        sent.append(&mut bounded);
    }
    assert_eq!(finding::find(db, &Scope::All, "nguyen an ").await.unwrap().len(), 20);
    sent
}

/// Whether a window of the schedule is read by its index, and no more of it. PostgreSQL sorts one as it likes.
fn reads_a_window(steps: &[String]) -> bool {
    let Some(at) = steps.iter().position(|step| step.contains("scheduled_step_day")) else { return false };
    steps.get(at + 1).is_some_and(|next| next.trim_start().starts_with("Index Cond"))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_pages_look_for_goes_in_windows_on_sqlite() {
    let statements = Statements::collect();
    let dir = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", dir.path().join("sen.db").display());
    let db = Database::open(&url).await.unwrap();
    at_size::fill(&db, STUDIES, 1, 0).await;
    schedule(&db).await;
    let mut reader = sqlx::SqliteConnection::connect(&url).await.unwrap();
    let mut wrong = Vec::new();
    for statement in pages(&db, &statements).await {
        let explain = AssertSqlSafe(format!("explain query plan {statement}"));
        let steps = sqlx::query(explain).fetch_all(&mut reader).await.unwrap();
        let steps: Vec<String> = steps.iter().map(|step| step.get("detail")).collect();
        // What is asked of each exam beside sorts a few rows of its own.
        let sorts = steps.last().is_some_and(|step| step.contains("TEMP B-TREE FOR ORDER BY"));
        if sorts || !steps.iter().any(|step| step.contains("scheduled_step_day")) {
            wrong.push(format!("{statement}\n{}", steps.join("\n")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_pages_look_for_goes_in_windows_on_postgresql() {
    let statements = Statements::collect();
    let Some(url) = postgres().await else { return };
    let db = Database::open(&url).await.unwrap();
    at_size::fill(&db, STUDIES, 1, 0).await;
    schedule(&db).await;
    let mut reader = sqlx::PgConnection::connect(&url).await.unwrap();
    reader.execute("set plan_cache_mode = force_generic_plan").await.unwrap();
    let mut wrong = Vec::new();
    for statement in pages(&db, &statements).await {
        let steps = postgres_plan(&mut reader, &statement).await;
        if !reads_a_window(&steps) {
            wrong.push(format!("{statement}\n{}", steps.join("\n")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

/// Nothing is lost between windows, left out twice, or counted twice.
async fn finds_all(db: &Database) {
    for (level, tag, value) in
        [(Level::Study, tags::STUDY_DESCRIPTION, "PET"), (Level::Series, tags::STATION_NAME, "PET1")]
    {
        let ask = |limit, offset| {
            let mut query = Query { limit, offset, returns: Returns::All, ..Query::new(level) };
            query.add(&[tag], vr_of(tag), value).unwrap();
            query
        };
        let all: Vec<_> =
            query::find_after(db, &ask(None, 0), &Scope::All, None).try_collect().await.unwrap();
        let uid = |answer: &query::Answer| answer.uid(tags::STUDY_INSTANCE_UID).unwrap().unwrap().to_string();
        assert_eq!(
            all.iter().map(uid).collect::<Vec<_>>(),
            ["1.2.19990", "1.2.10000", "1.2.7"],
            "newest first"
        );
        let counted = query::count(db, &ask(None, 0), &Scope::All, 10_000).await.unwrap();
        assert_eq!(counted, query::Count { answers: 3, is_all: true });
        let counted = query::count(db, &ask(None, 0), &Scope::All, 2).await.unwrap();
        assert_eq!(counted, query::Count { answers: 2, is_all: false });
        for (limit, offset, wanted) in
            [(Some(1), 1, &all[1..2]), (Some(2), 1, &all[1..]), (None, 2, &all[2..])]
        {
            let page = query::find_after(db, &ask(limit, offset), &Scope::All, None);
            let page: Vec<_> = page.try_collect().await.unwrap();
            let places = |answers: &[query::Answer]| {
                answers.iter().map(|answer| answer.position().unwrap()).collect::<Vec<_>>()
            };
            assert_eq!(places(&page), places(wanted), "{limit:?} behind {offset}");
        }
        let behind = all[0].position().unwrap();
        let rest = query::find_after(db, &ask(None, 0), &Scope::All, Some(behind));
        let rest: Vec<_> = rest.try_collect().await.unwrap();
        assert_eq!(rest.iter().map(uid).collect::<Vec<_>>(), ["1.2.10000", "1.2.7"], "behind the first");
    }
    let mut nobody = Query::new(Level::Patient);
    nobody.add(&[tags::PATIENT_SEX], VR::CS, "O").unwrap();
    let found: Vec<DataSet> = query::find(db, &nobody, &Scope::All).try_collect().await.unwrap();
    assert!(found.is_empty());
    db.execute("update patient set sex = 'O' where id in (3, 19000)", vec![]).await.unwrap();
    let found: Vec<DataSet> = query::find(db, &nobody, &Scope::All).try_collect().await.unwrap();
    let ids: Vec<_> = found.iter().filter_map(|patient| patient.text(tags::PATIENT_ID)).collect();
    assert_eq!(ids, ["BN19000", "BN3"], "newest first");
    let one = Query { limit: Some(1), offset: 1, ..nobody };
    let found: Vec<DataSet> = query::find(db, &one, &Scope::All).try_collect().await.unwrap();
    assert_eq!(found[0].text(tags::PATIENT_ID).as_deref(), Some("BN3"));
}
