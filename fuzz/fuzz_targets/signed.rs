//! Any bytes as the body of a head and of a root that are signed as they should be, as a thief of the keys can,
//! and as the whole file.

#![no_main]

use std::sync::LazyLock;

use leah_plugin::{
    head::Head,
    key::SecretKey,
    root::Root,
    signature::{UNTRUSTED_COMMENT, head_comment, root_comment},
};
use libfuzzer_sys::fuzz_target;

static KEY: LazyLock<SecretKey> = LazyLock::new(|| SecretKey::generate().unwrap());

fuzz_target!(|bytes: &[u8]| {
    let (key, hub) = (KEY.public(), "hub".parse().unwrap());
    drop(Head::read(bytes, &key));
    drop(Root::read(bytes, &key));
    let signed = |comment: &str| {
        let block = KEY.sign(bytes, comment, UNTRUSTED_COMMENT).unwrap();
        [block.as_text().as_bytes(), bytes].concat()
    };
    // What is taken is the one spelling of its value.
    let head = signed(&head_comment(&hub, 1, 1, 1));
    if let Ok(read) = Head::read(&head, &key) {
        assert_eq!(read.sign(&KEY).unwrap(), head);
    }
    let root = signed(&root_comment(&hub, 1));
    if let Ok(read) = Root::read(&root, &key) {
        assert_eq!(read.sign(&KEY).unwrap(), root);
    }
});
