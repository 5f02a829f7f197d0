//! What a failed statement means to the caller.

use crate::Error;
use crate::error::Outage;

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        let away = match &error {
            sqlx::Error::RowNotFound => return Self::NotFound,
            sqlx::Error::Database(failure) if failure.is_unique_violation() => {
                return Self::Conflict("there is one already".to_owned());
            }
            sqlx::Error::Database(failure) if failure.is_foreign_key_violation() => {
                return Self::Conflict("a row that this one belongs to is not there".to_owned());
            }
            sqlx::Error::Database(failure) if failure.code().is_some_and(|code| is_collision(&code)) => {
                return Self::Conflict("two changes were in each other's way".to_owned());
            }
            sqlx::Error::Database(failure) => failure.code().is_some_and(|code| is_passing(&code)),
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed
            | sqlx::Error::BeginFailed => true,
            _ => false,
        };
        if away {
            Self::Unavailable(Outage::DATABASE.because(error))
        } else {
            Self::internal("the database refused a statement", error)
        }
    }
}

/// Whether the same statement may succeed later. SQLite gives numbers whose low byte is the primary
/// result code, PostgreSQL five characters of SQLSTATE whose first two are the class.
fn is_passing(code: &str) -> bool {
    const SQLITE_BUSY: u32 = 5;
    const SQLITE_LOCKED: u32 = 6;
    const SQLITE_IOERR: u32 = 10;
    const SQLITE_FULL: u32 = 13;
    const SQLITE_CANTOPEN: u32 = 14;
    if code.len() == 5 {
        return is_sqlstate_of_trouble(code);
    }
    code.parse::<u32>().is_ok_and(|code| {
        matches!(code & 0xff, SQLITE_BUSY | SQLITE_LOCKED | SQLITE_IOERR | SQLITE_FULL | SQLITE_CANTOPEN)
    })
}

/// SQLSTATE class 40 (PostgreSQL appendix A), transaction rollback: a deadlock, as a rule.
fn is_collision(code: &str) -> bool {
    code.len() == 5 && code.starts_with("40")
}

/// SQLSTATE classes (PostgreSQL appendix A) that pass: 08 connection, 53 insufficient resources,
/// 55P03 lock not available, 57P operator intervention, 58 system error; and those of a connection
/// that an administrator has to let in again: 28 invalid authorization, 3D invalid database,
/// 55000 a database that takes no connections.
fn is_sqlstate_of_trouble(code: &str) -> bool {
    ["08", "28", "3D", "53", "55000", "55P03", "57P", "58"].iter().any(|class| code.starts_with(class))
}

#[cfg(test)]
mod tests {
    use super::{is_collision, is_passing};

    #[test]
    fn only_what_may_pass_is_worth_another_try() {
        for (code, want) in [
            ("5", true),
            ("517", true),   // SQLITE_BUSY_SNAPSHOT
            ("1555", false), // SQLITE_CONSTRAINT_PRIMARYKEY
            ("1", false),
            ("57P01", true),
            ("55P03", true),
            ("08006", true),
            ("28P01", true),
            ("55000", true),
            ("23505", false),
            ("42601", false),
        ] {
            assert_eq!(is_passing(code), want, "{code}");
        }
        for (code, want) in [("40001", true), ("40P01", true), ("57P01", false), ("4001", false)] {
            assert_eq!(is_collision(code), want, "{code}");
        }
    }
}
