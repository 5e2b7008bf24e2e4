//! The stand-in for every other service: answers on loopback as the current probe says, and remembers who called.

use std::io;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use otelgen_collector::model::{SpanId, TraceId};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

use super::compare::OutgoingCall;

/// One answer, in effect until the next probe.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    /// The beginning of the paths that it answers; of several that fit, the longest.
    pub(super) path: String,
    pub(super) status: StatusCode,
    pub(super) body: String,
    pub(super) delay: Duration,
    /// Whether the connection is closed instead of an answer.
    pub(super) reset: bool,
}

/// A running stand-in; ends when dropped.
#[derive(Debug)]
pub(super) struct Upstream {
    url: String,
    script: Arc<Mutex<Script>>,
    task: JoinHandle<()>,
}

#[derive(Debug, Default)]
struct Script {
    answers: Vec<Answer>,
    calls: Vec<OutgoingCall>,
}

impl Upstream {
    pub(super) async fn start() -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let url = format!("http://{}", listener.local_addr()?);
        let script = Arc::new(Mutex::new(Script::default()));
        let task = tokio::spawn(serve(listener, Arc::clone(&script)));
        Ok(Self { url, script, task })
    }

    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// Answers so from now on. What no answer fits is answered with an empty JSON object.
    pub(super) fn answer_with(&self, answers: Vec<Answer>) {
        lock(&self.script).answers = answers;
    }

    /// All calls so far.
    pub(super) fn calls(&self) -> Vec<OutgoingCall> {
        lock(&self.script).calls.clone()
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(listener: TcpListener, script: Arc<Mutex<Script>>) {
    // Dropped with this task, and with it every connection.
    let mut connections = JoinSet::new();
    loop {
        // An accept that fails is the caller's loss; the next one may do.
        if let Ok((stream, _)) = listener.accept().await {
            connections.spawn(connection(stream, Arc::clone(&script)));
        }
        while connections.try_join_next().is_some() {}
    }
}

async fn connection(stream: TcpStream, script: Arc<Mutex<Script>>) {
    let service = service_fn(move |request| answer(request, Arc::clone(&script)));
    // Ends with an error where the answer is to close the connection.
    let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

async fn answer(request: Request<Incoming>, script: Arc<Mutex<Script>>) -> io::Result<Response<Full<Bytes>>> {
    let path = request.uri().path().to_owned();
    let answer = {
        let mut script = lock(&script);
        let fitting = script.answers.iter().filter(|answer| path.starts_with(&answer.path));
        let answer = fitting.max_by_key(|answer| answer.path.len()).cloned();
        let shown = answer.as_ref().map_or(path.as_str(), |answer| answer.path.as_str());
        let route = format!("{} {shown}", request.method());
        script.calls.push(OutgoingCall { route, context: context(&request) });
        answer
    };
    // A client that is still sending would take an early answer for a broken connection.
    let _ = request.into_body().collect().await;
    let Some(answer) = answer else {
        return Ok(response(StatusCode::OK, "{}".to_owned()));
    };
    tokio::time::sleep(answer.delay).await;
    if answer.reset {
        return Err(io::Error::from(io::ErrorKind::ConnectionReset));
    }
    Ok(response(answer.status, answer.body))
}

fn response(status: StatusCode, body: String) -> Response<Full<Bytes>> {
    let json = body.starts_with(['{', '[', '"']);
    let content_type = if json { "application/json" } else { "text/plain; charset=utf-8" };
    let mut response = Response::new(Full::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

/// The ids in a W3C `traceparent`: version, trace, parent, flags.
fn context<T>(request: &Request<T>) -> Option<(TraceId, SpanId)> {
    let mut parts = request.headers().get("traceparent")?.to_str().ok()?.split('-').skip(1);
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

fn lock(script: &Mutex<Script>) -> std::sync::MutexGuard<'_, Script> {
    script.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(path: &str, status: StatusCode) -> Answer {
        Answer { path: path.to_owned(), status, body: "busy".to_owned(), delay: Duration::ZERO, reset: false }
    }

    fn client() -> reqwest::Client {
        reqwest::Client::builder().no_proxy().build().unwrap()
    }

    #[tokio::test]
    async fn the_answer_with_the_longest_path_is_given_and_the_call_remembered() {
        let upstream = Upstream::start().await.unwrap();
        upstream.answer_with(vec![answer("/a", StatusCode::OK), answer("/a/b", StatusCode::SERVICE_UNAVAILABLE)]);
        let traceparent = "00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01";
        let request = client().get(format!("{}/a/b/c", upstream.url())).header("traceparent", traceparent);
        let response = request.send().await.unwrap();
        assert_eq!((response.status().as_u16(), response.text().await.unwrap().as_str()), (503, "busy"));
        let other = client().post(format!("{}/other", upstream.url())).body("x").send().await.unwrap();
        assert_eq!((other.status().as_u16(), other.text().await.unwrap().as_str()), (200, "{}"));
        let context = Some((traceparent[3..35].parse().unwrap(), traceparent[36..52].parse().unwrap()));
        let calls = [
            OutgoingCall { route: "GET /a/b".to_owned(), context },
            OutgoingCall { route: "POST /other".to_owned(), context: None },
        ];
        assert_eq!(upstream.calls(), calls);
    }

    #[tokio::test]
    async fn a_connection_can_be_closed_instead_of_answered() {
        let upstream = Upstream::start().await.unwrap();
        upstream.answer_with(vec![Answer { reset: true, ..answer("/", StatusCode::OK) }]);
        let error = client().get(upstream.url()).send().await.unwrap_err();
        assert!(!error.is_status(), "{error}");
    }
}
