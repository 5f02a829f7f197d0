-- Who may see a transfer beside the facility whose study it is, and every request for storage commitment that was made.

alter table transfer add column sender TEXT;              -- code of the facility that had it sent, where it is another

create table commitment_ask (
    transaction_uid TEXT not null primary key,
    job_id INT not null references transfer (job_id),
    through_id INT not null                   -- asked about are instances up to this row that the device has taken
);
create index commitment_ask_transfer on commitment_ask (job_id);
insert into commitment_ask (transaction_uid, job_id, through_id)
    select transaction_uid, job_id, after_id from transfer where transaction_uid is not null;
-- It has been the last of them only.
update transfer set transaction_uid = null;
