-- Which images go where by themselves, and how far followers of the outbox are.

create table route (
    name TEXT not null primary key,
    device TEXT not null,                     -- AE title of the destination
    conditions TEXT not null,                 -- JSON
    priority INT not null,
    enabled INT not null,
    source TEXT not null                      -- file | rows
);

create table series_mark (                    -- up to which instance a device has been given a series
    purpose TEXT not null,                    -- route | availability
    device TEXT not null,
    series_uid TEXT not null,
    through_id INT not null,
    through_ms INT not null,
    primary key (purpose, device, series_uid)
);

create table follower (
    name TEXT not null primary key,
    cursor INT not null
);

alter table series add column calling_ae TEXT;            -- who sent its first instance
