//! Which of many texts stand somewhere in many lines, told in one pass over them: a change may take away a thousand things, each
//! of which may live on in any of its lines. Start at [`found_in`].

use std::cmp::Reverse;

use rustc_hash::{FxHashMap, FxHashSet};

/// Bytes of texts that are looked for in one pass, so that a change made for it fills no memory.
const MAX_PASS: usize = 1 << 20;

/// Those of the texts that a line holds.
pub(super) fn found_in<L: AsRef<str>>(
    texts: FxHashSet<String>,
    lines: impl Iterator<Item = L> + Clone,
) -> FxHashSet<String> {
    let mut found = FxHashSet::default();
    let (mut pass, mut n_bytes) = (Vec::new(), 0);
    for text in texts {
        n_bytes += text.len();
        pass.push(text);
        if n_bytes > MAX_PASS {
            found.extend(Sought::new(std::mem::take(&mut pass)).found_in(lines.clone()));
            n_bytes = 0;
        }
    }
    found.extend(Sought::new(pass).found_in(lines));
    found
}

/// The texts as one automaton (Aho and Corasick, "Efficient string matching", 1975): a node for each of their beginnings.
struct Sought {
    texts: Vec<String>,
    nodes: Vec<Node>,
    next: FxHashMap<(usize, u8), usize>,
}

#[derive(Default)]
struct Node {
    depth: usize,
    /// The node above, and the byte that leads here from there.
    above: usize,
    byte: u8,
    /// The node of the longest other end of this beginning that is one, too.
    shorter: usize,
    /// The first node on the way of `shorter` at which a text ends.
    shorter_end: usize,
    /// Position of the text that ends here.
    text_idx: Option<usize>,
    is_found: bool,
}

/// The node of no byte; there is no way on from it to a shorter one.
const ROOT: usize = 0;

impl Sought {
    fn new(texts: Vec<String>) -> Self {
        let mut sought = Self { texts: Vec::new(), nodes: vec![Node::default()], next: FxHashMap::default() };
        texts.iter().enumerate().for_each(|(text_idx, text)| sought.insert(text_idx, text));
        sought.texts = texts;
        sought.link();
        sought
    }

    fn insert(&mut self, text_idx: usize, text: &str) {
        let mut at = ROOT;
        for (depth, byte) in text.bytes().enumerate() {
            let new = self.nodes.len();
            let below = *self.next.entry((at, byte)).or_insert(new);
            if below == new {
                self.nodes.push(Node { depth: depth + 1, above: at, byte, ..Node::default() });
            }
            at = below;
        }
        self.nodes[at].text_idx = Some(text_idx);
    }

    /// Tells every node its shorter ones, those of short beginnings first.
    fn link(&mut self) {
        let mut order: Vec<usize> = (1..self.nodes.len()).collect();
        order.sort_unstable_by_key(|at| Reverse(self.nodes[*at].depth));
        while let Some(at) = order.pop() {
            let Node { above, byte, depth, .. } = self.nodes[at];
            let shorter = if depth == 1 { ROOT } else { self.step(self.nodes[above].shorter, byte) };
            let Node { text_idx, shorter_end, .. } = self.nodes[shorter];
            self.nodes[at].shorter = shorter;
            self.nodes[at].shorter_end = if text_idx.is_some() { shorter } else { shorter_end };
        }
    }

    /// The node after one more byte.
    fn step(&self, mut at: usize, byte: u8) -> usize {
        loop {
            match self.next.get(&(at, byte)) {
                Some(below) => return *below,
                None if at == ROOT => return ROOT,
                None => at = self.nodes[at].shorter,
            }
        }
    }

    fn found_in<L: AsRef<str>>(mut self, mut lines: impl Iterator<Item = L>) -> Vec<String> {
        let begins: FxHashSet<u8> = self.texts.iter().filter_map(|text| text.bytes().next()).collect();
        let begins: [bool; 256] = std::array::from_fn(|byte| begins.contains(&(byte as u8)));
        let mut n_left = self.texts.len();
        while n_left > 0
            && let Some(line) = lines.next()
        {
            // A text of nothing stands in every line.
            n_left -= self.mark(ROOT);
            let mut at = ROOT;
            for byte in line.as_ref().bytes() {
                if n_left == 0 {
                    break;
                }
                if at != ROOT || begins[usize::from(byte)] {
                    at = self.step(at, byte);
                    n_left -= self.mark(at);
                }
            }
        }
        let Self { texts, nodes, .. } = self;
        let is_found: FxHashSet<usize> =
            nodes.iter().filter(|node| node.is_found).filter_map(|node| node.text_idx).collect();
        texts
            .into_iter()
            .enumerate()
            .filter(|(idx, _)| is_found.contains(idx))
            .map(|(_, text)| text)
            .collect()
    }

    /// Marks the texts that end at a node, and tells how many were not marked before. Those below a marked one are marked.
    fn mark(&mut self, mut at: usize) -> usize {
        let mut n_new = 0;
        while let Some(node) = self.nodes.get_mut(at).filter(|node| !node.is_found) {
            if node.text_idx.is_some() {
                (node.is_found, n_new) = (true, n_new + 1);
            }
            if at == ROOT || node.shorter_end == ROOT {
                break;
            }
            at = node.shorter_end;
        }
        n_new
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_found_is_what_a_look_for_each_text_finds() {
        // All texts of up to four letters of two, and lines that hold some of them.
        let mut texts = vec![String::new()];
        for idx in 0..15 {
            let longer = ["a", "b"].map(|letter| texts[idx].clone() + letter);
            texts.extend(longer);
        }
        texts.extend(["ä", "äa", "kind: Namespace"].map(str::to_owned));
        for lines in [
            vec![],
            vec![""],
            vec!["aab", "ba"],
            vec!["abab"],
            vec!["bbbbbb", "a"],
            vec!["xäab", "x kind: Namespaces"],
            vec!["kind: kind: Namespac", "aabba"],
        ] {
            let expected = texts.iter().filter(|text| lines.iter().any(|line| line.contains(text.as_str())));
            let found = found_in(texts.iter().cloned().collect(), lines.iter());
            assert_eq!(found, expected.cloned().collect(), "{lines:?}");
        }
    }

    #[test]
    fn texts_of_several_passes_are_all_found() {
        let texts: Vec<String> = (0..3).map(|n| format!("{}{n}", "x".repeat(MAX_PASS / 2 + 1))).collect();
        let found = found_in(texts.iter().cloned().collect(), [&texts[0], &texts[2]].into_iter());
        assert_eq!(found, [&texts[0], &texts[2]].into_iter().cloned().collect());
    }
}
