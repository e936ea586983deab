//! The invented people of the sample and their habits. None of them stands for anybody.

use crate::git::sample::dice::Dice;

/// Somebody who lands changes.
pub(super) struct Person {
    pub name: &'static str,
    pub email: &'static str,
    /// Week of the story in which they join.
    pub joins_week: i64,
    /// How often they land a change, relative to the others.
    pub weight: f64,
    /// Offset of their clock from UTC, in minutes.
    pub offset_minutes: i32,
    /// How much more (or less) goes wrong, in log-odds: invented, and never a feature by itself.
    pub care: f64,
}

const fn person(name: &'static str, email: &'static str, joins_week: i64, weight: f64) -> Person {
    Person { name, email, joins_week, weight, offset_minutes: 60, care: 0.0 }
}

/// The invented people of the sample.
pub(super) const PEOPLE: [Person; 12] = [
    person("Ada Brandt", "ada@example.org", 0, 1.6),
    Person { care: -0.6, ..person("Bo Lindqvist", "bo@example.org", 0, 1.5) },
    Person { offset_minutes: -300, ..person("Carmen Ortiz", "carmen@example.org", 0, 1.2) },
    Person { offset_minutes: 330, ..person("Dev Rao", "dev@example.org", 0, 1.1) },
    Person { care: 0.7, ..person("Elif Kaya", "elif@example.org", 0, 0.9) },
    Person { offset_minutes: -480, ..person("Finn Murphy", "finn@example.org", 0, 0.8) },
    person("Greta Holm", "greta@example.org", 10, 0.8),
    Person { offset_minutes: 540, ..person("Haru Sato", "haru@example.org", 22, 0.8) },
    Person { care: 0.5, ..person("Iris Novak", "iris@example.org", 37, 0.9) },
    person("Jonas Weber", "jonas@example.org", 51, 0.9),
    Person { offset_minutes: -300, ..person("Kofi Mensah", "kofi@example.org", 66, 1.0) },
    person("Lena Fischer", "lena@example.org", 83, 1.0),
];

/// The automation that raises image versions.
pub(super) const BOT: Person = Person {
    offset_minutes: 0,
    care: -2.0,
    ..person("config-bot", "config-bot[bot]@users.noreply.example.org", 0, 0.0)
};

/// Somebody who has joined by a week.
pub(super) fn anybody(dice: &mut Dice, week: i64) -> usize {
    let weights: Vec<f64> =
        PEOPLE.iter().map(|person| if person.joins_week <= week { person.weight } else { 0.0 }).collect();
    dice.weighted(&weights)
}
