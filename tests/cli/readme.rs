//! What the README shows is what happens: its transcripts are run in the order in which they stand, in one sandbox.

use std::{fs, path::Path};

use crate::sandbox::Sandbox;

/// A command of a transcript and the lines that are shown below it.
struct Step {
    command: String,
    shown: Vec<String>,
}

/// The steps of all blocks that begin with "```console".
fn transcript(text: &str) -> Vec<Step> {
    let blocks = text.split("```console\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    let mut steps: Vec<Step> = Vec::new();
    for line in blocks.flat_map(str::lines) {
        match (line.strip_prefix("$ "), steps.last_mut()) {
            (Some(command), _) => steps.push(Step { command: command.to_owned(), shown: Vec::new() }),
            (None, Some(step)) => step.shown.push(line.trim_end().to_owned()),
            (None, None) => panic!("a transcript begins with a command: {line}"),
        }
    }
    steps
}

#[test]
fn every_transcript_of_the_readme_is_what_happens() {
    let Ok(text) = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")) else {
        return crate::sandbox::skipped("there is no README.md yet");
    };
    let sandbox = Sandbox::new();
    let mut ran = 0;
    for Step { command, shown } in transcript(&text) {
        // What stands in front of the name is the way to the program, such as `cargo run --release --`.
        if !command.starts_with("leahpm ") {
            continue;
        }
        let output = sandbox.run_line(&command);
        let lines = output.stdout.lines().chain(output.stderr.lines()).map(|line| line.trim_end().to_owned());
        let shown: Vec<String> = shown.into_iter().filter(|line| !line.is_empty()).collect();
        let lines: Vec<String> = lines.filter(|line| !line.is_empty()).collect();
        assert_eq!(lines, shown, "README.md: {command}");
        ran += 1;
    }
    assert!(ran > 0, "README.md shows no command");
}
