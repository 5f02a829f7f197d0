//! Tests that are not run.

/// Says that a test is not run for want of something; a failure where `SEN_TEST_ALL` says that all has to be there, as
/// `tools/with-services.sh` does.
#[allow(clippy::print_stderr, reason = "a test that is skipped says so")]
pub fn skipped(why: &str) {
    assert!(std::env::var_os("SEN_TEST_ALL").is_none(), "{why}");
    eprintln!("SKIPPED: {why}");
}
