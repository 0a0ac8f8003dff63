/** True when two answers are the same but for surrounding white space, upper case and one period at the end. */
export function exactMatch(answer: string, expected: string): boolean {
  return normalised(answer) === normalised(expected);
}

function normalised(answer: string): string {
  return answer.trim().toLowerCase().replace(/\.$/, "").trimEnd();
}
