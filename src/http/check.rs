//! `serve --check-config`: everything that a start would read is read, and nothing is opened for writing. A start looks at
//! [`refusals`] before it opens its log, which it brings up to date for good.

use std::net::ToSocketAddrs;
use std::path::Path;
use std::sync::Arc;

use axum::http::Uri;

use crate::artifact::TABLE;
use crate::git::{self, Repository};
use crate::http::auth::KeyFile;
use crate::http::error::with_cause;
use crate::http::live::{Live, OF_TABLE, RepositoryConfig, owners_text};
use crate::http::models::{ModelSource, PolicySource};
use crate::http::refusal::Refusal;
use crate::http::settings::Settings;
use crate::incident::Owners;

/// What a start with these settings would stumble over, each named; empty where all is sound. Unlike a
/// start, this minds a model, a policy or owners in a repository that would be refused, and a repository that is away.
pub fn check(settings: &Settings) -> Vec<String> {
    let mut faults = Faults(refusals(settings));
    let server = &settings.server;
    faults.note("cache", cache(&settings.cache));
    faults.note("policy.path", refused(PolicySource::new(settings.policy.clone()).load().err()));
    let (assessor, no_model) = ModelSource::new(Arc::new(Live::empty()), settings.model.clone()).first();
    faults.note("model.path", refused(no_model));
    let is_of_table = assessor.artifact().is_some_and(|artifact| artifact.document().unit == TABLE);
    let is_in_vain = is_of_table && !settings.repositories.is_empty();
    faults.note("model.path", is_in_vain.then(|| format!("{OF_TABLE}, and repositories are followed")));
    faults.note("telemetry.otlp", server.otlp.as_deref().and_then(collector));
    for repository in &settings.repositories {
        match opened(repository) {
            Ok(git) => {
                let inside = repository.owners.as_deref().filter(|path| !path.exists());
                faults.note(&named(repository), inside.and_then(|path| owners(path, &git)));
            }
            Err(error) => {
                faults.note(&named(repository), Some(with_cause(&error)));
                faults.note(&named(repository), incidents(repository));
            }
        }
    }
    faults.0
}

/// What a start with these settings is refused for, as far as it can be told without its log, its port and its histories.
pub fn refusals(settings: &Settings) -> Vec<String> {
    let mut faults = Faults::default();
    let server = &settings.server;
    let no_address = failed(server.listen.to_socket_addrs());
    faults.note("server.listen", no_address.map(|fault| format!("`{}`: {fault}", server.listen)));
    faults.note("auth.keys", server.keys.as_deref().and_then(|path| failed(KeyFile::load(path))));
    faults.note("tls", server.tls.as_ref().and_then(|tls| failed(tls.read())));
    faults.note("store.url", failed(settings.store.check()));
    for repository in &settings.repositories {
        // About one that is away every answer is degraded, whatever its files say.
        let Ok(git) = opened(repository) else { continue };
        let on_disk = repository.owners.as_deref().filter(|path| path.exists());
        faults.note(&named(repository), on_disk.and_then(|path| owners(path, &git)));
        faults.note(&named(repository), incidents(repository));
    }
    if server.keys.is_none() && server.listen.to_socket_addrs().is_ok() && !is_loopback(&server.listen) {
        faults.note("auth.keys", Some(format!("needed to listen on `{}`", server.listen)));
    }
    faults.0
}

#[derive(Default)]
struct Faults(Vec<String>);

impl Faults {
    fn note(&mut self, what: &str, fault: Option<String>) {
        self.0.extend(fault.map(|fault| format!("{what}: {fault}")));
    }
}

fn named(repository: &RepositoryConfig) -> String {
    format!("repository `{}`", repository.name)
}

/// A repository that can be read.
fn opened(repository: &RepositoryConfig) -> Result<Repository, git::Error> {
    let git = Repository::open(&repository.path)?;
    git.root_commit()?;
    Ok(git)
}

fn incidents(repository: &RepositoryConfig) -> Option<String> {
    repository.incidents.as_ref().and_then(|file| failed(file.load()))
}

fn is_loopback(listen: &str) -> bool {
    listen.to_socket_addrs().is_ok_and(|mut addresses| addresses.all(|address| address.ip().is_loopback()))
}

fn owners(path: &Path, repository: &Repository) -> Option<String> {
    match owners_text(path, repository) {
        Ok(text) => {
            failed(Owners::from_codeowners(&text)).map(|fault| format!("`{}`: {fault}", path.display()))
        }
        Err(error) => Some(with_cause(&error)),
    }
}

/// Folded histories go into a directory that is made where it is not there, but not below a file.
fn cache(dir: &Path) -> Option<String> {
    let mut above = dir.ancestors().filter(|path| !path.as_os_str().is_empty());
    let found = above.find_map(|path| Some((path, std::fs::metadata(path).ok()?)));
    let (path, metadata) = found?;
    // Modes do not tell who may write: trying does.
    let is_usable = metadata.is_dir() && tempfile::tempfile_in(path).is_ok();
    let (dir, path) = (dir.display(), path.display());
    (!is_usable).then(|| format!("`{dir}` cannot be used: `{path}` is no directory that can be written"))
}

/// Spans go over HTTP and nothing else; a start would find out only when it sends the first.
fn collector(base: &str) -> Option<String> {
    let uri = base.parse::<Uri>().ok();
    let is_address =
        uri.is_some_and(|uri| matches!(uri.scheme_str(), Some("http" | "https")) && uri.host().is_some());
    (!is_address)
        .then(|| format!("`{base}` is no address of a collector; expected `http://…` or `https://…`"))
}

fn refused(refusal: Option<Refusal>) -> Option<String> {
    refusal.as_ref().map(with_cause)
}

fn failed<T, E: std::error::Error>(result: Result<T, E>) -> Option<String> {
    result.err().map(|error| with_cause(&error))
}
