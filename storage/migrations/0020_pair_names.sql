-- The names themselves beside their pairs of words: a search by three words reads one run of rows, and does not
-- have to look for the third word of each in another place.

create table named_pair (
    pair TEXT not null,                       -- two folded words of the patient's name, in order, a space between
    newest_key INT not null,
    study_id INT not null,                    -- no reference: to keep one, each change of a study would scan all pairs
    words TEXT not null,                      -- the folded words of the name, each between spaces
    primary key (pair, newest_key, study_id)
) CLUSTERED;

insert into named_pair (pair, newest_key, study_id, words)
    select p.pair, p.newest_key, p.study_id, t.folded_name
    from study_pair p join study t on t.id = p.study_id
    order by p.pair, p.newest_key, p.study_id;

drop table study_pair;
alter table named_pair rename to study_pair;
