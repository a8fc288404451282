//! docs/security.md says of each attack which function stops it and which test shows that; all of them must be there.

use std::{
    fs,
    path::{Path, PathBuf},
};

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The rows of the table of attacks, cell by cell.
fn rows() -> Vec<Vec<String>> {
    let text = fs::read_to_string(repository().join("docs/security.md")).unwrap();
    let table = text.split("| attack |").nth(1).unwrap();
    let lines = table.lines().skip(2).take_while(|line| line.starts_with('|'));
    lines
        .map(|line| line.trim_matches('|').split(" | ").map(|cell| cell.trim().to_owned()).collect())
        .collect()
}

/// What stands between backticks.
fn quoted(cell: &str) -> Vec<&str> {
    cell.split('`').skip(1).step_by(2).collect()
}

/// `tampering::states::an_old_head` as the file and the name of a test; of another package behind its name and a slash.
fn place(test: &str) -> (PathBuf, String) {
    let (folder, path) = match test.split_once('/') {
        None => ("tests/cli", test),
        Some(("leah-http", path)) => ("crates/leah-http/src", path),
        Some(("leah-host", path)) => ("crates/leah-host/src", path),
        Some(("leah-registry", path)) => ("crates/leah-registry/tests/e2e", path),
        Some((package, _)) => panic!("no tests of `{package}` are known"),
    };
    let (modules, name) = path.rsplit_once("::").unwrap();
    (repository().join(folder).join(format!("{}.rs", modules.replace("::", "/"))), name.to_owned())
}

fn holds(file: &Path, name: &str) -> bool {
    let is_there = |text: String| ["(", "<"].iter().any(|end| text.contains(&format!("fn {name}{end}")));
    fs::read_to_string(file).is_ok_and(is_there)
}

#[test]
fn every_attack_has_a_check_and_a_test_that_are_there() {
    let mut missing = Vec::new();
    for row in rows() {
        let [attack, _, checks, codes, tests] = row.as_slice() else { panic!("five cells: {row:?}") };
        // A command or an option may stand there too.
        let is_code = |text: &&str| !text.contains(' ') && !text.starts_with('-');
        let checks: Vec<&str> = quoted(checks).into_iter().filter(is_code).collect();
        // `Record::read` in `crates/leah-plugin/src/record/mod.rs`: functions, then their file.
        let (files, functions): (Vec<&str>, Vec<&str>) =
            checks.into_iter().partition(|text| text.ends_with(".rs"));
        for function in &functions {
            let name = function.rsplit("::").next().unwrap();
            if !files.iter().any(|file| holds(&repository().join(file), name)) {
                missing.push(format!("{attack}: no function `{function}`"));
            }
        }
        for (file, name) in quoted(tests).into_iter().map(place) {
            if !holds(&file, &name) {
                missing.push(format!("{attack}: no test `{name}` in {}", file.display()));
            }
        }
        if functions.is_empty() || quoted(tests).is_empty() || !codes.contains(|c: char| c.is_ascii_digit()) {
            missing.push(format!("{attack}: a check, an exit code and a test"));
        }
    }
    assert_eq!(missing, Vec::<String>::new());
}

#[test]
fn every_attack_of_the_list_has_a_row() {
    let attacks: Vec<String> = rows().into_iter().map(|row| row[0].to_lowercase()).collect();
    for attack in [
        "byte changed",
        "two states mixed",
        "rollback",
        "freeze",
        "equivocation",
        "fast-forward",
        "old version served as new",
        "another name or registry",
        "line withheld",
        "stolen and revoked",
        "server taken over",
        "token stolen",
        "squatting",
        "dependency confusion",
        "legacy or weak keys",
        "endless and slow",
        "redirect",
        "terminal escapes",
        "deleted versions",
        "tampered store",
        "more than was granted",
        "network from inside",
        "past the permissions",
        "breaks rules",
        "machine code",
    ] {
        assert!(attacks.iter().any(|row| row.contains(attack)), "no row about `{attack}`");
    }
}
