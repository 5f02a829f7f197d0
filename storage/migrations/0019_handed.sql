-- What routes have handed to devices, so that an index that is made anew knows it too, and what they do about
-- corrections.

alter table route add column after_corrections INT not null default 0; -- what it has sent goes again when it is corrected

-- Lines for the record of what was handed over, until they lie in the object store.
create table handed (
    id SEQUENCE,
    line TEXT not null                        -- JSON
);

-- What is wrong with what is damaged begins with a word.
update damage set why = case
    when why = 'its content has another hash' then 'differs: ' || why
    when why = 'its bytes are gone' then 'gone: ' || why
    when why like '%companion%' then 'companion: ' || why
    else 'unreadable: ' || why end;

-- Which content of a series is served is a part of its study's history.
insert into act_about (uid, act_id)
    select distinct t.uid, a.id from act a join series s on s.uid = a.subject_uid join study t on t.id = s.study_id
    where a.kind = 'series.serve' and not exists (
        select 1 from act_about b where b.uid = t.uid and b.act_id = a.id);
