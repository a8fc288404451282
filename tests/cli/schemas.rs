//! The JSON Schemas of `docs/json`: what the program prints with `--json` is held against them wherever a test runs
//! it, so that each test checks them as well. It runs nothing itself.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    sync::LazyLock,
};

use boon::{Compiler, SchemaIndex, Schemas};
use serde_json::Value;

use crate::{readme::document, sandbox::names_in};

/// What holds parts of other schemas and describes no output itself.
const SHARED: &str = "definitions";

static ALL: LazyLock<Compiled> = LazyLock::new(Compiled::read);

/// The schemas by the names of their files, ready to be used.
struct Compiled {
    schemas: Schemas,
    by_name: BTreeMap<String, SchemaIndex>,
}

impl Compiled {
    fn read() -> Self {
        let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
        let texts = texts();
        for (name, schema) in &texts {
            compiler.add_resource(&url(name), schema.clone()).unwrap();
        }
        let compiled = texts.into_keys().map(|name| {
            let index = compiler.compile(&url(&name), &mut schemas);
            (name.clone(), index.unwrap_or_else(|error| panic!("docs/json/{name}.json: {error:#}")))
        });
        let by_name = compiled.collect();
        Self { schemas, by_name }
    }
}

/// Where a schema is for another one that refers to it: beside it.
fn url(name: &str) -> String {
    format!("file:///docs/json/{name}.json")
}

/// The files of `docs/json` without `.json`, as they stand there.
pub fn texts() -> BTreeMap<String, Value> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/json");
    let files = names_in(&folder).into_iter().filter_map(|file| Some(file.strip_suffix(".json")?.to_owned()));
    let read = |name: &String| {
        let text = fs::read_to_string(folder.join(format!("{name}.json"))).unwrap();
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("docs/json/{name}.json: {error}"))
    };
    files.map(|name| (name.clone(), read(&name))).collect()
}

/// The names of the schemas that describe output.
pub fn names() -> BTreeSet<String> {
    texts().into_keys().filter(|name| name != SHARED).collect()
}

/// Ends the test if a line of standard output is one of our objects and not as its schema says. What is no such object
/// passes: it is the output of a run without `--json`, or that of another program.
#[track_caller]
pub fn check(stdout: &str) {
    let objects = stdout.lines().filter(|line| line.starts_with('{'));
    for object in objects.filter_map(|line| serde_json::from_str::<Value>(line).ok()) {
        check_object(&object);
    }
}

#[track_caller]
fn check_object(object: &Value) {
    let Some(name) = schema_of(object) else { return };
    let Some(index) = ALL.by_name.get(&name) else { panic!("there is no docs/json/{name}.json: {object}") };
    if let Err(error) = ALL.schemas.validate(object, *index) {
        panic!("{error}\ndocs/json/{name}.json does not allow: {object}");
    }
}

/// The name of the schema that describes an object; none where it is not one that this program prints.
pub fn schema_of(object: &Value) -> Option<String> {
    object.get("schema")?;
    match object.get("command").and_then(Value::as_str) {
        Some(command) => Some(command.replace(' ', "-")),
        None => object.get("error").map(|_| "error".to_owned()),
    }
}

/// The words of every command that does something, joined by hyphens.
pub fn commands() -> BTreeSet<String> {
    let (mut found, mut open) = (BTreeSet::new(), vec![(String::new(), leahpm::cli::command())]);
    while let Some((words, command)) = open.pop() {
        let below: Vec<_> = command.get_subcommands().filter(|below| below.get_name() != "help").collect();
        if below.is_empty() {
            found.insert(words.clone());
        }
        let join = |name: &str| if words.is_empty() { name.to_owned() } else { format!("{words}-{name}") };
        open.extend(below.into_iter().map(|below| (join(below.get_name()), below.clone())));
    }
    found
}

#[test]
fn every_object_of_a_schema_says_that_it_has_no_other_fields_and_what_each_is_for() {
    for (name, schema) in texts() {
        walk(&schema, &name);
    }
}

fn walk(schema: &Value, place: &str) {
    if schema["type"] == "object" {
        let further = &schema["additionalProperties"];
        assert!(further.is_object() || *further == false, "{place}: `additionalProperties` is not false");
    }
    // What stands in a condition is said of fields that are described elsewhere.
    let described = !place.ends_with("/if");
    for (field, about) in schema["properties"].as_object().into_iter().flatten().filter(|_| described) {
        let told = about["description"].is_string() || about["$ref"].is_string();
        assert!(told, "{place}: `{field}` has no description");
    }
    match schema {
        Value::Object(fields) => {
            for (key, value) in fields {
                walk(value, &format!("{place}/{key}"));
            }
        }
        Value::Array(items) => items.iter().for_each(|item| walk(item, place)),
        _ => {}
    }
}

#[test]
fn each_detail_of_an_error_is_described_for_people_too() {
    let error = &texts()["error"];
    let details = &error["properties"]["error"]["properties"]["details"]["properties"];
    let fields: BTreeSet<&str> = details.as_object().unwrap().keys().map(String::as_str).collect();
    let Some(text) = document("docs/json/README.md") else { return };
    let rows = text.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` |"));
    assert_eq!(rows.map(|(field, _)| field).collect::<BTreeSet<_>>(), fields);
}

#[test]
fn every_schema_is_of_one_draft_and_has_a_title() {
    for (name, schema) in texts() {
        assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema", "{name}");
        assert!(schema["title"].is_string() && schema["description"].is_string(), "{name}");
    }
}

#[test]
fn every_command_has_a_schema_and_every_schema_a_command() {
    let mut commands = commands();
    commands.insert("error".to_owned());
    assert_eq!(names(), commands);
}

#[test]
#[should_panic(expected = "additionalProperties 'more' not allowed")]
fn a_field_that_no_schema_knows_ends_the_test() {
    check(r#"{"schema":1,"command":"config get","name":"a","key":"k","value":1,"more":true}"#);
}
