-- Whose a study, an order or a number is by its own identifier, where a merge or a person's act has put it with
-- somebody else: what an undo goes back to.

alter table study add column own_patient_id INT;              -- null: patient_id
alter table order_ add column own_patient_id INT;             -- null: patient_id
alter table patient_identifier add column own_patient_id INT; -- null: patient_id
create index study_own_patient on study (own_patient_id) where own_patient_id is not null;
create index order_own_patient on order_ (own_patient_id) where own_patient_id is not null;
create index patient_identifier_own on patient_identifier (own_patient_id) where own_patient_id is not null;
create index patient_merged on patient (merged_into_id) where merged_into_id is not null;
