//! Slows guessing of passwords, for each account and for each address.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Wrong passwords that cost nothing: people mistype.
const FREE_FAILURES: u32 = 5;
/// The longest wait between two attempts.
const LONGEST_WAIT_MS: i64 = 60_000;
/// A key that has been quiet for so long is forgotten.
const FORGET_AFTER_MS: i64 = 15 * 60_000;
/// Keys held at most; beyond it, the quietest are forgotten first.
const MOST_KEYS: usize = 10_000;

/// Failed attempts that are remembered, in memory: a restart forgives, and costs an attacker more
/// than it gives.
#[derive(Debug, Default)]
pub struct Throttle {
    failures: Mutex<HashMap<Key, Failures>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Key {
    Account(String),
    Address(IpAddr),
}

#[derive(Debug, Clone, Copy)]
struct Failures {
    count: u32,
    last_ms: i64,
}

impl Failures {
    /// From when on the next attempt is looked at: after the free ones, 1 s, 2 s, 4 s … later.
    fn open_from_ms(self) -> i64 {
        let beyond = self.count.saturating_sub(FREE_FAILURES);
        if beyond == 0 {
            return self.last_ms;
        }
        let wait_ms = 1000_i64.checked_shl(beyond.saturating_sub(1).min(16)).unwrap_or(LONGEST_WAIT_MS);
        self.last_ms + wait_ms.min(LONGEST_WAIT_MS)
    }
}

impl Throttle {
    /// How long the caller must wait before an attempt is looked at; `None` when it may try now.
    pub fn wait(&self, account: &str, address: IpAddr, now_ms: i64) -> Option<Duration> {
        let failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        let open_from_ms = keys(account, address)
            .iter()
            .filter_map(|key| failures.get(key))
            .map(|failures| failures.open_from_ms())
            .max()?;
        let wait_ms = u64::try_from(open_from_ms - now_ms).ok().filter(|ms| *ms > 0)?;
        Some(Duration::from_millis(wait_ms))
    }

    /// Remembers a wrong password.
    pub fn failed(&self, account: &str, address: IpAddr, now_ms: i64) {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        if failures.len() >= MOST_KEYS {
            failures.retain(|_, held| now_ms - held.last_ms < FORGET_AFTER_MS);
        }
        if failures.len() >= MOST_KEYS {
            let mut times: Vec<i64> = failures.values().map(|held| held.last_ms).collect();
            times.sort_unstable();
            let median = times.get(times.len() / 2).copied().unwrap_or(now_ms);
            failures.retain(|_, held| held.last_ms > median);
        }
        for key in keys(account, address) {
            let held = failures.entry(key).or_insert(Failures { count: 0, last_ms: now_ms });
            if now_ms - held.last_ms >= FORGET_AFTER_MS {
                held.count = 0;
            }
            held.count = held.count.saturating_add(1);
            held.last_ms = now_ms;
        }
    }

    /// Forgets the account's failures after a right password. The address keeps its own: an attacker
    /// with one good account must not reset the count for the others.
    pub fn succeeded(&self, account: &str) {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        failures.remove(&Key::Account(account.to_lowercase()));
    }
}

fn keys(account: &str, address: IpAddr) -> [Key; 2] {
    [Key::Account(account.to_lowercase()), Key::Address(address)]
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    fn elsewhere(n: u32) -> IpAddr {
        IpAddr::V4(n.into())
    }

    #[test]
    fn the_wait_doubles_after_the_free_failures_and_has_an_end() {
        let throttle = Throttle::default();
        for _ in 0..FREE_FAILURES {
            assert_eq!(throttle.wait("an", HERE, 0), None);
            throttle.failed("an", HERE, 0);
        }
        assert_eq!(throttle.wait("an", HERE, 0), None);
        for expected_s in [1, 2, 4, 8, 16, 32, 60, 60] {
            throttle.failed("an", HERE, 0);
            assert_eq!(throttle.wait("an", HERE, 0), Some(Duration::from_secs(expected_s)));
        }
        assert_eq!(throttle.wait("an", HERE, LONGEST_WAIT_MS), None);
    }

    #[test]
    fn an_account_is_guarded_from_many_addresses_and_an_address_against_many_accounts() {
        let throttle = Throttle::default();
        for n in 0..=FREE_FAILURES {
            throttle.failed("An", elsewhere(n + 1), 0);
            throttle.failed(&format!("user{n}"), HERE, 0);
        }
        assert!(throttle.wait("an", elsewhere(99), 0).is_some());
        assert!(throttle.wait("somebody", HERE, 0).is_some());
        assert_eq!(throttle.wait("somebody", elsewhere(99), 0), None);
        throttle.succeeded("AN");
        assert_eq!(throttle.wait("an", elsewhere(99), 0), None);
    }

    #[test]
    fn memory_is_bounded() {
        let throttle = Throttle::default();
        for n in 0..30_000_u32 {
            throttle.failed(&format!("user{n}"), elsewhere(n), i64::from(n));
        }
        assert!(throttle.failures.lock().unwrap().len() <= MOST_KEYS + 2);
    }
}
