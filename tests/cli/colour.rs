//! Colour where it is wanted, and only there.

use crate::support::{Place, Ran};

const ESCAPE: char = '\u{1b}';

#[test]
fn output_to_a_pipe_has_no_colour_unless_it_is_forced() {
    let place = Place::with_shop(&[]);
    let arguments = ["add", "pattern", "circuit-breaker", "--dry-run"];
    let run =
        |name: &str, value: &str| Ran::of(place.command("shop").args(arguments).env(name, value)).succeeds().stdout;
    assert!(!place.run_in("shop", &arguments).stdout.contains(ESCAPE));
    assert!(!run("NO_COLOR", "1").contains(ESCAPE));
    let coloured = run("CLICOLOR_FORCE", "1");
    assert!(coloured.contains("\u{1b}[32m+pub mod payments;\u{1b}[0m"), "{coloured}");
    assert!(coloured.contains("\u{1b}[36m@@"), "{coloured}");
    let forced = Ran::of(place.command("shop").args(["add", "pattern", "x"]).env("CLICOLOR_FORCE", "1"));
    assert!(forced.stderr.contains(ESCAPE), "{}", forced.stderr);
    let json = Ran::of(place.command("shop").args(arguments).args(["--format", "json"]).env("CLICOLOR_FORCE", "1"));
    assert!(!json.stdout.contains(ESCAPE));
}
