// Decodes every vector with the example decoder; prints those on which they differ.
// usage: node vectors.js DECODER VECTORS...   (NODE_PATH says where @msgpack/msgpack is)
"use strict";
const fs = require("node:fs");
const { decode } = require(process.argv[2]);

// What a decoder found, as the vectors have it.
function shown(value) {
  if (typeof value === "bigint") {
    return Number.isSafeInteger(Number(value)) ? Number(value) : { integer: String(value) };
  }
  if (typeof value === "number" && !Number.isFinite(value)) return { float: String(value) };
  return value;
}
function hex(value) {
  return value instanceof Uint8Array ? Buffer.from(value).toString("hex") : value;
}
function same(got, wanted) {
  if (wanted === null || typeof wanted !== "object") return Object.is(got, wanted);
  if (got === null || typeof got !== "object" || Array.isArray(got) !== Array.isArray(wanted)) return false;
  const keys = Object.keys(wanted);
  return Object.keys(got).length === keys.length && keys.every((key) => same(got[key], wanted[key]));
}
function asVector({ header, tables, skipped }, wanted) {
  const known = Object.keys(wanted.header).map((key) => [key, header[key]]);
  const deep = (value) => Array.isArray(value) ? value.map(deep) : shown(hex(value));
  const columns = (table) => table.columns.map((column) => ({ ...column, values: column.values.map(shown) }));
  return {
    header: Object.fromEntries(known.map(([key, value]) => [key, deep(value)])),
    tables: tables.map((table) => ({ name: table.name, columns: columns(table) })),
    skipped,
    signed_by: wanted.signed_by, // the example leaves signatures aside
  };
}
let count = 0;
for (const file of process.argv.slice(3)) {
  for (const vector of JSON.parse(fs.readFileSync(file, "utf-8"))) {
    let got = null, error = null;
    try {
      got = asVector(decode(Buffer.from(vector.hex, "hex")), vector.decoded ?? { header: {} });
    } catch (fault) {
      error = fault.code ?? fault.stack;
    }
    count += 1;
    if (error === vector.error && same(got, vector.decoded)) continue;
    console.log(`${vector.name}: error ${error}, not ${vector.error}`);
    if (got) console.log(`  ${JSON.stringify(got)}\n  ${JSON.stringify(vector.decoded)}`);
  }
}
console.log(`${count} vectors`);
