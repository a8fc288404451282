//! WASI as components import it: the committed test plugins, on an engine, with a state of their own.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use wasmtime::{Config, Store, component::Instance};

use super::*;
use crate::{
    bindings::{
        exports::leah::plugin::{lifecycle, on_tool_call},
        leah::plugin::types::ToolCall,
    },
    functions::{
        self,
        tests::{Bench, Plugin},
    },
};

struct World {
    plugin: Plugin,
    handles: Handles,
}

impl World {
    fn caller(&mut self) -> Caller<'_> {
        self.plugin.live()
    }

    fn handles(&mut self) -> &mut Handles {
        &mut self.handles
    }
}

/// A test plugin, started.
struct Started {
    store: Store<World>,
    tool: on_tool_call::Guest,
}

impl Started {
    fn new(bench: &Bench, wasm: &[u8]) -> Self {
        let engine = wasmtime::Engine::new(Config::new().concurrency_support(false)).unwrap();
        let component = Component::new(&engine, wasm).unwrap();
        let mut linker = Linker::new(&engine);
        functions::add_to_linker(&mut linker, World::caller).unwrap();
        let linker = linked(&linker, &component, World::caller, World::handles).unwrap();
        let world = World { plugin: bench.plugin(&json!([])), handles: Handles::default() };
        let mut store = Store::new(&engine, world);
        let instance: Instance = linker.instantiate(&mut store, &component).unwrap();
        let pre = linker.instantiate_pre(&component).unwrap();
        let started = lifecycle::GuestIndices::new(&pre).unwrap().load(&mut store, &instance).unwrap();
        started.call_initialize(&mut store, "{}").unwrap().unwrap();
        started.call_activate(&mut store).unwrap().unwrap();
        let tool = on_tool_call::GuestIndices::new(&pre).unwrap().load(&mut store, &instance).unwrap();
        Self { store, tool }
    }

    fn call(&mut self, name: &str, arguments: &str) -> wasmtime::Result<String> {
        let (conversation, name, arguments) = ("c".into(), name.into(), arguments.into());
        let call = ToolCall { conversation, name, arguments, meta: Vec::new() };
        Ok(self.tool.call_handle(&mut self.store, &call)?.unwrap().unwrap().content)
    }
}

/// What the plugin `wasi` tells of its attempts.
fn attempts(started: &mut Started) -> Value {
    serde_json::from_str(&started.call("wasi", "{}").unwrap()).unwrap()
}

const WASI: &[u8] = include_bytes!("../../../../tests/plugins/wasi.wasm");
const JAVASCRIPT: &[u8] = include_bytes!("../../../../tests/plugins/javascript.wasm");

#[test]
fn wasi_opens_no_file_no_socket_no_environment() {
    let bench = Bench::new();
    let told = attempts(&mut Started::new(&bench, WASI));
    let nothing = json!([]);
    for (what, expect) in [
        ("environment", nothing.clone()),
        ("arguments", nothing),
        ("initial-cwd", Value::Null),
        ("terminal", json!(false)),
        ("stdin", json!({ "error": "StreamError::Closed" })),
        ("preopens", json!(0)),
        ("http", json!({ "error": "\"scheme refused\"" })),
    ] {
        assert_eq!(told[what], expect, "{what}");
    }
    for what in ["tcp", "udp", "resolve"] {
        let error = told[what]["error"].as_str().unwrap_or_default();
        assert!(error.contains("AccessDenied") || error.contains("access-denied"), "{what}: {}", told[what]);
    }
}

#[test]
fn clocks_and_random_bytes_are_true_and_what_is_written_is_logged() {
    let bench = Bench::new();
    let mut started = Started::new(&bench, WASI);
    let (told, again) = (attempts(&mut started), attempts(&mut started));
    assert!(told["seconds"].as_u64().is_some_and(|seconds| seconds > 1_700_000_000), "{told}");
    assert!(told["slept"].as_u64().is_some_and(|nap| nap >= 20_000_000), "{told}");
    assert_eq!(told["random"].as_array().map(Vec::len), Some(16));
    assert_ne!(told["random"], again["random"]);
    assert_ne!(told["random-again"], again["random-again"]);
    assert_eq!(told["insecure-random"], json!(4));
    let lines: Vec<_> = bench.lines().into_iter().map(|(_, line)| line).collect();
    assert_eq!(lines[..2], ["written to stdout", "written to stderr"]);
}

#[test]
fn exit_ends_the_call_and_nothing_else() {
    let bench = Bench::new();
    let error = Started::new(&bench, WASI).call("wasi", "exit").unwrap_err();
    assert!(format!("{error:?}").contains("it ended itself with `exit`"), "{error:?}");
}

#[test]
fn nobody_sleeps_longer_than_the_call_lasts() {
    let bench = Bench::new();
    let mut started = Started::new(&bench, WASI);
    started.store.data().plugin.control.cancel();
    let began = Instant::now();
    let told = attempts(&mut started);
    assert!(told["slept"].as_u64().is_some_and(|nap| nap < 20_000_000), "{told}");
    assert!(began.elapsed() < Duration::from_secs(10));
}

#[test]
fn a_plugin_in_javascript_runs() {
    let bench = Bench::new();
    let mut started = Started::new(&bench, JAVASCRIPT);
    assert_eq!(started.call("count", r#"{"text": "hi"}"#).unwrap(), "2 letters in call 1");
}
