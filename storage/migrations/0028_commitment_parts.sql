-- Devices are asked in parts whether they keep what was sent to them.

alter table transfer add column committed_id INT not null default 0;       -- they have reported on the instances up to this row
alter table commitment_ask add column after_id INT not null default 0;     -- asked about are instances behind this row
