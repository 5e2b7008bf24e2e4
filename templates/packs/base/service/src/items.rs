//! Items, as the upstream service keeps them.

use serde::{Deserialize, Serialize};

use crate::client::Client;
use crate::error::ApiError;

/// An item.
#[derive(Debug, Serialize, Deserialize)]
pub struct Item {
    /// Its identifier.
    pub id: String,
    /// Its name.
    pub name: String,
}

/// Reads items.
#[derive(Clone)]
pub struct Items {
    upstream: Client,
}

impl Items {
    /// Items behind `upstream`.
    pub fn new(upstream: Client) -> Self {
        Self { upstream }
    }

    /// One item.
    pub async fn get(&self, id: &str) -> Result<Item, ApiError> {
        let item: Item = self.upstream.get("/items/{id}", &[id]).await?;
        tracing::info!(name: "item.found", { item.id = item.id }, "item found");
        Ok(item)
    }
}
