//! Cells of tables: rows of a CSV or TSV file that became others, column by column. For rules; the model's features
//! read such files as lists of lines.

use rustc_hash::FxHashMap;

use crate::change::keys::collect::{Entry, Sort};
use crate::change::keys::scope::append_key;
use crate::change::keys::texts::MAX_INNER_PATH;
use crate::change::keys::{emit, value};
use crate::change::{FileDiff, Hunk, KeyChange, LineOrigin};

/// Most cells of a row that are read.
const MAX_CELLS: usize = 64;

/// Adds an edit for every cell of a row that is still there under its first cell; of a column the first line of the
/// file, where the hunk shows it, is the name.
pub(super) fn cells(file_diff: &FileDiff, out: &mut Vec<KeyChange>) {
    let path = file_diff.path();
    let separator = match path.rsplit_once('.') {
        Some((_, "csv")) => [',', ';'].as_slice(),
        Some((_, "tsv")) => &['\t'],
        _ => return,
    };
    for (hunk_idx, hunk) in file_diff.hunks().iter().enumerate() {
        hunk_cells(hunk_idx, hunk, separator, out);
    }
}

fn hunk_cells(hunk_idx: usize, hunk: &Hunk, separator: &[char], out: &mut Vec<KeyChange>) {
    let rows = |origin| {
        let lines = hunk.lines.iter().enumerate().filter(move |(_, line)| line.origin == origin);
        lines.map(|(idx, line)| (idx, row(&line.text, separator)))
    };
    let header = hunk.lines.first().filter(|line| hunk.old_start <= 1 && line.origin == LineOrigin::Context);
    let header = header.map(|line| row(&line.text, separator)).unwrap_or_default();
    // A person or a service may have a row for each thing: the first cell alone names a row only where it does so once.
    let mut by_name: FxHashMap<&str, Option<Vec<&str>>> = FxHashMap::default();
    let mut by_two: FxHashMap<(&str, &str), Vec<&str>> = FxHashMap::default();
    for (_, cells) in rows(LineOrigin::Deleted) {
        let [name, second, ..] = cells.as_slice() else { continue };
        by_two.insert((name, second), cells.clone());
        by_name.entry(name).and_modify(|row| *row = None).or_insert(Some(cells));
    }
    for (line_idx, new) in rows(LineOrigin::Added).filter(|_| !by_two.is_empty()) {
        let [name, second, ..] = new.as_slice() else { continue };
        let of_name = || by_name.get(name).and_then(Option::as_ref);
        let Some(old) = by_two.get(&(*name, *second)).or_else(of_name) else { continue };
        if old.len() != new.len() {
            continue;
        }
        for (column, (old, new)) in old.iter().zip(&new).enumerate().filter(|(_, (old, new))| old != new) {
            let mut path = String::new();
            append_key(&mut path, name);
            let numbered = format!("column_{}", column + 1);
            let leaf_at = append_key(&mut path, header.get(column).copied().unwrap_or(&numbered));
            if path.len() > MAX_INNER_PATH {
                continue;
            }
            let at = (hunk_idx, line_idx);
            let side = |is_old, value| Entry::part(is_old, at, (&path, leaf_at), Sort::Pair, value);
            emit::edited(&side(true, old), &side(false, new), false, out);
        }
    }
}

/// The cells of a row without their quotes; of a line with more than 64 the first ones.
fn row<'a>(line: &'a str, separator: &[char]) -> Vec<&'a str> {
    line.split(separator).take(MAX_CELLS).map(|cell| value::clean(cell.trim())).collect()
}
