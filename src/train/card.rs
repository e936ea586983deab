//! The model card in Markdown, made of the artifact's document and of nothing else, so that it cannot claim more.

use std::fmt::Write;

use jiff::Timestamp;

use crate::artifact::{Document, Source, TABLE};
use crate::features::is_custom;

/// The model card of an artifact, in Markdown (after Mitchell et al. 2019, "Model cards for model
/// reporting"): what it is for, what it was trained on, how it did, what it must not be used for.
pub fn model_card(document: &Document) -> String {
    let mut card = format!("# {}\n\n", document.name);
    put(&mut card, &format!("{}\n", headline(document)));
    document.notes.iter().for_each(|note| put(&mut card, &format!("**Note.** {note}\n")));
    let counted = if is_of_table(document) { "rows" } else { "changes" };
    put(
        &mut card,
        &format!(
            "## Trained on\n\n| source | unit | from | to | {counted} | positive |\n| --- | --- | --- | --- | --- | --- |"
        ),
    );
    for source in &document.sources {
        put(&mut card, &source_line(source, |moment| time_of(document, moment)));
    }
    if let Some(prior) = &document.prior {
        let excluded =
            if prior.excluded_sources.is_empty() { "nothing" } else { &prior.excluded_sources.join(", ") };
        put(
            &mut card,
            &format!("\nBlended with `{}` ({}), leaving out {excluded}.", prior.name, prior.digest),
        );
    }
    put(&mut card, "\n## Members\n\n| member | weight | columns |\n| --- | --- | --- |");
    for member in &document.scoring.ensemble.members {
        put(&mut card, &format!("| {} | {:.4} | {} |", member.name, member.weight, member.columns.len()));
    }
    if let Some(text) = &document.scoring.ensemble.text {
        put(&mut card, &format!("| tokens | {:.4} | hashed |", text.weight));
    }
    let custom = document.schema.iter().map(|feature_ref| &feature_ref.name).filter(|name| is_custom(name));
    let custom: Vec<String> = custom.map(|name| format!("`{name}`")).collect();
    if !custom.is_empty() {
        let said = "Every question must bring them; one without them gets a degraded answer.";
        put(&mut card, &format!("\n## Custom features\n\n{}. {said}", custom.join(", ")));
    }
    put_values(&mut card, "Parameters", &document.parameters);
    let figures = document.metrics.iter().filter(|(_, value)| !value.is_object() && !value.is_array());
    put_values(&mut card, "Measured", &figures.map(|(name, value)| (name.clone(), value.clone())).collect());
    put(&mut card, if is_of_table(document) { TABLE_LIMITS } else { LIMITS });
    card
}

/// What it ranks, by what, and what it was trained on.
fn headline(document: &Document) -> String {
    let positives: usize = document.sources.iter().map(|source| source.n_positive).sum();
    let rows: usize = document.sources.iter().map(|source| source.n_rows).sum();
    let what = format!(
        "unit `{}`, {} values a {}, seed {}",
        document.unit,
        document.schema.len(),
        if is_of_table(document) { "row" } else { "change" },
        document.seed
    );
    let until = time_of(document, document.trained_until);
    if is_of_table(document) {
        return format!(
            "Ranks rows like those of one table by the risk that their label is 1. Task `{}`, {what}. Trained on {rows} \
             rows, {positives} of them positive, the newest at {until}.",
            document.label_task
        );
    }
    // A prior may have seen other repositories' later changes.
    let prior = document.prior.as_ref().filter(|prior| prior.trained_until > document.trained_until);
    let later = prior.map_or(String::new(), |prior| {
        format!("; what it is blended with knows others until {}", day(prior.trained_until))
    });
    format!(
        "Ranks configuration changes by the risk that they are reverted unplanned, or named in an incident, within \
         14 days of landing. Task `{}`, {what}. Trained on {rows} changes, {positives} \
         of them positive, with no fact later than {until}{later}.",
        document.label_task
    )
}

fn is_of_table(document: &Document) -> bool {
    document.unit == TABLE
}

/// A day; the time of a table may be any number and is shown as it is.
fn time_of(document: &Document, moment: i64) -> String {
    if is_of_table(document) { moment.to_string() } else { day(moment) }
}

const TABLE_LIMITS: &str = "
## Limits

- A score is a rank with a calibrated probability, no proof.
- Labels are those of the table: what they leave out, the model leaves out. Newest rows whose outcome nobody knew yet count as what the table says.
- It holds no row of the table: golden rows are made up.
- It knows rows like those it was trained on: others are flagged by their values, not by their meaning.";

const LIMITS: &str = "
## Limits

- A score is a rank with a calibrated probability, no proof: most changes of the riskiest tenth are fine.
- Labels come from reverts and declared incidents; bad changes that were fixed forward are missing.
- It holds no value of any author and no word in clear: tokens are hashes, golden rows are made up.
- Do not use it to compare people. Author features say how familiar somebody is with a file.";

fn source_line(source: &Source, time: impl Fn(i64) -> String) -> String {
    format!(
        "| {} | {} | {} | {} | {} | {} |",
        source.name,
        source.unit,
        time(source.from),
        time(source.to),
        source.n_rows,
        source.n_positive
    )
}

fn put_values(
    card: &mut String,
    title: &str,
    values: &std::collections::BTreeMap<String, serde_json::Value>,
) {
    if values.is_empty() {
        return;
    }
    put(card, &format!("\n## {title}\n\n| name | value |\n| --- | --- |"));
    for (name, value) in values {
        put(card, &format!("| {name} | {value} |"));
    }
}

fn put(card: &mut String, line: &str) {
    writeln!(card, "{line}").expect("writing to a string cannot fail");
}

fn day(unix_seconds: i64) -> String {
    let moment = Timestamp::from_second(unix_seconds);
    moment.map_or_else(|_| unix_seconds.to_string(), |moment| moment.strftime("%Y-%m-%d").to_string())
}
