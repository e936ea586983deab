//! The short ways must come to the result of the long one.

use proptest::prelude::*;

use super::xdiff;
use crate::change::Hunk;
use crate::git::content::Bytes;

fn hunks(old: &str, new: &str) -> Vec<Hunk> {
    let bytes = |text: &str| Bytes::Made(std::rc::Rc::from(text.as_bytes()));
    super::hunks(&bytes(old), &bytes(new)).unwrap()
}

fn check(old: &str, new: &str) {
    assert_eq!(hunks(old, new), xdiff::hunks(old.as_bytes(), new.as_bytes()).unwrap());
}

#[test]
fn small_texts_of_every_shape_are_compared_as_git_does() {
    let texts = ["", "a", "a\n", "a\nb", "a\nb\n", "b\na\n", "a\n\n", "a\r\n", "x\na\nb\na\nb\ny\n", "ab\n"];
    for old in texts {
        for new in texts {
            check(old, new);
        }
    }
}

#[test]
fn a_change_far_inside_a_large_text_keeps_its_line_numbers() {
    let line = |idx: usize| format!("key_{idx}: {}\n", idx % 7);
    let old: String = (0..5_000).map(line).collect();
    check(&old, &old.replace("key_2500: 1", "key_2500: on"));
    check(&old, &old.replace("key_2500: 1\n", ""));
    check(&old, &old.replace("key_2500: 1\nkey_2501: 2\n", "key_2501: 2\nkey_2500: 1\n"));
    check(&old, &old.replace("key_4999: 1\n", "key_4999: 1"));
}

#[test]
fn a_run_that_can_slide_through_half_the_text_is_left_to_git() {
    let old = "a\n".repeat(2_000) + "b\n";
    check(&old, &("a\n".to_owned() + &old));
    check(&("x\n".to_owned() + &old), &("x\na\na\n".to_owned() + &old));
}

/// Blocks as configuration has them: names, repeated braces, blank lines, deep and flat.
fn block(kind: u8, idx: usize) -> String {
    match kind % 6 {
        0 => format!("\t'wiki{}' => [\n\t\t'on' => true,\n\t],\n", idx % 40),
        1 => "\n".to_owned(),
        2 => format!("name: n{}\nenabled: false\n", idx % 9),
        3 => "}\n".to_owned(),
        4 => format!("  - item{}\n", idx % 3),
        _ => format!("    unique_{idx}: 1\n"),
    }
}

/// One edit: where, how many blocks go, which come.
type Edit = (prop::sample::Index, usize, Vec<u8>);

fn edit(blocks: &mut Vec<String>, (at, n_gone, come): &Edit) {
    let start = at.index(blocks.len() + 1);
    let end = (start + n_gone).min(blocks.len());
    let come = come.iter().enumerate().map(|(idx, kind)| block(*kind, idx + start));
    blocks.splice(start..end, come);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn any_edits_of_a_long_text_are_compared_as_git_does(
        kinds in prop::collection::vec(any::<u8>(), 200..2_500),
        edits in prop::collection::vec(
            (any::<prop::sample::Index>(), 0_usize..6, prop::collection::vec(any::<u8>(), 0..6)),
            1..4,
        ),
        is_local in any::<bool>(),
        ends_open in any::<bool>(),
    ) {
        let mut blocks: Vec<String> = kinds.iter().enumerate().map(|(idx, kind)| block(*kind, idx)).collect();
        let old = blocks.concat();
        // Edits close together share lines within a small middle; edits far apart do not.
        let n_near = if is_local { 30.min(blocks.len()) } else { blocks.len() };
        let mut tail = blocks.split_off(blocks.len() - n_near);
        edits.iter().for_each(|one| edit(&mut tail, one));
        let mut new = blocks.concat() + &tail.concat() + &old[old.len() / 2..];
        if ends_open {
            new.pop();
        }
        let old = old.clone() + &old[old.len() / 2..];
        prop_assert_eq!(hunks(&old, &new), xdiff::hunks(old.as_bytes(), new.as_bytes()).unwrap());
    }
}
