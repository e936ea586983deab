//! How often changes that use the same words went wrong, word by word, from hashes alone.

use crate::features::schema::{FeatureSpec, Unit};
use crate::features::spread::Spread;
use crate::history::{Footprint, History, TokenKind};

/// The weight of the base rate in a token's smoothed rate, in changes.
const SMOOTHING: f64 = 10.0;
/// A change's most telling tokens that are averaged.
const N_TOP: usize = 5;

/// What the token features read: how often changes that use these words went wrong.
pub struct TokenFacts {
    all: Option<Spread>,
    top: Option<f64>,
    bottom: Option<f64>,
    by_kind: [Option<Spread>; 4],
    n_rare: f64,
    n_new: f64,
}

pub(super) const FEATURES: &[FeatureSpec] = &[
    FeatureSpec::new(
        "token_lift_mean",
        Unit::LogRatio,
        "How often changes that use these words went wrong, on average over the words",
        |f| Some(f.tokens.all?.mean),
    )
    .rising(),
    FeatureSpec::new("token_lift_top", Unit::LogRatio, "The same, of the five worst words", |f| f.tokens.top)
        .rising(),
    FeatureSpec::new("token_lift_bottom", Unit::LogRatio, "The same, of the five safest words", |f| {
        f.tokens.bottom
    })
    .rising(),
    FeatureSpec::new(
        "token_lift_added",
        Unit::LogRatio,
        "The same, on average over the words of added lines",
        |f| Some(f.tokens.by_kind[TokenKind::Added as usize]?.mean),
    )
    .rising(),
    FeatureSpec::new(
        "token_lift_deleted",
        Unit::LogRatio,
        "The same, on average over the words of deleted lines",
        |f| Some(f.tokens.by_kind[TokenKind::Deleted as usize]?.mean),
    )
    .rising(),
    FeatureSpec::new(
        "token_lift_path",
        Unit::LogRatio,
        "The same, on average over the words of the paths",
        |f| Some(f.tokens.by_kind[TokenKind::Path as usize]?.mean),
    )
    .rising(),
    FeatureSpec::new(
        "token_lift_message",
        Unit::LogRatio,
        "The same, on average over the words of the title",
        |f| Some(f.tokens.by_kind[TokenKind::Message as usize]?.mean),
    )
    .rising(),
    FeatureSpec::new("token_lift_message_max", Unit::LogRatio, "The same, of the title's worst word", |f| {
        Some(f.tokens.by_kind[TokenKind::Message as usize]?.max)
    })
    .rising(),
    FeatureSpec::new("token_new_share", Unit::Share, "Share of the words never seen here", |f| {
        Some(f.tokens.n_new)
    }),
    FeatureSpec::new(
        "token_rare_share",
        Unit::Share,
        "Share of the words seen less than five times here",
        |f| Some(f.tokens.n_rare),
    ),
];

impl TokenFacts {
    pub(super) fn of(footprint: &Footprint, history: &History, base_rate: f64) -> Self {
        let kinds = [TokenKind::Added, TokenKind::Deleted, TokenKind::Path, TokenKind::Message];
        let by_kind = kinds.map(|kind| history.token_lifts(footprint, kind, base_rate, SMOOTHING));
        let mut all = by_kind.concat();
        all.sort_unstable_by(f64::total_cmp);
        let n_seen: Vec<f64> = footprint
            .tokens
            .iter()
            .flatten()
            .map(|&token| history.tokens.n_seen(token, footprint.t))
            .collect();
        let share_below =
            |limit: f64| n_seen.iter().filter(|&&n| n < limit).count() as f64 / n_seen.len().max(1) as f64;
        Self {
            top: mean_of(all.iter().rev().take(N_TOP)),
            bottom: mean_of(all.iter().take(N_TOP)),
            all: Spread::of(all.iter().copied()),
            by_kind: by_kind.map(Spread::of),
            n_rare: share_below(5.0),
            n_new: share_below(0.5),
        }
    }
}

fn mean_of<'a>(values: impl Iterator<Item = &'a f64>) -> Option<f64> {
    Spread::of(values.copied()).map(|spread| spread.mean)
}
