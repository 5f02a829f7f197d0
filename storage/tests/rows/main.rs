//! The rows' behaviour, the same on SQLite and PostgreSQL.

mod access;
mod arrivals;
mod background;
mod backends;
mod exams;
mod queries;
mod samples;
mod worklist;
