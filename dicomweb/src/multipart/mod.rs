//! `multipart/related` bodies (RFC 2046 5.1, RFC 2387, PS3.18 8.6.1.2), read and written as they stream.
//!
//! [`parser`] is a machine without input or output: bytes go in, parts come out. [`reader`] drives it from a request
//! body, [`writer`] makes the lines between the parts of an answer.

mod parser;
mod reader;
mod writer;

pub use parser::{Event, Malformed, Parser, PartHeaders};
pub use reader::{PartReader, ReadError};
pub use writer::Boundary;
