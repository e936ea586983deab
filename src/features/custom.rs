//! Names of features that their owner computes and sends along. The schema never holds one, and no built-in name begins
//! like them.

/// What the name of every custom feature begins with.
pub const CUSTOM_PREFIX: &str = "x.";
/// Revision of every custom feature: who changes what one means gives it another name.
pub const CUSTOM_REVISION: u32 = 1;

/// Bytes of a custom feature's name, at most.
const MAX_NAME_BYTES: usize = 100;

/// Why a name cannot be that of a custom feature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CustomNameError {
    /// It does not begin with `x.`: such names are this build's own.
    #[error("custom features are named `x.…`")]
    BuiltIn,
    /// It is not of the form.
    #[error("expected `x.` and letters, digits, `_` or `.`")]
    Malformed,
}

/// Whether a name belongs to a custom feature: one that its owner computes, not the schema.
pub fn is_custom(name: &str) -> bool {
    name.starts_with(CUSTOM_PREFIX)
}

/// Checks the name of a custom feature.
///
/// # Errors
/// Where it has no `x.` in front, or is not made of letters, digits, `_` and `.` behind it.
pub fn check_custom_name(name: &str) -> Result<(), CustomNameError> {
    let rest = name.strip_prefix(CUSTOM_PREFIX).ok_or(CustomNameError::BuiltIn)?;
    let is_ordinary = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.');
    let is_name = !rest.is_empty() && name.len() <= MAX_NAME_BYTES && rest.bytes().all(is_ordinary);
    if is_name { Ok(()) } else { Err(CustomNameError::Malformed) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_whose_it_is() {
        let long = format!("x.{}", "a".repeat(99));
        for (name, expected) in [
            ("x.team_oncall_load", Ok(())),
            ("x.a.B.9", Ok(())),
            ("size_lines", Err(CustomNameError::BuiltIn)),
            ("X.load", Err(CustomNameError::BuiltIn)),
            ("x.", Err(CustomNameError::Malformed)),
            ("x.load of today", Err(CustomNameError::Malformed)),
            (long.as_str(), Err(CustomNameError::Malformed)),
        ] {
            assert_eq!(check_custom_name(name), expected, "{name}");
        }
    }
}
