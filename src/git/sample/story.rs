//! Two years of an invented shop: who changes what, what goes wrong, and what is undone.

use std::collections::{BTreeMap, BinaryHeap};

use crate::git::sample::dice::Dice;
use crate::git::sample::people::{BOT, PEOPLE, Person, anybody};
use crate::git::sample::start::first_tree;
use crate::git::sample::tree::{Edit, Tree};
use crate::git::sample::work::{Work, automatic_release, draw};

/// Weeks that the story takes.
const N_WEEKS: i64 = 104;
const HOUR: i64 = 3_600;
const WEEK: i64 = 7 * 24 * HOUR;

/// Log-odds that an average change goes wrong.
const BASE: f64 = -3.35;

/// One change of the story.
pub(super) struct Step {
    pub person: &'static Person,
    pub at: i64,
    pub subject: String,
    pub body: String,
    /// Index of the step that this one undoes; its id belongs into the message.
    pub reverts: Option<usize>,
    pub edits: Vec<Edit>,
}

/// An incident, and the index of the step that caused it.
pub(super) struct Incident {
    pub step_idx: usize,
    pub started_at: i64,
    pub resolved_at: i64,
    pub known_at: i64,
    pub severity: &'static str,
    pub title: String,
}

/// The whole story.
pub(super) struct Story {
    pub steps: Vec<Step>,
    pub incidents: Vec<Incident>,
    pub tree: Tree,
}

/// What will happen later; ordered so that a heap gives the earliest first.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Later {
    at: std::cmp::Reverse<i64>,
    step_idx: std::cmp::Reverse<usize>,
    what: What,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum What {
    Undo,
    Restore,
    Reland,
}

/// Tells the story.
pub(super) fn tell(start: i64, n_works: i64) -> Story {
    let mut teller = Teller::new();
    let mut moments: Vec<(i64, usize)> = (0..n_works).map(|idx| teller.moment(start, idx, n_works)).collect();
    moments.sort_unstable();
    for (at, person_idx) in moments {
        teller.until(at);
        teller.live(start, at, person_idx);
    }
    teller.until(start + N_WEEKS * WEEK);
    Story { steps: teller.steps, incidents: teller.incidents, tree: teller.tree }
}

struct Teller {
    dice: Dice,
    tree: Tree,
    steps: Vec<Step>,
    incidents: Vec<Incident>,
    later: BinaryHeap<Later>,
    n_landed: BTreeMap<&'static str, u32>,
    went_wrong_at: BTreeMap<String, i64>,
}

impl Teller {
    fn new() -> Self {
        Self {
            dice: Dice::new(20_241_118),
            tree: first_tree(),
            steps: Vec::new(),
            incidents: Vec::new(),
            later: BinaryHeap::new(),
            n_landed: BTreeMap::new(),
            went_wrong_at: BTreeMap::new(),
        }
    }

    /// When the next piece of work lands, and who does it: working hours of their own clock, mostly.
    fn moment(&mut self, start: i64, idx: i64, n_works: i64) -> (i64, usize) {
        let week = idx * N_WEEKS / n_works;
        let day = self.dice.weighted(&[2.0, 2.2, 2.2, 2.1, 1.3, 0.12, 0.12]);
        let hour = (13.5 + 3.2 * self.dice.normal()).clamp(0.0, 23.9);
        let person_idx = anybody(&mut self.dice, week);
        let local = week * WEEK + i64::try_from(day).unwrap_or(0) * 24 * HOUR + seconds(hour);
        (start + local - i64::from(PEOPLE[person_idx].offset_minutes) * 60, person_idx)
    }

    /// Lets everything happen that was due before a moment.
    fn until(&mut self, at: i64) {
        while self.later.peek().is_some_and(|later| later.at.0 < at) {
            let Some(later) = self.later.pop() else { return };
            self.happen(&later);
        }
    }

    /// One piece of work, and what will come of it.
    fn live(&mut self, start: i64, at: i64, person_idx: usize) {
        let automatic = self.dice.chance(0.09);
        let person = if automatic { &BOT } else { &PEOPLE[person_idx] };
        let work = if automatic {
            automatic_release(&mut self.dice, &self.tree)
        } else {
            draw(&mut self.dice, &self.tree)
        };
        let Some(mut work) = work else { return };
        work.edits.retain(|edit| self.tree.fits(edit));
        if work.edits.is_empty() {
            return;
        }
        let odds = BASE + work.danger + person.care + self.circumstances(person, start, at, &work);
        let goes_wrong = self.dice.chance(1.0 / (1.0 + (-odds).exp()));
        let step_idx = self.land(Step {
            person,
            at,
            subject: work.subject.clone(),
            body: work.body.clone(),
            reverts: None,
            edits: work.edits.clone(),
        });
        if goes_wrong {
            self.go_wrong(step_idx);
        } else if let Some(hours) = work.back_after_hours {
            self.later(at + seconds(hours), step_idx, What::Restore);
        }
    }

    /// What makes the same work more dangerous: newness, hour, and trouble in the same place before.
    fn circumstances(&self, person: &Person, start: i64, at: i64, work: &Work) -> f64 {
        let n_landed = f64::from(*self.n_landed.get(person.name).unwrap_or(&0));
        let newness = if person.joins_week > 0 { 1.5 * (-n_landed / 20.0).exp() } else { 0.0 };
        let local = at - start + i64::from(person.offset_minutes) * 60;
        let (day, hour) = (local.div_euclid(24 * HOUR) % 7, local.div_euclid(HOUR) % 24);
        let hurried = day >= 5 || (day == 4 && hour >= 15) || !(7..20).contains(&hour);
        let trouble =
            |edit: &Edit| self.went_wrong_at.get(&edit.path).is_some_and(|wrong_at| at - wrong_at < 6 * WEEK);
        let in_trouble = work.edits.iter().any(trouble);
        newness + if hurried { 0.9 } else { 0.0 } + if in_trouble { 0.9 } else { 0.0 }
    }

    fn go_wrong(&mut self, step_idx: usize) {
        let landed_at = self.steps[step_idx].at;
        for edit in &self.steps[step_idx].edits {
            self.went_wrong_at.insert(edit.path.clone(), landed_at);
        }
        let hours = (0.7 + 1.2 * self.dice.normal()).exp().clamp(0.15, 200.0);
        let noticed_at = landed_at + seconds(hours);
        let is_declared = self.dice.chance(0.35);
        if is_declared {
            self.declare(step_idx, noticed_at);
        }
        // What is declared is sometimes mended by going forward.
        if !(is_declared && self.dice.chance(0.25)) {
            self.later(noticed_at, step_idx, What::Undo);
        }
    }

    fn declare(&mut self, step_idx: usize, noticed_at: i64) {
        let started_at = noticed_at - self.dice.between(3, 9) * 60;
        let resolved_at = noticed_at + self.dice.between(10, 240) * 60;
        let known_at = resolved_at + self.dice.between(1, 72) * HOUR;
        let severity = ["sev1", "sev2", "sev3"][self.dice.weighted(&[1.0, 3.0, 6.0])];
        let what = *self.dice.pick(&["errors", "slow answers", "timeouts", "a full queue", "failed logins"]);
        let title = format!("{what} after a configuration change").replace("a full", "full");
        self.incidents.push(Incident { step_idx, started_at, resolved_at, known_at, severity, title });
    }

    fn happen(&mut self, later: &Later) {
        let step_idx = later.step_idx.0;
        let cause = &self.steps[step_idx];
        let undo = later.what != What::Reland;
        let edits = cause.edits.iter().map(|edit| if undo { edit.inverse() } else { edit.clone() });
        let edits: Vec<Edit> = edits.filter(|edit| self.tree.fits(edit)).collect();
        if edits.is_empty() {
            return;
        }
        let (cause_person, cause_subject) = (cause.person, cause.subject.clone());
        let at = later.at.0;
        let same_person = later.what != What::Undo || self.dice.chance(0.5);
        let someone = PEOPLE.iter().position(|person| person.name == cause_person.name);
        let person_idx = someone.filter(|_| same_person).unwrap_or_else(|| anybody(&mut self.dice, 0));
        let (subject, body) = match later.what {
            What::Undo => (format!("Revert \"{cause_subject}\""), self.complaint()),
            What::Restore => (restored(&cause_subject), String::new()),
            What::Reland => (format!("Reland \"{cause_subject}\""), "With the cause mended.".to_owned()),
        };
        let reverts = (later.what == What::Undo).then_some(step_idx);
        self.land(Step { person: &PEOPLE[person_idx], at, subject, body, reverts, edits });
        if later.what == What::Undo && self.dice.chance(0.15) {
            let days = self.dice.between(1, 6);
            self.later(at + days * 24 * HOUR, step_idx, What::Reland);
        }
    }

    fn complaint(&mut self) -> String {
        let complaints = [
            "Errors rose right after it.",
            "Customers saw timeouts.",
            "It broke the canary.",
            "Wrong value.",
        ];
        (*self.dice.pick(&complaints)).to_owned()
    }

    fn land(&mut self, step: Step) -> usize {
        for edit in &step.edits {
            self.tree.apply(edit);
        }
        *self.n_landed.entry(step.person.name).or_default() += 1;
        self.steps.push(step);
        self.steps.len() - 1
    }

    fn later(&mut self, at: i64, step_idx: usize, what: What) {
        self.later.push(Later { at: std::cmp::Reverse(at), step_idx: std::cmp::Reverse(step_idx), what });
    }
}

/// The words of a planned way back.
fn restored(subject: &str) -> String {
    match subject.strip_prefix("Depool ").and_then(|rest| rest.split(' ').next()) {
        Some(host) => format!("Repool {host}"),
        None => subject.replace("log at debug", "log at info again").replace(" temporarily", ""),
    }
}

/// Whole seconds of hours.
fn seconds(hours: f64) -> i64 {
    let duration = std::time::Duration::try_from_secs_f64(hours * 3_600.0).unwrap_or_default();
    i64::try_from(duration.as_secs()).unwrap_or(i64::MAX)
}
