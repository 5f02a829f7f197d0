-- Images that a key object document rejects and that had not come when it did.

create table awaited_rejection (
    uid TEXT not null,                        -- SOP Instance UID
    facility TEXT not null,                   -- of the document
    code TEXT not null,                       -- the reason's
    calling_ae TEXT,                          -- who sent the document
    noted_ms INT not null,                    -- when it came
    primary key (uid, facility)
) CLUSTERED;
