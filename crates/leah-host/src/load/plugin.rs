//! One plugin from the store to its first instance: hashes first, then what its manifest says, and only then its code.

use std::{path::PathBuf, sync::Arc};

use leah_home::{
    content::{Content, content_with},
    fs::{self, FsError, shown},
};
use leah_plugin::{
    lock::Locked,
    manifest::{Manifest, ManifestError},
    message::Level,
    name::PluginName,
    package::{COMPONENT_FILE, MANIFEST_FILE},
    settings::{Effective, Settings, SettingsError},
    version::{HOST_VERSION, PLUGIN_API},
    yaml::MAX_YAML_BYTES,
};
use semver::VersionReq;
use serde_json::{Map, Value};

use super::Loader;
use crate::{
    capability::Rights,
    compile::CompileError,
    control::{Control, Interrupt},
    guest::{Code, Failure, LinkError},
    plugin::{Parts, Plugin},
    services::{Identity, Keep},
    snapshot::{About, Key, Standing},
};

/// Why a plugin does not start.
#[derive(Debug, thiserror::Error)]
pub(super) enum LoadError {
    /// A file cannot be read.
    #[error(transparent)]
    File(#[from] FsError),
    /// Its files are not the package that the lock names.
    #[error("its files in `{}` are not what was installed", shown(.folder))]
    Changed {
        /// Its entry in the store.
        folder: PathBuf,
    },
    /// A file that every package has is not there.
    #[error("its package has no `{0}`")]
    Missing(&'static str),
    /// The manifest breaks a rule.
    #[error("its manifest cannot be read")]
    Manifest(#[from] ManifestError),
    /// The package is that of another plugin.
    #[error("its package is that of `{name}`")]
    Other {
        /// The plugin that the manifest names.
        name: PluginName,
    },
    /// Built for another plugin API.
    #[error("it needs version `{needs}` of the plugin API, and this host has {PLUGIN_API}")]
    Api {
        /// The versions that it can do with.
        needs: VersionReq,
    },
    /// Built for another host.
    #[error("it needs version `{needs}` of the host, and this is {HOST_VERSION}")]
    Host {
        /// The versions that it can do with.
        needs: VersionReq,
    },
    /// Its settings are damaged.
    #[error("its settings cannot be read")]
    Settings(#[from] SettingsError),
    /// Its code cannot be made to run.
    #[error("its code cannot be used")]
    Compile(#[from] CompileError),
    /// Its code does not fit.
    #[error("`{COMPONENT_FILE}` cannot be used")]
    Link(#[from] LinkError),
    /// It did not initialize.
    #[error("`initialize` failed")]
    Start(#[from] Failure),
}

impl LoadError {
    /// Why loading ended, if that is no fault of the plugin's.
    pub(super) fn interrupt(&self) -> Option<Interrupt> {
        match self {
            Self::Compile(CompileError::Interrupted(why)) | Self::Start(Failure::Interrupted(why)) => {
                Some(*why)
            }
            _ => None,
        }
    }
}

impl Loader {
    /// Starts a plugin. `about` is filled in as soon as its manifest is read, also where it does not start.
    pub(super) fn start(
        &self,
        name: &PluginName,
        key: &Key,
        locked: &Locked,
        about: &mut About,
        control: &Arc<Control>,
    ) -> Result<Standing, LoadError> {
        let (manifest, wasm) = self.package(name, locked)?;
        let settings = self.settings(name, key, &manifest)?;
        let rights = Rights::effective(
            &manifest.permissions,
            &key.granted,
            self.config.ceiling.as_ref(),
            &settings.values,
        );
        for setting in &rights.refused {
            let message = format!("its setting `{setting}` names no place that it could be let to");
            self.journal.log(Some(name), Level::Warn, message);
        }
        let declared = manifest.config.keys().cloned().collect();
        let own = self.config.plugins.get(name);
        *about = About::new(manifest.clone(), own.and_then(|own| own.priority));
        fits(&manifest)?;
        if !settings.missing.is_empty() {
            return Ok(Standing::NeedsSettings(settings.missing));
        }
        let component = self.compiler.component(&self.engine, &wasm, control)?;
        let code = Code::new(&self.linker, &component)?;
        let identity = Identity {
            name: name.clone(),
            version: locked.version.clone(),
            rights,
            settings: settings.values,
            declared,
            limits: own.and_then(|own| own.limits).unwrap_or(self.config.limits),
            keep: Keep::default(),
        };
        let parts = Parts {
            engine: Arc::clone(&self.engine),
            services: Arc::clone(&self.services),
            settings: text(&identity.settings),
            identity: Arc::new(identity),
            code,
            jobs: self.jobs.clone(),
        };
        Ok(Standing::Up(Arc::new(Plugin::start(parts, control)?)))
    }

    /// The manifest and the component of what the lock names; they are the bytes that were hashed.
    fn package(&self, name: &PluginName, locked: &Locked) -> Result<(Manifest, Vec<u8>), LoadError> {
        let folder = self.config.home.entry(&locked.entry(name));
        let (content, mut files) = content_with(&folder, &[MANIFEST_FILE, COMPONENT_FILE])?;
        if content != Content::Whole(locked.content) {
            return Err(LoadError::Changed { folder });
        }
        let mut take = |wanted: &'static str| {
            let path = files.keys().find(|path| path.as_str() == wanted).cloned();
            path.and_then(|path| files.remove(&path)).ok_or(LoadError::Missing(wanted))
        };
        let manifest = Manifest::read(&take(MANIFEST_FILE)?)?;
        if manifest.name != *name || manifest.version != locked.version {
            return Err(LoadError::Other { name: manifest.name });
        }
        Ok((manifest, take(COMPONENT_FILE)?))
    }

    fn settings(&self, name: &PluginName, key: &Key, manifest: &Manifest) -> Result<Effective, LoadError> {
        let settings = match &key.settings {
            Some(file) => {
                Settings::read(&fs::read(&self.config.home.settings_file(file), MAX_YAML_BYTES as u64)?)?
            }
            None => Settings::default(),
        };
        let effective = settings.effective(&manifest.config);
        for (setting, error) in &effective.refused {
            let message = format!("its setting `{setting}` is not used: {error}");
            self.journal.log(Some(name), Level::Warn, message);
        }
        Ok(effective)
    }
}

/// Compares versions before anything looks at the code, so that a reader is told what is to be done.
fn fits(manifest: &Manifest) -> Result<(), LoadError> {
    if !manifest.api.matches(&PLUGIN_API) {
        return Err(LoadError::Api { needs: manifest.api.clone() });
    }
    match &manifest.host {
        Some(needs) if !needs.matches(&HOST_VERSION) => Err(LoadError::Host { needs: needs.clone() }),
        _ => Ok(()),
    }
}

fn text(settings: &Map<String, Value>) -> String {
    Value::Object(settings.clone()).to_string()
}
