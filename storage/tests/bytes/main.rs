//! The way of the bytes: one suite of behaviour over every backend, and what crashes, outages and
//! damage may not do.

mod arriving;
mod backends;
mod faults;
mod reading;
mod rebuilding;
mod recovering;
mod samples;
mod settling;
