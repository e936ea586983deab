-- BYTES stands for the byte type of the database (BLOB, BYTEA).
CREATE TABLE record (
    chain TEXT NOT NULL,
    seq BIGINT NOT NULL,
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    at_ms BIGINT NOT NULL,
    repo TEXT,
    verdict TEXT,
    degraded BIGINT NOT NULL,
    commit_id TEXT,
    change_id TEXT,
    change_digest TEXT,
    subject_id TEXT,
    expires_ms BIGINT,
    question BYTES,
    claim BYTES,
    body TEXT NOT NULL,
    vector BYTES,
    tokens BYTES,
    prev BYTES NOT NULL,
    digest BYTES NOT NULL,
    PRIMARY KEY (chain, seq)
);
CREATE UNIQUE INDEX record_id ON record (id);
CREATE INDEX record_repo ON record (repo, kind, id);
CREATE INDEX record_subject ON record (subject_id) WHERE subject_id IS NOT NULL;
CREATE INDEX record_question ON record (question) WHERE question IS NOT NULL;
CREATE INDEX record_commit ON record (commit_id) WHERE commit_id IS NOT NULL;
CREATE INDEX record_change ON record (change_id) WHERE change_id IS NOT NULL;
CREATE INDEX record_change_digest ON record (change_digest) WHERE change_digest IS NOT NULL;
CREATE INDEX record_kind ON record (kind, id);
CREATE TABLE idempotency (
    api_key TEXT NOT NULL,
    key_digest BYTES NOT NULL,
    body_digest BYTES NOT NULL,
    decision_id TEXT NOT NULL,
    at_ms BIGINT NOT NULL,
    expires_ms BIGINT NOT NULL,
    PRIMARY KEY (api_key, key_digest)
);
CREATE INDEX idempotency_at ON idempotency (at_ms);
CREATE TABLE checkpoint (
    chain TEXT NOT NULL PRIMARY KEY,
    seq BIGINT NOT NULL,
    digest BYTES NOT NULL,
    at_ms BIGINT NOT NULL,
    mac BYTES NOT NULL
);
