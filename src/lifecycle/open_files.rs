//! How many files and connections the process may have open.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Raises the limit to what the system allows this process. Shells and many service managers start
/// programs with 1,024, so that a few hundred browsers would leave no descriptor for a new segment
/// of the spool.
pub fn allow_all() {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current == maximum {
        return;
    }
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }) {
        tracing::warn!(%error, "the limit of open files could not be raised");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_the_systems() {
        let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
        // What a shell gives; lowering the limit of this process harms nobody.
        setrlimit(Resource::Nofile, Rlimit { current: Some(256), maximum }).unwrap();
        allow_all();
        assert_eq!(getrlimit(Resource::Nofile).current, maximum);
    }
}
