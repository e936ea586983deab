//! One dangerous edit a rule at least, and a harmless form of it; in files as the rules are.

mod access;
mod capacity;
mod command;
mod exposure;
mod guards;
mod holding;
mod hosts;
mod layout;
mod order;
mod pipeline;
mod rollout;
mod safety;
mod schedule;
mod secrecy;
mod target;
mod unread;
mod values;
mod warned;
mod watching;
mod weakened;

/// A rule, a file, an edit that it fires on, and one that no rule fires on.
pub(super) type Case = (&'static str, &'static str, &'static str, &'static str);

/// The cases of all rules.
pub(super) fn cases() -> impl Iterator<Item = &'static Case> {
    let of_files = [
        access::CASES,
        capacity::CASES,
        command::CASES,
        exposure::CASES,
        guards::CASES,
        holding::CASES,
        hosts::CASES,
        layout::CASES,
        order::CASES,
        pipeline::CASES,
        rollout::CASES,
        safety::CASES,
        schedule::CASES,
        secrecy::CASES,
        target::CASES,
        unread::CASES,
        values::CASES,
        warned::CASES,
        watching::CASES,
        weakened::CASES,
    ];
    of_files.into_iter().flatten()
}
