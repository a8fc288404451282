//! Rights by example: every row of the permission table, values of settings, the ceiling.

use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;

use super::*;

fn permissions(list: &Value) -> Permissions {
    Permissions::deserialize(list).unwrap()
}

/// The rights of a plugin that got all it asked for.
fn rights(asked: &Value, settings: &Value) -> Rights {
    let asked = permissions(asked);
    Rights::effective(&asked, &asked, None, settings.as_object().unwrap())
}

/// The same below a ceiling.
fn below(ceiling: &Value, asked: &Value) -> Rights {
    let asked = permissions(asked);
    Rights::effective(&asked, &asked, Some(&permissions(ceiling)), &Map::new())
}

fn set(entries: &[&str]) -> BTreeSet<String> {
    entries.iter().map(|&entry| entry.to_owned()).collect()
}

#[track_caller]
fn check(list: &Value, expect: &Rights) {
    assert_eq!(rights(list, &json!({})), *expect, "{list}");
    // Asked for and not granted, granted and not asked for, granted and above the ceiling: none of it.
    let (all, none) = (permissions(list), Permissions::empty());
    for (manifest, granted, ceiling) in
        [(&all, &none, None), (&none, &all, None), (&all, &all, Some(&none)), (&none, &none, Some(&all))]
    {
        assert_eq!(Rights::effective(manifest, granted, ceiling, &Map::new()), Rights::default(), "{list}");
    }
}

#[test]
fn each_permission_gives_what_its_row_says_and_nothing_else() {
    let none = Rights::default;
    check(&json!([]), &none());
    check(&json!(["read_messages"]), &Rights { read_messages: true, ..none() });
    check(&json!(["modify_messages"]), &Rights { modify_messages: true, ..none() });
    check(&json!(["modify_responses"]), &Rights { modify_responses: true, ..none() });
    check(&json!(["use_model"]), &Rights { use_model: true, ..none() });
    let files = Folders { read: set(&["/srv/books", "~/Documents"]), ..Folders::default() };
    check(&json!([{ "read_files": ["/srv/books", "~/Documents"] }]), &Rights { files, ..none() });
    let files = Folders { own: true, ..Folders::default() };
    check(&json!(["write_files"]), &Rights { files, ..none() });
    let files = Folders { own: true, write: set(&["~/Notes"]), ..Folders::default() };
    check(&json!([{ "write_files": ["~/Notes"] }]), &Rights { files, ..none() });
    check(&json!(["network_access"]), &Rights { network: Network::Public, ..none() });
    let place = Place { host: "example.com".into(), port: None, reach: Reach::Public };
    let network = Network::Only([place].into());
    check(&json!([{ "network_access": ["example.com"] }]), &Rights { network, ..none() });
}

#[test]
fn of_a_list_the_granted_entries_count() {
    let asked = permissions(&json!([{ "read_files": ["/a", "/b"] }, { "network_access": ["a.example"] }]));
    let granted = permissions(&json!([{ "read_files": ["/b", "/c"] }, "network_access"]));
    let found = Rights::effective(&asked, &granted, None, &Map::new());
    assert_eq!(found.files.read, set(&["/b"]));
    assert_eq!(found.network, Network::None);
}

#[track_caller]
fn check_reach(asked: &Value, settings: &Value, urls: &[(&str, Option<Reach>)]) {
    let rights = rights(asked, settings);
    for (url, expect) in urls {
        assert_eq!(rights.network.reach(&Url::parse(url).unwrap()), *expect, "{asked} {settings} {url}");
    }
}

#[test]
fn without_a_list_every_host_can_be_reached_at_its_public_addresses() {
    let public = Some(Reach::Public);
    let urls = [
        ("https://example.com/", public),
        ("http://example.com:8080/", public),
        ("http://127.0.0.1/", public),
        ("http://localhost/", public),
    ];
    check_reach(&json!(["network_access"]), &json!({}), &urls);
}

#[test]
fn a_listed_host_is_that_host_at_the_port_of_its_scheme_or_the_one_that_is_listed() {
    let asked = json!([{ "network_access": ["example.com", "example.org:8443", "b.example:80"] }]);
    let public = Some(Reach::Public);
    let urls = [
        ("https://example.com/x?y", public),
        ("http://EXAMPLE.com/", public),
        ("https://example.com:443/", public),
        ("https://example.com:8443/", None),
        ("https://www.example.com/", None),
        ("https://example.com.evil.example/", None),
        ("https://example.com./", None),
        ("https://example.com@evil.example/", None),
        ("https://example.org:8443/", public),
        ("https://example.org/", None),
        ("http://b.example/", public),
        ("https://b.example/", None),
    ];
    check_reach(&asked, &json!({}), &urls);
}

#[test]
fn an_address_that_is_not_public_is_reached_where_it_is_listed_itself() {
    let asked = json!([{ "network_access": ["127.0.0.1:11434", "localhost", "[::1]:80", "intern.example"] }]);
    let any = Some(Reach::Any);
    let urls = [
        ("http://127.0.0.1:11434/", any),
        // Other spellings of the same address are the same address.
        ("http://127.1:11434/", any),
        ("http://0x7f000001:11434/", any),
        ("http://2130706433:11434/", any),
        ("http://0177.0.0.1:11434/", any),
        ("http://127.0.0.1/", None),
        ("http://127.0.0.2:11434/", None),
        ("http://localhost/", any),
        ("http://localhost:11434/", None),
        ("http://[::1]/", any),
        ("http://[0:0::1]/", any),
        ("http://[::ffff:127.0.0.1]/", None),
        ("http://intern.example/", Some(Reach::Public)),
    ];
    check_reach(&asked, &json!({}), &urls);
}

#[test]
fn a_host_that_the_user_entered_may_be_anywhere() {
    let asked = json!([{ "network_access": ["setting:server"] }]);
    let any = Some(Reach::Any);
    for server in
        ["nas.lan:5000", "http://nas.lan:5000", "http://nas.lan:5000/translate/", "http://NAS.lan:5000"]
    {
        let urls =
            [("http://nas.lan:5000/x", any), ("http://nas.lan/", None), ("http://other.lan:5000/", None)];
        check_reach(&asked, &json!({ "server": server }), &urls);
    }
    let [bare, url] = ["[::1]", "https://[::1]/x"].map(|server| json!({ "server": server }));
    for settings in [bare, url] {
        check_reach(&asked, &settings, &[("https://[::1]/", any), ("http://[::1]:81/", None)]);
    }
    let list = json!({ "server": ["a.lan", "", "http://b.lan"] });
    check_reach(&asked, &list, &[("https://a.lan/", any), ("http://b.lan/", any), ("http://c.lan/", None)]);
}

#[track_caller]
fn check_refused(asked: &Value, value: &Value) {
    let found = rights(asked, &json!({ "v": value }));
    assert!(found.files.read.is_empty(), "{value}");
    assert!([Network::None, Network::Only(BTreeSet::new())].contains(&found.network), "{value}");
    assert_eq!(found.refused, set(&["v"]), "{value}");
}

#[test]
fn what_the_user_entered_opens_nothing_where_it_is_no_host() {
    let asked = json!([{ "network_access": ["setting:v"] }]);
    for value in
        ["*", "ftp://a.example", "http://", "a.example/x", "setting:v", "a b", "*.example", "http://a_b/"]
    {
        check_refused(&asked, &json!(value));
        check_refused(&asked, &json!([value]));
    }
}

#[test]
fn what_the_user_entered_opens_nothing_where_it_is_no_folder() {
    let asked = json!([{ "read_files": ["setting:v"] }]);
    for value in ["relative", "/srv/../etc", "/", "~", "../x", "setting:v", "http://a.example", "/a//b"] {
        check_refused(&asked, &json!(value));
    }
}

#[test]
fn a_setting_without_a_value_opens_nothing() {
    let asked = json!([{ "network_access": ["setting:v"] }, { "read_files": ["setting:v"] }]);
    for settings in
        [json!({}), json!({ "v": "" }), json!({ "v": [] }), json!({ "v": 7 }), json!({ "v": true })]
    {
        let found = rights(&asked, &settings);
        assert_eq!(found, Rights { network: Network::Only(BTreeSet::new()), ..Rights::default() });
    }
}

#[test]
fn a_folder_that_the_user_entered_is_that_folder() {
    let asked = json!([{ "write_files": ["setting:folder"] }]);
    assert_eq!(rights(&asked, &json!({ "folder": "~/Notes" })).files.write, set(&["~/Notes"]));
}

#[test]
fn a_ceiling_cuts_folders_to_what_lies_in_both() {
    let asked =
        json!([{ "read_files": ["/srv/books/en", "/srv/bookshelf", "/data"] }, { "write_files": ["/w/a"] }]);
    let found =
        below(&json!([{ "read_files": ["/srv/books", "/data/public"] }, { "write_files": ["/w"] }]), &asked);
    assert_eq!(found.files.read, set(&["/srv/books/en", "/data/public"]));
    assert_eq!(found.files.write, set(&["/w/a"]));
    let found = below(&json!(["write_files"]), &asked);
    assert_eq!(found.files, Folders { own: true, ..Folders::default() });
    let found = below(&json!([{ "write_files": ["/srv"] }]), &asked);
    assert_eq!(found.files.read, set(&["/srv/books/en", "/srv/bookshelf"]));
    assert_eq!(found.files.write, set(&[]));
}

#[test]
fn a_ceiling_cuts_hosts_to_what_lies_in_both() {
    let place = |host: &str, port, reach| Place { host: host.into(), port, reach };
    let listed = json!([{ "network_access": ["a.example", "b.example:8443", "127.0.0.1:80"] }]);
    let public = [
        place("a.example", None, Reach::Public),
        place("b.example", Some(8443), Reach::Public),
        place("127.0.0.1", Some(80), Reach::Public),
    ];
    assert_eq!(below(&json!(["network_access"]), &listed).network, Network::Only(public.into()));
    let ceiling = json!([{ "network_access": ["a.example:443", "b.example", "127.0.0.1"] }]);
    let both = [place("a.example", Some(443), Reach::Public), place("127.0.0.1", Some(80), Reach::Any)];
    assert_eq!(below(&ceiling, &listed).network, Network::Only(both.into()));
    let bare = below(&json!([{ "network_access": ["nas.lan"] }]), &json!(["network_access"])).network;
    assert_eq!(bare, Network::Only([place("nas.lan", None, Reach::Public)].into()));
}
