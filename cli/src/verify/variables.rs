//! What packs cannot know when they are written: the ports and folders of one run.

/// The values of `$UPSTREAM`, `$PORT`, `$BASE` and `$DIR`.
#[derive(Clone, Debug)]
pub(super) struct Variables {
    pub(super) upstream: String,
    pub(super) port: u16,
    pub(super) dir: String,
}

impl Variables {
    /// The URL of the service.
    pub(super) fn base(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Replaces the variables in a text; any other `$` stays.
    pub(super) fn fill(&self, text: &str) -> String {
        let values = [
            ("$UPSTREAM", self.upstream.clone()),
            ("$PORT", self.port.to_string()),
            ("$BASE", self.base()),
            ("$DIR", self.dir.clone()),
        ];
        values.iter().fold(text.to_owned(), |text, (name, value)| text.replace(name, value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_filled_in_wherever_they_stand() {
        let variables = Variables { upstream: "http://127.0.0.1:9".to_owned(), port: 80, dir: "/tmp/x".to_owned() };
        assert_eq!(variables.fill("$UPSTREAM/a?p=$PORT&d=$DIR/db"), "http://127.0.0.1:9/a?p=80&d=/tmp/x/db");
        assert_eq!(variables.fill("$BASE/readyz costs $5"), "http://127.0.0.1:80/readyz costs $5");
    }
}
