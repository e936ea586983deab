//! What one append makes of the records that it is given: the new ones in their places, and for the others what answered them
//! before. Nothing here touches a database. Start at [`Batch`].

use std::collections::HashMap;

use crate::store::record::{Appended, Claim, NewRecord, Record, RecordDigest, RecordKind};
use crate::store::tail::Tail;

/// The records of one append, in their order.
pub(super) struct Batch {
    tail: Tail,
    /// When the newest of its records was made, in Unix milliseconds.
    now_ms: i64,
    answered: HashMap<RecordDigest, Answered>,
    /// None stands for the next of the fresh ones.
    results: Vec<Option<Appended>>,
    fresh: Vec<Record>,
    /// The request that was admitted last: its items come one after the other.
    admitted: Option<Claim>,
}

/// What answered a question.
enum Answered {
    /// A record that stands in the log.
    Before(Box<Record>),
    /// The fresh record in this place.
    Now(usize),
}

impl Batch {
    /// For some records behind the end of a chain.
    pub(super) fn new(tail: &Tail, new_records: &[NewRecord]) -> Self {
        Self {
            tail: tail.clone(),
            now_ms: now_ms(new_records),
            answered: HashMap::new(),
            results: Vec::with_capacity(new_records.len()),
            fresh: Vec::with_capacity(new_records.len()),
            admitted: None,
        }
    }

    /// Takes in decisions that stand in the log and have not expired; those that this installation did not write answer nothing.
    pub(super) fn remember(&mut self, standing: Vec<Record>) {
        let wrote = |record: &Record| !record.is_ahead_of(self.now_ms) && self.tail.signing_key.wrote(record);
        let by_question =
            |record: Record| Some((record.columns.question?, Answered::Before(Box::new(record))));
        self.answered.extend(standing.into_iter().filter(wrote).filter_map(by_question));
    }

    /// Answers a record by the decision that answered its question before; tells whether there is one.
    pub(super) fn answer_as_before(&mut self, new_record: &NewRecord) -> bool {
        let answered = new_record.columns.question.and_then(|question| self.answered.get(&question));
        let earlier = answered.map(|answered| answered.record(&self.fresh).clone());
        let is_answered = earlier.is_some();
        self.results.extend(earlier.map(|record| Some(Appended::Earlier(record))));
        is_answered
    }

    /// Answers the next record otherwise than by a place in the chain.
    pub(super) fn answer(&mut self, appended: Appended) {
        self.results.push(Some(appended));
    }

    /// Whether the key of a request was found to be its own.
    pub(super) fn has_admitted(&self, of_request: &Claim) -> bool {
        self.admitted.as_ref() == Some(of_request)
    }

    /// Keeps that the key of a request is its own.
    pub(super) fn admit(&mut self, of_request: Claim) {
        self.admitted = Some(of_request);
    }

    /// Gives the next record its place behind the others.
    pub(super) fn place(&mut self, new_record: NewRecord) -> &Record {
        let is_claimed = new_record.claim.is_some();
        let record = self.tail.place(new_record);
        if record.kind == RecordKind::Revocation {
            let revoked = record.columns.subject_id.as_deref();
            let fresh = &self.fresh;
            self.answered.retain(|_, earlier| Some(earlier.record(fresh).id.as_str()) != revoked);
        }
        if let Some(question) = record.columns.question.filter(|_| !is_claimed) {
            self.answered.insert(question, Answered::Now(self.fresh.len()));
        }
        self.results.push(None);
        self.fresh.push(record);
        &self.fresh[self.fresh.len() - 1]
    }

    /// The records to be written, in the order of their places.
    pub(super) fn fresh(&self) -> &[Record] {
        &self.fresh
    }

    /// What became of each record, and the end of the chain behind them.
    pub(super) fn finish(self) -> (Vec<Appended>, Tail) {
        let mut fresh = self.fresh.into_iter().map(Appended::New);
        (self.results.into_iter().filter_map(|result| result.or_else(|| fresh.next())).collect(), self.tail)
    }
}

impl Answered {
    fn record<'a>(&'a self, fresh: &'a [Record]) -> &'a Record {
        match self {
            Self::Before(record) => record,
            Self::Now(idx) => &fresh[*idx],
        }
    }
}

/// When the newest of some records was made, in Unix milliseconds.
pub(super) fn now_ms(new_records: &[NewRecord]) -> i64 {
    new_records.iter().map(|new_record| new_record.at_ms).max().unwrap_or(0)
}
