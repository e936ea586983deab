-- A decision that is taken back takes its keys with it: found by the decision, not by reading every key.
CREATE INDEX IF NOT EXISTS idempotency_decision ON idempotency (decision_id);
