"""The receiver's tables; reports should read the views beside."""

SCHEMA_VERSION = 2

#: Words in braces differ between databases.
TABLES = """
CREATE TABLE source (
    id {id},
    uuid TEXT NOT NULL UNIQUE,          -- of the gateway, 32 hexadecimal digits
    site TEXT NOT NULL                  -- as its latest batch says
);
-- What was taken: the dedupe table and the history of deliveries in one.
CREATE TABLE batch (
    id {id},
    source {int} NOT NULL,
    epoch TEXT NOT NULL,
    stream TEXT NOT NULL,
    seq {int} NOT NULL,
    hash {blob} NOT NULL,
    prev {blob},                        -- hash of the stream's batch before
    t0_ms {int} NOT NULL,
    t1_ms {int} NOT NULL,
    boot TEXT NOT NULL,                 -- boot of the gateway that sealed it
    clock TEXT NOT NULL,
    offset_ms {int},                    -- wall time less time since boot, if known
    config TEXT NOT NULL,
    factors TEXT NOT NULL,              -- JSON list
    samples {int} NOT NULL,
    skipped {int} NOT NULL,             -- columns whose encoding was not known
    received_ms {int} NOT NULL,
    UNIQUE (source, epoch, stream, seq)
);
-- Numbers of a stream that its source says will never come; it may say so again.
CREATE TABLE gap (
    batch {int} NOT NULL,
    first {int} NOT NULL,
    last {int} NOT NULL,
    reason TEXT NOT NULL
);
CREATE INDEX gap_batch ON gap (batch);
-- Other batches that were offered under the identity of one that was taken.
CREATE TABLE conflict (
    source {int} NOT NULL,
    epoch TEXT NOT NULL,
    stream TEXT NOT NULL,
    seq {int} NOT NULL,
    committed {blob} NOT NULL,          -- hash of the one that was taken
    offered {blob} NOT NULL,
    first_ms {int} NOT NULL,
    last_ms {int} NOT NULL,
    times {int} NOT NULL,
    PRIMARY KEY (source, epoch, stream, seq, offered)
);
-- A column of a table of a source; another unit or exponent is another series.
CREATE TABLE series (
    id {id},
    source {int} NOT NULL,
    kind TEXT NOT NULL,                 -- first part of the table's name: readings
    subject TEXT NOT NULL,              -- second part: the meter, or the window
    "group" TEXT NOT NULL,              -- the rest
    name TEXT NOT NULL,
    unit TEXT NOT NULL,
    exponent {int} NOT NULL,            -- a value counts units of 10^exponent
    divisor {float} NOT NULL,           -- 10^-exponent
    UNIQUE (source, kind, subject, "group", name, unit, exponent)
);
CREATE TABLE sample (
    series {int} NOT NULL,
    t_ms {int} NOT NULL,                -- Unix time, UTC
    {value},
    PRIMARY KEY (series, t_ms)
){sorted}{parts};
-- Which batch's row of a window counts.
CREATE TABLE booking (
    source {int} NOT NULL,
    "window" TEXT NOT NULL,
    t_ms {int} NOT NULL,
    revision {int} NOT NULL,
    batch {int} NOT NULL,
    PRIMARY KEY (source, "window", t_ms)
){sorted};
-- Samples of windows of which another revision counts.
CREATE TABLE superseded (
    series {int} NOT NULL,
    t_ms {int} NOT NULL,
    revision {int} NOT NULL,
    batch {int} NOT NULL,
    {value},
    PRIMARY KEY (series, t_ms, revision, batch)
){sorted};
-- Rows that are kept whole: events, configuration, health.
CREATE TABLE entry (
    source {int} NOT NULL,
    name TEXT NOT NULL,                 -- of the batch's table
    t_ms {int} NOT NULL,
    digest {blob} NOT NULL,             -- of the fields
    batch {int} NOT NULL,
    fields {json} NOT NULL,             -- JSON object
    PRIMARY KEY (source, name, t_ms, digest)
){sorted};
CREATE INDEX entry_time ON entry (name, t_ms)
"""
