//! Required validations as people call them.

/// "a second reviewer"; a word of somebody's own policy as it is.
pub fn requirement(word: &str) -> String {
    match word {
        "second_reviewer" => "a second reviewer".to_owned(),
        "canary_region" => "a pass in the canary region".to_owned(),
        "release_owner" => "the release owner".to_owned(),
        "undo_by" => "a date by which it is undone".to_owned(),
        "owner" => "the word of an owner".to_owned(),
        other => other.replace('_', " "),
    }
}

/// "a, b and c".
pub(super) fn joined(parts: &[String]) -> String {
    match parts {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}
