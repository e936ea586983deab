//! `serve`: the service's settings from flag, environment, file and default, in this order; then the service itself, until
//! it is told to stop. Start at `ServeArgs::settings`.

use std::error::Error;
use std::io;
use std::net::TcpListener;
use std::num::NonZeroUsize;
use std::panic::{self, AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;

use clap::Args;
use clap::builder::BoolishValueParser;
use diffrisk::http::{ServeError, Settings, StartError, TlsConfig, bind, check, refusals, serve, start};
use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::cli::cache::{CacheDir, distrusted};
use crate::cli::exit::Exit;
use crate::cli::failure::{Failure, OrExit};
use crate::cli::logging;
use crate::cli::output::{complain, note};
use crate::cli::repository::incident_file;
use crate::cli::settings::{LimitArgs, RepositoryArgs, ServerArgs, StoreArgs};

/// Arguments of `serve`. Order of a value: flag, environment, file, default.
#[derive(Debug, Default, Args)]
pub struct ServeArgs {
    /// Configuration file
    #[arg(long, value_name = "FILE", env = "DIFFRISK_CONFIG")]
    config: Option<PathBuf>,
    /// Address to listen on
    #[arg(long, value_name = "ADDRESS", env = "DIFFRISK_LISTEN")]
    listen: Option<String>,
    /// Model: an artifact directory or a registry's `default` file
    #[arg(long, value_name = "DIR", env = "DIFFRISK_MODEL")]
    model: Option<PathBuf>,
    /// Decision log: `sqlite://FILE`, `postgres://…` or `memory`
    #[arg(long, value_name = "URL", env = "DIFFRISK_STORE", hide_env_values = true)]
    store: Option<String>,
    /// Policy file
    #[arg(long, value_name = "FILE", env = "DIFFRISK_POLICY")]
    policy: Option<PathBuf>,
    /// Key file; without one only loopback may be listened on
    #[arg(long, value_name = "FILE", env = "DIFFRISK_KEYS")]
    keys: Option<PathBuf>,
    #[command(flatten)]
    repositories: RepositoryArgs,
    /// Certificate chain in PEM, to speak TLS
    #[arg(long, value_name = "FILE", env = "DIFFRISK_TLS_CERTIFICATE", requires = "tls_key")]
    tls_certificate: Option<PathBuf>,
    /// Private key of the certificate, in PEM
    #[arg(long, value_name = "FILE", env = "DIFFRISK_TLS_KEY", requires = "tls_certificate")]
    tls_key: Option<PathBuf>,
    /// OpenTelemetry collector that takes a span a request, such as `http://127.0.0.1:4318`
    #[arg(long, value_name = "URL", env = "DIFFRISK_OTLP")]
    otlp: Option<String>,
    /// Directory that keeps folded histories
    #[arg(long, value_name = "DIR", env = "DIFFRISK_CACHE")]
    cache: Option<PathBuf>,
    #[command(flatten)]
    server: ServerArgs,
    #[command(flatten)]
    log: StoreArgs,
    #[command(flatten)]
    limits: LimitArgs,
    /// Check the configuration and stop
    #[arg(long, env = "DIFFRISK_CHECK_CONFIG", value_parser = BoolishValueParser::new())]
    check_config: bool,
}

/// Runs the service until it is told to stop.
pub fn run(args: ServeArgs) -> Result<Exit, Failure> {
    let check_only = args.check_config;
    let settings = args.settings()?;
    if check_only {
        let mut faults = check(&settings);
        if !faults.iter().any(|fault| fault.starts_with("cache: ")) {
            faults.extend(distrusted(&settings.cache));
        }
        faults.iter().for_each(|fault| complain(fault));
        if faults.is_empty() {
            note("the configuration is sound");
        }
        return Ok(if faults.is_empty() { Exit::Success } else { Exit::BadInput });
    }
    run_with(settings)
}

/// Runs the service with finished settings.
pub fn run_with(mut settings: Settings) -> Result<Exit, Failure> {
    let log = logging::start().or_exit(Exit::Other, "the service cannot start: its log gets no thread")?;
    // Without a repository nothing is folded; a cache of its own is there until the service stops.
    let follows = !settings.repositories.is_empty();
    let cache = follows.then(|| CacheDir::of_service(&settings.cache)).transpose()?;
    settings.cache = cache.as_ref().map_or(settings.cache, |cache| cache.path().to_owned());
    check_start(&settings)?;
    let runtime = runtime()?;
    let serving = async {
        let mut signals = Signals::hear()?;
        let started = tokio::select! {
            started = start(settings) => started,
            () = signals.stop() => {
                log.note("stopped before it listened");
                return Ok(Exit::Success);
            }
        };
        let exit = started.as_ref().err().map_or(Exit::BadInput, exit_of);
        let service = started.or_exit(exit, "the service cannot start")?;
        let listener = bind(&service).await.or_exit(Exit::BadInput, "the service cannot start")?;
        let scheme = if service.speaks_tls() { "https" } else { "http" };
        log.note(&format!("listening on {scheme}://{}", listener.local_addr()?));
        let stop = async move { signals.stop().await };
        serve(service, listener, stop).await.or_exit(Exit::Other, "the service failed")?;
        Ok(Exit::Success)
    };
    let served = catch_unwind(AssertUnwindSafe(|| runtime.block_on(serving)));
    // The log is closed: who still folds a history need not be waited for.
    runtime.shutdown_background();
    served.unwrap_or_else(|_| Err(Failure::ending(Exit::Other, "the service broke down")))
}

/// The threads of the service, as many as there are cores whatever `TOKIO_WORKER_THREADS` says. Where the system gives fewer,
/// tokio panics and waits without end for those that it has: the process is ended before.
fn runtime() -> io::Result<Runtime> {
    let n_workers = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let hook = panic::take_hook();
    panic::set_hook(Box::new(|panicked| {
        let why = panicked.payload_as_str().unwrap_or("its threads cannot be started");
        complain(&format!("the service cannot start: {why}"));
        std::process::exit(Exit::Other as i32);
    }));
    let runtime = Builder::new_multi_thread().worker_threads(n_workers).enable_all().build();
    panic::set_hook(hook);
    runtime
}

/// No input is to blame where the system gives no thread.
fn exit_of(error: &StartError) -> Exit {
    let causes = std::iter::successors(Some(error as &(dyn Error + 'static)), |error| (*error).source());
    let mut of_system = causes.filter_map(|cause| cause.downcast_ref::<io::Error>());
    let has_no_thread = of_system.any(|error| error.kind() == io::ErrorKind::WouldBlock);
    if has_no_thread || matches!(error, StartError::Fold) { Exit::Other } else { Exit::BadInput }
}

/// Refuses what would be refused once the log is open. An older version reads no log that this one has opened: who cannot
/// start leaves it as it is.
fn check_start(settings: &Settings) -> Result<(), Failure> {
    let faults = refusals(settings);
    if !faults.is_empty() {
        return Err(Failure::bad_input(format!("the service cannot start: {}", faults.join("; "))));
    }
    let listen = settings.server.listen.clone();
    let bound = TcpListener::bind(&listen).map_err(|source| ServeError::Listen { listen, source });
    bound.map(drop).or_exit(Exit::BadInput, "the service cannot start")
}

impl ServeArgs {
    fn settings(self) -> Result<Settings, Failure> {
        let mut settings = match &self.config {
            Some(path) => Settings::load(path)?,
            None => Settings::default(),
        };
        settings.server.listen = self.listen.unwrap_or(settings.server.listen);
        settings.server.keys = self.keys.or(settings.server.keys);
        if let (Some(certificate), Some(key)) = (self.tls_certificate, self.tls_key) {
            settings.server.tls = Some(TlsConfig { certificate, key });
        }
        settings.server.otlp = self.otlp.or(settings.server.otlp);
        settings.model = self.model.or(settings.model);
        settings.policy = self.policy.or(settings.policy);
        settings.cache = self.cache.unwrap_or(settings.cache);
        if let Some(url) = self.store {
            settings.store.url = url;
        }
        self.server.apply(&mut settings);
        self.log.apply(&mut settings);
        self.limits.apply(&mut settings);
        self.repositories.apply(&mut settings)?;
        for repository in &mut settings.repositories {
            repository.incidents = repository.incidents.take().map(|file| incident_file(file.path));
        }
        settings.check().map_err(|why| Failure::bad_input(format!("the configuration is refused: {why}")))?;
        Ok(settings)
    }
}

/// The signals that a service minds from its start on.
struct Signals {
    terminated: Signal,
    interrupted: Signal,
    hung_up: Signal,
}

impl Signals {
    fn hear() -> io::Result<Self> {
        Ok(Self {
            terminated: signal(SignalKind::terminate())?,
            interrupted: signal(SignalKind::interrupt())?,
            hung_up: signal(SignalKind::hangup())?,
        })
    }

    /// Resolves at the first SIGTERM or SIGINT. SIGHUP, with which others are told to read their files again, ends nothing: the
    /// files are followed anyway.
    async fn stop(&mut self) {
        loop {
            tokio::select! {
                _ = self.terminated.recv() => return,
                _ = self.interrupted.recv() => return,
                _ = self.hung_up.recv() => {
                    tracing::info!("SIGHUP: keys, certificate, policy and models are followed by themselves");
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use diffrisk::store;

    use super::*;

    #[test]
    fn a_start_without_threads_is_no_bad_input() {
        let opened = |error| exit_of(&StartError::Store(error));
        let no_thread = || io::Error::from(io::ErrorKind::WouldBlock);
        assert_eq!(opened(store::Error::Thread(no_thread())), Exit::Other);
        assert_eq!(opened(store::Error::Away), Exit::BadInput);
        assert_eq!(exit_of(&StartError::Fold), Exit::Other);
    }
}
