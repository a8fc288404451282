//! `model`: what is asked, what is answered, what is told when there is no model.

use std::net::TcpListener;

use super::{
    http::{ok, read_request, server},
    *,
};
use crate::bindings::leah::plugin::model::Host;

fn bench(address: &str) -> Bench {
    let model = Model { url: format!("http://{address}/").parse().unwrap(), name: "tiny".into() };
    Bench::with_model(Some(model))
}

fn chat(bench: &Bench) -> Result<model_api::ChatReply, Error> {
    bench.plugin(&json!(["use_model"])).live().chat(conversation())
}

#[test]
fn asks_as_ollama_is_asked_and_gives_back_what_it_says() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let bench = bench(&listener.local_addr().unwrap().to_string());
    let asked = std::thread::spawn(move || {
        let mut stream = listener.accept().unwrap().0;
        let asked = read_request(&mut stream);
        let answer = r#"{"model":"tiny:1b","message":{"role":"assistant","content":"hello"},"done":true}"#;
        std::io::Write::write_all(&mut stream, ok(answer).as_bytes()).unwrap();
        asked
    });
    let reply = chat(&bench).unwrap();
    assert_eq!((&*reply.content, &*reply.model), ("hello", "tiny:1b"));
    let asked = asked.join().unwrap();
    assert!(asked.starts_with("post /api/chat http/1.1\r\n"), "{asked}");
    let body: Value = serde_json::from_str(asked.split_once("\r\n\r\n").unwrap().1).unwrap();
    let expect =
        json!({ "model": "tiny", "messages": [{ "role": "user", "content": "hi" }], "stream": false });
    assert_eq!(body, expect);
}

#[track_caller]
fn check_failed(answer: String, expect: &str) {
    let Err(Error::Failed(text)) = chat(&bench(&server(answer))) else { panic!() };
    assert_eq!(text, expect);
}

#[test]
fn says_what_the_model_said_when_it_refused() {
    let body = r#"{"error":"model 'tiny' not found"}"#;
    let answer = format!("HTTP/1.1 404 X\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    check_failed(answer, "the model `tiny` answered with status 404: model 'tiny' not found");
    let expect = "the model's answer makes no sense: missing field `message` at line 1 column 2";
    check_failed(ok("{}"), expect);
}

#[test]
fn a_model_that_is_not_there_or_not_named_is_unavailable_and_the_log_says_why() {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for bench in [Bench::new(), bench(&nobody.to_string())] {
        assert!(matches!(chat(&bench), Err(Error::Unavailable)));
        assert!(matches!(&bench.lines()[..], [(Level::Warn, _)]), "{:?}", bench.lines());
    }
}

#[test]
fn an_answer_that_is_too_large_or_leads_elsewhere_is_none() {
    let secret = server(ok("{}"));
    let away = server(format!("HTTP/1.1 307 X\r\nLocation: http://{secret}/\r\nContent-Length: 0\r\n\r\n"));
    assert!(matches!(chat(&bench(&away)), Err(Error::Failed(_))));
    let bench = bench(&server(ok(&"x".repeat(2_000))));
    let plugin = bench.limited(&json!(["use_model"]), Limits { response: 1_000, ..Limits::default() });
    assert!(matches!(plugin.live().chat(conversation()), Err(Error::TooLarge)));
}

#[test]
fn a_conversation_without_a_word_is_invalid() {
    let bench = bench("127.0.0.1:9");
    let plugin = bench.plugin(&json!(["use_model"]));
    let empty = model_api::ChatRequest { messages: Vec::new(), meta: Vec::new() };
    assert!(matches!(plugin.live().chat(empty), Err(Error::Invalid(_))));
}
