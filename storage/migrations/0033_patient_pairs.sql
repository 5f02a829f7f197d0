-- Two words of a patient's name together, as of a study's: each of them may be in a third of all names, both seldom are.

create table patient_pair (
    pair TEXT not null,                       -- two folded words of the name, in order, a space between
    patient_id INT not null,                  -- no reference, as in study_pair
    primary key (pair, patient_id)
) CLUSTERED;

insert into patient_pair (pair, patient_id)
    select a.word || ' ' || b.word, a.patient_id
    from patient_word a join patient_word b on b.patient_id = a.patient_id and b.word > a.word
    order by 1, 2;
