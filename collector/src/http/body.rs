//! Unpacking of compressed bodies, up to a limit: a small body may hide a large one.

use std::io::Read;

use axum::body::Bytes;
use axum::http::{HeaderMap, header};
use flate2::read::MultiGzDecoder;

use super::answer::Refusal;

pub(super) fn unpack(headers: &HeaderMap, body: Bytes, limit: usize) -> Result<Bytes, Refusal> {
    let Some(encoding) = headers.get(header::CONTENT_ENCODING) else {
        return Ok(body);
    };
    let encoding = encoding.to_str().unwrap_or("?").trim();
    if encoding.is_empty() || encoding.eq_ignore_ascii_case("identity") {
        return Ok(body);
    }
    if !encoding.eq_ignore_ascii_case("gzip") {
        return Err(Refusal::UnknownCompression(encoding.to_owned()));
    }
    let mut unpacked = Vec::new();
    let one_more = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    let read = MultiGzDecoder::new(body.as_ref()).take(one_more).read_to_end(&mut unpacked);
    read.map_err(|error| Refusal::Malformed(format!("the body is not gzip: {error}")))?;
    if unpacked.len() > limit { Err(Refusal::TooLarge { limit }) } else { Ok(unpacked.into()) }
}
