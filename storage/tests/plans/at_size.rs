//! Plans that depend on how many rows there are: what looks small in a table of ten rows may read all of a million.
//! The tables are filled, the engine counts them, and it chooses as it would for any values.

use pacs_core::access::Scope;
use pacs_core::dataset::DataSet;
use pacs_core::query::Level;
use pacs_core::tags;
use sqlx::{AssertSqlSafe, Connection, Executor, Row};
use storage::acts;
use storage::database::Database;
use storage::query;

use futures::TryStreamExt;

use super::{Statements, ask, postgres, postgres_plan};

const PATIENTS: u32 = 25_000;
const STUDIES_OF_EACH: u32 = 4;
const ACTS: u32 = 100_000;

/// What is asked, and the indexes that lead to its answer.
struct Asked {
    what: &'static str,
    statements: Vec<String>,
    seeks: &'static [&'static str],
}

/// Persons with two numbers and so many studies each, and so many acts on the studies of which every other one is also
/// about the next study.
pub(super) async fn fill(db: &Database, patients: u32, studies_of_each: u32, acts: u32) {
    let counted = |most: u32| {
        format!("with recursive n (i) as (select 1 union all select i + 1 from n where i < {most}) select")
    };
    let (counted_patients, studies) = (counted(patients), counted(patients * studies_of_each));
    for sql in [
        "insert into issuer (id, code, kind) values (1001, 'BVTW', 'facility'), (1002, 'CCCD', 'national')".to_owned(),
        format!(
            "insert into patient (id, identifier, issuer_id, name, folded_name, name_key, revision, created_ms, updated_ms)
             {counted_patients} i, 'BN' || i, 1001, 'A', ' a ', 'a', 1, 0, 0 from n"
        ),
        "insert into patient_identifier (issuer_id, identifier, patient_id)
             select 1001, identifier, id from patient union all select 1002, '0' || id, id from patient"
            .to_owned(),
        format!(
            "insert into study (uid, patient_id, facility, patient_identifier, patient_issuer, patient_name, folded_name,
                 name_key, newest_key, modalities, sop_classes, series_count, instance_count, attributes, revision,
                 conflict_count, received_ms, updated_ms)
             {studies} '1.2.' || i, 1 + i / {studies_of_each} % {patients}, 'BVTW', 'BN' || (1 + i / {studies_of_each}),
                 'BVTW', 'A', ' a ', 'a', 20260101000000 + i, '\\CT\\', '\\1.2\\', 1, 1, '{{}}', 1, 0, i, i from n"
        ),
        format!(
            "insert into act (kind, actor, at_ms, subject_kind, subject_uid)
             {} 'study.correct', 'user:a', n.i, 'study', '1.2.' || n.i from n where n.i <= {acts}",
            counted(acts)
        ),
        "insert into act_about (uid, act_id) select '1.2.' || (id + 1), id from act where id % 2 = 0".to_owned(),
        "insert into act (kind, actor, at_ms, subject_kind, subject_uid, undoes_id)
             select 'study.uncorrect', actor, at_ms, subject_kind, subject_uid, id from act where id % 10 = 0"
            .to_owned(),
        "analyze".to_owned(),
    ] {
        db.execute(AssertSqlSafe(sql), vec![]).await.unwrap();
    }
}

/// Asks everything once; each with what it sent.
async fn asked(db: &Database, statements: &Statements) -> Vec<Asked> {
    let mut all = Vec::new();
    let mut note = |what, seeks, wanted: &str| {
        let sent = statements.take().into_iter().filter(|text| text.contains(wanted));
        all.push(Asked { what, statements: sent.collect(), seeks });
    };
    statements.take();
    let facility = Scope::Facilities(vec!["BVTW".into()]);
    for scope in [&Scope::All, &facility] {
        for (level, identifier) in [
            (Level::Study, "BN77"),
            (Level::Study, "BN77*"),
            (Level::Series, "077"),
            (Level::Instance, "077"),
            (Level::Patient, "077"),
        ] {
            let by_number = ask(level, &[(tags::PATIENT_ID, identifier)]);
            let _: Vec<DataSet> = query::find(db, &by_number, scope).try_collect().await.unwrap();
            let _: Vec<_> = query::find_places(db, &by_number, scope).try_collect().await.unwrap();
            let seeks = &["patient_identifier_text", "study_patient"];
            note("a patient's number", seeks, "patient_identifier n");
            let with_issuer =
                ask(level, &[(tags::PATIENT_ID, identifier), (tags::ISSUER_OF_PATIENT_ID, "CCCD")]);
            let _: Vec<DataSet> = query::find(db, &with_issuer, scope).try_collect().await.unwrap();
            note(
                "a patient's number and issuer",
                &["patient_identifier", "study_patient"],
                "patient_identifier n",
            );
        }
    }
    assert_eq!(acts::of_study(db, "1.2.77", 50).await.unwrap().len(), 2);
    note("the acts on a study", &["act_subject", "act_about", "act_undoes"], "act_about");
    all
}

async fn filled_and_asked(db: &Database, statements: &Statements) -> Vec<Asked> {
    fill(db, PATIENTS, STUDIES_OF_EACH, ACTS).await;
    let all = asked(db, statements).await;
    assert!(all.iter().all(|asked| !asked.statements.is_empty()), "nothing was caught");
    all
}

fn assert_led(asked: &[Asked], plans: &[Vec<String>]) {
    let mut wrong = Vec::new();
    for (plan, (asked, statement)) in plans
        .iter()
        .zip(asked.iter().flat_map(|asked| asked.statements.iter().map(move |text| (asked, text))))
    {
        let reads_all = plan.iter().any(|step| {
            step.contains("Seq Scan on study")
                || step.contains("Seq Scan on act")
                || step.contains("Seq Scan on patient")
                || (step.starts_with("SCAN")
                    && !step.contains("SUBQUERY")
                    && !["SCAN few", "SCAN lines"].contains(&step.as_str())
                    && !step.contains("CONSTANT"))
        });
        let seeks = asked.seeks.iter().all(|index| plan.iter().any(|step| step.contains(index)));
        if reads_all || !seeks {
            wrong.push(format!("{}:\n{statement}\n{}", asked.what, plan.join("\n")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_leads_to_a_few_rows_of_many_reads_only_these_on_sqlite() {
    let statements = Statements::collect();
    let dir = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", dir.path().join("sen.db").display());
    let db = Database::open(&url).await.unwrap();
    let all = filled_and_asked(&db, &statements).await;
    let mut reader = sqlx::SqliteConnection::connect(&url).await.unwrap();
    let mut plans = Vec::new();
    for statement in all.iter().flat_map(|asked| &asked.statements) {
        let explain = AssertSqlSafe(format!("explain query plan {statement}"));
        let steps = sqlx::query(explain).fetch_all(&mut reader).await.unwrap();
        plans.push(steps.iter().map(|step| step.get::<String, _>("detail")).collect());
    }
    assert_led(&all, &plans);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_leads_to_a_few_rows_of_many_reads_only_these_on_postgresql() {
    let statements = Statements::collect();
    let Some(url) = postgres().await else { return };
    let db = Database::open(&url).await.unwrap();
    let all = filled_and_asked(&db, &statements).await;
    let mut reader = sqlx::PgConnection::connect(&url).await.unwrap();
    // As for a statement that has been sent often, whatever its values.
    reader.execute("set plan_cache_mode = force_generic_plan").await.unwrap();
    let mut plans = Vec::new();
    for statement in all.iter().flat_map(|asked| &asked.statements) {
        plans.push(postgres_plan(&mut reader, statement).await);
    }
    assert_led(&all, &plans);
}
