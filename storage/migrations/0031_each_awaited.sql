-- An image that has not come may be rejected by several documents, each of which may be rejected itself or deleted.

create table awaited (
    uid TEXT not null,                        -- SOP Instance UID
    facility TEXT not null,                   -- of the document
    document TEXT not null,                   -- its SOP Instance UID; '' where an older program has not noted it
    code TEXT not null,                       -- the reason's
    calling_ae TEXT,                          -- who sent the document
    noted_ms INT not null,                    -- when it came
    primary key (uid, facility, document)
) CLUSTERED;

insert into awaited (uid, facility, document, code, calling_ae, noted_ms)
    select uid, facility, coalesce(document, ''), code, calling_ae, noted_ms from awaited_rejection;

drop table awaited_rejection;
alter table awaited rename to awaited_rejection;
