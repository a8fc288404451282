//! What the command `/hello` looks like and what the greeting says. Text in, text out.

/// The name to greet if a message is `/hello [name]`; empty if it names nobody.
pub(crate) fn requested(message: &str) -> Option<&str> {
    let rest = message.trim().strip_prefix("/hello")?;
    // `/helloworld` may be the command of another plugin.
    (rest.is_empty() || rest.starts_with(char::is_whitespace)).then_some(rest.trim_start())
}

/// The greeting, with the number of the message where it is known.
pub(crate) fn greet(greeting: &str, name: &str, count: Option<i64>) -> String {
    let mut text = greeting.to_owned();
    if !name.is_empty() {
        text.push_str(", ");
        text.push_str(name);
    }
    text.push('!');
    if let Some(count) = count {
        text.push_str(" This is message number ");
        text.push_str(&count.to_string());
        text.push('.');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(message: &str, expect: Option<&str>) {
        assert_eq!(requested(message), expect);
    }

    #[test]
    fn a_greeting_is_asked_for_with_or_without_a_name() {
        check("/hello", Some(""));
        check("  /hello\n", Some(""));
        check("/hello Ada Lovelace ", Some("Ada Lovelace"));
    }

    #[test]
    fn other_messages_are_not_meant() {
        check("hello", None);
        check("/helloworld", None);
        check("say /hello", None);
        check("", None);
    }

    #[test]
    fn a_greeting_says_what_is_known() {
        assert_eq!(greet("Hello", "", None), "Hello!");
        assert_eq!(greet("Hello", "Ada", None), "Hello, Ada!");
        assert_eq!(greet("Hello", "Ada", Some(12)), "Hello, Ada! This is message number 12.");
    }
}
