-- Subscribers belong to accounts, steps that a subscriber no longer wants are remembered, and so are steps that were.

alter table workitem_subscriber add column owner TEXT;         -- Actor::id; null: whoever uses the title next
alter table workitem_subscriber add column facilities TEXT;    -- JSON array of the codes that its owner sees; null is all
alter table worklist_subscription drop column facilities;

alter table workitem_subscription add column withdrawn INT not null default 0;  -- 1: no filter takes the step in again

create table workitem_gone (                  -- steps that were forgotten
    uid TEXT not null primary key,
    facility TEXT not null,
    ended_ms INT not null
);
create index workitem_gone_ended on workitem_gone (ended_ms);
