//! How far a run of changed lines could stand higher or lower and mean the same change.
//!
//! A run can move up by one where the line above it equals its own last line, and down by one
//! where the line below equals its first. Git chooses among such places by looks.

/// Steps up, at most `max_steps`; `before` are the lines above the run.
pub(super) fn up(before: &[&[u8]], run: &[&[u8]], max_steps: usize) -> usize {
    if run.is_empty() {
        return 0;
    }
    // Read upward from the end of the run; past its start the text goes on in `before`.
    let upward = || run.iter().rev().chain(before.iter().rev());
    before.iter().rev().zip(upward()).take(max_steps).take_while(|(above, last)| above == last).count()
}

/// Steps down, at most `max_steps`; `after` are the lines below the run.
pub(super) fn down(run: &[&[u8]], after: &[&[u8]], max_steps: usize) -> usize {
    if run.is_empty() {
        return 0;
    }
    let downward = || run.iter().chain(after);
    after.iter().zip(downward()).take(max_steps).take_while(|(below, first)| below == first).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_slides_while_the_text_repeats() {
        let lines = |text: &'static str| text.split_inclusive(' ').map(str::as_bytes).collect::<Vec<_>>();
        assert_eq!(up(&lines("a b c b "), &lines("c b "), 9), 3);
        assert_eq!(up(&lines("a b c b "), &lines("c b "), 2), 2);
        assert_eq!(up(&lines("a "), &lines("b "), 9), 0);
        assert_eq!(down(&lines("a b "), &lines("a b a x "), 9), 3);
        assert_eq!(down(&lines("a "), &lines("b "), 9), 0);
        assert_eq!(down(&[], &lines("b "), 9), 0);
    }
}
