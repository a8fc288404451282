//! Tokens for private registries: kept for their owner alone, sent to the registry's own URL alone, and shown nowhere.

use std::{fs, io::Write, path::Path, process::Stdio};

use super::{
    Edge, add,
    edge::{Question, Reply},
    served,
};
use crate::{
    fixture::TestRegistry,
    sandbox::{Output, Sandbox, start, tree_of},
};

const TOKEN: &str = "s3cret/0123456789+abcdef=";

/// A registry that answers nobody but who has the token, and what stands before it.
struct Scene {
    sandbox: Sandbox,
    hub: TestRegistry,
    edge: Edge,
    server: leah_registry::serve::Server,
}

impl Scene {
    fn new() -> Self {
        let (sandbox, hub, server) = served();
        let edge = Edge::before(&server);
        sandbox.redact(edge.url(), "[EDGE]");
        edge.rule(private);
        Self { sandbox, hub, edge, server }
    }

    fn add(&self, more: &[&str], environment: &[(&str, &str)]) -> Output {
        let key = self.hub.root_key().to_string();
        let add = ["registry", "add", "hub", &self.edge.url(), "--key", &key, "--default"];
        self.sandbox.run_env(&[&add[..], more].concat(), environment)
    }

    /// Added with the token in the environment.
    fn added() -> Self {
        let scene = Self::new();
        scene.add(&[], &[("LEAHPM_TOKEN_HUB", TOKEN)]).ok();
        scene
    }

    fn log_in(&self, token: &str) -> Output {
        let mut command = self.sandbox.command(&["registry", "login", "hub"]);
        let mut child = start(command.stdin(Stdio::piped()));
        child.stdin.take().unwrap().write_all(token.as_bytes()).unwrap();
        self.sandbox.wait(child)
    }

    /// Whether each question since the last look came with a token.
    #[track_caller]
    fn all_with_token(&self) -> bool {
        let questions = self.edge.questions();
        assert!(!questions.is_empty());
        questions.iter().all(|question| question.header("authorization") == format!("Bearer {TOKEN}"))
    }
}

fn private(question: &Question, reply: Reply) -> Reply {
    let expected = format!("Bearer {TOKEN}");
    if question.header("authorization") == expected { reply } else { Reply::status(401) }
}

#[test]
fn a_private_registry_is_added_with_a_token_in_the_environment() {
    let scene = Scene::new();
    insta::assert_snapshot!(scene.add(&[], &[]).fails(4), @"
    error: cannot get `[EDGE]head`
    caused by: the server answered with status 401: it wants to know who asks, or says no
    hint: put its token into LEAHPM_TOKEN_HUB and run the command again
    ");
    scene.add(&[], &[("LEAHPM_TOKEN_HUB", "wrong")]).fails(4);
    // A run that has failed may have asked for more than it waited for.
    let scene = Scene::new();
    scene.add(&[], &[("LEAHPM_TOKEN_HUB", TOKEN)]).ok();
    assert!(scene.all_with_token());
}

#[test]
fn a_token_is_tried_and_kept_for_its_owner_alone_until_logout() {
    let scene = Scene::added();
    let path = scene.sandbox.layout().credentials();
    insta::assert_snapshot!(scene.sandbox.run(&["install", "alpha"]).fails(4), @"
    error: cannot get `[EDGE]head`
    caused by: the server answered with status 401: it wants to know who asks, or says no
    hint: `leahpm registry login hub` takes a token for the registry
    ");
    insta::assert_snapshot!(scene.log_in("wrong\n").fails(4), @"
    error: cannot get `[EDGE]head`
    caused by: the server answered with status 401: it wants to know who asks, or says no
    hint: nothing was kept; run the command again with the token that the registry's people gave you
    ");
    assert!(!path.exists());
    insta::assert_snapshot!(scene.log_in(&format!("{TOKEN}\n")), @"
    2> Kept the token for registry hub.
    exit 0
    ");
    let home = scene.sandbox.tree();
    assert!(home["credentials.yaml"].starts_with("file 600 "), "{home:?}");
    scene.edge.questions();
    scene.sandbox.run(&["install", "alpha"]).ok();
    assert!(scene.all_with_token());
    insta::assert_snapshot!(scene.sandbox.run(&["registry", "logout", "hub"]), @"
    2> Forgot the token for registry hub.
    exit 0
    ");
    scene.sandbox.run(&["update"]).fails(4);
    insta::assert_snapshot!(scene.sandbox.run(&["registry", "logout", "hub"]), @"
    2> There is no token for registry hub in the home.
    exit 0
    ");
}

#[test]
fn a_token_is_kept_although_the_head_is_past_its_time() {
    let scene = Scene::added();
    super::questions::expire(&scene.hub);
    scene.log_in("wrong").fails(4);
    scene.log_in(TOKEN).ok();
}

#[test]
fn the_token_of_the_environment_comes_before_the_one_that_is_kept() {
    let scene = Scene::added();
    scene.log_in(TOKEN).ok();
    scene.sandbox.run(&["install", "beta"]).ok();
    scene.sandbox.run_env(&["update"], &[("LEAHPM_TOKEN_HUB", "wrong")]).fails(4);
    // That of another registry is none of its business.
    scene.sandbox.run_env(&["update"], &[("LEAHPM_TOKEN_HUB_2", "wrong")]).ok();
    // A CI service gives an empty one for a secret that nobody set; the one that is kept counts then.
    scene.sandbox.run_env(&["update"], &[("LEAHPM_TOKEN_HUB", "")]).ok();
    let forgotten = scene.sandbox.run_env(&["registry", "logout", "hub"], &[("LEAHPM_TOKEN_HUB", TOKEN)]);
    insta::assert_snapshot!(forgotten, @"
    2> Forgot the token for registry hub.
    2> warning: LEAHPM_TOKEN_HUB still holds one.
    exit 0
    ");
    let none = scene.sandbox.run_env(&["update"], &[("LEAHPM_TOKEN_HUB", "two words")]);
    insta::assert_snapshot!(none.fails(2), @"
    error: `LEAHPM_TOKEN_HUB` holds no token
    caused by: a token has letters, digits and signs of ASCII only, without spaces
    ");
}

/// Who can change a lock could write an address of his own into it, for a machine that has a token in its environment.
#[test]
fn a_token_goes_to_no_address_that_a_lock_alone_names() {
    let scene = Scene::added();
    scene.log_in(TOKEN).ok();
    scene.sandbox.run(&["install", "alpha"]).ok();
    let lock = String::from_utf8(scene.sandbox.read("home/plugins/leah.lock")).unwrap();
    let thief = Edge::before(&scene.server);
    thief.rule(private);
    let (machine, token) = (Sandbox::new(), [("LEAHPM_TOKEN_HUB", TOKEN)]);
    machine.redact(thief.url(), "[THIEF]");
    machine.redact(scene.hub.root_key(), "[KEY]");
    machine.write("leah.lock", lock.replace(&scene.edge.url(), &thief.url()));
    let key = scene.hub.root_key().to_string();
    insta::assert_snapshot!(machine.run_env(&["sync", "--locked"], &token), @"
    2> error: no token was sent to `[THIEF]`, which is known from a lock alone as the address of registry `hub`
    2> caused by: cannot get `[THIEF]head`
    2> caused by: the server answered with status 401: it wants to know who asks, or says no
    2> hint: if that is where the registry is, run `leahpm registry add hub [THIEF] --key [KEY]`
    exit 4
    ");
    machine.run_env(&["sync", "--locked", "--key", &key], &token).fails(4);
    assert!(thief.questions().iter().all(|question| question.header("authorization").is_empty()));
    assert_eq!(machine.tree(), Sandbox::new().tree(), "nothing is remembered of it");
    // The hint is for who knows the address, here the right one.
    machine.write("leah.lock", &lock);
    machine.redact(scene.edge.url(), "[EDGE]");
    let refused = machine.run_env(&["sync", "--locked"], &token);
    assert!(machine.run_hint_env(&refused, &token).ok().stderr.contains("Added registry hub"));
    machine.run_env(&["sync", "--locked"], &token).ok();
    assert_eq!(machine.live(), scene.sandbox.live());
}

#[test]
fn an_address_that_a_lock_alone_named_gets_no_token_later_either_until_somebody_confirms_it() {
    let (sandbox, hub, server) = served();
    add(&sandbox, &hub, &server.url());
    sandbox.run(&["install", "alpha"]).ok();
    let lock = sandbox.read("home/plugins/leah.lock");
    let (machine, edge) = (Sandbox::new(), Edge::before(&server));
    machine.redact(edge.url(), "[EDGE]");
    machine.redact(hub.root_key(), "[KEY]");
    let lock = String::from_utf8(lock).unwrap().replace(&server.url(), &edge.url());
    machine.write("leah.lock", lock);
    let token = [("LEAHPM_TOKEN_HUB", TOKEN)];
    machine.run_env(&["sync", "--locked"], &token).ok();
    machine.run_env(&["update"], &token).ok();
    assert!(edge.questions().iter().all(|question| question.header("authorization").is_empty()));
    insta::assert_snapshot!(machine.run(&["registry", "list"]), @"
    1> NAME              PLACE                    ROOT KEY
    1> bundled  default  compiled in              RWRzqWippnsjtXaCVOcXmCaSdh7nff5i2gi8LvpmH09RybJbMwlp6gv9
    1> hub               [EDGE]  [KEY]
    1>                   known from a lock alone
    exit 0
    ");
    assert!(String::from_utf8(machine.read("home/registries.yaml")).unwrap().starts_with("format: 3\n"));
    let refused = machine.run(&["registry", "login", "hub"]);
    insta::assert_snapshot!(refused, @"
    2> error: `[EDGE]` is known from a lock alone as the address of registry `hub`, and no token goes there
    2> hint: if that is where the registry is, run `leahpm registry add hub [EDGE] --key [KEY]`
    exit 9
    ");
    machine.run_hint(&refused).ok();
    assert!(String::from_utf8(machine.read("home/registries.yaml")).unwrap().starts_with("format: 2\n"));
    edge.questions();
    machine.run_env(&["update"], &token).ok();
    let questions = edge.questions();
    assert!(!questions.is_empty());
    assert!(questions.iter().all(|question| question.header("authorization") == format!("Bearer {TOKEN}")));
}

#[test]
fn a_mirror_gets_no_token_and_cannot_vouch_for_a_wrong_one() {
    let scene = Scene::new();
    let mirror = Edge::before(&scene.server);
    scene.add(&["--mirror", &mirror.url()], &[("LEAHPM_TOKEN_HUB", TOKEN)]).ok();
    scene.log_in("wrong").fails(4);
    scene.log_in(TOKEN).ok();
    assert_eq!(mirror.log(), "");
    scene.edge.rule(|question, reply| {
        if question.path.starts_with("packages/") { reply.damaged() } else { private(question, reply) }
    });
    scene.sandbox.run(&["install", "alpha"]).ok();
    let questions = mirror.questions();
    assert!(
        !questions.is_empty() && questions.iter().all(|question| question.header("authorization").is_empty())
    );
}

#[test]
fn a_redirect_to_another_server_does_not_take_the_token_along() {
    let scene = Scene::added();
    scene.log_in(TOKEN).ok();
    let other = Edge::before(&scene.server);
    let to = other.url();
    scene.edge.rule(move |question, reply| match question.path.as_str() {
        path if path.starts_with("packages/") => Reply::redirect(format!("{to}{path}")),
        _ => private(question, reply),
    });
    scene.edge.questions();
    scene.sandbox.run(&["install", "beta"]).ok();
    assert!(scene.all_with_token());
    insta::assert_snapshot!(other.log(), @"200 packages/beta/beta-1.0.0.tar.gz identity");
}

#[test]
fn a_registry_that_is_removed_takes_its_token_with_it() {
    let scene = Scene::added();
    scene.log_in(TOKEN).ok();
    scene.sandbox.run(&["registry", "remove", "hub"]).ok();
    scene.edge.questions();
    scene.add(&[], &[]).fails(4);
    assert!(scene.edge.questions().iter().all(|question| question.header("authorization").is_empty()));
}

#[test]
fn a_token_is_in_no_lock_no_record_no_message_and_no_evidence() {
    let scene = Scene::added();
    let mut said = vec![scene.log_in(TOKEN)];
    let old = fs::read(scene.hub.path("head")).unwrap();
    scene.hub.publish_all(&[("beta", "1.1.0")]);
    said.push(scene.sandbox.run(&["install", "alpha", "--verbose"]));
    said.push(scene.sandbox.run(&["registry", "list", "--json"]));
    said.push(scene.sandbox.run(&["update", "--json", "--verbose"]));
    // A server that repeats what it was sent, lies, fails and denies.
    for status in [400, 401, 501] {
        scene.edge.rule(move |question, _| Reply {
            headers: vec![("x-echo".into(), question.header("authorization").into())],
            body: question.header("authorization").into(),
            ..Reply::status(status)
        });
        for more in [&[][..], &["--json"], &["--verbose"]] {
            let output = scene.sandbox.run_env(&[&["update"][..], more].concat(), &[("LEAHPM_TIMEOUT", "1")]);
            assert_ne!(output.code, 0);
            said.push(output);
        }
    }
    scene.edge.rule(
        move |question, reply| {
            if question.path == "head" { Reply::body(old.clone()) } else { reply }
        },
    );
    said.push(scene.sandbox.run(&["update"]));
    assert_eq!((said.last().unwrap().code, super::evidence(&scene.sandbox).len()), (7, 1));
    let said: Vec<String> = said.iter().map(ToString::to_string).collect();
    assert!(!said.concat().contains(TOKEN), "{said:#?}");
    assert_eq!(files_with_the_token(&scene.sandbox.path("")), ["home/credentials.yaml"]);
}

fn files_with_the_token(folder: &Path) -> Vec<String> {
    let files = tree_of(folder).into_iter().filter(|(_, what)| what.starts_with("file"));
    let has_token = |file: &String| {
        let bytes = fs::read(folder.join(file)).unwrap();
        bytes.windows(TOKEN.len()).any(|window| window == TOKEN.as_bytes())
    };
    files.map(|(file, _)| file).filter(has_token).collect()
}

#[test]
fn a_registry_gets_no_token_because_of_the_name_that_it_gives_itself() {
    let (sandbox, hub, server) = served();
    let (edge, key) = (Edge::before(&server), hub.root_key().to_string());
    let install = ["install", "alpha", "--registry", &edge.url(), "--key", &key];
    sandbox.run_env(&install, &[("LEAHPM_TOKEN_HUB", TOKEN)]).ok();
    let questions = edge.questions();
    assert!(questions.iter().any(|question| question.path.starts_with("packages/")));
    assert!(questions.iter().all(|question| question.header("authorization").is_empty()), "{questions:?}");
}
