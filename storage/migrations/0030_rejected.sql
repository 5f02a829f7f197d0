-- What is rejected is found by the act that hides it, and counted by its series. A rejection that is awaited is taken
-- back with its document. Objects that are of no patient tell which of the archives of one name has written them.

create index instance_rejection on instance (rejection_id, series_id) where rejection_id is not null;
create index instance_rejected on instance (series_id, rejection_id) where rejection_id is not null;

alter table awaited_rejection add column document TEXT;       -- its SOP Instance UID

alter table non_patient add column tail TEXT not null default '';   -- of its key: the mark of the archive that has written it
