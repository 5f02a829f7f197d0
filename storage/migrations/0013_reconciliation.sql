-- What does not go together: found when images arrive, until a person has said which is true.

create table discrepancy (
    id ID,
    kind TEXT not null,
    facility TEXT not null,                   -- of the study
    study_uid TEXT not null,
    other TEXT not null,                      -- key of what the study is at odds with
    other_patient_id INT,                     -- the other patient, where there is a record
    sent TEXT,                                -- JSON: what an instance said that contradicts its own study
    found_ms INT not null,
    merged_patient_id INT,                    -- who was merged away, where that has answered it
    answer_act_id INT,                        -- the act that has answered it
    unique (study_uid, kind, other)
);
create index discrepancy_open on discrepancy (found_ms, id) where answer_act_id is null;
create index discrepancy_open_here on discrepancy (facility, found_ms, id) where answer_act_id is null;
create index discrepancy_answered on discrepancy (answer_act_id, id) where answer_act_id is not null;
create index discrepancy_patient on discrepancy (other_patient_id) where other_patient_id is not null;
create index discrepancy_merged on discrepancy (merged_patient_id) where merged_patient_id is not null;

-- Without it each act would look through all for those that take it back.
create index act_undoes on act (undoes_id);

insert into discrepancy (kind, facility, study_uid, other, other_patient_id, found_ms)
    select t.doubt, t.facility, t.uid, '', t.patient_id, t.received_ms from study t where t.doubt is not null;
insert into discrepancy (kind, facility, study_uid, other, found_ms)
    select 'conflict', t.facility, t.uid, s.uid, max(v.received_ms)
    from instance_version v join instance i on i.id = v.instance_id join series s on s.id = i.series_id
    join study t on t.id = s.study_id group by t.facility, t.uid, s.uid;

-- A study belongs to the facilities that made or requested it. Set while a person has joined it to another
-- facility's order: whose that is.
alter table study add column requested_by TEXT;
create index study_requested_by on study (requested_by, newest_key) where requested_by is not null;

-- The kinds of a study's open discrepancies, parted by commas.
update study set doubt = case when doubt is null then 'conflict' else doubt || ',conflict' end where conflict_count > 0;
