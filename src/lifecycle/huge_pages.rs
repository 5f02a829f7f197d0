//! Memory is taken in small pages.

/// Tells the system to back no memory of this process with huge pages, which the allocator asks for
/// and many systems give unasked: of each two megabytes of which a few kilobytes are in use, all
/// would be taken. With many threads that doubles what the program holds.
pub fn forgo() {
    if let Err(error) = rustix::thread::disable_transparent_huge_pages(true) {
        tracing::debug!(%error, "huge pages could not be forgone");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn huge_pages_are_forgone() {
        forgo();
        assert!(rustix::thread::transparent_huge_pages_are_disabled().unwrap());
    }
}
