//! What the documents show is what happens: the transcripts of the README and the commands of the guide for authors are
//! run in the order in which they stand, in one sandbox.

use std::{fs, path::Path};

use crate::{
    host::daemon::Daemon,
    plugins::component,
    sandbox::{Sandbox, skipped},
};

/// A command of a transcript and the lines that are shown below it.
struct Step {
    command: String,
    shown: Vec<String>,
}

/// What stands in the blocks that begin with these three ticks and this word.
pub fn blocks<'a>(text: &'a str, language: &str) -> Vec<&'a str> {
    let start = format!("```{language}\n");
    text.split(start.as_str()).skip(1).map(|rest| rest.split("```").next().unwrap()).collect()
}

fn transcript(text: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    for line in blocks(text, "console").into_iter().flat_map(str::lines).filter(|line| !line.is_empty()) {
        match (line.strip_prefix("$ "), steps.last_mut()) {
            (Some(command), _) => steps.push(Step { command: command.to_owned(), shown: Vec::new() }),
            (None, Some(step)) => step.shown.push(line.trim_end().to_owned()),
            (None, None) => panic!("a transcript begins with a command: {line}"),
        }
    }
    steps
}

pub fn document(path: &str) -> Option<String> {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path));
    if text.is_err() {
        skipped(&format!("there is no {path}"));
    }
    text.ok()
}

/// Runs the transcripts of a document and compares what is shown.
#[track_caller]
fn is_what_happens(sandbox: &Sandbox, path: &str, text: &str) {
    let mut ran = 0;
    for Step { command, shown } in transcript(text) {
        // From a clone, the way to the program is longer.
        let command = command.replacen("cargo run --release -- ", "leahpm ", 1);
        if !command.starts_with("leah") {
            continue;
        }
        let output = sandbox.run_line(&command);
        let lines = output.stdout.lines().chain(output.stderr.lines()).map(str::trim_end);
        let lines: Vec<&str> = lines.filter(|line| !line.is_empty()).collect();
        assert_eq!(lines, shown, "{path}: {command}");
        ran += 1;
    }
    assert!(ran > 0, "{path} shows no command");
}

#[test]
fn every_transcript_of_the_readme_is_what_happens() {
    let Some(text) = document("README.md") else { return };
    is_what_happens(&Sandbox::new(), "README.md", &text);
}

/// Where the guide asks a person, a script says it on the command line.
const SAID: [(&str, &str); 2] =
    [("leahpm key generate ada.key", "--without-password"), ("leahpm install hub/shout", "--grant all")];

#[test]
fn the_guide_for_authors_leads_to_an_installed_plugin() {
    let Some(text) = document("docs/plugin-authors.md") else { return };
    if !Path::new(env!("CARGO_BIN_EXE_leahpm")).with_file_name("leah-registry").exists() {
        return skipped("leah-registry is not built; a test of the whole workspace builds it");
    }
    let sandbox = Sandbox::new();
    let shout = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/plugins/shout");
    let [code, manifest] =
        ["src/lib.rs", "plugin.yaml"].map(|file| fs::read_to_string(shout.join(file)).unwrap());
    assert!(blocks(&text, "rust").contains(&code.as_str()), "tests/plugins/shout is the plugin of the guide");
    assert!(
        blocks(&text, "yaml").contains(&manifest.as_str()),
        "tests/plugins/shout is the plugin of the guide"
    );
    // The compiler's part, which needs a target that not every machine has.
    sandbox.write("package/plugin.yaml", manifest);
    sandbox.write("package/plugin.wasm", component("shout"));
    let mut ran = Vec::new();
    for line in blocks(&text, "sh").into_iter().flat_map(str::lines) {
        if line.starts_with("leahpm ") || line.starts_with("leah-registry ") {
            let said = SAID.iter().find(|(command, _)| *command == line).map_or("", |(_, said)| said);
            let output = sandbox.run_line(&format!("{line} {said}"));
            assert_eq!(output.code, 0, "{line}: {output}");
            ran.push(line);
        }
    }
    assert_eq!(ran.len(), 9, "{ran:#?}");
    assert_eq!(sandbox.live_line(), "shout 1.0.0");
    let _host = Daemon::start(&sandbox);
    is_what_happens(&sandbox, "docs/plugin-authors.md", &text);
}
