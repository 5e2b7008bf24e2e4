//! Mistakes in attributes are told where they are, with what to write instead; one folder a rule.

#[test]
fn mistakes_are_explained_where_they_are() {
    let cases = trybuild::TestCases::new();
    for rule in ["common", "breaker", "traced", "function", "order"] {
        cases.compile_fail(format!("tests/ui/{rule}/*.rs"));
    }
}
