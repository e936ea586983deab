//! Where the log of a service goes and what is in it by default. Answers never go there, and nothing of the log to stdout.
//!
//! Lines wait in a bounded queue for the one thread that writes them: no request ever waits for whoever reads stderr. Where
//! nobody reads, or stderr cannot be written, lines are dropped and counted. Start at [`start`].

use std::io::{self, ErrorKind, IsTerminal, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::time::Duration;

use tracing_subscriber::EnvFilter;

/// What is logged where `DIFFRISK_LOG` says nothing: the database's own lines only where something is wrong.
const DEFAULT_FILTER: &str = "info,sqlx=warn";
/// Lines that wait at most: a few megabytes.
const N_QUEUED: usize = 4_096;
/// Between two tries to write where stderr was set not to block.
const FULL_PAUSE: Duration = Duration::from_millis(10);
/// How long lines gather before the next is waited for.
const GATHERING: Duration = Duration::from_millis(2);
/// What a slow reader gets for the last lines.
const FLUSH_TIME: Duration = Duration::from_secs(1);

/// The log of a service; what waits is written when it is dropped, or given up after a second.
pub struct ServiceLog(Lines);

impl ServiceLog {
    /// Says something for people, behind the lines that wait already.
    pub fn note(&self, text: &str) {
        self.0.send(Waiting::Line(format!("{text}\n").into_bytes()));
    }
}

impl Drop for ServiceLog {
    fn drop(&mut self) {
        let (written, is_written) = sync_channel(1);
        self.0.send(Waiting::Flush(written));
        let _ = is_written.recv_timeout(FLUSH_TIME);
    }
}

/// Sends the log to stderr: one JSON object a line, or lines for people on a terminal. A filter that cannot
/// be understood is named, and the default is in force.
///
/// # Errors
/// When no thread can be started.
pub fn start() -> io::Result<ServiceLog> {
    let asked = std::env::var("DIFFRISK_LOG").unwrap_or_else(|_| DEFAULT_FILTER.to_owned());
    let filter = EnvFilter::try_new(&asked);
    let refused = filter.as_ref().err().map(ToString::to_string);
    let filter = filter.unwrap_or_else(|_| EnvFilter::new(DEFAULT_FILTER));
    let lines = Lines::to_stderr()?;
    let writer = lines.clone();
    // What goes wrong with a line must not be said with a macro that panics where stderr is gone.
    let subscriber = tracing_subscriber::fmt().with_env_filter(filter).log_internal_errors(false);
    let subscriber = subscriber.with_writer(move || writer.clone());
    // A second start in one process keeps the first log.
    let _ = if io::stderr().is_terminal() {
        subscriber.try_init()
    } else {
        subscriber.json().flatten_event(true).with_current_span(false).with_span_list(false).try_init()
    };
    if let Some(refused) = refused {
        tracing::error!(refused, "`DIFFRISK_LOG` is no filter; the default is in force");
    }
    Ok(ServiceLog(lines))
}

enum Waiting {
    Line(Vec<u8>),
    /// Asks to be told when everything before it was written.
    Flush(SyncSender<()>),
}

/// Where lines wait.
#[derive(Clone)]
struct Lines {
    waiting: SyncSender<Waiting>,
    n_dropped: Arc<AtomicU64>,
}

impl Lines {
    fn to_stderr() -> io::Result<Self> {
        let (waiting, receiver) = sync_channel(N_QUEUED);
        let n_dropped = Arc::new(AtomicU64::new(0));
        let lines = Self { waiting, n_dropped: Arc::clone(&n_dropped) };
        let run = move || write_lines(&receiver, &n_dropped, io::stderr());
        std::thread::Builder::new().name("log-lines".into()).spawn(run)?;
        Ok(lines)
    }

    fn send(&self, waiting: Waiting) {
        if self.waiting.try_send(waiting).is_err() {
            self.n_dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Write for Lines {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.send(Waiting::Line(line.to_vec()));
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Writes what waits until the last sender is gone. How many lines were dropped is told once nothing waits any more.
fn write_lines(receiver: &Receiver<Waiting>, n_dropped: &AtomicU64, mut to: impl Write) {
    let mut is_cut = false;
    loop {
        let next = match receiver.try_recv() {
            Err(TryRecvError::Empty) => {
                if !is_cut {
                    tell_of_dropped(n_dropped);
                }
                next_of_pause(receiver)
            }
            next => next.ok(),
        };
        match next {
            Some(Waiting::Line(line)) => {
                // What was cut off must not spoil this line too.
                let written = if is_cut { put(&mut to, b"\n") } else { Ok(()) };
                is_cut = written.and_then(|()| put(&mut to, &line)).is_err();
                n_dropped.fetch_add(u64::from(is_cut), Ordering::Relaxed);
            }
            Some(Waiting::Flush(written)) => drop(written.send(())),
            None => return,
        }
    }
}

/// What came in a short pause, else what comes next: to wake this thread for each line costs whoever logs it as much as the line.
fn next_of_pause(receiver: &Receiver<Waiting>) -> Option<Waiting> {
    std::thread::sleep(GATHERING);
    match receiver.try_recv() {
        Err(TryRecvError::Empty) => receiver.recv().ok(),
        next => next.ok(),
    }
}

fn tell_of_dropped(n_dropped: &AtomicU64) {
    let n_dropped = n_dropped.swap(0, Ordering::Relaxed);
    if n_dropped > 0 {
        tracing::warn!(
            n_dropped,
            "lines of the log were dropped: nobody read it, or it could not be written"
        );
    }
}

/// Writes all bytes, also where whoever started the service set its stderr not to block.
fn put(to: &mut impl Write, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match to.write(bytes) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(n_written) => bytes = &bytes[n_written..],
            Err(error) if error.kind() == ErrorKind::WouldBlock => std::thread::sleep(FULL_PAUSE),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes so many bytes at first, then none until it was refused so often, then all.
    struct Full {
        n_taken: usize,
        n_refused: usize,
        bytes: Arc<std::sync::Mutex<Vec<u8>>>,
    }

    impl Write for Full {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let n = if self.n_taken > 0 { bytes.len().min(self.n_taken) } else { bytes.len() };
            if self.n_taken == 0 && self.n_refused > 0 {
                self.n_refused -= 1;
                return Err(ErrorKind::StorageFull.into());
            }
            self.n_taken = self.n_taken.saturating_sub(n);
            self.bytes.lock().unwrap().extend(&bytes[..n]);
            Ok(n)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_line_that_was_cut_off_spoils_no_other_and_is_counted() {
        let (waiting, receiver) = sync_channel(8);
        let n_dropped = Arc::new(AtomicU64::new(0));
        let mut lines = Lines { waiting, n_dropped: Arc::clone(&n_dropped) };
        for line in ["one\n", "two\n", "three\n", "four\n"] {
            lines.write_all(line.as_bytes()).unwrap();
        }
        drop(lines);
        let bytes = Arc::default();
        write_lines(&receiver, &n_dropped, Full { n_taken: 6, n_refused: 2, bytes: Arc::clone(&bytes) });
        assert_eq!(String::from_utf8_lossy(&bytes.lock().unwrap()), "one\ntw\nfour\n");
        assert_eq!(n_dropped.load(Ordering::Relaxed), 2, "`two` and `three`");
    }

    #[test]
    fn nobody_waits_for_a_reader_who_does_not_read() {
        let (waiting, _receiver) = sync_channel(1);
        let mut lines = Lines { waiting, n_dropped: Arc::default() };
        for _ in 0..3 {
            lines.write_all(b"line\n").unwrap();
        }
        assert_eq!(lines.n_dropped.load(Ordering::Relaxed), 2);
    }
}
