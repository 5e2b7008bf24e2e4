//! Embeds the packs and the sources of runtime and macros as tables of `include_str!`.

use std::error::Error;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

use sha2::{Digest as _, Sha256};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    let here = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    let out = PathBuf::from(env::var("OUT_DIR")?);
    println!("cargo::rerun-if-changed=build.rs");
    fs::write(out.join("packs.rs"), packs(&here.join("packs"))?)?;
    fs::write(out.join("vendored.rs"), vendored(&here, &out)?)?;
    Ok(())
}

/// `EMBEDDED`: every file of every pack, by `kind/name/path`.
fn packs(folder: &Path) -> Result<String> {
    println!("cargo::rerun-if-changed={}", folder.display());
    let mut table = String::from("static EMBEDDED: &[(&str, &str)] = &[\n");
    for path in files_below(folder)? {
        writeln!(table, "    ({:?}, include_str!({path:?})),", relative(folder, &path)?)?;
    }
    table.push_str("];\n");
    Ok(table)
}

/// `FILES`: manifests and sources of the vendored crates (with the pages and statements that the sources include), by
/// path in a generated project.
fn vendored(here: &Path, out: &Path) -> Result<String> {
    let mut entries = Vec::new();
    for (name, workspace_folder) in [("otelgen", "runtime"), ("otelgen-macros", "macros")] {
        let (manifest, sources) = crate_sources(here, name, workspace_folder)?;
        println!("cargo::rerun-if-changed={}", manifest.display());
        println!("cargo::rerun-if-changed={}", sources.display());
        let stripped = out.join(format!("{name}.toml"));
        fs::write(&stripped, for_vendoring(&fs::read_to_string(&manifest)?)?)?;
        entries.push((format!("vendor/{name}/Cargo.toml"), stripped));
        for path in files_below(&sources)? {
            entries.push((format!("vendor/{name}/src/{}", relative(&sources, &path)?), unix(out, &path)?));
        }
    }
    entries.sort();
    let mut table = String::from("static FILES: &[VendoredFile] = &[\n");
    for (target, path) in entries {
        let sum = hexadecimal(&Sha256::digest(fs::read(&path)?));
        writeln!(table, "    VendoredFile {{ path: {target:?}, text: include_str!({path:?}), sha256: {sum:?} }},")?;
    }
    table.push_str("];\n");
    Ok(table)
}

/// Manifest and sources of a crate: beside this one in a checkout, and where `cargo package` has put what the
/// symbolic links of `vendored/` led to in a package.
fn crate_sources(here: &Path, name: &str, workspace_folder: &str) -> Result<(PathBuf, PathBuf)> {
    let sibling = here.join("..").join(workspace_folder);
    if sibling.join("Cargo.toml").is_file() && here.join("vendored").join(name).join("src").is_symlink() {
        return Ok((sibling.join("Cargo.toml"), sibling.join("src")));
    }
    let packaged = here.join("vendored").join(name);
    if packaged.join("manifest.toml").is_file() {
        return Ok((packaged.join("manifest.toml"), packaged.join("src")));
    }
    Err(format!("the sources of {name} are neither in ../{workspace_folder} nor in vendored/{name}").into())
}

/// The manifest without what only a checkout has: tests, benchmarks, and the path to the sibling crate.
fn for_vendoring(manifest: &str) -> Result<String> {
    let mut document: toml_edit::DocumentMut = manifest.replace("\r\n", "\n").parse()?;
    for key in ["dev-dependencies", "bench", "test", "example"] {
        document.remove(key);
    }
    if let Some(targets) = document.get_mut("target").and_then(|item| item.as_table_like_mut()) {
        targets.remove("cfg(loom)");
        if targets.is_empty() {
            document.remove("target");
        }
    }
    if let Some(dependencies) = document.get_mut("dependencies").and_then(|item| item.as_table_like_mut()) {
        for (_, dependency) in dependencies.iter_mut() {
            if let Some(table) = dependency.as_table_like_mut() {
                table.remove("path");
            }
        }
    }
    Ok(document.to_string())
}

/// The path itself, or that of a copy with `\n` where a checkout has brought `\r\n`.
fn unix(out: &Path, path: &Path) -> Result<PathBuf> {
    let text = fs::read_to_string(path)?;
    if !text.contains('\r') {
        return Ok(path.to_owned());
    }
    let copy = out.join(format!("{}.unix", hexadecimal(&Sha256::digest(path.as_os_str().as_encoded_bytes()))));
    fs::write(&copy, text.replace("\r\n", "\n"))?;
    Ok(copy)
}

/// All files below `folder`, sorted; hidden ones are editors' and the system's.
fn files_below(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    if !folder.is_dir() {
        return Ok(found);
    }
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        if hidden {
            continue;
        }
        if path.is_dir() {
            found.extend(files_below(&path)?);
        } else {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

fn relative(folder: &Path, path: &Path) -> Result<String> {
    let inner = path.strip_prefix(folder)?;
    let parts: Option<Vec<&str>> = inner.iter().map(|part| part.to_str()).collect();
    Ok(parts.ok_or("a path is not unicode")?.join("/"))
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
