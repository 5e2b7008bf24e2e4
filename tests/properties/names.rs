//! No code of the command line knows a pack: a new one is a folder and nothing else.

use std::fs;
use std::path::{Path, PathBuf};

use otelgen_templates::{Kind, Library};
use syn::visit::Visit;

/// The texts in a file's code, without its comments and tests.
#[derive(Default)]
struct Literals(Vec<String>);

impl<'ast> Visit<'ast> for Literals {
    fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
        let test = module.attrs.iter().any(|attribute| {
            attribute.path().is_ident("cfg") && attribute.parse_args::<syn::Ident>().is_ok_and(|word| word == "test")
        });
        if !test {
            syn::visit::visit_item_mod(self, module);
        }
    }

    /// Documentation may name packs as examples.
    fn visit_attribute(&mut self, _: &'ast syn::Attribute) {}

    fn visit_lit_str(&mut self, literal: &'ast syn::LitStr) {
        self.0.push(literal.value());
    }
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.to_string_lossy().ends_with(".rs") && !path.to_string_lossy().ends_with("tests.rs") {
            found.push(path);
        }
    }
}

#[test]
fn no_code_names_a_framework_a_pattern_a_backend_or_a_deployment() {
    let library = Library::builtin().expect("packs");
    // Packs of the kind base are never chosen, and theirs are common words.
    let chosen = library.ids().filter(|id| id.kind != Kind::Base);
    let packs: Vec<(Kind, &str)> = chosen.map(|id| (id.kind, id.name.as_str())).collect();
    assert!(packs.len() > 3);
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    sources(&root.join("cli/src"), &mut files);
    sources(&root.join("templates/src"), &mut files);
    assert!(files.len() > 30);
    for file in files {
        let syntax = syn::parse_file(&fs::read_to_string(&file).expect("text")).expect("Rust");
        let mut literals = Literals::default();
        literals.visit_file(&syntax);
        for literal in literals.0 {
            for (kind, name) in &packs {
                let named = literal == *name || literal.contains(&format!("{kind}/{name}"));
                assert!(!named, "{} names {kind}/{name} in {literal:?}", file.display());
            }
        }
    }
}
