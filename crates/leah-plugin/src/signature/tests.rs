//! Blocks that are accepted and, one by one, the shapes that are not.

use proptest::prelude::*;

use super::*;

fn signed() -> (SecretKey, SignatureBlock) {
    let key = SecretKey::generate().unwrap();
    let block = key.sign(b"data", "a:1\tb:2", UNTRUSTED_COMMENT).unwrap();
    (key, block)
}

#[track_caller]
fn refuses(text: &str, expect: fn(&SignatureError) -> bool) {
    let error = text.parse::<SignatureBlock>().unwrap_err();
    assert!(expect(&error), "{text:?}: {error}");
}

#[test]
fn reads_back_what_it_signs() {
    let (key, block) = signed();
    assert_eq!(block.trusted_comment(), "a:1\tb:2");
    let again: SignatureBlock = serde_json::from_str(&serde_json::to_string(&block).unwrap()).unwrap();
    assert_eq!(again, block);
    again.verify(&key.public(), b"data").unwrap();
    again.expect_own_untrusted_comment().unwrap();
}

#[test]
fn refuses_every_other_shape() {
    let (_, block) = signed();
    let text = block.as_text();
    refuses("", |e| matches!(e, SignatureError::Missing));
    refuses(&"x".repeat(5000), |e| matches!(e, SignatureError::TooLarge(5000)));
    refuses(text.trim_end(), |e| matches!(e, SignatureError::TooFewLines(3)));
    refuses(&format!("{text}\n"), |e| matches!(e, SignatureError::ExtraLines));
    refuses(&format!("{text}{text}"), |e| matches!(e, SignatureError::ExtraLines));
    refuses(&text.replace('\n', "\r\n"), |e| matches!(e, SignatureError::NotPrintable { line: 1, byte: 13 }));
    refuses(&text.replace("a:1", "ä:1"), |e| matches!(e, SignatureError::NotPrintable { line: 3, .. }));
    refuses(&text.replace("a:1", "\u{1b}[1"), |e| matches!(e, SignatureError::NotPrintable { line: 3, .. }));
    refuses(&text.replacen("untrusted", "Untrusted", 1), |e| {
        matches!(e, SignatureError::Prefix { line: 1, .. })
    });
    refuses(&text.replace("\ntrusted comment: ", "\ntrusted comment:"), |e| {
        matches!(e, SignatureError::Prefix { line: 3, .. })
    });
    refuses(&text.replace("==\n", "\n"), |e| matches!(e, SignatureError::Base64 { line: 4, .. }));
    refuses(&text.replace("=\ntrusted", "\ntrusted"), |e| {
        matches!(e, SignatureError::Base64 { line: 2, .. })
    });
}

#[test]
fn refuses_legacy_and_unknown_algorithms() {
    let (_, block) = signed();
    refuses(&block.as_text().replace("\nRU", "\nRW"), |e| matches!(e, SignatureError::Legacy));
    refuses(&block.as_text().replace("\nRU", "\nSU"), |e| matches!(e, SignatureError::Algorithm));
}

#[test]
fn tells_another_key_from_other_bytes() {
    let (key, block) = signed();
    let other = SecretKey::generate().unwrap().public();
    assert!(matches!(block.verify(&other, b"data"), Err(SignatureError::AnotherKey { .. })));
    assert!(matches!(block.verify(&key.public(), b"Data"), Err(SignatureError::Mismatch { .. })));
}

#[test]
fn refuses_a_key_that_only_shares_the_id() {
    let (key, block) = signed();
    let other = SecretKey::generate().unwrap().public().to_string();
    // 13 characters hold algorithm and id; two bits of the key ride along and are kept as they are.
    for from in 14..20 {
        let forged = format!("{}{}", &key.public().to_string()[..from], &other[from..]);
        if let Ok(forged) = forged.parse::<PublicKey>() {
            assert_eq!(forged.id(), key.public().id());
            assert!(matches!(block.verify(&forged, b"data"), Err(SignatureError::Mismatch { .. })));
        }
    }
}

#[test]
fn refuses_to_sign_comments_that_would_break_the_block() {
    let key = SecretKey::generate().unwrap();
    for comment in ["a\nb", "a\rb", "ä"] {
        assert!(key.sign(b"", comment, "x").is_err());
        assert!(key.sign(b"", "x", comment).is_err());
    }
}

#[test]
fn splits_a_signed_file_into_block_and_body() {
    let (_, block) = signed();
    let file = format!("{}{{}}\n", block.as_text());
    let (split, body) = SignatureBlock::split(file.as_bytes()).unwrap();
    assert_eq!((split, body), (block, &b"{}\n"[..]));
}

#[test]
fn refuses_every_changed_byte_but_those_of_the_untrusted_comment() {
    let (key, block) = signed();
    let bytes = block.as_text().as_bytes();
    for at in 0..bytes.len() {
        let mut changed = bytes.to_vec();
        changed[at] ^= 1;
        let accepted = SignatureBlock::read(&changed).is_ok_and(|block| {
            block.verify(&key.public(), b"data").is_ok() && block.expect_own_untrusted_comment().is_ok()
        });
        assert!(!accepted, "byte {at}");
    }
}

proptest! {
    #[test]
    fn never_panics_on_foreign_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = SignatureBlock::read(&bytes);
    }

    #[test]
    fn never_panics_on_almost_signatures(second in "[A-Za-z0-9+/=]{0,104}", fourth in "[A-Za-z0-9+/]{86}==") {
        let text = format!("untrusted comment: x\n{second}\ntrusted comment: y\n{fourth}\n");
        if let Ok(block) = text.parse::<SignatureBlock>() {
            prop_assert_eq!(block.as_text(), text);
        }
    }
}
