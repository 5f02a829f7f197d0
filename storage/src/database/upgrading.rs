//! Databases of older programs that have rows in them: what every upgrade of a hospital goes through, and what no
//! database that is made anew does.

use sqlx::AssertSqlSafe;

use super::{Database, Engine, Param, params};

/// A database with nothing in it, not even a schema, and what has to outlive it.
struct Empty {
    url: String,
    _dir: tempfile::TempDir,
}

impl Empty {
    fn sqlite() -> Self {
        let dir = tempfile::tempdir().unwrap();
        Self { url: format!("sqlite://{}", dir.path().join("sen.db").display()), _dir: dir }
    }

    async fn postgres() -> Option<Self> {
        let Ok(server) = std::env::var("SEN_TEST_POSTGRES_URL") else {
            testdata::skipped("SEN_TEST_POSTGRES_URL names no server (make test starts one)");
            return None;
        };
        let name = format!("sen_upgrading_{:016x}", rand::random::<u64>());
        let database = Database::open_postgres(&server).await.unwrap();
        let make = AssertSqlSafe(format!("create database \"{name}\""));
        database.fetch_optional(make, params![]).await.unwrap();
        database.close().await;
        let mut url = url::Url::parse(&server).unwrap();
        url.set_path(&name);
        Some(Self { url: url.into(), _dir: tempfile::tempdir().unwrap() })
    }
}

/// Rows that were there when a schema was the newest, as far as a later migration reads or changes their tables.
const ROWS: &[(i64, &[&str])] = &[
    (
        1,
        &[
            "insert into issuer (id, code, kind) values (1, 'A', 'facility')",
            "insert into facility (id, code, name, issuer_id, time_zone)
             values (1, 'A', 'Bạch Mai', 1, 'Asia/Ho_Chi_Minh')",
            "insert into device (id, ae_title, description, worklist_names, source)
             values (1, 'CT1', '', 'utf8', 'rows'), (2, 'US1', '', 'ascii', 'rows')",
            "insert into patient (id, identifier, issuer_id, name, folded_name, name_key, revision, created_ms,
                 updated_ms)
             values (1, 'BN1', 1, 'Bình^An', ' binh an ', 'an binh', 1, 5, 5)",
            "insert into patient_identifier (issuer_id, identifier, patient_id) values (1, 'BN1', 1)",
            "insert into patient_word (word, patient_id) values ('an', 1), ('binh', 1)",
            "insert into study (id, uid, patient_id, facility, patient_identifier, patient_issuer, patient_name,
                 folded_name, name_key, newest_key, modalities, sop_classes, series_count, instance_count, attributes,
                 revision, doubt, conflict_count, received_ms, updated_ms)
             values (1, '1.1', 1, 'A', 'BN1', 'A', 'Bình^An', ' binh an ', 'an binh', 20260101080000, '\\CT\\', '\\',
                 1, 1, '{}', 1, 'birth_date', 1, 5, 5)",
            "insert into study_word (word, newest_key, study_id)
             values ('an', 20260101080000, 1), ('binh', 20260101080000, 1)",
            "insert into series (id, uid, study_id, instance_count, attributes, revision, unsettled, received_ms,
                 updated_ms)
             values (1, '1.1.1', 1, 1, '{}', 1, 0, 5, 5)",
            "insert into pack (id, series_id, object_key, length_bytes, companion_bytes, instance_count, created_ms)
             values (1, 1, 'packs/1.tar', 4096, 64, 1, 6)",
            "insert into instance (id, uid, series_id, class, transfer_syntax, pack_id, offset_bytes, length_bytes,
                 head_bytes, hash, received_ms)
             values (1, '1.1.1.1', 1, '1.2', '1.2.1', 1, 512, 700, 300, $1, 5)",
            "insert into instance_version (id, instance_id, transfer_syntax, pack_id, offset_bytes, length_bytes,
                 head_bytes, hash, received_ms)
             values (1, 1, '1.2.1', 1, 2048, 700, 300, $1, 7)",
            "insert into act (id, kind, actor, at_ms, subject_kind, subject_uid)
             values (1, 'series.serve', 'user:1', 8, 'series', '1.1.1'),
                 (2, 'instance.reject', 'user:1', 9, 'instance', '1.1.1.1')",
            "insert into order_ (id, facility, patient_id, accession_number, emergency, state, created_by, created_ms,
                 revision)
             values (1, 'A', 1, 'X1', 0, 'open', 'user:1', 5, 1)",
            "insert into job (id, kind, payload, state, due_ms, attempts, max_attempts, created_ms, updated_ms)
             values (1, 'send', '{}', 'done', 5, 1, 3, 5, 5)",
        ],
    ),
    (
        4,
        &[
            "insert into worklist_subscription (ae_title, kind, keys, fuzzy, deletion_lock, facilities)
             values ('CT1', 'all', '[]', 0, 0, '[\"A\"]')",
            "insert into workitem (id, uid, facility, state, attributes, accession_numbers, requested_procedures,
                 requested_studies, station_names, station_classes, station_locations, workitem_codes, performers,
                 created_by, created_ms)
             values (1, '1.5', 'A', 'SCHEDULED', '{}', '\\', '\\', '\\', '\\', '\\', '\\', '\\', '\\', 'user:1', 5)",
            "insert into workitem_subscription (workitem_id, ae_title, deletion_lock) values (1, 'CT1', 0)",
        ],
    ),
    (
        18,
        &[
            "insert into damage (uid, hash, why, found_ms)
             values ('1.1.1.1', $1, 'its content has another hash', 5), ('1.1.1.2', $1, 'no such file', 5)",
            "insert into route (name, device, conditions, priority, enabled, source)
             values ('to the archive', 'US1', '{}', 0, 1, 'rows')",
            "insert into transfer (job_id, direction, device, facility, study_uid, origin, moved, failed, after_id,
                 transaction_uid)
             values (1, 'send', 'US1', 'A', '1.1', 'person', 1, 0, 1, '2.25.9')",
        ],
    ),
    (
        29,
        &[
            "insert into awaited_rejection (uid, facility, code, noted_ms) values ('1.1.1.9', 'A', '113001', 5)",
            "insert into non_patient (id, uid, class, hash, transfer_syntax, length_bytes, head_bytes, description,
                 received_ms)
             values (1, '1.7', '1.2', $1, '1.2.1', 700, 300, '{}', 5)",
        ],
    ),
    (
        31,
        &[
            "insert into issuer (id, code, kind) values (2, 'B', 'facility')",
            "insert into patient (id, identifier, issuer_id, name, folded_name, name_key, revision, created_ms,
                 updated_ms)
             values (2, '?1.3', 1, '', '', '', 1, 5, 5)",
            "insert into study (id, uid, patient_id, facility, patient_identifier, patient_issuer, patient_name,
                 folded_name, name_key, newest_key, modalities, sop_classes, series_count, instance_count, attributes,
                 revision, conflict_count, received_ms, updated_ms)
             select n.id, n.uid, n.patient, 'A', n.sent, n.issuer, '', '', '', 20260101080000, '', '', 0, 0, '{}', 1, 0,
                 5, 5
             from (select 2 as id, '1.2' as uid, 1 as patient, 'BN7' as sent, 'A' as issuer
                 union all select 3, '1.3', 2, '', 'A' union all select 4, '1.4', 1, 'BN1', 'B') as n",
        ],
    ),
];

/// What the newest schema says of these rows.
const AFTERWARDS: &[(&str, &[&str])] = &[
    ("select name from facility", &["Bạch Mai"]),
    ("select ae_title || ' ' || coalesce(character_set, '-') from device", &["CT1 -", "US1 ISO_IR 6"]),
    ("select cast(requires_tls + is_archive + worklist_own as text) from device", &["0", "0"]),
    ("select name from patient where id = 1", &["Bình^An"]),
    (
        "select pair || '|' || words || '|' || cast(newest_key as text) from study_pair",
        &["an binh| binh an |20260101080000"],
    ),
    ("select pair || ' ' || cast(patient_id as text) from patient_pair", &["an binh 1"]),
    ("select doubt from study where id = 1", &["birth_date,conflict"]),
    (
        "select coalesce(correction, requested_by, '-') from study where id = 1 and own_patient_id is null",
        &["-"],
    ),
    ("select cast(moved_ms + names_others as text) from series where sent_study_uid is null", &["0"]),
    ("select uid from instance where rejection_id is null and sent_series_uid is null", &["1.1.1.1"]),
    (
        "select kind || ' ' || study_uid || ' ' || other || ' ' || cast(found_ms as text) from discrepancy",
        &["birth_date 1.1  5", "conflict 1.1 1.1.1 7"],
    ),
    ("select uid || ' ' || cast(act_id as text) from act_about", &["1.1 1", "1.1 2"]),
    ("select cast(verified_ms as text) from pack where blake3 is null", &["0"]),
    ("select why from damage", &["differs: its content has another hash", "unreadable: no such file"]),
    ("select accession_number from order_ where own_patient_id is null", &["X1"]),
    ("select cast(priority + rank_ms + held as text) from job where lane is null", &["0"]),
    ("select kind from worklist_subscription", &["all"]),
    ("select requesting_services || accession_issuers || admission_issuers || '-' from workitem", &["-"]),
    ("select cast(withdrawn as text) from workitem_subscription", &["0"]),
    ("select cast(after_corrections as text) from route", &["0"]),
    (
        "select device || ' ' || cast(committed_id as text) from transfer where transaction_uid is null",
        &["US1 0"],
    ),
    (
        "select transaction_uid || ' ' || cast(through_id as text) || ' ' || cast(after_id as text) from commitment_ask",
        &["2.25.9 1 0"],
    ),
    ("select code || document from awaited_rejection", &["113001"]),
    ("select uid || tail from non_patient", &["1.7"]),
    (
        "select uid || ' ' || coalesce(registered_identifier || ' ' || registered_issuer, '-') from study",
        &["1.1 -", "1.2 BN1 A", "1.3 -", "1.4 BN1 A"],
    ),
];

/// The first column of all rows, sorted.
async fn texts(database: &Database, sql: &str) -> Vec<String> {
    let rows = database.fetch(AssertSqlSafe(sql.to_owned()), params![]).await.unwrap();
    let mut texts: Vec<String> = rows.iter().map(|row| row.at(0).unwrap()).collect();
    texts.sort_unstable();
    texts
}

/// All that a schema consists of.
async fn schema(database: &Database) -> Vec<String> {
    let parts: &[&str] = match database.engine() {
        Engine::Sqlite => &["select name || ' ' || coalesce(sql, 'by itself') from sqlite_master"],
        Engine::Postgres => &[
            "select concat_ws(' ', table_name, ordinal_position, column_name, data_type, is_nullable, column_default,
                 collation_name) from information_schema.columns where table_schema = 'public'",
            "select indexdef from pg_indexes where schemaname = 'public'",
            "select concat_ws(' ', conrelid::regclass, conname, pg_get_constraintdef(oid)) from pg_constraint
             where connamespace = 'public'::regnamespace",
        ],
    };
    let mut all = texts(database, "select cast(version as text) || ' ' || name from migration").await;
    for part in parts {
        let part = texts(database, part).await;
        assert!(!part.is_empty());
        all.extend(part);
    }
    all
}

/// Brings a database up to a schema as the programs of its time did, and fills it.
async fn with_rows_of(url: &str, version: i64, rows: &[&str]) {
    let database = Database::open_at(url, version).await.unwrap();
    assert_eq!(database.schema_version().await.unwrap(), version);
    for sql in rows {
        let hash: Vec<Param> = if sql.contains("$1") { params![&[7_u8; 32][..]] } else { params![] };
        database.execute(AssertSqlSafe((*sql).to_owned()), hash).await.unwrap();
    }
    database.close().await;
}

async fn what_older_programs_have_written_is_kept(old: Empty, fresh: Empty) {
    for (version, rows) in ROWS {
        with_rows_of(&old.url, *version, rows).await;
    }
    let upgraded = Database::open(&old.url).await.unwrap();
    for (sql, expected) in AFTERWARDS {
        assert_eq!(texts(&upgraded, sql).await, *expected, "{sql}");
    }
    let made = Database::open(&fresh.url).await.unwrap();
    assert_eq!(schema(&upgraded).await, schema(&made).await);
    upgraded.close().await;
    made.close().await;
}

/// `sen serve` and `sen import` that are started together, and two nodes of one hospital that are upgraded.
async fn programs_may_begin_at_once(empty: Empty, old: Empty) {
    if empty.url.starts_with("sqlite") {
        // The file itself is made by the first of them.
        Database::open_sqlite(&empty.url).await.unwrap().close().await;
    }
    let (version, rows) = ROWS[0];
    with_rows_of(&old.url, version, rows).await;
    for url in [&empty.url, &old.url] {
        let (one, other) = tokio::join!(Database::open(url), Database::open(url));
        let (one, other) = (one.unwrap(), other.unwrap());
        let known = super::known_version();
        assert_eq!(one.schema_version().await.unwrap(), known);
        assert_eq!(other.schema_version().await.unwrap(), known);
        one.close().await;
        other.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_older_programs_have_written_is_kept_in_sqlite() {
    what_older_programs_have_written_is_kept(Empty::sqlite(), Empty::sqlite()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_older_programs_have_written_is_kept_in_postgresql() {
    if let (Some(old), Some(fresh)) = (Empty::postgres().await, Empty::postgres().await) {
        what_older_programs_have_written_is_kept(old, fresh).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn programs_may_begin_at_once_on_sqlite() {
    programs_may_begin_at_once(Empty::sqlite(), Empty::sqlite()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn programs_may_begin_at_once_on_postgresql() {
    if let (Some(empty), Some(old)) = (Empty::postgres().await, Empty::postgres().await) {
        programs_may_begin_at_once(empty, old).await;
    }
}
