-- Objects that are of no patient: each is an object of its own in the object store, under its UID and its hash.

create table non_patient (
    id SEQUENCE,
    uid TEXT not null,
    class TEXT not null,
    hash BYTES not null,                      -- of its data set
    transfer_syntax TEXT not null,
    length_bytes INT not null,                -- of the Part 10 file
    head_bytes INT not null,                  -- of its preamble and file meta information
    description TEXT not null,                -- DICOM JSON of its header, without large values
    received_ms INT not null,
    verified_ms INT not null default 0,       -- when it was read back; 0 when it never was
    unique (uid, hash)                        -- of several contents the first is served
);
create index non_patient_class on non_patient (class, id);
create index non_patient_verified on non_patient (verified_ms, id);
