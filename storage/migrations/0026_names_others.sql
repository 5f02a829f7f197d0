-- Images that name another study or series than the one that they are filed in: what leaves of their series names
-- these.

alter table series add column names_others INT not null default 0;
