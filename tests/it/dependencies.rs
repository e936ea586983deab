//! Holds the dependencies to the licences, bans and sources of `deny.toml`, with cargo alone.

use std::fs;
use std::path::Path;
use std::process::Command;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn rules() -> toml::Table {
    fs::read_to_string(root().join("deny.toml")).unwrap().parse().unwrap()
}

/// A package that is built on this machine; those of other systems may not be downloaded here.
struct Package {
    name: String,
    version: String,
    license: String,
}

/// What cargo builds, tests and build scripts included.
fn built_packages() -> Vec<Package> {
    let arguments = ["tree", "--locked", "--offline", "--edges=all", "--prefix=none", "--format={p}\t{l}"];
    let output = Command::new(env!("CARGO")).args(arguments).current_dir(root()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().lines().filter_map(package).collect()
}

/// Reads `name v1.2.3 (more)`, a tab, the licence; other lines are headings.
fn package(line: &str) -> Option<Package> {
    let (name, license) = line.split_once('\t')?;
    let (name, version) = name.split_once(" v")?;
    let version = version.split(' ').next()?.to_owned();
    Some(Package { name: name.to_owned(), version, license: license.trim_end_matches(" (*)").to_owned() })
}

/// Where each package of the lock file comes from; none for the project itself.
fn locked_sources() -> Vec<String> {
    let lock: toml::Table = fs::read_to_string(root().join("Cargo.lock")).unwrap().parse().unwrap();
    let source = |package: &toml::Value| Some(package.get("source")?.as_str()?.to_owned());
    lock["package"].as_array().unwrap().iter().filter_map(source).collect()
}

/// Whether an SPDX expression of names, `AND`, `OR`, `/` and parentheses can be met.
fn is_met(expression: &str, allowed: &[String]) -> bool {
    let expression = expression.replace('/', " OR ");
    let any_of = split_outside_parentheses(&expression, " OR ");
    any_of.iter().any(|alternative| {
        let all_of = split_outside_parentheses(alternative, " AND ");
        all_of.iter().all(|part| match part.trim().strip_prefix('(').and_then(|p| p.strip_suffix(')')) {
            Some(inner) => is_met(inner, allowed),
            None => allowed.iter().any(|license| license == part.trim()),
        })
    })
}

fn split_outside_parentheses<'a>(text: &'a str, separator: &str) -> Vec<&'a str> {
    let depth = |end: usize| text[..end].matches('(').count() - text[..end].matches(')').count();
    let cuts = text.match_indices(separator).filter(|(at, _)| depth(*at) == 0).map(|(at, _)| at);
    let mut parts = Vec::new();
    let mut start = 0;
    for cut in cuts {
        parts.push(&text[start..cut]);
        start = cut + separator.len();
    }
    parts.push(&text[start..]);
    parts
}

/// The numbers of a version; what stands behind a hyphen does not matter for a floor.
fn version(text: &str) -> Vec<u64> {
    let numbers = text.split(['-', '+']).next().unwrap_or(text).split('.');
    numbers.map(|number| number.parse().unwrap()).collect()
}

/// Whether a `name`, or `name@<floor`, of the bans names this package.
fn is_banned(rule: &str, name: &str, package_version: &str) -> bool {
    match rule.split_once(":<") {
        Some((banned, floor)) => banned == name && version(package_version) < version(floor),
        None => rule == name,
    }
}

#[test]
fn every_license_is_allowed_and_nothing_banned_is_built() {
    let rules = rules();
    let words = |list: &toml::Value, read: fn(&toml::Value) -> Option<&str>| -> Vec<String> {
        list.as_array().unwrap().iter().map(|entry| read(entry).unwrap().to_owned()).collect()
    };
    let allowed = words(&rules["licenses"]["allow"], toml::Value::as_str);
    let bans = words(&rules["bans"]["deny"], |ban| ban["crate"].as_str());
    let packages = built_packages();
    assert!(packages.len() > 100, "cargo tree was not understood");
    for Package { name, version, license } in packages {
        assert!(is_met(&license, &allowed), "{name} {version} has licence `{license}`");
        let ban = bans.iter().find(|ban| is_banned(ban, &name, &version));
        assert!(ban.is_none(), "{name} {version} is banned by `{}`", ban.unwrap());
    }
}

#[test]
fn everything_comes_from_the_one_registry() {
    let sources = locked_sources();
    let registry = "registry+https://github.com/rust-lang/crates.io-index";
    let others: Vec<_> = sources.iter().filter(|source| *source != registry).collect();
    assert!(sources.len() > 100 && others.is_empty(), "{others:?}");
}

#[test]
fn license_expressions_are_read() {
    let allowed = ["MIT".to_owned(), "Unicode-3.0".to_owned()];
    for met in ["MIT", "MIT/Apache-2.0", "(MIT OR Apache-2.0) AND Unicode-3.0", "GPL-2.0 OR MIT"] {
        assert!(is_met(met, &allowed), "{met}");
    }
    for not_met in ["GPL-2.0", "MIT AND GPL-2.0", "(GPL-2.0 OR Zlib) AND MIT", "none"] {
        assert!(!is_met(not_met, &allowed), "{not_met}");
    }
    assert!(is_banned("time:<0.3.47", "time", "0.3.9") && !is_banned("time:<0.3.47", "time", "0.3.47"));
}

/// The image that runs the service holds the C library and what comes with the compiler, and nothing else.
#[cfg(target_env = "gnu")]
#[test]
fn the_binary_wants_no_library_that_its_container_lacks() {
    const THERE: [&str; 5] = ["linux-vdso.so.1", "libc.so.6", "libm.so.6", "libgcc_s.so.1", "ld-linux"];
    let output = Command::new("ldd").arg(env!("CARGO_BIN_EXE_diffrisk")).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let wanted = String::from_utf8(output.stdout).unwrap();
    let names = wanted.lines().filter_map(|line| line.split_whitespace().next());
    let lacking: Vec<_> = names.filter(|name| !THERE.iter().any(|there| name.contains(there))).collect();
    assert!(lacking.is_empty() && wanted.contains("libc.so.6"), "{wanted}");
}
