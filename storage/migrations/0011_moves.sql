-- Images that people moved to other studies: what they were sent under, and what late ones obey.

alter table series add column sent_study_uid TEXT;    -- study its images name, when it is filed in another
alter table series add column sent_series_uid TEXT;   -- series its images name, when they were taken out of another
alter table series add column moved_ms INT not null default 0; -- when it last was
alter table instance add column sent_series_uid TEXT; -- series it names, when it was taken out of it
create index instance_moved on instance (series_id) where sent_series_uid is not null;

-- Which studies, series and instances an act is about besides its subject.
create table act_about (
    uid TEXT not null,
    act_id INT not null references act (id),
    primary key (uid, act_id)
);
create index act_about_act on act_about (act_id);

insert into act_about (uid, act_id)
    select distinct t.uid, a.id from act a join series s on s.uid = a.subject_uid join study t on t.id = s.study_id
    where a.subject_kind = 'series'
    union
    select distinct t.uid, a.id from act a join instance i on i.uid = a.subject_uid join series s on s.id = i.series_id
        join study t on t.id = s.study_id
    where a.subject_kind = 'instance';
