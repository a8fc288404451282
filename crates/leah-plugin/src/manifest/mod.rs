//! The manifest of a plugin, `plugin.yaml`.

mod hooks;
mod interface;
mod permissions;
mod scope;
pub mod settings;
mod tools;
mod word;

pub use hooks::Hook;
pub use interface::Interface;
pub use permissions::{PermissionKind, Permissions, plain_words};
pub use scope::{Scope, ScopeError, check_entry, check_place};
pub use tools::{SchemaError, Tool, ToolName, ToolNameError};
pub use word::UnknownWord;
