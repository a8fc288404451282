//! The translator of the bundled registry in the real host, with a server that speaks Ollama's `/api/chat` as the model.

use serde_json::{Value, json};

use super::{canary::Canary, daemon::Daemon};
use crate::sandbox::Sandbox;

#[test]
fn a_text_comes_back_translated_through_the_hook_and_through_the_tool() {
    let sandbox = Sandbox::new();
    let model = Canary::model(|text| match text {
        "Good morning" => "<think>morning is sabah</think>\nGünaydın".to_owned(),
        "Good\nevening" => "İyi\nakşamlar".to_owned(),
        other => panic!("asked to translate `{other}`"),
    });
    sandbox.run(&["install", "translator", "--grant", "all"]).ok();
    let url = format!("http://{}", model.address());
    let host = Daemon::start_with(&sandbox, &["--model-url", &url, "--model", "llama"]);
    assert_eq!(host.said("Good morning"), "Good morning");
    assert_eq!(model.asked(), []);
    assert_eq!(host.said("/translate tr Good morning"), "Günaydın");
    let tool = host.tool("translate", &json!({ "text": "Good\nevening", "target": "tr" })).unwrap();
    assert_eq!((tool.content.as_str(), tool.failed), ("İyi\nakşamlar", false));
    let asked = model.asked();
    assert_eq!(asked.len(), 2);
    for question in asked {
        assert_eq!(question.first, "POST /api/chat HTTP/1.1");
        let body: Value = serde_json::from_str(&question.body).unwrap();
        assert_eq!((&body["model"], &body["stream"]), (&json!("llama"), &json!(false)));
        assert!(body["messages"][0]["content"].as_str().unwrap().contains("into Turkish"), "{body}");
    }
    sandbox.run(&["config", "set", "translator", "every_message", "true"]).ok();
    sandbox.run(&["config", "set", "translator", "target", "tr"]).ok();
    assert_eq!(host.said("Good morning"), "Günaydın");
    sandbox.run(&["permissions", "revoke", "translator", "use_model"]).ok();
    assert_eq!(host.said("Good morning"), "Good morning");
    assert_eq!(model.asked().len(), 3);
}
