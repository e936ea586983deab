//! What goes to stdout, one document or tables, and notes and complaints on stderr. A reader who goes away changes no exit
//! code; an answer that is lost does. Start at [`print`].

use std::io::{ErrorKind, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use clap::Args;
use serde::Serialize;

/// Width of tables and texts for people.
pub const WIDTH: usize = 100;

/// How a subcommand answers.
#[derive(Clone, Copy, Debug, Args)]
pub struct OutputArgs {
    /// Print one JSON document instead of tables
    #[arg(long)]
    pub json: bool,
}

/// Writes a text to stdout; styled on a terminal.
pub fn print_text(styled: &str, plain: &str) {
    print(if is_colorful() { styled } else { plain });
}

/// Whether stdout is a terminal whose user did not ask for letters only: `NO_COLOR` that is not empty
/// (no-color.org), or a terminal that knows no colors.
pub fn is_colorful() -> bool {
    let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let is_dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    std::io::stdout().is_terminal() && !is_set("NO_COLOR") && !is_dumb
}

/// Whether some of the answer could not be written.
static IS_LOST: AtomicBool = AtomicBool::new(false);

/// Writes a text to stdout. A reader who stopped reading is no failure and must not change the exit
/// code, which may be a verdict; a text that nobody can read any more, because the disk is full, is one ([`is_lost`]).
pub fn print(text: &str) {
    let mut stdout = std::io::stdout().lock();
    let end = if text.ends_with('\n') { "" } else { "\n" };
    let mut put = |text: &str| stdout.write_all(text.as_bytes());
    if let Err(error) = put(text).and_then(|()| put(end)).and_then(|()| stdout.flush())
        && error.kind() != ErrorKind::BrokenPipe
        && !IS_LOST.swap(true, Ordering::Relaxed)
    {
        complain(&format!("the answer cannot be written: {error}"));
    }
}

/// Whether some of the answer could not be written for another reason than a reader who stopped reading.
pub fn is_lost() -> bool {
    IS_LOST.load(Ordering::Relaxed)
}

/// A line broken at its spaces to [`WIDTH`], what follows the first indented by two; a word that is
/// wider stays whole, so that it can be copied.
pub fn wrapped(line: &str) -> String {
    let (mut text, mut n) = (String::new(), 0);
    for (idx, word) in line.split(' ').enumerate() {
        if idx > 0 && n + 1 + n_chars(word) > WIDTH {
            text.push_str("\n ");
            n = 1;
        }
        if idx > 0 {
            text.push(' ');
            n += 1;
        }
        text.push_str(word);
        n += n_chars(word);
    }
    text
}

/// Writes one JSON document to stdout.
pub fn print_json(document: &impl Serialize) -> anyhow::Result<()> {
    print(&serde_json::to_string_pretty(document)?);
    Ok(())
}

/// Says something on stderr that is not the answer.
pub fn note(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// Says on stderr why the command ended.
pub fn complain(text: &str) {
    note(&format!("error: {text}"));
}

/// A column is cut to no less than this.
const MIN_COLUMN: usize = 8;

/// A table for people: columns as wide as their cells, numbers to the right, the widest columns cut
/// where the whole would be wider than [`WIDTH`].
pub struct Table {
    header: Vec<String>,
    /// How many of the first columns are never cut.
    n_whole: usize,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with these columns.
    pub fn new(header: &[&str]) -> Self {
        Self { header: header.iter().map(|name| (*name).to_owned()).collect(), n_whole: 0, rows: Vec::new() }
    }

    /// Never cuts the first `n_whole` columns.
    pub fn keeping(self, n_whole: usize) -> Self {
        Self { n_whole, ..self }
    }

    /// Adds a row with one cell a column.
    pub fn push(&mut self, row: Vec<String>) {
        debug_assert_eq!(row.len(), self.header.len());
        self.rows.push(row);
    }

    /// The text, one line a row.
    pub fn render(&self) -> String {
        let widths = self.widths();
        let mut text = String::new();
        for row in std::iter::once(&self.header).chain(&self.rows) {
            let cells = row.iter().zip(&widths).enumerate();
            let cells: Vec<String> = cells.map(|(idx, (cell, width))| self.cell(idx, cell, *width)).collect();
            text.push_str(cells.join("  ").trim_end());
            text.push('\n');
        }
        text
    }

    fn widths(&self) -> Vec<usize> {
        let rows = || std::iter::once(&self.header).chain(&self.rows);
        let widest = |idx: usize| rows().filter_map(|row| row.get(idx)).map(|cell| n_chars(cell)).max();
        let mut widths: Vec<usize> = (0..self.header.len()).map(|idx| widest(idx).unwrap_or(0)).collect();
        let gaps = 2 * widths.len().saturating_sub(1);
        let excess = (widths.iter().sum::<usize>() + gaps).saturating_sub(WIDTH);
        for _ in 0..excess {
            let widest = widths.iter_mut().skip(self.n_whole).max();
            let Some(widest) = widest.filter(|width| **width > MIN_COLUMN) else { break };
            *widest -= 1;
        }
        widths
    }

    fn cell(&self, idx: usize, cell: &str, width: usize) -> String {
        let cell = cut(cell, width);
        if self.is_numeric(idx) { format!("{cell:>width$}") } else { format!("{cell:<width$}") }
    }

    fn is_numeric(&self, idx: usize) -> bool {
        let is_number = |cell: &String| {
            cell.is_empty() || cell == "–" || cell.trim_end_matches(" %").parse::<f64>().is_ok()
        };
        self.rows.iter().all(|row| row.get(idx).is_some_and(is_number))
    }
}

fn n_chars(text: &str) -> usize {
    text.chars().count()
}

/// A text in at most so many characters; what is cut off shows as `…`.
fn cut(text: &str, width: usize) -> String {
    let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    if n_chars(&text) <= width {
        return text;
    }
    text.chars().take(width.saturating_sub(1)).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_line_goes_on_below_itself() {
        assert_eq!(wrapped("- short"), "- short");
        let long = wrapped(&format!("- {}", ["words"; 40].join(" ")));
        let lines: Vec<&str> = long.lines().collect();
        assert!(lines.len() == 3 && lines.iter().all(|line| n_chars(line) <= WIDTH), "{long}");
        assert!(lines[0].starts_with("- words") && lines[1].starts_with("  words"), "{long}");
        let path = "x".repeat(150);
        assert_eq!(wrapped(&format!("in {path} of")), format!("in\n  {path}\n  of"));
    }

    #[test]
    fn a_table_is_no_wider_than_the_page_and_numbers_stand_right() {
        let mut table = Table::new(&["name", "share", "text"]);
        table.push(vec!["a".into(), "10".into(), "x".repeat(200)]);
        table.push(vec!["longer".into(), "2.5".into(), "tab\there".into()]);
        let text = table.render();
        assert!(text.lines().all(|line| n_chars(line) <= WIDTH));
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[0].starts_with("name    share  text"));
        assert!(lines[1].starts_with("a          10  xxx") && lines[1].ends_with('…'));
        assert!(lines[2].ends_with("tab here"));
    }

    #[test]
    fn what_is_to_be_kept_is_whole_and_the_others_share_what_is_left() {
        let mut table = Table::new(&["id", "repo", "change"]).keeping(1);
        table.push(vec!["i".repeat(80), "r".repeat(30), "c".repeat(20)]);
        let text = table.render();
        let row = text.lines().nth(1).unwrap();
        assert_eq!(row, format!("{}  {}…  {}…", "i".repeat(80), "r".repeat(7), "c".repeat(7)));
        assert_eq!(n_chars(row), WIDTH);
    }
}
