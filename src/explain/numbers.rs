//! Numbers as people say them, and names as they may be shown.

use std::fmt::{self, Display};

use crate::change::is_unseen;
use crate::change::secrets::redact;

/// Characters of a name or a value that are shown.
const MAX_SHOWN: usize = 120;

/// What comes from the change, between backticks: on one line, without a backtick, a control character
/// or one that nobody sees, and not too long. Secrets are masked: paths hold some, too.
pub(super) fn quoted(name: &str) -> String {
    let name = redact(name);
    let clean = |c: char| match c {
        '`' => '\'',
        c if c.is_control() || is_unseen(c) => '\u{fffd}',
        c => c,
    };
    let mut text: String = name.chars().map(clean).take(MAX_SHOWN).collect();
    if name.chars().count() > MAX_SHOWN {
        text.push('…');
    }
    format!("`{text}`")
}

/// A probability as people say it: one in how many, from a third on in percent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Chance {
    /// So many in a hundred.
    InHundred(f64),
    /// One in so many.
    OneIn(f64),
    /// Less than anybody can tell.
    Hardly,
}

impl Chance {
    pub(super) fn of(probability: f64) -> Self {
        match probability {
            p if p >= 1.0 / 3.0 => Self::InHundred(100.0 * p),
            p if p > 1e-5 => Self::OneIn(1.0 / p),
            _ => Self::Hardly,
        }
    }

    /// "about 1 in 7", as the subject of a sentence with its verb: one goes wrong, several go.
    pub(super) fn going(self) -> String {
        let verb = if matches!(self, Self::OneIn(_)) { "goes" } else { "go" };
        format!("{self} {verb}")
    }

    /// "1 in 7".
    pub(super) fn bare(self) -> String {
        match self {
            Self::InHundred(n) => format!("{} in 100", whole(n)),
            Self::OneIn(n) => format!("1 in {}", rounded(n)),
            Self::Hardly => "less than 1 in 100,000".to_owned(),
        }
    }
}

/// "about 1 in 7".
impl Display for Chance {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let about = if *self == Self::Hardly { "" } else { "about " };
        write!(formatter, "{about}{}", self.bare())
    }
}

/// A count of things with two leading digits at most: 7, 48, 120, 1,300.
pub(super) fn rounded(value: f64) -> String {
    let step = 10_f64.powf((value.max(1.0).log10().floor() - 1.0).max(0.0));
    thousands((value / step).round() * step)
}

/// A whole number with separators.
pub(super) fn thousands(value: f64) -> String {
    let digits = whole(value.abs());
    let mut text = String::new();
    for (idx, digit) in digits.chars().enumerate() {
        if idx > 0 && (digits.len() - idx).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    if value < -0.5 { format!("-{text}") } else { text }
}

/// At most two digits after the point, none that say nothing.
pub(super) fn plain(value: f64) -> String {
    match value.abs() {
        v if v >= 1_000.0 => thousands(value),
        v if v >= 100.0 || (v - v.round()).abs() < 0.005 => whole(value),
        v if v >= 10.0 => trimmed(format!("{value:.1}")),
        _ => trimmed(format!("{value:.2}")),
    }
}

/// "2.3 times" for a factor of 1 or more and for its inverse.
pub(super) fn times(factor: f64) -> String {
    let factor = if factor < 1.0 { 1.0 / factor } else { factor };
    if factor >= 10.0 { rounded(factor) } else { trimmed(format!("{factor:.1}")) }
}

const HOURS_PER_YEAR: f64 = 365.25 * 24.0;

/// A span in its natural unit: "40 minutes", "5 hours", "412 days", "4 years".
pub fn span_hours(hours: f64) -> String {
    match hours {
        h if h < 1.0 / 60.0 => "less than a minute".to_owned(),
        h if h < 1.5 => counted((h * 60.0).round(), "minute"),
        h if h < 48.0 => counted(h.round(), "hour"),
        h if h < 2.0 * HOURS_PER_YEAR => counted((h / 24.0).round(), "day"),
        h => counted((h / HOURS_PER_YEAR).round(), "year"),
    }
}

/// "1 file", "3 files".
pub(super) fn counted(n: f64, noun: &str) -> String {
    let plural = if (n - 1.0).abs() < 0.005 { "" } else { "s" };
    [&plain(n), " ", noun, plural].concat()
}

/// Percent with its sign: "5 %".
pub(super) fn percent(value: f64) -> String {
    format!("{} %", plain(value))
}

/// A stage of a rollout: "25 % for an hour", and the last one, which nobody waits behind: "100 %".
pub fn stage_said(percent: u8, bake_seconds: u64) -> String {
    match bake_seconds {
        0 => format!("{percent} %"),
        seconds => format!("{percent} % for {}", span_hours(seconds as f64 / 3_600.0)),
    }
}

/// A share of a whole: "43 %", and "< 1 %" rather than none of it.
pub fn share_percent(share: f64) -> String {
    if share > 0.0 && share < 0.01 { "< 1 %".to_owned() } else { format!("{:.0} %", 100.0 * share) }
}

/// A sentence with a capital at its beginning; a name between backticks stays as it is.
pub(super) fn upper_first(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// No digit after the point. Most numbers here are whole ones, and digits of an integer are cheap to write.
pub(super) fn whole(value: f64) -> String {
    const LIMIT: f64 = 1e15;
    if value.fract() == 0.0 && value.abs() < LIMIT {
        (value as i64).to_string()
    } else {
        format!("{value:.0}")
    }
}

fn trimmed(text: String) -> String {
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::change::UNSEEN;

    #[test]
    fn a_name_shows_whatever_is_hidden_in_it() {
        assert_eq!(quoted("a`\nb"), "`a'\u{fffd}b`");
        UNSEEN.iter().for_each(|c| assert_eq!(quoted(&format!("a{c}b")), "`a\u{fffd}b`", "{c:?}"));
    }

    #[test]
    fn chances_are_said_as_one_in_so_many() {
        let cases = [
            (0.5, "about 50 in 100"),
            (0.137, "about 1 in 7"),
            (0.021, "about 1 in 48"),
            (0.00072, "about 1 in 1,400"),
            (0.0, "less than 1 in 100,000"),
        ];
        cases.iter().for_each(|(p, text)| assert_eq!(&Chance::of(*p).to_string(), text));
        let going = [0.5, 0.137, 0.0].map(|p| Chance::of(p).going());
        assert_eq!(going, ["about 50 in 100 go", "about 1 in 7 goes", "less than 1 in 100,000 go"]);
        assert_eq!(
            [0.5, 0.137, 0.0].map(|p| Chance::of(p).bare()),
            ["50 in 100", "1 in 7", "less than 1 in 100,000"]
        );
    }

    #[test]
    fn spans_are_said_in_their_natural_unit() {
        let cases = [
            (0.001, "less than a minute"),
            (0.5, "30 minutes"),
            (1.6, "2 hours"),
            (9_888.0, "412 days"),
            (35_208.0, "4 years"),
        ];
        cases.iter().for_each(|(hours, text)| assert_eq!(&span_hours(*hours), text));
        assert_eq!(counted(1.0, "file"), "1 file");
        assert_eq!(plain(2.50), "2.5");
        assert_eq!(times(0.1), "10");
        assert_eq!(percent(2.5), "2.5 %");
        assert_eq!([7.0, -7.0, 2.5, 1e300].map(|value| whole(value).len()), [1, 2, 1, 301]);
    }
}
