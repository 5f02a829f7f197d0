-- What was deleted stays so, although bytes of it may be found again: in the spool beside others, in
-- a pack that others lie in, or in one that could not be removed.

create table deletion (
    uid TEXT not null,
    kind TEXT not null,                       -- study | series | instance
    until_ms INT not null,                    -- what was received up to then is deleted
    primary key (uid, kind)
);
create index deletion_until on deletion (until_ms);
