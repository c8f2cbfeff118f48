"""The receiver's tables and views; the views are what reports should read."""

SCHEMA_VERSION = 1
#: Marks the file as ours ("ZmRc").
APPLICATION_ID = 0x5A6D5263

SCHEMA = """
CREATE TABLE source (
    id INTEGER PRIMARY KEY,
    uuid TEXT NOT NULL UNIQUE,          -- of the gateway, 32 hexadecimal digits
    site TEXT NOT NULL                  -- as its latest batch says
);
-- What was taken: the dedupe table and the history of deliveries in one.
CREATE TABLE batch (
    id INTEGER PRIMARY KEY,
    source INTEGER NOT NULL REFERENCES source,
    epoch TEXT NOT NULL,
    stream TEXT NOT NULL,
    seq INTEGER NOT NULL,
    hash BLOB NOT NULL,
    prev BLOB,                          -- hash of the stream's batch before
    t0_ms INTEGER NOT NULL,
    t1_ms INTEGER NOT NULL,
    clock TEXT NOT NULL,
    config TEXT NOT NULL,
    factors TEXT NOT NULL,              -- JSON list
    samples INTEGER NOT NULL,
    skipped INTEGER NOT NULL,           -- columns whose encoding was not known
    received_ms INTEGER NOT NULL,
    UNIQUE (source, epoch, stream, seq)
);
-- Numbers of a stream that its source says will never come; it may say so again.
CREATE TABLE gap (
    batch INTEGER NOT NULL REFERENCES batch,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    reason TEXT NOT NULL
);
-- A column of a table of a source; another unit or exponent is another series.
CREATE TABLE series (
    id INTEGER PRIMARY KEY,
    source INTEGER NOT NULL REFERENCES source,
    kind TEXT NOT NULL,                 -- first part of the table's name: readings
    subject TEXT NOT NULL,              -- second part: the meter, or the window
    "group" TEXT NOT NULL,              -- the rest
    name TEXT NOT NULL,
    unit TEXT NOT NULL,
    exponent INTEGER NOT NULL,          -- a value counts units of 10^exponent
    divisor REAL NOT NULL,              -- 10^-exponent
    UNIQUE (source, kind, subject, "group", name, unit, exponent)
);
CREATE TABLE sample (
    series INTEGER NOT NULL REFERENCES series,
    t_ms INTEGER NOT NULL,              -- Unix time, UTC
    value NOT NULL,
    PRIMARY KEY (series, t_ms)
) WITHOUT ROWID;
CREATE TABLE event (
    batch INTEGER NOT NULL REFERENCES batch,
    row INTEGER NOT NULL,
    t_ms INTEGER NOT NULL,
    fields TEXT NOT NULL,               -- JSON object
    PRIMARY KEY (batch, row)
) WITHOUT ROWID;
CREATE INDEX event_time ON event (t_ms);

CREATE VIEW reading AS
SELECT source.uuid AS source, site, subject AS meter, "group", name AS point, unit,
       t_ms, strftime('%Y-%m-%dT%H:%M:%fZ', t_ms / 1000.0, 'unixepoch') AS time,
       iif(typeof(value) = 'text', value, value / divisor) AS value
FROM sample
JOIN series ON series.id = sample.series AND kind = 'readings'
JOIN source ON source.id = series.source;

-- Booked quantities: place and quantity are the name's parts around its first colon.
CREATE VIEW ledger AS
SELECT source.uuid AS source, site, subject AS "window",
       t_ms, strftime('%Y-%m-%dT%H:%M:%SZ', t_ms / 1000, 'unixepoch') AS time,
       substr(name, 1, instr(name || ':', ':') - 1) AS place,
       substr(name, instr(name || ':', ':') + 1) AS quantity, unit,
       iif(typeof(value) = 'text', value, value / divisor) AS value,
       value AS booked, exponent
FROM sample
JOIN series ON series.id = sample.series AND kind = 'ledger'
JOIN source ON source.id = series.source;

CREATE VIEW event_log AS
SELECT source.uuid AS source, site, event.t_ms,
       strftime('%Y-%m-%dT%H:%M:%fZ', event.t_ms / 1000.0, 'unixepoch') AS time,
       fields
FROM event
JOIN batch ON batch.id = event.batch
JOIN source ON source.id = batch.source
WHERE fields ->> 'table' IS NULL;

CREATE VIEW record AS
SELECT source.uuid AS source, site, fields ->> 'table' AS "table", event.t_ms,
       strftime('%Y-%m-%dT%H:%M:%fZ', event.t_ms / 1000.0, 'unixepoch') AS time,
       fields
FROM event
JOIN batch ON batch.id = event.batch
JOIN source ON source.id = batch.source
WHERE fields ->> 'table' IS NOT NULL;
"""
