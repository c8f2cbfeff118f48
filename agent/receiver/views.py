"""The receiver's views: what reports should read, the same in each database."""

#: Words in braces differ between databases.
VIEWS = """
CREATE VIEW reading AS
SELECT source.uuid AS source, site, subject AS meter, "group", name AS point, unit,
       t_ms, {time} AS time, {number} AS value, {text} AS text
FROM sample
JOIN series ON series.id = sample.series AND kind = 'readings'
JOIN source ON source.id = series.source;
CREATE VIEW power AS
SELECT source, site, meter, point, t_ms, time,
       CASE unit WHEN 'W' THEN value / 1000 WHEN 'MW' THEN value * 1000 ELSE value END
           AS power_kw
FROM reading
WHERE unit IN ('W', 'kW', 'MW');
-- Booked quantities: place and quantity are the name's parts around its first colon.
CREATE VIEW ledger AS
SELECT source.uuid AS source, site, subject AS "window", t_ms, {time_s} AS time,
       {place} AS place, {quantity} AS quantity,
       unit, {number} AS value, {booked} AS booked, exponent
FROM sample
JOIN series ON series.id = sample.series AND kind = 'ledger'
JOIN source ON source.id = series.source;
CREATE VIEW energy AS
SELECT source.uuid AS source, site, subject AS "window", t_ms, {time_s} AS time,
       {place} AS place, unit, {number} AS amount
FROM sample
JOIN series ON series.id = sample.series AND kind = 'ledger' AND name LIKE '%:quantity'
JOIN source ON source.id = series.source;
CREATE VIEW emission AS
SELECT source.uuid AS source, site, subject AS "window", t_ms, {time_s} AS time,
       {place} AS place, substr({quantity}, 11) AS "view", {number} AS kg
FROM sample
JOIN series ON series.id = sample.series
    AND kind = 'ledger' AND name LIKE '%:emissions:%'
JOIN source ON source.id = series.source;
-- How far the row of a window can be believed.
CREATE VIEW quality AS
SELECT uuid AS source, site, "window", t_ms, {time_s} AS time, revision, clock, config,
       covered_s, measured_share
FROM (
    SELECT booking.source, booking."window", booking.t_ms, revision, batch,
           max(CASE name WHEN 'covered' THEN {number} END) AS covered_s,
           max(CASE name WHEN 'measured_share' THEN {number} END) AS measured_share
    FROM series
    JOIN sample ON sample.series = series.id
    JOIN booking ON booking.source = series.source
        AND booking."window" = series.subject AND booking.t_ms = sample.t_ms
    WHERE kind = 'ledger' AND name IN ('covered', 'measured_share')
    GROUP BY booking.source, booking."window", booking.t_ms, revision, batch
) AS believed
JOIN batch ON batch.id = believed.batch
JOIN source ON source.id = believed.source;
-- Values that another revision of their window took the place of.
CREATE VIEW restated AS
SELECT uuid AS source, site, subject AS "window", t_ms, {time_s} AS time,
       {place} AS place, {quantity} AS quantity, unit,
       revision_before, revision, value_before, value, received_ms
FROM (
    SELECT version.*, received_ms,
           lag(value) OVER held AS value_before,
           lag(revision) OVER held AS revision_before
    FROM (
        SELECT superseded.series, t_ms, revision, batch, {number} AS value
        FROM superseded JOIN series ON series.id = superseded.series
        UNION ALL
        SELECT sample.series, sample.t_ms, booking.revision, booking.batch,
               {number} AS value
        FROM (SELECT DISTINCT series AS old, t_ms AS at_ms FROM superseded) AS once
        JOIN sample ON sample.series = once.old AND sample.t_ms = once.at_ms
        JOIN series ON series.id = sample.series
        JOIN booking ON booking.source = series.source
            AND booking."window" = series.subject AND booking.t_ms = sample.t_ms
    ) AS version
    JOIN batch ON batch.id = version.batch
    WINDOW held AS (PARTITION BY series, t_ms ORDER BY revision, epoch, seq)
) AS following
JOIN series ON series.id = following.series
JOIN source ON source.id = series.source
WHERE revision_before IS NOT NULL AND (value_before <> value) AND name <> 'revision';
CREATE VIEW event_log AS
SELECT source.uuid AS source, site, t_ms, {time} AS time,
       fields ->> 'kind' AS kind, fields ->> 'subject' AS subject,
       fields ->> 'text' AS text, fields
FROM entry
JOIN source ON source.id = entry.source
WHERE name = 'events';
CREATE VIEW record AS
SELECT source.uuid AS source, site, name AS "table", t_ms, {time} AS time, fields
FROM entry
JOIN source ON source.id = entry.source
WHERE name <> 'events';
-- What each site is, as it said last: all rows of one time are one configuration.
CREATE VIEW configuration AS
SELECT record.source, site, record."table", record.t_ms, time, fields
FROM record
JOIN (
    SELECT source, "table", max(t_ms) AS t_ms FROM record
    WHERE "table" LIKE 'config/%' GROUP BY source, "table"
) AS latest
    ON latest.source = record.source AND latest."table" = record."table"
    AND latest.t_ms = record.t_ms;
CREATE VIEW meter AS
SELECT source, site, t_ms, time,
       fields ->> 'meter' AS meter, fields ->> 'name' AS name,
       fields ->> 'bus' AS bus, fields ->> 'unit' AS unit,
       fields ->> 'serial' AS serial, fields ->> 'map' AS "map",
       fields ->> 'class' AS accuracy_class
FROM configuration WHERE "table" = 'config/meters';
CREATE VIEW factor AS
SELECT source, site, t_ms, time,
       fields ->> 'origin' AS origin, fields ->> 'view' AS "view",
       CAST(fields ->> 'value' AS {float}) AS kg, fields ->> 'unit' AS unit,
       fields ->> 'factor' AS factor, fields ->> 'revision' AS revision,
       CAST(fields ->> 'from' AS {int}) AS from_ms,
       CAST(fields ->> 'until' AS {int}) AS until_ms,
       fields ->> 'status' AS status, fields ->> 'source' AS reference
FROM record WHERE "table" = 'config/factors';
CREATE VIEW health AS
SELECT record.source, site, record."table", record.t_ms, time, fields
FROM record
JOIN (
    SELECT source, "table", max(t_ms) AS t_ms FROM record
    WHERE "table" LIKE 'health/%' GROUP BY source, "table"
) AS latest
    ON latest.source = record.source AND latest."table" = record."table"
    AND latest.t_ms = record.t_ms;
CREATE VIEW stream AS
SELECT uuid AS source, site, epoch, stream, count(*) AS batches,
       sum(samples) AS samples, max(seq) AS last,
       sum(CASE clock WHEN 'unsynced' THEN 1 ELSE 0 END) AS unsynced,
       sum(skipped) AS skipped, max(t1_ms) AS newest_ms, max(received_ms) AS received_ms
FROM batch
JOIN source ON source.id = batch.source
GROUP BY uuid, site, epoch, stream;
CREATE VIEW lost AS
SELECT DISTINCT uuid AS source, site, epoch, stream, first, last, reason
FROM gap
JOIN batch ON batch.id = gap.batch
JOIN source ON source.id = batch.source;
-- Numbers below a stream's last that neither came nor are declared lost.
CREATE VIEW missing AS
SELECT uuid AS source, site, epoch, stream, reached + 1 AS first,
       CASE WHEN start > top THEN top ELSE start - 1 END AS last
FROM (
    SELECT source, epoch, stream, start,
           coalesce(max(until) OVER (
               PARTITION BY source, epoch, stream ORDER BY start, until
               ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
           ), 0) AS reached,
           max(seen) OVER (PARTITION BY source, epoch, stream) AS top
    FROM (
        SELECT source, epoch, stream, seq AS start, seq AS until, seq AS seen FROM batch
        UNION ALL
        SELECT source, epoch, stream, first, last, 0
        FROM gap JOIN batch ON batch.id = gap.batch
    ) AS covered
) AS followed
JOIN source ON source.id = followed.source
WHERE start > reached + 1 AND reached < top
"""
