//! A project is a function of its set of packs, not of the way that led there.

use crate::world::{Project, Wish, frameworks, library, selection};

fn wish(pattern: &str, name: &str) -> Wish {
    (pattern.to_owned(), name.to_owned())
}

#[test]
fn adding_a_pattern_is_as_good_as_creating_with_it() {
    let library = library();
    for (framework, patterns) in frameworks(&library) {
        let bare = Project::new(&library, &selection(&library, &framework, &[]));
        for pattern in patterns {
            let wish = wish(&pattern, "orders");
            let added = bare.after(&bare.adding(&library, &wish));
            let created = Project::new(&library, &selection(&library, &framework, &[wish]));
            created.assert_same(&added, &format!("{pattern} in {framework}"));
        }
    }
}

#[test]
fn adding_twice_changes_nothing() {
    let library = library();
    for (framework, patterns) in frameworks(&library) {
        for pattern in patterns {
            let wish = wish(&pattern, "orders");
            let project = Project::new(&library, &selection(&library, &framework, std::slice::from_ref(&wish)));
            let again = project.adding(&library, &wish);
            assert!(again.files.is_empty() && again.notes.is_empty(), "{pattern} in {framework}: {again:#?}");
        }
    }
}

#[test]
fn removing_restores_every_byte() {
    let library = library();
    for (framework, patterns) in frameworks(&library) {
        let bare = Project::new(&library, &selection(&library, &framework, &[]));
        for pattern in patterns {
            let added = bare.after(&bare.adding(&library, &wish(&pattern, "orders")));
            let removed = added.after(&added.removing(&library, "orders"));
            bare.assert_same(&removed, &format!("{pattern} in {framework}"));
        }
    }
}

#[test]
fn any_two_instances_in_either_order_give_the_same_tree() {
    let library = library();
    for (framework, patterns) in frameworks(&library) {
        let bare = Project::new(&library, &selection(&library, &framework, &[]));
        for first in &patterns {
            for second in &patterns {
                // The names sort against the order of adding in one of the two directions.
                let (first, second) = (wish(first, "billing"), wish(second, "accounts"));
                let one = bare.after(&bare.adding(&library, &first));
                let one = one.after(&one.adding(&library, &second));
                let other = bare.after(&bare.adding(&library, &second));
                let other = other.after(&other.adding(&library, &first));
                let what = format!("{} and {} in {framework}", first.0, second.0);
                one.assert_same(&other, &what);
                Project::new(&library, &selection(&library, &framework, &[first, second])).assert_same(&one, &what);
            }
        }
    }
}
