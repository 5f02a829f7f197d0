-- More of what unified procedure steps are searched by. Steps of before have it once they change.

alter table workitem add column requesting_services TEXT not null default '';  -- \S1\S2\
alter table workitem add column accession_issuers TEXT not null default '';    -- \local^universal\
alter table workitem add column admission_issuers TEXT not null default '';
