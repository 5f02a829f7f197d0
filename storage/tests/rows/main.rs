//! The rows' behaviour, the same on SQLite and PostgreSQL.

mod access;
mod arrivals;
mod backends;
mod background;
mod exams;
mod queries;
mod samples;
mod worklist;
