//! A feature's value as a sentence.

use crate::explain::numbers::{plain, span_hours, times};
use crate::features::{FeatureSpec, Unit, schema};
use crate::risk::Contribution;

/// A contribution in plain words: what was read, and its value.
pub fn sentence(contribution: &Contribution) -> String {
    let spec = schema().features.iter().find(|spec| spec.name == contribution.feature);
    match spec {
        Some(spec) => of_feature(spec, contribution.value),
        None if contribution.feature == "tokens" => "the words of the change and of its message".to_owned(),
        None => contribution.feature.clone(),
    }
}

fn of_feature(spec: &FeatureSpec, value: Option<f64>) -> String {
    let said = lower_first(spec.sentence);
    let Some(value) = value else { return format!("{said}: not known") };
    match spec.unit {
        Unit::Flag => {
            format!("{}: {}", said.trim_start_matches("whether "), if value > 0.5 { "yes" } else { "no" })
        }
        Unit::Share => format!("{said}: {} %", plain(100.0 * value)),
        Unit::Days => format!("{said}: {}", plain(value)),
        Unit::Hours if spec.sentence.starts_with("Hours since") => {
            format!("{}: {}", said.replacen("hours", "time", 1), span_hours(value))
        }
        Unit::LogRatio => {
            format!("{said}: {} times {}", times(value.exp()), if value < 0.0 { "less" } else { "more" })
        }
        Unit::Count | Unit::Hours | Unit::Bits | Unit::Rank => format!("{said}: {}", plain(value)),
    }
}

fn lower_first(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_lowercase().chain(chars).collect())
}
