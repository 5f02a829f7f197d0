-- Two words of a name together: each of them may be in a third of all names, both seldom are.

create table study_pair (
    pair TEXT not null,                       -- two folded words of the patient's name, in order, a space between
    newest_key INT not null,
    study_id INT not null,                    -- no reference: to keep one, each change of a study would scan all pairs
    primary key (pair, newest_key, study_id)
) CLUSTERED;

insert into study_pair (pair, newest_key, study_id)
    select a.word || ' ' || b.word, a.newest_key, a.study_id
    from study_word a join study_word b on b.study_id = a.study_id and b.word > a.word;
