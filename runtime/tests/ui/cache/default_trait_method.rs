use otelgen::traced_cache;

#[derive(Clone)]
struct Down;

trait Stock {
    #[traced_cache(key = item)]
    fn cached(&self, item: u32) -> Result<u32, Down> {
        Ok(item)
    }
}

struct Repository<T>(T);

impl<T: Clone + Send + Sync + 'static> Repository<T> {
    #[traced_cache(key = item)]
    fn cached(&self, item: u32) -> Result<u32, Down> {
        Ok(item)
    }
}

fn main() {}
