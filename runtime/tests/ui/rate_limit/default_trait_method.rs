use otelgen::{RateLimited, traced_rate_limit};

trait Stock {
    #[traced_rate_limit(per_second = 10)]
    fn limited(&self, item: u32) -> Result<u32, RateLimited> {
        Ok(item)
    }
}

struct Repository<T>(T);

impl<T: Clone> Repository<T> {
    #[traced_rate_limit(per_second = 10)]
    fn limited(&self) -> Result<T, RateLimited> {
        Ok(self.0.clone())
    }
}

fn main() {}
