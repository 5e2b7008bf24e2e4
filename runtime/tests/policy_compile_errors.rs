//! Mistakes in the attributes of retry, timeout, bulkhead, rate limit and cache are told where they are, with
//! what to write instead; one folder a rule.

#[cfg(all(feature = "retry", feature = "rate-limit", feature = "cache"))]
#[test]
fn mistakes_are_explained_where_they_are() {
    let cases = trybuild::TestCases::new();
    for rule in ["timeout", "bulkhead", "retry", "rate_limit", "cache"] {
        cases.compile_fail(format!("tests/ui/{rule}/*.rs"));
    }
}

#[cfg(not(any(feature = "retry", feature = "rate-limit", feature = "cache")))]
#[test]
fn an_attribute_without_its_feature_says_which_one_to_add() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("tests/ui/feature/*.rs");
}
