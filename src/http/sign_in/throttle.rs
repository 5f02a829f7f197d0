//! Slows guessing of passwords, for each account and for each address.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::cache::Fingerprint;

/// Wrong passwords of one account that cost nothing: people mistype.
const FREE_OF_ACCOUNT: u32 = 5;
/// The same for one address, behind which a whole ward may sit.
const FREE_OF_ADDRESS: u32 = 20;
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

/// What is to be done with an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attempt {
    /// The password is to be checked.
    Check,
    /// It is the wrong password of the last attempt once more, as a program that nobody told of a
    /// change sends it: no guess, so it costs neither a check nor anybody else's patience.
    KnownWrong,
    /// The caller has to wait.
    Wait(Duration),
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
    /// The last guess that was found wrong; of an account only.
    wrong: Option<Fingerprint>,
}

impl Throttle {
    /// Looks at an attempt before its password is. `guess` stands for account and password.
    pub fn attempt(&self, account: &str, address: IpAddr, guess: &Fingerprint, now_ms: i64) -> Attempt {
        let failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        let mut open_from_ms = now_ms;
        for key in keys(account, address) {
            let Some(held) = failures.get(&key).filter(|held| !held.is_over(now_ms)) else { continue };
            if held.wrong.as_ref() == Some(guess) {
                return Attempt::KnownWrong;
            }
            open_from_ms = open_from_ms.max(held.open_from_ms(key.free_failures()));
        }
        match u64::try_from(open_from_ms - now_ms) {
            Ok(wait_ms) if wait_ms > 0 => Attempt::Wait(Duration::from_millis(wait_ms)),
            _ => Attempt::Check,
        }
    }

    /// Remembers a wrong password.
    pub fn failed(&self, account: &str, address: IpAddr, guess: Fingerprint, now_ms: i64) {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        make_room(&mut failures, now_ms);
        for key in keys(account, address) {
            let wrong = matches!(key, Key::Account(_)).then_some(guess);
            let held = failures.entry(key).or_insert(Failures { count: 0, last_ms: now_ms, wrong: None });
            if held.is_over(now_ms) {
                held.count = 0;
            }
            *held = Failures { count: held.count.saturating_add(1), last_ms: now_ms, wrong };
        }
    }

    /// Forgets the account's failures after a right password. The address keeps its own: an attacker
    /// with one good account must not reset the count for the others.
    pub fn succeeded(&self, account: &str) {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        failures.remove(&Key::Account(account.to_lowercase()));
    }
}

impl Key {
    fn free_failures(&self) -> u32 {
        match self {
            Self::Account(_) => FREE_OF_ACCOUNT,
            Self::Address(_) => FREE_OF_ADDRESS,
        }
    }
}

impl Failures {
    fn is_over(self, now_ms: i64) -> bool {
        now_ms - self.last_ms >= FORGET_AFTER_MS
    }

    /// From when on the next attempt is looked at: after the free ones, 1 s, 2 s, 4 s … later.
    fn open_from_ms(self, free: u32) -> i64 {
        let beyond = self.count.saturating_sub(free);
        if beyond == 0 {
            return self.last_ms;
        }
        let wait_ms = 1000_i64.checked_shl(beyond.saturating_sub(1).min(16)).unwrap_or(LONGEST_WAIT_MS);
        self.last_ms + wait_ms.min(LONGEST_WAIT_MS)
    }
}

fn make_room(failures: &mut HashMap<Key, Failures>, now_ms: i64) {
    if failures.len() < MOST_KEYS {
        return;
    }
    failures.retain(|_, held| !held.is_over(now_ms));
    if failures.len() < MOST_KEYS {
        return;
    }
    let mut times: Vec<i64> = failures.values().map(|held| held.last_ms).collect();
    times.sort_unstable();
    let median = times.get(times.len() / 2).copied().unwrap_or(now_ms);
    failures.retain(|_, held| held.last_ms > median);
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

    fn guess(n: u32) -> Fingerprint {
        let mut guess = [0; 32];
        guess[..4].copy_from_slice(&n.to_le_bytes());
        guess
    }

    /// A wrong password, if it is looked at.
    fn wrong(throttle: &Throttle, account: &str, address: IpAddr, n: u32, now_ms: i64) -> Attempt {
        let attempt = throttle.attempt(account, address, &guess(n), now_ms);
        if attempt == Attempt::Check {
            throttle.failed(account, address, guess(n), now_ms);
        }
        attempt
    }

    #[test]
    fn the_wait_doubles_after_the_free_failures_and_has_an_end() {
        let throttle = Throttle::default();
        let mut now_ms = 0;
        for n in 0..=FREE_OF_ACCOUNT {
            assert_eq!(wrong(&throttle, "an", HERE, n, now_ms), Attempt::Check);
        }
        for (n, expected_s) in (100..).zip([1, 2, 4, 8, 16, 32, 60, 60]) {
            let wait = Duration::from_secs(expected_s);
            assert_eq!(wrong(&throttle, "an", HERE, n, now_ms), Attempt::Wait(wait));
            now_ms += i64::from(u32::try_from(expected_s).unwrap()) * 1000;
            assert_eq!(wrong(&throttle, "an", HERE, n, now_ms), Attempt::Check);
        }
        assert_eq!(wrong(&throttle, "an", HERE, 999, now_ms + FORGET_AFTER_MS), Attempt::Check, "forgotten");
    }

    #[test]
    fn the_same_wrong_password_again_is_no_guess() {
        let throttle = Throttle::default();
        assert_eq!(wrong(&throttle, "gateway", HERE, 1, 0), Attempt::Check);
        for n in 0..1000 {
            assert_eq!(wrong(&throttle, "gateway", HERE, 1, n), Attempt::KnownWrong);
        }
        assert_eq!(wrong(&throttle, "lan", HERE, 2, 1000), Attempt::Check, "others sign in from there");
        assert_eq!(wrong(&throttle, "gateway", HERE, 3, 1000), Attempt::Check, "and so does it, corrected");
    }

    #[test]
    fn an_account_is_guarded_from_many_addresses_and_an_address_against_many_accounts() {
        let throttle = Throttle::default();
        for n in 0..=FREE_OF_ACCOUNT {
            assert_eq!(wrong(&throttle, "An", elsewhere(n + 1), n, 0), Attempt::Check);
        }
        for n in 0..=FREE_OF_ADDRESS {
            assert_eq!(wrong(&throttle, &format!("user{n}"), HERE, n, 0), Attempt::Check);
        }
        assert!(matches!(wrong(&throttle, "an", elsewhere(99), 99, 0), Attempt::Wait(_)));
        assert!(matches!(wrong(&throttle, "somebody", HERE, 99, 0), Attempt::Wait(_)));
        assert_eq!(wrong(&throttle, "somebody", elsewhere(99), 99, 0), Attempt::Check);
    }

    #[test]
    fn a_right_password_ends_the_count_of_its_account_only() {
        let throttle = Throttle::default();
        for n in 0..=FREE_OF_ADDRESS {
            wrong(&throttle, "An", HERE, n, 0);
            throttle.succeeded("AN");
        }
        assert!(matches!(wrong(&throttle, "an", HERE, 99, 0), Attempt::Wait(_)), "of the address");
        assert_eq!(wrong(&throttle, "an", elsewhere(1), 99, 0), Attempt::Check);
    }

    #[test]
    fn memory_is_bounded() {
        let throttle = Throttle::default();
        for n in 0..30_000_u32 {
            wrong(&throttle, &format!("user{n}"), elsewhere(n), n, i64::from(n));
        }
        assert!(throttle.failures.lock().unwrap().len() <= MOST_KEYS + 2);
    }
}
