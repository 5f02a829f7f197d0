-- Series by the study that their images name: those that came late for a study that people have merged into another.

create index series_sent_study on series (sent_study_uid) where sent_study_uid is not null;
