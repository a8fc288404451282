//! docs/security.md says of each attack which function stops it and which test shows that; all of them must be there.

use std::{
    fs,
    path::{Path, PathBuf},
};

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The rows of the table that begins with this heading, cell by cell.
fn rows(heading: &str) -> Vec<Vec<String>> {
    let text = fs::read_to_string(repository().join("docs/security.md")).unwrap();
    let table = text.split(&format!("| {heading} |")).nth(1).unwrap();
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
        Some(("leah-host", path)) => ("crates/leah-host/src", path),
        Some(("leah-http", path)) => ("crates/leah-http/src", path),
        Some(("leah-registry", path)) => ("crates/leah-registry/tests/e2e", path),
        Some((package, _)) => panic!("no tests of `{package}` are known"),
    };
    let (modules, name) = path.rsplit_once("::").unwrap();
    let module = repository().join(folder).join(modules.replace("::", "/"));
    let file = module.with_extension("rs");
    (if file.is_file() { file } else { module.join("mod.rs") }, name.to_owned())
}

fn holds(file: &Path, name: &str) -> bool {
    let is_there = |text: String| ["(", "<"].iter().any(|end| text.contains(&format!("fn {name}{end}")));
    fs::read_to_string(file).is_ok_and(is_there)
}

/// What a row names that is not there.
fn missing(row: &[String]) -> Vec<String> {
    let [attack, _, checks, _, tests] = row else { panic!("five cells: {row:?}") };
    // A command or an option may stand there too.
    let is_code = |text: &&str| !text.contains(' ') && !text.starts_with('-');
    // `Record::read` in `crates/leah-plugin/src/record/mod.rs`: functions, then their file.
    let (files, functions): (Vec<&str>, Vec<&str>) =
        quoted(checks).into_iter().filter(is_code).partition(|text| text.ends_with(".rs"));
    let mut missing = Vec::new();
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
    if functions.is_empty() || quoted(tests).is_empty() {
        missing.push(format!("{attack}: a check and a test"));
    }
    missing
}

#[test]
fn every_attack_has_a_check_a_test_and_an_exit_code() {
    let rows = rows("attack");
    assert_eq!(rows.iter().flat_map(|row| missing(row)).collect::<Vec<_>>(), Vec::<String>::new());
    for row in rows {
        assert!(row[3].contains(|c: char| c.is_ascii_digit()), "an exit code: {row:?}");
    }
}

#[test]
fn every_attempt_of_a_plugin_has_a_check_and_a_test() {
    let rows = rows("attempt");
    assert!(rows.len() > 10, "{}", rows.len());
    assert_eq!(rows.iter().flat_map(|row| missing(row)).collect::<Vec<_>>(), Vec::<String>::new());
}

#[test]
fn every_attack_of_the_list_has_a_row() {
    let attacks: Vec<String> = rows("attack").into_iter().map(|row| row[0].to_lowercase()).collect();
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
        "changed machine code",
    ] {
        assert!(attacks.iter().any(|row| row.contains(attack)), "no row about `{attack}`");
    }
}
