-- Old archives on their way in: folders that are imported, and other PACS that are emptied by C-MOVE.

create table intake (
    id ID,
    kind TEXT not null,                       -- import | migration
    source TEXT not null,                     -- JSON: from where
    settings TEXT not null,                   -- JSON: how
    by_server INT not null,                   -- 1: the server does it; 0: the command that began it
    state TEXT not null,                      -- running | stopped | done
    position TEXT,                            -- everything up to here has been looked at
    taken INT not null,
    present INT not null,                     -- was there already
    conflicts INT not null,                   -- kept beside another of the same UID
    skipped INT not null,
    failed INT not null,
    bytes INT not null,
    note TEXT,                                -- why it waits just now
    started_ms INT not null,
    updated_ms INT not null,
    ended_ms INT
);
create index intake_running on intake (kind, id) where state = 'running';

create table intake_failure (                 -- what was not taken, and why
    intake_id INT not null references intake (id),
    name TEXT not null,                       -- a file, or a Study Instance UID
    skipped INT not null,                     -- 1: nothing that an archive keeps
    reason TEXT not null,
    at_ms INT not null,
    primary key (intake_id, name)
) CLUSTERED;

create table intake_study (                   -- studies of another PACS that have been asked for
    intake_id INT not null references intake (id),
    study_uid TEXT not null,
    expected INT,                             -- instances as the other PACS counts them; null: it does not say
    arrived INT not null,
    at_ms INT not null,
    primary key (intake_id, study_uid)
) CLUSTERED;
