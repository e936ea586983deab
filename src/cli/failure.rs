//! From every module's errors to one line on stderr and an exit code. A code that hangs on the place is given there, by
//! [`OrExit`]; the others stand in the table at the bottom.

use std::fmt::{self, Display};

use diffrisk::artifact;
use diffrisk::dataset;
use diffrisk::git;
use diffrisk::http::{KeyError, SettingsError};
use diffrisk::incident;
use diffrisk::mining;
use diffrisk::policy;
use diffrisk::store;
use diffrisk::train;

use crate::cli::exit::Exit;

/// Why a subcommand ended early, and the exit code that says so.
#[derive(Debug)]
pub struct Failure {
    /// The code.
    pub exit: Exit,
    error: anyhow::Error,
}

impl Failure {
    /// The input cannot be used.
    pub fn bad_input(message: impl Display + fmt::Debug + Send + Sync + 'static) -> Self {
        Self::ending(Exit::BadInput, message)
    }

    /// `gate` has no decision to give.
    pub fn no_decision(message: impl Display + fmt::Debug + Send + Sync + 'static) -> Self {
        Self::ending(Exit::NoDecision, message)
    }

    /// Ends with a code that hangs on what was asked of whom.
    pub fn ending(exit: Exit, message: impl Display + fmt::Debug + Send + Sync + 'static) -> Self {
        Self { exit, error: anyhow::Error::msg(message) }
    }

    /// The arguments make no sense together.
    pub fn usage(message: impl Display + fmt::Debug + Send + Sync + 'static) -> Self {
        Self::ending(Exit::Usage, message)
    }
}

/// All causes on one line, each only once: an error often repeats the one below it.
impl Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut said = String::new();
        for cause in self.error.chain().map(ToString::to_string) {
            if said.contains(&cause) {
                continue;
            }
            if !said.is_empty() {
                said.push_str(": ");
            }
            said.push_str(&cause);
        }
        formatter.write_str(&said)
    }
}

/// Gives an error the exit code that it has in this place.
pub trait OrExit<T> {
    /// Ends with a code, saying what was being done.
    fn or_exit(self, exit: Exit, doing: impl Display + Send + Sync + 'static) -> Result<T, Failure>;
}

impl<T, E: Into<anyhow::Error>> OrExit<T> for Result<T, E> {
    fn or_exit(self, exit: Exit, doing: impl Display + Send + Sync + 'static) -> Result<T, Failure> {
        self.map_err(|error| Failure { exit, error: error.into().context(doing) })
    }
}

/// Errors that have the same code wherever they come from.
macro_rules! failures {
    ($($error:ty => $exit:expr;)*) => {
        $(impl From<$error> for Failure {
            fn from(error: $error) -> Self {
                Self { exit: $exit(&error), error: error.into() }
            }
        })*
    };
}

failures! {
    artifact::Error => |_: &_| Exit::BadInput;
    train::Error => |_: &_| Exit::BadInput;
    KeyError => |_: &_| Exit::BadInput;
    SettingsError => |_: &_| Exit::BadInput;
    dataset::Error => |_: &_| Exit::BadInput;
    mining::Error => |_: &_| Exit::BadInput;
    policy::Error => |_: &_| Exit::BadInput;
    git::Error => git_exit;
    incident::Error => |_: &_| Exit::BadInput;
    store::Error => store_exit;
    anyhow::Error => |_: &_| Exit::Other;
    std::io::Error => |_: &_| Exit::Other;
}

fn git_exit(error: &git::Error) -> Exit {
    match error {
        git::Error::WorkerLost { .. } => Exit::Other,
        _ => Exit::BadInput,
    }
}

fn store_exit(error: &store::Error) -> Exit {
    match error {
        store::Error::Address { .. }
        | store::Error::Layout { .. }
        | store::Error::OldLayout { .. }
        | store::Error::NotALog { .. }
        | store::Error::ManyNames { .. }
        | store::Error::File { .. }
        | store::Error::Malformed { .. } => Exit::BadInput,
        error if error.is_damage() => Exit::BadInput,
        _ => Exit::Other,
    }
}
