//! The only reader: finds the project and the cargo workspace round it, and turns files into a
//! [`Tree`](crate::tree::Tree). It knows nothing of packs and never writes.

mod error;
mod find;
pub mod place;
mod read;

pub use error::ProjectError;
pub use find::{LOCK_FILE, Location, absolute, is_vacant, locate, locate_new};
pub use place::PlaceError;
pub use read::Reader;
