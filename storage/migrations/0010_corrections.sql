-- Corrections over immutable bytes: rows hold the values as corrected, and what was sent beside them.

alter table study add column correction TEXT;         -- an overlay (pacs_core::correction) of what people corrected
alter table study add column sent_attributes TEXT;    -- attributes as they came, while any is corrected
alter table series add column sent_attributes TEXT;
alter table series add column overlay TEXT;           -- key of what is laid over the headers of its instances

-- What is laid over headers, by the hash of its text. Rows stay: whoever is sending goes on by them.
create table overlay (
    key TEXT not null primary key,
    document TEXT not null
) CLUSTERED;
