//! The guide for the people of a registry: its commands are run in the order in which they stand.

use std::{fs, path::Path};

use leah_plugin::key::SecretKey;

use crate::sandbox::Sandbox;

/// Lines of the blocks of shell commands.
fn commands(text: &str) -> Vec<&str> {
    let blocks = text.split("```sh\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    blocks.flat_map(str::lines).collect()
}

#[test]
fn the_guide_to_keys_leads_through_every_change_of_keys() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/registry-keys.md");
    let text = fs::read_to_string(path).unwrap();
    let sandbox = Sandbox::new();
    sandbox.publish("notes", "1.0.0").ok();
    sandbox.write("ada.key", sandbox.read("me.key"));
    let mut words = vec![("RW-ADA", sandbox.publisher.public().to_string())];
    for word in ["RW-SECOND", "RW-THIRD", "RW-FOURTH"] {
        words.push((word, SecretKey::generate().unwrap().public().to_string()));
    }
    let mut ran = 0;
    for line in commands(&text) {
        let line = words.iter().fold(line.to_owned(), |line, (word, key)| line.replace(word, key));
        let arguments: Vec<&str> = line.strip_prefix("leah-registry ").unwrap().split(' ').collect();
        if line.contains("--signature") {
            // The author's part.
            let written =
                sandbox.run(&["owner", "add", "hub", "notes", &words[1].1, "--statement", "s", "--json"]);
            let comment = written.ok().json()["comment"].as_str().unwrap().to_owned();
            let signed =
                sandbox.publisher.sign(&sandbox.read("notes.owner"), &comment, "the author").unwrap();
            sandbox.write("notes.owner.minisig", signed.as_text());
        }
        sandbox.run(&arguments).ok();
        ran += 1;
    }
    assert_eq!(ran, 13);
    let check = sandbox.run(&["check", "hub"]).ok().out;
    assert_eq!(check.lines().next().unwrap(), "Everything holds: 1 plugins, 1 versions, head 12");
}
