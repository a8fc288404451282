//! Requests to servers. Needs `network_access`; the server has to be one that was granted.
//!
//! One request, one response, both as a whole.
//!
//! ```
//! use leah_sdk::{Error, Result, http::Request};
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Serialize)]
//! struct Question<'a> {
//!     q: &'a str,
//! }
//!
//! #[derive(Deserialize)]
//! struct Answer {
//!     degrees: f64,
//! }
//!
//! fn temperature(place: &str) -> Result<f64> {
//!     let response = Request::post_json("https://weather.example.org/v1", &Question { q: place })?
//!         .header("accept", "application/json")
//!         .send()?;
//!     if !response.is_success() {
//!         return Err(Error::failed(format!("the server answered {}", response.status)));
//!     }
//!     response.json::<Answer>().map(|answer| answer.degrees)
//! }
//! # assert_eq!(temperature("Ankara"), Err(Error::Unavailable));
//! ```

use serde::{Serialize, de::DeserializeOwned};

use crate::bindings::{imports::leah::plugin::http as host, inside_host};
use crate::{Error, Meta, Result, types::parse_json};

pub use host::{Request, Response};

/// Sends a request and waits for its response. A status that tells of an error is a response like any other.
pub fn send(request: &Request) -> Result<Response> {
    inside_host()?;
    host::send(request)
}

impl Request {
    /// A request without a body.
    pub fn new(method: impl Into<String>, url: impl Into<String>) -> Self {
        Self { method: method.into(), url: url.into(), headers: Vec::new(), body: None, meta: Meta::new() }
    }

    /// A `GET` request.
    pub fn get(url: impl Into<String>) -> Self {
        Self::new("GET", url)
    }

    /// A `POST` request with a value as JSON. [`Error::Invalid`] if it cannot be written as JSON.
    pub fn post_json(url: impl Into<String>, value: &impl Serialize) -> Result<Self> {
        let body = serde_json::to_vec(value).map_err(|error| Error::invalid(error.to_string()))?;
        Ok(Self::new("POST", url).header("content-type", "application/json").body(body))
    }

    /// The request with one more header field.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// The request with a body. A header field `content-type` says what it is.
    #[must_use]
    pub fn body(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.body = Some(bytes.into());
        self
    }

    /// Sends it, as [`send`] does.
    pub fn send(&self) -> Result<Response> {
        send(self)
    }
}

impl Response {
    /// Whether the status is one of 200 to 299.
    #[must_use]
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The first header field of a name in whatever case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(field, _)| field.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// The body as text. [`Error::Invalid`] if it is not UTF-8.
    pub fn text(&self) -> Result<&str> {
        std::str::from_utf8(&self.body).map_err(|_| Error::invalid("the response is not UTF-8 text"))
    }

    /// The body as a type of the plugin's own. [`Error::Invalid`] if it is other JSON, or none.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T> {
        parse_json(&self.body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn response(status: u16, body: &str) -> Response {
        let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
        Response { status, headers, body: body.into(), meta: Meta::new() }
    }

    #[test]
    fn a_json_request_says_what_it_is() {
        let request = Request::post_json("https://example.com/", &["hello"]).expect("a list of text is JSON");
        assert_eq!(request.method, "POST");
        assert_eq!(request.headers, [("content-type".to_owned(), "application/json".to_owned())]);
        assert_eq!(request.body.as_deref(), Some(br#"["hello"]"#.as_slice()));
    }

    #[test]
    fn a_response_is_read_as_json() {
        assert_eq!(response(200, "[1]").json::<Vec<u8>>(), Ok(vec![1]));
        assert!(matches!(response(502, "<html>").json::<Vec<u8>>(), Err(Error::Invalid(_))));
    }

    #[test]
    fn only_two_hundreds_are_success() {
        assert!(response(204, "").is_success());
        assert!(!response(302, "").is_success());
    }

    #[test]
    fn header_names_have_no_case() {
        assert_eq!(response(200, "").header("Content-Type"), Some("application/json"));
        assert_eq!(response(200, "").header("location"), None);
    }
}
