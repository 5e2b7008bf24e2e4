//! Real programs that tests work with: from an environment variable, or from the `PATH`.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

/// The program in `variable`, or called `name`. `None` is said by name, and is a failure where `OTELGEN_REQUIRE_PEERS=1`.
pub fn peer(variable: &str, name: &str) -> Option<PathBuf> {
    let given = std::env::var_os(variable).filter(|path| !path.is_empty()).map(PathBuf::from);
    let found = given.or_else(|| on_path(name));
    if found.is_none() {
        let said = format!("skipped: `{name}` is neither in {variable} nor on the PATH");
        assert!(std::env::var("OTELGEN_REQUIRE_PEERS").as_deref() != Ok("1"), "{said}");
        eprintln!("{said}");
    }
    found
}

fn on_path(name: &str) -> Option<PathBuf> {
    let file = format!("{name}{}", std::env::consts::EXE_SUFFIX);
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(&file)).find(|path| path.is_file())
}

/// A process that ends with the test.
pub struct Running(Child);

impl Running {
    /// Starts `command` without input; its output goes to the test's.
    pub fn start(command: &mut Command) -> Self {
        let child = command.stdin(Stdio::null()).spawn();
        Self(child.unwrap_or_else(|error| panic!("{command:?}: {error}")))
    }

    /// Sends SIGTERM and waits for the end.
    #[cfg(unix)]
    pub fn terminate(mut self) -> std::process::ExitStatus {
        let id = self.0.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().expect("kill runs").success());
        self.0.wait().expect("the process ends")
    }

    /// Whether it has ended by itself.
    pub fn has_ended(&mut self) -> bool {
        self.0.try_wait().expect("the process can be asked").is_some()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A port that is free now.
pub fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("an address").port()
}
