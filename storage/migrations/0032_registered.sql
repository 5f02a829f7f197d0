-- The number that a study's patient is registered by, where the study came with another one or with none: to look up
-- the patient of each study in a list took longer than to read the list.

alter table study add column registered_identifier TEXT;      -- null: patient_identifier
alter table study add column registered_issuer TEXT;          -- null: patient_issuer

update study set registered_identifier = p.identifier, registered_issuer = j.code
    from patient p join issuer j on j.id = p.issuer_id
    where p.id = study.patient_id and substr(p.identifier, 1, 1) <> '?'
        and (p.identifier <> study.patient_identifier or j.code <> study.patient_issuer);
