"""The receiver's views: what reports should read, the same in each database."""

#: Words in braces differ between databases.
VIEWS = """
CREATE VIEW reading AS
SELECT source.uuid AS source, site, subject AS meter, "group", name AS point, unit,
       t_ms, {time} AS time, {number} AS value, {text} AS text
FROM sample
JOIN series ON series.id = sample.series AND kind = 'readings'
JOIN source ON source.id = series.source;
-- Booked quantities: place and quantity are the name's parts around its first colon.
CREATE VIEW ledger AS
SELECT source.uuid AS source, site, subject AS "window", t_ms, {time_s} AS time,
       {place} AS place, {quantity} AS quantity,
       unit, {number} AS value, {booked} AS booked, exponent
FROM sample
JOIN series ON series.id = sample.series AND kind = 'ledger'
JOIN source ON source.id = series.source;
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
WHERE name <> 'events'
"""
