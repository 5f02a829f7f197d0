-- A device reads text in a character set of its own, whatever text it is; so far there was one question for names alone.

alter table device add column character_set TEXT;  -- defined terms; null: what its queries name, else ISO_IR 192
update device set character_set = 'ISO_IR 6' where worklist_names = 'ascii';
alter table device drop column worklist_names;
