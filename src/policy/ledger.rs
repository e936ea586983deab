//! Collects what speaks for and against a change while it is decided. Nothing put into it can lower the verdict.

use crate::policy::decision::Verdict;
use crate::policy::reason::{Reason, ReasonCode};

/// Collects what speaks for and against a change. It can only be raised.
#[derive(Default)]
pub(super) struct Ledger {
    entries: Vec<(Verdict, Reason)>,
    require: Vec<String>,
}

impl Ledger {
    /// Notes something that asks for at least a verdict.
    pub(super) fn raise(&mut self, verdict: Verdict, reason: Reason) {
        self.entries.push((verdict, reason));
    }

    /// Notes something that asks for nothing.
    pub(super) fn note(&mut self, code: ReasonCode, text: impl Into<String>) {
        self.raise(Verdict::FastPath, Reason::new(code, text));
    }

    /// Notes a doubt: whatever its code, the decision is at least extra validation.
    pub(super) fn doubt(&mut self, reason: Reason) {
        self.raise(Verdict::ExtraValidation, reason);
    }

    /// Asks for validations, each only once.
    pub(super) fn require<'a>(&mut self, names: impl IntoIterator<Item = &'a str>) {
        for name in names {
            if !self.require.iter().any(|known| known == name) {
                self.require.push(name.to_owned());
            }
        }
    }

    /// The strictest verdict so far.
    pub(super) fn verdict(&self) -> Verdict {
        self.entries.iter().map(|(verdict, _)| *verdict).max().unwrap_or(Verdict::FastPath)
    }

    /// Whether a reason says that the service cannot vouch.
    pub(super) fn is_degraded(&self) -> bool {
        self.entries.iter().any(|(_, reason)| reason.code.degrades())
    }

    /// The reasons, weightiest first and doubts before the rest of the same weight, and the
    /// validations.
    pub(super) fn finish(mut self) -> (Vec<Reason>, Vec<String>) {
        self.entries.sort_by_key(|(verdict, reason)| (std::cmp::Reverse(*verdict), !reason.code.degrades()));
        (self.entries.into_iter().map(|(_, reason)| reason).collect(), self.require)
    }
}
