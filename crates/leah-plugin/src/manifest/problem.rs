//! What can be wrong with a manifest: one variant a rule, each as a sentence that ends in front of the author.

use std::{error::Error, fmt};

use super::{
    Hook, MAX_MANIFEST_BYTES, PermissionKind, SchemaError, ScopeError, SettingError, TextError,
    ToolNameError, UnknownWord,
};
use crate::{name::NameError, version::VersionError, yaml::YamlError};

/// What is wrong with a manifest, and where.
#[derive(Debug)]
pub struct ManifestError {
    /// Line, from 1; 0 when it concerns the whole text.
    pub line: u64,
    /// Column in characters, from 1; 0 when it concerns the whole text.
    pub column: u64,
    /// The rule that is broken.
    pub problem: Problem,
}

impl fmt::Display for ManifestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.line != 0 {
            write!(f, "line {}, column {}: ", self.line, self.column)?;
        }
        self.problem.fmt(f)
    }
}

// The problem is part of the text above, so the next cause is the problem's own.
impl Error for ManifestError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.problem.source()
    }
}

impl From<YamlError> for ManifestError {
    fn from(error: YamlError) -> Self {
        Self { line: error.line, column: error.column, problem: Problem::Yaml(error.reason) }
    }
}

/// The rule of a manifest that is broken.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// More than [`MAX_MANIFEST_BYTES`].
    #[error("a manifest has at most {MAX_MANIFEST_BYTES} bytes, this one has {0}")]
    TooLarge(usize),
    /// Not the YAML that is read here; the text says why.
    #[error("{0}")]
    Yaml(String),
    /// A key, or a word out of a list, that is not known.
    #[error(transparent)]
    Word(#[from] UnknownWord),
    /// A key that has to be there.
    #[error("`{0}` is missing")]
    Missing(&'static str),
    /// A value of another type.
    #[error("expected {expected}, found {found}")]
    Type {
        /// What should be here.
        expected: &'static str,
        /// What is here.
        found: &'static str,
    },
    /// A list or map with too many entries.
    #[error("{found} entries are too many, at most {most} are allowed")]
    TooMany {
        /// The limit.
        most: usize,
        /// What it has.
        found: usize,
    },
    /// A list that means nothing when empty.
    #[error("the list is empty")]
    EmptyList,
    /// The same thing again.
    #[error("`{}` stands here twice", .0.escape_debug())]
    Twice(String),
    /// A free text that breaks a rule.
    #[error(transparent)]
    Text(#[from] TextError),
    /// Not a name.
    #[error(transparent)]
    Name(#[from] NameError),
    /// Not a version or a range.
    #[error(transparent)]
    Version(#[from] VersionError),
    /// A number outside its range.
    #[error("the number is outside {min} to {max}")]
    Number {
        /// The smallest allowed.
        min: i64,
        /// The largest allowed.
        max: i64,
    },
    /// The scope of a permission.
    #[error(transparent)]
    Scope(#[from] ScopeError),
    /// An entry of the list of permissions with more than one permission.
    #[error("one permission an entry: begin another with `- `")]
    OnePermission,
    /// A scope that names a setting which is not there or is not a single string.
    #[error("the scope names the setting `{0}`, and `config` declares no string of that name")]
    ScopeSetting(String),
    /// A scope that the author could fill in the name of the user, and change with an update.
    #[error(
        "the scope names the setting `{0}`, which has a default: list that in the scope itself, so that users are asked for it"
    )]
    ScopeDefault(String),
    /// A hook whose content the plugin may not see.
    #[error("the hook `{hook}` needs the permission `{permission}`")]
    HookNeeds {
        /// The hook.
        hook: Hook,
        /// What it needs.
        permission: PermissionKind,
    },
    /// A hook that no call would ever reach.
    #[error("the hook `on_tool_call` needs `tools`, or `read_messages` for tools that nobody declared")]
    ToolCallWithoutTools,
    /// Tools that nobody could call.
    #[error("`tools` needs the hook `on_tool_call`")]
    ToolsWithoutHook,
    /// A plugin that waits for itself.
    #[error("a plugin cannot depend on itself")]
    DependsOnItself,
    /// The name of a tool.
    #[error(transparent)]
    ToolName(#[from] ToolNameError),
    /// The arguments of a tool.
    #[error(transparent)]
    Schema(#[from] SchemaError),
    /// Not the key of a setting.
    #[error("`{}` is not a key of a setting: lower-case letters, digits, `_` and `-`, at most 64, a letter first", .0.escape_debug())]
    SettingKey(String),
    /// A default, a choice or a pattern of a setting.
    #[error(transparent)]
    Setting(#[from] SettingError),
    /// `min` above `max`.
    #[error("`min` is above `max`, so no value fits")]
    Range,
    /// A key that means nothing for this type.
    #[error("`{key}` is only for {needs}")]
    Misplaced {
        /// The key.
        key: &'static str,
        /// What it belongs to.
        needs: &'static str,
    },
    /// A secret number or boolean.
    #[error("only strings can be secret")]
    SecretType,
    /// A secret that everybody can read in the package.
    #[error("a secret has no default: everybody can read the package")]
    SecretDefault,
    /// Another meaning for `enabled`.
    #[error(
        "`enabled` is the switch of `leahpm enable` and `leahpm disable`: it can only be `{{ type: boolean, default: true }}`"
    )]
    Switch,
}
