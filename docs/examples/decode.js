// A decoder of Zerometer's batches, format 1, after docs/batch-format.md; it needs @msgpack/msgpack.
// decode(bytes) returns {header, tables, skipped}, or throws an Error with a `code`. What a number cannot
// hold stays a BigInt; no value is null. It skips `delta` and `constant`, which only old batches have.
const { createHash } = require("node:crypto"), { inflateRawSync } = require("node:zlib");
const msgpack = require("@msgpack/msgpack");
const MAX_BYTES = 2 ** 24, FREE_BYTES = 2 ** 20, MAX_RATIO = 256, MAX_VALUES = 2 ** 22;
const check = (right, code) => { if (!right) throw Object.assign(new Error(code), { code }); };
function unpack(bytes, malformed) {
  check(bytes.length <= MAX_BYTES, "too-large");
  try {
    return msgpack.decode(bytes, { useBigInt64: true });
  } catch (error) {
    check(!(error instanceof RangeError), /^Extra/.test(error.message) ? "surplus-bytes" : "truncated");
    check(false, malformed);
  }
}
const isMap = (v) => Object.prototype.toString.call(v) === "[object Object]";
const isCount = (v, least = 0) => (typeof v === "bigint" || Number.isInteger(v)) && v >= least && v < 2 ** 53;
const isText = (v, least = 0, most = 128) => typeof v === "string" && v.length >= least && v.length <= most;
const isBin = (v, size) => v instanceof Uint8Array && v.length === (size ?? v.length);
const isGap = (v) => Array.isArray(v) && v.length === 3 && isCount(v[0], 1) && isCount(v[1], v[0]) && isText(v[2]);
function checkHeader(h) {
  const bins = isBin(h.source, 16) && isBin(h.epoch, 8) && isBin(h.boot, 16) && isBin(h.sha256, 32)
    && (h.prev == null || isBin(h.prev, 32)), texts = isText(h.site) && isText(h.stream, 1) && isText(h.config)
    && isText(h.codec, 1) && ["synced", "unsynced"].includes(h.clock), counts = isCount(h.seq, 1) && isCount(h.t0)
    && isCount(h.t1, h.t0) && ["rows", "samples", "length"].every((key) => isCount(h[key]))
    && (h.offset == null || isCount(h.offset, 1 - 2 ** 53)), lists = Array.isArray(h.gaps) && h.gaps.every(isGap)
    && Array.isArray(h.factors) && h.factors.every((factor) => isText(factor));
  check(bins && texts && counts && lists, "bad-header");
}
const crcBit = (crc) => (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
const crc32 = (bytes) => ~bytes.reduce((crc, byte) => Array(8).fill().reduce(crcBit, crc ^ byte), ~0) >>> 0;
function inflate(body, length) {
  check(length <= Math.min(Math.max(FREE_BYTES, body.length * MAX_RATIO), MAX_BYTES), "too-large");
  try {
    const { buffer, engine } = inflateRawSync(body, { maxOutputLength: length || 1, info: true });
    if (engine.bytesWritten === body.length) return buffer;
  } catch (error) { check(error.code !== "ERR_BUFFER_TOO_LARGE", "bad-length"); }
  check(false, "bad-deflate");
}
class Reader { // of numbers that stand one after the other
  constructor(bytes) { Object.assign(this, { bytes, at: 0 }); }
  varint() {
    const start = this.at;
    while (this.bytes[this.at++] > 127 && this.at - start < 10);
    check(this.at <= this.bytes.length, "truncated-column");
    const groups = this.bytes.subarray(start, this.at), last = groups.at(-1);
    const code = groups.reduceRight((sum, byte) => (sum << 7n) | BigInt(byte & 127), 0n);
    check(last < 128 && (last || groups.length === 1) && code < 1n << 64n, "overlong-varint");
    return code;
  }
  integers(count, order) {
    let last = 0n, slope = 0n;
    return Array.from({ length: count }, (_, row) => {
      const code = this.varint(), stored = code & 1n ? ~(code >> 1n) : code >> 1n;
      const value = BigInt.asIntN(64, stored + [0n, last, last + slope][order]);
      slope = row ? value - last : 0n;
      return (last = value);
    });
  }
  floats(count, size) {
    check(this.bytes.length - this.at >= count * size, "truncated-column");
    const view = new DataView(this.bytes.buffer, this.bytes.byteOffset + this.at);
    this.at += count * size;
    return Array.from({ length: count }, (_, row) => view[`getFloat${size * 8}`](row * size, true));
  }
  linear(rows) { // what a linear column stores, and what it refers to
    const head = this.varint(), form = Number(head & 3n), back = Number(head >> 3n);
    const [factor] = head & 4n ? this.floats(1, 4) : [];
    check(factor === undefined || (back && Number.isFinite(factor)), "bad-reference");
    const stored = this.integers(form < 3 ? rows : Math.min(rows, 1), form % 3);
    return { back, factor, stored: form < 3 ? stored : Array(rows).fill(stored[0]) };
  }
  static all(bytes, read) { // what *read* takes out of a reader, which must be all
    const reader = new Reader(bytes), result = read(reader);
    check(reader.at === bytes.length, "surplus-column");
    return result;
  }
}
function readNulls(bytes, rows) { // whether each row lacks a value
  const runs = Reader.all(bytes, (reader) => reader.integers(bytes.filter((byte) => byte < 128).length, 0));
  check(runs.every((run, number) => run >= (number ? 1 : 0)), "bad-runs");
  check(runs.reduce((sum, run) => sum + run, 0n) === BigInt(rows), "bad-runs");
  return runs.flatMap((run, number) => Array(Number(run)).fill(number % 2 === 1));
}
function openColumn(entry, rows) {
  const { name, unit = "", exponent = 0, encoding, data, nulls, scale } = entry ?? {};
  check(typeof name === "string" && typeof encoding === "string", "bad-column");
  const [kind, bits] = /^(?:linear|array|float(32|64))$/.exec(encoding) ?? [];
  if (!kind) return { skipped: true };
  const column = { name, unit, exponent: Number(exponent), scale, rows, linear: kind === "linear" };
  const right = column.linear ? scale === undefined || (Number.isFinite(scale) && !column.exponent)
    : !column.exponent && (bits ? isBin(data) : Array.isArray(data) && data.length === rows && data.every((v) => Object(v) !== v));
  check(right && isText(unit, 0, Infinity) && isCount(exponent, -22) && exponent <= 22, "bad-column");
  check(nulls === undefined || (isBin(nulls) && kind !== "array"), "bad-column");
  return { ...column, nulls: nulls?.length && readNulls(nulls, rows),
    values: bits ? Reader.all(data, (reader) => reader.floats(rows, bits / 8)) : data };
}
function predict(column, number, all) { // gives a linear column its values
  const { back, factor, stored, scale } = column, other = back ? all[number - back] : { integers: stored };
  column.skipped = other?.skipped;
  check(column.skipped || other?.integers?.length === stored.length, "bad-reference");
  column.integers = back && !column.skipped ? stored.map((value, row) => {
    const near = factor === undefined ? 0 : Math.floor(factor * Number(other.integers[row]) + 0.5);
    check(near >= -(2 ** 63) && near < 2 ** 63, "bad-reference");
    return BigInt.asIntN(64, value + (factor === undefined ? other.integers[row] : BigInt(near)));
  }) : stored;
  column.values = column.integers.map((v) => scale !== undefined ? Number(v) * scale : isCount(v, 1 - 2 ** 53) ? Number(v) : v);
}
function openBody(bytes) {
  const body = unpack(bytes, "bad-body"), all = [], tables = [];
  check(isMap(body) && Array.isArray(body.tables) && isBin(body.values ?? bytes), "bad-body");
  for (const table of body.tables) {
    const { name, rows, columns } = table ?? {};
    check(typeof name === "string" && isCount(rows) && Array.isArray(columns) && columns.length >= (rows > 0), "bad-body");
    check(columns.length * Number(rows) <= MAX_VALUES, "too-large");
    tables.push({ name, rows: Number(rows), columns: columns.map((column) => openColumn(column, Number(rows))) });
    all.push(...tables.at(-1).columns);
  }
  const linear = all.filter((column) => column.linear), names = linear.map((column) => column.name);
  linear.sort((one, other) => names.indexOf(one.name) - names.indexOf(other.name));
  const fill = (reader) => linear.forEach((column) => Object.assign(column, reader.linear(column.rows)));
  Reader.all(body.values ?? new Uint8Array(), fill);
  for (const [number, column] of all.entries()) if (column.linear) predict(column, number, all);
  for (const table of tables) {
    table.columns = table.columns.filter((column) => !column.skipped).map(({ name, unit, exponent, values, nulls }) =>
      ({ name, unit, exponent, values: values.map((value, row) => nulls?.[row] ? null : value) }));
    check(new Set(table.columns.map(({ name }) => name)).size === table.columns.length, "bad-column");
  }
  return { tables, skipped: all.filter((column) => column.skipped).length };
}
exports.decode = (bytes) => {
  const outer = unpack(bytes, "bad-envelope"), [header, body] = Array.isArray(outer) ? outer : [];
  check(outer?.length >= 3 && isMap(header) && isBin(body), "bad-envelope");
  check(isCount(header.format, 1), "bad-header");
  check(header.format == 1, "newer-format");
  const end = Buffer.from(bytes.subarray(-5));
  check(end[0] === 0xce && end.readUInt32BE(1) === crc32(bytes.subarray(0, -5)), "bad-crc");
  checkHeader(header);
  check(createHash("sha256").update(body).digest().equals(header.sha256), "bad-hash");
  check(["none", "deflate"].includes(header.codec), "unknown-codec");
  const plain = header.codec === "deflate" ? inflate(body, Number(header.length)) : body;
  check(plain.length === Number(header.length), "bad-length");
  const { tables, skipped } = openBody(plain), columns = tables.flatMap((table) => table.columns);
  const samples = columns.filter(({ name }) => name !== "time").flatMap(({ values }) => values.filter((v) => v !== null));
  const rows = tables.reduce((sum, table) => sum + table.rows, 0);
  check(rows === Number(header.rows) && (skipped || samples.length === Number(header.samples)), "bad-body");
  return { header, tables, skipped };
};
