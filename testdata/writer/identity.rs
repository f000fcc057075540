//! Names and numbers that look random and are not: each is a hash of the scenario's seed and of what it names.

use sha2::{Digest, Sha256};

/// Characters that Kubernetes uses in generated names.
const SAFE: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";

/// Source of a scenario's names.
#[derive(Debug, Clone)]
pub struct Identity {
    seed: String,
}

impl Identity {
    /// A source of its own for each seed.
    pub fn new(seed: &str) -> Self {
        Identity {
            seed: seed.to_owned(),
        }
    }

    fn digest(&self, key: &str) -> [u8; 32] {
        Sha256::digest(format!("{}\n{key}", self.seed)).into()
    }

    /// `length` hexadecimal digits, at most 64.
    pub fn hex(&self, key: &str, length: usize) -> String {
        let text: String = self
            .digest(key)
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        text[..length].to_owned()
    }

    /// A version 4 UUID.
    pub fn uuid(&self, key: &str) -> String {
        let mut bytes = self.digest(key);
        bytes[6] = bytes[6] & 0x0f | 0x40;
        bytes[8] = bytes[8] & 0x3f | 0x80;
        let hex: String = bytes[..16]
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        format!(
            "{}-{}-{}-{}-{}",
            &hex[..8],
            &hex[8..12],
            &hex[12..16],
            &hex[16..20],
            &hex[20..]
        )
    }

    /// `length` characters of a generated Kubernetes name, at most 32.
    pub fn suffix(&self, key: &str, length: usize) -> String {
        self.digest(key)[..length]
            .iter()
            .map(|byte| char::from(SAFE[usize::from(*byte) % SAFE.len()]))
            .collect()
    }

    /// A number below `limit`.
    pub fn below(&self, key: &str, limit: u64) -> u64 {
        let bytes = self.digest(key);
        let number = bytes[..8]
            .iter()
            .fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte));
        number % limit.max(1)
    }
}

/// A small generator for the bulk of the log lines, where a hash per number would cost too much.
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// The same numbers for the same key.
    pub fn new(identity: &Identity, key: &str) -> Self {
        Random(identity.below(key, u64::MAX) | 1)
    }

    /// A number below `limit` (xorshift64*).
    pub fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 16) % limit.max(1)
    }
}
