//! Words and numbers for people; text from outside is made inert before it is shown.

use std::fmt;

use crate::change::is_unseen;

/// Text that came from outside, safe to look at: markup is escaped by the template, and what a
/// reader could not see (control characters, marks that turn the direction of writing, zero-width
/// characters) stands as its code, `⟨U+202E⟩`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Shown(String);

impl Shown {
    /// The whole text.
    pub(super) fn new(text: &str) -> Self {
        let mut shown = String::with_capacity(text.len());
        for c in text.chars() {
            match c {
                '\t' => shown.push_str("    "),
                c if c.is_control() || is_unseen(c) => shown.push_str(&format!("⟨U+{:04X}⟩", u32::from(c))),
                c => shown.push(c),
            }
        }
        Self(shown)
    }

    /// At most `n_chars` characters of it, with an ellipsis where something was left out.
    pub(super) fn cut(text: &str, n_chars: usize) -> Self {
        match text.char_indices().nth(n_chars) {
            Some((at, _)) => Self(Self::new(&text[..at]).0 + "…"),
            None => Self::new(text),
        }
    }

    /// Whether there is nothing to show.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The inert text.
    #[cfg(test)]
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// A probability as odds: "about 1 in 7", "about 6 in 10", "less than 1 in 1,000".
pub(super) fn odds(probability: f64) -> String {
    match probability {
        p if p > 0.95 => "more than 19 in 20".into(),
        p if p >= 0.35 => format!("about {:.0} in 10", p * 10.0),
        p if p >= 0.001 => format!("about 1 in {}", grouped(two_digits(1.0 / p))),
        _ => "less than 1 in 1,000".into(),
    }
}

/// A count with two leading digits, as texts and comments say it: what is "about" has no third.
fn two_digits(value: f64) -> u64 {
    let step = 10_f64.powf((value.max(1.0).log10().floor() - 1.0).max(0.0));
    ((value / step).round() * step) as u64
}

/// A percentile as a rank among a hundred: 97.4 is 97; no change is riskier than all, itself included.
pub(super) fn rank_of_100(percentile: f64) -> u32 {
    percentile.clamp(0.0, 99.0).floor() as u32
}

/// A whole number with commas: 12,345.
pub(super) fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut shown = String::new();
    for (idx, digit) in digits.chars().enumerate() {
        if idx > 0 && (digits.len() - idx).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown
}

/// "1 file", "1,200 files".
pub(super) fn counted(n: usize, noun: &str) -> String {
    format!("{} {noun}{}", grouped(n as u64), if n == 1 { "" } else { "s" })
}

/// A share as percent, one digit after the point below ten.
pub(super) fn percent(share: f64) -> String {
    let percent = share * 100.0;
    if percent > 0.0 && percent < 9.95 && percent.fract() != 0.0 {
        format!("{percent:.1} %")
    } else {
        format!("{percent:.0} %")
    }
}

/// A span in the largest unit that fits: "3 min", "2 h", "40 days".
pub(super) fn span(seconds: i64) -> String {
    let (n, unit) = match seconds {
        s if s >= 2 * 86_400 => (s / 86_400, "days"),
        s if s >= 2 * 3_600 => (s / 3_600, "h"),
        s if s >= 60 => (s / 60, "min"),
        s => (s.max(0), "s"),
    };
    format!("{} {unit}", grouped(n.unsigned_abs()))
}

/// "3 min ago", "in 40 min", "just now".
pub(super) fn relative(seconds: i64, now: i64) -> String {
    match now - seconds {
        -9..=9 => "just now".into(),
        past if past > 0 => format!("{} ago", span(past)),
        future => format!("in {}", span(-future)),
    }
}

/// "Fri 27 Nov 2026, 17:55 UTC".
pub(super) fn moment(seconds: i64) -> String {
    jiff::Timestamp::from_second(seconds)
        .map_or_else(|_| "an unknown time".into(), |it| it.strftime("%a %-d %b %Y, %H:%M UTC").to_string())
}

/// "27 Nov 2026".
pub(super) fn date(seconds: i64) -> String {
    jiff::Timestamp::from_second(seconds)
        .map_or_else(|_| "an unknown day".into(), |it| it.strftime("%-d %b %Y").to_string())
}

/// "17:55".
pub(super) fn clock(seconds: i64) -> String {
    jiff::Timestamp::from_second(seconds)
        .map_or_else(|_| String::new(), |it| it.strftime("%H:%M").to_string())
}

/// "Today, Fri 27 Nov 2026" for the days that are near, the date alone for others; in UTC.
pub(super) fn day(seconds: i64, now: i64) -> String {
    let date = jiff::Timestamp::from_second(seconds)
        .map_or_else(|_| "An unknown day".into(), |it| it.strftime("%a %-d %b %Y").to_string());
    match now.div_euclid(86_400) - seconds.div_euclid(86_400) {
        0 => format!("Today, {date}"),
        1 => format!("Yesterday, {date}"),
        _ => date,
    }
}

/// A sentence with its moments, `2027-01-04T05:00:00Z`, as people write them; those in names stay as they are.
pub(super) fn with_moments(sentence: &str) -> String {
    const N_BYTES: usize = "2027-01-04T05:00:00Z".len();
    let word = |word: &str| {
        let (text, rest) = word.split_at_checked(N_BYTES).unwrap_or((word, ""));
        let is_moment = text.ends_with('Z') && !rest.starts_with(|c: char| c.is_alphanumeric());
        match seconds_of(text).filter(|_| is_moment) {
            Some(at) => moment(at) + rest,
            None => word.to_owned(),
        }
    };
    let words = |piece: &str| piece.split(' ').map(word).collect::<Vec<_>>().join(" ");
    let piece = |(idx, piece): (usize, &str)| if idx % 2 == 1 { piece.to_owned() } else { words(piece) };
    sentence.split('`').enumerate().map(piece).collect::<Vec<_>>().join("`")
}

/// The Unix seconds of an RFC 3339 text.
pub(super) fn seconds_of(text: &str) -> Option<i64> {
    text.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_second)
}

/// A machine word as people write it: `second_reviewer` is "second reviewer".
pub(super) fn plain(word: &str) -> Shown {
    Shown::cut(&word.replace('_', " "), 120)
}

/// "a, b and c".
pub(super) fn joined(parts: &[String]) -> String {
    match parts {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::change::UNSEEN;

    #[test]
    fn what_cannot_be_seen_stands_as_its_code() {
        for (text, shown) in [
            ("a\u{202e}b", "a⟨U+202E⟩b"),
            ("a\u{0}\u{1b}[31m", "a⟨U+0000⟩⟨U+001B⟩[31m"),
            ("a\tb\u{200b}", "a    b⟨U+200B⟩"),
            ("line\nline", "line⟨U+000A⟩line"),
            ("עברית é <b>", "עברית é <b>"),
        ] {
            assert_eq!(Shown::new(text).as_str(), shown);
        }
        for c in UNSEEN {
            let shown = Shown::new(&format!("a{c}b"));
            assert_eq!(shown.as_str(), format!("a⟨U+{:04X}⟩b", u32::from(c)));
        }
        assert_eq!(Shown::cut("äöü", 2).as_str(), "äö…");
        assert_eq!(Shown::cut("äöü", 3).as_str(), "äöü");
    }

    #[test]
    fn numbers_read_like_speech() {
        let odds_of = [
            (0.137, "about 1 in 7"),
            (0.0208, "about 1 in 48"),
            (0.0094, "about 1 in 110"),
            (0.6, "about 6 in 10"),
        ];
        assert!(odds_of.iter().all(|(p, words)| odds(*p) == *words));
        assert_eq!([odds(0.0), odds(f64::NAN), odds(1.0)].map(|it| it.len()), [20, 20, 18]);
        assert_eq!([grouped(7), grouped(1_234), grouped(1_234_567)].join(" "), "7 1,234 1,234,567");
        assert_eq!([percent(0.1), percent(0.004), percent(0.125)].join(" "), "10 % 0.4 % 12 %");
        assert_eq!(
            [relative(100, 100), relative(0, 7_300), relative(3_700, 0)].join(", "),
            "just now, 2 h ago, in 61 min"
        );
        assert_eq!(moment(1_795_802_100), "Fri 27 Nov 2026, 17:55 UTC");
        let until = "the window `2026-11-27T17:55:00Z é` holds until 2026-11-27T17:55:00Z; and ü";
        let said = "the window `2026-11-27T17:55:00Z é` holds until Fri 27 Nov 2026, 17:55 UTC; and ü";
        assert_eq!(with_moments(until), said);
        assert_eq!((rank_of_100(97.4), rank_of_100(100.0), rank_of_100(f64::NAN)), (97, 99, 0));
    }
}
