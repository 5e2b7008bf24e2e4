//! The fingerprint of a text, as the lock and `vendor.sums` have it.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

/// SHA-256, hexadecimal.
pub(super) fn sum(content: &[u8]) -> String {
    Sha256::digest(content).iter().fold(String::with_capacity(64), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
