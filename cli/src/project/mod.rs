//! The only reader: finds the project and the cargo workspace round it, and turns files into a
//! [`Tree`](crate::tree::Tree). It knows nothing of packs and never writes.

mod error;
mod find;
mod packs;
pub mod place;
mod read;

pub use error::ProjectError;
pub use find::{LOCK_FILE, Location, absolute, is_folder, is_vacant, locate, locate_new, package, relative};
pub use packs::read_packs;
pub use place::PlaceError;
pub use read::Reader;
