//! `serve --check-config`: everything that a start would read is read, and nothing is opened for writing.

use std::net::ToSocketAddrs;
use std::path::Path;
use std::sync::Arc;

use axum::http::Uri;

use crate::artifact::TABLE;
use crate::git::Repository;
use crate::http::auth::KeyFile;
use crate::http::error::with_cause;
use crate::http::live::{Live, OF_TABLE, owners_text};
use crate::http::models::{ModelSource, PolicySource};
use crate::http::refusal::Refusal;
use crate::http::settings::Settings;
use crate::incident::Owners;

/// What a start with these settings would stumble over, each named; empty where all is sound. Unlike a
/// start, this minds a model or policy that would be refused.
pub fn check(settings: &Settings) -> Vec<String> {
    let mut faults = Vec::new();
    let mut note = |what: &str, fault: Option<String>| {
        faults.extend(fault.map(|fault| format!("{what}: {fault}")));
    };
    let server = &settings.server;
    note("server.listen", failed(server.listen.to_socket_addrs()));
    note("auth.keys", server.keys.as_deref().and_then(|path| failed(KeyFile::load(path))));
    note("tls", server.tls.as_ref().and_then(|tls| failed(tls.read())));
    note("store.url", failed(settings.store.check()));
    note("cache", cache(&settings.cache));
    note("policy.path", refused(PolicySource::new(settings.policy.clone()).load().err()));
    let (assessor, no_model) = ModelSource::new(Arc::new(Live::empty()), settings.model.clone()).first();
    note("model.path", refused(no_model));
    let is_of_table = assessor.artifact().is_some_and(|artifact| artifact.document().unit == TABLE);
    let is_in_vain = is_of_table && !settings.repositories.is_empty();
    note("model.path", is_in_vain.then(|| format!("{OF_TABLE}, and repositories are followed")));
    note("telemetry.otlp", server.otlp.as_deref().and_then(collector));
    for repository in &settings.repositories {
        let name = format!("repository `{}`", repository.name);
        match Repository::open(&repository.path) {
            Ok(git) => {
                note(&name, failed(git.root_commit()));
                note(&name, repository.owners.as_deref().and_then(|path| owners(path, &git)));
            }
            Err(error) => note(&name, Some(with_cause(&error))),
        }
        note(&name, repository.incidents.as_ref().and_then(|file| failed(file.load())));
    }
    if server.keys.is_none() && server.listen.to_socket_addrs().is_ok() && !is_loopback(&server.listen) {
        note("auth.keys", Some(format!("needed to listen on `{}`", server.listen)));
    }
    faults
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
