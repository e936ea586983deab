//! Where the log of a service goes and what is in it by default. Answers never go there, and nothing of the log to stdout.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

/// What is logged where `DIFFRISK_LOG` says nothing: the database's own lines only where something is wrong.
const DEFAULT_FILTER: &str = "info,sqlx=warn";

/// Sends the log to stderr: one JSON object a line, or lines for people on a terminal. A filter that cannot
/// be understood is named, and the default is in force.
pub fn start() {
    let asked = std::env::var("DIFFRISK_LOG").unwrap_or_else(|_| DEFAULT_FILTER.to_owned());
    let filter = EnvFilter::try_new(&asked);
    let refused = filter.as_ref().err().map(ToString::to_string);
    let filter = filter.unwrap_or_else(|_| EnvFilter::new(DEFAULT_FILTER));
    let subscriber = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // A second start in one process keeps the first log.
    let _ = if std::io::stderr().is_terminal() {
        subscriber.try_init()
    } else {
        subscriber.json().flatten_event(true).with_current_span(false).with_span_list(false).try_init()
    };
    if let Some(refused) = refused {
        tracing::error!(refused, "`DIFFRISK_LOG` is no filter; the default is in force");
    }
}
