//! Emptying another PACS: its studies are found day by day, the newest first, and each is pulled by C-MOVE to
//! ourselves. In the end those are asked for that no day has, that have come or grown since their day was asked for, or
//! whose day was not listed.
//!
//! How far that is lies in [`storage::intake`], so that a restart goes on with the day it was at, and a peer that is
//! away is waited for. A study counts as taken when as many of its instances are here as the peer counts.

mod peer;
mod study;
pub(crate) mod worker;
