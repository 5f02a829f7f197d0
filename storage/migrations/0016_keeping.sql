-- What keeps bytes: backups, and a verification that never ends.

create table backup (                         -- every backup that was tried
    id SEQUENCE,
    target TEXT not null,                     -- where it goes to, without credentials
    snapshot TEXT not null,                   -- its name there
    state TEXT not null,                      -- running | done | failed
    stage TEXT not null,                      -- rows | spool | objects
    lease_until_ms INT not null,              -- a run that has not renewed it has ended with its process
    started_ms INT not null,
    ended_ms INT,
    objects INT not null,                     -- what the snapshot names: packs, companions, journal
    object_bytes INT not null,
    copied_bytes INT not null,                -- what was not there yet
    damaged INT not null,                     -- what of it is not what was stored
    error TEXT
);
create unique index backup_running on backup (state) where state = 'running';
create index backup_state on backup (state, started_ms);

alter table pack add column blake3 BYTES;                        -- of the tar; null until it was first copied
alter table pack add column companion_blake3 BYTES;
alter table pack add column verified_ms INT not null default 0;  -- when all in it was last read back and hashed
create index pack_verified on pack (verified_ms, id) where companion_bytes > 0 and deleted_ms is null;

create table damage (                         -- stored instances and kept versions that are not what was stored
    uid TEXT not null,                        -- SOP Instance UID
    hash BYTES not null,                      -- of what was stored: which of its versions is meant
    why TEXT not null,
    found_ms INT not null,                    -- since when it is known
    primary key (uid, hash)
);
