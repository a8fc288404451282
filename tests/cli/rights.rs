//! A home that cannot be written, a disk that is full, a folder that is not ours: a clear error, and the set as it was.

use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, Stdio},
};

use crate::{
    fixture::{PackageSpec, TestRegistry, hub},
    sandbox::{Sandbox, skipped, start},
};

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

/// `alpha` installed, `beta` to be had.
fn ready() -> (Sandbox, TestRegistry) {
    let (sandbox, hub) = hub();
    hub.publish_all(&[("alpha", "1.0.0"), ("beta", "1.0.0")]);
    sandbox.run(&["install", "alpha"]).ok();
    (sandbox, hub)
}

#[test]
fn a_home_that_cannot_be_written_stays_as_it_is_and_can_be_read() {
    let (sandbox, _hub) = ready();
    let folders = [sandbox.home(), sandbox.layout().store(), sandbox.layout().generations()];
    folders.iter().for_each(|folder| set_mode(folder, 0o555));
    let before = sandbox.tree();
    insta::assert_snapshot!(sandbox.run_as_user(&["install", "beta"]), @"
    2> error: cannot create the folder `[HOME]/store/.staging-[RANDOM]`
    2> caused by: Permission denied (os error 13)
    2> hint: check who owns this path; it may have been made by another user or with sudo
    exit 1
    ");
    insta::assert_snapshot!(sandbox.run_as_user(&["uninstall", "alpha"]), @"
    2> error: cannot create the folder `[HOME]/generations/.staging-[RANDOM]`
    2> caused by: Permission denied (os error 13)
    2> hint: check who owns this path; it may have been made by another user or with sudo
    exit 1
    ");
    for command in [&["list"][..], &["verify"], &["history"], &["install", "alpha"], &["info", "beta"]] {
        sandbox.run_as_user(command).ok();
    }
    assert_eq!(sandbox.tree(), before);
    folders.iter().for_each(|folder| set_mode(folder, 0o755));
    sandbox.run_as_user(&["install", "beta"]).ok();
}

#[test]
fn a_home_that_cannot_be_made_is_named() {
    let sandbox = Sandbox::new();
    let hub = TestRegistry::new(&sandbox, "hub");
    hub.publish_all(&[("alpha", "1.0.0")]);
    sandbox.write("closed/file", "");
    set_mode(&sandbox.path("closed"), 0o555);
    insta::assert_snapshot!(sandbox.run_as_user(&hub.with(&["install", "alpha", "--home", "closed/home"])), @"
    2> error: cannot create the folder `[DIR]/closed/home`
    2> caused by: Permission denied (os error 13)
    2> hint: check who owns this path; it may have been made by another user or with sudo
    exit 1
    ");
    insta::assert_snapshot!(sandbox.run_as_user(&hub.with(&["install", "alpha", "--home", "closed/file"])), @"
    2> error: cannot open `[DIR]/closed/file/registries.yaml`
    2> caused by: Not a directory (os error 20)
    exit 1
    ");
}

#[test]
fn a_registry_or_a_generation_that_cannot_be_read_is_named() {
    let (sandbox, hub) = ready();
    set_mode(&hub.path("head"), 0o000);
    insta::assert_snapshot!(sandbox.run_as_user(&["install", "beta"]), @"
    2> error: cannot open `[DIR]/hub/head`
    2> caused by: Permission denied (os error 13)
    2> hint: check who owns this path; it may have been made by another user or with sudo
    exit 1
    ");
    set_mode(&sandbox.layout().lock_file(1), 0o000);
    insta::assert_snapshot!(sandbox.run_as_user(&["list"]), @"
    2> error: cannot open `[HOME]/generations/1/leah.lock`
    2> caused by: Permission denied (os error 13)
    2> hint: check who owns this path; it may have been made by another user or with sudo
    exit 1
    ");
}

#[test]
fn a_secret_key_is_not_written_where_one_cannot_write() {
    let sandbox = Sandbox::new();
    sandbox.write("closed/file", "");
    set_mode(&sandbox.path("closed"), 0o555);
    insta::assert_snapshot!(sandbox.run_as_user(&["key", "generate", "closed/me.key", "--without-password"]), @"
    2> error: cannot create `closed/me.key`
    2> caused by: Permission denied (os error 13)
    2> hint: check who owns this path; it may have been made by another user or with sudo
    exit 1
    ");
}

/// Runs the program with a home of `kilobytes`, mounted for it alone, and then `sh -c after` in the same place.
/// None where the kernel or this system does not allow that.
fn in_a_small_home(sandbox: &Sandbox, kilobytes: u32, script: &str) -> Option<crate::sandbox::Output> {
    fs::create_dir_all(sandbox.home()).unwrap();
    let (home, program) = (sandbox.home(), env!("CARGO_BIN_EXE_leahpm"));
    let mount = format!("mount -t tmpfs -o size={kilobytes}k,mode=700 none '{}'", home.display());
    let mut probe = Command::new("unshare");
    probe.args(["--map-root-user", "--mount", "sh", "-c", &mount]).stderr(Stdio::null());
    if !probe.status().is_ok_and(|status| status.success()) {
        skipped("a small disk cannot be mounted here");
        return None;
    }
    let script = format!("set -e; {mount}; leahpm() {{ '{program}' \"$@\"; }}; {script}");
    let outer = ["unshare", "--map-root-user", "--mount", "sh", "-c", &script];
    Some(sandbox.wait(start(&mut sandbox.command_under::<_, &str>(&outer, &[]))))
}

#[test]
fn a_full_disk_leaves_the_old_set_and_nothing_half() {
    let sandbox = Sandbox::new();
    let hub = TestRegistry::new(&sandbox, "hub");
    // Random bytes, which do not get smaller.
    let noise: Vec<u8> = (0..400_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    hub.publish_all(&[("alpha", "1.0.0")]).publish(&PackageSpec::new("large", "1.0.0").file("noise", noise));
    let add = hub.with(&["install"]).split_off(1).join(" ");
    let script = format!(
        "leahpm install alpha {add}; set +e; leahpm install large {add}; echo \"exit $?\"; \
         leahpm list; leahpm verify; leahpm gc; ls -A $LEAH_HOME/store $LEAH_HOME/generations | sed 's/-[0-9a-f]*$//'"
    );
    let Some(output) = in_a_small_home(&sandbox, 300, &script) else { return };
    insta::assert_snapshot!(output, @"
    1> exit 1
    1> NAME   VERSION  STATUS   REGISTRY
    1> alpha  1.0.0    enabled  hub
    1> [HOME]/generations:
    1> 1
    1>
    1> [HOME]/store:
    1> alpha-1.0.0
    1> lock
    2> + alpha 1.0.0 (hub)
    2> Generation 1 is live.
    2> error: cannot write `[HOME]/store/.staging-[RANDOM]/noise`
    2> caused by: No space left on device (os error 28)
    2> hint: free some space on this disk, then run the command again
    2> 1 package checked; all files are as they were signed.
    2> Nothing to remove.
    exit 0
    ");
}

#[test]
fn a_user_without_a_home_folder_needs_only_to_say_where_plugins_belong() {
    if !rustix::process::geteuid().is_root() {
        return skipped("only root can start a program as a user that the system does not know");
    }
    let sandbox = Sandbox::new();
    let program = sandbox.path("leahpm");
    fs::copy(env!("CARGO_BIN_EXE_leahpm"), &program).unwrap();
    fs::create_dir(sandbox.home()).unwrap();
    set_mode(&sandbox.path(""), 0o755);
    set_mode(&sandbox.home(), 0o777);
    let run = |arguments: &[&str], home: Option<&Path>| {
        let mut command = Command::new("setpriv");
        command.args(["--reuid=54321", "--regid=54321", "--clear-groups"]).arg(&program).args(arguments);
        command.env_clear().env("PATH", "/usr/bin:/bin").envs(home.map(|home| ("LEAH_HOME", home)));
        sandbox.finish(command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()))
    };
    run(&["install", "translator", "--grant", "all"], Some(&sandbox.home())).ok();
    run(&["list"], Some(&sandbox.home())).ok();
    insta::assert_snapshot!(run(&["list"], None), @"
    2> error: cannot tell where plugins belong: this system names no home folder for the user
    2> hint: name one with `--home` or LEAH_HOME
    exit 2
    ");
}
