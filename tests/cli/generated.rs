//! The completion scripts and man pages that are committed are those that the program would make now. With
//! `UPDATE_GENERATED=1` the test writes them in place of comparing.

use std::{collections::BTreeMap, fs, path::Path};

use clap_mangen::{
    Man,
    roff::{Inline, Roff, bold, roman},
};

use crate::{
    exit_codes::EXIT_STATUS,
    sandbox::{Sandbox, names_in},
};

/// The files of completions: the shell, and the name under which it finds the script.
const COMPLETIONS: [(&str, &str); 5] = [
    ("bash", "leahpm.bash"),
    ("elvish", "leahpm.elv"),
    ("fish", "leahpm.fish"),
    ("powershell", "leahpm.ps1"),
    ("zsh", "_leahpm"),
];

/// Variables that are no global option.
const ENVIRONMENT: [(&str, &str); 7] = [
    ("LEAHPM_FROZEN", "The same as --frozen of leahpm lock and leahpm sync."),
    ("LEAHPM_LOCKED", "The same as --locked of leahpm lock and leahpm sync."),
    ("LEAHPM_TOKEN_NAME", "The token for the registry NAME, in capitals, with _ for -."),
    ("LEAHPM_KEY_PASSWORD", "Password of the secret key that leahpm sign uses."),
    ("LEAHPM_SIGNING_KEY", "File of the secret key that leahpm sign uses; the same as its --key."),
    ("NO_COLOR", "If it is set and not empty, there is no colour."),
    ("TERM", "If it is dumb, there is no colour."),
];

#[test]
fn the_committed_completions_and_man_pages_are_those_of_this_command_line() {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut generated = completions();
    generated.extend(man_pages());
    if std::env::var_os("UPDATE_GENERATED").is_some() {
        for folder in ["completions", "man"] {
            drop(fs::remove_dir_all(repository.join(folder)));
            fs::create_dir_all(repository.join(folder)).unwrap();
        }
        for (path, text) in &generated {
            fs::write(repository.join(path), text).unwrap();
        }
    }
    let committed = ["completions", "man"].into_iter().flat_map(|folder| {
        names_in(&repository.join(folder)).into_iter().map(move |name| format!("{folder}/{name}"))
    });
    assert_eq!(committed.collect::<Vec<_>>(), generated.keys().cloned().collect::<Vec<_>>(), "{HOW}");
    for (path, text) in generated {
        let committed = fs::read_to_string(repository.join(&path)).unwrap();
        let other = committed.lines().zip(text.lines()).find(|(committed, made)| committed != made);
        assert!(committed == text, "{path} is out of date, first at {other:?}; {HOW}");
    }
}

const HOW: &str = "`UPDATE_GENERATED=1 cargo test --test cli generated` writes what should be there";

/// As the program prints them.
fn completions() -> BTreeMap<String, String> {
    let sandbox = Sandbox::new();
    let script = |shell| sandbox.run(&["completions", shell]).ok().stdout;
    COMPLETIONS.map(|(shell, file)| (format!("completions/{file}"), script(shell))).into()
}

/// A page for the program and one for each command, also for those of two words.
fn man_pages() -> BTreeMap<String, String> {
    let mut pages = BTreeMap::new();
    let mut open = vec![leahpm::cli::command()];
    while let Some(command) = open.pop() {
        open.extend(command.get_subcommands().filter(|command| !is_help(command)).cloned());
        let name = command.get_display_name().unwrap_or(command.get_name()).to_owned();
        pages.insert(format!("man/{name}.1"), man_page(&name, &command));
    }
    pages
}

/// `leahpm help COMMAND` shows what the pages hold; it has none itself.
fn is_help(command: &clap::Command) -> bool {
    command.get_name() == "help"
}

fn man_page(name: &str, command: &clap::Command) -> String {
    // Neither date nor version: a page changes when what it says does. The examples get a section of their own.
    let plain = command.clone().version(None).after_help(None);
    let plain = plain.mut_subcommands(|command| if is_help(&command) { command.hide(true) } else { command });
    let mut page = Vec::new();
    Man::new(plain).title(name).source("leahpm").manual("Plugins of LEAH").render(&mut page).unwrap();
    let mut roff = Roff::new();
    if name == "leahpm" {
        definitions(&mut roff, "EXIT STATUS", EXIT_STATUS.map(defined).into());
        definitions(&mut roff, "ENVIRONMENT", environment(command));
    }
    if let Some(help) = command.get_after_help() {
        examples(&mut roff, &help.to_string());
    }
    String::from_utf8(page).unwrap() + &roff.to_roff()
}

type Defined = (String, Vec<Inline>);

fn defined((term, text): (&str, &str)) -> Defined {
    (term.to_owned(), vec![roman(text)])
}

fn definitions(roff: &mut Roff, title: &str, items: Vec<Defined>) {
    roff.control("SH", [title]);
    for (term, text) in items {
        roff.control("TP", []).text([bold(term)]).text(text);
    }
}

/// A variable for each global option, and those that are none.
fn environment(command: &clap::Command) -> Vec<Defined> {
    let options = command.get_arguments().filter(|argument| !argument.is_hide_set());
    let variables = options.filter_map(|argument| {
        let (name, option) = (argument.get_env()?.to_str()?, argument.get_long()?);
        Some((name.to_owned(), vec![roman("The same as "), bold(format!("--{option}")), roman(".")]))
    });
    let mut variables: Vec<_> = variables.chain(ENVIRONMENT.map(defined)).collect();
    variables.sort_by(|a, b| a.0.cmp(&b.0));
    variables
}

/// The first paragraph of what stands behind the help, as it stands there.
fn examples(roff: &mut Roff, help: &str) {
    let lines = help.strip_prefix("Examples:\n").unwrap_or_else(|| panic!("no examples: {help}"));
    roff.control("SH", ["EXAMPLES"]).control("nf", []);
    for line in lines.lines().take_while(|line| !line.is_empty()) {
        roff.text([roman(line.trim_start())]);
    }
    roff.control("fi", []);
}
