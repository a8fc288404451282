//! The plugin API as Rust types and traits, made from `wit/`. What each function does stands in `functions`.

#![allow(missing_docs, unreachable_pub, reason = "generated")]

wasmtime::component::bindgen!({
    path: "../../wit",
    world: "leah:plugin/plugin",
});
