//! The kinds of work that people do in the sample, and how often each goes wrong.

use crate::git::sample::dice::Dice;
use crate::git::sample::start::{FLAG_FILES, POOLS, SERVICES, limits_path, service_path};
use crate::git::sample::tree::{Edit, Tree};

/// A change that somebody means to land.
pub(super) struct Work {
    pub subject: String,
    pub body: String,
    pub edits: Vec<Edit>,
    /// How dangerous its kind is, in log-odds beside the base rate.
    pub danger: f64,
    /// Hours until it is undone as planned.
    pub back_after_hours: Option<f64>,
}

/// Makes one piece of work of one kind.
type Draw = fn(&mut Dice, &Tree) -> Option<Work>;

/// Draws one piece of work; none where the draw does not fit the files.
pub(super) fn draw(dice: &mut Dice, tree: &Tree) -> Option<Work> {
    const KINDS: [(f64, Draw); 14] = [
        (13.0, scale),
        (12.0, timeout),
        (7.0, memory),
        (14.0, release),
        (13.0, ramp),
        (4.0, switch),
        (4.0, new_flag),
        (3.0, drop_flag),
        (10.0, limit),
        (6.0, depool),
        (3.0, debug),
        (6.0, comment),
        (5.0, move_host),
        (4.0, everywhere),
    ];
    let weights = KINDS.map(|(weight, _)| weight);
    KINDS[dice.weighted(&weights)].1(dice, tree)
}

/// What the bot does: patch releases in staging, and sometimes production.
pub(super) fn automatic_release(dice: &mut Dice, tree: &Tree) -> Option<Work> {
    let (service, _) = *dice.pick(&SERVICES);
    let path = service_path(service, "staging");
    let new = next_version(tree.value(&path, "image.tag")?, 2)?;
    let subject = format!("Automatic update of {service} to {new}");
    Some(work(subject, vec![tree.edit(&path, "image.tag", Some(new))], -1.5))
}

fn work(subject: String, edits: Vec<Edit>, danger: f64) -> Work {
    Work { subject, body: String::new(), edits, danger, back_after_hours: None }
}

/// A service, one of its two places, the path of its settings and how delicate both are.
fn place(dice: &mut Dice) -> (&'static str, &'static str, String, f64) {
    let (service, delicate) = *dice.pick(&SERVICES);
    if dice.chance(0.6) {
        (service, "production", service_path(service, "production"), delicate)
    } else {
        (service, "staging", service_path(service, "staging"), delicate - 2.0)
    }
}

fn scale(dice: &mut Dice, tree: &Tree) -> Option<Work> {
    let (service, place, path, delicate) = place(dice);
    let old: i64 = tree.value(&path, "runtime.replicas")?.parse().ok()?;
    let (new, danger) = match dice.weighted(&[5.0, 3.0, 1.6]) {
        0 => (old + dice.between(1, 3), -1.0),
        1 => ((old - 1).max(1), 0.0),
        _ => ((old / 3).max(1), 2.0),
    };
    let subject = format!("{service}: run {new} replicas in {place}");
    Some(work(subject, vec![tree.edit(&path, "runtime.replicas", Some(new.to_string()))], danger + delicate))
}

fn timeout(dice: &mut Dice, tree: &Tree) -> Option<Work> {
    let (service, place, path, delicate) = place(dice);
    let key = *dice.pick(&["upstream.timeout", "cache.ttl", "health.interval"]);
    let old: i64 = tree.value(&path, key)?.strip_suffix('s')?.parse().ok()?;
    let (new, danger) = match dice.weighted(&[4.0, 3.0, 2.0, 1.2]) {
        _ if old < 5 => (old * 5, -0.5),
        0 => (old * 5 / 4 + 1, -0.8),
        1 => (old * 4 / 5, 0.0),
        2 => (old * 2, 0.2),
        _ => (old / 10, 2.6),
    };
    let name = key.replace('.', " ");
    let subject = format!("{service}: set {name} to {new}s in {place}");
    Some(work(
        subject,
        vec![tree.edit(&path, key, Some(format!("{}s", new.clamp(1, 900))))],
        danger + delicate,
    ))
}

fn memory(dice: &mut Dice, tree: &Tree) -> Option<Work> {
    let (service, place, path, delicate) = place(dice);
    let old: i64 = tree.value(&path, "runtime.memory")?.strip_suffix("Mi")?.parse().ok()?;
    let (new, danger) = if dice.chance(0.6) { (old + 256, -1.0) } else { (old * 5 / 8, 1.4) };
    let subject = format!("{service}: give {place} {new}Mi of memory");
    let new = format!("{}Mi", new.clamp(128, 8192));
    Some(work(subject, vec![tree.edit(&path, "runtime.memory", Some(new))], danger + delicate))
}

fn release(dice: &mut Dice, tree: &Tree) -> Option<Work> {
    let (service, place, path, delicate) = place(dice);
    let (part, danger) = [(2, -0.4), (1, 0.6), (0, 2.0)][dice.weighted(&[6.0, 3.0, 0.6])];
    let new = next_version(tree.value(&path, "image.tag")?, part)?;
    let subject = format!("{service}: release {new} to {place}");
    Some(work(subject, vec![tree.edit(&path, "image.tag", Some(new))], danger + delicate))
}

fn next_version(version: &str, part: usize) -> Option<String> {
    let mut numbers: Vec<u32> = version.split('.').map(str::parse).collect::<Result<_, _>>().ok()?;
    *numbers.get_mut(part)? += 1;
    numbers.iter_mut().skip(part + 1).for_each(|number| *number = 0);
    Some(numbers.iter().map(u32::to_string).collect::<Vec<_>>().join("."))
}

/// A flag of some file, by the name of one of its two keys.
fn some_flag<'a>(dice: &mut Dice, tree: &'a Tree, leaf: &str) -> Option<(&'static str, &'a str)> {
    let path = *dice.pick(&FLAG_FILES);
    let keys: Vec<&str> = tree.keys(path).filter(|key| key.ends_with(leaf)).collect();
    (!keys.is_empty()).then(|| (path, *dice.pick(&keys)))
}

fn ramp(dice: &mut Dice, tree: &Tree) -> Option<Work> {
    const STEPS: [i64; 6] = [1, 5, 10, 25, 50, 100];
    let (path, key) = some_flag(dice, tree, ".percent")?;
    let old: i64 = tree.value(path, key)?.parse().ok()?;
    let next = STEPS.into_iter().find(|step| *step > old);
    let (new, danger) = match next {
        Some(_) if old <= 10 && dice.chance(0.15) => (100, 2.6),
        Some(next) => (next, -0.4),
        None => (5, -0.5),
    };
    let name = key.trim_end_matches(".percent");
    let subject = format!("flags: {name} to {new} %");
    Some(work(subject, vec![tree.edit(path, key, Some(new.to_string()))], danger))
}

fn switch(dice: &mut Dice, tree: &Tree) -> Option<Work> {
    let (path, key) = some_flag(dice, tree, ".enabled")?;
    let on = tree.value(path, key)? == "true";
    let name = key.trim_end_matches(".enabled");
    let verb = if on { "switch off" } else { "switch on" };
    Some(work(format!("flags: {verb} {name}"), vec![tree.edit(path, key, Some((!on).to_string()))], 0.8))
}

fn new_flag(dice: &mut Dice, tree: &Tree) -> Option<Work> {
    const WORDS: [&str; 9] = ["fast", "lazy", "smart", "tiny", "bulk", "early", "safe", "dual", "local"];
    const THINGS: [&str; 9] =
        ["search", "login", "basket", "refunds", "images", "alerts", "tax", "reviews", "stock"];
    let path = *dice.pick(&FLAG_FILES);
    let name = format!("{}_{}", dice.pick(&WORDS), dice.pick(&THINGS));
    let percent = format!("{name}.percent");
    if tree.value(path, &percent).is_some() {
        return None;
    }
    let enabled = format!("{name}.enabled");
    let edits =
        vec![tree.edit(path, &enabled, Some("false".into())), tree.edit(path, &percent, Some("1".into()))];
    Some(work(format!("flags: add {name}, switched off"), edits, -2.0))
}

fn drop_flag(dice: &mut Dice, tree: &Tree) -> Option<Work> {
    let (path, key) = some_flag(dice, tree, ".percent")?;
    let name = key.trim_end_matches(".percent");
    let edits = vec![tree.edit(path, &format!("{name}.enabled"), None), tree.edit(path, key, None)];
    Some(work(format!("flags: remove {name}, nothing reads it"), edits, 0.6))
}

fn limit(dice: &mut Dice, tree: &Tree) -> Option<Work> {
    let (service, delicate) = *dice.pick(&SERVICES);
    let path = limits_path(service);
    let key = *dice.pick(&["rate.per_second", "rate.burst", "connections.max"]);
    let old: i64 = tree.value(&path, key)?.parse().ok()?;
    let (new, danger) = match dice.weighted(&[5.0, 3.0, 1.0]) {
        _ if old > 4_000 => (old / 8, 0.0),
        0 => (old * 6 / 5, -0.8),
        1 => (old / 2, 1.3),
        _ => (old * 10, 1.8),
    };
    let new = new.clamp(5, 50_000).to_string();
    let subject = format!("limits: {service} {} {old} -> {new}", key.replace('.', " "));
    Some(work(subject, vec![tree.edit(&path, key, Some(new))], danger + delicate))
}

fn depool(dice: &mut Dice, tree: &Tree) -> Option<Work> {
    let hosts: Vec<&str> = tree.keys(POOLS).filter(|key| tree.value(POOLS, key) != Some("0")).collect();
    let key = *dice.pick(&hosts);
    let host = key.rsplit('.').next().unwrap_or(key);
    let why = *dice.pick(&["for maintenance", "for a kernel update", "to replace a disk"]);
    let mut work = work(format!("Depool {host} {why}"), vec![tree.edit(POOLS, key, Some("0".into()))], -1.5);
    work.back_after_hours = Some(2.0 + 30.0 * dice.unit());
    Some(work)
}

fn debug(dice: &mut Dice, tree: &Tree) -> Option<Work> {
    let (service, place, path, _) = place(dice);
    let edit = tree.edit(&path, "logging.level", Some("debug".into()));
    let mut work = work(format!("{service}: log at debug in {place} temporarily"), vec![edit], -1.0);
    work.back_after_hours = Some(3.0 + 60.0 * dice.unit());
    Some(work)
}

fn comment(dice: &mut Dice, tree: &Tree) -> Option<Work> {
    const NOTES: [&str; 6] = [
        "Ask the owners before lowering anything here.",
        "Values agreed in the capacity review.",
        "See the runbook for how to roll back.",
        "Measured under the load of a sale.",
        "Kept in step with the other region.",
        "Reviewed every quarter.",
    ];
    let (service, place, path, _) = place(dice);
    let edit = tree.edit(&path, "runtime.#note", Some((*dice.pick(&NOTES)).to_owned()));
    Some(work(format!("{service}: explain the {place} values"), vec![edit], -3.5))
}

fn move_host(dice: &mut Dice, tree: &Tree) -> Option<Work> {
    let (service, place, path, delicate) = place(dice);
    let new = format!("{service}-db{}.{place}.internal", dice.between(1, 4));
    let subject = format!("{service}: read from {new}");
    Some(work(subject, vec![tree.edit(&path, "upstream.host", Some(new))], 1.2 + delicate))
}

fn everywhere(dice: &mut Dice, tree: &Tree) -> Option<Work> {
    let n = dice.between(1, 5).to_string();
    let services = SERVICES.iter().filter(|_| dice.chance(0.5)).collect::<Vec<_>>();
    let edits = services.into_iter().map(|(service, _)| {
        tree.edit(&service_path(service, "production"), "upstream.retries", Some(n.clone()))
    });
    Some(work(format!("Retry upstreams {n} times in production"), edits.collect(), 1.4))
}
