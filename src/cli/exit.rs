//! The exit codes, which pipelines rely on: they are added to, never given another meaning.

use std::process::ExitCode;

/// How the process ends. No code but 0 may be read as fast path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Done; for `gate`: fast path, or the repository is in shadow mode, or `--advisory`.
    Success = 0,
    /// Anything that has no code of its own, a caught panic included.
    Other = 1,
    /// The arguments make no sense.
    Usage = 2,
    /// Only from `gate`: no decision exists; the caller treats it as extra validation.
    NoDecision = 3,
    /// The input cannot be used: a missing path, an unparsable file, a refused artifact, an unknown
    /// revision.
    BadInput = 4,
    /// `verify` or `replay` found a difference.
    Difference = 5,
    /// Only from `gate`: extra validation, also when degraded.
    ExtraValidation = 10,
    /// Only from `gate`: hold.
    Hold = 20,
}

/// The same for `--help`.
pub(super) const HELP: &str = "\
Exit codes:
   0  done; for `gate`: fast path (no other code may be read as that)
   1  anything that has no code of its own
   2  usage error
   3  `gate`: no decision exists; treat it as extra validation
   4  bad input: missing path, unparsable file, refused artifact, unknown revision
      (`gate` decides without a model or a policy that is refused: 10)
   5  `decisions verify` or `decisions replay` found a difference
  10  `gate`: extra validation, also when degraded
  20  `gate`: hold";

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
