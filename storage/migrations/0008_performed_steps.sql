-- What consoles report of their work: performed steps, what they are for, and the series they made.
-- The table of the first schema was never written to.

drop table performed_step;

create table performed_step (
    id ID,
    uid TEXT not null unique,
    facility TEXT not null,                   -- whose it is
    state TEXT not null,                      -- IN PROGRESS | COMPLETED | DISCONTINUED
    performed_id TEXT not null,               -- Performed Procedure Step ID (0040,0253)
    calling_ae TEXT not null,                 -- the device that reports it
    station_ae TEXT not null,                 -- Performed Station AE Title (0040,0241)
    station_name TEXT,
    modality TEXT not null,
    description TEXT,
    start_date TEXT not null,                 -- dates and times as sent
    start_time TEXT not null,
    end_date TEXT,
    end_time TEXT,
    reason TEXT,                              -- why it was discontinued
    wrong_entry INT not null,                 -- 1: because the wrong worklist entry was picked
    dose TEXT,                                -- Comments on Radiation Dose (0040,0310)
    attributes TEXT not null,                 -- DICOM JSON, as reported
    created_ms INT not null,
    updated_ms INT not null
);

create table performed_request (              -- what a performed step is for
    performed_step_id INT not null references performed_step (id),
    position INT not null,
    scheduled_step_id INT references scheduled_step (id),    -- null: waits to be matched
    study_uid TEXT not null,
    accession_number TEXT,
    procedure_id TEXT,
    step_id TEXT,
    primary key (performed_step_id, position)
);
create index performed_request_scheduled on performed_request (scheduled_step_id);
create index performed_request_study on performed_request (study_uid);

create table performed_series (
    performed_step_id INT not null references performed_step (id),
    series_uid TEXT not null,
    instance_count INT not null,              -- as reported
    primary key (performed_step_id, series_uid)
);
create index performed_series_uid on performed_series (series_uid);
