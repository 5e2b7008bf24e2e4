use otelgen::TraceFields;

#[derive(TraceFields)]
struct Order {
    #[trace(skp)]
    slip: u64,
    #[trace(rename = 7)]
    number: u64,
    #[trace(rename = "")]
    empty: u64,
    #[trace(display = "yes")]
    value: u64,
    #[trace]
    bare: u64,
    #[trace(display, debug)]
    both: u64,
    #[trace(skip, skip)]
    twice: u64,
    #[trace(skip, rename = "gone")]
    gone: u64,
    #[trace(rename = "same")]
    one: u64,
    same: u64,
}

#[derive(TraceFields)]
#[trace(rename = "order")]
struct RenamedWhole {
    id: u64,
}

#[derive(TraceFields)]
enum Command {
    #[trace(redact)]
    Open { id: u64 },
}

#[derive(TraceFields)]
union Either {
    one: u64,
    other: i64,
}

fn main() {}
