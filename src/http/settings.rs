//! `diffrisk.toml`: one finished struct from file, environment and flags.

use std::num::{NonZeroU32, NonZeroU64, NonZeroUsize};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;

use crate::git::UnitChoice;
use crate::http::auth::{line_of, without_values};
use crate::http::config::{Limits, ServerConfig};
use crate::http::live::RepositoryConfig;
use crate::http::stamp;
use crate::http::tls::TlsConfig;
use crate::incident::IncidentFile;
use crate::store::StoreConfig;

/// The store where none is configured: a file in the working directory.
const DEFAULT_STORE: &str = "sqlite://diffrisk.db";

const DAY: Duration = Duration::from_secs(86_400);
/// Longest time that anything may take or wait, and most of anything: what is beyond is a slip, and sums of it overflow.
const LONGEST: Duration = Duration::from_secs(366 * 86_400);
const MOST: usize = 1 << 32;
const MOST_SCORING: usize = 1_024;

/// Everything that `serve` needs to know. Order of a value: flag, environment, file, default.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// How to listen and what to take.
    pub server: ServerConfig,
    /// Where the decision log is.
    pub store: StoreConfig,
    /// A model: a registry's `default` file, an artifact directory, or none for the published one.
    pub model: Option<PathBuf>,
    /// A policy file, or none for the published one.
    pub policy: Option<PathBuf>,
    /// The followed repositories.
    pub repositories: Vec<RepositoryConfig>,
    /// Where folded histories are kept.
    pub cache: PathBuf,
}

/// Why a configuration was refused.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The file cannot be read.
    #[error("cannot read the configuration `{}`", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The file is not TOML, or has a key or value that it cannot have.
    #[error("the configuration `{}` is refused: {message}", path.display())]
    Refused {
        /// The file.
        path: PathBuf,
        /// Where and why.
        message: String,
    },
}

/// The file as it is written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Document {
    server: ServerTable,
    model: PathTable,
    store: StoreTable,
    policy: PathTable,
    auth: AuthTable,
    tls: Option<TlsTable>,
    telemetry: TelemetryTable,
    limits: LimitsTable,
    repository: Vec<RepositoryTable>,
    cache: Option<PathBuf>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct ServerTable {
    listen: Option<String>,
    deadline_ms: Option<NonZeroU64>,
    drain_seconds: Option<u64>,
    poll_seconds: Option<NonZeroU64>,
    max_clock_skew_seconds: Option<u64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct PathTable {
    path: Option<PathBuf>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct StoreTable {
    url: Option<String>,
    stem: Option<PathBuf>,
    retention_days: Option<u64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct AuthTable {
    keys: Option<PathBuf>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct TelemetryTable {
    otlp: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TlsTable {
    certificate: PathBuf,
    key: PathBuf,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct LimitsTable {
    body_bytes: Option<NonZeroUsize>,
    diff_files: Option<NonZeroUsize>,
    diff_lines: Option<NonZeroUsize>,
    batch_items: Option<NonZeroUsize>,
    body_seconds: Option<NonZeroU64>,
    concurrent: Option<usize>,
    connections: Option<NonZeroUsize>,
    waiting: Option<usize>,
    requests_per_second: Option<NonZeroU32>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RepositoryTable {
    name: String,
    path: PathBuf,
    #[serde(default)]
    unit: UnitChoice,
    owners: Option<PathBuf>,
    incidents: Option<PathBuf>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            server: ServerConfig::default(),
            store: StoreConfig::new(DEFAULT_STORE),
            model: None,
            policy: None,
            repositories: Vec::new(),
            cache: Self::default_cache(),
        }
    }
}

impl Settings {
    /// Where folded histories are kept where nothing says so: `diffrisk` in the user's cache folder, which nobody else can
    /// write; beside other temporary files where there is none. A relative `XDG_CACHE_HOME` is none, as the XDG specification has it.
    pub fn default_cache() -> PathBuf {
        let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let of_xdg = set("XDG_CACHE_HOME").filter(|dir| dir.is_absolute());
        let of_user = of_xdg.or_else(|| Some(set("HOME")?.join(".cache")));
        of_user.unwrap_or_else(std::env::temp_dir).join("diffrisk")
    }

    /// Reads a configuration file.
    ///
    /// # Errors
    /// When it cannot be read, or has a key or value that it cannot have.
    pub fn load(path: &Path) -> Result<Self, SettingsError> {
        let failed = |source| SettingsError::File { path: path.to_owned(), source };
        let text = stamp::read_text(path).map_err(failed)?;
        Self::parse(&text).map_err(|message| SettingsError::Refused { path: path.to_owned(), message })
    }

    /// Reads the text of a configuration file; the error names the place and what was expected.
    ///
    /// # Errors
    /// When it is not TOML, or has a key or value that it cannot have.
    pub fn parse(text: &str) -> Result<Self, String> {
        let document: Document = toml::from_str(text).map_err(|error| place(text, &error))?;
        let mut settings =
            Self { model: document.model.path, policy: document.policy.path, ..Self::default() };
        settings.server.keys = document.auth.keys;
        settings.server.tls =
            document.tls.map(|TlsTable { certificate, key }| TlsConfig { certificate, key });
        settings.server.otlp = document.telemetry.otlp;
        settings.store = store(document.store);
        apply_server(&mut settings.server, document.server);
        apply_limits(&mut settings.server.limits, &document.limits);
        settings.cache = document.cache.unwrap_or(settings.cache);
        for table in document.repository {
            if table.name.trim().is_empty() {
                return Err(format!("the repository `{}` needs a `name`", table.path.display()));
            }
            if settings.repositories.iter().any(|repository| repository.name == table.name) {
                return Err(format!("the repository `{}` is there twice", table.name));
            }
            settings.repositories.push(repository(table));
        }
        Ok(settings)
    }
}

impl Settings {
    /// Whether every number is one that the service can work with, wherever it came from.
    ///
    /// # Errors
    /// A sentence that names the first that is not.
    pub fn check(&self) -> Result<(), String> {
        if self.store.retention.is_some_and(|kept| kept < DAY) {
            return Err(
                "`retention_days` is at least 1: decisions are asked for again while they hold".to_owned()
            );
        }
        let is_name = |name: &str| !name.is_empty() && !name.contains(char::is_control);
        if let Some(repository) = self.repositories.iter().find(|repository| !is_name(&repository.name)) {
            return Err(format!("{:?} is no name of a repository", repository.name));
        }
        let (server, limits) = (&self.server, &self.server.limits);
        let spans = [
            ("deadline_ms", server.deadline),
            ("drain_seconds", server.drain),
            ("poll_seconds", server.poll),
            ("max_clock_skew_seconds", server.max_clock_skew),
            ("body_seconds", limits.body_time),
        ];
        let counts = [
            ("body_bytes", limits.body_bytes),
            ("diff_files", limits.diff_files),
            ("diff_lines", limits.diff_lines),
            ("batch_items", limits.batch_items),
            ("connections", limits.n_connections),
            ("waiting", limits.n_waiting),
        ];
        let too_long = spans.iter().find(|(_, span)| *span > LONGEST);
        let too_many = counts.iter().find(|(_, count)| *count > MOST).map(|(name, _)| (name, MOST));
        let too_many =
            too_many.or((limits.n_scoring > MOST_SCORING).then_some((&"concurrent", MOST_SCORING)));
        match (too_long, too_many) {
            (Some((name, _)), _) => {
                Err(format!("`{name}` is longer than {} days", LONGEST.as_secs() / DAY.as_secs()))
            }
            (None, Some((name, most))) => Err(format!("`{name}` is more than {most}")),
            (None, None) => Ok(()),
        }
    }
}

/// What is wrong, in which line and with which key. The parser's own text quotes the line, and a value may be a password.
fn place(text: &str, error: &toml::de::Error) -> String {
    let line = line_of(text, error);
    let written = text.lines().nth(line - 1).and_then(|line| line.split_once('='));
    let is_key = |key: &&str| !key.is_empty() && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    let key = written.map(|(key, _)| key.trim()).filter(is_key);
    let key = key.map_or(String::new(), |key| format!(" (`{key}`)"));
    format!("line {line}{key}: {}", without_values(error.message()))
}

fn store(table: StoreTable) -> StoreConfig {
    let mut store_config = StoreConfig::new(table.url.unwrap_or_else(|| DEFAULT_STORE.into()));
    store_config.stem = table.stem;
    store_config.retention =
        table.retention_days.map(|days| Duration::from_secs(days.saturating_mul(86_400)));
    store_config
}

fn apply_server(server_config: &mut ServerConfig, table: ServerTable) {
    set(&mut server_config.listen, table.listen);
    set(&mut server_config.deadline, table.deadline_ms.map(|ms| Duration::from_millis(ms.get())));
    set(&mut server_config.drain, table.drain_seconds.map(Duration::from_secs));
    set(&mut server_config.poll, table.poll_seconds.map(|seconds| Duration::from_secs(seconds.get())));
    set(&mut server_config.max_clock_skew, table.max_clock_skew_seconds.map(Duration::from_secs));
}

fn apply_limits(limits: &mut Limits, table: &LimitsTable) {
    set(&mut limits.body_bytes, table.body_bytes.map(NonZeroUsize::get));
    set(&mut limits.diff_files, table.diff_files.map(NonZeroUsize::get));
    set(&mut limits.diff_lines, table.diff_lines.map(NonZeroUsize::get));
    set(&mut limits.batch_items, table.batch_items.map(NonZeroUsize::get));
    set(&mut limits.body_time, table.body_seconds.map(|seconds| Duration::from_secs(seconds.get())));
    set(&mut limits.n_scoring, table.concurrent);
    set(&mut limits.n_waiting, table.waiting);
    set(&mut limits.n_connections, table.connections.map(NonZeroUsize::get));
    limits.requests_per_second = table.requests_per_second.map(NonZeroU32::get);
}

fn repository(table: RepositoryTable) -> RepositoryConfig {
    let RepositoryTable { name, path, unit, owners, incidents } = table;
    RepositoryConfig { name, path, unit, owners, incidents: incidents.map(IncidentFile::from) }
}

fn set<T>(place: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *place = value;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documented_file_is_understood() {
        let text = r#"
[server]
listen = "127.0.0.1:8080"
deadline_ms = 200
[model]
path = "models/default"
[store]
url = "sqlite://diffrisk.db"
[policy]
path = "policy.toml"
[auth]
keys = "keys.toml"
[[repository]]
name = "mediawiki-config"
path = "/srv/git/mediawiki-config.git"
owners = "CODEOWNERS"
incidents = "incidents.csv"
"#;
        let settings = Settings::parse(text).unwrap();
        assert_eq!(settings.repositories[0].name, "mediawiki-config");
        assert_eq!(settings.server.deadline, Duration::from_millis(200));
        assert_eq!(Settings::parse("").unwrap(), Settings::default());
        assert_eq!(settings.cache, Settings::default_cache(), "the file names none");
    }

    #[test]
    fn what_is_not_understood_is_refused_and_named() {
        for (text, named) in [
            ("[server]\nlistn = 1", "listn"),
            ("[server]\ndeadline_ms = \"200\"", "deadline_ms"),
            ("[[repository]]\nname = \"a\"\npath = \"b\"\nunit = \"day\"", "line 4 (`unit`)"),
            ("[[repository]]\nname = \"\"\npath = \"b\"", "the repository `b` needs a `name`"),
            ("[limits]\nconnections = 0", "(`connections`)"),
            ("[limits]\nbody_bytes = 0", "(`body_bytes`)"),
            ("[limits]\nbody_seconds = 0", "(`body_seconds`)"),
            ("[limits]\nrequests_per_second = 0", "(`requests_per_second`)"),
            ("[server]\ndeadline_ms = 0", "(`deadline_ms`)"),
            ("[server]\npoll_seconds = 0", "(`poll_seconds`)"),
            ("[[repository]]\nname=\"a\"\npath=\"b\"\n[[repository]]\nname=\"a\"\npath=\"c\"", "twice"),
        ] {
            let message = Settings::parse(text).unwrap_err();
            assert!(message.contains(named), "{message}");
        }
    }
}
