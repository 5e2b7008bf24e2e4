//! A private PostgreSQL in a temporary directory, on a unix socket, as a user other than root, stopped by its id.

use std::fs;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use otelgen::event_store::PostgresEventStore;
use otelgen::event_store::sqlx::{AssertSqlSafe, PgPool, query};

use super::skip;

/// A running server. Tests of one binary that run at the same time share it; the last one stops it.
pub struct Server {
    binaries: PathBuf,
    root: PathBuf,
    user: Option<(u32, u32)>,
    running: Mutex<Option<Child>>,
}

static SHARED: Mutex<Weak<Server>> = Mutex::new(Weak::new());
static DATABASES: AtomicU32 = AtomicU32::new(0);

/// A database of its own on the shared server; `None` (after saying so) where there is no PostgreSQL.
pub async fn database(test: &str) -> Option<Database> {
    let server = {
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        match shared.upgrade() {
            Some(server) => server,
            None => {
                let server = Arc::new(Server::start(test)?);
                *shared = Arc::downgrade(&server);
                server
            }
        }
    };
    Some(Database::create(server).await)
}

/// A database of its own on a server of its own, for tests that stop it.
pub async fn own_server(test: &str) -> Option<Database> {
    Some(Database::create(Arc::new(Server::start(test)?)).await)
}

pub struct Database {
    pub server: Arc<Server>,
    name: String,
}

impl Database {
    async fn create(server: Arc<Server>) -> Self {
        let name = format!("test_{}", DATABASES.fetch_add(1, Ordering::Relaxed));
        let admin = PgPool::connect(&server.url("postgres"))
            .await
            .expect("connects");
        query(AssertSqlSafe(format!("CREATE DATABASE {name}")))
            .execute(&admin)
            .await
            .expect("creates");
        admin.close().await;
        Self { server, name }
    }

    pub fn url(&self) -> String {
        self.server.url(&self.name)
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn socket(&self) -> PathBuf {
        self.server.root.join(".s.PGSQL.5432")
    }

    pub async fn store(&self) -> PostgresEventStore {
        let store = PostgresEventStore::connect(&self.url()).expect("a URL");
        store.migrate().await.expect("migrates");
        store
    }
}

impl Server {
    fn start(test: &str) -> Option<Self> {
        let Some(binaries) = binaries() else {
            skip(test, "PostgreSQL (on Debian: apt-get install postgresql)");
            return None;
        };
        let user = match id(&["-u"]) {
            Some(0) => match (id(&["-u", "postgres"]), id(&["-g", "postgres"])) {
                (Some(user), Some(group)) => Some((user, group)),
                _ => {
                    skip(
                        test,
                        "a user `postgres`, because PostgreSQL refuses to run as root",
                    );
                    return None;
                }
            },
            _ => None,
        };
        let number = DATABASES.fetch_add(1, Ordering::Relaxed);
        let root = std::env::temp_dir().join(format!("otelgen-pg-{}-{number}", std::process::id()));
        fs::create_dir_all(&root).expect("a directory");
        if let Some((user, group)) = user {
            chown(&root, Some(user), Some(group)).expect("changes the owner");
        }
        let server = Self {
            binaries,
            root,
            user,
            running: Mutex::new(None),
        };
        let initialised = server
            .command("initdb")
            .args([
                "--auth=trust",
                "--username=otelgen",
                "--encoding=UTF8",
                "--no-locale",
                "--no-sync",
                "-D",
            ])
            .arg(server.root.join("data"))
            .stdout(Stdio::null())
            .status()
            .expect("initdb runs");
        assert!(initialised.success(), "initdb failed");
        server.run();
        Some(server)
    }

    fn url(&self, database: &str) -> String {
        format!(
            "postgres://otelgen@localhost/{database}?host={}",
            self.root.display()
        )
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.binaries.join(program));
        command.current_dir(&self.root);
        if let Some((user, group)) = self.user {
            command.uid(user).gid(group);
        }
        command
    }

    /// Starts the server and waits until it answers.
    pub fn run(&self) {
        let log = fs::File::options()
            .create(true)
            .append(true)
            .open(self.root.join("log"))
            .expect("a log");
        let server = self
            .command("postgres")
            .arg("-D")
            .arg(self.root.join("data"))
            .arg("-k")
            .arg(&self.root)
            .args([
                "-c",
                "listen_addresses=",
                "-c",
                "fsync=off",
                "-c",
                "max_wal_size=4GB",
            ])
            .stdout(log.try_clone().expect("a log"))
            .stderr(log)
            .spawn()
            .expect("postgres starts");
        *self.running.lock().unwrap_or_else(PoisonError::into_inner) = Some(server);
        let begun = Instant::now();
        while !self.answers() {
            assert!(
                begun.elapsed() < Duration::from_secs(60),
                "PostgreSQL does not answer: {}",
                self.log()
            );
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn answers(&self) -> bool {
        let ready = self
            .command("pg_isready")
            .arg("-h")
            .arg(&self.root)
            .stdout(Stdio::null())
            .status();
        ready.is_ok_and(|status| status.success())
    }

    fn log(&self) -> String {
        fs::read_to_string(self.root.join("log")).unwrap_or_default()
    }

    /// Stops the server; QUIT is its immediate mode: no checkpoint, recovery at the next start, as after a crash.
    pub fn stop(&self, signal: &str) {
        let running = self
            .running
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(mut server) = running {
            let sent = Command::new("kill")
                .args(["-s", signal, &server.id().to_string()])
                .status();
            assert!(sent.is_ok_and(|status| status.success()), "kill failed");
            server.wait().expect("ends");
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop("QUIT");
        let _ = fs::remove_dir_all(&self.root);
    }
}

fn binaries() -> Option<PathBuf> {
    let on_path = std::env::split_paths(&std::env::var_os("PATH")?).collect::<Vec<_>>();
    let mut debian: Vec<PathBuf> = fs::read_dir("/usr/lib/postgresql")
        .map(|entries| {
            entries
                .flatten()
                .map(|entry| entry.path().join("bin"))
                .collect()
        })
        .unwrap_or_default();
    debian.sort();
    let complete = |directory: &Path| {
        ["initdb", "postgres", "pg_isready"]
            .iter()
            .all(|program| directory.join(program).exists())
    };
    debian
        .into_iter()
        .rev()
        .chain(on_path)
        .find(|directory| complete(directory))
}

fn id(arguments: &[&str]) -> Option<u32> {
    let output = Command::new("id")
        .args(arguments)
        .stderr(Stdio::null())
        .output()
        .ok()?;
    String::from_utf8(output.stdout).ok()?.trim().parse().ok()
}
