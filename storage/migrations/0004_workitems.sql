-- Unified procedure steps: work that programs give each other, and who follows it.

create table workitem (
    id ID,
    uid TEXT not null unique,
    facility TEXT not null,                   -- whose it is
    state TEXT not null,                      -- SCHEDULED | IN PROGRESS | COMPLETED | CANCELED
    transaction_uid TEXT,                     -- who performs it proves so by this
    attributes TEXT not null,                 -- DICOM JSON
    -- what is searched by
    priority TEXT,
    label TEXT,
    worklist_label TEXT,
    readiness TEXT,
    start_ms INT,                             -- of a DT, the first instant that it means
    completion_ms INT,
    expiration_ms INT,
    modified_ms INT,
    folded_name TEXT,                         -- a space before, between and after the words
    patient_id TEXT,
    patient_issuer TEXT,
    birth_date TEXT,
    sex TEXT,
    admission_id TEXT,
    study_uid TEXT,
    accession_numbers TEXT not null,          -- \A1\A2\
    requested_procedures TEXT not null,
    requested_studies TEXT not null,
    station_names TEXT not null,              -- \value^scheme\
    station_classes TEXT not null,
    station_locations TEXT not null,
    workitem_codes TEXT not null,
    performers TEXT not null,
    created_by TEXT not null,
    created_ms INT not null,
    ended_ms INT                              -- when it reached a final state
);
create index workitem_state on workitem (state, id);
create index workitem_facility on workitem (facility, id);
create index workitem_patient on workitem (patient_id, id);
create index workitem_study on workitem (study_uid, id);
create index workitem_ended on workitem (ended_ms) where ended_ms is not null;

create table workitem_subscription (          -- who is told of a step
    workitem_id INT not null references workitem (id),
    ae_title TEXT not null,
    deletion_lock INT not null,               -- 1: the step is kept after its end
    primary key (workitem_id, ae_title)
);
create index workitem_subscription_subscriber on workitem_subscription (ae_title);

create table worklist_subscription (          -- who is to be told of steps to come
    ae_title TEXT not null,
    kind TEXT not null,                       -- all | filtered
    keys TEXT not null,                       -- JSON array of [path, value]
    fuzzy INT not null,
    deletion_lock INT not null,
    facilities TEXT,                          -- JSON array of codes that the subscriber sees; null is all
    primary key (ae_title, kind)
);

create table workitem_subscriber (            -- how far a subscriber has read the outbox
    ae_title TEXT not null primary key,
    cursor INT not null
);
