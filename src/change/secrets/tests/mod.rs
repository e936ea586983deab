//! How much the redactor finds, and how often it cries wolf, on a corpus drawn at random under one seed.
//!
//! Found means that no ten bytes of what was drawn survive the redaction. The floors below can fail: they
//! stand a little under what was measured. `cargo test secrets -- --nocapture` prints the figures.

mod dice;
mod harmless;
mod planted;

use std::collections::{BTreeMap, BTreeSet};

use crate::change::secrets::{find, kind_names, redact};
use dice::Dice;
use harmless::HARMLESS;
use planted::{
    AROUND, AROUND_NAMED, KEY_BLOCKS, N_BLOCK_WAYS, NAMED, Planted, SHAPED, VALUES, plant, plant_block,
};

/// Bytes of a secret that may survive in one piece.
const MAX_LEFT: usize = 9;

/// Hits and tries by a name.
#[derive(Default)]
struct Tally(BTreeMap<String, (usize, usize, String)>);

impl Tally {
    fn add(&mut self, name: &str, is_hit: bool, text: &str) {
        let (n_hits, n, missed) = self.0.entry(name.to_owned()).or_default();
        *n_hits += usize::from(is_hit);
        *n += 1;
        if !is_hit {
            *missed = text.to_owned();
        }
    }

    fn total(&self) -> (usize, usize) {
        self.0.values().fold((0, 0), |sum, (n_hits, n, _)| (sum.0 + n_hits, sum.1 + n))
    }

    fn share(&self) -> f64 {
        let (n_hits, n) = self.total();
        n_hits as f64 / n as f64
    }

    /// Prints all that fell short, with one text each.
    #[expect(clippy::print_stdout, reason = "the figures of a test")]
    fn print(&self, title: &str) {
        let (n_hits, n) = self.total();
        println!("{title}: {n_hits} of {n}");
        for (name, (n_hits, n, missed)) in self.0.iter().filter(|(_, (n_hits, n, _))| n_hits < n) {
            println!("  {name}: {n_hits} of {n}, not {missed:?}");
        }
    }
}

fn is_gone(planted: &Planted) -> bool {
    let clean = redact(&planted.text);
    let survives = |drawn: &String| {
        let n_left = (MAX_LEFT + 1).min(drawn.len());
        drawn.as_bytes().windows(n_left).any(|part| memchr::memmem::find(clean.as_bytes(), part).is_some())
    };
    let long: Vec<&String> = planted.drawn.iter().filter(|drawn| drawn.len() >= 5).collect();
    let checked = if long.is_empty() { planted.drawn.iter().collect() } else { long };
    !checked.into_iter().any(survives)
}

#[test]
fn every_kind_is_planted() {
    let planted: BTreeSet<&str> = SHAPED.iter().chain(NAMED).map(|(kind, _)| *kind).collect();
    let blocks = ["private_key", "putty_private_key"];
    let known: BTreeSet<&str> = kind_names().collect();
    assert!(known.len() >= 60, "{}", known.len());
    let missing: Vec<&&str> =
        known.iter().filter(|kind| !planted.contains(*kind) && !blocks.contains(*kind)).collect();
    assert!(missing.is_empty(), "{missing:?}");
    assert!(planted.iter().all(|kind| known.contains(kind)));
}

#[test]
fn secrets_of_a_shape_are_found_wherever_they_stand() {
    let mut dice = Dice::new(1);
    let (mut by_kind, mut by_place) = (Tally::default(), Tally::default());
    for (kind, templates) in SHAPED {
        for (place, around) in AROUND {
            for n in 0..12 {
                let planted = plant(around, templates[n % templates.len()], &mut dice);
                let is_gone = is_gone(&planted);
                by_kind.add(kind, is_gone, &planted.text);
                by_place.add(place, is_gone, &planted.text);
            }
        }
    }
    by_kind.print("secrets of a shape, by kind");
    by_place.print("secrets of a shape, by place");
    assert!(by_kind.share() >= 0.999, "{}", by_kind.share());
}

#[test]
fn values_of_keys_that_name_a_secret_are_found() {
    let mut dice = Dice::new(2);
    let (mut by_name, mut by_place, mut by_value) = (Tally::default(), Tally::default(), Tally::default());
    for ((_, names), (_, values)) in NAMED.iter().zip(VALUES) {
        for name in *names {
            for (place, around) in AROUND_NAMED {
                for value in *values {
                    let planted = plant(&around.replace('%', name), value, &mut dice);
                    let is_gone = is_gone(&planted);
                    by_name.add(name, is_gone, &planted.text);
                    by_place.add(place, is_gone, &planted.text);
                    by_value.add(value, is_gone, &planted.text);
                }
            }
        }
    }
    by_name.print("named values, by name");
    by_place.print("named values, by place");
    by_value.print("named values, by value");
    assert!(by_name.share() >= 0.99, "{}", by_name.share());
}

#[test]
fn private_keys_go_whole() {
    let mut dice = Dice::new(3);
    let mut tally = Tally::default();
    for name in KEY_BLOCKS {
        for way in 0..N_BLOCK_WAYS {
            for _ in 0..4 {
                let planted = plant_block(name, way, &mut dice);
                tally.add(&format!("{name}, way {way}"), is_gone(&planted), &planted.text);
            }
        }
    }
    let putty = "PuTTY-User-Key-File-2: ssh-rsa\nEncryption: none\nPrivate-Lines: 2\n{b64}\n{b40}\nPrivate-MAC: {h40}\n";
    for _ in 0..10 {
        let planted = plant("@", putty, &mut dice);
        let body = Planted { drawn: planted.drawn[..2].to_vec(), ..planted };
        tally.add("putty", is_gone(&body), &body.text);
    }
    tally.print("private keys");
    assert!(tally.share() >= 1.0, "{}", tally.share());
}

/// What stands around a key block stays, also where it would read on as one.
#[test]
fn private_keys_go_alone() {
    let block = |name: &str| format!("-----BEGIN {name}-----\nMIIB\n-----END {name}-----");
    let key = block("PRIVATE KEY");
    let masked = "[redacted:private_key]";
    for (text, clean) in [
        (format!("a\n{key}\nafter: 3\n"), format!("a\n{masked}\nafter: 3\n")),
        (format!("{key}\n{key}\nb: 4\n"), format!("{masked}\n{masked}\nb: 4\n")),
        (format!("{}\n{key}\n", block("CERTIFICATE")), format!("{}\n{masked}\n", block("CERTIFICATE"))),
    ] {
        assert_eq!(redact(&text), clean);
    }
}

#[test]
fn what_only_looks_like_a_secret_is_left_alone() {
    let mut dice = Dice::new(4);
    let (mut by_group, mut by_line) = (Tally::default(), Tally::default());
    for (group, lines) in HARMLESS {
        for line in *lines {
            for _ in 0..40 {
                let text = format!("{}\n", plant("@", line, &mut dice).text);
                let is_left = find(&text).is_empty();
                by_group.add(group, is_left, &text);
                by_line.add(line, is_left, &text);
            }
        }
    }
    by_group.print("harmless lines left alone, by group");
    by_line.print("harmless lines left alone, by line");
    assert!(by_group.share() >= 0.98, "{}", by_group.share());
}

#[test]
fn a_known_kind_is_told_inside_what_looks_random_with_its_key() {
    let token = ["ghp_", "aB3dE5fG7hI9jK1lM3nO5pQ7rS9tU1vW3xY5"].concat();
    for (text, kind) in [
        (format!("API_KEY={token}"), "github_token"),
        (format!("export T={token}"), "github_token"),
        ("requirepass Hx7kQ2vLp9z".to_owned(), "password"),
        ("masterauth Hx7kQ2vLp9z".to_owned(), "password"),
        (format!("amqp://app:{}@mq.example.org/", "p%40ssHx7kQ2v"), "basic_auth_url"),
    ] {
        let found = find(&text);
        assert_eq!(found.iter().map(|secret| secret.kind).collect::<Vec<_>>(), [kind], "{text}");
        let clean = redact(&text);
        assert!(!clean.contains("Hx7kQ2v") && !clean.contains("aB3dE5"), "{clean}");
    }
    assert_eq!(redact(&format!("API_KEY={token}")), "API_KEY=[redacted:github_token]");
    assert!(find("amqp://app:%s@mq.example.org/").is_empty());
}
