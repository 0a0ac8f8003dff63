import { describe, expect, test } from "vitest";
import { scanRecords } from "./record-scanner.ts";

/** The records of a text that comes in chunks of a size. */
async function scan(text: string, chunkSize: number) {
  const bytes = Buffer.from(text);
  async function* chunks() {
    for (let i = 0; i < bytes.length; i += chunkSize) yield bytes.subarray(i, i + chunkSize);
  }
  const found = [];
  for await (const span of scanRecords("data.json", chunks())) {
    expect(bytes.subarray(span.offset, span.offset + span.length)).toEqual(span.bytes);
    found.push([span.record, JSON.parse(span.bytes.toString())]);
  }
  return found;
}

const records = [{ a: 'brace } in "a" \\ string ]' }, { b: [1, { c: "ü→" }] }, {}];
const expected = records.map((record, index) => [index + 1, record]);

describe.each([1, 2, 7, 4096])("in chunks of %d bytes", (size) => {
  test("finds the records of an array", async () => {
    expect(await scan(JSON.stringify(records), size)).toEqual(expected);
    expect(await scan(`\ufeff ${JSON.stringify(records, null, 2)}\n`, size)).toEqual(expected);
  });

  test("finds the records of lines, numbered as an editor numbers them", async () => {
    expect(await scan(records.map((record) => JSON.stringify(record)).join("\n"), size)).toEqual(expected);
    expect(await scan('\n{"a":1}\r\n\n{"b":2}\n', size)).toEqual([
      [2, { a: 1 }],
      [4, { b: 2 }],
    ]);
  });
});

test("an empty array has no records", async () => {
  expect(await scan(" [ ] ", 2)).toEqual([]);
});

test.each([
  ["nothing", "", /data\.json: expected records, got an empty file/],
  ["blanks", " \n ", /an empty file/],
  ["a number", "12", /\[ or \{ as its first character, got "1"$/],
  ["an array that is not closed", '[{"a":1}', /record 1: expected the \] that closes the array, got the end/],
  ["a record that is not closed", '[{"a":1},{"b":', /record 2: expected its closing \} \(it begins at byte 9\)/],
  ["a quote that is not closed", '[{"a":1},{"b":"x},{"c":1}]', /record 2: expected its closing/],
  ["a missing comma", '[{"a":1} {"b":2}]', /record 1: expected a comma or \] behind it, got "\{"/],
  ["a comma too many", '[{"a":1},]', /record 1: expected another record behind the comma that follows it, got "\]"/],
  ["a record that is no object", '[{"a":1},"b"]', /record 2: expected an object, got """/],
  ["something behind the array", "[{}] {}", /nothing behind the \]/],
])("refuses %s", async (_what, text, message) => {
  await expect(scan(text, 3)).rejects.toThrow(message);
});
