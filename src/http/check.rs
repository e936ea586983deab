//! `serve --check-config`: everything that a start would read is read, and nothing is opened for writing.

use std::fmt::Display;
use std::net::ToSocketAddrs;
use std::sync::Arc;

use crate::git::Repository;
use crate::http::auth::KeyFile;
use crate::http::live::Live;
use crate::http::models::{ModelSource, PolicySource};
use crate::http::settings::Settings;
use crate::incident::load_incidents;

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
    note("tls", server.tls.as_ref().and_then(|tls| failed(tls.acceptor())));
    note("store.url", failed(settings.store.check()));
    note("policy.path", PolicySource::new(settings.policy.clone()).load().err());
    note("model.path", ModelSource::new(Arc::new(Live::empty()), settings.model.clone()).first().1);
    for repository in &settings.repositories {
        let name = format!("repository `{}`", repository.name);
        note(&name, failed(Repository::open(&repository.path).and_then(|git| git.root_commit())));
        note(&name, repository.incidents.as_deref().and_then(|path| failed(load_incidents(path))));
    }
    if server.keys.is_none() && !is_loopback(&server.listen) {
        note("auth.keys", Some(format!("needed to listen on `{}`", server.listen)));
    }
    faults
}

fn is_loopback(listen: &str) -> bool {
    listen.to_socket_addrs().is_ok_and(|mut addresses| addresses.all(|address| address.ip().is_loopback()))
}

/// An error and its cause in one line.
fn failed<T, E: std::error::Error + Display>(result: Result<T, E>) -> Option<String> {
    let error = result.err()?;
    let cause = error.source().map(|cause| format!(": {cause}")).unwrap_or_default();
    Some(format!("{error}{cause}"))
}
