//! Starting and stopping: two listeners, one store, perhaps somebody to send everything on to.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tonic::transport::server::TcpIncoming;

use crate::forward::{Destination, ForwardReport, ForwardUrlError, Forwarder, Header, Worker};
use crate::intake::Intake;
use crate::store::Store;

const DEFAULT_MAX_BYTES: usize = 64 * 1024 * 1024;
const DEFAULT_MAX_REQUEST_BYTES: usize = 16 * 1024 * 1024;
/// How long requests that are under way may take once the collector is told to stop.
const GRACE: Duration = Duration::from_secs(5);

/// Why a collector did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// An address cannot be listened on.
    #[error("cannot listen for OTLP over {protocol} on {address}: choose a free port, or 0 for any")]
    Listen {
        /// `gRPC` or `HTTP`.
        protocol: &'static str,
        /// The address.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// The URL to forward to cannot be used.
    #[error(transparent)]
    Forward(#[from] ForwardUrlError),
}

/// What a collector is to be like; made by [`Collector::builder`].
#[derive(Clone, Debug)]
#[must_use = "nothing listens before `start`"]
pub struct Builder {
    grpc: SocketAddr,
    http: SocketAddr,
    max_bytes: usize,
    max_request_bytes: usize,
    forward: Option<String>,
    forward_headers: Vec<Header>,
}

impl Builder {
    /// Where to listen for OTLP over gRPC; by default on a free port of the loopback interface.
    pub fn grpc(mut self, address: SocketAddr) -> Self {
        self.grpc = address;
        self
    }

    /// Where to listen for OTLP over HTTP; by default on a free port of the loopback interface.
    pub fn http(mut self, address: SocketAddr) -> Self {
        self.http = address;
        self
    }

    /// How many bytes the store may hold; by default 64 MiB.
    pub fn max_bytes(mut self, bytes: usize) -> Self {
        self.max_bytes = bytes;
        self
    }

    /// How large a single request may be, packed and unpacked; by default 16 MiB.
    pub fn max_request_bytes(mut self, bytes: usize) -> Self {
        self.max_request_bytes = bytes;
        self
    }

    /// Sends everything on to this OTLP endpoint as well: `http://…` speaks http/protobuf (gRPC where the port is
    /// 4317), `grpc://…` speaks gRPC. Reception never waits for it; see [`Collector::forwarding`].
    pub fn forward(mut self, url: impl Into<String>) -> Self {
        self.forward = Some(url.into());
        self
    }

    /// A header to send along with everything forwarded, such as a key.
    pub fn forward_header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.forward_headers.push((name.into(), value.into()));
        self
    }

    /// Starts to listen. Requests are taken from the moment this returns.
    ///
    /// # Errors
    /// Where an address is taken, or the URL to forward to cannot be used.
    pub async fn start(self) -> Result<Collector, StartError> {
        let destination = self.forward.map(|url| Destination::new(&url, self.forward_headers)).transpose()?;
        let listen_error = |protocol, address| move |source| StartError::Listen { protocol, address, source };
        let http = TcpListener::bind(self.http).await.map_err(listen_error("HTTP", self.http))?;
        let http_address = http.local_addr().map_err(listen_error("HTTP", self.http))?;
        let grpc = TcpListener::bind(self.grpc).await.map_err(listen_error("gRPC", self.grpc))?;
        let grpc_address = grpc.local_addr().map_err(listen_error("gRPC", self.grpc))?;

        let (forwarder, worker) = destination.map(Forwarder::start).unzip();
        let intake = Arc::new(Intake { store: Store::new(self.max_bytes), forwarder });
        let stop = watch::Sender::new(false);
        let http_server = axum::serve(http, crate::http::router(&intake, self.max_request_bytes))
            .with_graceful_shutdown(stopped(&stop))
            .into_future();
        let grpc_server = crate::grpc::server(&intake, self.max_request_bytes)
            .serve_with_incoming_shutdown(TcpIncoming::from(grpc).with_nodelay(Some(true)), stopped(&stop));
        // Both end when told to; a listener that breaks has nobody to report to but its clients.
        let http_server = tokio::spawn(async { drop(http_server.await) });
        let grpc_server = tokio::spawn(async { drop(grpc_server.await) });
        Ok(Collector { intake, grpc_address, http_address, stop, servers: vec![http_server, grpc_server], worker })
    }
}

fn stopped(stop: &watch::Sender<bool>) -> impl Future<Output = ()> + Send + 'static {
    let mut stop = stop.subscribe();
    async move {
        // A sender that is gone means the same as one that says so.
        let _ = stop.wait_for(|stop| *stop).await;
    }
}

/// A running OTLP receiver. Dropping it stops it at once; [`shutdown`](Self::shutdown) lets requests finish first.
#[derive(Debug)]
#[must_use = "a collector that is dropped stops"]
pub struct Collector {
    intake: Arc<Intake>,
    grpc_address: SocketAddr,
    http_address: SocketAddr,
    stop: watch::Sender<bool>,
    servers: Vec<JoinHandle<()>>,
    worker: Option<Worker>,
}

impl Collector {
    /// A collector on free loopback ports, unless told otherwise.
    pub fn builder() -> Builder {
        let any_port = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Builder {
            grpc: any_port,
            http: any_port,
            max_bytes: DEFAULT_MAX_BYTES,
            max_request_bytes: DEFAULT_MAX_REQUEST_BYTES,
            forward: None,
            forward_headers: Vec::new(),
        }
    }

    /// The URL to set as `OTEL_EXPORTER_OTLP_ENDPOINT` for the protocol `grpc`.
    pub fn grpc_endpoint(&self) -> String {
        format!("http://{}", self.grpc_address)
    }

    /// The URL to set as `OTEL_EXPORTER_OTLP_ENDPOINT` for the protocols `http/protobuf` and `http/json`.
    pub fn http_endpoint(&self) -> String {
        format!("http://{}", self.http_address)
    }

    /// What has been received. Clones of the store outlive the collector.
    pub fn store(&self) -> &Store {
        &self.intake.store
    }

    /// How sending on goes so far; none where nothing is to be sent on.
    pub fn forwarding(&self) -> Option<ForwardReport> {
        self.intake.forwarder.as_ref().map(Forwarder::report)
    }

    /// Stops listening, lets the requests under way and those to be forwarded finish (each for five seconds at most),
    /// and says how the forwarding went.
    pub async fn shutdown(mut self) -> Option<ForwardReport> {
        self.stop.send_replace(true);
        let all = async {
            for server in &mut self.servers {
                // A server that panicked is stopped as well.
                let _ = server.await;
            }
        };
        // Those that are not done by then are stopped by the drop.
        let _ = tokio::time::timeout(GRACE, all).await;
        match self.worker.take() {
            Some(worker) => Some(worker.finish(GRACE).await),
            None => None,
        }
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        self.stop.send_replace(true);
        self.servers.iter().for_each(JoinHandle::abort);
        if let Some(worker) = &self.worker {
            worker.abort();
        }
    }
}
