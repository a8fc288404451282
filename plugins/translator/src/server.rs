//! The API of a LibreTranslate server: the request for a text, and the translation in a response.
//!
//! <https://docs.libretranslate.com/api/operations/translate/>

use leah_sdk::{
    Error, Result,
    http::{Request, Response},
};
use serde::{Deserialize, Serialize};

use crate::language::Language;

/// A server, and the key it wants.
pub(crate) struct Server {
    /// The URL that the paths of the API are put after; no slash at its end.
    url: String,
    api_key: Option<String>,
}

#[derive(Serialize)]
struct TranslateRequest<'a> {
    q: &'a str,
    source: &'static str,
    target: &'a str,
    format: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    api_key: Option<&'a str>,
}

#[derive(Deserialize)]
struct TranslateResponse {
    #[serde(rename = "translatedText")]
    translated_text: String,
}

#[derive(Deserialize)]
struct ErrorResponse {
    error: String,
}

impl Server {
    /// A server by its URL. [`Error::Invalid`] for what is not `http://` or `https://`, or has more after its
    /// path.
    pub(crate) fn new(url: &str, api_key: Option<String>) -> Result<Self> {
        let url = url.trim().trim_end_matches('/');
        let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://")).unwrap_or_default();
        if rest.is_empty() || rest.contains(['?', '#']) {
            let reason = "the setting `server` is not the URL of a server, such as `http://localhost:5000`";
            return Err(Error::invalid(reason));
        }
        Ok(Self { url: url.to_owned(), api_key })
    }

    /// The request for a text.
    pub(crate) fn request(&self, text: &str, target: Language) -> Result<Request> {
        let body = TranslateRequest {
            q: text,
            source: "auto",
            target: target.code(),
            format: "text",
            api_key: self.api_key.as_deref(),
        };
        Request::post_json(format!("{}/translate", self.url), &body)
    }
}

/// The translation in a server's response, or what the server says is wrong.
pub(crate) fn translation(response: &Response) -> Result<String> {
    if !response.is_success() {
        let status = response.status;
        return Err(Error::Failed(match response.json::<ErrorResponse>() {
            Ok(ErrorResponse { error }) => format!("the server answered {status}: {error}"),
            Err(_) => format!("the server answered {status}"),
        }));
    }
    match response.json::<TranslateResponse>() {
        Ok(answer) => Ok(answer.translated_text),
        Err(_) => Err(Error::failed("the answer of the server is not that of LibreTranslate")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(api_key: Option<&str>) -> serde_json::Value {
        let server = Server::new("http://localhost:5000/", api_key.map(str::to_owned)).expect("a sound URL");
        let target = Language::find("tr").expect("a code of the list");
        let request = server.request("Good \"morning\"", target).expect("text is JSON");
        assert_eq!(request.url, "http://localhost:5000/translate");
        serde_json::from_slice(&request.body.expect("a body")).expect("JSON")
    }

    #[track_caller]
    fn check(status: u16, body: &str, expect: Result<&str, &str>) {
        let response = Response { status, headers: Vec::new(), body: body.into(), meta: Vec::new() };
        let expect = expect.map(str::to_owned).map_err(|reason| Error::Failed(reason.to_owned()));
        assert_eq!(translation(&response), expect);
    }

    #[test]
    fn a_request_asks_for_the_translation() {
        let expect = serde_json::json!(
            {"q": "Good \"morning\"", "source": "auto", "target": "tr", "format": "text"}
        );
        assert_eq!(body(None), expect);
    }

    #[test]
    fn a_request_carries_the_key_if_there_is_one() {
        assert_eq!(body(Some("k"))["api_key"], "k");
    }

    #[test]
    fn a_response_has_a_translation_or_a_reason() {
        check(200, r#"{"translatedText": "Günaydın", "detectedLanguage": {}}"#, Ok("Günaydın"));
        check(403, r#"{"error": "Invalid API key"}"#, Err("the server answered 403: Invalid API key"));
        check(502, "<html>", Err("the server answered 502"));
        check(200, "<html>", Err("the answer of the server is not that of LibreTranslate"));
    }

    #[test]
    fn refuses_what_is_no_url_of_a_server() {
        for url in ["localhost:5000", "https://", "file:///etc", "http://localhost/?q="] {
            assert!(matches!(Server::new(url, None), Err(Error::Invalid(_))), "{url}");
        }
    }
}
