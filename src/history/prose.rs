//! What people wrote in a message, without what tools put there: body lines and tickets.

/// Tickets of one message that are remembered.
const MAX_TICKETS: usize = 8;

/// The lines below the title that people wrote: no empty ones, no trailers, not the title again.
pub fn body_lines<'a>(message: &'a str, title: &str) -> Vec<&'a str> {
    let below = message.lines().skip(1).map(str::trim);
    below.filter(|line| !line.is_empty() && *line != title && !is_trailer(line)).collect()
}

/// The tickets that a message names, `T123456` or `ABC-123`, each once, at most eight.
///
/// `#123` is left out: most often it is the number of the very request that lands.
pub fn tickets(message: &str) -> Vec<&str> {
    let mut found = Vec::new();
    for word in words(message) {
        if found.len() < MAX_TICKETS && is_key(word) && !found.contains(&word) {
            found.push(word);
        }
    }
    found
}

/// Whether a message names a ticket: `T123456`, `#123`, `ABC-123`.
pub fn names_ticket(message: &str) -> bool {
    words(message).any(|word| {
        let is_number = word.strip_prefix('#').is_some_and(is_digits);
        is_number || is_key(word)
    })
}

fn words(message: &str) -> impl Iterator<Item = &str> {
    message.split(|c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '#')
}

fn is_key(word: &str) -> bool {
    let digits = word.trim_start_matches(|c: char| !c.is_ascii_digit());
    let mark = &word[..word.len() - digits.len()];
    let is_project = mark.len() >= 3
        && mark.ends_with('-')
        && mark[..mark.len() - 1].bytes().all(|byte| byte.is_ascii_uppercase());
    is_digits(digits) && ((mark == "T" && digits.len() >= 4) || is_project)
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// `Change-Id: …`, `Signed-off-by: …`: written by tools, some only when the change lands.
fn is_trailer(line: &str) -> bool {
    line.split_once(": ").is_some_and(|(key, _)| {
        key.contains('-')
            && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
            && key.starts_with(|c: char| c.is_ascii_uppercase())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tickets_are_told_from_other_words() {
        let message = "db: raise limit (#12)\n\nBug: T12345\nsee OPS-7, T12345 and T12";
        assert_eq!(tickets(message), ["T12345", "OPS-7"]);
        assert!(names_ticket("fix #12"));
        assert!(!names_ticket("fix 12 of A-B"));
    }

    #[test]
    fn what_tools_write_is_no_body() {
        let message = "Title\n\nTitle\nWhy it is safe.\nChange-Id: Iabc\nReviewed-by: x";
        assert_eq!(body_lines(message, "Title"), ["Why it is safe."]);
    }
}
