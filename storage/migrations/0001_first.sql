-- The first schema. One text for both engines: the words in capitals are types that
-- `database::migrate` spells for SQLite or PostgreSQL (ID, SEQUENCE, INT, TEXT, BYTES).
-- Times are milliseconds since 1970 UTC; DICOM dates and times stay as sent.

-- Who is who ------------------------------------------------------------------------------------

create table issuer (
    id ID,
    code TEXT not null unique,
    kind TEXT not null,                       -- facility | national | insurance | other
    assigning_authority TEXT,                 -- HL7 CX-4, HD as text
    oid TEXT,
    fhir_system TEXT
);
create index issuer_authority on issuer (assigning_authority);
create index issuer_oid on issuer (oid);

create table facility (
    id ID,
    code TEXT not null unique,
    name TEXT not null,
    issuer_id INT not null references issuer (id),
    time_zone TEXT not null
);

create table device (
    id ID,
    ae_title TEXT not null unique,
    host TEXT,
    port INT,
    facility TEXT,
    description TEXT not null,
    modality TEXT,                            -- set for a station of the worklist
    room TEXT,
    worklist_names TEXT not null,             -- utf8 | ascii
    source TEXT not null,                     -- file | rows
    last_seen_ms INT
);

create table patient (
    id ID,
    identifier TEXT not null,
    issuer_id INT not null references issuer (id),
    name TEXT not null,                       -- PN as sent, UTF-8 NFC
    folded_name TEXT not null,                -- a space before, between and after the words
    name_key TEXT not null,                   -- folded words, sorted
    birth_date TEXT,
    sex TEXT,
    revision INT not null,
    merged_into_id INT references patient (id),
    created_ms INT not null,
    updated_ms INT not null,
    unique (identifier, issuer_id)
);
create index patient_name_key on patient (name_key);

create table patient_identifier (
    issuer_id INT not null references issuer (id),
    identifier TEXT not null,
    patient_id INT not null references patient (id),
    primary key (issuer_id, identifier)
);
create index patient_identifier_patient on patient_identifier (patient_id);
create index patient_identifier_text on patient_identifier (identifier);

create table patient_word (
    word TEXT not null,
    patient_id INT not null references patient (id),
    primary key (word, patient_id)
);
create index patient_word_patient on patient_word (patient_id);

-- What was made ---------------------------------------------------------------------------------

create table study (
    id ID,
    uid TEXT not null unique,
    patient_id INT not null references patient (id),
    facility TEXT not null,
    patient_identifier TEXT not null,
    patient_issuer TEXT not null,
    patient_name TEXT not null,
    folded_name TEXT not null,                -- a space before, between and after the words
    name_key TEXT not null,
    birth_date TEXT,
    sex TEXT,
    study_date TEXT,
    study_time TEXT,
    newest_key INT not null,                  -- yyyymmddhhmmss of the study, else of its arrival
    accession_number TEXT,
    accession_issuer TEXT,
    study_id TEXT,
    description TEXT,
    folded_description TEXT,
    referring_physician TEXT,
    folded_referrer TEXT,                     -- as folded_name
    modalities TEXT not null,                 -- \CT\SR\
    sop_classes TEXT not null,                -- \1.2...\1.2...\
    series_count INT not null,
    instance_count INT not null,
    attributes TEXT not null,                 -- DICOM JSON of the patient and study level
    revision INT not null,
    step_id INT,                              -- the scheduled step these images fulfil
    unmatched_reason TEXT,                    -- set while no step is linked
    doubt TEXT,                               -- why the demographics are doubtful
    conflict_count INT not null,              -- kept versions that are not served
    calling_ae TEXT,
    received_ms INT not null,                 -- first instance
    updated_ms INT not null                   -- last instance or act
);
create index study_newest on study (newest_key, id);
create index study_facility on study (facility, newest_key, id);
create index study_patient on study (patient_id, newest_key);
create index study_identifier on study (patient_identifier, newest_key);
create index study_accession on study (accession_number, newest_key);
create index study_name_key on study (name_key, newest_key);
create index study_unmatched on study (received_ms, id) where unmatched_reason is not null;
create index study_step on study (step_id) where step_id is not null;

create table study_word (
    word TEXT not null,                       -- one folded word of the patient's name
    newest_key INT not null,
    study_id INT not null references study (id),
    primary key (word, newest_key, study_id)
);
create index study_word_study on study_word (study_id);

create table series (
    id ID,
    uid TEXT not null unique,
    study_id INT not null references study (id),
    modality TEXT,
    number INT,
    description TEXT,
    body_part TEXT,
    laterality TEXT,
    series_date TEXT,
    series_time TEXT,
    station_name TEXT,
    protocol_name TEXT,
    performed_date TEXT,
    performed_time TEXT,
    requested_step TEXT,                      -- scheduled procedure step id as sent
    requested_procedure TEXT,                 -- requested procedure id as sent
    instance_count INT not null,
    attributes TEXT not null,                 -- DICOM JSON of the series level
    revision INT not null,
    unsettled INT not null,                   -- 1 while instances lie in the spool
    received_ms INT not null,
    updated_ms INT not null
);
create index series_study on series (study_id, number, id);
create index series_unsettled on series (updated_ms, id) where unsettled = 1;

-- Where bytes lie: an instance is in a segment of the spool or in a pack, never in both.
create table segment (
    id INT not null primary key,              -- made by the spool, names the file
    node TEXT not null,
    created_ms INT not null
);

create table pack (
    id ID,
    series_id INT references series (id),     -- null while reindexing makes its rows
    object_key TEXT not null unique,          -- the tar; its companion's key is derived from it
    length_bytes INT not null,
    companion_bytes INT not null,             -- 0 while the pack is being written
    instance_count INT not null,
    created_ms INT not null,
    deleted_ms INT                            -- rows are gone, objects follow an hour later
);
create index pack_series on pack (series_id);
create index pack_unfinished on pack (id) where companion_bytes = 0;
create index pack_deleted on pack (deleted_ms) where deleted_ms is not null;

create table instance (
    id ID,
    uid TEXT not null unique,
    series_id INT not null references series (id),
    class TEXT not null,
    number INT,
    pixel_rows INT,
    pixel_columns INT,
    bits_allocated INT,
    frames INT,
    transfer_syntax TEXT not null,
    segment_id INT references segment (id),
    pack_id INT references pack (id),
    offset_bytes INT not null,                -- of the Part 10 file within segment or pack
    length_bytes INT not null,                -- of the Part 10 file
    head_bytes INT not null,                  -- of its preamble and file meta information
    hash BYTES not null,
    received_ms INT not null
);
create index instance_series on instance (series_id, number, id);
create index instance_segment on instance (segment_id) where segment_id is not null;
create index instance_pack on instance (pack_id) where pack_id is not null;

create table instance_version (               -- same UID, other content: kept, never served
    id ID,
    instance_id INT not null references instance (id),
    transfer_syntax TEXT not null,
    segment_id INT references segment (id),
    pack_id INT references pack (id),
    offset_bytes INT not null,
    length_bytes INT not null,
    head_bytes INT not null,
    hash BYTES not null,
    calling_ae TEXT,
    received_ms INT not null,
    unique (instance_id, hash)
);
create index instance_version_segment on instance_version (segment_id) where segment_id is not null;
create index instance_version_pack on instance_version (pack_id) where pack_id is not null;

create table redirect (                       -- what late images of a moved UID obey
    kind TEXT not null,                       -- study | series
    from_uid TEXT not null,
    to_uid TEXT not null,
    act_id INT,
    primary key (kind, from_uid)
);

create table act (                            -- acts on the archive, copied to the journal
    id SEQUENCE,
    kind TEXT not null,
    actor TEXT not null,
    at_ms INT not null,
    subject_kind TEXT not null,
    subject_uid TEXT not null,
    reason TEXT,
    before_json TEXT,
    after_json TEXT,
    undoes_id INT references act (id),
    journaled_ms INT
);
create index act_subject on act (subject_uid, id);
create index act_unjournaled on act (id) where journaled_ms is null;

-- What was ordered ------------------------------------------------------------------------------

create table procedure_ (                     -- the catalogue of what can be ordered
    id ID,
    code TEXT not null unique,
    name TEXT not null,
    modality TEXT not null
);

create table room (
    id ID,
    code TEXT not null,
    name TEXT not null,
    facility TEXT not null,
    modality TEXT,
    unique (facility, code)
);

create table order_ (
    id ID,
    facility TEXT not null,
    patient_id INT not null references patient (id),
    accession_number TEXT not null,
    accession_issuer TEXT,
    placer_number TEXT,
    referring_physician TEXT,
    reason TEXT,
    emergency INT not null,
    state TEXT not null,
    created_by TEXT not null,
    created_ms INT not null,
    revision INT not null,
    unique (facility, accession_number)
);
create index order_accession on order_ (accession_number);
create index order_patient on order_ (patient_id, created_ms);

create table requested_procedure (
    id ID,
    order_id INT not null references order_ (id),
    procedure_id TEXT not null unique,        -- Requested Procedure ID (0040,1001)
    study_uid TEXT not null unique,
    code TEXT not null,
    name TEXT not null
);
create index requested_procedure_order on requested_procedure (order_id);

create table scheduled_step (
    id ID,
    requested_procedure_id INT not null references requested_procedure (id),
    step_id TEXT not null unique,             -- Scheduled Procedure Step ID (0040,0009)
    facility TEXT not null,
    modality TEXT not null,
    station_ae TEXT,
    room TEXT,
    scheduled_date TEXT not null,             -- yyyymmdd in the facility's zone
    scheduled_time TEXT not null,             -- hhmmss
    state TEXT not null,
    started_ms INT,
    ended_ms INT,
    accepted_ms INT,
    reason TEXT,                              -- of the last act that asked for one
    revision INT not null,
    updated_ms INT not null
);
create index scheduled_step_day on scheduled_step (scheduled_date, scheduled_time, id);
create index scheduled_step_procedure on scheduled_step (requested_procedure_id);
create index scheduled_step_state on scheduled_step (state, scheduled_date);

create table performed_step (
    id ID,
    uid TEXT not null unique,
    scheduled_step_id INT references scheduled_step (id),
    station_ae TEXT not null,
    state TEXT not null,                      -- IN PROGRESS | COMPLETED | DISCONTINUED
    study_uid TEXT,
    attributes TEXT not null,                 -- DICOM JSON as reported
    started_ms INT not null,
    ended_ms INT
);
create index performed_step_scheduled on performed_step (scheduled_step_id);
create index performed_step_study on performed_step (study_uid);

create table exam_act (                       -- the history of an exam, in order
    id SEQUENCE,
    step_id INT not null references scheduled_step (id),
    act TEXT not null,
    actor TEXT not null,
    reason TEXT,
    from_state TEXT not null,
    to_state TEXT not null,
    at_ms INT not null
);
create index exam_act_step on exam_act (step_id, id);

-- What is to be done, what happened --------------------------------------------------------------

create table job (
    id ID,
    kind TEXT not null,
    payload TEXT not null,                    -- JSON
    state TEXT not null,                      -- waiting | running | done | failed
    dedupe TEXT,                              -- at most one waiting or running job a key
    due_ms INT not null,
    attempts INT not null,
    max_attempts INT not null,
    lease_owner TEXT,
    lease_until_ms INT,
    result TEXT,
    error TEXT,
    created_by TEXT,
    created_ms INT not null,
    updated_ms INT not null
);
create index job_due on job (kind, due_ms, id) where state = 'waiting';
create index job_leases on job (lease_until_ms) where state = 'running';
create unique index job_dedupe on job (dedupe) where dedupe is not null and state in ('waiting', 'running');
create index job_newest on job (created_ms, id);

create table event (                          -- the outbox, followed by cursor
    id SEQUENCE,
    at_ms INT not null,
    kind TEXT not null,
    facility TEXT,
    study_uid TEXT,
    series_uid TEXT,
    exam_id INT,
    data TEXT
);

create table audit (                          -- append-only, each row seals the one before
    id SEQUENCE,
    at_ms INT not null,
    actor TEXT not null,
    origin TEXT not null,
    act TEXT not null,
    subject TEXT,
    outcome TEXT not null,
    detail TEXT,
    hash BYTES not null
);
create index audit_subject on audit (subject, id);
create index audit_actor on audit (actor, id);

-- Who may do what -------------------------------------------------------------------------------

create table account (
    id ID,
    name TEXT not null unique,
    display_name TEXT not null,
    role TEXT not null,
    facilities TEXT,                          -- JSON array of codes; null is all
    password_hash TEXT,
    language TEXT,
    disabled INT not null,
    created_ms INT not null
);

create table session (
    token_hash BYTES not null primary key,
    account_id INT not null references account (id),
    origin TEXT not null,
    created_ms INT not null,
    expires_ms INT not null
);
create index session_account on session (account_id);
create index session_expires on session (expires_ms);

create table token (
    id ID,
    token_hash BYTES not null unique,
    name TEXT not null,
    role TEXT not null,
    facilities TEXT,
    created_by TEXT not null,
    created_ms INT not null,
    expires_ms INT,
    revoked_ms INT,
    last_used_ms INT
);

create table setting (
    key TEXT not null primary key,
    value TEXT not null
);

create table node_lease (
    name TEXT not null primary key,
    node TEXT not null,
    epoch INT not null,
    expires_ms INT not null
);
