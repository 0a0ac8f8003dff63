/** The shortest end of each path that no other path has: `captions.json`, or `a/train.json` beside `b/train.json`. */
export function shortNames(paths: Iterable<string>): (path: string) => string {
  const all = [...new Set(paths)];
  const parts = new Map(all.map((path) => [path, path.split(/[\\/]/)]));
  const endOf = (path: string, length: number) => parts.get(path)!.slice(-length).join("/");
  const names = new Map<string, string>();
  for (const path of all) {
    const most = parts.get(path)!.length;
    let length = 1;
    while (length < most && all.some((other) => other !== path && endOf(other, length) === endOf(path, length)))
      length++;
    names.set(path, length === most ? path : endOf(path, length));
  }
  return (path) => names.get(path) ?? path;
}
