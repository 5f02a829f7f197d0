-- Images on their way to other application entities and from them, and what a device is there for.

-- Jobs for one device take turns in its lane.
alter table job add column lane TEXT;                     -- AE title of the device; null for jobs without turns
alter table job add column priority INT not null default 0;   -- -1 | 0 | 1
alter table job add column rank_ms INT not null default 0;    -- whose turn it is: the smallest
alter table job add column held INT not null default 0;       -- waits only because its device is away
create index job_lane on job (kind, lane, rank_ms, id) where state = 'waiting';
create index job_state on job (state, updated_ms, id) where lane is not null;

create table transfer (
    job_id INT not null primary key references job (id),
    direction TEXT not null,                  -- send | pull
    device TEXT not null,                     -- AE title of the other side
    facility TEXT not null,                   -- who may see it
    study_uid TEXT not null,
    origin TEXT not null,                     -- person | route | priors
    origin_name TEXT,                         -- which route
    total INT,                                -- instances; null until they have been counted
    moved INT not null,                       -- that the receiver has acknowledged
    failed INT not null,                      -- rows of transfer_failure
    after_id INT not null,                    -- a send has tried the instances up to this row
    commitment TEXT,                          -- asked | committed | partly | silent
    commitment_ms INT,
    transaction_uid TEXT unique               -- of the request for storage commitment
);
create index transfer_study on transfer (study_uid);

create table transfer_failure (
    job_id INT not null references transfer (job_id),
    instance_uid TEXT not null,
    reason TEXT not null,                     -- a word, a colon, details
    primary key (job_id, instance_uid)
);

alter table device add column send_limit INT;             -- associations at a time for the send queue; null is one
alter table device add column retrieve_by TEXT;           -- move | get; null is move
alter table device add column is_archive INT not null default 0;    -- asked for priors when an exam is ordered
alter table device add column asks_commitment INT not null default 0;  -- after sends it is asked whether they are safe
alter table device add column takes_performed_steps INT not null default 0;   -- performed steps are forwarded to it
alter table device add column takes_availability INT not null default 0;      -- it is told which images are available
