//! A sign of life on stderr while something takes long; silent where nobody looks at a terminal.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A line on the terminal that shows that something goes on; nothing when stderr is no terminal.
pub struct Progress(ProgressBar);

impl Progress {
    /// Starts a line that counts, without a known end.
    pub fn start(doing: &str) -> Self {
        Self::with_template(doing, "{spinner} {prefix}  {human_pos}  {per_sec}  {elapsed}")
    }

    /// Starts a line that says only what is waited for, and for how long.
    pub fn wait(doing: &str) -> Self {
        Self::with_template(doing, "{spinner} {prefix}  {elapsed}")
    }

    fn with_template(doing: &str, template: &str) -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        let style = ProgressStyle::with_template(template);
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
        bar.set_prefix(doing.to_owned());
        bar.enable_steady_tick(Duration::from_millis(200));
        Self(bar)
    }

    /// Shows how far it is.
    pub fn at(&self, position: usize) {
        self.0.set_position(position as u64);
    }

    /// Takes the line away.
    pub fn end(self) {
        self.0.finish_and_clear();
    }
}
