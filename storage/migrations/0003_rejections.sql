-- Rejected instances stay where they are, and nothing shows or gives them. Counts of series and studies
-- are of what is shown, so a series or a study of which all is rejected has none.

alter table instance add column rejection_id INT;    -- the act that rejected it
