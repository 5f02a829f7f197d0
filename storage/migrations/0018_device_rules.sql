-- What a device may do and has to show, and the associations that failed.

alter table device add column called_ae TEXT;            -- our titles that it may call, parted by backslashes; null: all
alter table device add column max_associations INT;      -- at a time; null: the listener's limit
alter table device add column max_answers INT;           -- of one query; null: no limit
alter table device add column requires_tls INT not null default 0;      -- both ways
alter table device add column certificate TEXT;          -- SHA-256 in hexadecimal digits, or subject; null: any
alter table device add column requires_user INT not null default 0;     -- a user name with its passcode
alter table device add column worklist_own INT not null default 0;      -- only steps that it has or could do
alter table device add column worklist_days INT;         -- steps at most so many days ahead; null: all

create table association_failure (           -- the last of each peer, for "why did this association fail?"
    id ID,
    outgoing INT not null,                    -- 1: it was opened here
    ae_title TEXT not null,                   -- the peer's, as it called itself; empty: it never said
    peer TEXT not null,                       -- its address
    called_ae TEXT not null,                  -- the title that was called
    reason TEXT not null,                     -- a word that the pages have a sentence for
    detail TEXT not null,
    at_ms INT not null,
    times INT not null                        -- how often in a row for this reason
);
create unique index association_failure_peer on association_failure (outgoing, ae_title, peer);
create index association_failure_newest on association_failure (at_ms);
