//! What a hazard rule is, and the list of all: name, code, where it looks and an example. A name is never given to another
//! rule, because policies switch rules off by it. Start at [`hazard_rules`].

use crate::policy::hazard::edit::Edit;
use crate::policy::hazard::found::FileEdits;
use crate::policy::hazard::{
    access, capacity, command, exposure, guards, holding, hosts, layout, order, pipeline, rollout, safety,
    schedule, secrecy, target, unread, values, warned, watching, weakened,
};
use crate::policy::reason::ReasonCode;

/// One hazard rule.
#[derive(Debug)]
pub struct HazardRule {
    /// Stable name: what the policy file switches off and a reason names.
    pub name: &'static str,
    /// The code of its reason.
    pub code: ReasonCode,
    /// Where it looks.
    pub sphere: Sphere,
    /// What it means, in words that open a sentence.
    pub sentence: &'static str,
    /// An edit that it fires on.
    pub example: &'static str,
    pub(super) look: Look,
    /// Whether it has nothing to say of a line on which a rule that knows more fires.
    pub(super) is_general: bool,
}

/// Where a rule looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sphere {
    /// At every edit.
    Everywhere,
    /// At every edit but those whose key or path names a test environment.
    OutsideTests,
    /// Only where key, path or request name production.
    Production,
    /// Only where key, path or request name a test environment.
    Tests,
}

impl Sphere {
    /// The same in words.
    pub fn in_words(self) -> &'static str {
        match self {
            Self::Everywhere => "everywhere",
            Self::OutsideTests => "outside test environments",
            Self::Production => "in production",
            Self::Tests => "in test environments",
        }
    }
}

/// Whether a rule fires on an edit.
pub(super) type EditLook = fn(&Edit<'_>) -> bool;

/// What a rule finds in a file.
pub(super) type FileLook = fn(&FileEdits<'_>) -> Option<FileFinding>;

/// What a rule looks at.
#[derive(Clone, Copy, Debug)]
pub(super) enum Look {
    /// One key edit.
    Edit(EditLook),
    /// One file: the key and the sides of what was found.
    File(FileLook),
}

/// What a rule found in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FileFinding {
    /// The key.
    pub(super) key: &'static str,
    /// What is wrong with it, to be shown as it is.
    pub(super) what: String,
}

/// Every rule, in the order of the documentation.
pub fn hazard_rules() -> impl Iterator<Item = &'static HazardRule> {
    [
        capacity::RULES,
        rollout::RULES,
        exposure::RULES,
        access::RULES,
        secrecy::RULES,
        watching::RULES,
        safety::RULES,
        guards::RULES,
        weakened::RULES,
        values::RULES,
        schedule::RULES,
        hosts::RULES,
        target::RULES,
        unread::RULES,
        layout::RULES,
        command::RULES,
        holding::RULES,
        pipeline::RULES,
        order::RULES,
        warned::RULES,
    ]
    .into_iter()
    .flatten()
}

/// A rule over key edits.
pub(super) const fn edit_rule(
    name: &'static str,
    sphere: Sphere,
    is_hit: EditLook,
    [sentence, example]: [&'static str; 2],
) -> HazardRule {
    HazardRule {
        name,
        code: ReasonCode::HazardOther,
        sphere,
        sentence,
        example,
        look: Look::Edit(is_hit),
        is_general: false,
    }
}

impl HazardRule {
    /// The same rule under a reason code of its own.
    pub(super) const fn with_code(self, code: ReasonCode) -> Self {
        Self { code, ..self }
    }

    /// The same rule, silent where a rule that knows more fires.
    pub(super) const fn general(self) -> Self {
        Self { is_general: true, ..self }
    }
}
