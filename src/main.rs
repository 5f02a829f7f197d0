//! sen
fn main() {}
