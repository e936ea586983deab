//! The path of open keys while the lines of a hunk go by.

/// Open keys, outermost first, kept as one string that grows and shrinks.
#[derive(Debug, Default)]
pub(super) struct Scope {
    path: String,
    frames: Vec<Frame>,
    /// Whether the line before was a bracket that opens an element of a list.
    pub(super) opens_element: bool,
}

#[derive(Debug)]
struct Frame {
    pos: u32,
    len_before: usize,
    is_identity: bool,
}

/// Deepest nesting that is followed; deeper keys are flattened into the last.
pub(super) const MAX_DEPTH: usize = 64;
/// Longest path that is kept, in bytes.
pub(super) const MAX_PATH: usize = 400;

impl Scope {
    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        self.path.clear();
        self.frames.clear();
        self.opens_element = false;
    }

    /// Closes all keys at `pos` or deeper.
    pub(super) fn close(&mut self, pos: u32) {
        while let Some(frame) = self.frames.last()
            && frame.pos >= pos
        {
            self.path.truncate(frame.len_before);
            self.frames.pop();
        }
    }

    /// Opens a key at `pos`.
    pub(super) fn open(&mut self, pos: u32, key: &str) {
        self.push(pos, key, false);
    }

    /// Opens an element of a list that is known by its name.
    pub(super) fn open_identity(&mut self, pos: u32, name: &str) {
        self.push(pos, name, true);
    }

    fn push(&mut self, pos: u32, key: &str, is_identity: bool) {
        if self.frames.len() >= MAX_DEPTH || self.path.len() + key.len() > MAX_PATH {
            return;
        }
        let len_before = self.path.len();
        append_key(&mut self.path, key);
        self.frames.push(Frame { pos, len_before, is_identity });
    }

    /// The path of open keys.
    pub(super) fn path(&self) -> &str {
        &self.path
    }

    /// Whether the innermost open key is the name of a list element.
    pub(super) fn in_identity(&self) -> bool {
        self.frames.last().is_some_and(|frame| frame.is_identity)
    }

    /// Position of the innermost open key, 0 where none is.
    pub(super) fn depth(&self) -> u32 {
        self.frames.last().map_or(0, |frame| frame.pos)
    }

    /// Where the last component of the path starts.
    pub(super) fn leaf_at(&self) -> usize {
        self.frames.last().map_or(0, |frame| if frame.len_before == 0 { 0 } else { frame.len_before + 1 })
    }
}

/// Appends a key to a dotted path and gives where its last component starts: `$a['b']["c"]` becomes
/// `a.b.c`, the words of a block's header are joined with dots.
pub(super) fn append_key(path: &mut String, key: &str) -> usize {
    if !path.is_empty() {
        path.push('.');
    }
    let mut leaf_at = path.len();
    if !key.bytes().any(|b| matches!(b, b'\'' | b'"' | b'$' | b'[' | b' ' | b'{' | b'\t')) {
        path.push_str(truncated(key));
        return leaf_at;
    }
    let mut pending = false;
    for c in truncated(key).chars() {
        match c {
            '\'' | '"' | '$' | ']' | '{' | '}' => {}
            '[' | ' ' | '\t' => pending = path.len() > leaf_at,
            _ => {
                if std::mem::take(&mut pending) {
                    path.push('.');
                    leaf_at = path.len();
                }
                path.push(c);
            }
        }
    }
    leaf_at
}

fn truncated(key: &str) -> &str {
    let end = key.len().min(MAX_PATH);
    key.get(..key.floor_char_boundary(end)).unwrap_or("")
}
