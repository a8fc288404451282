//! The attacks of docs/security.md, each as a test of its name: what the attacker does, the exit code, the sentence, and
//! that nothing is left behind. What is shown elsewhere is named there; a test checks that all of it exists.

mod listed;
pub mod server;

pub mod keys;
mod served;
mod taken;

use std::fs;

use self::server::Liar;
use crate::{
    fixture::{PackageSpec, TestRegistry},
    sandbox::{Output, Sandbox},
    tampering::Scene,
};

/// A home in which `keeper` is live, of a registry on a web server that can be made to lie. There is no cache.
pub struct Attack {
    pub scene: Scene,
    pub server: Liar,
}

impl Attack {
    /// An honest server; the attacker changes the folder that it serves.
    pub fn new() -> Self {
        Self::with(|_| None)
    }

    /// A server that answers as `lie` says.
    pub fn with(lie: impl Fn(&str) -> Option<Vec<u8>> + Send + Sync + 'static) -> Self {
        let sandbox = Sandbox::new();
        let hub = TestRegistry::new(&sandbox, "hub");
        hub.offer(&PackageSpec::new("keeper", "1.0.0"));
        let server = Liar::start(&hub.folder, lie);
        sandbox.redact(&server.url, "[URL]");
        let key = hub.root_key().to_string();
        sandbox.run(&["registry", "add", "hub", &server.url, "--key", &key, "--default"]).ok();
        let attack = Self { scene: Scene { sandbox, hub }, server };
        attack.scene.installs("keeper");
        attack.forget_cache();
        attack
    }

    pub fn hub(&self) -> &TestRegistry {
        &self.scene.hub
    }

    pub fn run(&self, arguments: &[&str]) -> Output {
        self.scene.run(arguments)
    }

    /// What was fetched once would not be asked for again.
    pub fn forget_cache(&self) {
        let cache = self.scene.sandbox.path("cache");
        if cache.exists() {
            fs::remove_dir_all(cache).unwrap();
        }
    }

    /// The message of a command that must fail with `code` and leave nothing behind: no file of the home comes, goes
    /// or changes, and what is installed still works.
    #[track_caller]
    pub fn refuses(&self, code: i32, arguments: &[&str]) -> String {
        self.forget_cache();
        let error = self.scene.refuses(code, arguments);
        self.still_works();
        error
    }

    /// The same of a registry that contradicts itself: the evidence is kept, and nothing else.
    #[track_caller]
    pub fn convicts(&self, arguments: &[&str]) -> String {
        self.forget_cache();
        let error = self.scene.convicts(arguments);
        self.still_works();
        error
    }

    /// What is installed does not depend on what is served.
    #[track_caller]
    fn still_works(&self) {
        assert!(self.scene.sandbox.live().contains_key("keeper"));
        self.run(&["verify"]).ok();
    }
}
