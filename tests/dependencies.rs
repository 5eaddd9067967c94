//! What the dependencies ask of whoever builds the program. Their licences and sources are
//! `cargo deny`'s, in `.ci/run`.

use std::process::Command;

use serde_json::Value;

use crate::harness::trials::{Test, simulated};

pub(crate) fn trials() -> Vec<Test> {
    vec![simulated(no_dependency_needs_a_newer_rust)]
}

fn cargo(arguments: &[&str]) -> Vec<u8> {
    let output = Command::new(env!("CARGO"))
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// The packages that are built here, with their manifests' facts.
fn packages() -> Vec<Value> {
    let version = String::from_utf8(cargo(&["--version", "--verbose"])).unwrap();
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
    // Of other platforms, the packages need not have been fetched.
    let metadata = cargo(&[
        "metadata",
        "--format-version",
        "1",
        "--locked",
        "--offline",
        "--filter-platform",
        host,
    ]);
    let metadata: Value = serde_json::from_slice(&metadata).unwrap();
    let Value::Array(packages) = metadata["packages"].clone() else { panic!("no packages") };
    assert!(packages.len() > 100, "{}", packages.len());
    packages
}

fn name(package: &Value) -> String {
    format!("{} {}", package["name"].as_str().unwrap(), package["version"].as_str().unwrap())
}

/// `1.88` or `1.88.0` as numbers.
fn version(text: &str) -> (u32, u32) {
    let mut parts = text.split('.').map(|part| part.parse().unwrap());
    (parts.next().unwrap(), parts.next().unwrap_or(0))
}

fn no_dependency_needs_a_newer_rust() {
    let declared = version(env!("CARGO_PKG_RUST_VERSION"));
    for package in packages() {
        if let Some(needed) = package["rust_version"].as_str() {
            assert!(version(needed) <= declared, "{} needs Rust {needed}", name(&package));
        }
    }
}
